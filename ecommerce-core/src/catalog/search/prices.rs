//! Prices as numbers that sort.

use rust_decimal::Decimal;

use crate::{Currency, Money};

/// The most digits after the point that a currency has (ISO 4217: CLF and UYW).
const PRICE_DIGITS: u32 = 4;

/// A price in ten-thousandths, whatever the digits of its currency: what lists sort by and are narrowed by.
/// Prices above 922 million millions, which only currencies without digits can have, count as equal.
pub(in crate::catalog) fn price_scaled(price: Money) -> i64 {
    let missing = PRICE_DIGITS.saturating_sub(price.currency().digits());
    price.minor().saturating_mul(10_i64.pow(missing))
}

/// The least [`price_scaled`] that is no less than a plain number.
pub(in crate::catalog) fn lowest_scaled(price: Decimal) -> i64 {
    scaled(price, |price| price.ceil())
}

/// The greatest [`price_scaled`] that is no more than a plain number.
pub(in crate::catalog) fn highest_scaled(price: Decimal) -> i64 {
    scaled(price, |price| price.floor())
}

/// What a [`price_scaled`] says, with at least the digits of a currency.
pub(in crate::catalog) fn unscaled(scaled: i64, currency: Currency) -> String {
    let mut price = Decimal::new(scaled, PRICE_DIGITS).normalize();
    if price.scale() < currency.digits() {
        price.rescale(currency.digits());
    }
    price.to_string()
}

fn scaled(price: Decimal, round: fn(Decimal) -> Decimal) -> i64 {
    let out_of_range = if price.is_sign_negative() { i64::MIN } else { i64::MAX };
    let exact = price.checked_mul(Decimal::from(10_u64.pow(PRICE_DIGITS)));
    exact.and_then(|exact| i64::try_from(round(exact)).ok()).unwrap_or(out_of_range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str, currency: &str) -> i64 {
        price_scaled(Money::parse(text, currency.parse().unwrap()).unwrap())
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn prices_of_all_currencies_sort_by_their_number() {
        assert_eq!(price("12.50", "USD"), 125_000);
        assert_eq!(price("12", "JPY"), 120_000);
        assert_eq!(price("12.505", "KWD"), 125_050);
        assert_eq!(price("12.5051", "CLF"), 125_051);
        assert_eq!(price("999999999999999", "JPY"), i64::MAX);
    }

    #[test]
    fn bounds_are_never_too_wide_and_never_an_error() {
        assert_eq!((lowest_scaled(decimal("9.99")), highest_scaled(decimal("9.99"))), (99_900, 99_900));
        assert_eq!((lowest_scaled(decimal("0.00001")), highest_scaled(decimal("0.00009"))), (1, 0));
        assert_eq!((lowest_scaled(Decimal::MAX), highest_scaled(Decimal::MIN)), (i64::MAX, i64::MIN));
        assert_eq!(highest_scaled(decimal("-0.00001")), -1);
    }

    #[test]
    fn a_price_is_written_in_the_digits_that_it_needs() {
        let usd = "USD".parse().unwrap();
        assert_eq!([125_000, 125_050, 0].map(|scaled| unscaled(scaled, usd)), ["12.50", "12.505", "0.00"]);
        assert_eq!(unscaled(120_000, "JPY".parse().unwrap()), "12");
    }
}
