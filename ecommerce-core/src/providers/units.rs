//! Amounts in the units in which a provider counts, which are not always those of ISO 4217.

use crate::{Currency, Money};

/// How many digits a provider gives each currency.
#[derive(Clone, Copy)]
pub(super) struct Digits(pub(super) fn(Currency) -> u32);

impl Digits {
    /// The amount in the provider's units; `None` where that would round it or is too large.
    pub(super) fn units(self, amount: Money) -> Option<i64> {
        rescale(amount.minor(), amount.currency().digits(), (self.0)(amount.currency()))
    }

    /// An amount that the provider tells, in its own units. `None` where the currency cannot hold it.
    pub(super) fn money(self, units: i64, currency: Currency) -> Option<Money> {
        let minor = rescale(units, (self.0)(currency), currency.digits())?;
        Money::new(minor, currency).ok()
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
