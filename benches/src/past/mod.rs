//! A shop with a past, written in bulk.

use ecommerce_core::{Clock, SystemClock};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

use crate::Failure;

const CATALOG: &str = include_str!("catalog.sql");
const PAST: &str = include_str!("past.sql");

/// How large a shop is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub products: u64,
    pub customers: u64,
    pub orders: u64,
}

impl Size {
    /// As large as a shop of so many orders is.
    pub fn of(orders: u64) -> Self {
        Self { products: (orders / 10).clamp(10, 10_000), customers: (orders / 10).clamp(10, 50_000), orders }
    }
}

/// Fills an empty shop. Of one that has orders, says that nothing was done.
pub async fn fill(url: &str, size: Size) -> Result<bool, Failure> {
    write(url, &format!("{CATALOG}\n{PAST}"), size).await
}

/// Writes the orders of a shop that has its products and customers already, with ids from 1 on.
pub async fn orders(url: &str, size: Size) -> Result<bool, Failure> {
    write(url, PAST, size).await
}

async fn write(url: &str, text: &str, size: Size) -> Result<bool, Failure> {
    const COUNT: &str = "select count(*) from (select id from orders limit 1) one";
    if url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(url).await?;
        if sqlx::query_scalar::<_, i64>(COUNT).fetch_one(&mut connection).await? > 0 {
            return Ok(false);
        }
        connection.execute("pragma synchronous = off; pragma cache_size = -400000").await?;
        for statement in statements(text, size) {
            connection.execute(AssertSqlSafe(statement)).await?;
        }
        connection.execute("pragma wal_checkpoint(truncate)").await?;
        connection.close().await?;
    } else {
        let mut connection = PgConnection::connect(url).await?;
        if sqlx::query_scalar::<_, i64>(COUNT).fetch_one(&mut connection).await? > 0 {
            return Ok(false);
        }
        connection.execute("set synchronous_commit = off").await?;
        for statement in statements(text, size) {
            connection.execute(AssertSqlSafe(statement)).await?;
        }
        connection.execute("vacuum analyze").await?;
        connection.close().await?;
    }
    Ok(true)
}

fn statements(text: &str, size: Size) -> Vec<String> {
    let now = SystemClock.now().as_micros();
    let text = [
        ("{orders}", size.orders.to_string()),
        ("{products}", size.products.to_string()),
        ("{customers}", size.customers.to_string()),
        ("{foreign_events}", (size.orders / 100).to_string()),
        ("{now}", now.to_string()),
    ]
    .iter()
    .fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
    text.split(";\n").filter(|statement| !statement.trim().is_empty()).map(str::to_owned).collect()
}
