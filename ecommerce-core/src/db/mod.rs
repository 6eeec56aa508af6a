//! The plumbing below every room, without one word of the shop: two databases behind paired statements.
//!
//! A statement is one constant with a text for each engine; its arguments and its row are types that both drivers
//! know, so the compiler checks every call for both. [`Db`] hands out transactions, [`Tx`] runs statements in them.

mod filter;
mod migrate;
mod postgres;
mod retry;
mod sqlite;
mod statement;
mod tx;

pub(crate) use filter::Filter;
pub(crate) use retry::{AsStoreError, retry};
pub(crate) use sqlite::backup;
pub use statement::Sql;
pub(crate) use statement::{Args, Row, id_list, statements};
pub(crate) use tx::Tx;

use sqlx::{PgPool, SqlitePool};

use crate::StoreError;

/// An open database: which engine it is, and its connections.
#[derive(Clone)]
pub(crate) enum Db {
    /// One file. SQLite has one writer at a time, so writers queue for the one connection that may write.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

impl Db {
    /// Opens `sqlite:FILE`, `sqlite::memory:` or `postgres://...`, and brings its tables up to date.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        let db = match url.split_once(':') {
            Some(("sqlite", _)) => sqlite::open(url).await?,
            Some(("postgres" | "postgresql", _)) => postgres::open(url).await?,
            _ => return Err(StoreError::other("the database URL must begin with sqlite: or postgres://")),
        };
        migrate::run(&db).await?;
        Ok(db)
    }

    /// A transaction that may write. On SQLite it holds the write lock from its first moment.
    pub(crate) async fn write(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("begin immediate").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// A connection to read with, each statement seeing what was committed when it began.
    pub(crate) async fn read(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Tx::SqliteRead(readers.acquire().await?),
            Self::Postgres(pool) => Tx::PostgresRead(pool.acquire().await?),
        })
    }

    /// A transaction that reads one state of the whole database, however many statements it runs.
    pub(crate) async fn snapshot(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Self::Postgres(pool) => {
                Tx::Postgres(pool.begin_with("begin transaction isolation level repeatable read, read only").await?)
            }
        })
    }

    /// Waits for running statements and closes every connection.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}
