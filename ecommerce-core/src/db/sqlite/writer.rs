//! The one connection that writes, and the commits that writers share.
//!
//! SQLite has one writer at a time, and what a small deed costs most is the wait for the disk at its commit. So writers take
//! turns, first come, first served, inside one transaction: each works in a savepoint of its own, and whoever is done waits
//! for the commit that ends the transaction. It comes after those who were waiting already when the first was done; whoever is
//! alone commits at once. Nobody is answered before the disk has it.
//!
//! What a turn leaves behind is noted in [`Desk`] and undone with the first call of the next turn, so that neither a savepoint
//! nor the end of one is a call of its own: each would be a way to SQLite's thread and back.

use std::{
    io, mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, SqliteConnection,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow},
};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard, oneshot},
    task::AbortHandle,
    time::timeout,
};

use super::{
    super::{Args, tx::collect},
    batch::Batch,
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

/// The connection and what was left on it.
struct Desk {
    options: SqliteConnectOptions,
    /// None before it is opened again.
    connection: Option<SqliteConnection>,
    is_closed: bool,
    group: Option<Group>,
    /// Whether a call was not answered as it should: what stands on the connection has to be found out.
    is_unsure: bool,
    /// Whether finding it out may have begun a transaction, which would look like the one that is looked for.
    is_probed: bool,
}

/// An open transaction.
#[derive(Default)]
struct Group {
    /// Those who are done, and wait for the commit.
    members: Vec<oneshot::Sender<Result<(), String>>>,
    savepoint: Savepoint,
    /// Whether the last turn ended without a commit: what it did since the savepoint, or since the beginning, is to be undone.
    is_left: bool,
    /// Who ends it.
    committer: Option<AbortHandle>,
}

/// Two names take turns, so that it can be told whether a savepoint was made of which no answer came.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Savepoint {
    /// The first turn needs none: undoing it is undoing all.
    #[default]
    None,
    Even,
    Odd,
}

impl Savepoint {
    /// The next one, and how it is made: what the last one held is kept.
    const fn next(self) -> (Self, &'static str) {
        match self {
            Self::None => (Self::Even, "savepoint even; "),
            Self::Odd => (Self::Even, "release odd; savepoint even; "),
            Self::Even => (Self::Odd, "release even; savepoint odd; "),
        }
    }

    /// The one before, where there was any.
    const fn end_of_last(self) -> &'static str {
        match self {
            Self::Odd => "release even",
            Self::Even | Self::None => "release odd",
        }
    }

    const fn undo(self) -> &'static str {
        match self {
            Self::None => "rollback; begin immediate; ",
            Self::Even => "rollback to even; ",
            Self::Odd => "rollback to odd; ",
        }
    }

    const fn undo_and_commit(self) -> &'static str {
        match self {
            Self::None => "rollback",
            Self::Even => "rollback to even; commit",
            Self::Odd => "rollback to odd; commit",
        }
    }
}

impl Writer {
    pub(in crate::db) async fn open(options: SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let connection = Some(options.connect().await?);
        let desk = Desk { options, connection, is_closed: false, group: None, is_unsure: false, is_probed: false };
        Ok(Self(Arc::new(Inner { desk: Arc::new(Mutex::new(desk)), waiting: AtomicUsize::new(0), runtime: Handle::current() })))
    }

