//! Several statements that only write, made one: SQLite's thread tells of the end of each statement, and each time somebody is
//! woken to hear it. A trigger of a view that has no rows runs them all as a part of one statement, which is undone by itself
//! where it fails.

use std::{collections::HashMap, fmt::Write as _};

/// More are not made: each takes memory.
const MOST: usize = 300;

/// The programs of a connection, by the statements that they are made of.
#[derive(Default)]
pub(super) struct Programs {
    by_text: HashMap<String, Program>,
    /// Whether any is wanted.
    is_wanted: bool,
}

enum Program {
    /// It was asked for, has this number, and is to be made when no transaction is open: a roll-back would take it away.
    Wanted(usize),
    /// The statement that runs it.
    Made(String),
    Impossible,
}

/// A text as it is to be run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) text: String,
    /// Whether no more than one of its statements writes: then it happens as a whole or not at all.
    pub(super) is_atomic: bool,
}

impl Programs {
    /// The text in which statements that only write are one, where such a program is made; else it will be. Those behind the
    /// first so many bytes stay as they are, since somebody waits for their answers: a program tells of no row that it touched.
    pub(super) fn call(&mut self, text: String, unheard: usize) -> Call {
        let (writes, count) = leading_writes(text.get(..unheard).unwrap_or_default());
        if count < 2 {
            let is_atomic = parts(&text).filter(|part| !is_read(part)).count() < 2;
            return Call { text, is_atomic };
        }
        let rest = text.get(writes.len()..).unwrap_or_default();
        match self.by_text.get(writes) {
            Some(Program::Made(call)) => {
                let is_atomic = parts(rest).all(|part| part.is_empty() || is_read(part));
                Call { text: format!("{call}{rest}"), is_atomic }
            }
            Some(_) => Call { text, is_atomic: false },
            None => {
                if self.by_text.len() < MOST {
                    self.by_text.insert(writes.to_owned(), Program::Wanted(self.by_text.len()));
                    self.is_wanted = true;
                }
                Call { text, is_atomic: false }
            }
        }
    }

    /// The same of a text of which nobody waits for more than the rows of the last statement.
    pub(super) fn last_call(&mut self, text: String) -> Call {
        let unheard = text.len();
        self.call(text, unheard)
    }

    /// A program that is to be made: the statements that it is made of, its number, and what makes it.
    pub(super) fn wanted(&mut self) -> Option<(String, usize, [String; 2])> {
        if !self.is_wanted {
            return None;
        }
        let wanted = self.by_text.iter().find_map(|(writes, program)| match program {
            Program::Wanted(number) => Some((writes.clone(), *number, made_of(writes, *number))),
            Program::Made(_) | Program::Impossible => None,
        });
        self.is_wanted = wanted.is_some();
        wanted
    }

    /// Notes whether it was made.
    pub(super) fn note(&mut self, writes: String, number: usize, is_made: bool) {
        let values: Vec<_> = (1..=last_argument(&writes)).map(|argument| format!("${argument}")).collect();
        let call = format!("insert into program_{number} values ({})", values.join(", "));
        self.by_text.insert(writes, if is_made { Program::Made(call) } else { Program::Impossible });
    }
}

/// What makes a program: a view that has a column for each argument, and what happens when a row is put into it.
fn made_of(writes: &str, number: usize) -> [String; 2] {
    let columns = last_argument(writes);
    let list = |name: &dyn Fn(usize) -> String| (1..=columns).map(name).collect::<Vec<_>>().join(", ");
    let view = format!(
        "create temp view if not exists program_{number} ({}) as select {}",
        list(&|column| format!("a{column}")),
        list(&|_| "null".to_owned())
    );
    let mut body = String::new();
    let mut pieces = writes.split('$');
    body.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        // Else it is a path into a JSON text.
        let is_argument = piece.starts_with(|digit: char| digit.is_ascii_digit());
        // Writing to a String cannot fail.
        let _ = write!(body, "{}{piece}", if is_argument { "new.a" } else { "$" });
    }
    let trigger =
        format!("create temp trigger if not exists run_{number} instead of insert on program_{number} begin {body}; end");
    [view, trigger]
}

