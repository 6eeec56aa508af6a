//! Amounts: what is taken is exact to the last digit, what is printed is read back, and everything else is refused.
//!
//! The input is a currency and an amount: `USD 12.50`. A currency that there is not counts as USD.

#![no_main]

use ecommerce_core::{Currency, Money, MoneyError, parse_decimal};
use libfuzzer_sys::fuzz_target;
use rust_decimal::Decimal;

fuzz_target!(|input: &str| {
    let (code, text) = input.split_once(' ').unwrap_or(("", input));
    let currency = code.parse::<Currency>().or_else(|_| "USD".parse()).expect("USD is a currency");
    reads_exactly(text, currency);
    if let Ok(decimal) = text.parse::<Decimal>() {
        takes_exactly(decimal, currency);
    }
});

/// Reading agrees with a reader of its own, which knows nothing but digits.
fn reads_exactly(text: &str, currency: Currency) {
    let read = Money::parse(text, currency);
    assert_eq!(read.ok().map(Money::minor), minor(text, currency.digits()), "{text:?} in {currency}: {read:?}");
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    match read {
        Ok(money) => {
            assert_eq!(Money::parse(&money.to_string(), currency), Ok(money), "{money:?} is printed as another amount");
            let same = parse_decimal(text).expect("an amount is a decimal");
            assert_eq!(Money::from_decimal(same, currency), Ok(money));
        }
        Err(MoneyError::NotDecimal) => assert!(!is_decimal(unsigned), "{text:?} is a decimal"),
        Err(MoneyError::Negative) => assert!(text.starts_with('-') && is_decimal(unsigned), "{text:?} is not a negative decimal"),
        Err(_) => assert!(is_decimal(text), "{text:?} is no decimal at all"),
    }
}

/// A decimal, however it came about, becomes money only where nothing of it is lost.
fn takes_exactly(decimal: Decimal, currency: Currency) {
    if let Ok(money) = Money::from_decimal(decimal, currency) {
        assert_eq!(money.to_decimal(), decimal, "{currency}");
        assert!((0..=Money::MAX_MINOR).contains(&money.minor()));
        assert_eq!(money.times(3), money.plus(money).and_then(|twice| twice.plus(money)));
    }
}

/// The minor units of a text, counted digit by digit.
fn minor(text: &str, digits: u32) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let missing = usize::try_from(digits).ok()?.checked_sub(fraction.len())?;
    let units: i128 = format!("{whole}{fraction}{}", "0".repeat(missing)).parse().ok()?;
    is_decimal(text).then_some(i64::try_from(units).ok()?).filter(|units| *units <= Money::MAX_MINOR)
}

/// `0`, `12` or `12.50`.
fn is_decimal(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction) && (whole == "0" || !whole.starts_with('0'))
}
