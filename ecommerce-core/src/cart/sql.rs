use serde_json::{Value, json};

use super::{CartLine, PricedLine};
use crate::{
    Currency, Money, ProductId, Quantity, StoreError, Timestamp, UserId,
    db::{Tx, statements},
};

statements! {
    /// A deleted product stays in the carts that hold it, but cannot be bought.
    PRICED_LINES =
        "select i.product_id, p.name, p.price, p.currency, i.quantity,
             p.is_available and p.deleted_at is null as is_available,
             case when p.deleted_at is null then p.stock - p.reserved else 0 end as in_stock
         from cart_items i join products p on p.id = i.product_id
         where i.user_id = $1
         order by i.added_at, i.product_id";

    /// The cart's version beside the products in it and those that are wanted; one row without a product where there are none.
    ///
    /// PostgreSQL takes a list of JSON for a hundred rows, for which it would rather read all of a thousand products. Of what
    /// has to be equal to something it expects one in two hundred: so it looks up each.
    LOAD = {
        sqlite:
            "with ids (id) as (
                 select product_id from cart_items where user_id = $1
                 union select value ->> 'product' from json_each($2))
             select c.version, p.id as product_id, p.name, p.price, p.currency, i.quantity,
                 p.is_available and p.deleted_at is null as is_available,
                 case when p.deleted_at is null then p.stock - p.reserved else 0 end as in_stock
             from carts c
                 left join ids on true
                 left join products p on p.id = ids.id
                 left join cart_items i on i.user_id = c.user_id and i.product_id = ids.id
             where c.user_id = $1
             order by i.added_at, p.id",
        postgres:
            "with ids (id) as (
                 select product_id from cart_items where user_id = $1
                 union select cast(w ->> 'product' as bigint)
                 from json_array_elements(cast(cast($2 as text) as json)) w
                 where json_typeof(w) = 'object')
             select c.version, p.id as product_id, p.name, p.price, p.currency, i.quantity,
                 p.is_available and p.deleted_at is null as is_available,
                 case when p.deleted_at is null then p.stock - p.reserved else 0 end as in_stock
             from carts c
                 left join ids on true
                 left join products p on p.id = ids.id
                 left join cart_items i on i.user_id = c.user_id and i.product_id = ids.id
             where c.user_id = $1
             order by i.added_at, p.id",
    };

    /// Gives lines their quantities, unless the cart is another by now.
    PUT_LINES = {
        sqlite:
            "insert into cart_items (user_id, product_id, quantity, added_at)
             select $1, value ->> 'product', value ->> 'quantity', $4
             from json_each($3)
             where true -- without it, SQLite takes 'on' for that of a join
             on conflict (user_id, product_id) do update set quantity = excluded.quantity;
             update carts set version = version + 1 where user_id = $1 and version = $2;
             select version from carts where user_id = $1 and version = $2 + 1",
        postgres:
            "with turn as (
                 update carts set version = version + 1 where user_id = $1 and version = $2 returning user_id, version),
             put as (
                 insert into cart_items (user_id, product_id, quantity, added_at)
                 select turn.user_id, w.product, w.quantity, cast($4 as bigint)
                 from turn, json_to_recordset(cast(cast($3 as text) as json)) as w (product bigint, quantity bigint)
                 on conflict (user_id, product_id) do update set quantity = excluded.quantity)
             select version from turn",
    };

    /// The same for a line that goes.
    DELETE_LINE = {
        sqlite:
            "delete from cart_items where user_id = $1 and product_id = $3;
             update carts set version = version + 1 where user_id = $1 and version = $2;
             select version from carts where user_id = $1 and version = $2 + 1",
        postgres:
            "with turn as (
                 update carts set version = version + 1 where user_id = $1 and version = $2 returning user_id, version),
             gone as (
                 delete from cart_items i using turn where i.user_id = turn.user_id and i.product_id = $3)
             select version from turn",
    };

    /// The same for all lines.
    DELETE_LINES = {
        sqlite:
            "delete from cart_items where user_id = $1;
             update carts set version = version + 1 where user_id = $1 and version = $2;
             select version from carts where user_id = $1 and version = $2 + 1",
        postgres:
            "with turn as (
                 update carts set version = version + 1 where user_id = $1 and version = $2 returning user_id, version),
             gone as (
                 delete from cart_items i using turn where i.user_id = turn.user_id)
             select version from turn",
    };
}

/// A cart as it is, and what is wanted beside it.
pub(super) struct Loaded {
    /// Whoever changes the cart says which version of it they have seen: where it is another by now, nothing is done.
    version: i64,
    pub(super) lines: Vec<PricedLine>,
    /// The products of the cart and those that are wanted, as far as they are there.
    offers: Vec<Offer>,
}

