use std::{
    io,
    ops::{Deref, DerefMut},
    time::Duration,
};

use sqlx::{PgConnection, PgPool, Postgres, SqlSafeStr, pool::PoolConnection, postgres::PgTransactionManager};
use sqlx_core::transaction::TransactionManager;
use tokio::time::timeout;

/// How long a connection may take to end what it is in the middle of, before it is thrown away.
const RETURN: Duration = Duration::from_secs(5);

/// A connection to PostgreSQL for one deed, which comes back to the pool also when nobody answers on it any more.
///
/// A transaction that is not committed is rolled back.
pub(crate) struct Lease {
    connection: PoolConnection<Postgres>,
    patience: Duration,
}

impl Lease {
    /// A connection whose every statement is a transaction of its own.
    pub(super) async fn take(pool: &PgPool, patience: Duration) -> Result<Self, sqlx::Error> {
        Ok(Self { connection: pool.acquire().await?, patience })
    }

    /// A transaction that this statement begins.
    pub(super) async fn begin(pool: &PgPool, patience: Duration, statement: &'static str) -> Result<Self, sqlx::Error> {
        let mut lease = Self::take(pool, patience).await?;
        within(patience, PgTransactionManager::begin(&mut lease.connection, Some(statement.into_sql_str()))).await?;
        Ok(lease)
    }

    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        within(self.patience, PgTransactionManager::commit(&mut self.connection)).await
    }

    /// For what reads whole tables: nobody hurries, neither here nor on the server, until the transaction ends.
    pub(super) async fn take_time(&mut self) -> Result<(), sqlx::Error> {
        within(self.patience, sqlx::query("set local statement_timeout = 0").execute(&mut *self.connection)).await?;
        self.patience = Duration::MAX;
        Ok(())
    }

    pub(super) const fn patience(&self) -> Duration {
        self.patience
    }
}

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        PgTransactionManager::start_rollback(&mut self.connection);
        // By itself the pool would wait for the end of what was begun, for ever, and have one connection fewer meanwhile.
        tokio::spawn(timeout(RETURN, self.connection.return_to_pool()));
    }
}

/// The answer to a call of the database, unless it does not come in time.
pub(super) async fn within<T>(patience: Duration, call: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    timeout(patience, call).await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}
