use std::{collections::HashMap, iter};

use serde::Serialize;

use super::{
    Attributes, Movement, MovementReason, NewProduct, Product,
    lists::{ProductRow, select_products},
    search::{key, prices::price_scaled},
};
use crate::{
    CategoryId, Currency, Money, MovementId, Note, OrderId, ProductId, Sku, StoreError, Timestamp,
    db::{Tx, id_list, json, statements},
};

statements! {
    PRODUCT = (concat!(select_products!(), " where p.id = $1 and p.deleted_at is null and (p.is_available or $2)"));

    /// Such a lock lets others go on putting the product into their carts.
    LOCK_PRODUCT = {
        sqlite: "select stock, reserved from products where id = $1 and deleted_at is null",
        postgres: "select stock, reserved from products where id = $1 and deleted_at is null for no key update",
    };

    /// Imports take turns, since a name that is new to both would be made twice.
    TAKE_IMPORT_TURN = {
        sqlite: "select 1 as turn",
        postgres: "select 1 as turn from pg_advisory_xact_lock(hashtext('ecommerce product import'))",
    };

    LOCK_PRODUCTS = {
        sqlite: "select id, reserved from products where deleted_at is null order by id",
        postgres: "select id, reserved from products where deleted_at is null order by id for no key update",
    };

    /// Their ids grow in the order of the list.
    INSERT_PRODUCTS = {
        sqlite:
            "insert into products (name, name_key, description, sku, price, price_scaled,
                 currency, stock, is_available, category_id, created_at, updated_at)
             select value ->> 'name', value ->> 'name_key', value ->> 'description',
                 value ->> 'sku', value ->> 'price', value ->> 'price_scaled',
                 value ->> 'currency', value ->> 'stock', value ->> 'is_available', value ->> 'category', $2, $2
             from json_each($1)
             order by key
             returning id, stock",
        postgres:
            "insert into products (name, name_key, description, sku, price, price_scaled,
                 currency, stock, is_available, category_id, created_at, updated_at)
             select r.name, r.name_key, r.description, r.sku, r.price, r.price_scaled,
                 r.currency, r.stock, r.is_available, r.category, cast($2 as bigint), cast($2 as bigint)
             from rows from (
                 json_to_recordset(cast(cast($1 as text) as json)) as (
                     name text, name_key text, description text, sku text, price bigint, price_scaled bigint, currency text,
                     stock bigint, is_available boolean, category bigint)
             ) with ordinality as r
             order by r.ordinality
             returning id, stock",
    };

    UPDATE_PRODUCTS = {
        sqlite:
            "update products set
                 name = r.name, name_key = r.name_key, description = r.description,
                 sku = r.sku, price = r.price, price_scaled = r.price_scaled,
                 currency = r.currency, stock = r.stock, is_available = r.is_available, category_id = r.category,
                 version = version + 1, updated_at = $2
             from (
                 select value ->> 'id' as id, value ->> 'name' as name, value ->> 'name_key' as name_key,
                     value ->> 'description' as description, value ->> 'sku' as sku, value ->> 'price' as price,
                     value ->> 'price_scaled' as price_scaled, value ->> 'currency' as currency, value ->> 'stock' as stock,
                     value ->> 'is_available' as is_available, value ->> 'category' as category
                 from json_each($1)) r
             where products.id = r.id",
        postgres:
            "update products set
                 name = r.name, name_key = r.name_key, description = r.description,
                 sku = r.sku, price = r.price, price_scaled = r.price_scaled,
                 currency = r.currency, stock = r.stock, is_available = r.is_available, category_id = r.category,
                 version = version + 1, updated_at = $2
             from json_to_recordset(cast(cast($1 as text) as json)) as r (
                 id bigint, name text, name_key text, description text, sku text,
                 price bigint, price_scaled bigint, currency text, stock bigint, is_available boolean, category bigint)
             where products.id = r.id",
    };

    INSERT_ATTRIBUTES = {
        sqlite:
            "insert into product_attributes (product_id, name_key, name, value_key, value)
             select value ->> 'product', value ->> 'name_key', value ->> 'name', value ->> 'value_key', value ->> 'value'
             from json_each($1)",
        postgres:
            "insert into product_attributes (product_id, name_key, name, value_key, value)
             select a.product, a.name_key, a.name, a.value_key, a.value
             from json_to_recordset(cast(cast($1 as text) as json)) as a (
                 product bigint, name_key text, name text, value_key text, value text)",
    };

    DELETE_ATTRIBUTES = {
        sqlite: "delete from product_attributes where product_id in (select value from json_each($1))",
        postgres: "delete from product_attributes where product_id = any (translate($1, '[]', '{}')::bigint[])",
    };

    FOR_SALE = "select for_sale from product_counts where id = 1";

    HOLD_FOR_SALE = "update product_counts set for_sale = for_sale where id = 1";

    RECOUNT_FOR_SALE =
        "update product_counts set for_sale = (select count(*) from products where deleted_at is null and is_available)
         where id = 1";

    COUNT_FOR_SALE = "update product_counts set for_sale = for_sale + $1 where id = 1";

    DELETE_PRODUCT = "update products set deleted_at = $2, updated_at = $2, version = version + 1 where id = $1";

    SET_STOCK = "update products set stock = $2, updated_at = $3, version = version + 1 where id = $1";

    STOCK = "select stock, reserved from products where id = $1 and deleted_at is null";

    MOVEMENTS =
        "select id, change, reason, order_id, note, created_at
         from stock_movements
         where product_id = $1
         order by id desc
         limit 1000";

    INSERT_MOVEMENTS = {
        sqlite:
            "insert into stock_movements (product_id, change, reason, note, created_at)
             select value ->> 'product', value ->> 'change', $2, $3, $4
             from json_each($1)",
        postgres:
            "insert into stock_movements (product_id, change, reason, note, created_at)
             select m.product, m.change, $2, $3, cast($4 as bigint)
             from json_to_recordset(cast(cast($1 as text) as json)) as m (product bigint, change bigint)",
    };
}

