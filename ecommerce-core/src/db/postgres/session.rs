use std::mem;

use sqlx::{
    AssertSqlSafe, Postgres, SqlSafeStr,
    postgres::{PgArguments, PgRow},
};

use super::{
    super::{Args, Sql, pool::Lease, tx::run},
    writes::{Writes, is_write},
};

/// A connection for one deed, and what was put off on it.
pub(in crate::db) struct Session {
    lease: Lease<Postgres>,
    writes: Writes,
}

/// What was put off, and why it failed.
pub(in crate::db) struct Unsettled {
    pub(in crate::db) names: String,
    pub(in crate::db) error: sqlx::Error,
}

impl Session {
    pub(in crate::db) fn new(lease: Lease<Postgres>) -> Self {
        Self { lease, writes: Writes::default() }
    }

    /// Has what was put off to be written before this statement?
    pub(in crate::db) fn must_settle(&self, sql: Sql) -> bool {
        !is_write(sql.postgres) || !self.writes.may_take(sql.postgres)
    }

    /// Puts a statement off until [`Session::settle`], where it is a part of a transaction and only writes.
    pub(in crate::db) async fn later(&mut self, sql: Sql, args: &dyn Args) -> Result<(), sqlx::Error> {
        if is_write(sql.postgres) && self.lease.is_in_transaction() {
            return self.writes.push(sql, args);
        }
        self.run(sql, args).await.map(drop)
    }

    /// Writes what was put off.
    pub(in crate::db) async fn settle(&mut self) -> Result<(), Unsettled> {
        if self.writes.is_empty() {
            return Ok(());
        }
        let writes = mem::take(&mut self.writes);
        let names = writes.names();
        let (text, arguments) = writes.statement();
        let settled = run(&mut self.lease, AssertSqlSafe(text), arguments).await;
        settled.map(drop).map_err(|error| Unsettled { names, error })
    }

    pub(in crate::db) async fn run(&mut self, sql: Sql, args: &dyn Args) -> Result<(Vec<PgRow>, u64), sqlx::Error> {
        let mut arguments = PgArguments::default();
        args.add_to_postgres(&mut arguments)?;
        self.run_text(sql.postgres, arguments).await
    }

    /// Runs a text with arguments of its own.
    pub(in crate::db) async fn run_text(
        &mut self,
        text: impl SqlSafeStr,
        arguments: PgArguments,
    ) -> Result<(Vec<PgRow>, u64), sqlx::Error> {
        run(&mut self.lease, text, arguments).await
    }

    /// Nobody hurries any more.
    pub(in crate::db) const fn take_time(&mut self) {
        self.lease.take_time();
    }

    pub(in crate::db) async fn commit(self) -> Result<(), sqlx::Error> {
        self.lease.commit().await
    }
}
