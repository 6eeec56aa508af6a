use sqlx::{Arguments, postgres::PgArguments};

use super::super::{Args, Sql, statement::renumber};

/// Statements that write, of which nobody waits for an answer. They go to the server as one, since each would be a way there and
/// back.
///
/// The first is the statement, the others are common table expressions of it. All see what was there before the first, so none
/// is taken in that reads or writes a table which another writes.
#[derive(Default)]
pub(super) struct Writes {
    names: Vec<&'static str>,
    texts: Vec<String>,
    arguments: PgArguments,
}

impl Writes {
    pub(super) const fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// May this statement go along with those that are there?
    pub(super) fn may_take(&self, text: &str) -> bool {
        // Only the outermost statement may have expressions that write.
        let may_join = |other: &String| !disturbs(text, other) && !disturbs(other, text);
        self.is_empty() || !text.starts_with(WITH) && self.texts.iter().all(may_join)
    }

    pub(super) fn push(&mut self, sql: Sql, args: &dyn Args) -> Result<(), sqlx::Error> {
        self.names.push(sql.name);
        self.texts.push(renumber(sql.postgres, self.arguments.len()));
        args.add_to_postgres(&mut self.arguments)
    }

    pub(super) fn names(&self) -> String {
        self.names.join(" + ")
    }

    /// All of them as one statement.
    pub(super) fn statement(self) -> (String, PgArguments) {
        let Self { texts, arguments, .. } = self;
        let Some((first, others @ [_, ..])) = texts.split_first() else { return (texts.concat(), arguments) };
        // The server runs the statement and then the last expression first: rows are locked in the order of the statements.
        let beside = others.iter().rev().enumerate().map(|(number, text)| format!("beside_{number} as (\n{text})"));
        let beside = beside.collect::<Vec<_>>().join(",\n");
        let (comma, first) = first.strip_prefix(WITH).map_or(("\n", first.as_str()), |rest| (",\n", rest));
        (format!("{WITH}{beside}{comma}{first}"), arguments)
    }
}

/// How a statement begins that has common table expressions.
const WITH: &str = "with ";

/// Does a statement write, and nothing but write?
pub(super) fn is_write(text: &str) -> bool {
    let writes = ["insert ", "update ", "delete ", WITH].iter().any(|verb| text.starts_with(verb));
    writes && written(text).next().is_some() && !text.starts_with("with recursive") && !text.contains("returning")
}

/// Does one statement write a table that the other names?
fn disturbs(one: &str, other: &str) -> bool {
    written(one).any(|table| words(other).any(|word| word == table))
}

/// The tables that a statement writes.
fn written(text: &str) -> impl Iterator<Item = &str> {
    let mut before = ["", ""];
    words(text).filter(move |word| {
        let is_table = match before {
            [_, "update"] => !matches!(*word, "set" | "of"),
            ["insert", "into"] | ["delete", "from"] => true,
            _ => false,
        };
        before = [before[1], word];
        is_table
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    const SAVE: &str = "update payments set status = $2 where id = $1";
    const NOTE: &str = "insert into order_events (order_id, event) values ($1, $2)";
    const PAY: &str = "with held as (select id from products for no key update of products),
        paid as (update orders set status = 'paid' where id = $1)
        insert into outbox (topic) values ($2)";

    const fn sql(postgres: &'static str) -> Sql {
        Sql { name: "test", sqlite: "", postgres }
    }

    #[test]
    fn statements_become_one_with_numbers_of_its_own() {
        let mut writes = Writes::default();
        for (text, args) in [(PAY, (1_i64, 2_i64)), (SAVE, (3, 4)), (NOTE, (5, 6))] {
            writes.push(sql(text), &args).unwrap();
        }
        assert_eq!(writes.names(), "test + test + test");
        let (text, arguments) = writes.statement();
        let expected = "with beside_0 as (\ninsert into order_events (order_id, event) values ($5, $6)),\n\
            beside_1 as (\nupdate payments set status = $4 where id = $3),\nheld as (select";
        assert!(text.starts_with(expected) && text.ends_with("insert into outbox (topic) values ($2)"), "{text}");
        assert_eq!(arguments.len(), 6);
    }

    #[test]
    fn one_stays_as_it_is() {
        let mut writes = Writes::default();
        writes.push(sql(PAY), &(1_i64, 2_i64)).unwrap();
        assert_eq!(writes.statement().0, PAY);
    }

    #[test]
    fn what_touches_the_same_table_does_not_go_along() {
        for (first, second, expected) in [
            (SAVE, NOTE, true),
            (PAY, SAVE, true),
            (SAVE, PAY, false),
            (SAVE, SAVE, false),
            (NOTE, NOTE, false),
            (PAY, "update orders set updated_at = $2 where id = $1", false),
            (SAVE, "insert into refunds (payment_id) select id from payments where id = $1", false),
            ("insert into refunds (payment_id) select id from payments where id = $1", SAVE, false),
            ("delete from sessions where id = $1", "insert into sessions (id) values ($1)", false),
        ] {
            let mut writes = Writes::default();
            assert!(writes.may_take(first));
            writes.push(sql(first), &(1_i64, 2_i64)).unwrap();
            assert_eq!(writes.may_take(second), expected, "{first} {second}");
        }
    }

    #[test]
    fn what_locks_or_answers_does_not_wait() {
        for (text, expected) in [
            (SAVE, true),
            (PAY, true),
            ("select id from orders where id = $1 for no key update", false),
            ("with recursive above as (select 1) insert into products (id) select 1", false),
            ("insert into refunds (id) values ($1) returning id", false),
            ("with some as (select 1) select * from some", false),
            ("set local statement_timeout = 0", false),
        ] {
            assert_eq!(is_write(text), expected, "{text}");
        }
    }

    /// A table that were overlooked would let a statement go along with one that it must come behind.
    #[test]
    fn every_table_that_a_statement_writes_is_seen() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/postgres");
        let files = fs::read_dir(folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        let migrations: String = files.collect();
        let tables: BTreeSet<_> = migrations.split("create table ").skip(1).filter_map(|rest| words(rest).next()).collect();
        for Sql { name, postgres, .. } in crate::statements() {
            let seen: Vec<_> = written(postgres).collect();
            assert!(seen.iter().all(|table| tables.contains(table)), "{name}: {seen:?}");
            // Other ways to write, and other ways to write the same, are not read.
            let in_small_letters = postgres.to_ascii_lowercase();
            assert_eq!(written(&in_small_letters).count(), seen.len(), "{name}");
            assert!(!words(&in_small_letters).any(|word| matches!(word, "merge" | "truncate")), "{name}");
        }
    }
}
