//! Statements about calls to providers: who is to be asked, and when.

use super::schedule::Standing;
use crate::{
    Attempt, AttemptLine, Currency, Email, KnownAttempt, Money, OrderId, OrderStatus, PaymentId, PaymentState, ProviderName,
    Quantity, RefundId, RefundStatus, StoreError, Timestamp,
    db::{Tx, statements},
};

statements! {
    /// Orders whose time has run out, by the first provider that is to be asked to close an attempt of theirs.
    /// SQLite would rather look at all orders that wait.
    DUE_ORDERS = {
        sqlite:
            "select o.id from orders o indexed by orders_waiting
             where o.status = 'pending_payment' and o.expires_at <= $1 and coalesce((
                 select min(p.provider) from payments p
                 where p.order_id = o.id and p.status <> 'succeeded' and p.provider in (select value from json_each($2))
                     and exists (select 1 from payment_references r where r.payment_id = p.id)
             ), '') = $3
             order by o.expires_at, o.id
             limit 100",
        postgres:
            "select o.id from orders o
             where o.status = 'pending_payment' and o.expires_at <= $1 and coalesce((
                 select min(p.provider) from payments p
                 where p.order_id = o.id and p.status <> 'succeeded'
                     and p.provider in (select json_array_elements_text($2::json))
                     and exists (select 1 from payment_references r where r.payment_id = p.id)
             ), '') = $3
             order by o.expires_at, o.id
             limit 100",
    };

    DUE_PAYMENTS =
        "select id from payments
         where call_at <= $1 and provider = $2
         order by call_at, id
         limit 100";

    OPEN_PAYMENTS =
        "select id from payments
         where (status in ('created', 'processing', 'failed') or (status = 'succeeded' and not capture_is_exact))
             and created_at > $1 and id > $2 and provider = $3
         order by id
         limit 100";

    /// Whoever moves the time has the call to make.
    CLAIM_PAYMENT = "update payments set call_at = $3 where id = $1 and call_at <= $2";

    SET_CALL = "update payments set call_at = $2 where id = $1";

    CALL_OTHERS =
        "update payments set call_at = $3
         where order_id = $1 and id <> coalesce($2, 0) and status <> 'succeeded'
             and exists (select 1 from payment_references r where r.payment_id = payments.id)";

    STANDING =
        "select p.provider, p.status, p.capture_is_exact, p.created_at, o.status as order_status,
             (select min(first.created_at) from payments first where first.order_id = p.order_id) as first_at,
             exists (select 1 from payment_references r where r.payment_id = p.id) as is_known,
             (exists (select 1 from disputes d where d.payment_id = p.id)
                 or exists (select 1 from refunds r where r.payment_id = p.id)) as is_proven,
             not exists (select 1 from payments later where later.order_id = p.order_id and later.id > p.id) as is_latest
         from payments p join orders o on o.id = p.order_id
         where p.id = $1";

    ATTEMPT =
        "select p.id, p.order_id, p.provider, p.nonce, p.amount, p.currency, p.created_at, o.reserved_until, u.email
         from payments p
             join orders o on o.id = p.order_id
             join users u on u.id = o.user_id
         where p.id = $1";

    LINES =
        "select name, unit_price, quantity from order_items
         where order_id = $1
         order by product_id";

    ORDER_OF = "select order_id from payments where id = $1";

    REFERENCES = "select reference from payment_references where payment_id = $1 order by reference";

    /// The order's attempts that somebody may still pay.
    CLOSABLE =
        "select p.id, p.provider from payments p
         where p.order_id = $1 and p.status <> 'succeeded'
             and exists (select 1 from payment_references r where r.payment_id = p.id)
         order by p.id";

    SET_BELIEVED = "update payments set capture_is_believed = $2 where id = $1";

    SET_BEGUN =
        "update payments set checkout_url = coalesce(checkout_url, $2), client_secret = coalesce(client_secret, $3)
         where id = $1";

    /// The most that any refund or dispute of the payment was heard to be about.
    PROVEN =
        "select max(amount) from (
             select asked as amount from refunds where payment_id = $1 and reason = 'external'
             union all
             select amount from disputes where payment_id = $1
         ) told";

    DUE_REFUNDS =
        "select r.id from refunds r join payments p on p.id = r.payment_id
         where r.call_at <= $1 and p.provider = $2 and r.reason <> 'external' and r.amount > 0
             and (p.capture_is_exact or p.capture_is_believed)
             and (r.status in ('sent', 'pending') or (r.status = 'queued'
                 and not exists (select 1 from disputes d where d.payment_id = p.id and d.status = 'open')))
         order by r.call_at, r.id
         limit 100";

    REFUND_CALL =
        "select r.payment_id, p.order_id, p.provider, r.status, r.amount, r.currency, r.sent_at, r.call_at,
             coalesce(r.handle, r.reference) as handle
         from refunds r join payments p on p.id = r.payment_id
         where r.id = $1";

    /// Once it was ordered, its amount stands.
    SET_SENT =
        "update refunds set status = 'sent', asked = amount, sent_at = coalesce(sent_at, $2), call_at = $3
         where id = $1";

    SET_REFUND_CALL = "update refunds set call_at = $2, handle = coalesce(handle, $3) where id = $1";

    SET_REFUND_NOTE = "update refunds set note = $2 where id = $1";

    INSERT_READING =
        "insert into event_readings (provider, read_until, call_at)
         values ($1, $2, $3)
         on conflict (provider) do nothing";

    CLAIM_READING =
        "update event_readings set call_at = $3
         where provider = $1 and call_at <= $2
         returning read_until";

    SET_READING = "update event_readings set read_until = $2, call_at = $3 where provider = $1";
}

