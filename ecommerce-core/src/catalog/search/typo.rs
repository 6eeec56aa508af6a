//! Words that are one slip of the finger apart: a letter too many, too few, another, or two in the wrong order.
//!
//! Two such words have a form in common where a letter is taken out of each, or of one. The database keeps the forms of every
//! known word, so that a lookup of a few texts finds what may be meant, however many words there are.

use std::collections::BTreeSet;

/// Shorter words are too like each other, and nobody looks for longer ones by typing them.
const LETTERS: std::ops::RangeInclusive<usize> = 4..=24;

/// Is this a word that somebody may mean who mistypes? A number or an article number is meant as it is.
pub(super) fn may_be_meant(word: &str) -> bool {
    LETTERS.contains(&word.chars().count()) && word.chars().all(char::is_alphabetic)
}

/// The word, and the word without each of its letters; none where nobody corrects it.
pub(super) fn forms(word: &str) -> BTreeSet<String> {
    if !may_be_meant(word) {
        return BTreeSet::new();
    }
    let without = |at: usize| word.chars().enumerate().filter(move |(place, _)| *place != at).map(|(_, letter)| letter);
    (0..word.chars().count()).map(|at| without(at).collect()).chain([word.to_owned()]).collect()
}

/// Is one of the words the other with one slip of the finger?
pub(super) fn is_one_slip(one: &str, other: &str) -> bool {
    let (one, other): (Vec<_>, Vec<_>) = (one.chars().collect(), other.chars().collect());
    let begin = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let (one, other) = (one.split_at(begin).1, other.split_at(begin).1);
    let end = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    let (one, other) = (one.split_at(one.len() - end).0, other.split_at(other.len() - end).0);
    match (one, other) {
        ([_], []) | ([], [_]) | ([_], [_]) => true,
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_slip_is_one_letter_or_two_in_the_wrong_order() {
        for (typed, meant) in [("sencah", "sencha"), ("lampp", "lamp"), ("lam", "lamp"), ("lemp", "lamp"), ("alpm", "lapm")] {
            assert!(is_one_slip(typed, meant) && is_one_slip(meant, typed), "{typed} for {meant}");
        }
        for (typed, other) in [("lamp", "lamp"), ("lamp", "lump5"), ("ab", "cd"), ("mug", "gum"), ("", "ab")] {
            assert!(!is_one_slip(typed, other), "{typed} for {other}");
        }
    }

    #[test]
    fn only_words_of_a_middling_length_are_corrected() {
        assert_eq!(forms("lamp"), ["amp", "lam", "lamp", "lap", "lmp"].map(str::to_owned).into());
        for word in ["mug", "mug300", "1234", &"x".repeat(25)] {
            assert!(forms(word).is_empty(), "{word}");
        }
    }

    proptest! {
        #[test]
        fn whoever_slips_once_has_a_form_in_common(word in "[a-zé]{5,10}", at in 0_usize..5, letter in "[a-zé]", slip in 0..4) {
            let mut typed: Vec<char> = word.chars().collect();
            let letter = letter.chars().next().unwrap();
            match slip {
                0 => typed.insert(at, letter),
                1 => drop(typed.remove(at)),
                2 => typed[at] = letter,
                _ => typed.swap(at, at.saturating_sub(1)),
            }
            let typed: String = typed.into_iter().collect();
            prop_assert!(typed == word || is_one_slip(&typed, &word));
            prop_assert!(!forms(&typed).is_disjoint(&forms(&word)));
        }
    }
}
