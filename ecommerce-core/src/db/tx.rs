use futures_util::{Stream, TryStreamExt};
use sqlx::{
    AssertSqlSafe, Database, Decode, Either, Executor, IntoArguments, Postgres, SqlSafeStr, Sqlite, Type,
    error::DatabaseError,
    postgres::{PgQueryResult, PgRow},
    sqlite::{SqliteArguments, SqliteQueryResult, SqliteRow},
};

use super::{
    Args, DatabaseCall, Faults, Filter, Row, Sql,
    pool::{Lease, within},
    postgres::{Session, Unsettled},
    sqlite::Turn,
};
use crate::StoreError;

/// A place to run statements: a transaction, or a connection that only reads.
///
/// A transaction that is dropped before [`Tx::commit`] is rolled back, and one of which a statement failed cannot be
/// committed: PostgreSQL would answer that it was.
pub(crate) struct Tx {
    place: Place,
    faults: Faults,
    has_failed: bool,
}

pub(super) enum Place {
    /// To write, or to read where there is one connection only.
    SqliteTurn(Turn),
    Sqlite(Lease<Sqlite>),
    Postgres(Session),
}

/// A single value that both drivers can read.
pub(crate) trait Scalar:
    for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres> + Send + Unpin
{
}

impl<T> Scalar for T where
    T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres> + Send + Unpin
{
}

/// What came back: the rows, and how many rows the last statement touched.
enum Answer {
    Sqlite(Vec<SqliteRow>, u64),
    Postgres(Vec<PgRow>, u64),
}

impl Tx {
    pub(super) const fn new(place: Place, faults: Faults) -> Self {
        Self { place, faults, has_failed: false }
    }

    /// Runs a statement and says how many rows it touched; of several in one text, the last.
    pub(crate) async fn execute(&mut self, sql: Sql, args: &dyn Args) -> Result<u64, StoreError> {
        Ok(match self.make(sql, args).await? {
            Answer::Sqlite(_, touched) | Answer::Postgres(_, touched) => touched,
        })
    }

    /// Runs a statement whose answer nobody needs. It goes along with the next ones, or with the commit: each call is a way to
    /// SQLite's thread or to the server and back, which takes longer than most statements.
    pub(crate) async fn later(&mut self, sql: Sql, args: &dyn Args) -> Result<(), StoreError> {
        self.check()?;
        if let Place::Postgres(session) = &self.place
            && session.must_settle(sql)
        {
            self.settle().await?;
        }
        let made = self.faults.pass(DatabaseCall::Statement(sql.name), self.place.later(sql, args)).await;
        made.map_err(|error| self.failed(sql.name, error))
    }

    /// The same, in a transaction, of a row that was not there a moment ago. Where others write meanwhile, it may be there by
    /// now: a race that was lost.
    pub(crate) async fn insert_first(&mut self, sql: Sql, args: &dyn Args) -> Result<(), StoreError> {
        self.later(sql, args).await?;
        self.settle_unless(|error| {
            let table = error.as_database_error().filter(|error| error.is_unique_violation()).and_then(|error| error.table());
            table.is_some_and(|table| sql.postgres.starts_with(&format!("insert into {table} ")))
        })
        .await
    }

    /// Writes what was put off on PostgreSQL.
    async fn settle(&mut self) -> Result<(), StoreError> {
        self.settle_unless(|_| false).await
    }

    async fn settle_unless(&mut self, is_race: impl FnOnce(&sqlx::Error) -> bool) -> Result<(), StoreError> {
        let Place::Postgres(session) = &mut self.place else { return Ok(()) };
        let Err(Unsettled { names, error }) = session.settle().await else { return Ok(()) };
        self.has_failed = true;
        Err(if is_race(&error) {
            StoreError::lost_race()
        } else if error.as_database_error().is_some_and(DatabaseError::is_unique_violation) {
            // Whoever is answered next shall not take it for its own.
            StoreError::other(format!("{names}: {error}"))
        } else {
            StoreError::statement(names, error)
        })
    }

    /// The row that a statement answers, where there is one.
    pub(crate) async fn optional<R: Row>(&mut self, sql: Sql, args: &dyn Args) -> Result<Option<R>, StoreError> {
        Ok(self.all(sql, args).await?.into_iter().next())
    }

    /// The one row that a statement always answers.
    pub(crate) async fn one<R: Row>(&mut self, sql: Sql, args: &dyn Args) -> Result<R, StoreError> {
        self.optional(sql, args).await?.ok_or_else(|| StoreError::statement(sql.name, sqlx::Error::RowNotFound))
    }

    /// All rows that a statement answers.
    pub(crate) async fn all<R: Row>(&mut self, sql: Sql, args: &dyn Args) -> Result<Vec<R>, StoreError> {
        let answer = self.make(sql, args).await?;
        answer.rows().map_err(|error| self.failed(sql.name, error))
    }

