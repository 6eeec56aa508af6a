//! The floor on PostgreSQL: every deed is one statement, which is one round trip and one transaction.

mod texts;

use std::str::FromStr;

use ecommerce_benches::Failure;
use sqlx::{
    ConnectOptions, FromRow, PgPool, Row,
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
};
use warp::http::StatusCode;

use super::{
    DAY, Done, Fault,
    answers::{CartLine, OrderLine, Product, ProductRow},
    login::{Attempt, Known, NewSession},
    now,
    stripe::Paid,
};

/// A statement goes on with where the products come from.
macro_rules! select_products {
    ($first:literal, $rest:literal) => {
        concat!(
            $first,
            "p.id, p.name, p.description, p.price, p.currency, p.stock, p.is_available, p.sku, p.created_at, p.updated_at,
                 p.category_id, c.name as category_name,
                 (select string_agg(a.name || '=' || a.value, E'\n') from product_attributes a where a.product_id = p.id)
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
         select product_id as id, ts_rank(lexemes, cast($1 as tsquery)) as rank
         from product_index
         where lexemes @@ cast($1 as tsquery)
         order by 2 desc, 1
         limit 1000
     )
     select (select count(*) from hits) as count, ",
    "from (select id, rank from hits order by rank desc, id limit 20) h
         join products p on p.id = h.id
         left join categories c on c.id = p.category_id
     where p.deleted_at is null and p.is_available
     order by h.rank desc, h.id"
);

pub struct Shop(PgPool);

impl Shop {
    pub async fn open(url: &str) -> Result<Self, Failure> {
        let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
        let pool = PgPoolOptions::new().min_connections(1).max_connections(16).test_before_acquire(false);
        Ok(Self(pool.connect_with(options).await?))
    }
}

impl super::Shop for Shop {
    async fn product(&self, id: i64) -> Done<Product> {
        let row: Option<ProductRow> = sqlx::query_as(PRODUCT).bind(id).fetch_optional(&self.0).await?;
        row.map(Product::from).ok_or(Fault(StatusCode::NOT_FOUND))
    }

    async fn page(&self, size: i64) -> Done<(i64, Vec<Product>)> {
        counted(&sqlx::query(PAGE).bind(size).fetch_all(&self.0).await?)
    }

    async fn search(&self, word: &str) -> Done<(i64, Vec<Product>)> {
        let words = format!("('{word}':*) & !'#off'");
        counted(&sqlx::query(SEARCH).bind(words).fetch_all(&self.0).await?)
    }

    async fn add(&self, token_hash: String, product: i64, quantity: i64) -> Done<Vec<CartLine>> {
        let add = sqlx::query(texts::ADD).bind(token_hash).bind(now()).bind(product).bind(quantity);
        done(&add.fetch_all(&self.0).await?, |changed| changed == Some(1))
    }

    async fn clear(&self, token_hash: String) -> Done<()> {
        signed_in(&sqlx::query(texts::CLEAR).bind(token_hash).bind(now()).fetch_all(&self.0).await?)
    }

    async fn checkout(&self, token_hash: String, key: String) -> Done<Vec<OrderLine>> {
        let now = now();
        let rows = loop {
            let checkout = sqlx::query(texts::CHECKOUT).bind(&token_hash).bind(now).bind(now + DAY).bind(&key);
            match checkout.fetch_all(&self.0).await {
                Err(error) if is_code(&error, &["40P01"]) => {} // those who wait for each other: all but one try again
                ended => break ended,
            }
        };
        match rows {
            Ok(rows) => done(&rows, |changed| changed.is_some()),
            // A total that is null, or a key that was used.
            Err(error) if is_code(&error, &["23502", "23505"]) => Err(Fault(StatusCode::CONFLICT)),
            Err(error) => Err(error.into()),
        }
    }

    async fn paid(&self, paid: Paid, payload: String) -> Done<()> {
        let Paid { event, kind, payment, session, intent, amount, currency } = paid;
        let now = now();
        loop {
            let paid = sqlx::query(texts::PAID).bind(&event).bind(now).bind(&kind).bind(&payload).bind(payment);
            let paid = paid.bind(&session).bind(&intent).bind(amount).bind(&currency);
            match paid.fetch_one(&self.0).await {
                Err(error) if is_code(&error, &["40P01"]) => {}
                ended => return Ok(ended.map(drop)?),
            }
        }
    }

    async fn count(&self, attempt: Attempt) -> Done<Known> {
        let Attempt { email, place, at_place } = attempt;
        let now = now();
        let count = sqlx::query(texts::COUNT).bind(at_place).bind(email).bind(place).bind(now).bind(now + DAY / 96);
        let row = count.fetch_optional(&self.0).await?;
        Ok(Known::from_row(&row.ok_or(Fault(StatusCode::UNAUTHORIZED))?)?)
    }

    async fn let_in(&self, attempt: Attempt, session: NewSession) -> Done<()> {
        let Attempt { email, place, at_place } = attempt;
        let NewSession { token_hash, user, created_at, expires_at } = session;
        let let_in = sqlx::query(texts::LET_IN).bind(at_place).bind(email).bind(place).bind(token_hash);
        Ok(let_in.bind(user).bind(expires_at).bind(created_at).execute(&self.0).await.map(drop)?)
    }
}

fn is_code(error: &sqlx::Error, codes: &[&str]) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| codes.contains(&code.as_ref()))
}

fn counted(rows: &[PgRow]) -> Done<(i64, Vec<Product>)> {
    let count = rows.first().map_or(Ok(0), |row| row.try_get("count"))?;
    let products = rows.iter().map(|row| ProductRow::from_row(row).map(Product::from));
    Ok((count, products.collect::<Result<_, _>>()?))
}

fn signed_in(rows: &[PgRow]) -> Done<()> {
    if rows.is_empty() { Err(Fault(StatusCode::UNAUTHORIZED)) } else { Ok(()) }
}

/// The rows of a deed, where it was done.
fn done<T: for<'r> FromRow<'r, PgRow>>(rows: &[PgRow], is_done: impl Fn(Option<i64>) -> bool) -> Done<Vec<T>> {
    signed_in(rows)?;
    let changed = rows.first().map_or(Ok(None), |row| row.try_get("changed"))?;
    if !is_done(changed) {
        return Err(Fault(StatusCode::CONFLICT));
    }
    Ok(rows.iter().map(T::from_row).collect::<Result<_, _>>()?)
}
