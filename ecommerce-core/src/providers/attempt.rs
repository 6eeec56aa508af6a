//! What providers are asked, and what they answer.

use std::time::Duration;

use super::RefundNews;
use crate::{Email, Money, OrderId, PaymentId, ProviderName, Quantity, RefundId, Timestamp};

/// A payment that shall begin. The same attempt is the same in every field but the last, however often it is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The id that goes out with it, and comes back with its events.
    pub payment: PaymentId,
    /// The order that it pays.
    pub order: OrderId,
    /// Who takes the money.
    pub provider: ProviderName,
    /// Chance in lower-case hexadecimal, for names that nobody ever used before.
    pub nonce: String,
    /// What is asked for.
    pub amount: Money,
    /// What is bought; the lines add up to the amount.
    pub lines: Vec<AttemptLine>,
    /// Whose it is.
    pub email: Email,
    /// When the attempt was made.
    pub created_at: Timestamp,
    /// Until when the units are kept, as promised at checkout.
    pub reserved_until: Timestamp,
    /// How long after it was made it is begun: nothing at first, more when it is begun again because no answer came.
    pub age: Duration,
}

/// A line of what is bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptLine {
    /// What it is called.
    pub name: String,
    /// What one piece costs.
    pub unit_price: Money,
    /// How many.
    pub quantity: Quantity,
}

/// What a provider answers when a payment has begun.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Begun {
    /// The provider's names for it, the most telling first.
    pub references: Vec<String>,
    /// Where to send the customer to pay.
    pub checkout_url: Option<String>,
    /// What the provider's form in the shop's own page needs.
    pub client_secret: Option<String>,
}

/// A payment that the provider knows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownAttempt {
    /// Our id of it.
    pub payment: PaymentId,
    /// The order that it pays.
    pub order: OrderId,
    /// The provider's names for it.
    pub references: Vec<String>,
}

impl KnownAttempt {
    /// The provider's name for it that begins so, where it may stand in the path of a URL as it is.
    pub fn reference(&self, prefix: &str) -> Option<&str> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'=');
        self.references.iter().map(String::as_str).find(|name| name.starts_with(prefix) && name.bytes().all(plain))
    }
}

/// Money that shall go back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefundOrder {
    /// Our id of the refund: the same id is the same refund.
    pub refund: RefundId,
    /// Of which payment.
    pub payment: KnownAttempt,
    /// How much.
    pub amount: Money,
    /// When it was ordered first: now, unless it was ordered before.
    pub ordered_at: Timestamp,
    /// How long ago that was, where no answer was heard. `None` when it was never ordered.
    pub sent_before: Option<Duration>,
}

/// A refund that the provider was ordered to make.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentRefund {
    /// Our id of it.
    pub refund: RefundId,
    /// What the provider called it.
    pub handle: String,
}

/// What a provider answers about a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundAnswer {
    /// How far it has come.
    pub news: RefundNews,
    /// What to ask for it by, where the provider gave it a name.
    pub handle: Option<String>,
}
