//! What Stripe takes, and how it counts.

use crate::{Currency, Money, NotAccepted, providers::units::Digits};

/// Currencies that Stripe counts in whole units (docs.stripe.com/currencies, "zero-decimal currencies").
const WHOLE: &[&str] = &["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];
/// Currencies that Stripe counts in thousandths, of which the last digit is 0.
const THOUSANDTHS: &[&str] = &["BHD", "JOD", "KWD", "OMR", "TND"];
/// Currencies that Stripe takes and counts in hundredths (docs.stripe.com/currencies, "presentment currencies").
const HUNDREDTHS: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BMD", "BND", "BOB", "BRL",
    "BSD", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CNY", "COP", "CRC", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP", "ETB", "EUR",
    "FJD", "FKP", "GBP", "GEL", "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "ISK", "JMD", "KES",
    "KGS", "KHR", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MKD", "MMK", "MNT", "MOP", "MUR", "MVR", "MWK",
    "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD",
    "RUB", "SAR", "SBD", "SCR", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "STN", "SZL", "THB", "TJS", "TOP", "TRY", "TTD", "TWD",
    "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "WST", "XCD", "XCG", "YER", "ZAR", "ZMW",
];
/// The largest amount that Stripe takes, in its units: eight digits.
const MAX: i64 = 99_999_999;
/// The smallest amount that Stripe takes is about half a dollar; other currencies have their own, which Stripe tells at the call.
const MIN_USD: i64 = 50;

pub(super) const DIGITS: Digits = Digits(digits);

fn digits(currency: Currency) -> u32 {
    let code = currency.as_str();
    if WHOLE.contains(&code) {
        0
    } else if THOUSANDTHS.contains(&code) {
        3
    } else {
        // Of ISK and UGX, which have no minor units, Stripe wants hundredths that end in 00.
        2
    }
}

/// Can Stripe take this total?
pub(super) fn accepts(total: Money) -> Result<(), NotAccepted> {
    let code = total.currency().as_str();
    if ![WHOLE, THOUSANDTHS, HUNDREDTHS].iter().any(|known| known.contains(&code)) {
        return Err(NotAccepted::Currency);
    }
    let smallest = if code == "USD" { MIN_USD } else { 1 };
    match units(total) {
        Some(units) if (smallest..=MAX).contains(&units) => Ok(()),
        _ => Err(NotAccepted::Amount),
    }
}

/// The amount as Stripe writes it; `None` where it cannot.
pub(super) fn units(amount: Money) -> Option<i64> {
    let whole_enough = |units: &i64| !THOUSANDTHS.contains(&amount.currency().as_str()) || units % 10 == 0;
    DIGITS.units(amount).filter(whole_enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: &str, currency: &str) -> Money {
        Money::parse(amount, currency.parse().unwrap()).unwrap()
    }

    #[test]
    fn stripe_counts_in_its_own_digits() {
        for (amount, currency, wanted) in [
            ("10.50", "USD", 1050),
            ("500", "JPY", 500),
            ("500", "XOF", 500),
            ("1.250", "KWD", 1250),
            ("500", "ISK", 50_000),
            ("5", "UGX", 500),
        ] {
            let money = money(amount, currency);
            assert_eq!(units(money), Some(wanted), "{currency}");
            assert_eq!(DIGITS.money(wanted, money.currency()), Some(money), "{currency}");
        }
    }

    #[test]
    fn what_stripe_does_not_take_is_known_before_it_is_called() {
        assert_eq!(accepts(money("0.49", "USD")), Err(NotAccepted::Amount));
        assert_eq!(accepts(money("0.50", "USD")), Ok(()));
        assert_eq!(accepts(money("5", "IRR")), Err(NotAccepted::Currency));
        assert_eq!(accepts(money("1.255", "KWD")), Err(NotAccepted::Amount));
        assert_eq!(accepts(money("1000000.00", "USD")), Err(NotAccepted::Amount));
    }
}
