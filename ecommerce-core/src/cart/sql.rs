use serde_json::{Value, json};

use super::{CartLine, PricedLine};
use crate::{
    Currency, Money, ProductId, Quantity, StoreError, Timestamp, UserId,
    db::{Tx, statements},
};

statements! {
    /// Whoever changes a cart or checks it out locks its row first, so that they take turns. In SQLite the write lock is already held.
    LOCK = {
        sqlite: "select generation from carts where user_id = $1",
        postgres: "select generation from carts where user_id = $1 for update",
    };

    /// Products are locked in the order of their ids, so that two checkouts never wait for each other.
    /// Such a lock lets others go on putting them into their carts.
    LOCK_PRODUCTS = {
        sqlite:
            "select id
             from products
             where id in (select product_id from cart_items where user_id = $1)
             order by id",
        postgres:
            "select id
             from products
             where id in (select product_id from cart_items where user_id = $1)
             order by id
             for no key update",
    };

    /// A deleted product stays in the carts that hold it, but cannot be bought.
    PRICED_LINES =
        "select i.product_id, p.name, p.price, p.currency, i.quantity,
             p.is_available and p.deleted_at is null as is_available,
             case when p.deleted_at is null then p.stock - p.reserved else 0 end as in_stock
         from cart_items i join products p on p.id = i.product_id
         where i.user_id = $1
         order by i.added_at, i.product_id";

    /// What the lines would be that are wanted, where there are such products.
    OFFERS = {
        sqlite:
            "select p.id as product_id, p.name, p.price, p.currency, w.value ->> 'quantity' as quantity,
                 p.is_available, p.stock - p.reserved as in_stock
             from json_each($1) w join products p on p.id = w.value ->> 'product'
             where p.deleted_at is null
             order by p.id",
        postgres:
            "select p.id as product_id, p.name, p.price, p.currency, w.quantity,
                 p.is_available, p.stock - p.reserved as in_stock
             from json_to_recordset(cast(cast($1 as text) as json)) as w (product bigint, quantity bigint)
                 join products p on p.id = w.product
             where p.deleted_at is null
             order by p.id",
    };

    /// The cart is locked, so that the quantities are those that it shall have in the end.
    PUT_LINES = {
        sqlite:
            "insert into cart_items (user_id, product_id, quantity, added_at)
             select $1, value ->> 'product', value ->> 'quantity', $3
             from json_each($2)
             where true -- without it, SQLite takes 'on' for that of a join
             on conflict (user_id, product_id) do update set quantity = excluded.quantity",
        postgres:
            "insert into cart_items (user_id, product_id, quantity, added_at)
             select cast($1 as bigint), product, quantity, cast($3 as bigint)
             from json_to_recordset(cast(cast($2 as text) as json)) as w (product bigint, quantity bigint)
             on conflict (user_id, product_id) do update set quantity = excluded.quantity",
    };

    DELETE_LINE = "delete from cart_items where user_id = $1 and product_id = $2";

    DELETE_LINES = "delete from cart_items where user_id = $1";

    NEXT_GENERATION = "update carts set generation = generation + 1 where user_id = $1";
}

#[derive(sqlx::FromRow)]
struct PricedLineRow {
    product_id: ProductId,
    name: String,
    price: i64,
    currency: Currency,
    quantity: i64,
    is_available: bool,
    in_stock: i64,
}

impl TryFrom<PricedLineRow> for PricedLine {
    type Error = StoreError;

    fn try_from(row: PricedLineRow) -> Result<Self, StoreError> {
        let PricedLineRow { product_id, name, price, currency, quantity, is_available, in_stock } = row;
        let id = product_id.get();
        let unit_price = Money::new(price, currency).map_err(|error| StoreError::corrupt("products", id, error))?;
        let quantity = Quantity::new(quantity).map_err(|error| StoreError::corrupt("cart_items", id, error))?;
        Ok(Self { product: product_id, name, unit_price, quantity, is_available, in_stock })
    }
}

/// Locks the customer's cart until the transaction ends, and answers its generation.
pub(crate) async fn lock(tx: &mut Tx, user: UserId) -> Result<i64, StoreError> {
    tx.scalar(LOCK, (user,)).await
}

/// The lines of a cart beside what the catalog says now, in the order in which they were added.
pub(crate) async fn priced_lines(tx: &mut Tx, user: UserId) -> Result<Vec<PricedLine>, StoreError> {
    let rows = tx.all::<PricedLineRow>(PRICED_LINES, (user,)).await?;
    rows.into_iter().map(PricedLine::try_from).collect()
}

/// The same, with the products locked until the transaction ends.
pub(crate) async fn priced_lines_locked(tx: &mut Tx, user: UserId) -> Result<Vec<PricedLine>, StoreError> {
    if tx.locks_rows() {
        tx.all::<(ProductId,)>(LOCK_PRODUCTS, (user,)).await?;
    }
    priced_lines(tx, user).await
}

/// The lines that are wanted beside what the catalog says now, by product. Products that are not there are left out.
pub(super) async fn offers(tx: &mut Tx, wanted: &[CartLine]) -> Result<Vec<PricedLine>, StoreError> {
    let rows = tx.all::<PricedLineRow>(OFFERS, (json(wanted),)).await?;
    rows.into_iter().map(PricedLine::try_from).collect()
}

/// Gives lines the quantities that are wanted, and adds those that are new.
pub(super) async fn put_lines(tx: &mut Tx, user: UserId, wanted: &[CartLine], now: Timestamp) -> Result<(), StoreError> {
    tx.execute(PUT_LINES, (user, json(wanted), now)).await.map(drop)
}

pub(super) async fn delete_line(tx: &mut Tx, user: UserId, product: ProductId) -> Result<(), StoreError> {
    tx.execute(DELETE_LINE, (user, product)).await.map(drop)
}

pub(super) async fn delete_lines(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    tx.execute(DELETE_LINES, (user,)).await.map(drop)
}

/// Takes every line out of a cart that was checked out, and begins its next generation.
pub(crate) async fn empty(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    delete_lines(tx, user).await?;
    tx.execute(NEXT_GENERATION, (user,)).await.map(drop)
}

/// Lines as one argument.
fn json(lines: &[CartLine]) -> String {
    lines.iter().map(|line| json!({ "product": line.product, "quantity": line.quantity })).collect::<Value>().to_string()
}