/// The highest number of an argument.
fn last_argument(text: &str) -> usize {
    let number = |piece: &str| piece.split(|digit: char| !digit.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
    text.split('$').skip(1).filter_map(number).max().unwrap_or(0)
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').map(str::trim)
}

/// Does a statement only read?
pub(super) fn is_read(statement: &str) -> bool {
    let statement = statement.trim_start();
    statement.starts_with("select") || statement.starts_with("with")
}

/// The statements with which a text begins that write and answer nothing, and how many they are.
fn leading_writes(text: &str) -> (&str, usize) {
    let (mut end, mut count) = (0, 0);
    for part in text.split_inclusive(';') {
        let statement = part.trim_end_matches(';').trim();
        let writes = ["insert", "update", "delete"].iter().any(|verb| statement.starts_with(verb));
        if !writes || statement.contains("returning") || last_argument(statement) == 0 {
            break;
        }
        end += part.trim_end_matches(';').len();
        count += 1;
        if end < text.len() {
            end += 1;
        }
    }
    let writes = text.get(..end).unwrap_or_default();
    (writes.strip_suffix(';').unwrap_or(writes), count)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: &str = "insert into orders (user_id) values ($1);\nupdate carts set version = $12 ->> '$.v' where id = $1";

    #[test]
    fn statements_that_only_write_become_one_once_their_program_is_made() {
        let mut programs = Programs::default();
        let text = format!("{PLACE};\nselect id from orders where user_id = $1");
        assert_eq!(programs.last_call(text.clone()), Call { text: text.clone(), is_atomic: false });
        let (writes, number, made_of) = programs.wanted().unwrap();
        assert_eq!(writes, PLACE);
        let body =
            "insert into orders (user_id) values (new.a1);\nupdate carts set version = new.a12 ->> '$.v' where id = new.a1";
        assert!(made_of[1].ends_with(&format!("instead of insert on program_0 begin {body}; end")), "{made_of:?}");
        programs.note(writes, number, true);
        assert!(programs.wanted().is_none());
        let values = (1..=12).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
        let called = format!("insert into program_0 values ({values});\nselect id from orders where user_id = $1");
        assert_eq!(programs.last_call(text.clone()), Call { text: called, is_atomic: true });
    }

    #[test]
    fn a_statement_whose_answer_is_waited_for_stays_outside() {
        let mut programs = Programs::default();
        let text = format!("{PLACE};\ninsert into disputes values ($13)");
        programs.call(text.clone(), PLACE.len());
        let (writes, number, _) = programs.wanted().unwrap();
        assert_eq!(writes, PLACE);
        programs.note(writes, number, true);
        let Call { text, is_atomic } = programs.call(text, PLACE.len());
        assert!(text.ends_with(");\ninsert into disputes values ($13)") && !is_atomic, "{text}");
    }

    #[test]
    fn what_cannot_be_one_stays_as_it_is() {
        let mut programs = Programs::default();
        for (text, is_atomic) in [
            ("select 1", true),
            ("update a set b = $1 returning b", true),
            ("insert into a values ($1); update a set b = $1 returning b", false),
            ("update a set b = $1; select 1", true),
        ] {
            assert_eq!(programs.last_call(text.to_owned()), Call { text: text.to_owned(), is_atomic });
        }
        assert!(programs.wanted().is_none());
        programs.last_call(PLACE.to_owned());
        let (writes, number, _) = programs.wanted().unwrap();
        programs.note(writes, number, false);
        assert_eq!(programs.last_call(PLACE.to_owned()), Call { text: PLACE.to_owned(), is_atomic: false });
    }
}