/// The orders whose time has run out and of which this provider is the first to be asked, or nobody is; at most 100.
pub(super) async fn due_orders(
    tx: &mut Tx,
    asked: &[ProviderName],
    by: Option<ProviderName>,
    now: Timestamp,
) -> Result<Vec<OrderId>, StoreError> {
    let by = by.map(|by| by.to_string()).unwrap_or_default();
    let due = tx.all::<(OrderId,)>(DUE_ORDERS, &(now, serde_json::json!(asked).to_string(), by)).await?;
    Ok(due.into_iter().map(|(id,)| id).collect())
}

/// Payments that their provider is to be asked about by now, at most 100.
pub(super) async fn due_payments(tx: &mut Tx, by: ProviderName, now: Timestamp) -> Result<Vec<PaymentId>, StoreError> {
    Ok(tx.all::<(PaymentId,)>(DUE_PAYMENTS, &(now, by)).await?.into_iter().map(|(id,)| id).collect())
}

/// Payments that are not settled, made since then and behind this one, at most 100.
pub(super) async fn open_payments(
    tx: &mut Tx,
    by: ProviderName,
    since: Timestamp,
    behind: i64,
) -> Result<Vec<PaymentId>, StoreError> {
    Ok(tx.all::<(PaymentId,)>(OPEN_PAYMENTS, &(since, behind, by)).await?.into_iter().map(|(id,)| id).collect())
}

/// Takes a call that is due over from everybody else, until `lease`; says whether it was to be had.
pub(super) async fn claim_payment(tx: &mut Tx, id: PaymentId, now: Timestamp, lease: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.execute(CLAIM_PAYMENT, &(id, now, lease)).await? > 0)
}

/// When the provider is asked about the payment next; never, without a time.
pub(super) async fn set_call(tx: &mut Tx, id: PaymentId, at: Option<Timestamp>) -> Result<(), StoreError> {
    tx.later(SET_CALL, &(id, at)).await
}

/// Lets the attempts of an order be asked about that are not settled, all but one.
pub(super) async fn call_others(tx: &mut Tx, order: OrderId, but: Option<PaymentId>, at: Timestamp) -> Result<(), StoreError> {
    tx.later(CALL_OTHERS, &(order, but, at)).await
}

#[derive(sqlx::FromRow)]
struct StandingRow {
    provider: ProviderName,
    status: PaymentState,
    capture_is_exact: bool,
    created_at: Timestamp,
    order_status: OrderStatus,
    first_at: Timestamp,
    is_known: bool,
    is_proven: bool,
    is_latest: bool,
}

/// How the payment stands, and with whom.
pub(super) async fn standing(tx: &mut Tx, id: PaymentId) -> Result<(ProviderName, Standing), StoreError> {
    let row: StandingRow = tx.one(STANDING, &(id,)).await?;
    let StandingRow {
        status,
        capture_is_exact: is_exact,
        created_at,
        order_status: order,
        first_at,
        is_known,
        is_proven,
        is_latest,
        ..
    } = row;
    Ok((row.provider, Standing { status, is_exact, is_known, is_proven, is_latest, order, created_at, first_at }))
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    id: PaymentId,
    order_id: OrderId,
    provider: ProviderName,
    nonce: String,
    amount: i64,
    currency: Currency,
    created_at: Timestamp,
    reserved_until: Timestamp,
    email: Email,
}

