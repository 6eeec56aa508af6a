//! The money of an order as everybody may see it: attempts to pay, refunds, and what they add up to.

use serde::Serialize;

use crate::{Currency, Money, PaymentId, ProviderName, RefundId, Timestamp, text};

text::words! {
    /// How far an attempt to pay has come. It only moves forward: success beats all that came before and after.
    pub enum PaymentState {
        /// Begun; nothing was heard of it.
        Created = "created",
        /// The provider is working on it, perhaps for days.
        Processing = "processing",
        /// Declined, cancelled or never finished.
        Failed = "failed",
        /// The money was captured.
        Succeeded = "succeeded",
    }
}

text::words! {
    /// What became of captured money.
    pub enum Outcome {
        /// It paid its order.
        Applied = "applied",
        /// The order was already paid: it goes back.
        Duplicate = "duplicate",
        /// The order was cancelled: it goes back.
        OrderCancelled = "order_cancelled",
        /// The order had expired and its units were gone: it goes back.
        OutOfStock = "out_of_stock",
        /// Another amount or currency than was asked for: it goes back.
        Mismatch = "mismatch",
    }
}

text::words! {
    /// How the money of an order stands.
    pub enum PaymentStatus {
        /// No payment was applied.
        Unpaid = "unpaid",
        /// Paid.
        Paid = "paid",
        /// Paid, and a part paid back.
        PartiallyRefunded = "partially_refunded",
        /// Paid, and all paid back.
        Refunded = "refunded",
        /// Paid, and taken back by the customer's bank.
        ChargedBack = "charged_back",
    }
}

text::words! {
    /// How far a refund has come.
    pub enum RefundStatus {
        /// Owed; not sent to the provider yet, or waiting for a person where the provider is `manual`.
        Queued = "queued",
        /// Sent; the provider has not answered.
        Sent = "sent",
        /// The provider is working on it.
        Pending = "pending",
        /// Paid back.
        Succeeded = "succeeded",
        /// Given up: nothing was paid back and nothing is owed.
        Failed = "failed",
        /// The provider could not pay it back: a person must.
        NeedsAttention = "needs_attention",
    }
}

text::words! {
    /// Why money goes back.
    pub enum RefundReason {
        /// An admin asked for it.
        Requested = "requested",
        /// The order had been paid already.
        Duplicate = "duplicate",
        /// The order was cancelled.
        OrderCancelled = "order_cancelled",
        /// The order's units were gone.
        OutOfStock = "out_of_stock",
        /// Another amount or currency than was asked for.
        Mismatch = "mismatch",
        /// Made in the provider's dashboard.
        External = "external",
    }
}

impl Outcome {
    /// Why captured money with this outcome goes back; `None` where it stays.
    pub(crate) const fn refund_reason(self) -> Option<RefundReason> {
        match self {
            Self::Applied => None,
            Self::Duplicate => Some(RefundReason::Duplicate),
            Self::OrderCancelled => Some(RefundReason::OrderCancelled),
            Self::OutOfStock => Some(RefundReason::OutOfStock),
            Self::Mismatch => Some(RefundReason::Mismatch),
        }
    }
}

/// An attempt to pay an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Payment {
    /// The payment's id.
    pub id: PaymentId,
    /// Who takes the money.
    pub provider: ProviderName,
    /// What to look for at the provider: Stripe's `cs_` or `pi_` id, Paystack's reference, or what an admin noted.
    #[cfg_attr(feature = "openapi", schema(example = "cs_test_a1b2"))]
    pub reference: Option<String>,
    /// How far it has come.
    pub status: PaymentState,
    /// What became of the money, once it was captured.
    pub outcome: Option<Outcome>,
    /// What was asked for.
    pub amount: Money,
    /// The currency of what was asked for.
    pub currency: Currency,
    /// What was paid; null until then.
    pub captured: Option<Money>,
    /// The currency in which it was paid; null until then.
    pub captured_currency: Option<Currency>,
    /// What is known to have gone back, lost disputes included.
    pub refunded: Money,
    /// Where to send the customer to pay.
    #[cfg_attr(feature = "openapi", schema(example = "https://checkout.stripe.com/c/pay/cs_test_a1b2"))]
    pub checkout_url: Option<String>,
    /// What Stripe's own form in the page needs.
    pub client_secret: Option<String>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// Whether the customer's bank took the money back.
    #[serde(skip)]
    pub charged_back: bool,
}

impl Payment {
    /// An attempt of which nothing was heard.
    pub(crate) fn begun(id: PaymentId, provider: ProviderName, amount: Money, now: Timestamp) -> Self {
        let currency = amount.currency();
        Self {
            id,
            provider,
            reference: None,
            status: PaymentState::Created,
            outcome: None,
            amount,
            currency,
            captured: None,
            captured_currency: None,
            refunded: Money::zero(currency),
            checkout_url: None,
            client_secret: None,
            created_at: now,
            charged_back: false,
        }
    }

    /// The attempt as it was when it was begun. What the provider called it then is what it is still shown by.
    pub(super) fn into_begun(self) -> Self {
        let was_answered = self.checkout_url.is_some() || self.client_secret.is_some();
        Self {
            reference: self.reference.filter(|_| was_answered),
            status: PaymentState::Created,
            outcome: None,
            captured: None,
            captured_currency: None,
            refunded: Money::zero(self.currency),
            charged_back: false,
            ..self
        }
    }
}

/// Money that is owed back or was paid back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Refund {
    /// The refund's id.
    pub id: RefundId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
    /// The currency of the amount.
    pub currency: Currency,
    /// Why.
    pub reason: RefundReason,
    /// How far it has come.
    pub status: RefundStatus,
    /// When it was queued or first heard of.
    pub created_at: Timestamp,
}

/// How an order's money stands, told from its payments, and what was paid back of the one that was applied.
pub(crate) fn payment_status(payments: &[Payment], currency: Currency) -> (PaymentStatus, Money) {
    let applied = payments.iter().find(|payment| payment.outcome == Some(Outcome::Applied));
    let Some(payment) = applied else { return (PaymentStatus::Unpaid, Money::zero(currency)) };
    let status = match payment.captured {
        _ if payment.charged_back => PaymentStatus::ChargedBack,
        _ if payment.refunded.is_zero() => PaymentStatus::Paid,
        Some(captured) if payment.refunded == captured => PaymentStatus::Refunded,
        _ => PaymentStatus::PartiallyRefunded,
    };
    (status, payment.refunded)
}
