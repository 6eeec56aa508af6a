use std::mem;

use super::{
    CustomerRef, EventName, Fulfillment, FulfillmentStep, Order, OrderEvent, OrderFilter, OrderItem, OrderStatus, payment_status,
    rows,
};
use crate::{
    Currency, Email, Money, Note, OrderId, Page, PageRequest, ProductId, Quantity, Shortage, StoreError, Timestamp, UserId,
    db::{Filter, Tx, id_list, statements},
    outbox::Topic,
    page::{COUNTED_TO, Count},
};

statements! {
    HEAD =
        "select o.id, o.status, o.fulfillment, o.total, o.currency, o.expires_at, o.tracking_number,
             o.created_at, o.updated_at, o.user_id, u.email
         from orders o join users u on u.id = o.user_id
         where o.id = $1 and o.user_id = coalesce($2, o.user_id)";

    ITEMS = {
        sqlite:
            "select order_id, product_id, name, unit_price, quantity
             from order_items
             where order_id in (select value from json_each($1))
             order by order_id, product_id",
        postgres:
            "select order_id, product_id, name, unit_price, quantity
             from order_items
             where order_id = any (translate($1, '[]', '{}')::bigint[])
             order by order_id, product_id",
    };

    EVENTS = {
        sqlite:
            "select order_id, event, note, at
             from order_events
             where order_id in (select value from json_each($1))
             order by id",
        postgres:
            "select order_id, event, note, at
             from order_events
             where order_id = any (translate($1, '[]', '{}')::bigint[])
             order by id",
    };

    /// Locks the row in PostgreSQL; in SQLite the write lock is already held.
    LOCK = {
        sqlite:
            "select id, status, fulfillment, total, currency, reserved_until, restocked, created_at
             from orders
             where id = $1 and user_id = coalesce($2, user_id)",
        postgres:
            "select id, status, fulfillment, total, currency, reserved_until, restocked, created_at
             from orders
             where id = $1 and user_id = coalesce($2, user_id)
             for no key update",
    };

    SET_STATUS = "update orders set status = $2, updated_at = $3 where id = $1";

    SET_FULFILLMENT =
        "update orders set fulfillment = $2, tracking_number = coalesce($3, tracking_number), updated_at = $4
         where id = $1";

    SET_EXPIRY = "update orders set expires_at = $2 where id = $1";

    SET_RESTOCKED = "update orders set restocked = $2, updated_at = $3 where id = $1";

    INSERT_EVENT =
        "insert into order_events (order_id, event, note, at)
         values ($1, $2, $3, $4)";

    TOUCH = "update orders set updated_at = $2 where id = $1";

    /// Whoever moves the time has the order to end.
    CLAIM_DUE = "update orders set expires_at = $3 where id = $1 and status = 'pending_payment' and expires_at <= $2";

    /// Products are locked in the order of their ids, whoever locks them, so that nobody waits in a circle.
    LOCK_PRODUCTS = {
        sqlite: "select id from products where id in (select product_id from order_items where order_id = $1) order by id",
        postgres:
            "select id from products
             where id in (select product_id from order_items where order_id = $1)
             order by id
             for no key update",
    };

    LINES_IN_STOCK =
        "select i.product_id, i.name, i.quantity,
             case when p.deleted_at is null then p.stock - p.reserved else 0 end as in_stock
         from order_items i join products p on p.id = i.product_id
         where i.order_id = $1
         order by i.product_id";

    RELEASE =
        "update products set reserved = reserved - i.quantity
         from (select product_id, quantity from order_items where order_id = $1) i
         where products.id = i.product_id";

    /// The order is paid: its units leave the stock, those kept for it or, when it had expired, free ones.
    /// Products are locked in the order of their ids, as with `LOCK_PRODUCTS`.
    PAY = {
        sqlite:
            "update products set
                 stock = stock - i.quantity, reserved = reserved - case when $2 then i.quantity else 0 end,
                 sold = sold + i.quantity, version = version + 1, updated_at = $3
             from (select product_id, quantity from order_items where order_id = $1) i
             where products.id = i.product_id;
             insert into stock_movements (product_id, change, reason, order_id, created_at)
             select product_id, -quantity, 'sold', order_id, $3 from order_items where order_id = $1;
             update orders set status = 'paid', updated_at = $3 where id = $1;
             insert into order_events (order_id, event, at) values ($1, 'paid', $3);
             insert into outbox (topic, payload, created_at) values ($4, json_object('order', $1), $3)",
        postgres:
            "with held as (
                 select p.id, i.quantity
                 from order_items i join products p on p.id = i.product_id
                 where i.order_id = $1
                 order by p.id
                 for no key update of p),
             taken as (
                 update products set
                     stock = stock - held.quantity, reserved = reserved - case when $2 then held.quantity else 0 end,
                     sold = sold + held.quantity, version = version + 1, updated_at = $3
                 from held
                 where products.id = held.id),
             moved as (
                 insert into stock_movements (product_id, change, reason, order_id, created_at)
                 select product_id, -quantity, 'sold', order_id, cast($3 as bigint) from order_items where order_id = $1),
             paid as (
                 update orders set status = 'paid', updated_at = $3 where id = $1),
             noted as (
                 insert into order_events (order_id, event, at) values ($1, 'paid', $3))
             insert into outbox (topic, payload, created_at)
             values ($4, cast(json_build_object('order', cast($1 as bigint)) as text), $3)",
    };

    GIVE_BACK =
        "update products set stock = stock + i.quantity, sold = sold - i.quantity, version = version + 1, updated_at = $2
         from (select product_id, quantity from order_items where order_id = $1) i
         where products.id = i.product_id";

    INSERT_RETURNED =
        "insert into stock_movements (product_id, change, reason, order_id, created_at)
         select product_id, quantity, 'returned', order_id, $2 from order_items where order_id = $1";
}

