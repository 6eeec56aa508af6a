//! A search in the languages of the two indexes. Words are letters and digits, so nothing in them means anything there.

use super::{meaning::Meant, query::Term};
use crate::db::PerEngine;

/// Stands in the index with what customers do not see. No word has a `#` in it.
pub(super) const HIDDEN: &str = "#off";

/// The same search for FTS5 and for a `tsquery`.
pub(in crate::catalog) type Expression = PerEngine;

/// How much of a product a term may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The beginning of a word, anywhere.
    Beginnings,
    /// A whole word, anywhere.
    WholeWords,
    /// The beginning of a word of the name or the SKU.
    NameBeginnings,
    /// A whole word of the name or the SKU.
    Names,
}

impl Reach {
    const fn is_in_names(self) -> bool {
        matches!(self, Self::NameBeginnings | Self::Names)
    }

    const fn goes_on(self) -> bool {
        matches!(self, Self::Beginnings | Self::NameBeginnings)
    }
}

/// Writes a search down in both.
pub(super) fn expression(wanted: &[Meant], unwanted: &[Meant], reach: Reach, hidden_too: bool) -> Expression {
    let write = |language: Language| language.write(wanted, unwanted, reach, hidden_too);
    Expression { sqlite: write(FTS5), postgres: write(TSQUERY) }
}

/// How a language writes what both can say.
struct Language {
    quote: char,
    /// What joins the words of a phrase: one that spans several quoted words, or stands within the quotes.
    behind: &'static str,
    and: &'static str,
    or: &'static str,
    not: &'static str,
    /// Behind a word that may go on.
    goes_on: &'static str,
    /// Before all of it, to keep to the name and the SKU; PostgreSQL has these once more by themselves.
    in_names: &'static str,
}

const FTS5: Language =
    Language { quote: '"', behind: " + ", and: " AND ", or: " OR ", not: " NOT ", goes_on: "*", in_names: "{name sku} : " };

const TSQUERY: Language =
    Language { quote: '\'', behind: " <-> ", and: " & ", or: " | ", not: " & !", goes_on: ":*", in_names: "" };

impl Language {
    fn write(&self, wanted: &[Meant], unwanted: &[Meant], reach: Reach, hidden_too: bool) -> String {
        let terms = |terms: &[Meant], reach| terms.iter().map(|meant| self.any_of(meant, reach)).collect::<Vec<_>>();
        let wanted = terms(wanted, reach).join(self.and);
        let in_names = if reach.is_in_names() { self.in_names } else { "" };
        let mut unwanted = terms(unwanted, Reach::WholeWords);
        if !hidden_too {
            unwanted.push(self.word(HIDDEN, ""));
        }
        let without = if unwanted.is_empty() { String::new() } else { format!("{}({})", self.not, unwanted.join(self.or)) };
        format!("({in_names}({wanted})){without}")
    }

    /// The term or whatever else is meant by it.
    fn any_of(&self, meant: &Meant, reach: Reach) -> String {
        let term = match &meant.term {
            Term::Word(word) => self.word(word, if reach.goes_on() { self.goes_on } else { "" }),
            Term::Phrase(words) => {
                let words: Vec<_> = words.iter().map(|word| self.word(word, "")).collect();
                format!("({})", words.join(self.behind))
            }
        };
        let corrections = meant.corrections.iter().map(|word| self.word(word, ""));
        let any: Vec<_> = [term].into_iter().chain(corrections).collect();
        format!("({})", any.join(self.or))
    }

    fn word(&self, word: &str, mark: &str) -> String {
        let quote = self.quote;
        format!("{quote}{word}{quote}{mark}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::search::{meaning::Meaning, query::Query};

    fn written(text: &str, reach: Reach, hidden_too: bool) -> (String, String) {
        let mut meaning = Meaning::literal(Query::parse(text));
        meaning.note_known("muck");
        let Expression { sqlite, postgres } = expression(&meaning.wanted, &meaning.unwanted, reach, hidden_too);
        (sqlite, postgres)
    }

    #[test]
    fn both_languages_say_the_same() {
        let (sqlite, postgres) = written("mucc \"red rim\" -blue", Reach::Beginnings, false);
        assert_eq!(sqlite, r##"((("mucc"* OR "muck") AND (("red" + "rim")))) NOT ((("blue")) OR "#off")"##);
        assert_eq!(postgres, "((('mucc':* | 'muck') & (('red' <-> 'rim')))) & !((('blue')) | '#off')");
        let (sqlite, postgres) = written("mug", Reach::Names, true);
        assert_eq!(sqlite, r#"({name sku} : (("mug")))"#);
        assert_eq!(postgres, "((('mug')))");
        let (sqlite, postgres) = written("mug", Reach::NameBeginnings, true);
        assert_eq!((sqlite.as_str(), postgres.as_str()), (r#"({name sku} : (("mug"*)))"#, "((('mug':*)))"));
    }
}
