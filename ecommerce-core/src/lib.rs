//! A shop as a library: accounts, catalog, cart, checkout, orders and payments, on one SQLite file or on PostgreSQL.
//!
//! Everything is a call of a [`Store`]. Each call is one transaction: it happens as a whole or not at all, and what was
//! answered survives a crash. What a role may do is checked by the compiler: a call for admins takes an [`Admin`], which
//! only the store can give.
//!
//! A whole sale:
//!
//! ```
//! use ecommerce_core::{CartLine, CheckoutRequest, Money, NewProduct, OrderStatus, Quantity, Registration, Store};
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Store::open("sqlite::memory:").await?;
//! let shop = store.system();
//!
//! // Something to sell: money is whole minor units with their currency.
//! let mug = NewProduct::new("Ceramic mug".parse()?, Money::parse("12.50", store.currency())?, 10);
//! let mug = store.product_create(shop.admin(), mug).await?;
//!
//! // Somebody who buys: the token is theirs, the session is found by it at every request.
//! let ann = Registration { email: "ann@example.com".parse()?, password: "correct horse".parse()?, name: None };
//! let token = store.register(ann).await?.token;
//! let ann = store.authenticate(token.reveal()).await?;
//!
//! // The units are reserved at checkout and leave the stock when the order is paid.
//! store.cart_add(ann.customer(), &[CartLine { product: mug.id, quantity: Quantity::new(2)? }]).await?;
//! let order = store.checkout(ann.customer(), &CheckoutRequest::default()).await?.order;
//! assert_eq!((order.status, order.total.to_string()), (OrderStatus::PendingPayment, "25.00".to_owned()));
//!
//! let order = store.order_confirm_payment(shop.admin(), order.id, None).await?;
//! assert_eq!(order.status, OrderStatus::Paid);
//! assert_eq!(store.product(mug.id, None).await?.stock, 8);
//! assert!(store.audit().await?.is_healthy());
//! # Ok(()) }
//! ```
//!
//! Who takes the money is a [`PaymentProvider`]: [`Stripe`], [`Paystack`], or one of your own, handed to
//! [`StoreBuilder::provider`]. They tell of payments by webhooks: [`Store::webhook_receive`]. Time and chance come in as
//! parameters of [`Store::builder`], too, so that tests move the clock instead of sleeping.

mod accounts;
mod audit;
mod backoff;
mod cart;
mod catalog;
mod checkout;
mod db;
mod doctor;
mod email;
mod error;
mod id;
mod money;
mod orders;
mod outbox;
mod page;
mod payments;
mod provider_name;
mod providers;
mod rights;
mod store;
mod text;
mod time;
mod worker;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "openapi")]
mod openapi;

pub use accounts::{AccountError, Password, Registration, Role, Session, SignedIn, Token, TokenSource, User};
pub use audit::{AuditAction, AuditEntry, AuditFilter, AuditKind, AuditSubject, AuditUser};
pub use cart::{Cart, CartError, CartItem, CartLine, MAX_LINES, ProductRef, Shortage};
pub use catalog::{
    Attributes, CatalogError, Category, CategoryChange, CategoryCount, CategoryRef, Expect, FacetName, Facets, Found,
    ImportReport, ImportRow, Look, MAX_STOCK, Movement, MovementReason, NewCategory, NewProduct, Ordering, PriceRange, Product,
    ProductChange, ProductFilter, Revision, StockReport, SuggestedProduct, Suggestions, ValueCount,
};
pub use checkout::{Checkout, CheckoutError, CheckoutRequest, IdempotencyKey};
pub use db::{DatabaseCall, DatabaseFault, DatabaseFaults};
pub use doctor::{AuditReport, Finding};
pub use email::Email;
pub use error::{Invalid, InvalidField, StoreError};
pub use id::{AuditEntryId, CategoryId, MovementId, OrderId, PaymentEventId, PaymentId, ProductId, RefundId, UserId};
pub use money::{Currency, Money, MoneyError, parse_decimal};
pub use orders::{
    CustomerRef, EventName, Fulfillment, FulfillmentStep, Order, OrderError, OrderEvent, OrderFilter, OrderItem, OrderStatus,
    Outcome, Payment, PaymentState, PaymentStatus, Refund, RefundReason, RefundStatus,
};
pub use page::{CountIs, Page, PageRequest};
pub use payments::{PaymentError, PaymentEvent, PaymentEventStatus, Reconciliation, RefundRequest};
pub use provider_name::{OtherProvider, ProviderName};
#[cfg(feature = "paystack")]
pub use providers::Paystack;
#[cfg(any(feature = "stripe", feature = "paystack"))]
pub use providers::ReturnUrls;
pub use providers::{
    Attempt, AttemptLine, Begun, DisputeNews, DisputeStatus, EventContent, KnownAttempt, News, NotAccepted, PaymentProvider,
    ProviderError, ProviderEvent, RefundAnswer, RefundNews, RefundOrder, RefundProgress, Report, SentRefund, Subject,
    WebhookError,
};
#[cfg(feature = "stripe")]
pub use providers::{Stripe, StripeFlow};
pub use rights::{Admin, Customer, Forbidden, Party, System};
pub use store::{Limits, Store, StoreBuilder};
pub use text::{Description, Name, Note, Quantity, Sku};
pub use time::{Clock, ManualClock, SystemClock, Timestamp};

#[doc(hidden)]
pub use db::Sql;

/// The README's code runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Every statement of the store, for the test that prepares each on both engines.
#[doc(hidden)]
pub fn statements() -> Vec<Sql> {
    [
        outbox::ALL,
        audit::sql::ALL,
        accounts::sql::ALL,
        catalog::sql::ALL,
        catalog::search::sql::ALL,
        catalog::search::lists::ALL,
        catalog::categories::sql::ALL,
        cart::sql::ALL,
        orders::sql::ALL,
        orders::rows::ALL,
        checkout::sql::ALL,
        payments::sql::ALL,
        payments::inbox::sql::ALL,
        payments::calls::ALL,
        doctor::sql::ALL,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn every_text_of_several_writes_is_a_program_that_sqlite_takes() {
        let texts = crate::statements().into_iter().map(|sql| sql.sqlite);
        // Those of carts, checkouts and payments.
        assert_eq!(crate::db::become_programs(texts).await, 5);
    }
}