    /// The single value that a statement always answers.
    pub(crate) async fn scalar<T: Scalar>(&mut self, sql: Sql, args: &dyn Args) -> Result<T, StoreError>
    where
        (T,): Row,
    {
        self.one::<(T,)>(sql, args).await.map(|(value,)| value)
    }

    /// All rows of a filtered list.
    pub(crate) async fn filtered<R: Row>(&mut self, filter: Filter) -> Result<Vec<R>, StoreError> {
        self.check()?;
        self.settle().await?;
        let name = filter.name;
        let made = self.faults.pass(DatabaseCall::Statement(name), self.place.make_filtered(filter)).await;
        made.and_then(Answer::rows).map_err(|error| self.failed(name, error))
    }

    /// How many rows a list has that begins with `select count(*) from (select 1 from`, and that is counted no further than to so
    /// many.
    pub(crate) async fn count_to(&mut self, most: i64, mut list: Filter) -> Result<i64, StoreError> {
        list.push_with("\nlimit ? + 0) counted", most);
        Ok(self.filtered::<(i64,)>(list).await?.first().map_or(0, |(rows,)| *rows))
    }

    async fn make(&mut self, sql: Sql, args: &dyn Args) -> Result<Answer, StoreError> {
        self.check()?;
        self.settle().await?;
        let made = self.faults.pass(DatabaseCall::Statement(sql.name), self.place.make(sql, args)).await;
        made.map_err(|error| self.failed(sql.name, error))
    }

    /// What SQLite had to roll back all by itself would go on without a transaction.
    fn check(&self) -> Result<(), StoreError> {
        match self.has_failed {
            true => Err(StoreError::other("a statement of the transaction failed: no other is run in it")),
            false => Ok(()),
        }
    }

    fn failed(&mut self, name: &'static str, error: sqlx::Error) -> StoreError {
        self.has_failed = true;
        StoreError::statement(name, error)
    }

    /// Must rows be locked one by one? SQLite's only writer has the whole database to itself.
    pub(crate) const fn locks_rows(&self) -> bool {
        matches!(self.place, Place::Postgres(_))
    }

    /// For what reads whole tables, which may take longer than anybody waits for a request.
    pub(crate) async fn take_time(&mut self) -> Result<(), StoreError> {
        if !matches!(self.place, Place::Postgres(_)) {
            return Ok(());
        }
        self.execute(TAKE_TIME, &()).await?;
        if let Place::Postgres(session) = &mut self.place {
            session.take_time();
        }
        Ok(())
    }

    /// Does the database answer?
    pub(crate) async fn ping(&mut self) -> Result<(), StoreError> {
        self.execute(PING, &()).await.map(drop)
    }

    /// Makes all that was done true, for good, at once.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        if self.has_failed {
            return Err(StoreError::other("a statement of the transaction failed: all of it is rolled back"));
        }
        self.settle().await?;
        let Self { place, faults, .. } = self;
        let made = async {
            match place {
                Place::SqliteTurn(turn) => turn.commit().await.map(drop),
                Place::Sqlite(lease) => lease.commit().await,
                Place::Postgres(session) => session.commit().await,
            }
        };
        Ok(faults.pass(DatabaseCall::Commit, made).await?)
    }

    /// Runs the one statement of a deed that writes, makes it true, and answers its row; see [`super::Db::write_once`].
    pub(crate) async fn write<R: Row>(mut self, sql: Sql, args: &dyn Args) -> Result<Option<R>, StoreError> {
        let failed = |error| StoreError::statement(sql.name, error);
        let answer = if let Place::Postgres(_) = self.place {
            self.check()?;
            self.faults.pass(DatabaseCall::Commit, self.place.make(sql, args)).await
        } else {
            self.later(sql, args).await?;
            let made = async {
                match self.place {
                    Place::SqliteTurn(turn) => turn.commit().await.map(|rows| Answer::Sqlite(rows, 0)),
                    _ => Err(sqlx::Error::Configuration("a connection that only reads".into())),
                }
            };
            self.faults.pass(DatabaseCall::Commit, made).await
        };
        Ok(answer.and_then(Answer::rows).map_err(failed)?.into_iter().next())
    }
}

const PING: Sql = Sql { name: "db::PING", sqlite: "select 1", postgres: "select 1" };

/// Nobody hurries, on the server, until the transaction ends.
const TAKE_TIME: Sql = Sql { name: "db::TAKE_TIME", sqlite: "", postgres: "set local statement_timeout = 0" };

