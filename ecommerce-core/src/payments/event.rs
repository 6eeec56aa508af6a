//! What a provider tells, in the store's own words, whoever told it.

use serde_json::Value;

use crate::{Currency, DisputeStatus, Money, OrderId, PaymentId, ProviderName, RefundId, text};

text::words! {
    /// A provider's last word on a refund. Of contradicting reports the later in this list wins.
    pub(crate) enum ReportedRefund {
        Pending = "pending",
        Succeeded = "succeeded",
        NeedsAttention = "needs_attention",
    }
}

/// An event as it was read from the raw bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// The provider's id of it, or what stands for one: the key of the inbox.
    pub(super) id: String,
    /// The provider's name for its kind.
    pub(super) kind: String,
    /// What it says; the reason where it cannot be understood.
    pub(super) content: Result<Content, &'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// Of a kind that is not used.
    Unused,
    /// News of a payment.
    News(Subject, News),
}

/// Which payment an event is about, as far as it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Subject {
    /// The id that we gave out with the payment.
    pub(super) payment: Option<PaymentId>,
    /// The order's id that we gave out.
    pub(super) order: Option<OrderId>,
    /// The provider's own names for it, the most telling first.
    pub(super) references: Vec<String>,
}

/// What happened to a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    Succeeded(Money),
    Processing,
    Failed,
    /// So much of the captured money was paid back in all.
    RefundedInAll {
        total: Money,
        captured: Money,
    },
    /// News of one refund.
    Refund(RefundNews),
    /// News of one dispute.
    Dispute(DisputeNews),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RefundNews {
    /// Our own id of it, when we asked for it.
    pub(super) id: Option<RefundId>,
    /// The provider's name for it, where it has one yet.
    pub(super) reference: Option<String>,
    pub(super) amount: Money,
    pub(super) status: ReportedRefund,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DisputeNews {
    /// The provider's name for it.
    pub(super) reference: String,
    pub(super) amount: Money,
    pub(super) status: DisputeStatus,
}

/// The longest text that is taken from an event: ids and references are far shorter.
const LONGEST: usize = 255;

/// A text of the event: not empty, without control characters, of bounded length. A whole number passes as its digits.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    let text = match value.get(key)? {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
        _ => return None,
    };
    (!text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control)).then_some(text)
}

/// A whole number of the event, written as a number or as text.
pub(super) fn units(value: &Value, key: &str) -> Option<i64> {
    text(value, key)?.parse().ok()
}

/// An amount of the event, in the units in which this provider counts this currency.
pub(super) fn money(provider: ProviderName, units: Option<i64>, currency: Option<String>) -> Result<Money, &'static str> {
    let units = units.ok_or("the amount is missing or not a whole number")?;
    let currency: Currency =
        currency.and_then(|code| code.to_ascii_uppercase().parse().ok()).ok_or("the currency is missing or unknown")?;
    provider.money(units, currency).ok_or("the amount is negative, too large or not whole in its currency")
}
