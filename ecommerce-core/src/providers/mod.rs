//! Who takes the money: the trait that every payment provider fulfils, and the words in which the shop talks with them.
//!
//! Nothing here knows of HTTP but the clients of Stripe and Paystack, which are features of their own.

mod attempt;
mod error;
mod event;
#[cfg(any(feature = "stripe", feature = "paystack"))]
mod http;
#[cfg(any(feature = "stripe", feature = "paystack"))]
mod json;
#[cfg(feature = "paystack")]
mod paystack;
mod registry;
#[cfg(any(feature = "stripe", feature = "paystack"))]
mod signature;
#[cfg(feature = "stripe")]
mod stripe;
#[cfg(any(feature = "stripe", feature = "paystack"))]
mod units;

use async_trait::async_trait;

pub use attempt::{Attempt, AttemptLine, Begun, KnownAttempt, RefundAnswer, RefundOrder, SentRefund};
pub use error::{NotAccepted, ProviderError, WebhookError};
pub use event::{DisputeNews, DisputeStatus, EventContent, News, ProviderEvent, RefundNews, RefundProgress, Report, Subject};
#[cfg(any(feature = "stripe", feature = "paystack"))]
pub use http::ReturnUrls;
#[cfg(feature = "paystack")]
pub use paystack::Paystack;
pub(crate) use registry::Providers;
#[cfg(feature = "stripe")]
pub use stripe::{Stripe, StripeFlow};

use crate::{Money, ProviderName, Timestamp};

/// Somebody who takes money: begins payments, tells of them, and pays back.
///
/// The store does the bookkeeping: it writes down what it will ask before it asks, never asks inside a transaction, and
/// asks again with the same names when no answer came. A provider only has to translate, and to keep two promises:
///
/// - **the same attempt, begun twice, is one payment** at the provider (by an idempotency key made of
///   [`Attempt::payment`], say), or [`ProviderError::NameTaken`];
/// - **the same refund, ordered twice, pays back once** (by a key made of [`RefundOrder::refund`], or by looking for it
///   first when [`RefundOrder::sent_before`] says that it may be there).
///
/// Hand it to [`crate::StoreBuilder::provider`]. A whole one is in `examples/own_provider.rs`.
#[async_trait]
pub trait PaymentProvider: Send + Sync + 'static {
    /// Its name, as it stands in the database and in requests.
    fn name(&self) -> ProviderName;

    /// Is it set up, so that a checkout which names no provider may take it?
    fn is_configured(&self) -> bool {
        true
    }

    /// Can it be called? Where it cannot, a checkout answers no payment page and refunds stay queued.
    fn is_callable(&self) -> bool {
        true
    }

    /// Can it take this amount? Asked at checkout, before anybody is called.
    ///
    /// # Errors
    /// What it does not take.
    fn accepts(&self, total: Money) -> Result<(), NotAccepted>;

    /// Begins a payment: where the customer shall go, or what the page needs to take the money.
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn begin(&self, attempt: &Attempt) -> Result<Begun, ProviderError>;

    /// How the payment stands.
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn fetch(&self, attempt: &KnownAttempt) -> Result<Report, ProviderError>;

    /// Makes sure that the payment cannot be paid any more, where that is possible, and tells how it stands afterwards.
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn close(&self, attempt: &KnownAttempt) -> Result<Report, ProviderError>;

    /// Pays back.
    ///
    /// # Errors
    /// See [`ProviderError`]. A refusal makes the refund wait for a person.
    async fn refund(&self, order: &RefundOrder) -> Result<RefundAnswer, ProviderError>;

    /// How far a refund has come.
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn fetch_refund(&self, refund: &SentRefund) -> Result<RefundAnswer, ProviderError>;

    /// The bodies of events of that time, which ends now unless it says otherwise, oldest first: some may have been missed.
    /// Default: none, the provider keeps none.
    ///
    /// # Errors
    /// See [`ProviderError`]. Where the time was too long for one answer, a shorter one is asked for next.
    async fn missed_events(&self, _since: Timestamp, _until: Option<Timestamp>) -> Result<Vec<String>, ProviderError> {
        Ok(Vec::new())
    }

    /// The header in which it signs its webhooks, in lower case, such as `stripe-signature`. Default: it sends none, and is
    /// only asked.
    fn signature_header(&self) -> Option<&'static str> {
        None
    }

    /// Does the webhook come from the provider? Pure: `signatures` are all values of the header, `body` the raw bytes.
    ///
    /// # Errors
    /// [`WebhookError::NotConfigured`] without a secret, [`WebhookError::Signature`] when it does not fit.
    fn verify_webhook(&self, _signatures: &[&str], _body: &[u8], _now: Timestamp) -> Result<(), WebhookError> {
        Err(WebhookError::NotConfigured(self.name()))
    }

    /// Reads the body of an event whose signature was good. Pure, and tolerant: what is not known is no error.
    ///
    /// # Errors
    /// [`WebhookError::NotAnEvent`].
    fn read_event(&self, _body: &str) -> Result<ProviderEvent, WebhookError> {
        Err(WebhookError::NotAnEvent("its provider sends none"))
    }
}
