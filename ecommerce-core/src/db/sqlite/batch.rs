use sqlx::{Arguments, sqlite::SqliteArguments};

use super::super::{Args, statement::renumber};

/// Statements that go to SQLite's thread together, as one text. All of them see the same arguments, so each has numbers of its
/// own.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) text: String,
    pub(super) arguments: SqliteArguments,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// How many statements they are.
    pub(super) fn count(&self) -> usize {
        if self.is_empty() { 0 } else { self.text.matches(';').count() + 1 }
    }

    pub(super) fn push(&mut self, text: &str, args: &dyn Args) -> Result<(), sqlx::Error> {
        if !self.is_empty() {
            self.text.push_str(";\n");
        }
        self.text.push_str(&renumber(text, self.arguments.len()));
        args.add_to_sqlite(&mut self.arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statement_has_numbers_of_its_own() {
        let mut batch = Batch::default();
        batch.push("update a set b = $2 where c = $1", &(1_i64, 2_i64)).unwrap();
        batch.push("insert into d select value ->> '$.e', $1 from json_each($2) where $2 <> $10", &(3_i64, 4_i64)).unwrap();
        let expected =
            "update a set b = $2 where c = $1;\ninsert into d select value ->> '$.e', $3 from json_each($4) where $4 <> $12";
        assert_eq!((batch.text.as_str(), batch.arguments.len()), (expected, 4));
    }
}
