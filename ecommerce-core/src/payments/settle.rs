//! The pure rules of captured money: what becomes of it, and what its refunds come to.
//!
//! Events arrive in any order and more than once, so nothing here depends on what came first: reports only move
//! upwards, and every amount is computed anew from all that was reported so far.

use crate::{Money, OrderStatus, Outcome, RefundId, RefundProgress, RefundReason, RefundStatus};

/// What becomes of captured money, by the order's status of this moment.
pub(super) fn outcome(status: OrderStatus, total: Money, captured: Money, units_are_there: bool) -> Outcome {
    match status {
        _ if captured != total => Outcome::Mismatch,
        OrderStatus::PendingPayment => Outcome::Applied,
        OrderStatus::Paid => Outcome::Duplicate,
        OrderStatus::Cancelled => Outcome::OrderCancelled,
        OrderStatus::Expired if units_are_there => Outcome::Applied,
        OrderStatus::Expired => Outcome::OutOfStock,
    }
}

/// What is known of one refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RefundFact {
    pub(super) id: RefundId,
    pub(super) reason: RefundReason,
    /// What was asked for, or what the provider told of; 0 when it is not wanted any more.
    pub(super) asked: i64,
    /// Whether the provider was asked and has not answered.
    pub(super) sent: bool,
    pub(super) reported: Option<RefundProgress>,
    /// The provider's name for it.
    pub(super) reference: Option<String>,
    /// Paid back by hand.
    pub(super) done: bool,
}

impl RefundFact {
    /// Made in the provider's dashboard, and told of by itself.
    pub(super) fn is_external(&self) -> bool {
        self.reason == RefundReason::External
    }

    /// Stands for what was paid back in all beyond the refunds that were told of one by one.
    pub(super) fn is_remainder(&self) -> bool {
        self.is_external() && self.reported.is_none()
    }

    /// One of ours that the provider was asked for.
    pub(super) fn was_ordered(&self) -> bool {
        !self.is_external() && !self.done && (self.sent || self.reported.is_some())
    }

    /// Owed, and nobody was asked yet.
    fn is_owed(&self) -> bool {
        !self.is_external() && !self.sent && !self.done && self.reported.is_none()
    }
}

/// What the refunds of one payment come to, in minor units of the captured currency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Settlement {
    /// What is known to have gone back, lost disputes included.
    pub(super) refunded: i64,
    /// The amount and status of every refund but the remainder.
    pub(super) refunds: Vec<(RefundId, i64, RefundStatus)>,
    /// What was paid back in the provider's dashboard and told of only as a part of the total.
    pub(super) remainder: i64,
    /// What neither went back nor is owed.
    pub(super) kept: i64,
    /// What could still be asked back: what is kept, less what is on its way back from the provider's dashboard.
    pub(super) left: i64,
}

/// Works out the refunds of a payment.
///
/// `told_in_all` is the largest total that the provider told, `charged_back` the sum of lost disputes.
/// Refunds that are owed shrink to what is left. One that is wholly overtaken has succeeded: what overtook it counts
/// as that refund, and no longer as one of the dashboard's.
///
/// What has gone back, lost disputes and what is owed never come to more than was captured. A refund of the dashboard's
/// that pends or bounced takes nothing away from what is owed: the shop did not ask for it, and it may come to nothing.
pub(super) fn settle(captured: i64, told_in_all: i64, charged_back: i64, facts: &[RefundFact]) -> Settlement {
    let charged_back = charged_back.clamp(0, captured);
    let mut covered_by_dispute = charged_back;
    let (mut told, mut remainder) = told_refunds(captured, told_in_all.clamp(0, captured), facts);

    // What has gone back comes first, then what the provider has in hand, then what it may have, and what it refused.
    let mut room = captured - charged_back - remainder;
    told.sort_by_key(|(fact, status)| (certainty(*status), fact.is_external(), fact.reference.clone(), fact.id));
    let mut settled: Vec<(&RefundFact, i64, RefundStatus)> = Vec::with_capacity(facts.len());
    let mut on_its_way = 0;
    for (fact, status) in told {
        let counts = status == RefundStatus::Succeeded || !fact.is_external();
        let amount = if counts { take(&mut room, fact.asked) } else { fact.asked.clamp(0, captured) };
        if !counts && status == RefundStatus::Pending {
            on_its_way += amount;
        }
        settled.push((fact, amount, status));
    }
    let gone_back = settled.iter().filter(|(.., status)| *status == RefundStatus::Succeeded).map(|(_, amount, _)| amount);
    let refunded = (remainder + charged_back + gone_back.sum::<i64>()).min(captured);

    // Then what is owed, as far as there is anything left.
    let mut owed: Vec<_> = facts.iter().filter(|fact| fact.is_owed()).collect();
    owed.sort_by_key(|fact| fact.id);
    for fact in owed {
        let amount = take(&mut room, fact.asked);
        if fact.asked == 0 {
            settled.push((fact, 0, RefundStatus::Failed));
        } else if amount > 0 {
            settled.push((fact, amount, RefundStatus::Queued));
        } else {
            let mut open = fact.asked - take(&mut remainder, fact.asked);
            let is_absorbed = |(fact, _, status): &&mut (&RefundFact, i64, RefundStatus)| {
                fact.is_external() && !fact.done && *status == RefundStatus::Succeeded
            };
            for (_, amount, _) in settled.iter_mut().filter(is_absorbed) {
                open -= take(amount, open);
            }
            open -= take(&mut covered_by_dispute, open);
            settled.push((fact, fact.asked - open, RefundStatus::Succeeded));
        }
    }
    let refunds = settled.into_iter().map(|(fact, amount, status)| (fact.id, amount, status)).collect();
    Settlement { refunded, refunds, remainder, kept: room, left: (room - on_its_way).max(0) }
}

