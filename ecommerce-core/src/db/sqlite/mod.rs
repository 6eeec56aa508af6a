mod batch;
mod desk;
mod programs;
#[cfg(test)]
mod tests;
mod turn;
mod writer;

use std::{path::Path, str::FromStr, time::Duration};

use futures_util::FutureExt;
use sqlx::{
    ConnectOptions, Sqlite,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{Db, Engine, Sql, files, pool::Pool, retry};
use crate::StoreError;

#[cfg(test)]
pub(crate) use tests::become_programs;
pub(super) use turn::Turn;
pub(super) use writer::Writer;

/// How many connections read beside the one that writes.
const READERS: u32 = 4;

/// How long a connection to read with is waited for.
const WAIT: Duration = Duration::from_secs(30);

/// SQLite before 3.51.3 can corrupt a write-ahead log when two connections checkpoint at once (sqlite.org/wal.html, "the WAL-reset bug").
const OLDEST_SAFE: (u32, u32, u32) = (3, 51, 3);

pub(super) async fn open(url: &str) -> Result<Engine, StoreError> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // An acknowledged order survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        // In KiB, for each connection, taken as it is needed: what 2 MiB do not hold of a large catalog is read again and again.
        .pragma("cache_size", "-8192")
        .statement_cache_capacity(500)
        .disable_statement_logging();
    // A database in memory belongs to its one connection.
    let in_memory = url.contains(":memory:") || url.contains("mode=memory");
    if !in_memory {
        files::make_if_missing(options.get_filename()).map_err(sqlx::Error::from)?;
    }
    // Of two processes that make the same file at once, SQLite turns one away without a wait while the other switches to WAL.
    // What a savepoint may have to bring back is kept in memory, and not in a file of its own. What changes very much takes a first
    // turn, which has none. Readers sort in files what is large.
    let writing = options.clone().pragma("temp_store", "memory");
    let writer = retry(async || Ok::<_, StoreError>(Writer::open(writing.clone()).await?)).await?;
    let readers = if in_memory { None } else { Some(readers(options.read_only(true).create_if_missing(false))) };
    check_version(&writer).await?;
    Ok(Engine::Sqlite { writer, readers })
}

fn readers(options: SqliteConnectOptions) -> Pool<Sqlite> {
    let open = move || {
        let options = options.clone();
        async move { options.connect().await }.boxed()
    };
    // SQLite reads from the machine's own disk, which answers or fails.
    Pool::new(READERS, WAIT, Duration::MAX, Box::new(open))
}

async fn check_version(writer: &Writer) -> Result<(), StoreError> {
    let mut turn = writer.turn_to_read().await?;
    let version: String = sqlx::query_scalar("select sqlite_version()").fetch_one(turn.ask()?).await?;
    turn.answered(Ok(()))?;
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if (next(), next(), next()) < OLDEST_SAFE {
        return Err(StoreError::other(format!("SQLite {version} is older than 3.51.3 and can corrupt a write-ahead log")));
    }
    Ok(())
}

const COPY: Sql = Sql { name: "db::sqlite::COPY", sqlite: "vacuum into $1", postgres: "" };

/// Writes a consistent copy of the live database to a new file, whole and on the disk, or leaves none.
pub(crate) async fn backup(db: &Db, file: &Path) -> Result<(), StoreError> {
    if !matches!(db.engine, Engine::Sqlite { .. }) {
        return Err(StoreError::other("only a SQLite store is backed up this way; use pg_dump for PostgreSQL"));
    }
    let Some(name) = file.to_str() else {
        return Err(StoreError::other("the file's name must be UTF-8"));
    };
    let copy = files::NewFile::make(file).map_err(|error| StoreError::other(error.to_string()))?;
    db.read().await?.execute(COPY, &(name.to_owned(),)).await?;
    copy.keep().map_err(|error| StoreError::other(error.to_string()))
}
