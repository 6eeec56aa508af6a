//! Reading what providers write, tolerantly: a value of the wrong kind is a value that is not there.

use serde_json::Value;

use super::units::Digits;
use crate::{Currency, Money};

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
pub(super) fn money(digits: Digits, units: Option<i64>, currency: Option<String>) -> Result<Money, &'static str> {
    let units = units.ok_or("the amount is missing or not a whole number")?;
    let currency: Currency =
        currency.and_then(|code| code.to_ascii_uppercase().parse().ok()).ok_or("the currency is missing or unknown")?;
    digits.money(units, currency).ok_or("the amount is negative, too large or not whole in its currency")
}
