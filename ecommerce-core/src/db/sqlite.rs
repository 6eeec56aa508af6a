use std::{path::Path, str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{DatabaseCall, Db, Pools, files, retry};
use crate::StoreError;

/// How many connections read beside the one that writes.
const READERS: u32 = 4;

/// SQLite before 3.51.3 can corrupt a write-ahead log when two connections checkpoint at once (sqlite.org/wal.html, "the WAL-reset bug").
const OLDEST_SAFE: (u32, u32, u32) = (3, 51, 3);

pub(super) async fn open(url: &str) -> Result<Pools, StoreError> {
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
    let writer = retry(async || Ok::<_, StoreError>(pool(1).connect_with(options.clone()).await?)).await?;
    check_version(&writer).await?;
    let readers = if in_memory {
        writer.clone()
    } else {
        let options = options.read_only(true).create_if_missing(false);
        retry(async || Ok::<_, StoreError>(pool(READERS).connect_with(options.clone()).await?)).await?
    };
    Ok(Pools::Sqlite { writer, readers })
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(30))
        // When the disk is full, SQLite may roll a transaction back by itself, which the driver does not notice: it would begin
        // no other one on this connection, ever.
        .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
}

async fn check_version(pool: &SqlitePool) -> Result<(), StoreError> {
    let version: String = sqlx::query_scalar("select sqlite_version()").fetch_one(pool).await?;
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if (next(), next(), next()) < OLDEST_SAFE {
        return Err(StoreError::other(format!("SQLite {version} is older than 3.51.3 and can corrupt a write-ahead log")));
    }
    Ok(())
}

/// Writes a consistent copy of the live database to a new file, whole and on the disk, or leaves none.
pub(crate) async fn backup(db: &Db, file: &Path) -> Result<(), StoreError> {
    let Pools::Sqlite { readers, .. } = &db.pools else {
        return Err(StoreError::other("only a SQLite store is backed up this way; use pg_dump for PostgreSQL"));
    };
    let Some(name) = file.to_str() else {
        return Err(StoreError::other("the file's name must be UTF-8"));
    };
    let copy = files::NewFile::make(file).map_err(|error| StoreError::other(error.to_string()))?;
    let copied = sqlx::query(AssertSqlSafe("vacuum into $1".to_owned())).bind(name.to_owned()).execute(readers);
    db.faults.pass(DatabaseCall::Statement("backup"), copied).await?;
    copy.keep().map_err(|error| StoreError::other(error.to_string()))
}
