//! The floor: bare warp handlers, the same SQL by hand-written sqlx, the same JSON.

use std::{collections::BTreeMap, error::Error, str::FromStr};

use serde::Serialize;
use serde_json::json;
use sqlx::{
    FromRow, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use warp::Filter;

#[derive(FromRow)]
struct Row {
    id: i64,
    name: String,
    description: String,
    price: i64,
    currency: String,
    stock: i64,
    is_available: bool,
    sku: Option<String>,
    created_at: i64,
    updated_at: i64,
    category_id: Option<i64>,
    category_name: Option<String>,
    attributes: Option<String>,
}

#[derive(Serialize)]
struct Category {
    id: i64,
    name: String,
}

#[derive(Serialize)]
struct Product {
    id: i64,
    name: String,
    description: String,
    price: String,
    currency: String,
    stock: i64,
    is_available: bool,
    sku: Option<String>,
    attributes: BTreeMap<String, String>,
    category: Option<Category>,
    created_at: i64,
    updated_at: i64,
}

impl From<Row> for Product {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            name: row.name,
            description: row.description,
            price: format!("{}.{:02}", row.price / 100, row.price % 100),
            currency: row.currency,
            stock: row.stock,
            is_available: row.is_available,
            sku: row.sku,
            attributes: row
                .attributes
                .iter()
                .flat_map(|lines| lines.split('\n'))
                .filter_map(|line| line.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            category: row.category_id.zip(row.category_name).map(|(id, name)| Category { id, name }),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select p.id, p.name, p.description, p.price, p.currency, p.stock, p.is_available, p.sku, p.version,
                 p.created_at, p.updated_at, p.category_id, c.name as category_name, c.version as category_version,
                 (select string_agg(a.name || '=' || a.value, '\n') from product_attributes a where a.product_id = p.id)
                     as attributes
             from products p left join categories c on c.id = p.category_id ",
            $rest
        )
    };
}

pub async fn serve(url: &str) -> Result<(), Box<dyn Error>> {
    let options = SqliteConnectOptions::from_str(url)?.read_only(true);
    let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
    let pool = warp::any().map(move || pool.clone());
    let product = warp::path!("product" / i64).and(pool.clone()).then(product);
    let page = warp::path!("product").and(pool).then(page);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    warp::serve(product.or(page).unify()).incoming(listener).run().await;
    Ok(())
}

async fn product(id: i64, pool: SqlitePool) -> warp::reply::Json {
    let row: Row = sqlx::query_as(select!("where p.id = $1 and p.deleted_at is null and (p.is_available or $2)"))
        .bind(id)
        .bind(false)
        .fetch_one(&pool)
        .await
        .expect("the product is there");
    warp::reply::json(&Product::from(row))
}

async fn page(pool: SqlitePool) -> warp::reply::Json {
    let count: i64 = sqlx::query_scalar(
        "select count(*) from products p left join categories c on c.id = p.category_id
         where p.deleted_at is null and p.is_available",
    )
    .fetch_one(&pool)
    .await
    .expect("they can be counted");
    let rows: Vec<Row> =
        sqlx::query_as(select!("where p.deleted_at is null and p.is_available order by p.id limit $1 offset $2"))
            .bind(20)
            .bind(0)
            .fetch_all(&pool)
            .await
            .expect("they can be read");
    let results: Vec<Product> = rows.into_iter().map(Product::from).collect();
    warp::reply::json(&json!({ "count": count, "next": "/product/?page=2", "previous": null, "results": results }))
}