    /// Waits for a turn to write.
    pub(in crate::db) async fn turn(&self) -> Result<Turn, sqlx::Error> {
        let mut desk = self.desk().await?;
        desk.make_ready().await?;
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
    #[cfg(test)]
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

    fn runtime(&self) -> Handle {
        Handle::try_current().unwrap_or_else(|_| self.0.runtime.clone())
    }

    /// Somebody ends the group, after those who wait for their turn already.
    fn call_committer(&self, group: &mut Group) {
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

/// The connection, for as long as it is somebody's turn. Unless it ends with [`Turn::commit`], what was done is undone.
pub(in crate::db) struct Turn {
    writer: Writer,
    desk: OwnedMutexGuard<Desk>,
    writes: bool,
    /// Whether anything was asked in this turn.
    is_touched: bool,
    is_answered: bool,
    /// What goes along with the next call.
    batch: Batch,
}

impl Turn {
    fn new(writer: &Writer, desk: OwnedMutexGuard<Desk>, writes: bool) -> Self {
        Self { writer: writer.clone(), desk, writes, is_touched: false, is_answered: true, batch: Batch::default() }
    }

    /// The connection as it is, to make a call on whose answer goes to [`Turn::answered`].
    pub(in crate::db) fn ask(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        self.is_touched = true;
        self.is_answered = false;
        self.desk.connection.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// Passes the answer of a call on.
    pub(in crate::db) fn answered<T>(&mut self, answer: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.is_answered = answer.is_ok();
        answer
    }

    /// A statement whose answer nobody needs: it goes along with the next call, or with the commit.
    pub(in crate::db) fn later(&mut self, text: &str, args: impl Args) -> Result<(), sqlx::Error> {
        self.batch.push(text, args)
    }

    /// Runs a statement, behind those that were to go along with it.
    pub(in crate::db) async fn run(&mut self, text: &str, args: impl Args) -> Result<(Vec<SqliteRow>, u64), sqlx::Error> {
        self.batch.push(text, args)?;
        self.run_batch("").await
    }

    /// Runs a text with arguments of its own.
    pub(in crate::db) async fn run_alone(
        &mut self,
        text: String,
        arguments: SqliteArguments,
    ) -> Result<(Vec<SqliteRow>, u64), sqlx::Error> {
        if !self.batch.is_empty() {
            self.run_batch("").await?;
        }
        self.batch = Batch { text, arguments };
        self.run_batch("").await
    }

    async fn run_batch(&mut self, end: &str) -> Result<(Vec<SqliteRow>, u64), sqlx::Error> {
        let Batch { text, arguments } = mem::take(&mut self.batch);
        let begin = if self.writes && !self.is_touched { self.desk.begin() } else { "" };
        let text = AssertSqlSafe(if begin.is_empty() && end.is_empty() { text } else { format!("{begin}{text}{end}") });
        let answer = collect(self.ask()?.fetch_many(sqlx::query_with(text, arguments))).await;
        self.answered(answer)
    }

    /// Waits until all that was done in this turn, and seen in it, is on the disk. Answers the rows of the last statement, where
    /// it went along with the commit.
    pub(in crate::db) async fn commit(mut self) -> Result<Vec<SqliteRow>, sqlx::Error> {
        if !self.writes || !self.is_touched && self.batch.is_empty() {
            return Ok(Vec::new());
        }
        let is_shared = self.desk.group.as_ref().is_some_and(|group| !group.members.is_empty());
        if !is_shared && self.writer.0.waiting.load(Ordering::Relaxed) == 0 {
            let (rows, _) = self.run_batch(if self.batch.is_empty() { "commit" } else { ";\ncommit" }).await?;
            self.desk.group = None;
            return Ok(rows);
        }
        let rows = if self.batch.is_empty() { Vec::new() } else { self.run_batch("").await?.0 };
        let Some(group) = self.desk.group.as_mut() else { return Ok(rows) };
        let (member, committed) = oneshot::channel();
        group.members.push(member);
        self.writer.call_committer(group);
        self.is_touched = false;
        drop(self);
        let committed = committed.await.unwrap_or_else(|_| Err("the program ends, and nobody knows what it wrote".to_owned()));
        committed.map_err(io::Error::other)?;
        Ok(rows)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_answered {
            self.desk.is_unsure = true;
        }
        if self.writes && self.is_touched {
            let Some(group) = self.desk.group.as_mut() else { return };
            group.is_left = true;
            self.writer.call_committer(group);
        }
    }
}

impl Desk {
    /// What has to stand before the first statement of a turn, by what the last one left.
    fn begin(&mut self) -> &'static str {
        match &mut self.group {
            None => {
                self.group = Some(Group::default());
                "begin immediate; "
            }
            Some(group) if group.is_left => {
                group.is_left = false;
                group.savepoint.undo()
            }
            Some(group) => {
                let (savepoint, made) = group.savepoint.next();
                group.savepoint = savepoint;
                made
            }
        }
    }

    /// There is a connection, and it is known what stands on it.
    async fn make_ready(&mut self) -> Result<(), sqlx::Error> {
        if self.is_closed {
            return Err(sqlx::Error::PoolClosed);
        }
        self.make_sure().await;
        if self.connection.is_none() {
            self.connection = Some(self.options.connect().await?);
        }
        Ok(())
    }

    /// After a call that failed, or whose answer nobody waited for: undoes the turn that made it, and keeps what was done
    /// before it, where it is still there. On a full disk SQLite may have rolled back all by itself.
    async fn make_sure(&mut self) {
        if !self.is_unsure {
            return;
        }
        let members = self.group.as_ref().is_some_and(|group| !group.members.is_empty());
        if !members || self.is_probed || !self.keep_members().await {
            match self.run("rollback").await {
                Err(error) if !says(&error, "no transaction is active") => self.connection = None,
                _ => {}
            }
            self.end(Err("the transaction was rolled back"));
        }
        (self.is_unsure, self.is_probed) = (false, false);
    }

    /// Undoes the last turn alone; says whether the transaction still stands.
    async fn keep_members(&mut self) -> bool {
        let Some(savepoint) = self.group.as_ref().map(|group| group.savepoint) else { return false };
        let undone = match savepoint {
            Savepoint::None => Ok(()),
            Savepoint::Even => self.run("rollback to even").await,
            Savepoint::Odd => self.run("rollback to odd").await,
        };
        let is_undone = match undone {
            Ok(()) => true,
            // It was not made, and so nothing was done after it. The one before it may be there.
            Err(error) if says(&error, "no such savepoint") => {
                let _may_be_gone = self.run(savepoint.end_of_last()).await;
                false
            }
            Err(_) => return false,
        };
        self.is_probed = true;
        // Without one, a savepoint would begin a transaction, and its commit would look like that of the members.
        let stands = self.run("begin immediate").await.is_err_and(|error| says(&error, "within a transaction"));
        if let Some(group) = self.group.as_mut() {
            group.is_left = false;
            group.savepoint = if is_undone { savepoint } else { Savepoint::None };
        }
        stands
    }

    /// Commits what the members of the group did, and tells them.
    async fn end_group(&mut self) {
        self.make_sure().await;
        let Some(group) = &self.group else { return };
        let text = match group {
            Group { members, .. } if members.is_empty() => "rollback",
            Group { is_left: true, savepoint, .. } => savepoint.undo_and_commit(),
            Group { .. } => "commit",
        };
        self.is_unsure = true;
        let ended = self.run(text).await;
        self.is_unsure = ended.is_err();
        match ended {
            Ok(()) => self.end(Ok(())),
            Err(error) => self.end(Err(&error.to_string())),
        }
        // Nothing stays open until somebody comes.
        self.make_sure().await;
    }

    /// There is no transaction any more, and its members are told how it ended.
    fn end(&mut self, ended: Result<(), &str>) {
        for member in self.group.take().into_iter().flat_map(|group| group.members) {
            // Who went away meanwhile does not listen.
            let _gone = member.send(ended.map_err(str::to_owned));
        }
    }

    async fn run(&mut self, text: &'static str) -> Result<(), sqlx::Error> {
        let connection = self.connection.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        sqlx::query(text).execute(connection).await.map(drop)
    }
}

fn says(error: &sqlx::Error, words: &str) -> bool {
    error.as_database_error().is_some_and(|error| error.message().contains(words))
}
