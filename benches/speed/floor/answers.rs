//! Answers as large as ours, from rows.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::FromRow;

#[derive(FromRow)]
pub struct ProductRow {
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
pub struct Product {
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
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct Category {
    id: i64,
    name: String,
}

impl From<ProductRow> for Product {
    fn from(row: ProductRow) -> Self {
        let attributes = row.attributes.iter().flat_map(|lines| lines.split('\n'));
        let attributes = attributes.filter_map(|line| line.split_once('='));
        Self {
            id: row.id,
            name: row.name,
            description: row.description,
            price: decimal(row.price),
            currency: row.currency,
            stock: row.stock,
            is_available: row.is_available,
            sku: row.sku,
            attributes: attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            category: row.category_id.zip(row.category_name).map(|(id, name)| Category { id, name }),
            created_at: time(row.created_at),
            updated_at: time(row.updated_at),
        }
    }
}

/// A page; the cursor is as long as ours.
#[derive(Serialize)]
pub struct Page {
    pub count: i64,
    pub count_is: &'static str,
    pub next: Option<&'static str>,
    pub previous: Option<&'static str>,
    pub next_cursor: Option<&'static str>,
    pub results: Vec<Product>,
}

#[derive(FromRow)]
pub struct CartLine {
    pub product_id: i64,
    pub name: String,
    pub price: i64,
    pub currency: String,
    pub quantity: i64,
    pub is_available: bool,
}

/// What of an order is not the same for all that were just placed, line by line.
#[derive(FromRow)]
pub struct OrderLine {
    pub id: i64,
    pub total: i64,
    pub currency: String,
    pub created_at: i64,
    pub reserved_until: i64,
    pub user_id: i64,
    pub email: String,
    pub payment_id: i64,
    pub product_id: i64,
    pub name: String,
    pub unit_price: i64,
    pub quantity: i64,
}

#[derive(Serialize)]
struct Cart<'l> {
    items: Vec<CartItem<'l>>,
    total: String,
    currency: &'l str,
}

#[derive(Serialize)]
struct CartItem<'l> {
    product: ProductRef<'l>,
    quantity: i64,
    unit_price: String,
    line_total: String,
    is_available: bool,
}

#[derive(Serialize)]
struct ProductRef<'l> {
    id: i64,
    name: &'l str,
}

/// `None` where it comes to more than can be counted.
pub fn cart(lines: &[CartLine]) -> Option<Vec<u8>> {
    let (mut items, mut total) = (Vec::with_capacity(lines.len()), 0_i64);
    for line in lines {
        let line_total = line.price.checked_mul(line.quantity)?;
        total = total.checked_add(line_total)?;
        items.push(CartItem {
            product: ProductRef { id: line.product_id, name: &line.name },
            quantity: line.quantity,
            unit_price: decimal(line.price),
            line_total: decimal(line_total),
            is_available: line.is_available,
        });
    }
    let currency = lines.first().map_or("USD", |line| &line.currency);
    serde_json::to_vec(&Cart { items, total: decimal(total), currency }).ok()
}

#[derive(Serialize)]
struct OrderItem<'l> {
    product_id: i64,
    name: &'l str,
    unit_price: String,
    quantity: i64,
    line_total: String,
}

/// An order that was just placed.
pub fn order(lines: &[OrderLine]) -> Option<Vec<u8>> {
    let OrderLine { id, total, currency, created_at, reserved_until, user_id, email, payment_id, .. } = lines.first()?;
    let items: Vec<_> = lines
        .iter()
        .map(|line| OrderItem {
            product_id: line.product_id,
            name: &line.name,
            unit_price: decimal(line.unit_price),
            quantity: line.quantity,
            line_total: decimal(line.unit_price * line.quantity),
        })
        .collect();
    let (items, email) = (serde_json::to_string(&items).ok()?, serde_json::to_string(email).ok()?);
    let (total, at, until) = (decimal(*total), time(*created_at), time(*reserved_until));
    Some(
        format!(
            r#"{{"id":{id},"status":"pending_payment","payment_status":"unpaid","fulfillment":"unfulfilled","items":{items},"total":"{total}","currency":"{currency}","refunded_total":"0.00","payments":[{{"id":{payment_id},"provider":"stripe","reference":null,"status":"created","outcome":null,"amount":"{total}","currency":"{currency}","captured":null,"captured_currency":null,"refunded":"0.00","checkout_url":null,"client_secret":null,"created_at":"{at}"}}],"refunds":[],"reserved_until":"{until}","tracking_number":null,"history":[{{"event":"placed","at":"{at}","note":null}}],"disputed":false,"customer":{{"id":{user_id},"email":{email}}},"created_at":"{at}","updated_at":"{at}"}}"#
        )
        .into_bytes(),
    )
}

/// Hundredths: the shop of this bench has one currency.
pub fn decimal(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// RFC 3339. The days since 1970 become a date as on howardhinnant.github.io/date_algorithms.html.
pub fn time(micros: i64) -> String {
    let (seconds, micro) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let (days, second) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micro:06}Z")
}
