//! A turn to write: see `writer.rs`.

use std::{io, mem};

use sqlx::{
    AssertSqlSafe, Executor, SqliteConnection,
    sqlite::{SqliteArguments, SqliteRow},
};
use tokio::sync::{OwnedMutexGuard, oneshot};

use super::{
    super::{Args, tx::collect},
    batch::Batch,
    desk::{Both, Carried, Desk},
    programs::{Call, is_read},
    writer::Writer,
};

/// The connection, for as long as it is somebody's turn. Unless it ends with [`Turn::commit`], what was done is undone.
pub(in crate::db) struct Turn {
    writer: Writer,
    /// Nothing, while a call that carries another's goes on by itself.
    desk: Option<OwnedMutexGuard<Desk>>,
    writes: bool,
    /// Whether anything was asked in this turn.
    is_touched: bool,
    is_answered: bool,
    /// What goes along with the next call.
    batch: Batch,
}

impl Turn {
    pub(super) fn new(writer: &Writer, desk: OwnedMutexGuard<Desk>, writes: bool) -> Self {
        Self { writer: writer.clone(), desk: Some(desk), writes, is_touched: false, is_answered: true, batch: Batch::default() }
    }

    /// The connection as it is, to make a call on whose answer goes to [`Turn::answered`].
    pub(in crate::db) fn ask(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        self.is_touched = true;
        self.is_answered = false;
        self.desk()?.connection.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    fn desk(&mut self) -> Result<&mut Desk, sqlx::Error> {
        self.desk.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// Passes the answer of a call on.
    pub(in crate::db) fn answered<T>(&mut self, answer: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.is_answered = answer.is_ok();
        answer
    }

    /// A statement whose answer nobody needs: it goes along with the next call, or with the commit.
    pub(in crate::db) fn later(&mut self, text: &str, args: &dyn Args) -> Result<(), sqlx::Error> {
        self.batch.push(text, args)
    }

    /// Runs a statement, behind those that were to go along with it.
    pub(in crate::db) async fn run(&mut self, text: &str, args: &dyn Args) -> Result<(Vec<SqliteRow>, u64), sqlx::Error> {
        if self.batch.is_empty()
            && let Some(carried) = self.desk()?.carried.take()
            && let Some(answer) = self.run_behind(carried, text, args).await?
        {
            return Ok(answer);
        }
        let unheard = self.batch.text.len();
        self.batch.push(text, args)?;
        self.run_batch(unheard, false).await
    }

    /// Runs a text with arguments of its own.
    pub(in crate::db) async fn run_alone(
        &mut self,
        text: String,
        arguments: SqliteArguments,
    ) -> Result<(Vec<SqliteRow>, u64), sqlx::Error> {
        if !self.batch.is_empty() {
            self.run_batch(self.batch.text.len(), false).await?;
        }
        self.batch = Batch { text, arguments };
        self.run_batch(0, false).await
    }

    /// Of the first so many bytes nobody waits for an answer.
    async fn run_batch(&mut self, unheard: usize, is_last: bool) -> Result<(Vec<SqliteRow>, u64), sqlx::Error> {
        let batch = mem::take(&mut self.batch);
        if let Some(carried) = self.desk()?.carried.take() {
            self.run_behind(carried, "", &()).await?;
        }
        let writes = self.writes;
        let desk = self.desk()?;
        let Call { text, is_atomic } = desk.programs.call(batch.text, unheard);
        let begin = if writes { desk.begin(is_read(&text) || is_last && is_atomic) } else { "" };
        self.run_text(format!("{begin}{text}"), batch.arguments).await
    }

    async fn run_text(&mut self, text: String, arguments: SqliteArguments) -> Result<(Vec<SqliteRow>, u64), sqlx::Error> {
        let answer = collect(self.ask()?.fetch_many(sqlx::query_with(AssertSqlSafe(text), arguments))).await;
        self.answered(answer)
    }

    /// Runs the last call of the turn before, and behind it a statement; nothing is answered where that did not come to its turn.
    /// It goes on also when nobody waits for it any more: the one before does.
    async fn run_behind(
        &mut self,
        carried: Carried,
        text: &str,
        args: &dyn Args,
    ) -> Result<Option<(Vec<SqliteRow>, u64)>, sqlx::Error> {
        let writes = self.writes;
        let desk = self.desk()?;
        let mut both = desk.both(carried);
        if !text.is_empty() {
            let begin = if writes { desk.begin(is_read(text)) } else { "" };
            both.batch.push(&format!("{begin}{text}"), args)?;
        }
        let hollow = Self {
            writer: self.writer.clone(),
            desk: None,
            writes,
            is_touched: false,
            is_answered: true,
            batch: Batch::default(),
        };
        let mut turn = mem::replace(self, hollow);
        let went = self.writer.runtime().spawn(async move {
            let answer = turn.run_both(both).await;
            (turn, answer)
        });
        let (turn, answer) = went.await.map_err(|_| sqlx::Error::WorkerCrashed)?;
        *self = turn;
        answer
    }

    async fn run_both(&mut self, both: Both) -> Result<Option<(Vec<SqliteRow>, u64)>, sqlx::Error> {
        let was_touched = mem::replace(&mut self.is_touched, true);
        self.is_answered = false;
        let answer = self.desk()?.run_both(both).await;
        if let Ok(None) = answer {
            self.is_touched = was_touched;
        }
        self.answered(answer)
    }

    /// Waits until all that was done in this turn, and seen in it, is on the disk. Answers the rows of the last statement, where
    /// it went along with the commit.
    pub(in crate::db) async fn commit(mut self) -> Result<Vec<SqliteRow>, sqlx::Error> {
        if !self.writes || !self.is_touched && self.batch.is_empty() {
            return Ok(Vec::new());
        }
        let is_alone = self.writer.waiting() == 0;
        let desk = self.desk()?;
        let is_shared = desk.carried.is_some() || desk.group.as_ref().is_some_and(|group| !group.members.is_empty());
        if !is_shared && is_alone {
            let Batch { text, arguments } = mem::take(&mut self.batch);
            let desk = self.desk()?;
            let Call { text, .. } = desk.programs.last_call(text);
            let begin = desk.begin(true);
            let end = if text.is_empty() { "commit" } else { ";\ncommit" };
            let (rows, _) = self.run_text(format!("{begin}{text}{end}"), arguments).await?;
            self.desk()?.group = None;
            return Ok(rows);
        }
        let (waits, committed) = oneshot::channel();
        if let Some(batch) = self.last_to_be_carried()? {
            self.desk()?.carried = Some(Carried { batch, waits });
        } else {
            let rows = if self.batch.is_empty() { Vec::new() } else { self.run_batch(self.batch.text.len(), true).await?.0 };
            let Some(group) = self.desk()?.group.as_mut() else { return Ok(rows) };
            group.members.push((waits, rows));
        }
        let writer = self.writer.clone();
        if let Some(group) = self.desk()?.group.as_mut() {
            group.is_own = false;
            writer.call_committer(group);
        }
        self.is_touched = false;
        drop(self);
        committed.await.unwrap_or_else(|_| Err(io::Error::other("the program ends, and nobody knows what it wrote").into()))
    }

    /// The last call, where it may go along with the next turn's first.
    fn last_to_be_carried(&mut self) -> Result<Option<Batch>, sqlx::Error> {
        let desk = self.desk.as_deref_mut().ok_or(sqlx::Error::PoolClosed)?;
        let stands_alone = desk.group.as_ref().is_some_and(|group| !group.is_own && !group.is_left);
        if self.batch.is_empty() || !stands_alone || desk.carried.is_some() {
            return Ok(None);
        }
        let Batch { text, arguments } = mem::take(&mut self.batch);
        let Call { text, is_atomic } = desk.programs.last_call(text);
        let batch = Batch { text, arguments };
        if is_atomic {
            return Ok(Some(batch));
        }
        self.batch = batch;
        Ok(None)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(desk) = self.desk.as_deref_mut() else { return };
        if !self.is_answered {
            desk.is_unsure = true;
        }
        if self.writes && self.is_touched {
            let Some(group) = desk.group.as_mut() else { return };
            group.is_left = group.is_own;
            self.writer.call_committer(group);
        }
    }
}
