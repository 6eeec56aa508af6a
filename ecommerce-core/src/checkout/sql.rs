use serde_json::{Value, json};

use super::{IdempotencyKey, draft::Draft};
use crate::{
    Email, OrderId, OrderItem, PaymentId, StoreError, Timestamp, UserId,
    cart::{PricedLine, sql::LineRow},
    db::{Tx, statements},
    orders::rows::NewPayment,
    outbox::Topic,
};

statements! {
    /// All that a checkout decides on; one row without a product where the cart is empty.
    LOAD =
        "select c.version, c.generation, u.email, k.order_id as used_for, k.fingerprint,
             (select count(*) from orders o where o.user_id = $1 and o.status = 'pending_payment') as open_orders,
             i.product_id, p.name, p.price, p.currency, i.quantity,
             p.is_available and p.deleted_at is null as is_available,
             case when p.deleted_at is null then p.stock - p.reserved else 0 end as in_stock
         from carts c
             join users u on u.id = c.user_id
             left join idempotency_keys k on k.user_id = c.user_id and k.key = $2
             left join cart_items i on i.user_id = c.user_id
             left join products p on p.id = i.product_id
         where c.user_id = $1
         order by i.added_at, i.product_id";

    /// The order with all that comes with it, and an empty cart of the next generation; nothing, unless the cart and its
    /// products are still as they were when it was decided. In SQLite nobody can have written since.
    ///
    /// In PostgreSQL products are locked in the order of their ids, so that two checkouts never wait for each other. Such a
    /// lock lets others go on putting them into their carts. That the items are few it is told as for a cart.
    PLACE = {
        sqlite:
            "insert into orders
                 (user_id, cart_generation, status, total, currency, reserved_until, expires_at, created_at, updated_at)
             values ($1, $3, 'pending_payment', $4, $5, $7, $7, $8, $8);
             insert into order_items (order_id, product_id, name, unit_price, quantity)
             select o.id, i.value ->> 'product', i.value ->> 'name', i.value ->> 'price', i.value ->> 'quantity'
             from orders o, json_each($6) i
             where o.user_id = $1 and o.cart_generation = $3;
             update products set reserved = reserved + i.quantity
             from (select value ->> 'product' as product, value ->> 'quantity' as quantity from json_each($6)) i
             where products.id = i.product;
             insert into payments (order_id, provider, status, amount, currency, nonce, call_at, created_at)
             select id, $9, 'created', $4, $5, $10, $11, $8 from orders where user_id = $1 and cart_generation = $3;
             insert into order_events (order_id, event, at)
             select id, 'placed', $8 from orders where user_id = $1 and cart_generation = $3;
             insert into idempotency_keys (user_id, key, fingerprint, order_id, created_at)
             select $1, $12, $13, id, $8 from orders where user_id = $1 and cart_generation = $3 and $12 is not null;
             insert into outbox (topic, payload, created_at)
             select $14, json_object('order', id, 'user', $1), $8
             from orders
             where user_id = $1 and cart_generation = $3;
             delete from cart_items where user_id = $1;
             update carts set generation = generation + 1, version = version + 1 where user_id = $1 and version = $2;
             select o.id as order_id, p.id as payment_id
             from orders o join payments p on p.order_id = o.id
             where o.user_id = $1 and o.cart_generation = $3",
        postgres:
            "with items as materialized (
                 select cast(i ->> 'product' as bigint) as product, i ->> 'name' as name, cast(i ->> 'price' as bigint) as price,
                     cast(i ->> 'quantity' as bigint) as quantity
                 from json_array_elements(cast(cast($6 as text) as json)) i
                 where json_typeof(i) = 'object'),
             held as (
                 select p.id
                 from products p join items i on i.product = p.id
                 where p.name = i.name and p.price = i.price and p.currency = $5
                     and p.is_available and p.deleted_at is null and p.stock - p.reserved >= i.quantity
                 order by p.id
                 for no key update of p),
             turn as (
                 update carts set generation = generation + 1, version = version + 1
                 where user_id = $1 and version = $2
                     and (select count(*) from held) = (select count(*) from items)
                 returning user_id),
             placed as (
                 insert into orders
                     (user_id, cart_generation, status, total, currency, reserved_until, expires_at, created_at, updated_at)
                 select user_id, cast($3 as bigint), 'pending_payment', cast($4 as bigint), $5,
                     cast($7 as bigint), cast($7 as bigint), cast($8 as bigint), cast($8 as bigint)
                 from turn
                 returning id, user_id),
             kept as (
                 insert into order_items (order_id, product_id, name, unit_price, quantity)
                 select placed.id, items.product, items.name, items.price, items.quantity from placed, items),
             reserved as (
                 update products set reserved = reserved + items.quantity
                 from placed, items
                 where products.id = items.product),
             paying as (
                 insert into payments (order_id, provider, status, amount, currency, nonce, call_at, created_at)
                 select id, cast($9 as text), 'created', cast($4 as bigint), $5, cast($10 as text), cast($11 as bigint), cast($8 as bigint)
                 from placed
                 returning id),
             noted as (
                 insert into order_events (order_id, event, at) select id, 'placed', cast($8 as bigint) from placed),
             used as (
                 insert into idempotency_keys (user_id, key, fingerprint, order_id, created_at)
                 select user_id, cast($12 as text), cast($13 as text), id, cast($8 as bigint)
                 from placed
                 where cast($12 as text) is not null),
             told as (
                 insert into outbox (topic, payload, created_at)
                 select cast($14 as text), cast(json_build_object('order', id, 'user', user_id) as text), cast($8 as bigint) from placed),
             emptied as (
                 delete from cart_items c using placed where c.user_id = placed.user_id)
             select placed.id as order_id, paying.id as payment_id from placed, paying",
    };
}

