use std::fmt::Write as _;

use sqlx::{
    Arguments, Database, Encode, FromRow, Postgres, Sqlite, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::StoreError;

/// A statement with a text for each engine: the same arguments, the same columns, the same meaning.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct Sql {
    /// Where it stands and what it is called, for errors and tests.
    pub name: &'static str,
    /// The text for SQLite.
    pub sqlite: &'static str,
    /// The text for PostgreSQL.
    pub postgres: &'static str,
}

/// Declares statements as constants, and lists them in `ALL` so that tests can prepare each on both engines.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:tt;)+) => {
        $($(#[$doc])* const $name: crate::db::Sql = crate::db::statements!(@sql $name $text);)+
        pub(crate) const ALL: &[crate::db::Sql] = &[$($name),+];
    };
    (@sql $name:ident { sqlite: $sqlite:expr, postgres: $postgres:expr $(,)? }) => {
        crate::db::Sql { name: concat!(module_path!(), "::", stringify!($name)), sqlite: $sqlite, postgres: $postgres }
    };
    (@sql $name:ident $text:tt) => {
        crate::db::Sql { name: concat!(module_path!(), "::", stringify!($name)), sqlite: $text, postgres: $text }
    };
}
pub(crate) use statements;

/// Ids as one argument, `[1,2,3]`: SQLite reads it with `json_each`, PostgreSQL as an array.
pub(crate) fn id_list(ids: impl Iterator<Item = i64>) -> String {
    format!("[{}]", ids.map(|id| id.to_string()).collect::<Vec<_>>().join(","))
}

/// Rows as one argument.
pub(crate) fn json(rows: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(rows).map_err(|error| StoreError::other(error.to_string()))
}

/// The text behind so many arguments of others.
pub(super) fn renumber(text: &str, before: usize) -> String {
    let mut parts = text.split('$');
    let mut renumbered = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        let (number, rest) = part.split_at(digits);
        renumbered.push('$');
        if let Ok(number) = number.parse::<usize>() {
            // Writing to a String cannot fail.
            let _ = write!(renumbered, "{}", before + number);
        }
        renumbered.push_str(rest);
    }
    renumbered
}

/// A row that both drivers can read.
pub(crate) trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A value that both drivers can send.
pub(crate) trait Value:
    for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres> + Clone + Send + Sync
{
}

impl<T> Value for T where
    T: for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres> + Clone + Send + Sync
{
}

/// A text for each engine as one value: a search in its own language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PerEngine {
    pub(crate) sqlite: String,
    pub(crate) postgres: String,
}

impl Type<Sqlite> for PerEngine {
    fn type_info() -> <Sqlite as Database>::TypeInfo {
        <String as Type<Sqlite>>::type_info()
    }
}

impl Type<Postgres> for PerEngine {
    fn type_info() -> <Postgres as Database>::TypeInfo {
        <String as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Sqlite> for PerEngine {
    fn encode_by_ref(&self, buffer: &mut <Sqlite as Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode_by_ref(&self.sqlite, buffer)
    }
}

impl Encode<'_, Postgres> for PerEngine {
    fn encode_by_ref(&self, buffer: &mut <Postgres as Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode_by_ref(&self.postgres, buffer)
    }
}

/// The arguments of a statement: a tuple of values, `$1` first. Always lent as `&dyn Args`, so that what runs a statement is
/// compiled once, and not again for each tuple.
pub(crate) trait Args: Sync {
    /// Adds them behind those of another statement.
    fn add_to_sqlite(&self, arguments: &mut SqliteArguments) -> Result<(), sqlx::Error>;
    fn add_to_postgres(&self, arguments: &mut PgArguments) -> Result<(), sqlx::Error>;
}

macro_rules! args {
    ($($value:ident)*) => {
        #[allow(non_snake_case, unused_mut, unused_variables)]
        impl<$($value: Value),*> Args for ($($value,)*) {
            fn add_to_sqlite(&self, arguments: &mut SqliteArguments) -> Result<(), sqlx::Error> {
                let ($($value,)*) = self;
                $(arguments.add($value).map_err(sqlx::Error::Encode)?;)*
                Ok(())
            }

            fn add_to_postgres(&self, arguments: &mut PgArguments) -> Result<(), sqlx::Error> {
                let ($($value,)*) = self;
                $(arguments.add($value).map_err(sqlx::Error::Encode)?;)*
                Ok(())
            }
        }
    };
}

args!();
args!(A);
args!(A B);
args!(A B C);
args!(A B C D);
args!(A B C D E);
args!(A B C D E F);
args!(A B C D E F G);
args!(A B C D E F G H);
args!(A B C D E F G H I);
args!(A B C D E F G H I J);
args!(A B C D E F G H I J K);
args!(A B C D E F G H I J K L);
args!(A B C D E F G H I J K L M);
args!(A B C D E F G H I J K L M N);
