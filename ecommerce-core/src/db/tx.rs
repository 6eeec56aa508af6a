use std::time::Duration;

use sqlx::{
    AssertSqlSafe, Decode, PgConnection, Postgres, Sqlite, SqliteConnection, Transaction, Type,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
    query::{Query, QueryAs},
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{
    Args, DatabaseCall, Faults, Filter, Row, Sql,
    lease::{Lease, within},
};
use crate::StoreError;

/// A place to run statements: a transaction, or a connection that only reads.
///
/// A transaction that is dropped before [`Tx::commit`] is rolled back, and one of which a statement failed cannot be
/// committed: PostgreSQL would answer that it was.
pub(crate) struct Tx {
    place: Place,
    watch: Watch,
}

pub(super) enum Place {
    Sqlite(Transaction<'static, Sqlite>),
    SqliteRead(PoolConnection<Sqlite>),
    Postgres(Lease),
}

/// Lets statements fail that shall, and remembers whether any did.
struct Watch {
    faults: Faults,
    has_failed: bool,
}

impl Watch {
    async fn pass<T>(
        &mut self,
        statement: &'static str,
        made: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        self.faults.pass(DatabaseCall::Statement(statement), made).await.map_err(|error| {
            self.has_failed = true;
            StoreError::statement(statement, error)
        })
    }
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
    /// With how long an answer is waited for.
    Postgres(&'a mut PgConnection, Duration),
}

impl Tx {
    pub(super) const fn new(place: Place, faults: Faults) -> Self {
        Self { place, watch: Watch { faults, has_failed: false } }
    }

    /// Runs a statement and says how many rows it touched.
    pub(crate) async fn execute(&mut self, sql: Sql, args: impl Args) -> Result<u64, StoreError> {
        let Self { place, watch } = self;
        let made = async {
            Ok(match place.connection() {
                Connection::Sqlite(connection) => sqlite(sql, args)?.execute(connection).await?.rows_affected(),
                Connection::Postgres(connection, patience) => {
                    within(patience, postgres(sql, args)?.execute(connection)).await?.rows_affected()
                }
            })
        };
        watch.pass(sql.name, made).await
    }

    /// The row that a statement answers, where there is one.
    pub(crate) async fn optional<R: Row>(&mut self, sql: Sql, args: impl Args) -> Result<Option<R>, StoreError> {
        let Self { place, watch } = self;
        let made = async {
            match place.connection() {
                Connection::Sqlite(connection) => sqlite_as(sql, args)?.fetch_optional(connection).await,
                Connection::Postgres(connection, patience) => {
                    within(patience, postgres_as(sql, args)?.fetch_optional(connection)).await
                }
            }
        };
        watch.pass(sql.name, made).await
    }

    /// The one row that a statement always answers.
    pub(crate) async fn one<R: Row>(&mut self, sql: Sql, args: impl Args) -> Result<R, StoreError> {
        self.optional(sql, args).await?.ok_or_else(|| StoreError::statement(sql.name, sqlx::Error::RowNotFound))
    }

    /// All rows that a statement answers.
    pub(crate) async fn all<R: Row>(&mut self, sql: Sql, args: impl Args) -> Result<Vec<R>, StoreError> {
        let Self { place, watch } = self;
        let made = async {
            match place.connection() {
                Connection::Sqlite(connection) => sqlite_as(sql, args)?.fetch_all(connection).await,
                Connection::Postgres(connection, patience) => {
                    within(patience, postgres_as(sql, args)?.fetch_all(connection)).await
                }
            }
        };
        watch.pass(sql.name, made).await
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
        let Self { place, watch } = self;
        let name = filter.name;
        let made = async {
            match place.connection() {
                Connection::Sqlite(connection) => {
                    let (text, arguments) = filter.sqlite();
                    sqlx::query_as_with(AssertSqlSafe(text), arguments).fetch_all(connection).await
                }
                Connection::Postgres(connection, patience) => {
                    let (text, arguments) = filter.postgres();
                    within(patience, sqlx::query_as_with(AssertSqlSafe(text), arguments).fetch_all(connection)).await
                }
            }
        };
        watch.pass(name, made).await
    }

    /// Must rows be locked one by one? SQLite's only writer has the whole database to itself.
    pub(crate) const fn locks_rows(&self) -> bool {
        matches!(self.place, Place::Postgres(_))
    }

    /// For what reads whole tables, which may take longer than anybody waits for a request.
    pub(crate) async fn take_time(&mut self) -> Result<(), StoreError> {
        if let Place::Postgres(lease) = &mut self.place {
            lease.take_time().await?;
        }
        Ok(())
    }

    /// Does the database answer?
    pub(crate) async fn ping(&mut self) -> Result<(), StoreError> {
        let Self { place, watch } = self;
        let made = async {
            match place.connection() {
                Connection::Sqlite(connection) => sqlx::query("select 1").execute(connection).await.map(drop),
                Connection::Postgres(connection, patience) => {
                    within(patience, sqlx::query("select 1").execute(connection)).await.map(drop)
                }
            }
        };
        watch.pass("ping", made).await
    }

    /// Makes all that was done true, for good, at once.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let Self { place, watch } = self;
        if watch.has_failed {
            return Err(StoreError::other("a statement of the transaction failed: all of it is rolled back"));
        }
        let made = async {
            match place {
                Place::Sqlite(transaction) => transaction.commit().await,
                Place::Postgres(lease) => lease.commit().await,
                Place::SqliteRead(_) => Ok(()),
            }
        };
        Ok(watch.faults.pass(DatabaseCall::Commit, made).await?)
    }
}

impl Place {
    fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(transaction) => Connection::Sqlite(transaction),
            Self::SqliteRead(connection) => Connection::Sqlite(connection),
            Self::Postgres(lease) => {
                let patience = lease.patience();
                Connection::Postgres(lease, patience)
            }
        }
    }
}