impl Loaded {
    /// The lines that are wanted beside what the catalog says now. Products that are not there are left out.
    pub(super) fn offers(&self, wanted: &[CartLine]) -> Vec<PricedLine> {
        let offer = |line: &CartLine| Some((self.offers.iter().find(|offer| offer.product == line.product)?, line.quantity));
        wanted.iter().filter_map(offer).map(|(offer, quantity)| offer.clone().line(quantity)).collect()
    }
}

#[derive(Debug, Clone)]
struct Offer {
    product: ProductId,
    name: String,
    unit_price: Money,
    is_available: bool,
    in_stock: i64,
}

impl Offer {
    fn line(self, quantity: Quantity) -> PricedLine {
        let Self { product, name, unit_price, is_available, in_stock } = self;
        PricedLine { product, name, unit_price, quantity, is_available, in_stock }
    }
}

#[derive(sqlx::FromRow)]
struct LoadRow {
    version: i64,
    #[sqlx(flatten)]
    line: LineRow,
}

/// A product beside its quantity in a cart; either may be missing.
#[derive(sqlx::FromRow)]
pub(crate) struct LineRow {
    product_id: Option<ProductId>,
    name: Option<String>,
    price: Option<i64>,
    currency: Option<Currency>,
    quantity: Option<i64>,
    is_available: Option<bool>,
    in_stock: Option<i64>,
}

impl LineRow {
    /// The line of the cart, where it is one.
    pub(crate) fn line(&self) -> Result<Option<PricedLine>, StoreError> {
        let (Some(offer), Some(quantity)) = (self.offer()?, self.quantity) else { return Ok(None) };
        let quantity = Quantity::new(quantity);
        let quantity = quantity.map_err(|error| StoreError::corrupt("cart_items", offer.product.get(), error))?;
        Ok(Some(offer.line(quantity)))
    }

    /// The product, where there is one.
    fn offer(&self) -> Result<Option<Offer>, StoreError> {
        let Self { product_id: Some(product), name: Some(name), price: Some(price), currency: Some(currency), .. } = self else {
            return Ok(None);
        };
        let unit_price = Money::new(*price, *currency);
        let unit_price = unit_price.map_err(|error| StoreError::corrupt("products", product.get(), error))?;
        let (is_available, in_stock) = (self.is_available.unwrap_or_default(), self.in_stock.unwrap_or_default());
        Ok(Some(Offer { product: *product, name: name.clone(), unit_price, is_available, in_stock }))
    }
}

/// The lines of a cart beside what the catalog says now, in the order in which they were added.
pub(super) async fn priced_lines(tx: &mut Tx, user: UserId) -> Result<Vec<PricedLine>, StoreError> {
    let rows = tx.all::<LineRow>(PRICED_LINES, &(user,)).await?;
    rows.iter().filter_map(|row| row.line().transpose()).collect()
}

/// The cart, beside what the catalog says now of its products and of those that are wanted.
pub(super) async fn load(tx: &mut Tx, user: UserId, wanted: &[CartLine]) -> Result<Loaded, StoreError> {
    let rows = tx.all::<LoadRow>(LOAD, &(user, json(wanted))).await?;
    let version = rows.first().map(|row| row.version).ok_or_else(|| StoreError::corrupt("carts", user.get(), "is not there"))?;
    let lines = rows.iter().filter_map(|row| row.line.line().transpose()).collect::<Result<_, _>>()?;
    let offers = rows.iter().filter_map(|row| row.line.offer().transpose()).collect::<Result<_, _>>()?;
    Ok(Loaded { version, lines, offers })
}

/// Gives lines the quantities that are wanted, and adds those that are new.
pub(super) async fn put_lines(
    tx: Tx,
    user: UserId,
    cart: &Loaded,
    wanted: &[CartLine],
    now: Timestamp,
) -> Result<(), StoreError> {
    changed(tx.write(PUT_LINES, &(user, cart.version, json(wanted), now)).await?)
}

pub(super) async fn delete_line(tx: Tx, user: UserId, cart: &Loaded, product: ProductId) -> Result<(), StoreError> {
    changed(tx.write(DELETE_LINE, &(user, cart.version, product)).await?)
}

pub(super) async fn delete_lines(tx: Tx, user: UserId, cart: &Loaded) -> Result<(), StoreError> {
    changed(tx.write(DELETE_LINES, &(user, cart.version)).await?)
}

fn changed(version: Option<(i64,)>) -> Result<(), StoreError> {
    version.map(drop).ok_or_else(StoreError::lost_race)
}

/// Lines as one argument.
fn json(lines: &[CartLine]) -> String {
    lines.iter().map(|line| json!({ "product": line.product, "quantity": line.quantity })).collect::<Value>().to_string()
}