/// What the rules need to know of an order, read under its lock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrderRecord {
    pub(crate) id: OrderId,
    pub(crate) status: OrderStatus,
    pub(crate) fulfillment: Fulfillment,
    pub(crate) total: Money,
    pub(crate) reserved_until: Timestamp,
    pub(crate) restocked: bool,
    pub(crate) created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
pub(crate) struct OrderRow {
    id: OrderId,
    status: OrderStatus,
    fulfillment: Fulfillment,
    total: i64,
    currency: Currency,
    reserved_until: Timestamp,
    restocked: bool,
    created_at: Timestamp,
}

impl TryFrom<OrderRow> for OrderRecord {
    type Error = StoreError;

    fn try_from(row: OrderRow) -> Result<Self, StoreError> {
        let OrderRow { id, status, fulfillment, total, currency, reserved_until, restocked, created_at } = row;
        let total = Money::new(total, currency).map_err(|error| StoreError::corrupt("orders", id.get(), error))?;
        Ok(Self { id, status, fulfillment, total, reserved_until, restocked, created_at })
    }
}

/// The order, locked until the transaction ends; `None` when there is none or it is not this owner's.
pub(crate) async fn lock(tx: &mut Tx, id: OrderId, owner: Option<UserId>) -> Result<Option<OrderRecord>, StoreError> {
    tx.optional::<OrderRow>(LOCK, &(id, owner)).await?.map(OrderRecord::try_from).transpose()
}

/// Locks the order until the transaction ends, for whoever reads it next.
pub(crate) async fn hold(tx: &mut Tx, id: OrderId) -> Result<(), StoreError> {
    if tx.locks_rows() { lock(tx, id, None).await.map(drop) } else { Ok(()) }
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    id: OrderId,
    status: OrderStatus,
    fulfillment: Fulfillment,
    total: i64,
    currency: Currency,
    expires_at: Timestamp,
    tracking_number: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    user_id: UserId,
    email: Email,
}

#[derive(sqlx::FromRow)]
struct ItemRow {
    order_id: OrderId,
    product_id: ProductId,
    name: String,
    unit_price: i64,
    quantity: i64,
}

#[derive(sqlx::FromRow)]
struct EventRow {
    order_id: OrderId,
    event: EventName,
    note: Option<String>,
    at: Timestamp,
}

/// The order as it may be shown; `None` when there is none or it is not this owner's.
pub(crate) async fn find(tx: &mut Tx, id: OrderId, owner: Option<UserId>) -> Result<Option<Order>, StoreError> {
    let head = tx.optional::<HeadRow>(HEAD, &(id, owner)).await?;
    Ok(complete(tx, head.into_iter().collect()).await?.pop())
}

