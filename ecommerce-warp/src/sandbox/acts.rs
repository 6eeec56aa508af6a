//! What customers, banks and the dashboard do to a payment, and what the provider tells of it.

use ecommerce_core::ProviderName;

use super::{
    books::{Books, Desk},
    held::{Dispute, Held, HeldDispute, HeldRefundStatus, HeldState, Kind, Refund, State},
    paystack, stripe,
};

/// Something that is done to a payment: the buttons of its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// The customer pays, by card.
    Pay,
    /// The customer's card is declined.
    Decline,
    /// The customer pays by a method that takes its time: the money is on its way.
    PayLate,
    /// What became of the money that was on its way.
    FinishLate {
        /// Whether it arrived.
        ok: bool,
    },
    /// The customer pays, and pays once more: a second payment that names the order, and no payment of the shop's.
    PayTwice,
    /// The customer's bank asks for the money back.
    Dispute,
    /// The dispute ends for the shop.
    WinDispute,
    /// The dispute ends for the customer.
    LoseDispute,
    /// Somebody pays so much back in the provider's dashboard, in the provider's units.
    RefundInDashboard(i64),
    /// The time to pay runs out. Paystack lets it never run out.
    Expire,
}

/// Why something could not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActError {
    /// There is no such payment.
    Unknown,
    /// It has not come so far, or is beyond it.
    NotNow,
}

impl std::fmt::Display for ActError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unknown => "there is no such payment",
            Self::NotNow => "the payment is not in a state for that",
        })
    }
}

impl std::error::Error for ActError {}

impl Act {
    /// Can it be done to the payment as it stands?
    pub(super) fn is_possible(self, held: &Held) -> bool {
        let is = held.state.is;
        let dispute = held.dispute.map(|dispute| dispute.is);
        let can_be_paid = matches!(is, HeldState::Open | HeldState::Declined);
        match self {
            Self::Pay | Self::Decline | Self::PayLate => can_be_paid,
            Self::FinishLate { .. } => is == HeldState::Underway,
            Self::PayTwice => can_be_paid || is == HeldState::Paid,
            Self::Dispute => dispute.is_none() && held.left() > 0,
            Self::WinDispute | Self::LoseDispute => dispute == Some(HeldDispute::Open),
            Self::RefundInDashboard(amount) => (1..=held.left()).contains(&amount),
            Self::Expire => can_be_paid && held.provider() == ProviderName::Stripe,
        }
    }
}

impl Books {
    /// Does it, and tells of it.
    pub(super) fn act(&mut self, name: &str, act: Act) -> Result<(), ActError> {
        let (held, desk) = self.find(name).ok_or(ActError::Unknown)?;
        if !act.is_possible(held) {
            return Err(ActError::NotNow);
        }
        match act {
            Act::Pay => pay(held, desk),
            Act::Decline => decline(held, desk),
            Act::PayLate => pay_late(held, desk),
            Act::FinishLate { ok } => finish_late(held, desk, ok),
            Act::PayTwice => {
                if held.state.is != HeldState::Paid {
                    pay(held, desk);
                }
                let mut second = once_more(held, desk);
                pay(&mut second, desk);
                self.insert(second);
            }
            Act::Dispute => open_dispute(held, desk),
            Act::WinDispute => close_dispute(held, desk, HeldDispute::Won),
            Act::LoseDispute => close_dispute(held, desk, HeldDispute::Lost),
            Act::RefundInDashboard(amount) => drop(self.pay_back(name, NewRefund::of(amount))),
            Act::Expire => close(held, desk),
        }
        Ok(())
    }

    /// Closes what nobody paid in time.
    pub(super) fn expire_overdue(&mut self) {
        while let Some((held, desk)) = self.next_overdue() {
            if Act::Expire.is_possible(held) {
                close(held, desk);
            }
        }
    }

    /// Makes a refund of what is left of the payment, and tells of it. Answers the payment, and the refund as it is first told.
    pub(super) fn pay_back(&mut self, name: &str, new: NewRefund) -> Option<(Held, Refund)> {
        let (held, desk) = self.find(name)?;
        let first = refund(held, desk, new);
        let held = held.clone();
        self.name_refund(&first.id, name);
        Some((held, first))
    }
}

/// A refund that is asked for.
#[derive(Default)]
pub(super) struct NewRefund {
    pub(super) amount: i64,
    pub(super) metadata: serde_json::Map<String, serde_json::Value>,
    pub(super) note: Option<String>,
}

impl NewRefund {
    fn of(amount: i64) -> Self {
        Self { amount, ..Self::default() }
    }
}

fn pay(held: &mut Held, desk: &mut Desk) {
    held.state = State { is: HeldState::Paid, was_tried: true, is_delayed: false };
    if held.kind == Kind::Session {
        desk.stripe(held, "checkout.session.completed", stripe::objects::session(held));
    }
    arrived(held, desk);
}

fn decline(held: &mut Held, desk: &mut Desk) {
    held.state = State { is: HeldState::Declined, was_tried: true, is_delayed: false };
    // Paystack is silent on failures.
    if held.provider() == ProviderName::Stripe {
        desk.stripe(held, "payment_intent.payment_failed", stripe::objects::intent(held));
    }
}