impl Place {
    async fn make(&mut self, sql: Sql, args: &dyn Args) -> Result<Answer, sqlx::Error> {
        match self {
            Self::SqliteTurn(turn) => turn.run(sql.sqlite, args).await.map(Answer::sqlite),
            Self::Sqlite(lease) => {
                let mut arguments = SqliteArguments::default();
                args.add_to_sqlite(&mut arguments)?;
                run(lease, sql.sqlite, arguments).await.map(Answer::sqlite)
            }
            Self::Postgres(session) => session.run(sql, args).await.map(Answer::postgres),
        }
    }

    async fn later(&mut self, sql: Sql, args: &dyn Args) -> Result<(), sqlx::Error> {
        match self {
            Self::SqliteTurn(turn) => turn.later(sql.sqlite, args),
            Self::Sqlite(_) => self.make(sql, args).await.map(drop),
            Self::Postgres(session) => session.later(sql, args).await,
        }
    }

    async fn make_filtered(&mut self, filter: Filter) -> Result<Answer, sqlx::Error> {
        match self {
            Self::SqliteTurn(turn) => {
                let (text, arguments) = filter.sqlite();
                turn.run_alone(text, arguments).await.map(Answer::sqlite)
            }
            Self::Sqlite(lease) => {
                let (text, arguments) = filter.sqlite();
                run(lease, AssertSqlSafe(text), arguments).await.map(Answer::sqlite)
            }
            Self::Postgres(session) => {
                let (text, arguments) = filter.postgres();
                session.run_text(AssertSqlSafe(text), arguments).await.map(Answer::postgres)
            }
        }
    }
}

impl Answer {
    fn sqlite((rows, touched): (Vec<SqliteRow>, u64)) -> Self {
        Self::Sqlite(rows, touched)
    }

    fn postgres((rows, touched): (Vec<PgRow>, u64)) -> Self {
        Self::Postgres(rows, touched)
    }

    fn rows<R: Row>(self) -> Result<Vec<R>, sqlx::Error> {
        match self {
            Self::Sqlite(rows, _) => rows.iter().map(R::from_row).collect(),
            Self::Postgres(rows, _) => rows.iter().map(R::from_row).collect(),
        }
    }
}

/// Runs a text on a connection.
pub(super) async fn run<DB: Database>(
    lease: &mut Lease<DB>,
    text: impl SqlSafeStr,
    arguments: DB::Arguments,
) -> Result<(Vec<DB::Row>, u64), sqlx::Error>
where
    DB::QueryResult: Into<Touched>,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let patience = lease.patience();
    let answer = within(patience, collect(lease.ask()?.fetch_many(sqlx::query_with(text, arguments)))).await;
    lease.answered(answer)
}

/// All rows, and how many rows the last statement touched.
pub(super) async fn collect<R, D: Into<Touched>>(
    mut answer: impl Stream<Item = Result<Either<D, R>, sqlx::Error>> + Unpin,
) -> Result<(Vec<R>, u64), sqlx::Error> {
    collect_of(&mut answer, usize::MAX).await
}

/// The same of the next so many statements of a text.
pub(super) async fn collect_of<R, D: Into<Touched>>(
    answer: &mut (impl Stream<Item = Result<Either<D, R>, sqlx::Error>> + Unpin),
    statements: usize,
) -> Result<(Vec<R>, u64), sqlx::Error> {
    let (mut rows, mut touched, mut left) = (Vec::new(), 0, statements);
    while left > 0
        && let Some(step) = answer.try_next().await?
    {
        match step {
            Either::Left(done) => (Touched(touched), left) = (done.into(), left - 1),
            Either::Right(row) => rows.push(row),
        }
    }
    Ok((rows, touched))
}

pub(super) struct Touched(u64);

impl From<SqliteQueryResult> for Touched {
    fn from(result: SqliteQueryResult) -> Self {
        Self(result.rows_affected())
    }
}

impl From<PgQueryResult> for Touched {
    fn from(result: PgQueryResult) -> Self {
        Self(result.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Db, Sql};

    #[tokio::test]
    async fn a_transaction_of_which_a_statement_failed_is_rolled_back() {
        let sql = |name, text| Sql { name, sqlite: text, postgres: text };
        let db = Db::open("sqlite::memory:").await.unwrap();
        let mut tx = db.write().await.unwrap();
        tx.execute(sql("good", "create table things (id integer primary key)"), &()).await.unwrap();
        assert!(tx.execute(sql("bad", "insert into nothing values (1)"), &()).await.is_err());
        assert!(tx.commit().await.is_err(), "PostgreSQL would have answered that it was committed");
        let tables = sql("tables", "select count(*) from sqlite_schema where name = 'things'");
        assert_eq!(db.read().await.unwrap().scalar::<i64>(tables, &()).await.unwrap(), 0);
    }
}