/// The order as it may be shown, which is known to exist.
pub(crate) async fn get(tx: &mut Tx, id: OrderId) -> Result<Order, StoreError> {
    find(tx, id, None).await?.ok_or_else(|| StoreError::corrupt("orders", id.get(), "is not there any more"))
}

/// A page of orders, newest first.
pub(super) async fn list(
    tx: &mut Tx,
    owner: Option<UserId>,
    wanted: &OrderFilter,
    page: PageRequest,
) -> Result<Page<Order>, StoreError> {
    let narrowed = |mut filter: Filter| {
        for user in owner.into_iter().chain(wanted.user) {
            filter.and_with("o.user_id = ?", user);
        }
        if let Some(status) = wanted.status {
            filter.and_with("o.status = ?", status);
        }
        filter
    };
    let counted = narrowed(Filter::new("orders::COUNT", "select count(*) from (select 1 from orders o"));
    let count = Count::bounded(tx.count_to(COUNTED_TO, counted).await?);
    let mut heads = narrowed(Filter::new(
        "orders::LIST",
        "select o.id, o.status, o.fulfillment, o.total, o.currency, o.expires_at, o.tracking_number,
             o.created_at, o.updated_at, o.user_id, u.email
         from orders o join users u on u.id = o.user_id",
    ));
    heads.push_with("\norder by o.id desc limit ? + 0", page.limit());
    heads.push_with(" offset ?", page.offset());
    let mut page = Page::of(count, tx.filtered(heads).await?, page);
    let heads = mem::take(&mut page.results);
    Ok(page.with(complete(tx, heads).await?))
}

/// Puts orders together from their parts: a fixed number of statements, however many orders there are.
async fn complete(tx: &mut Tx, heads: Vec<HeadRow>) -> Result<Vec<Order>, StoreError> {
    if heads.is_empty() {
        return Ok(Vec::new());
    }
    let ids = id_list(heads.iter().map(|head| head.id.get()));
    let items = tx.all::<ItemRow>(ITEMS, &(ids.clone(),)).await?;
    let events = tx.all::<EventRow>(EVENTS, &(ids.clone(),)).await?;
    let payments = rows::payments(tx, ids.clone()).await?;
    let refunds = rows::refunds(tx, ids).await?;
    heads
        .into_iter()
        .map(|head| {
            let id = head.id;
            let corrupt = |error| StoreError::corrupt("orders", id.get(), error);
            let disputed = payments.iter().any(|payment| payment.order_id == id && payment.disputed);
            let payments: Vec<_> =
                payments.iter().filter(|payment| payment.order_id == id).map(|payment| payment.payment.clone()).collect();
            let (payment_status, refunded_total) = payment_status(&payments, head.currency);
            Ok(Order {
                id,
                status: head.status,
                payment_status,
                fulfillment: head.fulfillment,
                items: items
                    .iter()
                    .filter(|item| item.order_id == id)
                    .map(|item| order_item(item, head.currency))
                    .collect::<Result<_, _>>()?,
                total: Money::new(head.total, head.currency).map_err(corrupt)?,
                currency: head.currency,
                refunded_total,
                payments,
                refunds: refunds.iter().filter(|(order, _)| *order == id).map(|(_, refund)| refund.clone()).collect(),
                reserved_until: (head.status == OrderStatus::PendingPayment).then_some(head.expires_at),
                tracking_number: head.tracking_number,
                history: events
                    .iter()
                    .filter(|event| event.order_id == id)
                    .map(|event| OrderEvent { event: event.event, at: event.at, note: event.note.clone() })
                    .collect(),
                disputed,
                customer: CustomerRef { id: head.user_id, email: head.email },
                created_at: head.created_at,
                updated_at: head.updated_at,
            })
        })
        .collect()
}