fn pay_late(held: &mut Held, desk: &mut Desk) {
    held.state = State { is: HeldState::Underway, was_tried: true, is_delayed: true };
    if held.kind == Kind::Session {
        desk.stripe(held, "checkout.session.completed", stripe::objects::session(held));
    }
    if held.provider() == ProviderName::Stripe {
        desk.stripe(held, "payment_intent.processing", stripe::objects::intent(held));
    }
}

fn finish_late(held: &mut Held, desk: &mut Desk, ok: bool) {
    held.state.is = if ok { HeldState::Paid } else { HeldState::Bounced };
    if held.kind == Kind::Session {
        let kind = if ok { "checkout.session.async_payment_succeeded" } else { "checkout.session.async_payment_failed" };
        desk.stripe(held, kind, stripe::objects::session(held));
    }
    if ok {
        arrived(held, desk);
    } else if held.provider() == ProviderName::Stripe {
        desk.stripe(held, "payment_intent.payment_failed", stripe::objects::intent(held));
    }
}

/// The money is there.
fn arrived(held: &Held, desk: &mut Desk) {
    if held.provider() == ProviderName::Paystack {
        return desk.paystack(held, "charge.success", &paystack::objects::transaction(held));
    }
    desk.stripe(held, "payment_intent.succeeded", stripe::objects::intent(held));
    desk.stripe(held, "charge.succeeded", stripe::objects::charge(held));
}

/// The same to pay once more, on a page that the shop does not know of.
fn once_more(held: &Held, desk: &mut Desk) -> Held {
    let tag = desk.tag();
    let id = match held.kind {
        Kind::Session => format!("cs_test_{tag}"),
        Kind::Intent => format!("pi_{tag}"),
        Kind::Transaction => format!("again-{tag}"),
    };
    let mut second = Held { id, tag, number: desk.number(), created: desk.now, ..held.clone() };
    second.metadata.remove("payment_id");
    second.intent_metadata.remove("payment_id");
    second.state = State::OPEN;
    second.refunds.clear();
    second.dispute = None;
    second
}

/// Nobody can pay it any more.
pub(super) fn close(held: &mut Held, desk: &mut Desk) {
    held.state.is = HeldState::Closed;
    match held.kind {
        Kind::Session => desk.stripe(held, "checkout.session.expired", stripe::objects::session(held)),
        Kind::Intent => desk.stripe(held, "payment_intent.canceled", stripe::objects::intent(held)),
        Kind::Transaction => {}
    }
}

fn open_dispute(held: &mut Held, desk: &mut Desk) {
    let dispute = Dispute { is: HeldDispute::Open, amount: held.left(), number: desk.number() };
    held.dispute = Some(dispute);
    match held.provider() {
        ProviderName::Stripe => desk.stripe(held, "charge.dispute.created", stripe::objects::dispute(held, dispute)),
        _ => desk.paystack(held, "charge.dispute.create", &paystack::objects::dispute(held, dispute)),
    }
}

fn close_dispute(held: &mut Held, desk: &mut Desk, is: HeldDispute) {
    let Some(dispute) = held.dispute.map(|dispute| Dispute { is, ..dispute }) else { return };
    held.dispute = Some(dispute);
    match held.provider() {
        ProviderName::Stripe => desk.stripe(held, "charge.dispute.closed", stripe::objects::dispute(held, dispute)),
        _ => desk.paystack(held, "charge.dispute.resolve", &paystack::objects::dispute(held, dispute)),
    }
}

/// Answers the refund as it is first told; by the end it has come as far as it will.
fn refund(held: &mut Held, desk: &mut Desk, new: NewRefund) -> Refund {
    let fails = desk.chance.fails_refund();
    let is_stripe = held.provider() == ProviderName::Stripe;
    // A card's refund at Stripe is done at once, as far as anybody can tell.
    let is_quick = is_stripe && !held.state.is_delayed && !fails;
    let first = Refund {
        id: if is_stripe { format!("re_{}", desk.tag()) } else { desk.number().to_string() },
        reference: desk.number(),
        amount: new.amount,
        status: if is_quick { HeldRefundStatus::Succeeded } else { HeldRefundStatus::Pending },
        metadata: new.metadata,
        note: new.note,
        created: desk.now,
    };
    let status = if fails { HeldRefundStatus::Failed } else { HeldRefundStatus::Succeeded };
    let last = Refund { status, ..first.clone() };
    held.refunds.push(last.clone());
    if is_stripe {
        desk.stripe(held, "refund.created", stripe::objects::refund(held, &first));
        if !fails {
            desk.stripe(held, "charge.refunded", stripe::objects::charge(held));
        }
        let kind = if fails { "refund.failed" } else { "refund.updated" };
        desk.stripe(held, kind, stripe::objects::refund(held, &last));
    } else {
        desk.paystack(held, "refund.pending", &paystack::objects::refund_event(held, &first));
        let kind = if fails { "refund.failed" } else { "refund.processed" };
        desk.paystack(held, kind, &paystack::objects::refund_event(held, &last));
    }
    first
}
