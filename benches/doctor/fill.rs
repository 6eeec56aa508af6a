//! A shop with a past, written in bulk.

use ecommerce_core::{Clock, SystemClock};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

use crate::Failure;

const STATEMENTS: &str = include_str!("fill.sql");

/// Fills a shop that has no orders; says whether it did.
pub async fn fill(url: &str, orders: i64) -> Result<bool, Failure> {
    const COUNT: &str = "select count(*) from (select id from orders limit 1) one";
    if url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(url).await?;
        if sqlx::query_scalar::<_, i64>(COUNT).fetch_one(&mut connection).await? > 0 {
            return Ok(false);
        }
        connection.execute("pragma synchronous = off; pragma cache_size = -400000").await?;
        for statement in statements(orders)? {
            connection.execute(AssertSqlSafe(statement)).await?;
        }
        connection.execute("pragma wal_checkpoint(truncate)").await?;
    } else {
        let mut connection = PgConnection::connect(url).await?;
        if sqlx::query_scalar::<_, i64>(COUNT).fetch_one(&mut connection).await? > 0 {
            return Ok(false);
        }
        connection.execute("set synchronous_commit = off").await?;
        for statement in statements(orders)? {
            connection.execute(AssertSqlSafe(statement)).await?;
        }
        connection.execute("vacuum analyze").await?;
    }
    Ok(true)
}

/// The statements, for so many orders.
fn statements(orders: i64) -> Result<Vec<String>, Failure> {
    let now = SystemClock.now().as_micros();
    let text = [
        ("{orders}", orders),
        ("{products}", (orders / 10).clamp(10, 10_000)),
        ("{customers}", (orders / 10).clamp(10, 50_000)),
        ("{foreign_events}", orders / 100),
        ("{now}", now),
    ]
    .iter()
    .fold(STATEMENTS.to_owned(), |text, (name, value)| text.replace(name, &value.to_string()));
    Ok(text.split(";\n").filter(|statement| !statement.trim().is_empty()).map(str::to_owned).collect())
}