/// The refunds that the provider knows of, and how far each has come; and what its total says beyond them.
///
/// The total proves refunds of which nothing better was heard: those that pend (a card's may never be told of again)
/// and those whose answer was lost.
fn told_refunds(captured: i64, told_in_all: i64, facts: &[RefundFact]) -> (Vec<(&RefundFact, RefundStatus)>, i64) {
    let mut told: Vec<_> =
        facts.iter().filter(|fact| !fact.is_owed() && !fact.is_remainder()).map(|fact| (fact, told_status(fact))).collect();
    told.sort_by_key(|(fact, _)| (fact.reported.is_none(), fact.reference.clone(), fact.id));
    let in_total = told.iter().filter(|(fact, _)| match fact.reported {
        Some(RefundProgress::Succeeded) => true,
        // It bounced; without a name it was refused, and never was a part of any total.
        Some(RefundProgress::NeedsAttention) => fact.reference.is_some(),
        Some(RefundProgress::Pending) | None => false,
    });
    let explained = in_total.fold(0_i64, |sum, (fact, _)| sum.saturating_add(fact.asked)).min(captured);
    let mut rest = told_in_all.saturating_sub(explained).max(0);
    for (fact, status) in &mut told {
        if matches!(status, RefundStatus::Pending | RefundStatus::Sent) && fact.asked <= rest {
            rest -= fact.asked;
            *status = RefundStatus::Succeeded;
        }
    }
    (told, rest)
}

/// Takes up to `wanted` out of `from`, and says how much it was.
fn take(from: &mut i64, wanted: i64) -> i64 {
    let taken = wanted.clamp(0, (*from).max(0));
    *from -= taken;
    taken
}

/// How sure it is that a refund takes its share of what was captured, the surest first.
const fn certainty(status: RefundStatus) -> u8 {
    match status {
        RefundStatus::Succeeded => 0,
        RefundStatus::Pending => 1,
        RefundStatus::Sent => 2,
        RefundStatus::Queued | RefundStatus::Failed | RefundStatus::NeedsAttention => 3,
    }
}

