//! What Paystack takes, and how it counts.

use crate::{Money, NotAccepted, providers::units::Digits};

/// Hundredths of everything, also of XOF, which has none.
pub(super) const DIGITS: Digits = Digits(|_| 2);

/// What Paystack takes, and the smallest amount of each in hundredths (paystack.com/docs/api, "supported currency").
const SMALLEST: &[(&str, i64)] = &[("NGN", 5_000), ("USD", 200), ("GHS", 10), ("ZAR", 100), ("KES", 300), ("XOF", 100)];

/// Can Paystack take this total?
pub(super) fn accepts(total: Money) -> Result<(), NotAccepted> {
    let known = SMALLEST.iter().find(|(code, _)| *code == total.currency().as_str());
    let (_, smallest) = known.ok_or(NotAccepted::Currency)?;
    match DIGITS.units(total) {
        Some(units) if units >= *smallest => Ok(()),
        _ => Err(NotAccepted::Amount),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: &str, currency: &str) -> Money {
        Money::parse(amount, currency.parse().unwrap()).unwrap()
    }

    #[test]
    fn paystack_counts_in_hundredths() {
        for (amount, currency, units) in [("10.50", "NGN", 1050), ("500", "XOF", 50_000)] {
            let money = money(amount, currency);
            assert_eq!(DIGITS.units(money), Some(units), "{currency}");
            assert_eq!(DIGITS.money(units, money.currency()), Some(money), "{currency}");
        }
        assert_eq!(DIGITS.money(50_001, "XOF".parse().unwrap()), None, "XOF has no hundredths");
    }

    #[test]
    fn what_paystack_does_not_take_is_known_before_it_is_called() {
        assert_eq!(accepts(money("10.00", "EUR")), Err(NotAccepted::Currency));
        assert_eq!(accepts(money("49.99", "NGN")), Err(NotAccepted::Amount));
        assert_eq!(accepts(money("50.00", "NGN")), Ok(()));
    }
}
