//! What can go wrong: values that are refused, and a database that fails.

use std::{borrow::Cow, fmt};

use sqlx::sqlite::SqliteError;

/// A value that is refused, with the reason, in words that fit behind the field's name: "must be 1 to 100".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Invalid {
    reason: String,
}

impl Invalid {
    /// A refusal with this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl From<crate::MoneyError> for Invalid {
    fn from(error: crate::MoneyError) -> Self {
        Self::new(error.to_string())
    }
}

/// A field of a request that is refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct InvalidField {
    /// The field's name in the request.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: Invalid,
}

impl InvalidField {
    pub(crate) fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: Invalid::new(reason) }
    }
}

/// The database failed, or holds what it must not hold.
///
/// Nothing was changed, unless the database died over the answer to a commit: then it is not known whether all of the deed
/// was done or nothing. Look, or do the same again with the same idempotency key or the same event, which is safe.
///
/// Opaque on purpose: a caller can only try again or give up, and the predicates say which.
pub struct StoreError(Box<Cause>);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("{statement}: {source}")]
    Statement { statement: Cow<'static, str>, source: sqlx::Error },
    #[error("{0}")]
    Database(#[from] sqlx::Error),
    #[error("migration: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("{table} {id}: {reason}")]
    Corrupt { table: &'static str, id: i64, reason: String },
    #[error("somebody else was faster")]
    LostRace,
    #[error("{0}")]
    Other(String),
}

impl StoreError {
    /// A statement of ours failed: its name tells table and purpose, sqlx tells the column.
    pub(crate) fn statement(statement: impl Into<Cow<'static, str>>, source: sqlx::Error) -> Self {
        Self(Box::new(Cause::Statement { statement: statement.into(), source }))
    }

    /// A row holds what no rule of the store could have written.
    pub(crate) fn corrupt(table: &'static str, id: i64, reason: impl fmt::Display) -> Self {
        Self(Box::new(Cause::Corrupt { table, id, reason: reason.to_string() }))
    }

    /// What was read before is not so any more, and nothing was done.
    pub(crate) fn lost_race() -> Self {
        Self(Box::new(Cause::LostRace))
    }

    pub(crate) fn other(reason: impl Into<String>) -> Self {
        Self(Box::new(Cause::Other(reason.into())))
    }

    /// Would the same call succeed now, since it only lost a race or a lock? The store has tried several times already.
    pub fn is_retryable(&self) -> bool {
        match self.code() {
            _ if matches!(*self.0, Cause::LostRace) => true,
            // SQLITE_BUSY, SQLITE_LOCKED.
            Some(Code::Sqlite(code)) => matches!(code, 5 | 6),
            // serialization_failure, deadlock_detected.
            Some(Code::Postgres(code)) => matches!(code.as_str(), "40001" | "40P01"),
            None => false,
        }
    }

    /// Is the database out of reach for now: connection lost, pool exhausted, no answer in time, starting up or shutting down,
    /// its disk full or failing?
    pub fn is_unavailable(&self) -> bool {
        match self.code() {
            // SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN.
            Some(Code::Sqlite(code)) => matches!(code, 10 | 13 | 14),
            // Class 08 (connection), 53 (resources), 57P (operator intervention), 58 (I/O on the server); a database that is gone
            // or takes no connections; query_canceled and idle_in_transaction_session_timeout: the server gave up waiting.
            Some(Code::Postgres(code)) => {
                ["08", "53", "57P", "58"].iter().any(|class| code.starts_with(class))
                    || matches!(code.as_str(), "3D000" | "55000" | "57014" | "25P03")
            }
            None => matches!(
                self.sqlx(),
                Some(
                    sqlx::Error::Io(_)
                        | sqlx::Error::PoolTimedOut
                        | sqlx::Error::PoolClosed
                        | sqlx::Error::WorkerCrashed
                        | sqlx::Error::Tls(_)
                )
            ),
        }
    }

    /// Does the database refuse the row because a unique constraint holds it back?
    pub(crate) fn is_unique_violation(&self) -> bool {
        self.sqlx().and_then(sqlx::Error::as_database_error).is_some_and(|error| error.is_unique_violation())
    }

    fn sqlx(&self) -> Option<&sqlx::Error> {
        match &*self.0 {
            Cause::Statement { source, .. } | Cause::Database(source) => Some(source),
            _ => None,
        }
    }

    fn code(&self) -> Option<Code> {
        let error = self.sqlx()?.as_database_error()?;
        let code = error.code()?;
        Some(match error.try_downcast_ref::<SqliteError>() {
            // Which of its many ways it failed is in the upper bits (sqlite.org/rescode.html).
            Some(_) => Code::Sqlite(code.parse::<u32>().ok()? & 0xff),
            None => Code::Postgres(code.into_owned()),
        })
    }
}

/// How a database names what went wrong.
enum Code {
    /// The primary result code.
    Sqlite(u32),
    /// The SQLSTATE, five characters.
    Postgres(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::error::Error for StoreError {}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self(Box::new(Cause::Database(error)))
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self(Box::new(Cause::Migrate(error)))
    }
}
