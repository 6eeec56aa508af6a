use std::{path::Path, str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Db, retry};
use crate::StoreError;

/// How many connections read beside the one that writes.
const READERS: u32 = 4;

/// SQLite before 3.51.3 can corrupt a write-ahead log when two connections checkpoint at once (sqlite.org/wal.html, "the WAL-reset bug").
const OLDEST_SAFE: (u32, u32, u32) = (3, 51, 3);

pub(super) async fn open(url: &str) -> Result<Db, StoreError> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // An acknowledged order survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .statement_cache_capacity(500)
        .disable_statement_logging();
    // Of two processes that make the same file at once, SQLite turns one away without a wait while the other switches to WAL.
    let writer = retry(async || Ok::<_, StoreError>(pool(1).connect_with(options.clone()).await?)).await?;
    check_version(&writer).await?;
    // A database in memory belongs to its one connection.
    let readers = if url.contains(":memory:") || url.contains("mode=memory") {
        writer.clone()
    } else {
        let options = options.read_only(true).create_if_missing(false);
        retry(async || Ok::<_, StoreError>(pool(READERS).connect_with(options.clone()).await?)).await?
    };
    Ok(Db::Sqlite { writer, readers })
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(30))
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

/// Writes a consistent copy of the live database to a new file.
pub(crate) async fn backup(db: &Db, file: &Path) -> Result<(), StoreError> {
    let Db::Sqlite { readers, .. } = db else {
        return Err(StoreError::other("only a SQLite store is backed up this way; use pg_dump for PostgreSQL"));
    };
    if file.exists() {
        return Err(StoreError::other(format!("{} exists already", file.display())));
    }
    let Some(name) = file.to_str() else {
        return Err(StoreError::other("the file's name must be UTF-8"));
    };
    sqlx::query(AssertSqlSafe("vacuum into $1".to_owned())).bind(name.to_owned()).execute(readers).await?;
    Ok(())
}
