use std::fmt::Write;

use sqlx::{Arguments, postgres::PgArguments, sqlite::SqliteArguments};

use super::statement::Value;

/// A list whose conditions depend on what was asked for: constant fragments, put together, with bound arguments.
///
/// A fragment writes `?` where its argument goes; no text from outside ever becomes part of the statement.
pub(crate) struct Filter {
    pub(crate) name: &'static str,
    text: String,
    conditions: u32,
    arguments: u32,
    sqlite: SqliteArguments,
    postgres: PgArguments,
}

impl Filter {
    /// Begins with `select ... from ...`, without a `where`.
    pub(crate) fn new(name: &'static str, select: &'static str) -> Self {
        Self {
            name,
            text: select.to_owned(),
            conditions: 0,
            arguments: 0,
            sqlite: SqliteArguments::default(),
            postgres: PgArguments::default(),
        }
    }

    /// Adds a condition without an argument.
    pub(crate) fn and(&mut self, condition: &'static str) {
        self.text.push_str(if self.conditions == 0 { "\nwhere " } else { "\nand " });
        self.conditions += 1;
        self.text.push_str(condition);
    }

    /// Adds a condition whose every `?` stands for the one argument.
    pub(crate) fn and_with(&mut self, condition: &'static str, value: impl Value + Clone) {
        self.and("");
        self.push_with(condition, value);
    }

    /// Adds text that is no condition: an order, a limit.
    pub(crate) fn push(&mut self, text: &'static str) {
        self.text.push_str(text);
    }

    /// Adds text whose every `?` stands for the one argument.
    pub(crate) fn push_with(&mut self, text: &'static str, value: impl Value + Clone) {
        self.arguments += 1;
        for (index, part) in text.split('?').enumerate() {
            if index > 0 {
                // Writing to a String cannot fail.
                let _ = write!(self.text, "${}", self.arguments);
            }
            self.text.push_str(part);
        }
        // The values are numbers and text, whose encoding cannot fail; were one to fail, the database would miss it and say so.
        let _ = self.sqlite.add(value.clone());
        let _ = self.postgres.add(value);
    }

    pub(super) fn sqlite(self) -> (String, SqliteArguments) {
        (self.text, self.sqlite)
    }

    pub(super) fn postgres(self) -> (String, PgArguments) {
        (self.text, self.postgres)
    }
}