/// The attempt as its provider is told of it now.
pub(super) async fn attempt(tx: &mut Tx, id: PaymentId, now: Timestamp) -> Result<Attempt, StoreError> {
    let row: AttemptRow = tx.one(ATTEMPT, &(id,)).await?;
    let money = |minor| Money::new(minor, row.currency).map_err(|error| StoreError::corrupt("payments", id.get(), error));
    let lines = tx.all::<(String, i64, i64)>(LINES, &(row.order_id,)).await?;
    let line = |(name, unit_price, quantity): (String, i64, i64)| {
        let quantity = Quantity::new(quantity).map_err(|error| StoreError::corrupt("order_items", row.order_id.get(), error))?;
        Ok(AttemptLine { name, unit_price: money(unit_price)?, quantity })
    };
    Ok(Attempt {
        payment: row.id,
        order: row.order_id,
        provider: row.provider,
        nonce: row.nonce.clone(),
        amount: money(row.amount)?,
        lines: lines.into_iter().map(line).collect::<Result<_, StoreError>>()?,
        email: row.email.clone(),
        created_at: row.created_at,
        reserved_until: row.reserved_until,
        age: now.since(row.created_at),
    })
}

/// The payment by the names that its provider knows.
pub(super) async fn known(tx: &mut Tx, id: PaymentId) -> Result<KnownAttempt, StoreError> {
    let order = tx.scalar(ORDER_OF, &(id,)).await?;
    let references = tx.all::<(String,)>(REFERENCES, &(id,)).await?.into_iter().map(|(name,)| name).collect();
    Ok(KnownAttempt { payment: id, order, references })
}

/// The order's attempts that somebody may still pay, and with whom.
pub(super) async fn closable(tx: &mut Tx, order: OrderId) -> Result<Vec<(PaymentId, ProviderName)>, StoreError> {
    tx.all(CLOSABLE, &(order,)).await
}

/// Whether what a refund or a dispute proved is all that the provider will tell.
pub(super) async fn set_believed(tx: &mut Tx, id: PaymentId) -> Result<(), StoreError> {
    tx.later(SET_BELIEVED, &(id, true)).await
}

/// Where the customer goes to pay, or what the page needs.
pub(super) async fn set_begun(
    tx: &mut Tx,
    id: PaymentId,
    checkout_url: Option<String>,
    client_secret: Option<String>,
) -> Result<(), StoreError> {
    tx.later(SET_BEGUN, &(id, checkout_url, client_secret)).await
}

/// The most that any refund or dispute of the payment was heard to be about.
pub(super) async fn proven(tx: &mut Tx, id: PaymentId) -> Result<Option<i64>, StoreError> {
    tx.scalar(PROVEN, &(id,)).await
}

/// Refunds that are to be ordered or asked about by now, at most 100.
pub(super) async fn due_refunds(tx: &mut Tx, by: ProviderName, now: Timestamp) -> Result<Vec<RefundId>, StoreError> {
    Ok(tx.all::<(RefundId,)>(DUE_REFUNDS, &(now, by)).await?.into_iter().map(|(id,)| id).collect())
}

/// A refund as its provider is told of it.
#[derive(sqlx::FromRow)]
pub(super) struct RefundCall {
    pub(super) payment_id: PaymentId,
    pub(super) order_id: OrderId,
    pub(super) provider: ProviderName,
    pub(super) status: RefundStatus,
    pub(super) amount: i64,
    pub(super) currency: Currency,
    pub(super) sent_at: Option<Timestamp>,
    pub(super) call_at: Option<Timestamp>,
    pub(super) handle: Option<String>,
}

pub(super) async fn refund_call(tx: &mut Tx, id: RefundId) -> Result<Option<RefundCall>, StoreError> {
    tx.optional(REFUND_CALL, &(id,)).await
}

/// The provider is about to be ordered to make the refund.
pub(super) async fn set_sent(tx: &mut Tx, id: RefundId, now: Timestamp, lease: Timestamp) -> Result<(), StoreError> {
    tx.later(SET_SENT, &(id, now, lease)).await
}

/// When the provider is asked about the refund next, and by what name.
pub(super) async fn set_refund_call(
    tx: &mut Tx,
    id: RefundId,
    at: Option<Timestamp>,
    handle: Option<String>,
) -> Result<(), StoreError> {
    tx.later(SET_REFUND_CALL, &(id, at, handle)).await
}

pub(super) async fn set_refund_note(tx: &mut Tx, id: RefundId, note: String) -> Result<(), StoreError> {
    tx.later(SET_REFUND_NOTE, &(id, note)).await
}

/// Takes the reading of a provider's events over from everybody else; answers from when on, if it is due.
pub(super) async fn claim_reading(
    tx: &mut Tx,
    provider: ProviderName,
    first: Timestamp,
    now: Timestamp,
    lease: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    tx.later(INSERT_READING, &(provider, first, now)).await?;
    Ok(tx.optional::<(Timestamp,)>(CLAIM_READING, &(provider, now, lease)).await?.map(|(since,)| since))
}

pub(super) async fn set_reading(
    tx: &mut Tx,
    provider: ProviderName,
    read_until: Timestamp,
    call_at: Timestamp,
) -> Result<(), StoreError> {
    tx.later(SET_READING, &(provider, read_until, call_at)).await
}