/// A cart that shall become an order, and what its customer has ordered before.
pub(super) struct Loaded {
    version: i64,
    generation: i64,
    pub(super) email: Email,
    /// The order that the key made, and the fingerprint of the request that it came with.
    pub(super) used: Option<(OrderId, String)>,
    /// How many orders of the customer wait for payment.
    pub(super) open_orders: i64,
    pub(super) lines: Vec<PricedLine>,
}

#[derive(sqlx::FromRow)]
struct LoadRow {
    version: i64,
    generation: i64,
    email: Email,
    used_for: Option<OrderId>,
    fingerprint: Option<String>,
    open_orders: i64,
    #[sqlx(flatten)]
    line: LineRow,
}

pub(super) async fn load(tx: &mut Tx, user: UserId, key: Option<&IdempotencyKey>) -> Result<Loaded, StoreError> {
    let rows = tx.all::<LoadRow>(LOAD, &(user, key.cloned())).await?;
    let lines = rows.iter().filter_map(|row| row.line.line().transpose()).collect::<Result<_, _>>()?;
    let first = rows.into_iter().next().ok_or_else(|| StoreError::corrupt("carts", user.get(), "is not there"))?;
    let LoadRow { version, generation, email, used_for, fingerprint, open_orders, .. } = first;
    Ok(Loaded { version, generation, email, used: used_for.zip(fingerprint), open_orders, lines })
}

/// What an order is placed with, beside its draft.
pub(super) struct Placing<'p> {
    pub(super) user: UserId,
    pub(super) cart: &'p Loaded,
    pub(super) payment: NewPayment,
    pub(super) key: Option<&'p IdempotencyKey>,
    pub(super) fingerprint: String,
    pub(super) reserved_until: Timestamp,
    pub(super) now: Timestamp,
}

/// Places the order and begins its payment.
pub(super) async fn place(tx: Tx, draft: &Draft, placing: Placing<'_>) -> Result<(OrderId, PaymentId), StoreError> {
    let Placing { user, cart, payment, key, fingerprint, reserved_until, now } = placing;
    let (total, currency) = (draft.total.minor(), draft.total.currency());
    let NewPayment { provider, nonce, call_at, .. } = payment;
    let items = json(&draft.items);
    let placed = tx
        .write(
            PLACE,
            &(
                user,
                cart.version,
                cart.generation,
                total,
                currency,
                items,
                reserved_until,
                now,
                provider,
                nonce,
                call_at,
                key.cloned(),
                fingerprint,
                Topic::OrderPlaced,
            ),
        )
        .await?;
    placed.ok_or_else(StoreError::lost_race)
}

/// The lines of the order as one argument.
fn json(items: &[OrderItem]) -> String {
    let line = |item: &OrderItem| {
        let OrderItem { product_id, name, unit_price, quantity, .. } = item;
        json!({ "product": product_id, "name": name, "price": unit_price.minor(), "quantity": quantity })
    };
    items.iter().map(line).collect::<Value>().to_string()
}