fn order_item(row: &ItemRow, currency: Currency) -> Result<OrderItem, StoreError> {
    let corrupt = |reason: String| StoreError::corrupt("order_items", row.order_id.get(), reason);
    let unit_price = Money::new(row.unit_price, currency).map_err(|error| corrupt(error.to_string()))?;
    let quantity = Quantity::new(row.quantity).map_err(|error| corrupt(error.to_string()))?;
    let line_total = unit_price.times(quantity.get()).map_err(|error| corrupt(error.to_string()))?;
    Ok(OrderItem { product_id: row.product_id, name: row.name.clone(), unit_price, quantity, line_total })
}

/// Takes an order whose time has run out over from everybody else, until `lease`; says whether it was to be had.
pub(crate) async fn claim_due(tx: &mut Tx, id: OrderId, now: Timestamp, lease: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.execute(CLAIM_DUE, &(id, now, lease)).await? > 0)
}

/// Moves the order to a status and notes it in its history.
pub(crate) async fn set_status(
    tx: &mut Tx,
    id: OrderId,
    status: OrderStatus,
    event: EventName,
    note: Option<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.later(SET_STATUS, &(id, status, now)).await?;
    insert_event(tx, id, event, note, now).await
}

/// Notes in the order's history that something happened.
pub(crate) async fn record(
    tx: &mut Tx,
    id: OrderId,
    event: EventName,
    note: Option<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.later(TOUCH, &(id, now)).await?;
    insert_event(tx, id, event, note, now).await
}

pub(crate) async fn insert_event(
    tx: &mut Tx,
    id: OrderId,
    event: EventName,
    note: Option<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.later(INSERT_EVENT, &(id, event, note, now)).await
}

pub(super) async fn set_fulfillment(tx: &mut Tx, id: OrderId, step: &FulfillmentStep, now: Timestamp) -> Result<(), StoreError> {
    let event = match step.status {
        Fulfillment::Delivered => EventName::Delivered,
        Fulfillment::Shipped => EventName::Shipped,
        Fulfillment::Processing | Fulfillment::Unfulfilled => EventName::Processing,
    };
    tx.later(SET_FULFILLMENT, &(id, step.status, step.tracking_number.clone(), now)).await?;
    insert_event(tx, id, event, step.note.as_ref().map(Note::to_string), now).await
}

/// Until when an order that waits keeps its units.
pub(crate) async fn set_expiry(tx: &mut Tx, id: OrderId, expires_at: Timestamp) -> Result<(), StoreError> {
    tx.later(SET_EXPIRY, &(id, expires_at)).await
}

/// The lines of the order that ask for more than can be bought now. Locks the products.
pub(crate) async fn shortages(tx: &mut Tx, id: OrderId) -> Result<Vec<Shortage>, StoreError> {
    lock_products(tx, id).await?;
    let lines = tx.all::<(ProductId, String, i64, i64)>(LINES_IN_STOCK, &(id,)).await?;
    let short = lines.into_iter().filter(|(_, _, quantity, in_stock)| quantity > in_stock);
    Ok(short
        .map(|(product, name, quantity, available)| Shortage {
            product,
            name,
            requested: u32::try_from(quantity).unwrap_or(u32::MAX),
            available,
        })
        .collect())
}

/// Frees the units that were kept for the order.
pub(crate) async fn release(tx: &mut Tx, id: OrderId) -> Result<(), StoreError> {
    lock_products(tx, id).await?;
    tx.later(RELEASE, &(id,)).await
}

/// The order is paid: its units leave the stock, those kept for it or, when it had expired, free ones; and a notice goes out.
pub(crate) async fn pay(tx: &mut Tx, id: OrderId, reserved: bool, now: Timestamp) -> Result<(), StoreError> {
    tx.later(PAY, &(id, reserved, now, Topic::OrderPaid)).await
}

/// Puts the units of a paid order back into stock.
pub(crate) async fn give_back(tx: &mut Tx, id: OrderId, now: Timestamp) -> Result<(), StoreError> {
    lock_products(tx, id).await?;
    tx.later(GIVE_BACK, &(id, now)).await?;
    tx.later(INSERT_RETURNED, &(id, now)).await?;
    tx.later(SET_RESTOCKED, &(id, true, now)).await
}

async fn lock_products(tx: &mut Tx, id: OrderId) -> Result<(), StoreError> {
    if tx.locks_rows() {
        tx.all::<(ProductId,)>(LOCK_PRODUCTS, &(id,)).await?;
    }
    Ok(())
}
