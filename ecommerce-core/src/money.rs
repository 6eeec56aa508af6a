//! Money: whole minor units with their ISO 4217 currency, and arithmetic that cannot go wrong silently.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use crate::text::text_column;

/// A currency of ISO 4217 that has minor units to count in (no gold, no test codes).
///
/// ```
/// use ecommerce_core::Currency;
/// let yen: Currency = "JPY".parse()?;
/// assert_eq!(yen.digits(), 0);
/// assert!("XAU".parse::<Currency>().is_err());
/// # Ok::<(), ecommerce_core::MoneyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    code: iso_currency::Currency,
    digits: u8,
}

impl Currency {
    /// The digits after the decimal point: 2 for USD, 0 for JPY, 3 for KWD (ISO 4217, "minor unit").
    pub fn digits(self) -> u32 {
        u32::from(self.digits)
    }

    /// The three-letter code, in capitals.
    pub fn as_str(&self) -> &'static str {
        self.code.code()
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        let unknown = || MoneyError::UnknownCurrency;
        let code = iso_currency::Currency::from_code(code).ok_or_else(unknown)?;
        let digits = code.exponent().and_then(|digits| u8::try_from(digits).ok()).ok_or_else(unknown)?;
        Ok(Self { code, digits })
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

text_column!(Currency);

/// An amount of money, never negative: minor units and their currency.
///
/// Parsing takes the currency's own number of digits or fewer, and nothing but digits and one point.
///
/// ```
/// use ecommerce_core::{Currency, Money};
/// let usd: Currency = "USD".parse()?;
/// let price = Money::parse("12.5", usd)?;
/// assert_eq!(price.minor(), 1250);
/// assert_eq!(price.times(3)?.to_string(), "37.50");
/// assert!(Money::parse("0.001", usd).is_err());
/// # Ok::<(), ecommerce_core::MoneyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why an amount of money was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoneyError {
    /// Not a plain decimal number such as `12.50`.
    #[error("must be a decimal number such as \"12.50\"")]
    NotDecimal,
    /// More digits after the point than the currency has.
    #[error("has more digits after the point than {0} has ({digits})", digits = .0.digits())]
    TooManyDigits(Currency),
    /// Below zero.
    #[error("must not be negative")]
    Negative,
    /// Above [`Money::MAX_MINOR`].
    #[error("is too large")]
    TooLarge,
    /// Two amounts of different currencies were put together.
    #[error("is in another currency")]
    CurrencyMismatch,
    /// No such currency in ISO 4217.
    #[error("must be a currency code of ISO 4217, such as USD")]
    UnknownCurrency,
}

impl Money {
    /// The largest amount, in minor units: ten million millions of a currency with two digits.
    /// A price times the largest quantity in a full cart stays far inside an `i64`.
    pub const MAX_MINOR: i64 = 999_999_999_999_999;

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The largest amount there is, in a currency.
    pub const fn largest(currency: Currency) -> Self {
        Self { minor: Self::MAX_MINOR, currency }
    }

    /// An amount of minor units.
    ///
    /// # Errors
    /// [`MoneyError::Negative`] and [`MoneyError::TooLarge`].
    pub const fn new(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        match minor {
            ..0 => Err(MoneyError::Negative),
            0..=Self::MAX_MINOR => Ok(Self { minor, currency }),
            _ => Err(MoneyError::TooLarge),
        }
    }

    /// Reads `12`, `12.5` or `12.50`: no sign, no exponent, no spaces, not more digits than the currency has.
    ///
    /// # Errors
    /// Any [`MoneyError`] that tells what is wrong with the text.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        Self::from_decimal(parse_decimal(text)?, currency)
    }

    /// An exact decimal as money: never rounded.
    ///
    /// # Errors
    /// [`MoneyError::TooManyDigits`] where the currency cannot hold it, [`MoneyError::Negative`], [`MoneyError::TooLarge`].
    pub fn from_decimal(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        if amount.scale() > currency.digits() {
            return Err(MoneyError::TooManyDigits(currency));
        }
        let factor = Decimal::from(10_u64.pow(currency.digits()));
        let minor = amount.checked_mul(factor).ok_or(MoneyError::TooLarge)?;
        Self::new(i64::try_from(minor).map_err(|_| MoneyError::TooLarge)?, currency)
    }

    /// The amount as a decimal with the currency's digits.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.digits())
    }

    /// The amount in minor units: cents, yen, fils.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency of the amount.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Is it nothing?
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The sum of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::TooLarge`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Self::new(self.minor.saturating_add(other.minor), self.currency)
    }

    /// What is left when `other` is taken away.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::Negative`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Self::new(self.minor.saturating_sub(other.minor), self.currency)
    }

    /// The amount for `count` pieces.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn times(self, count: u32) -> Result<Self, MoneyError> {
        Self::new(self.minor.saturating_mul(i64::from(count)), self.currency)
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency { Ok(()) } else { Err(MoneyError::CurrencyMismatch) }
    }
}

