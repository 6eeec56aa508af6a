//! The pure rules of when a provider is asked, and what.
//!
//! Nothing counts its tries: whatever waited for a while is asked again after as long a while, within bounds.

use std::time::Duration;

use crate::{OrderStatus, PaymentState, Timestamp};

/// Who begins a call has this long to note its answer; after that it is taken for dead, and another takes the call up.
pub(super) const LEASE: Duration = Duration::from_secs(45);
/// How long a customer waits for a payment to begin.
pub(super) const BEGIN_WITHIN: Duration = Duration::from_secs(4);
/// How long a call in the background may take: less than the lease.
pub(super) const CALL_WITHIN: Duration = Duration::from_secs(20);
/// How long, from its beginning, a payment is asked about that nobody told of.
const ASK_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long an order waits, from its beginning, while a payment is being processed.
const PROCESSING: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long an order that has run out waits for a provider that does not answer.
const SILENCE: Duration = Duration::from_secs(24 * 3600);

/// What is known of a payment that its provider may be asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) status: PaymentState,
    /// Whether the amount was told by the success itself.
    pub(super) is_exact: bool,
    /// Whether the provider has a name for it: then it has begun.
    pub(super) is_known: bool,
    /// Whether a refund or a dispute of it was heard of: then it was paid, whatever else is known.
    pub(super) is_proven: bool,
    /// Whether no other attempt was made after it.
    pub(super) is_latest: bool,
    pub(super) order: OrderStatus,
    pub(super) created_at: Timestamp,
    /// When the first attempt to pay the order was made.
    pub(super) first_at: Timestamp,
}

/// What the provider is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// To begin it: nobody knows whether it has.
    Begin,
    /// How it stands.
    Fetch,
    /// To let nobody pay it any more: its order does not wait for it.
    Close,
}

impl Standing {
    /// What the provider is to be asked now, if anything.
    pub(super) fn call(&self) -> Option<Call> {
        let waits = self.order == OrderStatus::PendingPayment;
        match self.status {
            PaymentState::Succeeded => (!self.is_exact).then_some(Call::Fetch),
            PaymentState::Created if !self.is_known => (waits && self.is_latest).then_some(Call::Begin),
            _ if !self.is_known => None,
            _ => Some(if waits { Call::Fetch } else { Call::Close }),
        }
    }

    /// When the provider is asked again, as it now stands.
    pub(super) fn again(&self, now: Timestamp) -> Option<Timestamp> {
        let (since, first, longest) = match self.call()? {
            // An attempt that took another's place waits no less than that would have.
            Call::Begin => (self.first_at, Duration::from_secs(5), Duration::from_secs(600)),
            Call::Fetch | Call::Close => (self.created_at, Duration::from_secs(60), Duration::from_secs(6 * 3600)),
        };
        let age = now.since(since);
        // How much was captured is asked for until it is known.
        let is_worth_it = age < ASK_FOR || self.is_proven;
        is_worth_it.then(|| now.after(age.clamp(first, longest)))
    }
}

/// When a refund is ordered again that was ordered then, and of which nothing was heard.
pub(super) fn refund_again(sent_at: Timestamp, now: Timestamp) -> Timestamp {
    now.after(now.since(sent_at).clamp(Duration::from_secs(5), Duration::from_secs(600)))
}

/// When a refund is asked about again that was ordered then, and is on its way.
pub(super) fn pending_refund_again(sent_at: Timestamp, now: Timestamp) -> Timestamp {
    now.after(now.since(sent_at).clamp(Duration::from_secs(60), Duration::from_secs(6 * 3600)))
}

/// Until when an order keeps its units: as promised, and longer while a payment of it is being processed.
pub(super) fn waits_until(created_at: Timestamp, reserved_until: Timestamp, is_processing: bool) -> Timestamp {
    if is_processing { reserved_until.max(created_at.after(PROCESSING)) } else { reserved_until }
}

