//! Money that comes and goes: what providers tell, what becomes of it, and what is owed back.

mod api;
mod ask;
mod begin;
pub(crate) mod calls;
mod capture;
mod expire;
pub(crate) mod inbox;
mod merge;
mod pay_back;
mod reconcile;
mod schedule;
mod settle;
pub(crate) mod sql;
mod webhooks;

use serde::Serialize;

use crate::{
    InvalidField, OrderError, OrderId, PaymentEventId, ProviderName, RefundId, Shortage, StoreError, Timestamp, db, text,
};
pub use reconcile::Reconciliation;
pub(crate) use webhooks::NEWEST;

text::words! {
    /// What became of an event that a provider sent.
    pub enum PaymentEventStatus {
        /// It was acted upon.
        Processed = "processed",
        /// It is of a kind that is not used.
        Ignored = "ignored",
        /// It names no payment or order that is known; it is tried again when that becomes known.
        Unmatched = "unmatched",
        /// It cannot be understood: a person must look.
        Failed = "failed",
    }
}

/// An event as a provider sent it, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PaymentEvent {
    /// The event's id in the store.
    pub id: PaymentEventId,
    /// Who sent it.
    pub provider: ProviderName,
    /// The provider's id of it.
    pub event_id: String,
    /// The provider's name for its kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// What became of it.
    pub status: PaymentEventStatus,
    /// Why it was not acted upon.
    pub detail: Option<String>,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// A refund that an admin asks for.
#[derive(Debug, Clone, Default)]
pub struct RefundRequest {
    /// How much, as a plain number in the payment's currency; `None` for all that is left.
    pub amount: Option<rust_decimal::Decimal>,
    /// Why, for people.
    pub reason: Option<crate::Note>,
    /// Whether the units go back into stock; only together with all that is left.
    pub restock: bool,
}

/// Why a payment or a refund was refused. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PaymentError {
    /// The order refused.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// No such refund.
    #[error("there is no refund {0}")]
    UnknownRefund(RefundId),
    /// The order had expired and its units are gone.
    #[error("the units of order {0} are gone")]
    InsufficientStock(OrderId, Vec<Shortage>),
    /// A dispute is open: money does not go back twice.
    #[error("a dispute about the payment is open")]
    Disputed,
    /// The order has had too many attempts to be paid.
    #[error("an order may have at most {0} attempts to be paid")]
    TooManyPayments(u32),
    /// The provider does not take this currency.
    #[error("{0} does not take this currency")]
    CurrencyNotAccepted(ProviderName),
    /// The provider does not take such a small or large amount.
    #[error("{0} does not take this amount")]
    AmountNotAccepted(ProviderName),
    /// A field cannot be taken.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl db::AsStoreError for PaymentError {
    fn as_store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) | Self::Order(OrderError::Store(error)) => Some(error),
            _ => None,
        }
    }
}
