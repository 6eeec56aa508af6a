//! Text as words, made here for both databases so that both find the same.
//!
//! A word is a run of letters and digits without its accents, in lower case: `Café-Mug No. 2` is `cafe mug no 2`. Nothing is
//! cut off its end and no word is too common to be looked for, in whatever language.

use std::borrow::Cow;

use unicode_normalization::{
    IsNormalized, UnicodeNormalization,
    char::{decompose_compatible, is_combining_mark},
    is_nfc_quick,
};

/// Of a longer word, only the beginning counts: no database takes words of any length.
const MAX_LETTERS: usize = 64;

/// The form under which a name is compared: upper and lower case are one, and so are composed and decomposed characters.
pub(in crate::catalog) fn key(name: &str) -> String {
    composed(name).chars().flat_map(lower).collect()
}

/// The words of a text, in their order.
pub(in crate::catalog) fn words(text: &str) -> Vec<String> {
    folded(text)
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(MAX_LETTERS).collect())
        .collect()
}

/// The words of a name as `like` can look for their beginnings: each behind a space.
pub(in crate::catalog) fn spaced(name: &str) -> String {
    words(name).iter().flat_map(|word| [" ", word]).collect()
}

fn composed(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => text.into(),
        _ => text.nfc().collect::<String>().into(),
    }
}

/// Without accents and in lower case.
fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    let mut push = |letter: char| {
        for letter in lower(letter).filter(|letter| !is_combining_mark(*letter)) {
            match plain(letter) {
                Some(plain) => folded.push_str(plain),
                None => folded.push(letter),
            }
        }
    };
    for letter in text.nfkc() {
        // In Japanese, the marks of a syllable make another one of it.
        if is_kana(letter) { push(letter) } else { decompose_compatible(letter, &mut push) }
    }
    folded
}

const fn is_kana(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{30ff}')
}

/// What people type for a letter that is no other one with an accent.
const fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ı' => "i",
        _ => return None,
    })
}

/// Letter by letter: what stands behind a letter must not change it, since it may not be typed yet. In a whole word the last
/// sigma would have a form of its own.
fn lower(letter: char) -> impl Iterator<Item = char> {
    letter.to_lowercase().map(|letter| if letter == 'ς' { 'σ' } else { letter })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_its_words_without_case_and_accents() {
        for (text, expected) in [
            ("Café-Mug No. 2", "cafe mug no 2"),
            ("snake_case 100% \\ 'q'", "snake case 100 q"),
            ("ÖSTERREICH", "osterreich"),
            ("ΟΔΟΣ οδος", "οδοσ οδοσ"),
            ("İstanbul ﬁne", "istanbul fine"),
            ("Smørrebrød STRASSE Straße Łódź Æble", "smorrebrod strasse strasse lodz aeble"),
            ("ハン パン ﾊﾟﾝ", "ハン パン パン"),
            (" …!\n", ""),
        ] {
            assert_eq!(words(text).join(" "), expected, "{text:?}");
        }
        assert_eq!(spaced("Garden tools"), " garden tools");
    }

    #[test]
    fn composed_and_decomposed_are_one() {
        let (composed, decomposed) = ("Crème brûlée", "Cre\u{300}me bru\u{302}le\u{301}e");
        assert_ne!(composed, decomposed);
        assert_eq!(key(composed), key(decomposed));
        assert_eq!(words(decomposed), words(composed));
        assert_eq!(key("ΟΔΟΣ"), key("οδος"));
    }

    #[test]
    fn a_word_has_a_bound() {
        assert_eq!(words(&"д".repeat(10_000)), ["д".repeat(MAX_LETTERS)]);
    }

    proptest! {
        #[test]
        fn words_are_letters_and_digits_and_are_their_own_words(text in any::<String>()) {
            let words = words(&text);
            prop_assert!(words.iter().all(|word| !word.is_empty() && word.chars().all(char::is_alphanumeric)));
            prop_assert_eq!(super::words(&words.join(" ")), words);
        }
    }
}
