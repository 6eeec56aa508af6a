use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use sqlx::{Connection, Database, SqlSafeStr};
use sqlx_core::transaction::TransactionManager;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

/// How long a connection may take to end what it is in the middle of, before it is thrown away.
const RETURN: Duration = Duration::from_secs(5);

/// A connection that nobody used for so long is asked whether its server is still there.
const FRESH: Duration = Duration::from_secs(1);

/// Whoever stands between us and the server may like to see connections renewed.
const OLDEST: Duration = Duration::from_secs(30 * 60);

/// How a connection is opened.
pub(super) type Open<DB> = dyn Fn() -> BoxFuture<'static, Result<<DB as Database>::Connection, sqlx::Error>> + Send + Sync;

/// Connections that are lent, first come, first served.
///
/// sqlx's own pool asks a connection for a sign of life whenever it is lent and again when it comes back. That is twice the
/// way to the server, or to SQLite's thread, beside the one statement that most are lent for.
pub(super) struct Pool<DB: Database>(Arc<Inner<DB>>);

struct Inner<DB: Database> {
    open: Box<Open<DB>>,
    idle: Mutex<Vec<Idle<DB>>>,
    size: u32,
    places: Arc<Semaphore>,
    /// How long a connection is waited for.
    wait: Duration,
    /// How long the answer to one statement is waited for.
    patience: Duration,
    /// Where a connection is brought back that is dropped outside of any.
    runtime: Handle,
}

struct Idle<DB: Database> {
    connection: DB::Connection,
    opened: Instant,
    since: Instant,
}

impl<DB: Database> Clone for Pool<DB> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<DB: Database> Pool<DB> {
    /// So many connections, each opened when it is first needed.
    pub(super) fn new(size: u32, wait: Duration, patience: Duration, open: Box<Open<DB>>) -> Self {
        let places = Arc::new(Semaphore::new(size as usize));
        Self(Arc::new(Inner { open, idle: Mutex::default(), size, places, wait, patience, runtime: Handle::current() }))
    }

    /// Takes in a connection that is open already.
    pub(super) fn put(&self, connection: DB::Connection) {
        self.0.keep(connection, Instant::now());
    }

    /// A connection whose every statement is a transaction of its own.
    pub(super) async fn lend(&self) -> Result<Lease<DB>, sqlx::Error> {
        let lent = async {
            let place = self.0.places.clone().acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
            while let Some(Idle { mut connection, opened, since }) = self.0.take() {
                if since.elapsed() < FRESH || within(RETURN, connection.ping()).await.is_ok() {
                    return Ok((connection, opened, place));
                }
            }
            Ok(((self.0.open)().await?, Instant::now(), place))
        };
        let (connection, opened, place) = timeout(self.0.wait, lent).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
        let (pool, patience) = (self.0.clone(), self.0.patience);
        Ok(Lease { lent: Some((connection, place)), opened, pool, patience, is_answered: true, is_beginning: false })
    }

    /// The same in a transaction that this statement begins.
    pub(super) async fn begin(&self, statement: &'static str) -> Result<Lease<DB>, sqlx::Error> {
        let mut lease = self.lend().await?;
        let patience = lease.patience;
        lease.is_beginning = true;
        let begun = within(patience, DB::TransactionManager::begin(lease.ask()?, Some(statement.into_sql_str()))).await;
        lease.answered(begun)?;
        lease.is_beginning = false;
        Ok(lease)
    }

    /// A connection of its own, which nobody else will be lent.
    pub(super) async fn open(&self) -> Result<DB::Connection, sqlx::Error> {
        (self.0.open)().await
    }

    /// Waits for those that are lent, and closes them all.
    pub(super) async fn close(&self) {
        let _all = self.0.places.acquire_many(self.0.size).await;
        self.0.places.close();
        while let Some(Idle { connection, .. }) = self.0.take() {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "a connection to the database was not closed in peace");
            }
        }
    }
}

impl<DB: Database> Inner<DB> {
    /// The one that was used last: its caches are the warmest, and those that nobody needs grow cold.
    fn take(&self) -> Option<Idle<DB>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, connection: DB::Connection, opened: Instant) {
        if opened.elapsed() < OLDEST {
            let idle = Idle { connection, opened, since: Instant::now() };
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(idle);
        }
    }
}

/// A connection for one deed. A transaction that is not committed is rolled back.
pub(crate) struct Lease<DB: Database> {
    lent: Option<(DB::Connection, OwnedSemaphorePermit)>,
    opened: Instant,
    pool: Arc<Inner<DB>>,
    patience: Duration,
    /// Whether the last call was answered, as far as is known.
    is_answered: bool,
    /// Whether a transaction may have begun of which the driver does not know.
    is_beginning: bool,
}

impl<DB: Database> Lease<DB> {
    /// The connection, to make a call on whose answer goes to [`Lease::answered`].
    pub(super) fn ask(&mut self) -> Result<&mut DB::Connection, sqlx::Error> {
        self.is_answered = false;
        self.lent.as_mut().map(|(connection, _)| connection).ok_or(sqlx::Error::PoolClosed)
    }

    /// How long the answer to a statement is waited for.
    pub(super) const fn patience(&self) -> Duration {
        self.patience
    }

    /// Nobody hurries any more.
    pub(super) const fn take_time(&mut self) {
        self.patience = Duration::MAX;
    }

    /// Passes the answer of a call on.
    pub(super) fn answered<T>(&mut self, answer: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.is_answered = answer.is_ok();
        answer
    }

    /// Has a transaction begun that has not ended?
    pub(super) fn is_in_transaction(&self) -> bool {
        self.lent.as_ref().is_some_and(|(connection, _)| DB::TransactionManager::get_transaction_depth(connection) > 0)
    }

    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        let patience = self.patience;
        let committed = within(patience, DB::TransactionManager::commit(self.ask()?)).await;
        self.answered(committed)
    }
}

impl<DB: Database> Drop for Lease<DB> {
    fn drop(&mut self) {
        let Some((mut connection, place)) = self.lent.take() else { return };
        if self.is_beginning {
            // Whoever were lent it next would write into that transaction, and nobody would commit it.
            return;
        }
        let (pool, opened) = (self.pool.clone(), self.opened);
        if self.is_answered && DB::TransactionManager::get_transaction_depth(&connection) == 0 {
            return pool.keep(connection, opened);
        }
        DB::TransactionManager::start_rollback(&mut connection);
        let runtime = Handle::try_current().unwrap_or_else(|_| self.pool.runtime.clone());
        // Not for ever: who waits for the end of what was begun has one connection fewer meanwhile.
        runtime.spawn(async move {
            let is_sound = within(RETURN, connection.ping()).await.is_ok();
            if is_sound && DB::TransactionManager::get_transaction_depth(&connection) == 0 {
                pool.keep(connection, opened);
            }
            drop(place);
        });
    }
}

/// The answer to a call of the database, unless it does not come in time.
pub(super) async fn within<T>(patience: Duration, call: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    if patience == Duration::MAX {
        return call.await;
    }
    timeout(patience, call).await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}
