//! How products are found: text as words, and prices as numbers that sort.
//!
//! Text is kept as it was written and compared in one form: in lower case, and composed (Unicode's form C), since a
//! keyboard may write `é` as one character or as two. Both databases get words that were made here.

use std::borrow::Cow;

use rust_decimal::Decimal;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::Money;

/// Of a search, no more is looked at than this.
const MAX_CHARACTERS: usize = 200;
const MAX_WORDS: usize = 10;

/// The most digits after the point that a currency has (ISO 4217: CLF and UYW).
const PRICE_DIGITS: u32 = 4;

/// The form under which a name is compared: upper and lower case are one, and so are composed and decomposed characters.
///
/// Letter by letter: in a whole word the last sigma has a form of its own, and the beginning of a word would not be found.
pub(super) fn key(name: &str) -> String {
    let letters = composed(name).chars().flat_map(char::to_lowercase).collect::<String>();
    letters.replace('ς', "σ")
}

/// The words of a text as a search looks for them: `Café-Mug No. 2` is ` café mug no 2`, each word behind a space.
pub(super) fn words(text: &str) -> String {
    split(&key(text)).flat_map(|word| [" ", word]).collect()
}

/// The patterns for `like` that a text's [`words`] must all match, each finding the beginning of a word.
///
/// None are needed where nothing is searched for; `None` when there is text but no word in it, which finds nothing.
pub(super) fn patterns(search: Option<&str>) -> Option<Vec<String>> {
    let search: String = search.unwrap_or_default().trim().chars().take(MAX_CHARACTERS).collect();
    // A word is letters and digits only, so that nothing in it means something to `like`.
    let patterns: Vec<_> = split(&key(&search)).take(MAX_WORDS).map(|word| format!("% {word}%")).collect();
    (search.is_empty() || !patterns.is_empty()).then_some(patterns)
}

/// A price in ten-thousandths, whatever the digits of its currency: what lists sort by and are narrowed by.
/// Prices above 922 million millions, which only currencies without digits can have, count as equal.
pub(super) fn price_scaled(price: Money) -> i64 {
    let missing = PRICE_DIGITS.saturating_sub(price.currency().digits());
    price.minor().saturating_mul(10_i64.pow(missing))
}

/// The least [`price_scaled`] that is no less than a plain number.
pub(super) fn lowest_scaled(price: Decimal) -> i64 {
    scaled(price, |price| price.ceil())
}

/// The greatest [`price_scaled`] that is no more than a plain number.
pub(super) fn highest_scaled(price: Decimal) -> i64 {
    scaled(price, |price| price.floor())
}

fn scaled(price: Decimal, round: fn(Decimal) -> Decimal) -> i64 {
    let out_of_range = if price.is_sign_negative() { i64::MIN } else { i64::MAX };
    let exact = price.checked_mul(Decimal::from(10_u64.pow(PRICE_DIGITS)));
    exact.and_then(|exact| i64::try_from(round(exact)).ok()).unwrap_or(out_of_range)
}

fn composed(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => text.into(),
        _ => text.nfc().collect::<String>().into(),
    }
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty())
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
    fn text_is_its_words_in_lower_case() {
        assert_eq!(words("Café-Mug No. 2"), " café mug no 2");
        assert_eq!(words("snake_case 100% \\ 'q'"), " snake case 100 q");
        assert_eq!(words(" …!\n"), "");
    }

    #[test]
    fn composed_and_decomposed_are_one() {
        let (composed, decomposed) = ("Crème brûlée", "Cre\u{300}me bru\u{302}le\u{301}e");
        assert_ne!(composed, decomposed);
        assert_eq!(key(composed), key(decomposed));
        assert_eq!(words(decomposed), " crème brûlée");
        assert_eq!(patterns(Some(decomposed)), patterns(Some(composed)));
    }

    #[test]
    fn the_beginning_of_a_word_is_written_as_in_the_word() {
        assert_eq!(key("ΟΔΟΣ"), key("οδος"));
        assert!(words("ΜΣΑ").starts_with(&words("ΜΣ")));
    }

    #[test]
    fn a_search_asks_for_the_beginning_of_each_word() {
        assert_eq!(patterns(Some("  Mug, CER ")), Some(vec!["% mug%".to_owned(), "% cer%".to_owned()]));
        for nothing_asked in [None, Some(""), Some(" \t ")] {
            assert_eq!(patterns(nothing_asked), Some(vec![]));
        }
        for no_word in ["%", "_", "\\", "'\"", "\u{0}", "🏺"] {
            assert_eq!(patterns(Some(no_word)), None, "{no_word:?} found something");
        }
    }

    #[test]
    fn a_long_search_is_cut() {
        assert_eq!(patterns(Some(&"a ".repeat(10_000))).unwrap().len(), MAX_WORDS);
        assert_eq!(patterns(Some(&"a".repeat(10_000))).unwrap(), [format!("% {}%", "a".repeat(MAX_CHARACTERS))]);
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
}
