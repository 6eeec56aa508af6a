//! The floor on a SQLite file: readers beside one writer.

mod texts;
mod writer;

use std::{str::FromStr, time::Duration};

use ecommerce_benches::Failure;
use sqlx::{
    Arguments, ConnectOptions, FromRow, Row, SqlitePool,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use warp::http::StatusCode;

use super::{
    DAY, Done, Fault,
    answers::{CartLine, OrderLine, Product, ProductRow},
    login::{Attempt, Known, NewSession},
    now,
    stripe::Paid,
};
use writer::Writer;

/// A statement goes on with where the products come from.
macro_rules! select_products {
    ($first:literal, $rest:literal) => {
        concat!(
            $first,
            "p.id, p.name, p.description, p.price, p.currency, p.stock, p.is_available, p.sku, p.created_at, p.updated_at,
                 p.category_id, c.name as category_name,
                 (select string_agg(a.name || '=' || a.value, '\n') from product_attributes a where a.product_id = p.id)
                     as attributes ",
            $rest
        )
    };
}

const PRODUCT: &str = select_products!(
    "select ",
    "from products p left join categories c on c.id = p.category_id
     where p.id = $1 and p.deleted_at is null and p.is_available"
);
const PAGE: &str = select_products!(
    "select (select count(*) from products where deleted_at is null and is_available) as count, ",
    "from products p left join categories c on c.id = p.category_id
     where p.deleted_at is null and p.is_available
     order by p.id
     limit $1 + 0"
);
/// The best of up to 1,000 hits, which is as far as ours counts them.
const SEARCH: &str = select_products!(
    "with hits as materialized (
         select rowid as id, rank from product_words where product_words match $1 order by rank limit 1000
     )
     select (select count(*) from hits) as count, ",
    "from (select id, rank from hits order by rank limit 20) h
         cross join products p on p.id = h.id
         left join categories c on c.id = p.category_id
     where p.deleted_at is null and p.is_available
     order by h.rank"
);

pub struct Shop {
    readers: SqlitePool,
    writer: Writer,
}

/// Arguments in the order of their numbers.
macro_rules! arguments {
    ($($value:expr),+) => {{
        let mut arguments = SqliteArguments::default();
        $(arguments.add($value).map_err(sqlx::Error::Encode)?;)+
        arguments
    }};
}

impl Shop {
    /// As the store opens it: see its `db/sqlite/mod.rs`.
    pub async fn open(url: &str) -> Result<Self, Failure> {
        let options = SqliteConnectOptions::from_str(url)?
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .pragma("cache_size", "-8192")
            .disable_statement_logging();
        let writer = Writer::start(options.connect().await?).await?;
        let readers = SqlitePoolOptions::new().min_connections(4).max_connections(4).test_before_acquire(false);
        Ok(Self { readers: readers.connect_with(options.read_only(true)).await?, writer })
    }
}

impl super::Shop for Shop {
    async fn product(&self, id: i64) -> Done<Product> {
        let row: Option<ProductRow> = sqlx::query_as(PRODUCT).bind(id).fetch_optional(&self.readers).await?;
        row.map(Product::from).ok_or(Fault(StatusCode::NOT_FOUND))
    }

    async fn page(&self, size: i64) -> Done<(i64, Vec<Product>)> {
        counted(&sqlx::query(PAGE).bind(size).fetch_all(&self.readers).await?)
    }

    async fn search(&self, word: &str) -> Done<(i64, Vec<Product>)> {
        let words = format!(r##"("{word}"*) NOT "#off""##);
        counted(&sqlx::query(SEARCH).bind(words).fetch_all(&self.readers).await?)
    }

    async fn add(&self, token_hash: String, product: i64, quantity: i64) -> Done<Vec<CartLine>> {
        let rows = self.writer.run(texts::ADD, arguments!(token_hash, now(), product, quantity)).await?;
        done(&rows, |changed| changed == Some(1))
    }

    async fn clear(&self, token_hash: String) -> Done<()> {
        let rows = self.writer.run(texts::CLEAR, arguments!(token_hash, now())).await?;
        signed_in(&rows)
    }

    async fn checkout(&self, token_hash: String, key: String) -> Done<Vec<OrderLine>> {
        let now = now();
        let rows = self.writer.run(texts::CHECKOUT, arguments!(token_hash, now, now + DAY, key)).await?;
        done(&rows, |changed| changed.is_some())
    }

    async fn paid(&self, paid: Paid, payload: String) -> Done<()> {
        let Paid { event, kind, payment, session, intent, amount, currency } = paid;
        let arguments = arguments!(event, now(), kind, payload, payment, session, intent, amount, currency);
        Ok(self.writer.run(texts::PAID, arguments).await.map(drop)?)
    }

    async fn count(&self, attempt: Attempt) -> Done<Known> {
        let Attempt { email, place, at_place } = attempt;
        let now = now();
        let rows = self.writer.run(texts::COUNT, arguments!(at_place, email, place, now, now + DAY / 96)).await?;
        Ok(Known::from_row(rows.first().ok_or(Fault(StatusCode::UNAUTHORIZED))?)?)
    }

    async fn let_in(&self, attempt: Attempt, session: NewSession) -> Done<()> {
        let Attempt { email, place, at_place } = attempt;
        let NewSession { token_hash, user, created_at, expires_at } = session;
        let arguments = arguments!(at_place, email, place, token_hash, user, expires_at, created_at);
        Ok(self.writer.run(texts::LET_IN, arguments).await.map(drop)?)
    }
}

fn counted(rows: &[SqliteRow]) -> Done<(i64, Vec<Product>)> {
    let count = rows.first().map_or(Ok(0), |row| row.try_get("count"))?;
    let products = rows.iter().map(|row| ProductRow::from_row(row).map(Product::from));
    Ok((count, products.collect::<Result<_, _>>()?))
}

fn signed_in(rows: &[SqliteRow]) -> Done<()> {
    let user: Option<i64> = rows.first().map_or(Ok(None), |row| row.try_get("user_id"))?;
    user.map(drop).ok_or(Fault(StatusCode::UNAUTHORIZED))
}

/// The rows of a deed, where it was done.
fn done<T: for<'r> FromRow<'r, SqliteRow>>(rows: &[SqliteRow], is_done: impl Fn(Option<i64>) -> bool) -> Done<Vec<T>> {
    signed_in(rows)?;
    let changed = rows.first().map_or(Ok(None), |row| row.try_get("changed"))?;
    if !is_done(changed) {
        return Err(Fault(StatusCode::CONFLICT));
    }
    Ok(rows.iter().map(T::from_row).collect::<Result<_, _>>()?)
}
