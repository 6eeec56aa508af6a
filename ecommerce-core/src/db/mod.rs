//! The plumbing below every room, without one word of the shop: two databases behind paired statements.
//!
//! A statement is one constant with a text for each engine; its arguments and its row are types that both drivers
//! know, so the compiler checks every call for both. [`Db`] hands out transactions, [`Tx`] runs statements in them.

mod faults;
mod files;
mod filter;
mod lease;
mod migrate;
mod postgres;
mod retry;
mod sqlite;
mod statement;
mod tx;

use faults::Faults;
pub use faults::{DatabaseCall, DatabaseFault, DatabaseFaults};
pub(crate) use filter::Filter;
pub(crate) use retry::{AsStoreError, retry};
pub(crate) use sqlite::backup;
pub use statement::Sql;
pub(crate) use statement::{Args, PerEngine, Row, id_list, json, statements};
pub(crate) use tx::Tx;

use std::{sync::Arc, time::Duration};

use lease::Lease;
use sqlx::{PgPool, SqlitePool};
use tx::Place;

use crate::StoreError;

/// An open database: its connections, and what may befall the calls on them.
#[derive(Clone)]
pub(crate) struct Db {
    pools: Pools,
    faults: Faults,
}

/// Which engine it is.
#[derive(Clone)]
enum Pools {
    /// One file. SQLite has one writer at a time, so writers queue for the one connection that may write.
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    /// A server, and how long its answer to a statement is waited for.
    Postgres { pool: PgPool, patience: Duration },
}

impl Db {
    /// Opens `sqlite:FILE`, `sqlite::memory:` or `postgres://...`, and brings its tables up to date.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        let pools = match url.split_once(':') {
            Some(("sqlite", _)) => sqlite::open(url).await?,
            Some(("postgres" | "postgresql", _)) => postgres::open(url).await?,
            _ => return Err(StoreError::other("the database URL must begin with sqlite: or postgres://")),
        };
        migrate::run(&pools).await?;
        Ok(Self { pools, faults: Faults::new(None) })
    }

    /// The same with what may befall its calls from now on.
    pub(crate) fn befallen_by(self, faults: Option<Arc<dyn DatabaseFaults>>) -> Self {
        Self { faults: Faults::new(faults), ..self }
    }

    /// A transaction that may write. On SQLite it holds the write lock from its first moment.
    pub(crate) async fn write(&self) -> Result<Tx, StoreError> {
        self.begin(async {
            Ok(match &self.pools {
                Pools::Sqlite { writer, .. } => Place::Sqlite(writer.begin_with("begin immediate").await?),
                Pools::Postgres { pool, patience } => Place::Postgres(Lease::begin(pool, *patience, "begin").await?),
            })
        })
        .await
    }

    /// A connection to read with, each statement seeing what was committed when it began.
    pub(crate) async fn read(&self) -> Result<Tx, StoreError> {
        self.begin(async {
            Ok(match &self.pools {
                Pools::Sqlite { readers, .. } => Place::SqliteRead(readers.acquire().await?),
                Pools::Postgres { pool, patience } => Place::Postgres(Lease::take(pool, *patience).await?),
            })
        })
        .await
    }

    /// A transaction that reads one state of the whole database, however many statements it runs.
    pub(crate) async fn snapshot(&self) -> Result<Tx, StoreError> {
        self.begin(async {
            Ok(match &self.pools {
                Pools::Sqlite { readers, .. } => Place::Sqlite(readers.begin().await?),
                Pools::Postgres { pool, patience } => {
                    let begin = "begin transaction isolation level repeatable read, read only";
                    Place::Postgres(Lease::begin(pool, *patience, begin).await?)
                }
            })
        })
        .await
    }

    async fn begin(&self, begun: impl Future<Output = Result<Place, sqlx::Error>>) -> Result<Tx, StoreError> {
        let place = self.faults.pass(DatabaseCall::Begin, begun).await?;
        Ok(Tx::new(place, self.faults.clone()))
    }

    /// Waits for running statements and closes every connection.
    pub(crate) async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres { pool, .. } => pool.close().await,
        }
    }
}
