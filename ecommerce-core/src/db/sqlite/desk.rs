//! What stands on the connection that writes, and how it is undone or made true.

use std::io;

use sqlx::{
    AssertSqlSafe, ConnectOptions, Executor, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteRow},
};
use tokio::{sync::oneshot, task::AbortHandle};

use super::{super::tx::collect_of, batch::Batch, programs::Programs};

/// The connection and what was left on it.
pub(super) struct Desk {
    options: SqliteConnectOptions,
    /// None before it is opened again.
    pub(super) connection: Option<SqliteConnection>,
    pub(super) is_closed: bool,
    pub(super) programs: Programs,
    pub(super) group: Option<Group>,
    pub(super) carried: Option<Carried>,
    /// Whether a call was not answered as it should: what stands on the connection has to be found out.
    pub(super) is_unsure: bool,
    /// Whether finding it out may have begun a transaction, which would look like the one that is looked for.
    is_probed: bool,
}

/// The last call of a turn, while it waits for whoever comes next to take it along. It is one statement that happens as a whole
/// or not at all, and perhaps some that read.
pub(super) struct Carried {
    pub(super) batch: Batch,
    pub(super) waits: Waits,
}

/// What was carried, with what stands behind it.
pub(super) struct Both {
    pub(super) batch: Batch,
    /// So many of its statements are what was carried.
    carried: usize,
    waits: Waits,
    /// The last savepoint before.
    savepoint: Savepoint,
}

/// Somebody who has written and waits for the commit, and for the rows of the last call.
pub(super) type Waits = oneshot::Sender<Result<Vec<SqliteRow>, sqlx::Error>>;

/// An open transaction.
#[derive(Default)]
pub(super) struct Group {
    /// Those who are done, and wait for the commit, each with the rows of its last call.
    pub(super) members: Vec<(Waits, Vec<SqliteRow>)>,
    /// The last that was made.
    pub(super) savepoint: Savepoint,
    /// Whether the turn made it, or began the transaction. Else it has only read, or makes its last call.
    pub(super) is_own: bool,
    /// Whether the last turn ended without a commit: what it did since the savepoint, or since the beginning, is to be undone.
    pub(super) is_left: bool,
    /// Who ends it.
    pub(super) committer: Option<AbortHandle>,
}

/// Two names take turns, so that it can be told whether a savepoint was made of which no answer came.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Savepoint {
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

impl Desk {
    /// Nothing stands on the connection that these options open.
    pub(super) fn new(options: SqliteConnectOptions, connection: SqliteConnection) -> Self {
        Self {
            options,
            connection: Some(connection),
            is_closed: false,
            programs: Programs::default(),
            group: None,
            carried: None,
            is_unsure: false,
            is_probed: false,
        }
    }

    /// What has to stand before a call, by what the last turn left. A call that only reads needs no savepoint, nor one that is
    /// the last and happens as a whole or not at all.
    pub(super) fn begin(&mut self, needs_no_savepoint: bool) -> &'static str {
        match &mut self.group {
            None => {
                self.group = Some(Group { is_own: true, ..Group::default() });
                "begin immediate; "
            }
            Some(group) if group.is_left => {
                (group.is_left, group.is_own) = (false, true);
                group.savepoint.undo()
            }
            Some(group) if group.is_own || needs_no_savepoint => "",
            Some(group) => {
                let (savepoint, made) = group.savepoint.next();
                (group.savepoint, group.is_own) = (savepoint, true);
                made
            }
        }
    }

    /// Makes the programs that were asked for meanwhile.
    pub(super) async fn make_programs(&mut self) {
        while let Some((writes, number, statements)) = self.programs.wanted() {
            let mut is_made = true;
            for statement in statements {
                let Some(connection) = self.connection.as_mut() else { return };
                is_made &= sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.is_ok();
            }
            self.programs.note(writes, number, is_made);
        }
    }

    /// There is a connection, and it is known what stands on it.
    pub(super) async fn make_ready(&mut self) -> Result<(), sqlx::Error> {
        if self.is_closed {
            return Err(sqlx::Error::PoolClosed);
        }
        self.make_sure().await;
        if self.connection.is_none() {
            self.programs = Programs::default();
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

    /// After a call that undid itself, and behind which nothing was done: no other savepoint was made.
    async fn forget_call(&mut self, savepoint: Savepoint) {
        if let Some(group) = &mut self.group {
            (group.savepoint, group.is_own) = (savepoint, false);
        }
        self.is_unsure = true;
        self.make_sure().await;
    }

    /// Undoes the last turn alone; says whether the transaction still stands.
    async fn keep_members(&mut self) -> bool {
        let Some((savepoint, is_own)) = self.group.as_ref().map(|group| (group.savepoint, group.is_own)) else { return false };
        let undone = match savepoint {
            Savepoint::Even if is_own => self.run("rollback to even").await,
            Savepoint::Odd if is_own => self.run("rollback to odd").await,
            _ => Ok(()),
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
    pub(super) async fn end_group(&mut self) {
        self.make_sure().await;
        let Some(group) = &self.group else { return };
        let text = match group {
            Group { members, .. } if members.is_empty() && self.carried.is_none() => "rollback",
            Group { is_left: true, savepoint, .. } => savepoint.undo_and_commit(),
            Group { .. } => "commit",
        };
        self.is_unsure = true;
        let ended = match self.carried.take() {
            Some(carried) => self.end_with(carried, text).await,
            None => self.run(text).await,
        };
        self.is_unsure = ended.is_err();
        match ended {
            Ok(()) => self.end(Ok(())),
            Err(error) => self.end(Err(&error.to_string())),
        }
        // Nothing stays open until somebody comes.
        self.make_sure().await;
    }

    /// Ends the group behind what was carried.
    async fn end_with(&mut self, carried: Carried, text: &'static str) -> Result<(), sqlx::Error> {
        let mut both = self.both(carried);
        both.batch.push(text, &())?;
        let ended = self.run_both(both).await?;
        if ended.is_some() || self.group.is_none() {
            return Ok(());
        }
        self.is_unsure = true;
        self.run(text).await
    }

    pub(super) fn both(&self, Carried { batch, waits }: Carried) -> Both {
        let savepoint = self.group.as_ref().map(|group| group.savepoint).unwrap_or_default();
        Both { carried: batch.count(), batch, waits, savepoint }
    }

    /// Runs what was carried and what stands behind it; nothing is answered where that did not come to its turn.
    pub(super) async fn run_both(&mut self, both: Both) -> Result<Option<(Vec<SqliteRow>, u64)>, sqlx::Error> {
        let Both { batch: Batch { text, arguments }, carried, waits, savepoint } = both;
        let connection = self.connection.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        let mut answers = connection.fetch_many(sqlx::query_with(AssertSqlSafe(text), arguments));
        match collect_of(&mut answers, carried).await {
            Ok((rows, _)) => {
                let answer = collect_of(&mut answers, usize::MAX).await;
                drop(answers);
                if let Some(group) = &mut self.group {
                    group.members.push((waits, rows));
                }
                answer.map(Some)
            }
            Err(error) => {
                drop(answers);
                // It has undone itself.
                let _gone = waits.send(Err(error));
                self.forget_call(savepoint).await;
                Ok(None)
            }
        }
    }

    /// There is no transaction any more, and its members are told how it ended.
    fn end(&mut self, ended: Result<(), &str>) {
        for (waits, rows) in self.group.take().into_iter().flat_map(|group| group.members) {
            // Who went away meanwhile does not listen.
            let _gone = waits.send(ended.map(|()| rows).map_err(|error| io::Error::other(error.to_owned()).into()));
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
