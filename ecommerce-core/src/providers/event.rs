//! What a provider tells, in the shop's own words, whoever told it and whether by an event or by an answer.

use crate::{Money, OrderId, PaymentId, RefundId, text};

text::words! {
    /// How far a refund has come, by the provider's word. Of contradicting reports the later in this list wins.
    pub enum RefundProgress {
        /// On its way.
        Pending = "pending",
        /// Paid back.
        Succeeded = "succeeded",
        /// It could not be paid back: a person must look.
        NeedsAttention = "needs_attention",
    }
}

text::words! {
    /// How a dispute stands. Of contradicting reports, lost beats won beats open.
    pub enum DisputeStatus {
        /// The bank is asking.
        Open = "open",
        /// The shop keeps the money.
        Won = "won",
        /// The customer has the money back.
        Lost = "lost",
    }
}

/// An event as it was read from the raw bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderEvent {
    /// The provider's id of it, or what stands for one: the same id is the same event.
    pub id: String,
    /// The provider's name for its kind.
    pub kind: String,
    /// What it says.
    pub content: EventContent,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventContent {
    /// It is of a kind that is not used.
    Unused,
    /// It cannot be understood, for this reason: a person must look.
    Unreadable(&'static str),
    /// News of a payment.
    News(Report),
}

/// News of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Of which payment.
    pub subject: Subject,
    /// What there is to tell.
    pub news: News,
}

/// Which payment is meant, as far as the provider says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The id that was given out with the payment.
    pub payment: Option<PaymentId>,
    /// The order's id that was given out.
    pub order: Option<OrderId>,
    /// The provider's own names for it, the most telling first.
    pub references: Vec<String>,
}

/// What happened to a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Nothing yet: it can be paid.
    Waiting,
    /// The provider is working on it, perhaps for days.
    Processing,
    /// It came to nothing. It may still succeed, where the provider lets the customer try again.
    Failed,
    /// So much was captured.
    Succeeded(Money),
    /// So much of the captured money was paid back in all.
    RefundedInAll {
        /// What was paid back.
        total: Money,
        /// What had been captured.
        captured: Money,
    },
    /// News of one refund.
    Refund(RefundNews),
    /// News of one dispute.
    Dispute(DisputeNews),
}

/// News of one refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundNews {
    /// Our own id of it, when we ordered it and the provider says so.
    pub id: Option<RefundId>,
    /// The provider's name for it, where it has one yet.
    pub reference: Option<String>,
    /// How much.
    pub amount: Money,
    /// How far it has come.
    pub status: RefundProgress,
    /// Whether it may be one of ours even though it does not say so: the provider's events do not name who ordered it.
    pub may_be_ours: bool,
}

/// News of one dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeNews {
    /// The provider's name for it.
    pub reference: String,
    /// How much is disputed.
    pub amount: Money,
    /// How it stands.
    pub status: DisputeStatus,
}
