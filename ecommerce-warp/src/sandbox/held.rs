//! What a provider holds of a payment: what was asked for, what was paid, and what went back.

use ecommerce_core::{OrderId, PaymentId, ProviderName, RefundId, Timestamp};
use serde_json::{Map, Value};

/// A payment as the sandbox holds it. Amounts are in the provider's units.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldPayment {
    /// Who holds it.
    pub provider: ProviderName,
    /// Its first name: Stripe's session or intent, Paystack's reference. The payment page has it in its address.
    pub id: String,
    /// The shop's order, as the shop said in the metadata.
    pub order: Option<OrderId>,
    /// The shop's payment, as the shop said in the metadata.
    pub payment: Option<PaymentId>,
    /// What was asked for.
    pub amount: i64,
    /// In which currency, in capitals.
    pub currency: String,
    /// What was paid.
    pub captured: i64,
    /// What went back or is on its way back by refunds.
    pub refunded: i64,
    /// Every refund, oldest first.
    pub refunds: Vec<HeldRefund>,
    /// How its dispute stands, if there was one.
    pub dispute: Option<HeldDispute>,
    /// How far it has come.
    pub state: HeldState,
}

/// A refund as the sandbox holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldRefund {
    /// What the provider calls it.
    pub id: String,
    /// The shop's refund, as the shop said; `None` for one of the dashboard's.
    pub refund: Option<RefundId>,
    /// How much, in the provider's units.
    pub amount: i64,
    /// How far it has come.
    pub status: HeldRefundStatus,
}

/// How far a payment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldState {
    /// It can be paid.
    Open,
    /// It was declined, and can still be paid.
    Declined,
    /// Paid by a delayed method: the money is on its way.
    Underway,
    /// The money of a delayed method did not come.
    Bounced,
    /// Paid.
    Paid,
    /// Expired or cancelled: it cannot be paid any more.
    Closed,
}

/// How far a refund has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldRefundStatus {
    /// On its way.
    Pending,
    /// Paid back.
    Succeeded,
    /// It could not be paid back.
    Failed,
}

/// How a dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldDispute {
    /// The bank is asking.
    Open,
    /// The shop keeps the money.
    Won,
    /// The customer has the money back.
    Lost,
}

/// What a provider knows of a payment.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) kind: Kind,
    /// Paystack's number for it; also the order of age.
    pub(super) number: u64,
    /// What Stripe's names for it end with.
    pub(super) tag: String,
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) email: Option<String>,
    pub(super) lines: Vec<Line>,
    pub(super) metadata: Map<String, Value>,
    /// Stripe copies a session's metadata to its intent only where it was told to.
    pub(super) intent_metadata: Map<String, Value>,
    pub(super) client_reference_id: Option<String>,
    pub(super) success_url: Option<String>,
    pub(super) cancel_url: Option<String>,
    pub(super) created: Timestamp,
    pub(super) expires_at: Option<i64>,
    pub(super) state: State,
    pub(super) refunds: Vec<Refund>,
    pub(super) dispute: Option<Dispute>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Stripe's own page.
    Session,
    /// A form in the shop's page.
    Intent,
    /// Paystack's.
    Transaction,
}

/// How far it has come, and by which method.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) is: HeldState,
    /// Whether anybody tried to pay: before that, Stripe makes no intent for a session.
    pub(super) was_tried: bool,
    /// Whether by a method that takes its time, also on the way back.
    pub(super) is_delayed: bool,
}

#[derive(Clone)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) quantity: i64,
    pub(super) unit_amount: i64,
}

#[derive(Clone)]
pub(super) struct Refund {
    /// What the API calls it.
    pub(super) id: String,
    /// What Paystack's events call it, which is another number.
    pub(super) reference: u64,
    pub(super) amount: i64,
    pub(super) status: HeldRefundStatus,
    pub(super) metadata: Map<String, Value>,
    pub(super) note: Option<String>,
    pub(super) created: Timestamp,
}

#[derive(Clone, Copy)]
pub(super) struct Dispute {
    pub(super) is: HeldDispute,
    pub(super) amount: i64,
    /// Paystack's number for it.
    pub(super) number: u64,
}

impl Held {
    pub(super) fn provider(&self) -> ProviderName {
        if self.kind == Kind::Transaction { ProviderName::Paystack } else { ProviderName::Stripe }
    }

    /// Stripe's name for the intent.
    pub(super) fn intent(&self) -> String {
        format!("pi_{}", self.tag)
    }

    /// Stripe's name for the charge.
    pub(super) fn charge(&self) -> String {
        format!("ch_{}", self.tag)
    }

    /// Every name by which the API knows it.
    pub(super) fn names(&self) -> Vec<String> {
        match self.kind {
            Kind::Session | Kind::Intent => vec![self.id.clone(), self.intent(), self.charge()],
            Kind::Transaction => vec![self.id.clone(), self.number.to_string()],
        }
    }

    pub(super) fn captured(&self) -> i64 {
        if self.state.is == HeldState::Paid { self.amount } else { 0 }
    }

    /// What went back or is on its way back by refunds.
    pub(super) fn refunded(&self) -> i64 {
        self.refunds.iter().filter(|refund| refund.status != HeldRefundStatus::Failed).map(|refund| refund.amount).sum()
    }

    /// What can still go back.
    pub(super) fn left(&self) -> i64 {
        let taken = self.dispute.filter(|dispute| dispute.is != HeldDispute::Won).map_or(0, |dispute| dispute.amount);
        self.captured() - self.refunded() - taken
    }

    pub(super) fn told(&self) -> HeldPayment {
        let refunds = self.refunds.iter().map(|refund| HeldRefund {
            id: refund.id.clone(),
            refund: refund.ours(),
            amount: refund.amount,
            status: refund.status,
        });
        HeldPayment {
            provider: self.provider(),
            id: self.id.clone(),
            order: ours(&self.metadata, "order_id"),
            payment: ours(&self.metadata, "payment_id"),
            amount: self.amount,
            currency: self.currency.clone(),
            captured: self.captured(),
            refunded: self.refunded(),
            refunds: refunds.collect(),
            dispute: self.dispute.map(|dispute| dispute.is),
            state: self.state.is,
        }
    }
}

impl Refund {
    /// The shop's id of it: in Stripe's metadata or in Paystack's note.
    fn ours(&self) -> Option<RefundId> {
        let noted = || self.note.as_deref()?.strip_prefix("refund:")?.parse().ok();
        ours(&self.metadata, "refund_id").or_else(noted)
    }
}

impl State {
    pub(super) const OPEN: Self = Self { is: HeldState::Open, was_tried: false, is_delayed: false };
}

fn ours<T: std::str::FromStr>(metadata: &Map<String, Value>, name: &str) -> Option<T> {
    match metadata.get(name)? {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}
