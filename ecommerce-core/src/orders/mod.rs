//! What was bought: a snapshot of names and prices, its three states, and what was paid and paid back for it.

mod api;
mod payment;
pub(crate) mod rows;
pub(crate) mod sql;

use serde::Serialize;

use crate::{Currency, Email, Money, Note, OrderId, ProductId, Quantity, StoreError, Timestamp, UserId, db, text};
pub(crate) use payment::payment_status;
pub use payment::{Outcome, Payment, PaymentState, PaymentStatus, Refund, RefundReason, RefundStatus};

text::words! {
    /// How far an order has come.
    pub enum OrderStatus {
        /// Its units are reserved while it waits to be paid.
        PendingPayment = "pending_payment",
        /// Paid: its units have left the stock.
        Paid = "paid",
        /// Called off by its customer or an admin.
        Cancelled = "cancelled",
        /// Not paid in time: its units are free again.
        Expired = "expired",
    }
}

text::words! {
    /// How far the goods have come.
    pub enum Fulfillment {
        /// Nothing was done yet.
        Unfulfilled = "unfulfilled",
        /// It is being packed.
        Processing = "processing",
        /// It is on its way.
        Shipped = "shipped",
        /// It arrived.
        Delivered = "delivered",
    }
}

impl Fulfillment {
    /// The one step that may follow.
    pub(crate) const fn next(self) -> Option<Self> {
        match self {
            Self::Unfulfilled => Some(Self::Processing),
            Self::Processing => Some(Self::Shipped),
            Self::Shipped => Some(Self::Delivered),
            Self::Delivered => None,
        }
    }
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Order {
    /// The order's id.
    pub id: OrderId,
    /// How far it has come.
    pub status: OrderStatus,
    /// How its money stands: computed from the payments, never set.
    pub payment_status: PaymentStatus,
    /// How far the goods have come.
    pub fulfillment: Fulfillment,
    /// What was bought, as it was called and priced at checkout.
    pub items: Vec<OrderItem>,
    /// The sum of the items.
    pub total: Money,
    /// The currency of the items and the total.
    pub currency: Currency,
    /// What is known to be paid back of the payment that paid the order.
    pub refunded_total: Money,
    /// Every attempt to pay, oldest first.
    pub payments: Vec<Payment>,
    /// What is owed back or was paid back, oldest first.
    pub refunds: Vec<Refund>,
    /// Until when the units are kept for it; null once nothing is reserved.
    pub reserved_until: Option<Timestamp>,
    /// Where to follow the parcel.
    #[cfg_attr(feature = "openapi", schema(example = "1Z999AA10123456784"))]
    pub tracking_number: Option<String>,
    /// What happened to it, oldest first.
    pub history: Vec<OrderEvent>,
    /// Whether a dispute about one of its payments is open.
    pub disputed: bool,
    /// Whose it is.
    pub customer: CustomerRef,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
}

impl Order {
    /// The order as it was when it was placed: what a repeated checkout answers, whatever happened since.
    pub(crate) fn into_placed(mut self, reserved_until: Option<Timestamp>) -> Self {
        self.status = OrderStatus::PendingPayment;
        self.payment_status = PaymentStatus::Unpaid;
        self.fulfillment = Fulfillment::Unfulfilled;
        self.refunded_total = Money::zero(self.currency);
        self.payments.truncate(1);
        self.payments = self.payments.into_iter().map(Payment::into_begun).collect();
        self.refunds.clear();
        self.reserved_until = reserved_until;
        self.tracking_number = None;
        self.history.truncate(1);
        self.disputed = false;
        self.updated_at = self.created_at;
        self
    }
}

/// A line of an order: a snapshot, whatever happens to the product later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderItem {
    /// The product's id.
    pub product_id: ProductId,
    /// What it was called at checkout.
    #[cfg_attr(feature = "openapi", schema(example = "Ceramic mug"))]
    pub name: String,
    /// What one piece cost at checkout.
    pub unit_price: Money,
    /// How many.
    pub quantity: Quantity,
    /// What all pieces cost.
    pub line_total: Money,
}

/// Something that happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderEvent {
    /// What happened, in one stable word.
    pub event: EventName,
    /// When.
    pub at: Timestamp,
    /// What there is to say about it.
    pub note: Option<String>,
}

text::words! {
    /// What can happen to an order.
    pub enum EventName {
        /// It was placed.
        Placed = "placed",
        /// Another attempt to pay was begun.
        PaymentStarted = "payment_started",
        /// An attempt to pay failed.
        PaymentFailed = "payment_failed",
        /// A payment paid it.
        Paid = "paid",
        /// Money arrived that could not be applied: see the refunds.
        PaymentNotApplied = "payment_not_applied",
        /// It was cancelled.
        Cancelled = "cancelled",
        /// It was not paid in time.
        Expired = "expired",
        /// It is being packed.
        Processing = "processing",
        /// It was sent.
        Shipped = "shipped",
        /// It arrived.
        Delivered = "delivered",
        /// A refund was asked for.
        RefundQueued = "refund_queued",
        /// Units went back into stock.
        Restocked = "restocked",
        /// Money went back to the customer.
        Refunded = "refunded",
        /// The customer disputes a payment.
        DisputeOpened = "dispute_opened",
        /// A dispute ended for the shop.
        DisputeWon = "dispute_won",
        /// A dispute ended for the customer.
        DisputeLost = "dispute_lost",
    }
}

/// The customer as an order shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRef {
    /// The account's id.
    pub id: UserId,
    /// The account's e-mail.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "ann@example.com"))]
    pub email: Email,
}

/// Which orders are wanted. The default wants all that one may see.
#[derive(Debug, Clone, Copy, Default)]
pub struct OrderFilter {
    /// Only orders that have come this far.
    pub status: Option<OrderStatus>,
    /// Only orders of this customer.
    pub user: Option<UserId>,
}

/// The next step of the goods.
#[derive(Debug, Clone)]
pub struct FulfillmentStep {
    /// The step: the one after the present.
    pub status: Fulfillment,
    /// Where to follow the parcel.
    pub tracking_number: Option<Note>,
    /// What there is to say about it.
    pub note: Option<Note>,
}

/// Why an order refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// No such order, or none that this party may see.
    #[error("there is no order {0}")]
    Unknown(OrderId),
    /// The order has not come so far, or too far, for this.
    #[error("{0}")]
    InvalidTransition(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl db::AsStoreError for OrderError {
    fn as_store_error(&self) -> Option<&StoreError> {
        if let Self::Store(error) = self { Some(error) } else { None }
    }
}
