//! What somebody typed into a search, read once.

use super::words::words;

/// Of a search, no more is looked at than this.
const MAX_CHARACTERS: usize = 200;
const MAX_TERMS: usize = 20;

/// The patterns for `like` that the words of a name must all match, each finding the beginning of one.
///
/// None are needed where nothing is searched for; `None` when there is text but no word in it, which finds nothing.
pub(in crate::catalog) fn patterns(search: Option<&str>) -> Option<Vec<String>> {
    let search = search.unwrap_or_default().trim();
    let query = Query::parse(search);
    // A word is letters and digits only, so that nothing in it means something to `like`.
    let patterns: Vec<_> = query.words().map(|word| format!("% {word}%")).collect();
    (search.is_empty() || !patterns.is_empty()).then_some(patterns)
}

/// What a search looks for: all that is wanted, and nothing that is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) wanted: Vec<Term>,
    pub(super) unwanted: Vec<Term>,
    /// All wanted words as they were typed, again and again where they were.
    pub(super) typed: Vec<String>,
}

/// One thing to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Term {
    /// The beginning of a word: it may be typed still.
    Word(String),
    /// Whole words, one behind the other.
    Phrase(Vec<String>),
}

impl Query {
    /// Reads a search: words, `"phrases in quotes"`, and `-words` that shall not be there. Anything else in it only divides words.
    ///
    /// A quote that does not close is being typed: its words count as if it was not there.
    pub(super) fn parse(text: &str) -> Self {
        let text: String = text.trim().chars().take(MAX_CHARACTERS).collect();
        let mut query = Self::default();
        let mut rest = text.as_str();
        loop {
            rest = rest.trim_start();
            let (is_unwanted, open) = match rest.strip_prefix('-') {
                Some(open) => (true, open),
                None => (false, rest),
            };
            let (quoted, behind) = match open.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
                Some((quoted, behind)) => (Some(quoted), behind),
                None => (None, open),
            };
            match quoted {
                Some(quoted) => {
                    query.note(is_unwanted, (!words(quoted).is_empty()).then(|| Term::Phrase(words(quoted))));
                    rest = behind;
                }
                None => {
                    let open = open.trim_start_matches('"');
                    let end = open.find(|letter: char| letter.is_whitespace() || letter == '"').unwrap_or(open.len());
                    let (piece, behind) = open.split_at(end);
                    let piece = words(piece);
                    if is_unwanted {
                        query.note(true, (!piece.is_empty()).then_some(Term::Phrase(piece)));
                    } else {
                        piece.into_iter().for_each(|word| query.note(false, Some(Term::Word(word))));
                    }
                    rest = behind;
                }
            }
            if rest.is_empty() {
                return query;
            }
        }
    }

    /// Nothing is found by a search that only says what it does not want.
    pub(super) const fn finds_nothing(&self) -> bool {
        self.wanted.is_empty()
    }

    /// The words that are wanted, as they stand there.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.wanted.iter().flat_map(Term::words)
    }

    fn note(&mut self, is_unwanted: bool, term: Option<Term>) {
        if !is_unwanted {
            self.typed.extend(term.iter().flat_map(Term::words).map(str::to_owned));
        }
        let terms = if is_unwanted { &mut self.unwanted } else { &mut self.wanted };
        terms.extend(term.filter(|term| !terms.contains(term) && terms.len() < MAX_TERMS));
    }
}

impl Term {
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        let words = match self {
            Self::Word(word) => std::slice::from_ref(word),
            Self::Phrase(words) => words,
        };
        words.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(text: &str) -> Term {
        Term::Word(text.to_owned())
    }

    fn phrase(text: &str) -> Term {
        Term::Phrase(text.split(' ').map(str::to_owned).collect())
    }

    #[test]
    fn words_phrases_and_what_is_left_out() {
        for (text, wanted, unwanted) in [
            ("  Mug, CÉR ", vec![word("mug"), word("cer")], vec![]),
            ("mug mug MUG", vec![word("mug")], vec![]),
            ("\"Red Mug\" blue", vec![phrase("red mug"), word("blue")], vec![]),
            ("mug -red -\"blue rim\" -t-shirt", vec![word("mug")], vec![phrase("red"), phrase("blue rim"), phrase("t shirt")]),
            ("MUG-300 o'neil", vec![word("mug"), word("300"), word("o"), word("neil")], vec![]),
            ("red\"mug\"", vec![word("red"), phrase("mug")], vec![]),
            ("\"red mu", vec![word("red"), word("mu")], vec![]),
            ("mug \"", vec![word("mug")], vec![]),
            ("mug OR cup* name:x (y)", vec![word("mug"), word("or"), word("cup"), word("name"), word("x"), word("y")], vec![]),
            ("-red", vec![], vec![phrase("red")]),
            ("- -- \"\" -\"\" % 🏺 \u{0}", vec![], vec![]),
        ] {
            let query = Query::parse(text);
            assert_eq!((query.wanted, query.unwanted), (wanted, unwanted), "{text:?}");
        }
        assert_eq!(Query::parse("Duran \"duran duran\" -x").typed.join(" "), "duran duran duran");
    }

    #[test]
    fn a_long_search_is_cut() {
        let many: String = (0..10_000).map(|number| format!("{number} ")).collect();
        assert_eq!(Query::parse(&many).wanted.len(), MAX_TERMS);
        assert!(Query::parse(&"a".repeat(10_000)).words().all(|word| word.len() <= MAX_CHARACTERS));
    }

    #[test]
    fn names_are_asked_for_the_beginning_of_each_word() {
        assert_eq!(patterns(Some("  Mug, CER ")), Some(vec!["% mug%".to_owned(), "% cer%".to_owned()]));
        for nothing_asked in [None, Some(""), Some(" \t ")] {
            assert_eq!(patterns(nothing_asked), Some(vec![]));
        }
        for no_word in ["%", "_", "\\", "'\"", "\u{0}", "🏺"] {
            assert_eq!(patterns(Some(no_word)), None, "{no_word:?} found something");
        }
    }

    proptest! {
        #[test]
        fn anything_can_be_searched_for(text in "[\"\\- a-zé*:()]{0,40}|.*") {
            let query = Query::parse(&text);
            for word in query.words().chain(query.unwanted.iter().flat_map(Term::words)) {
                prop_assert!(!word.is_empty() && word.chars().all(char::is_alphanumeric));
            }
        }
    }
}
