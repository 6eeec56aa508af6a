use std::fmt::Write;

use sqlx::{Arguments, postgres::PgArguments, sqlite::SqliteArguments};

use super::{Sql, statement::Value};

/// A list whose conditions depend on what was asked for: constant fragments, put together, with bound arguments.
///
/// A fragment writes `?` where its argument goes; no text from outside ever becomes part of the statement.
pub(crate) struct Filter {
    pub(crate) name: &'static str,
    conditions: u32,
    arguments: u32,
    sqlite: (String, SqliteArguments),
    postgres: (String, PgArguments),
}

impl Filter {
    /// Begins with `select ... from ...`, without a `where`.
    pub(crate) fn new(name: &'static str, select: &'static str) -> Self {
        Self::of(Sql { name, sqlite: select, postgres: select })
    }

    /// The same with a text for each engine.
    pub(crate) fn of(select: Sql) -> Self {
        Self {
            name: select.name,
            conditions: 0,
            arguments: 0,
            sqlite: (select.sqlite.to_owned(), SqliteArguments::default()),
            postgres: (select.postgres.to_owned(), PgArguments::default()),
        }
    }

    /// Adds a condition without an argument.
    pub(crate) fn and(&mut self, condition: &'static str) {
        self.push(if self.conditions == 0 { "\nwhere " } else { "\nand " });
        self.conditions += 1;
        self.push(condition);
    }

    /// Adds a condition whose every `?` stands for the one argument.
    pub(crate) fn and_with(&mut self, condition: &'static str, value: impl Value) {
        self.and("");
        self.push_with(condition, value);
    }

    /// Adds a condition with a text and an argument for each engine.
    pub(crate) fn and_either(&mut self, sqlite: (&'static str, impl Value), postgres: (&'static str, impl Value)) {
        self.and("");
        self.push_either(sqlite, postgres);
    }

    /// Adds text that is no condition: an order, a limit.
    pub(crate) fn push(&mut self, text: &'static str) {
        self.sqlite.0.push_str(text);
        self.postgres.0.push_str(text);
    }

    /// Adds text whose every `?` stands for the one argument.
    pub(crate) fn push_with(&mut self, text: &'static str, value: impl Value) {
        self.push_either((text, value.clone()), (text, value));
    }

    /// Adds text and an argument for each engine.
    pub(crate) fn push_either(&mut self, sqlite: (&'static str, impl Value), postgres: (&'static str, impl Value)) {
        self.arguments += 1;
        write(&mut self.sqlite.0, sqlite.0, self.arguments);
        write(&mut self.postgres.0, postgres.0, self.arguments);
        // The values are numbers and text, whose encoding cannot fail; were one to fail, the database would miss it and say so.
        let _ = self.sqlite.1.add(sqlite.1);
        let _ = self.postgres.1.add(postgres.1);
    }

    pub(super) fn sqlite(self) -> (String, SqliteArguments) {
        self.sqlite
    }

    pub(super) fn postgres(self) -> (String, PgArguments) {
        self.postgres
    }
}

fn write(text: &mut String, fragment: &'static str, argument: u32) {
    for (index, part) in fragment.split('?').enumerate() {
        if index > 0 {
            // Writing to a String cannot fail.
            let _ = write!(text, "${argument}");
        }
        text.push_str(part);
    }
}