fn sqlite(sql: Sql, args: impl Args) -> Result<Query<'static, Sqlite, SqliteArguments>, sqlx::Error> {
    Ok(sqlx::query_with(sql.sqlite, args.sqlite()?))
}

fn postgres(sql: Sql, args: impl Args) -> Result<Query<'static, Postgres, PgArguments>, sqlx::Error> {
    Ok(sqlx::query_with(sql.postgres, args.postgres()?))
}

fn sqlite_as<R>(sql: Sql, args: impl Args) -> Result<QueryAs<'static, Sqlite, R, SqliteArguments>, sqlx::Error>
where
    R: for<'r> sqlx::FromRow<'r, SqliteRow>,
{
    Ok(sqlx::query_as_with(sql.sqlite, args.sqlite()?))
}

fn postgres_as<R>(sql: Sql, args: impl Args) -> Result<QueryAs<'static, Postgres, R, PgArguments>, sqlx::Error>
where
    R: for<'r> sqlx::FromRow<'r, PgRow>,
{
    Ok(sqlx::query_as_with(sql.postgres, args.postgres()?))
}

#[cfg(test)]
mod tests {
    use super::{super::Db, Sql};

    #[tokio::test]
    async fn a_transaction_of_which_a_statement_failed_is_rolled_back() {
        let sql = |name, text| Sql { name, sqlite: text, postgres: text };
        let db = Db::open("sqlite::memory:").await.unwrap();
        let mut tx = db.write().await.unwrap();
        tx.execute(sql("good", "create table things (id integer primary key)"), ()).await.unwrap();
        assert!(tx.execute(sql("bad", "insert into nothing values (1)"), ()).await.is_err());
        assert!(tx.commit().await.is_err(), "PostgreSQL would have answered that it was committed");
        let tables = sql("tables", "select count(*) from sqlite_schema where name = 'things'");
        assert_eq!(db.read().await.unwrap().scalar::<i64>(tables, ()).await.unwrap(), 0);
    }
}
