//! The one connection that writes, and the commits that writers share.
//!
//! SQLite has one writer at a time, and what a small deed costs most is the wait for the disk at its commit. So writers take
//! turns, first come, first served, inside one transaction, and whoever is done waits for the commit that ends it. It comes
//! after those who were waiting already when the first was done; whoever is alone commits at once. Nobody is answered before
//! the disk has it.
//!
//! Whoever writes more than once works in a savepoint of its own. The last call of a turn needs none where it is one statement,
//! which happens as a whole or not at all: that is why `programs.rs` makes one of several.
//!
//! Such a last call goes along with the first call of the next turn, or with the commit: see `Carried`.
//!
//! What a turn leaves behind is noted in `Desk` and undone with the first call of the next turn, so that neither a savepoint
//! nor the end of one is a call of its own: each would be a way to SQLite's thread and back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard},
    task::AbortHandle,
    time::timeout,
};

use super::{
    desk::{Desk, Group},
    turn::Turn,
};

/// How long a turn is waited for.
const WAIT: Duration = Duration::from_secs(30);

/// Those who write.
#[derive(Clone)]
pub(in crate::db) struct Writer(Arc<Inner>);

struct Inner {
    desk: Arc<Mutex<Desk>>,
    /// How many wait for their turn.
    waiting: AtomicUsize,
    /// Where a group ends whose last turn is dropped outside of any.
    runtime: Handle,
}

impl Writer {
    pub(in crate::db) async fn open(options: SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let connection = options.connect().await?;
        let desk = Desk::new(options, connection);
        Ok(Self(Arc::new(Inner { desk: Arc::new(Mutex::new(desk)), waiting: AtomicUsize::new(0), runtime: Handle::current() })))
    }

    /// Waits for a turn to write.
    pub(in crate::db) async fn turn(&self) -> Result<Turn, sqlx::Error> {
        let mut desk = self.desk().await?;
        desk.make_ready().await?;
        match &mut desk.group {
            Some(group) => group.is_own = false,
            None => desk.make_programs().await,
        }
        Ok(Turn::new(self, desk, true))
    }

    /// Waits for a turn to write that is the first of a transaction: it needs no savepoint, whose pages are kept in memory.
    pub(in crate::db) async fn first_turn(&self) -> Result<Turn, sqlx::Error> {
        let mut desk = self.end_group(self.desk().await?).await?;
        desk.make_ready().await?;
        desk.make_programs().await;
        Ok(Turn::new(self, desk, true))
    }

    /// Waits for a turn to read what was committed, where nobody has another connection.
    pub(in crate::db) async fn turn_to_read(&self) -> Result<Turn, sqlx::Error> {
        let mut desk = self.end_group(self.desk().await?).await?;
        desk.make_ready().await?;
        Ok(Turn::new(self, desk, false))
    }

    /// Waits for who writes and who waits to, and closes the connection.
    pub(in crate::db) async fn close(&self) {
        let desk = self.0.desk.clone().lock_owned().await;
        let Ok(mut desk) = self.end_group(desk).await else { return };
        desk.is_closed = true;
        if let Some(connection) = desk.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the database was not closed in peace");
        }
    }

    /// How many wait for their turn.
    pub(super) fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    async fn desk(&self) -> Result<OwnedMutexGuard<Desk>, sqlx::Error> {
        let _waiting = Waiting::new(&self.0.waiting);
        timeout(WAIT, self.0.desk.clone().lock_owned()).await.map_err(|_| sqlx::Error::PoolTimedOut)
    }

    /// Ends the group at once. Once begun it goes on, also when nobody waits for it: its members do.
    async fn end_group(&self, mut desk: OwnedMutexGuard<Desk>) -> Result<OwnedMutexGuard<Desk>, sqlx::Error> {
        if desk.group.is_none() {
            return Ok(desk);
        }
        let ended = self.runtime().spawn(async move {
            desk.end_group().await;
            desk
        });
        ended.await.map_err(|_| sqlx::Error::WorkerCrashed)
    }

    pub(super) fn runtime(&self) -> Handle {
        Handle::try_current().unwrap_or_else(|_| self.0.runtime.clone())
    }

    /// Somebody ends the group, after those who wait for their turn already.
    pub(super) fn call_committer(&self, group: &mut Group) {
        // The runtime on which it was to run may have ended.
        if group.committer.as_ref().is_none_or(AbortHandle::is_finished) {
            let desk = self.0.desk.clone();
            let committer = self.runtime().spawn(async move { desk.lock_owned().await.end_group().await });
            group.committer = Some(committer.abort_handle());
        }
    }
}

/// Counts one who waits, for as long.
struct Waiting<'w>(&'w AtomicUsize);

impl<'w> Waiting<'w> {
    fn new(count: &'w AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
