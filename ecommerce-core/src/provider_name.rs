//! The names of providers.

use std::{fmt, str::FromStr};

use crate::{Invalid, text};

/// Who takes the money of a payment.
///
/// ```
/// use ecommerce_core::ProviderName;
/// assert_eq!("stripe".parse::<ProviderName>()?, ProviderName::Stripe);
/// assert_eq!("corner_shop".parse::<ProviderName>()?.to_string(), "corner_shop");
/// assert!("Corner shop".parse::<ProviderName>().is_err());
/// # Ok::<(), ecommerce_core::Invalid>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProviderName {
    /// Stripe (stripe.com).
    Stripe,
    /// Paystack (paystack.com).
    Paystack,
    /// Bank transfer, cash: an admin says when the money is there.
    Manual,
    /// Another one, of the program that embeds the store: made by parsing its name.
    Other(OtherProvider),
}

/// The name of a provider that the store does not bring along.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OtherProvider([u8; Self::LONGEST]);

impl OtherProvider {
    const LONGEST: usize = 24;

    fn as_str(&self) -> &str {
        // Only ASCII ever goes in, filled up with zeros.
        std::str::from_utf8(&self.0).unwrap_or_default().trim_end_matches('\0')
    }
}

impl ProviderName {
    /// The stable word for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stripe => "stripe",
            Self::Paystack => "paystack",
            Self::Manual => "manual",
            Self::Other(name) => name.as_str(),
        }
    }
}

/// A lower-case letter, then up to 23 more letters, digits and underscores.
impl FromStr for ProviderName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        match text {
            "stripe" => Ok(Self::Stripe),
            "paystack" => Ok(Self::Paystack),
            "manual" => Ok(Self::Manual),
            _ if text.len() <= OtherProvider::LONGEST
                && text.starts_with(|first: char| first.is_ascii_lowercase())
                && text.bytes().all(plain) =>
            {
                let mut bytes = [0; OtherProvider::LONGEST];
                bytes.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
                Ok(Self::Other(OtherProvider(bytes)))
            }
            _ => Err(Invalid::new("must be the name of a payment provider, such as stripe, paystack or manual")),
        }
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for OtherProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

text::text_column!(ProviderName);