fn told_status(fact: &RefundFact) -> RefundStatus {
    match fact.reported {
        _ if fact.done => RefundStatus::Succeeded,
        Some(RefundProgress::Succeeded) => RefundStatus::Succeeded,
        Some(RefundProgress::NeedsAttention) => RefundStatus::NeedsAttention,
        Some(RefundProgress::Pending) => RefundStatus::Pending,
        None => RefundStatus::Sent,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fact(id: i64, reason: RefundReason, asked: i64, reported: Option<RefundProgress>) -> RefundFact {
        let reference = (reason == RefundReason::External).then(|| format!("re_{id}"));
        RefundFact { id: RefundId::new(id).unwrap(), reason, asked, sent: false, reported, reference, done: false }
    }

    fn amounts(settlement: &Settlement) -> Vec<(i64, RefundStatus)> {
        settlement.refunds.iter().map(|(_, amount, status)| (*amount, *status)).collect()
    }

    #[test]
    fn what_becomes_of_money_depends_on_its_order() {
        use OrderStatus::{Cancelled, Expired, Paid, PendingPayment};
        let money = |minor, currency: &str| Money::new(minor, currency.parse().unwrap()).unwrap();
        let total = money(1000, "USD");
        for (status, units_are_there, expected) in [
            (PendingPayment, false, Outcome::Applied),
            (Paid, true, Outcome::Duplicate),
            (Cancelled, true, Outcome::OrderCancelled),
            (Expired, true, Outcome::Applied),
            (Expired, false, Outcome::OutOfStock),
        ] {
            assert_eq!(outcome(status, total, total, units_are_there), expected, "{status}, {units_are_there}");
            for other in [money(999, "USD"), money(1001, "USD"), money(1000, "EUR")] {
                assert_eq!(outcome(status, total, other, units_are_there), Outcome::Mismatch, "{status}, {other:?}");
            }
        }
    }

    #[test]
    fn a_queued_refund_shrinks_to_what_is_left_and_is_done_when_nothing_is() {
        let owed = [fact(1, RefundReason::Mismatch, 1000, None)];
        let partly = settle(1000, 400, 0, &owed);
        assert_eq!((amounts(&partly), partly.remainder, partly.refunded), (vec![(600, RefundStatus::Queued)], 400, 400));
        let wholly = settle(1000, 1000, 0, &owed);
        assert_eq!((amounts(&wholly), wholly.remainder, wholly.refunded), (vec![(1000, RefundStatus::Succeeded)], 0, 1000));
    }

    #[test]
    fn a_lost_dispute_leaves_nothing_to_pay_back() {
        let lost = settle(1000, 0, 1000, &[fact(1, RefundReason::Duplicate, 1000, None)]);
        assert_eq!((amounts(&lost), lost.refunded, lost.left), (vec![(1000, RefundStatus::Succeeded)], 1000, 0));
    }

    #[test]
    fn a_refund_that_bounced_is_still_owed() {
        let refused = fact(1, RefundReason::Requested, 300, Some(RefundProgress::NeedsAttention));
        let told = [RefundFact { reference: Some("re_1".to_owned()), ..refused }];
        let settlement = settle(1000, 300, 0, &told);
        assert_eq!(amounts(&settlement), [(300, RefundStatus::NeedsAttention)]);
        assert_eq!((settlement.refunded, settlement.left), (0, 700));
        let done = [RefundFact { done: true, ..told[0].clone() }];
        assert_eq!(settle(1000, 300, 0, &done).refunded, 300);
    }

    #[test]
    fn a_refund_that_was_refused_explains_nothing_that_went_back() {
        let refused = [fact(1, RefundReason::Requested, 300, Some(RefundProgress::NeedsAttention))];
        let settlement = settle(1000, 300, 0, &refused);
        assert_eq!((settlement.refunded, settlement.remainder, settlement.left), (300, 300, 400));
        let done = [RefundFact { done: true, ..refused[0].clone() }];
        assert_eq!(settle(1000, 300, 0, &done).refunded, 600);
    }

    #[test]
    fn what_a_provider_has_in_hand_comes_before_what_it_may_not_have_heard_of() {
        let pending = fact(1, RefundReason::Requested, 200, Some(RefundProgress::Pending));
        let sent = RefundFact { sent: true, ..fact(2, RefundReason::OrderCancelled, 800, None) };
        let facts = [
            RefundFact { reference: Some("re_1".to_owned()), ..pending },
            sent,
            fact(3, RefundReason::External, 400, Some(RefundProgress::Succeeded)),
        ];
        let expected = [(400, RefundStatus::Succeeded), (200, RefundStatus::Pending), (400, RefundStatus::Sent)];
        assert_eq!(amounts(&settle(1000, 0, 0, &facts)), expected);
    }

    #[test]
    fn a_refund_of_the_dashboard_s_that_comes_to_nothing_takes_nothing_away() {
        for reported in [RefundProgress::Pending, RefundProgress::NeedsAttention] {
            let facts =
                [fact(1, RefundReason::OrderCancelled, 1000, None), fact(2, RefundReason::External, 1000, Some(reported))];
            let settlement = settle(1000, 0, 0, &facts);
            assert!(amounts(&settlement).contains(&(1000, RefundStatus::Queued)), "{settlement:?}");
            assert_eq!(settlement.refunded, 0);
        }
        let by_hand = RefundFact { done: true, ..fact(2, RefundReason::External, 1000, Some(RefundProgress::NeedsAttention)) };
        let settlement = settle(1000, 0, 0, &[fact(1, RefundReason::OrderCancelled, 1000, None), by_hand]);
        assert_eq!(
            (amounts(&settlement), settlement.refunded),
            (vec![(1000, RefundStatus::Succeeded), (0, RefundStatus::Succeeded)], 1000)
        );
    }

    #[test]
    fn what_is_on_its_way_cannot_be_asked_back_too() {
        for reason in [RefundReason::Requested, RefundReason::External] {
            let settlement = settle(1000, 0, 0, &[fact(1, reason, 300, Some(RefundProgress::Pending))]);
            assert_eq!((settlement.refunded, settlement.left), (0, 700), "{reason}");
        }
        let bounced = settle(1000, 0, 0, &[fact(1, RefundReason::External, 300, Some(RefundProgress::NeedsAttention))]);
        assert_eq!((bounced.refunded, bounced.left), (0, 1000));
    }

    #[test]
    fn what_has_gone_back_stands_and_overtakes_what_is_owed() {
        let dashboard = fact(2, RefundReason::External, 700, Some(RefundProgress::Succeeded));
        let sent = RefundFact { sent: true, ..fact(1, RefundReason::Requested, 600, None) };
        let settlement = settle(1000, 0, 0, &[sent, dashboard.clone()]);
        assert_eq!(amounts(&settlement), [(700, RefundStatus::Succeeded), (300, RefundStatus::Sent)]);
        assert_eq!(settlement.refunded, 700);

        // It counts as the one that was owed, and no longer as one of the dashboard's.
        let settlement = settle(700, 0, 0, &[fact(1, RefundReason::OrderCancelled, 700, None), dashboard]);
        assert_eq!(amounts(&settlement), [(0, RefundStatus::Succeeded), (700, RefundStatus::Succeeded)]);
        assert_eq!(settlement.refunded, 700);
    }

    #[test]
    fn a_lost_answer_is_found_in_the_total() {
        let sent = [RefundFact { sent: true, ..fact(1, RefundReason::Requested, 300, None) }];
        let settlement = settle(1000, 300, 0, &sent);
        assert_eq!((amounts(&settlement), settlement.remainder, settlement.left), (vec![(300, RefundStatus::Succeeded)], 0, 700));
    }

    fn any_facts() -> impl Strategy<Value = Vec<RefundFact>> {
        let reason = prop::sample::select(vec![RefundReason::Requested, RefundReason::OrderCancelled, RefundReason::External]);
        let reported = prop::option::of(prop::sample::select(RefundProgress::ALL));
        prop::collection::vec((reason, 0..500_i64, reported, any::<bool>()), 0..4).prop_map(|facts| {
            let mut room = 1000;
            facts
                .into_iter()
                .zip(1..)
                .map(|((reason, asked, reported, sent), id)| {
                    // The shop never asks for more than it has.
                    let asked = if reason == RefundReason::External { asked } else { asked.min(room) };
                    room -= if reason == RefundReason::External { 0 } else { asked };
                    let reported =
                        if reason == RefundReason::External { reported.or(Some(RefundProgress::Pending)) } else { reported };
                    RefundFact { sent: sent && reason != RefundReason::External, ..fact(id, reason, asked, reported) }
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn no_more_goes_back_than_came(told in 0..2000_i64, lost in 0..2000_i64, facts in any_facts()) {
            let settlement = settle(1000, told, lost, &facts);
            prop_assert!((0..=1000).contains(&settlement.refunded));
            prop_assert!(settlement.remainder >= 0 && settlement.left >= 0);
            prop_assert!(settlement.refunds.iter().all(|(_, amount, _)| *amount >= 0));
            let is_ours = |id: &RefundId| facts.iter().any(|fact| fact.id == *id && !fact.is_external());
            let open = settlement.refunds.iter().filter(|(id, _, status)| *status != RefundStatus::Succeeded && is_ours(id));
            let open: i64 = open.map(|(_, amount, _)| amount).sum();
            prop_assert!(open + settlement.refunded <= 1000, "{settlement:?}");
        }

        #[test]
        fn the_order_in_which_things_became_known_does_not_matter(told in 0..1500_i64, lost in 0..500_i64, facts in any_facts()) {
            let backwards: Vec<_> = facts.iter().rev().cloned().collect();
            let (one, other) = (settle(1000, told, lost, &facts), settle(1000, told, lost, &backwards));
            prop_assert_eq!((one.refunded, one.remainder), (other.refunded, other.remainder));
        }

        #[test]
        fn money_that_is_not_applied_goes_back_to_the_last_cent(told in 0..1500_i64, lost in 0..1500_i64) {
            let settlement = settle(1000, told, lost, &[fact(1, RefundReason::Duplicate, 1000, None)]);
            let owed: i64 = settlement.refunds.iter().filter(|(.., status)| *status == RefundStatus::Queued).map(|(_, amount, _)| amount).sum();
            prop_assert_eq!(owed + settlement.refunded, 1000);
        }
    }
}