/// Until when an order goes on waiting that should have ended at `due`, while a provider gives no answer.
/// `None` when it has waited long enough.
pub(super) fn waits_in_silence(due: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let end = due.after(SILENCE);
    let pause = now.since(due).clamp(Duration::from_secs(30), Duration::from_secs(3600));
    (now < end).then(|| now.after(pause).min(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(status: PaymentState, order: OrderStatus) -> Standing {
        let created_at = Timestamp::from_micros(0);
        Standing {
            status,
            is_exact: true,
            is_known: true,
            is_proven: false,
            is_latest: true,
            order,
            created_at,
            first_at: created_at,
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(0).after(Duration::from_secs(seconds))
    }

    #[test]
    fn only_what_is_open_is_asked_about() {
        use OrderStatus::{Cancelled, Expired, Paid, PendingPayment};
        use PaymentState::{Created, Failed, Processing, Succeeded};
        for (status, order, call) in [
            (Created, PendingPayment, Some(Call::Fetch)),
            (Processing, PendingPayment, Some(Call::Fetch)),
            // The customer may try again on the same page.
            (Failed, PendingPayment, Some(Call::Fetch)),
            (Created, Paid, Some(Call::Close)),
            (Created, Cancelled, Some(Call::Close)),
            (Processing, Expired, Some(Call::Close)),
            (Succeeded, PendingPayment, None),
            (Succeeded, Paid, None),
        ] {
            assert_eq!(standing(status, order).call(), call, "{status} {order}");
        }
        let unknown = Standing { is_known: false, ..standing(Created, PendingPayment) };
        assert_eq!(unknown.call(), Some(Call::Begin));
        assert_eq!(Standing { is_latest: false, ..unknown }.call(), None, "the customer was given another");
        assert_eq!(Standing { order: Paid, ..unknown }.call(), None, "nobody was ever given its page");
        assert_eq!(Standing { status: Failed, ..unknown }.call(), None, "it came to nothing");
        assert_eq!(Standing { is_exact: false, ..standing(Succeeded, Paid) }.call(), Some(Call::Fetch));
    }

    #[test]
    fn what_waits_is_asked_about_less_and_less_and_then_no_more() {
        let open = standing(PaymentState::Created, OrderStatus::PendingPayment);
        let mut now = at(0);
        let mut calls = 0;
        while let Some(next) = open.again(now) {
            assert!(next.since(now) >= Duration::from_secs(60) && next.since(now) <= Duration::from_secs(6 * 3600));
            now = next;
            calls += 1;
        }
        assert!((20..60).contains(&calls), "{calls} calls");
        let week = 7 * 24 * 3600;
        assert_eq!(open.again(at(week - 1)), Some(at(week - 1 + 6 * 3600)));
        assert_eq!(open.again(at(week)), None);
        let unsure = Standing { is_exact: false, is_proven: true, ..standing(PaymentState::Succeeded, OrderStatus::Paid) };
        assert!(unsure.again(at(30 * 24 * 3600)).is_some(), "how much was captured must become known");
    }

    #[test]
    fn a_refund_is_asked_about_less_and_less() {
        let again: [fn(u64) -> Timestamp; 2] =
            [|age| refund_again(at(100), at(100 + age)), |age| pending_refund_again(at(100), at(100 + age))];
        for (age, pauses) in [(0, [5, 60]), (90, [90, 90]), (1000, [600, 1000]), (86_400, [600, 21_600])] {
            assert_eq!(again.map(|again| again(age)), pauses.map(|pause| at(100 + age + pause)), "after {age} s");
        }
    }

    #[test]
    fn an_order_waits_a_day_for_a_silent_provider() {
        assert_eq!(waits_in_silence(at(100), at(100)), Some(at(130)));
        assert_eq!(waits_in_silence(at(100), at(100 + 86_399)), Some(at(100 + 86_400)));
        assert_eq!(waits_in_silence(at(100), at(100 + 86_400)), None);
    }
}
