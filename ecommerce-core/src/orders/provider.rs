//! Who takes the money, and in which currencies and smallest amounts.

use crate::{Currency, Money, text};

text::words! {
    /// Who takes the money of a payment.
    pub enum ProviderName {
        /// Stripe (stripe.com).
        Stripe = "stripe",
        /// Paystack (paystack.com).
        Paystack = "paystack",
        /// Bank transfer, cash: an admin says when the money is there.
        Manual = "manual",
    }
}

/// Why a provider cannot take an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAccepted {
    Currency,
    Amount,
}

/// Currencies that Stripe counts in whole units (docs.stripe.com/currencies, "zero-decimal currencies").
const STRIPE_WHOLE: &[&str] =
    &["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];
/// Currencies that Stripe counts in thousandths, of which the last digit is 0.
const STRIPE_THOUSANDTHS: &[&str] = &["BHD", "JOD", "KWD", "OMR", "TND"];
/// The largest amount that Stripe takes, in its units: eight digits.
const STRIPE_MAX: i64 = 99_999_999;
/// The smallest amount that Stripe takes is about half a dollar; other currencies have their own, which Stripe tells at the call.
const STRIPE_MIN_USD: i64 = 50;

/// What Paystack takes, and the smallest amount of each in hundredths (paystack.com/docs/api, "supported currency").
const PAYSTACK: &[(&str, i64)] = &[("NGN", 5_000), ("USD", 200), ("GHS", 10), ("ZAR", 100), ("KES", 300), ("XOF", 100)];

impl ProviderName {
    /// Can the provider take this amount? Asked at checkout, before anybody is called.
    pub(crate) fn accepts(self, amount: Money) -> Result<(), NotAccepted> {
        let code = amount.currency().as_str();
        match self {
            Self::Manual => Ok(()),
            Self::Stripe => {
                let units = self.units(amount).ok_or(NotAccepted::Amount)?;
                let smallest = if code == "USD" { STRIPE_MIN_USD } else { 1 };
                let whole_enough = !STRIPE_THOUSANDTHS.contains(&code) || units % 10 == 0;
                if whole_enough && (smallest..=STRIPE_MAX).contains(&units) { Ok(()) } else { Err(NotAccepted::Amount) }
            }
            Self::Paystack => {
                let (_, smallest) = PAYSTACK.iter().find(|(known, _)| *known == code).ok_or(NotAccepted::Currency)?;
                let units = self.units(amount).ok_or(NotAccepted::Amount)?;
                if units >= *smallest { Ok(()) } else { Err(NotAccepted::Amount) }
            }
        }
    }

    /// The amount in the units that the provider counts in.
    pub(crate) fn units(self, amount: Money) -> Option<i64> {
        rescale(amount.minor(), amount.currency().digits(), self.digits(amount.currency()))
    }

    /// An amount that the provider tells, in its own units. `None` where the currency cannot hold it.
    pub(crate) fn money(self, units: i64, currency: Currency) -> Option<Money> {
        let minor = rescale(units, self.digits(currency), currency.digits())?;
        Money::new(minor, currency).ok()
    }

    /// How many digits the provider gives a currency: not always those of ISO 4217.
    fn digits(self, currency: Currency) -> u32 {
        let code = currency.as_str();
        match self {
            Self::Manual => currency.digits(),
            Self::Paystack => 2,
            Self::Stripe if STRIPE_WHOLE.contains(&code) => 0,
            Self::Stripe if STRIPE_THOUSANDTHS.contains(&code) => 3,
            // Of ISK and UGX, which have no minor units, Stripe wants hundredths that end in 00.
            Self::Stripe => 2,
        }
    }
}

/// The same amount with another number of digits; `None` where that would round it or is too large.
fn rescale(units: i64, from: u32, to: u32) -> Option<i64> {
    if to >= from {
        return units.checked_mul(10_i64.checked_pow(to - from)?);
    }
    let factor = 10_i64.checked_pow(from - to)?;
    (units % factor == 0).then_some(units / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: &str, currency: &str) -> Money {
        Money::parse(amount, currency.parse().unwrap()).unwrap()
    }

    #[test]
    fn each_provider_counts_in_its_own_digits() {
        for (provider, amount, currency, units) in [
            (ProviderName::Stripe, "10.50", "USD", 1050),
            (ProviderName::Stripe, "500", "JPY", 500),
            (ProviderName::Stripe, "1.250", "KWD", 1250),
            (ProviderName::Stripe, "500", "ISK", 50_000),
            (ProviderName::Stripe, "5", "UGX", 500),
            (ProviderName::Paystack, "10.50", "NGN", 1050),
            (ProviderName::Paystack, "500", "XOF", 50_000),
        ] {
            let money = money(amount, currency);
            assert_eq!(provider.units(money), Some(units), "{provider} {currency}");
            assert_eq!(provider.money(units, money.currency()), Some(money), "{provider} {currency}");
        }
        assert_eq!(ProviderName::Paystack.money(50_001, "XOF".parse().unwrap()), None, "XOF has no hundredths");
    }

    #[test]
    fn what_a_provider_does_not_take_is_known_before_it_is_called() {
        assert_eq!(ProviderName::Paystack.accepts(money("10.00", "EUR")), Err(NotAccepted::Currency));
        assert_eq!(ProviderName::Paystack.accepts(money("49.99", "NGN")), Err(NotAccepted::Amount));
        assert_eq!(ProviderName::Paystack.accepts(money("50.00", "NGN")), Ok(()));
        assert_eq!(ProviderName::Stripe.accepts(money("0.49", "USD")), Err(NotAccepted::Amount));
        assert_eq!(ProviderName::Stripe.accepts(money("0.50", "USD")), Ok(()));
        assert_eq!(ProviderName::Stripe.accepts(money("1.255", "KWD")), Err(NotAccepted::Amount));
        assert_eq!(ProviderName::Stripe.accepts(money("1000000.00", "USD")), Err(NotAccepted::Amount));
        assert_eq!(ProviderName::Manual.accepts(money("0.00", "USD")), Ok(()));
    }
}