/// Reads a plain decimal, exactly: digits, and at most one point between digits.
///
/// # Errors
/// [`MoneyError::NotDecimal`]; [`MoneyError::Negative`] for a leading minus; [`MoneyError::TooLarge`] above 28 digits.
pub fn parse_decimal(text: &str) -> Result<Decimal, MoneyError> {
    let digits_only = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    if !digits_only(whole) || !digits_only(fraction) || (whole.len() > 1 && whole.starts_with('0')) {
        return Err(MoneyError::NotDecimal);
    }
    if text.starts_with('-') {
        return Err(MoneyError::Negative);
    }
    Decimal::from_str_exact(text).map_err(|_| MoneyError::TooLarge)
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_decimal(), f)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {}", self.currency)
    }
}

/// The decimal string; its currency stands beside it.
impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    fn any_currency() -> impl Strategy<Value = Currency> {
        prop::sample::select(vec!["USD", "EUR", "JPY", "KWD", "NGN", "CLF", "ISK"]).prop_map(currency)
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(minor in 0..=Money::MAX_MINOR, currency in any_currency()) {
            let money = Money::new(minor, currency).unwrap();
            prop_assert_eq!(Money::parse(&money.to_string(), currency), Ok(money));
        }

        #[test]
        fn a_total_is_the_sum_of_its_pieces(unit in 0..1_000_000_i64, count in 0..50_u32, currency in any_currency()) {
            let unit = Money::new(unit, currency).unwrap();
            let sum = (0..count).try_fold(Money::zero(currency), |sum, _| sum.plus(unit));
            prop_assert_eq!(unit.times(count), sum);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}", currency in any_currency()) {
            let _ = Money::parse(&text, currency);
        }

        #[test]
        fn arithmetic_is_exact_or_an_error(a in 0..=Money::MAX_MINOR, b in 0..=Money::MAX_MINOR, n in any::<u32>()) {
            let usd = currency("USD");
            let (left, right) = (Money::new(a, usd).unwrap(), Money::new(b, usd).unwrap());
            prop_assert_eq!(left.plus(right).map(|sum| i128::from(sum.minor())).ok(), within(i128::from(a) + i128::from(b)));
            prop_assert_eq!(left.minus(right).map(|rest| i128::from(rest.minor())).ok(), within(i128::from(a) - i128::from(b)));
            prop_assert_eq!(left.times(n).map(|all| i128::from(all.minor())).ok(), within(i128::from(a) * i128::from(n)));
        }
    }

    fn within(minor: i128) -> Option<i128> {
        (0..=i128::from(Money::MAX_MINOR)).contains(&minor).then_some(minor)
    }

    #[test]
    fn the_currency_s_own_digits() {
        assert_eq!(Money::parse("500", currency("JPY")).unwrap().to_string(), "500");
        assert_eq!(Money::parse("1.25", currency("KWD")).unwrap().to_string(), "1.250");
        assert_eq!(Money::parse("12.5", currency("USD")).unwrap().to_string(), "12.50");
        assert_eq!(Money::parse("500.0", currency("JPY")), Err(MoneyError::TooManyDigits(currency("JPY"))));
    }

    #[test]
    fn what_an_attacker_sends_is_refused() {
        for text in [
            "",
            " ",
            "1e-28",
            "0.001",
            "-1",
            "NaN",
            "1e400",
            "1_000",
            "+5",
            " 5",
            "5 ",
            ".5",
            "5.",
            "1,5",
            "٣",
            "0x10",
            "-",
            "--1",
            "007",
            "inf",
            "99999999999999999999999999999",
            "10000000000000.00",
        ] {
            assert!(Money::parse(text, currency("USD")).is_err(), "{text:?} was taken");
        }
        assert_eq!(parse_decimal("-1.5"), Err(MoneyError::Negative));
        assert_eq!(parse_decimal("--1.5"), Err(MoneyError::NotDecimal), "two signs are none");
    }

    #[test]
    fn a_log_line_tells_the_currency_too() {
        let price = Money::parse("12.5", currency("USD")).unwrap();
        assert_eq!(format!("{price:?}, {:?}, {:>5}", price.currency(), price.currency()), "12.50 USD, USD,   USD");
    }

    #[test]
    fn currencies_do_not_mix() {
        let (euro, dollar) = (Money::zero(currency("EUR")), Money::zero(currency("USD")));
        assert_eq!(euro.plus(dollar), Err(MoneyError::CurrencyMismatch));
        assert!("usd".parse::<Currency>().is_err() && "XXX".parse::<Currency>().is_err() && "EUR ".parse::<Currency>().is_err());
    }
}
