//! What the terms of a search may stand for: themselves, and words that are one slip away.

use std::collections::BTreeSet;

use super::{
    query::{Query, Term},
    typo,
};

/// A search that is ready to be asked.
#[derive(Debug, Default)]
pub(super) struct Meaning {
    pub(super) wanted: Vec<Meant>,
    pub(super) unwanted: Vec<Meant>,
    /// All wanted words as they were typed.
    pub(super) typed: Vec<String>,
}

/// A term, and what else may be meant by it.
#[derive(Debug)]
pub(super) struct Meant {
    pub(super) term: Term,
    /// Known words that are one slip of the finger away.
    pub(super) corrections: BTreeSet<String>,
}

/// Where a term stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// How many words stand before it.
    pub(super) at: usize,
    /// Does it stand there as whole words?
    pub(super) is_whole: bool,
}

impl Meaning {
    /// The terms as they are written.
    pub(super) fn literal(query: Query) -> Self {
        let meant = |terms: Vec<Term>| terms.into_iter().map(|term| Meant { term, corrections: BTreeSet::new() }).collect();
        Self { wanted: meant(query.wanted), unwanted: meant(query.unwanted), typed: query.typed }
    }

    /// The forms of all words that may be mistyped.
    pub(super) fn forms(&self) -> BTreeSet<String> {
        let words = self.wanted.iter().filter_map(Meant::correctable);
        words.flat_map(typo::forms).collect()
    }

    /// Takes up a known word where it may be meant; says whether it is.
    pub(super) fn note_known(&mut self, known: &str) -> bool {
        let mut is_meant = false;
        for meant in &mut self.wanted {
            if meant.correctable().is_some_and(|typed| typo::is_one_slip(typed, known)) {
                is_meant |= meant.corrections.insert(known.to_owned());
            }
        }
        is_meant
    }
}

impl Meant {
    /// Where the term stands among words, best as whole words.
    pub(super) fn place_in(&self, words: &str) -> Option<Place> {
        match &self.term {
            Term::Word(wanted) => {
                let mut beginning = None;
                for (at, word) in words.split(' ').enumerate().filter(|(_, word)| word.starts_with(wanted.as_str())) {
                    let place = Place { at, is_whole: word.len() == wanted.len() };
                    if place.is_whole {
                        return Some(place);
                    }
                    beginning = beginning.or(Some(place));
                }
                beginning
            }
            Term::Phrase(wanted) => {
                let words: Vec<_> = words.split(' ').collect();
                let at = words.windows(wanted.len()).position(|window| window == wanted.as_slice())?;
                Some(Place { at, is_whole: true })
            }
        }
    }

    /// Does a word stand there that may be meant instead?
    pub(super) fn slip_in(&self, words: &str) -> bool {
        !self.corrections.is_empty() && words.split(' ').any(|word| self.corrections.contains(word))
    }

    fn correctable(&self) -> Option<&str> {
        match &self.term {
            Term::Word(word) if typo::may_be_meant(word) => Some(word),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(text: &str) -> Meant {
        Meaning::literal(Query::parse(text)).wanted.remove(0)
    }

    #[test]
    fn whole_words_are_better_places_than_beginnings() {
        let place = |at, is_whole| Some(Place { at, is_whole });
        assert_eq!(meant("mug").place_in("mugs and mug"), place(2, true));
        assert_eq!(meant("mu").place_in("red mug"), place(1, false));
        assert_eq!(meant("ug").place_in("mug"), None);
        assert_eq!(meant("\"red mug\"").place_in("a red mug"), place(1, true));
        assert_eq!(meant("\"red mug\"").place_in("red # mug"), None, "words of two fields are no phrase");
        assert_eq!(meant("\"red mu\"").place_in("a red mug"), None);
    }

    #[test]
    fn a_known_word_is_meant_where_it_is_one_slip_away() {
        let mut meaning = Meaning::literal(Query::parse("sencah mug"));
        assert!(meaning.note_known("sencha") && !meaning.note_known("senchas") && !meaning.note_known("mugs"));
        assert!(meaning.wanted[0].slip_in("green sencha") && !meaning.wanted[1].slip_in("green sencha"));
        assert!(meaning.forms().contains("senca") && !meaning.forms().contains("mug"));
    }
}
