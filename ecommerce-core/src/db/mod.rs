//! The plumbing below every room, without one word of the shop: two databases behind paired statements.
//!
//! A statement is one constant with a text for each engine; its arguments and its row are types that both drivers
//! know, so the compiler checks every call for both. [`Db`] hands out transactions, [`Tx`] runs statements in them.

mod faults;
mod files;
mod filter;
mod gather;
mod migrate;
mod pool;
mod postgres;
mod retry;
mod sqlite;
mod statement;
mod tx;

use faults::Faults;
pub use faults::{DatabaseCall, DatabaseFault, DatabaseFaults};
pub(crate) use filter::Filter;
pub(crate) use gather::Gather;
pub(crate) use retry::{AsStoreError, retry};
pub(crate) use sqlite::backup;
#[cfg(test)]
pub(crate) use sqlite::become_programs;
pub use statement::Sql;
pub(crate) use statement::{Args, PerEngine, Row, id_list, json, statements};
pub(crate) use tx::Tx;

use std::sync::Arc;

use pool::Pool;
use postgres::Session;
use sqlx::{Postgres, Sqlite};
use tx::Place;

use crate::StoreError;

/// An open database: its connections, and what may befall the calls on them.
#[derive(Clone)]
pub(crate) struct Db {
    engine: Engine,
    faults: Faults,
}

/// Which engine it is.
#[derive(Clone)]
enum Engine {
    /// One file, with one connection that writes and others that read; or memory, which belongs to the one connection.
    Sqlite { writer: sqlite::Writer, readers: Option<Pool<Sqlite>> },
    /// A server.
    Postgres(Pool<Postgres>),
}

impl Db {
    /// Opens `sqlite:FILE`, `sqlite::memory:` or `postgres://...`, and brings its tables up to date.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        let engine = match url.split_once(':') {
            Some(("sqlite", _)) => sqlite::open(url).await?,
            Some(("postgres" | "postgresql", _)) => postgres::open(url).await?,
            _ => return Err(StoreError::other("the database URL must begin with sqlite: or postgres://")),
        };
        migrate::run(&engine).await?;
        Ok(Self { engine, faults: Faults::new(None) })
    }

    /// The same with what may befall its calls from now on.
    pub(crate) fn befallen_by(self, faults: Option<Arc<dyn DatabaseFaults>>) -> Self {
        Self { faults: Faults::new(faults), ..self }
    }

    /// A transaction that may write. On SQLite it holds the write lock from its first moment, and may see what others have done
    /// and wait to be committed: whoever answers from it, ends it with [`Tx::commit`].
    pub(crate) async fn write(&self) -> Result<Tx, StoreError> {
        self.begin(async {
            Ok(match &self.engine {
                Engine::Sqlite { writer, .. } => Place::SqliteTurn(writer.turn().await?),
                Engine::Postgres(pool) => Place::Postgres(Session::new(pool.begin("begin").await?)),
            })
        })
        .await
    }

    /// The same for a deed that may change as many rows as there are: on SQLite it comes into no commit that others have begun.
    pub(crate) async fn write_much(&self) -> Result<Tx, StoreError> {
        match &self.engine {
            Engine::Sqlite { writer, .. } => self.begin(async { Ok(Place::SqliteTurn(writer.first_turn().await?)) }).await,
            Engine::Postgres(_) => self.write().await,
        }
    }

    /// A place for a deed of which only the last statement writes. On PostgreSQL it need not be a transaction, which saves the
    /// two ways of its beginning and its end: the statement that writes ([`Tx::write`]) sees to it that what was read before
    /// still holds, or does nothing, which is a race that was lost ([`StoreError::lost_race`]).
    pub(crate) async fn write_once(&self) -> Result<Tx, StoreError> {
        match &self.engine {
            Engine::Sqlite { .. } => self.write().await,
            Engine::Postgres(_) => self.read().await,
        }
    }

    /// A connection to read with, each statement seeing what was committed when it began.
    pub(crate) async fn read(&self) -> Result<Tx, StoreError> {
        self.begin(async {
            Ok(match &self.engine {
                Engine::Sqlite { readers: Some(readers), .. } => Place::Sqlite(readers.lend().await?),
                Engine::Sqlite { writer, readers: None } => Place::SqliteTurn(writer.turn_to_read().await?),
                Engine::Postgres(pool) => Place::Postgres(Session::new(pool.lend().await?)),
            })
        })
        .await
    }

    /// A transaction that reads one state of the whole database, however many statements it runs.
    pub(crate) async fn snapshot(&self) -> Result<Tx, StoreError> {
        self.begin(async {
            Ok(match &self.engine {
                Engine::Sqlite { readers: Some(readers), .. } => Place::Sqlite(readers.begin("begin").await?),
                Engine::Sqlite { writer, readers: None } => Place::SqliteTurn(writer.turn_to_read().await?),
                Engine::Postgres(pool) => {
                    let begin = "begin transaction isolation level repeatable read, read only";
                    Place::Postgres(Session::new(pool.begin(begin).await?))
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
        match &self.engine {
            Engine::Sqlite { writer, readers } => {
                if let Some(readers) = readers {
                    readers.close().await;
                }
                writer.close().await;
            }
            Engine::Postgres(pool) => pool.close().await,
        }
    }
}
