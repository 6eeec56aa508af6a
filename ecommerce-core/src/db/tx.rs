use sqlx::{
    AssertSqlSafe, Decode, PgConnection, Postgres, Sqlite, SqliteConnection, Transaction, Type,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
    query::{Query, QueryAs},
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{Args, Filter, Row, Sql};
use crate::StoreError;

/// A place to run statements: a transaction, or a connection that only reads.
///
/// A transaction that is dropped before [`Tx::commit`] is rolled back.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
    SqliteRead(PoolConnection<Sqlite>),
    PostgresRead(PoolConnection<Postgres>),
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

enum Connection<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

impl Tx {
    /// Runs a statement and says how many rows it touched.
    pub(crate) async fn execute(&mut self, sql: Sql, args: impl Args) -> Result<u64, StoreError> {
        let touched = match self.connection() {
            Connection::Sqlite(connection) => sqlite(sql, args)?.execute(connection).await.map(|done| done.rows_affected()),
            Connection::Postgres(connection) => postgres(sql, args)?.execute(connection).await.map(|done| done.rows_affected()),
        };
        touched.map_err(|error| StoreError::statement(sql.name, error))
    }

    /// The row that a statement answers, where there is one.
    pub(crate) async fn optional<R: Row>(&mut self, sql: Sql, args: impl Args) -> Result<Option<R>, StoreError> {
        let row = match self.connection() {
            Connection::Sqlite(connection) => sqlite_as(sql, args)?.fetch_optional(connection).await,
            Connection::Postgres(connection) => postgres_as(sql, args)?.fetch_optional(connection).await,
        };
        row.map_err(|error| StoreError::statement(sql.name, error))
    }

    /// The one row that a statement always answers.
    pub(crate) async fn one<R: Row>(&mut self, sql: Sql, args: impl Args) -> Result<R, StoreError> {
        self.optional(sql, args).await?.ok_or_else(|| StoreError::statement(sql.name, sqlx::Error::RowNotFound))
    }

    /// All rows that a statement answers.
    pub(crate) async fn all<R: Row>(&mut self, sql: Sql, args: impl Args) -> Result<Vec<R>, StoreError> {
        let rows = match self.connection() {
            Connection::Sqlite(connection) => sqlite_as(sql, args)?.fetch_all(connection).await,
            Connection::Postgres(connection) => postgres_as(sql, args)?.fetch_all(connection).await,
        };
        rows.map_err(|error| StoreError::statement(sql.name, error))
    }

    /// The single value that a statement always answers.
    pub(crate) async fn scalar<T: Scalar>(&mut self, sql: Sql, args: impl Args) -> Result<T, StoreError>
    where
        (T,): Row,
    {
        self.one::<(T,)>(sql, args).await.map(|(value,)| value)
    }

    /// All rows of a filtered list.
    pub(crate) async fn filtered<R: Row>(&mut self, filter: Filter) -> Result<Vec<R>, StoreError> {
        let name = filter.name;
        let rows = match self.connection() {
            Connection::Sqlite(connection) => {
                let (text, arguments) = filter.sqlite();
                sqlx::query_as_with(AssertSqlSafe(text), arguments).fetch_all(connection).await
            }
            Connection::Postgres(connection) => {
                let (text, arguments) = filter.postgres();
                sqlx::query_as_with(AssertSqlSafe(text), arguments).fetch_all(connection).await
            }
        };
        rows.map_err(|error| StoreError::statement(name, error))
    }

    /// Must rows be locked one by one? SQLite's only writer has the whole database to itself.
    pub(crate) const fn locks_rows(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Does the database answer?
    pub(crate) async fn ping(&mut self) -> Result<(), StoreError> {
        match self.connection() {
            Connection::Sqlite(connection) => sqlx::query("select 1").execute(connection).await.map(drop)?,
            Connection::Postgres(connection) => sqlx::query("select 1").execute(connection).await.map(drop)?,
        }
        Ok(())
    }

    /// Makes all that was done true, for good, at once.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(transaction) => transaction.commit().await?,
            Self::SqliteRead(_) | Self::PostgresRead(_) => {}
        }
        Ok(())
    }

    fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(transaction) => Connection::Sqlite(transaction),
            Self::Postgres(transaction) => Connection::Postgres(transaction),
            Self::SqliteRead(connection) => Connection::Sqlite(connection),
            Self::PostgresRead(connection) => Connection::Postgres(connection),
        }
    }
}

fn sqlite(sql: Sql, args: impl Args) -> Result<Query<'static, Sqlite, SqliteArguments>, StoreError> {
    let arguments = args.sqlite().map_err(|error| StoreError::statement(sql.name, error))?;
    Ok(sqlx::query_with(sql.sqlite, arguments))
}

fn postgres(sql: Sql, args: impl Args) -> Result<Query<'static, Postgres, PgArguments>, StoreError> {
    let arguments = args.postgres().map_err(|error| StoreError::statement(sql.name, error))?;
    Ok(sqlx::query_with(sql.postgres, arguments))
}

fn sqlite_as<R>(sql: Sql, args: impl Args) -> Result<QueryAs<'static, Sqlite, R, SqliteArguments>, StoreError>
where
    R: for<'r> sqlx::FromRow<'r, SqliteRow>,
{
    let arguments = args.sqlite().map_err(|error| StoreError::statement(sql.name, error))?;
    Ok(sqlx::query_as_with(sql.sqlite, arguments))
}

fn postgres_as<R>(sql: Sql, args: impl Args) -> Result<QueryAs<'static, Postgres, R, PgArguments>, StoreError>
where
    R: for<'r> sqlx::FromRow<'r, PgRow>,
{
    let arguments = args.postgres().map_err(|error| StoreError::statement(sql.name, error))?;
    Ok(sqlx::query_as_with(sql.postgres, arguments))
}