#[derive(sqlx::FromRow)]
struct MovementRow {
    id: MovementId,
    change: i64,
    reason: MovementReason,
    order_id: Option<OrderId>,
    note: Option<String>,
    created_at: Timestamp,
}

impl From<MovementRow> for Movement {
    fn from(row: MovementRow) -> Self {
        let MovementRow { id, change, reason, order_id, note, created_at } = row;
        Self { id, change, reason, order: order_id, note, created_at }
    }
}

pub(super) async fn product(tx: &mut Tx, id: ProductId, hidden_too: bool) -> Result<Option<Product>, StoreError> {
    tx.optional::<ProductRow>(PRODUCT, &(id, hidden_too)).await?.map(Product::try_from).transpose()
}

/// How many of each product are reserved. Nobody else changes a product until the transaction ends, nor imports any.
pub(super) async fn lock_for_import(tx: &mut Tx) -> Result<HashMap<ProductId, i64>, StoreError> {
    tx.one::<(i32,)>(TAKE_IMPORT_TURN, &()).await?;
    Ok(tx.all::<(ProductId, i64)>(LOCK_PRODUCTS, &()).await?.into_iter().collect())
}

/// A product and how many of it are reserved, neither of which others can change until the transaction ends.
pub(super) async fn product_locked(tx: &mut Tx, id: ProductId) -> Result<Option<(Product, i64)>, StoreError> {
    let Some((_, reserved)) = stock_locked(tx, id).await? else { return Ok(None) };
    Ok(product(tx, id, true).await?.map(|product| (product, reserved)))
}

/// Makes products and answers their ids beside their stock, in the same order.
pub(super) async fn insert_products(
    tx: &mut Tx,
    products: &[NewProduct],
    now: Timestamp,
) -> Result<Vec<StockChange>, StoreError> {
    let rows: Vec<_> = products.iter().map(WrittenProduct::from).collect();
    let mut made = tx.all::<(ProductId, i64)>(INSERT_PRODUCTS, &(json(&rows)?, now)).await?;
    made.sort_unstable();
    let described = made.iter().zip(products).map(|((id, _), new)| (*id, &new.attributes));
    insert_attributes(tx, described).await?;
    Ok(made.into_iter().map(|(product, change)| StockChange { product, change }).collect())
}

/// Writes all of the products that an admin may change.
pub(super) async fn update_products(
    tx: &mut Tx,
    products: impl Iterator<Item = &Product> + Clone,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows: Vec<_> = products.clone().map(WrittenProduct::from).collect();
    tx.execute(UPDATE_PRODUCTS, &(json(&rows)?, now)).await?;
    tx.later(DELETE_ATTRIBUTES, &(id_list(products.clone().map(|product| product.id.get())),)).await?;
    insert_attributes(tx, products.map(|product| (product.id, &product.attributes))).await
}

/// How many products everybody sees.
pub(super) async fn for_sale(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.scalar(FOR_SALE, &()).await
}

/// Counts them anew. Whoever else changes how many there are has done so before, and is counted, or does so afterwards.
pub(super) async fn recount_for_sale(tx: &mut Tx) -> Result<(), StoreError> {
    tx.later(HOLD_FOR_SALE, &()).await?;
    tx.later(RECOUNT_FOR_SALE, &()).await
}

