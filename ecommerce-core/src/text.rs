//! Text that was checked at the door, and words that are stored as text.

use crate::Invalid;

/// Lets both databases store a type as text, by its `as_str` and `FromStr`.
macro_rules! text_column {
    ($name:ty) => {
        impl<DB: sqlx::Database> sqlx::Type<DB> for $name
        where
            str: sqlx::Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <str as sqlx::Type<DB>>::type_info()
            }

            fn compatible(ty: &DB::TypeInfo) -> bool {
                <str as sqlx::Type<DB>>::compatible(ty)
            }
        }

        impl<'q, DB: sqlx::Database> sqlx::Encode<'q, DB> for $name
        where
            String: sqlx::Encode<'q, DB>,
        {
            fn encode_by_ref(
                &self,
                buffer: &mut <DB as sqlx::Database>::ArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                sqlx::Encode::<DB>::encode(self.as_str().to_owned(), buffer)
            }
        }

        impl<'r, DB: sqlx::Database> sqlx::Decode<'r, DB> for $name
        where
            &'r str: sqlx::Decode<'r, DB>,
        {
            fn decode(value: <DB as sqlx::Database>::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                Ok(<&str as sqlx::Decode<DB>>::decode(value)?.parse()?)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}
pub(crate) use text_column;

/// An enum whose variants are stable snake_case words, in the database as on the wire.
macro_rules! words {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every word there is, in order.
            #[allow(dead_code, reason = "not every list of words is walked")]
            $vis const ALL: &[Self] = &[$(Self::$variant),+];

            /// The stable word for it.
            $vis const fn as_str(&self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::Invalid;

            fn from_str(word: &str) -> Result<Self, crate::Invalid> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(crate::Invalid::new(concat!("must be one of" $(, " ", $word)+))),
                }
            }
        }

        crate::text::text_column!($name);

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .enum_values(Some([$($word),+]))
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    };
}
pub(crate) use words;

/// A type for text that follows a rule: it can only be made by parsing.
macro_rules! checked_text {
    ($($(#[$doc:meta])* $name:ident = $rule:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::Invalid;

            fn from_str(text: &str) -> Result<Self, crate::Invalid> {
                let rule: fn(&str) -> Result<String, crate::Invalid> = $rule;
                rule(text).map(Self)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.0, f)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        crate::text::text_column!($name);
    )*};
}
pub(crate) use checked_text;

checked_text! {
    /// The name of a product, a category or a person: 1 to 200 characters on one line, at least one of them to be seen.
    ///
    /// ```
    /// use ecommerce_core::Name;
    /// assert!("Mug".parse::<Name>().is_ok());
    /// assert_eq!("  ".parse::<Name>().unwrap_err().to_string(), "must not be blank");
    /// ```
    Name = |text| line(text, 1, 200);

    /// A description: up to 10,000 characters, with line breaks, possibly empty.
    #[derive(Default)]
    Description = |text| lines(text, 10_000);

    /// A stock keeping unit, the shop's own name for a product: 1 to 100 characters, unique among products.
    Sku = |text| line(text, 1, 100);

    /// A remark for people, such as a reason or a payment reference: 1 to 500 characters on one line.
    Note = |text| line(text, 1, 500);
}

/// One line of text without control characters, taken as it is but for spaces at its ends.
pub(crate) fn line(text: &str, min: usize, max: usize) -> Result<String, Invalid> {
    let text = text.trim();
    if min > 0 && text.chars().all(is_invisible) {
        return Err(Invalid::new("must not be blank"));
    }
    length(text, min, max)?;
    if text.chars().any(char::is_control) {
        return Err(Invalid::new("must not contain control characters"));
    }
    Ok(text.to_owned())
}

/// Leaves no mark on paper: spaces, controls, the braille pattern without dots, and what Unicode 17 calls
/// `Default_Ignorable_Code_Point` (DerivedCoreProperties.txt).
fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn lines(text: &str, max: usize) -> Result<String, Invalid> {
    length(text, 0, max)?;
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r')) {
        return Err(Invalid::new("must not contain control characters other than line breaks"));
    }
    Ok(text.to_owned())
}

pub(crate) fn length(text: &str, min: usize, max: usize) -> Result<(), Invalid> {
    let count = text.chars().count();
    if (min..=max).contains(&count) {
        Ok(())
    } else {
        Err(Invalid::new(format!("must have {min} to {max} characters, not {count}")))
    }
}

/// How many pieces: 1 to 1,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Quantity(u32);

impl Quantity {
    /// The most pieces of one line.
    pub const MAX: u32 = 1_000_000;
    /// One piece.
    pub const ONE: Self = Self(1);

    /// This many pieces.
    ///
    /// # Errors
    /// When it is not 1 to [`Self::MAX`].
    pub fn new(count: i64) -> Result<Self, Invalid> {
        match u32::try_from(count) {
            Ok(count @ 1..=Self::MAX) => Ok(Self(count)),
            _ => Err(Invalid::new(format!("must be 1 to {}", Self::MAX))),
        }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_what_people_write_and_refuse_what_breaks_lines() {
        assert_eq!(" Café ☕ ".parse::<Name>().unwrap().as_str(), "Café ☕");
        for text in ["", "   ", "a\nb", "a\u{0}b", "a\u{7f}b"] {
            assert!(text.parse::<Name>().is_err(), "{text:?} was taken");
        }
        for text in ["\u{200b}", "\u{feff} \u{2060}", "\u{202e}", "\u{ad}", "\u{3164}", "\u{fe0f}", "\u{2800}", "\u{e0041}"] {
            assert!(text.parse::<Name>().is_err(), "{text:?} cannot be seen");
        }
        for text in ["a\u{200b}", "\u{202e}gum", "\u{301}", "👨\u{200d}👩\u{200d}👧", "♥\u{fe0f}", "می\u{200c}خواهم"]
        {
            assert_eq!(text.parse::<Name>().unwrap().as_str(), text, "what can be seen is kept as it is");
        }
        assert!("x".repeat(200).parse::<Name>().is_ok() && "x".repeat(201).parse::<Name>().is_err());
        assert!("ß".repeat(200).parse::<Name>().is_ok(), "characters are counted, not bytes");
    }

    #[test]
    fn descriptions_may_have_line_breaks() {
        assert!("one\r\ntwo".parse::<Description>().is_ok() && "".parse::<Description>().is_ok());
        assert!("bell\u{7}".parse::<Description>().is_err() && "x".repeat(10_001).parse::<Description>().is_err());
    }

    #[test]
    fn quantities_have_bounds() {
        for count in [0, -1, 1_000_001, 1 << 31, i64::MAX, i64::MIN] {
            assert!(Quantity::new(count).is_err(), "{count} was taken");
        }
        assert_eq!(Quantity::new(1_000_000).unwrap().get(), 1_000_000);
    }
}
