use super::{IdempotencyKey, draft::Draft};
use crate::{
    OrderId, StoreError, Timestamp, UserId,
    db::{Tx, statements},
};

statements! {
    BY_KEY =
        "select order_id, fingerprint
         from idempotency_keys
         where user_id = $1 and key = $2";

    INSERT_KEY =
        "insert into idempotency_keys (user_id, key, fingerprint, order_id, created_at)
         values ($1, $2, $3, $4, $5)";

    COUNT_OPEN =
        "select count(*) from orders
         where user_id = $1 and status = 'pending_payment'";

    INSERT_ORDER =
        "insert into orders (user_id, cart_generation, status, total, currency, reserved_until, expires_at, created_at, updated_at)
         values ($1, $2, 'pending_payment', $3, $4, $5, $5, $6, $6)
         returning id";

    /// The products are locked, so these are the names and prices that the draft was made from.
    INSERT_ITEMS =
        "insert into order_items (order_id, product_id, name, unit_price, quantity)
         select $1, p.id, p.name, p.price, c.quantity
         from cart_items c join products p on p.id = c.product_id
         where c.user_id = $2";
}

/// The order that the key made, and the fingerprint of the request that it came with.
pub(super) async fn by_key(tx: &mut Tx, user: UserId, key: &IdempotencyKey) -> Result<Option<(OrderId, String)>, StoreError> {
    tx.optional(BY_KEY, (user, key.clone())).await
}

pub(super) async fn insert_key(
    tx: &mut Tx,
    user: UserId,
    key: &IdempotencyKey,
    fingerprint: String,
    order: OrderId,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(INSERT_KEY, (user, key.clone(), fingerprint, order, now)).await.map(drop)
}

/// How many orders of the customer wait for payment.
pub(super) async fn count_open(tx: &mut Tx, user: UserId) -> Result<i64, StoreError> {
    tx.scalar(COUNT_OPEN, (user,)).await
}

/// The order and its items, from the lines of the cart.
pub(super) async fn insert_order(
    tx: &mut Tx,
    user: UserId,
    generation: i64,
    draft: &Draft,
    reserved_until: Timestamp,
    now: Timestamp,
) -> Result<OrderId, StoreError> {
    let args = (user, generation, draft.total.minor(), draft.total.currency(), reserved_until, now);
    let id: OrderId = tx.scalar(INSERT_ORDER, args).await?;
    tx.execute(INSERT_ITEMS, (id, user)).await?;
    Ok(id)
}