/// Notes that there are so many more of them, or fewer. Others who do so wait for the end of the transaction.
pub(super) async fn count_for_sale(tx: &mut Tx, more: i64) -> Result<(), StoreError> {
    if more == 0 { Ok(()) } else { tx.later(COUNT_FOR_SALE, &(more,)).await }
}

pub(super) async fn delete_product(tx: &mut Tx, id: ProductId, now: Timestamp) -> Result<(), StoreError> {
    tx.later(DELETE_ATTRIBUTES, &(id_list(iter::once(id.get())),)).await?;
    tx.later(DELETE_PRODUCT, &(id, now)).await
}

async fn insert_attributes(tx: &mut Tx, products: impl Iterator<Item = (ProductId, &Attributes)>) -> Result<(), StoreError> {
    let rows: Vec<_> = products.flat_map(|(id, attributes)| WrittenAttribute::all(id, attributes)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    tx.later(INSERT_ATTRIBUTES, &(json(&rows)?,)).await
}

/// How many are on hand and how many of them reserved.
pub(super) async fn stock(tx: &mut Tx, id: ProductId) -> Result<Option<(i64, i64)>, StoreError> {
    tx.optional(STOCK, &(id,)).await
}

pub(super) async fn stock_locked(tx: &mut Tx, id: ProductId) -> Result<Option<(i64, i64)>, StoreError> {
    tx.optional(LOCK_PRODUCT, &(id,)).await
}

pub(super) async fn set_stock(tx: &mut Tx, id: ProductId, stock: i64, now: Timestamp) -> Result<(), StoreError> {
    tx.later(SET_STOCK, &(id, stock, now)).await
}

/// The latest changes of a product's stock, newest first.
pub(super) async fn movements(tx: &mut Tx, id: ProductId) -> Result<Vec<Movement>, StoreError> {
    Ok(tx.all::<MovementRow>(MOVEMENTS, &(id,)).await?.into_iter().map(Movement::from).collect())
}

/// By how much the stock of a product changes.
#[derive(Serialize)]
pub(super) struct StockChange {
    pub(super) product: ProductId,
    pub(super) change: i64,
}

/// Writes into the ledger what was done to the stock. What changes by nothing is left out.
pub(super) async fn insert_movements(
    tx: &mut Tx,
    mut changes: Vec<StockChange>,
    reason: MovementReason,
    note: Option<&Note>,
    now: Timestamp,
) -> Result<(), StoreError> {
    changes.retain(|changed| changed.change != 0);
    if changes.is_empty() {
        return Ok(());
    }
    tx.later(INSERT_MOVEMENTS, &(json(&changes)?, reason, note.cloned(), now)).await
}

/// All of a product that an admin writes, as the statements take it.
#[derive(Serialize)]
struct WrittenProduct<'a> {
    id: Option<ProductId>,
    name: &'a str,
    name_key: String,
    description: &'a str,
    sku: Option<&'a str>,
    price: i64,
    price_scaled: i64,
    currency: Currency,
    stock: i64,
    is_available: bool,
    category: Option<CategoryId>,
}

impl<'a> WrittenProduct<'a> {
    fn new(name: &'a str, description: &'a str, price: Money, sku: Option<&'a Sku>) -> Self {
        Self {
            id: None,
            name,
            name_key: key(name),
            description,
            sku: sku.map(Sku::as_str),
            price: price.minor(),
            price_scaled: price_scaled(price),
            currency: price.currency(),
            stock: 0,
            is_available: true,
            category: None,
        }
    }
}

impl<'a> From<&'a NewProduct> for WrittenProduct<'a> {
    fn from(new: &'a NewProduct) -> Self {
        let NewProduct { name, description, price, stock, is_available, sku, category, .. } = new;
        let derived = Self::new(name.as_str(), description.as_str(), *price, sku.as_ref());
        Self { stock: *stock, is_available: *is_available, category: *category, ..derived }
    }
}

impl<'a> From<&'a Product> for WrittenProduct<'a> {
    fn from(product: &'a Product) -> Self {
        let Product { id, name, description, price, stock, is_available, sku, category, .. } = product;
        let derived = Self::new(name, description, *price, sku.as_ref());
        let category = category.as_ref().map(|category| category.id);
        Self { id: Some(*id), stock: *stock, is_available: *is_available, category, ..derived }
    }
}

/// One attribute of a product, as the statement takes it.
#[derive(Serialize)]
struct WrittenAttribute<'a> {
    product: ProductId,
    name_key: String,
    name: &'a str,
    value_key: String,
    value: &'a str,
}

impl<'a> WrittenAttribute<'a> {
    fn all(product: ProductId, attributes: &'a Attributes) -> impl Iterator<Item = Self> {
        attributes.iter().map(move |(name, value)| Self { product, name_key: key(name), name, value_key: key(value), value })
    }
}
