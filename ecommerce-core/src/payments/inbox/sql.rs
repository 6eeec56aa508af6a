//! Statements about what providers sent, and about the names that events wait for.

use super::super::{PaymentEvent, PaymentEventStatus};
use crate::{
    EventContent, News, OrderId, Page, PageRequest, PaymentEventId, PaymentId, ProviderEvent, ProviderName, Report, StoreError,
    Subject, Timestamp,
    db::{Tx, json, statements},
    page::{COUNTED_TO, Count},
};

statements! {
    EVENT_BY_KEY =
        "select id, status from payment_events
         where provider = $1 and event_id = $2";

    /// What is known of what an event tells: the event itself; the payment that a dispute was first told of (place 0), that is
    /// named by our own id (1) and by each of the provider's names (2 and on); and whether events wait for such a name. There is
    /// one row at least. Each name is looked up by itself: else a planner may read all names there are. PostgreSQL takes an array
    /// for ten rows and a list of JSON for a hundred, for which it would plan anew at each run.
    KNOWN = {
        sqlite:
            "select e.id as event_id, e.status as event_status, ids.place, ids.payment_id,
                 (select order_id from payments where id = ids.payment_id) as order_id,
                 (select provider from payments where id = ids.payment_id) as provider, ids.is_awaited
             from (select 1) one
                 left join payment_events e on e.provider = $1 and e.event_id = $2
                 left join (
                     select 0 as place, payment_id, false as is_awaited from disputes where provider = $1 and reference = $3
                     union all
                     select 1, $4, false
                     union all
                     select 2 + key,
                         (select r.payment_id from payment_references r where r.provider = $1 and r.reference = value),
                         (select 1 from unmatched_references u where u.provider = $1 and u.reference = value limit 1) is not null
                     from json_each($5)
                 ) ids on true
             order by ids.place",
        postgres:
            "select e.id as event_id, e.status as event_status, ids.place, ids.payment_id,
                 (select order_id from payments where id = ids.payment_id) as order_id,
                 (select provider from payments where id = ids.payment_id) as provider, ids.is_awaited
             from (select 1) one
                 left join payment_events e on e.provider = $1 and e.event_id = $2
                 left join (
                     select cast(0 as bigint) as place, payment_id, false as is_awaited
                     from disputes where provider = $1 and reference = $3
                     union all
                     select 1, cast($4 as bigint), false
                     union all
                     select 1 + key,
                         (select r.payment_id from payment_references r where r.provider = $1 and r.reference = value),
                         (select 1 from unmatched_references u where u.provider = $1 and u.reference = value limit 1) is not null
                     from unnest(array(select json_array_elements_text(cast(cast($5 as text) as json)))) with ordinality names (value, key)
                 ) ids on true
             order by ids.place",
    };

    /// Whoever sees the same event arrive at the same moment is refused: see [`insert_event`].
    INSERT_EVENT =
        "insert into payment_events (provider, event_id, type, status, detail, payload, received_at)
         values ($1, $2, $3, $4, $5, $6, $7)";

    SET_EVENT_STATUS = "update payment_events set status = $3, detail = $4 where provider = $1 and event_id = $2";

    EVENT_PAYLOAD = "select provider, payload from payment_events where id = $1";

    COUNT_EVENTS = "select count(*) from (select 1 from payment_events limit $1 + 0) counted";

    EVENTS =
        "select id, provider, event_id, type, status, detail, received_at
         from payment_events
         order by id desc
         limit $1 + 0 offset $2";

    INSERT_UNMATCHED =
        "insert into unmatched_references (provider, reference, event)
         select $3, $4, id from payment_events where provider = $1 and event_id = $2
         on conflict (provider, reference, event) do nothing";

    DELETE_UNMATCHED = "delete from unmatched_references where event = $1";

    /// Where a slice of the references that wait ends, the newest events first.
    WAITING =
        "select min(event) from (select event from unmatched_references where event < $1 order by event desc limit $2 + 0) slice";

    /// Events that were waiting for something that has become known: a provider's name, an order's or a payment's id.
    MATCHED_BY_NOW =
        "select distinct u.event
         from unmatched_references u
         where u.event >= $1 and u.event < $2
             and (exists (select 1 from payment_references r where r.provider = u.provider and r.reference = u.reference)
                 or exists (select 1 from orders o where o.id = case u.provider when 'order' then cast(u.reference as bigint) end)
                 or exists (select 1 from payments p where p.id = case u.provider when 'payment' then cast(u.reference as bigint) end))
         order by u.event";

    MATCHED_BY_PAYMENT =
        "select distinct u.event
         from payment_references r
             join unmatched_references u on u.provider = r.provider and u.reference = r.reference
         where r.payment_id = $1
         order by u.event
         limit 100";
}

/// Which payment of which order.
#[derive(Debug, Clone, Copy)]
pub(super) struct PaymentKey {
    pub(super) id: PaymentId,
    pub(super) order_id: OrderId,
    pub(super) provider: ProviderName,
}

/// What is known of what a provider tells.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The event, where it was stored before.
    pub(super) event: Option<(PaymentEventId, PaymentEventStatus)>,
    /// The payment that the dispute was first told of; else the one that is named by our own id, whoever's it is.
    pub(super) named: Option<PaymentKey>,
    /// The payment that has the first of the provider's names that is known.
    pub(super) by_reference: Option<PaymentKey>,
    /// Whether it names a payment in a way that is new.
    pub(super) has_new_names: bool,
    /// Whether events wait for one of the names.
    pub(super) is_awaited: bool,
}

#[derive(sqlx::FromRow)]
struct KnownRow {
    event_id: Option<PaymentEventId>,
    event_status: Option<PaymentEventStatus>,
    place: Option<i64>,
    payment_id: Option<PaymentId>,
    order_id: Option<OrderId>,
    provider: Option<ProviderName>,
    is_awaited: Option<bool>,
}

impl KnownRow {
    fn key(&self) -> Option<PaymentKey> {
        Some(PaymentKey { id: self.payment_id?, order_id: self.order_id?, provider: self.provider? })
    }
}

/// What is known of an event.
pub(super) async fn known_of_event(tx: &mut Tx, provider: ProviderName, event: &ProviderEvent) -> Result<Known, StoreError> {
    let report = match &event.content {
        EventContent::News(report) => Some(report),
        EventContent::Unused | EventContent::Unreadable(_) => None,
    };
    look_up(tx, provider, Some(event.id.clone()), report).await
}

/// What is known of what a provider tells, by whatever way.
pub(super) async fn known(tx: &mut Tx, provider: ProviderName, report: &Report) -> Result<Known, StoreError> {
    look_up(tx, provider, None, Some(report)).await
}

async fn look_up(
    tx: &mut Tx,
    provider: ProviderName,
    event: Option<String>,
    report: Option<&Report>,
) -> Result<Known, StoreError> {
    let dispute = match report.map(|report| &report.news) {
        Some(News::Dispute(dispute)) => Some(dispute.reference.clone()),
        _ => None,
    };
    let (payment, references) = report.map_or((None, &[][..]), |Report { subject, .. }| (subject.payment, &subject.references));
    let rows = tx.all::<KnownRow>(KNOWN, &(provider, event, dispute, payment, json(&references)?)).await?;
    let mut known = Known { has_new_names: !references.is_empty(), ..Known::default() };
    let mut named_before = 0;
    for row in rows {
        known.event = row.event_id.zip(row.event_status);
        known.is_awaited |= row.is_awaited == Some(true);
        let Some(key) = row.key() else { continue };
        if row.place > Some(1) {
            named_before += 1;
            known.has_new_names = named_before < references.len();
            known.by_reference.get_or_insert(key);
        } else {
            known.named.get_or_insert(key);
        }
    }
    Ok(known)
}

pub(super) async fn event_by_key(
    tx: &mut Tx,
    provider: ProviderName,
    event: &ProviderEvent,
) -> Result<Option<(PaymentEventId, PaymentEventStatus)>, StoreError> {
    tx.optional(EVENT_BY_KEY, &(provider, event.id.clone())).await
}

/// Stores an event that was not known a moment ago.
pub(super) async fn insert_event(
    tx: &mut Tx,
    provider: ProviderName,
    event: &ProviderEvent,
    payload: &str,
    (status, detail): (PaymentEventStatus, Option<&str>),
    now: Timestamp,
) -> Result<(), StoreError> {
    let args = (provider, event.id.clone(), event.kind.clone(), status, detail.map(str::to_owned), payload.to_owned(), now);
    tx.insert_first(INSERT_EVENT, &args).await
}

pub(super) async fn set_event_status(
    tx: &mut Tx,
    provider: ProviderName,
    event: &ProviderEvent,
    (status, detail): (PaymentEventStatus, Option<&str>),
) -> Result<(), StoreError> {
    tx.later(SET_EVENT_STATUS, &(provider, event.id.clone(), status, detail.map(str::to_owned))).await
}

pub(super) async fn event_payload(tx: &mut Tx, id: PaymentEventId) -> Result<(ProviderName, String), StoreError> {
    tx.one(EVENT_PAYLOAD, &(id,)).await
}

/// Remembers what an unmatched event names: by the provider, or as one of our own ids.
pub(super) async fn insert_unmatched(
    tx: &mut Tx,
    provider: ProviderName,
    event: &ProviderEvent,
    subject: &Subject,
) -> Result<(), StoreError> {
    let names = subject.references.iter().map(|reference| (provider.as_str(), reference.clone()));
    let order = subject.order.map(|id| ("order", id.to_string()));
    let payment = subject.payment.map(|id| ("payment", id.to_string()));
    for (namespace, name) in names.chain(order).chain(payment) {
        tx.later(INSERT_UNMATCHED, &(provider, event.id.clone(), namespace.to_owned(), name)).await?;
    }
    Ok(())
}

pub(super) async fn delete_unmatched(tx: &mut Tx, event: PaymentEventId) -> Result<(), StoreError> {
    tx.later(DELETE_UNMATCHED, &(event,)).await
}

/// Of the unmatched events before this one, the oldest of a slice of the newest, and those of it of which something has
/// become known; `None` where there are none.
pub(in super::super) async fn matched_by_now(
    tx: &mut Tx,
    before: i64,
    slice: i64,
) -> Result<Option<(i64, Vec<PaymentEventId>)>, StoreError> {
    let Some(oldest) = tx.scalar::<Option<i64>>(WAITING, &(before, slice)).await? else { return Ok(None) };
    let matched = tx.all::<(PaymentEventId,)>(MATCHED_BY_NOW, &(oldest, before)).await?;
    Ok(Some((oldest, matched.into_iter().map(|(id,)| id).collect())))
}

/// Unmatched events that name this payment.
pub(super) async fn matched_by_payment(tx: &mut Tx, payment: PaymentId) -> Result<Vec<PaymentEventId>, StoreError> {
    Ok(tx.all::<(PaymentEventId,)>(MATCHED_BY_PAYMENT, &(payment,)).await?.into_iter().map(|(id,)| id).collect())
}

#[derive(sqlx::FromRow)]
struct EventRow {
    id: PaymentEventId,
    provider: ProviderName,
    event_id: String,
    r#type: String,
    status: PaymentEventStatus,
    detail: Option<String>,
    received_at: Timestamp,
}

/// A page of what providers sent, newest first.
pub(in super::super) async fn events(tx: &mut Tx, page: PageRequest) -> Result<Page<PaymentEvent>, StoreError> {
    let count = tx.scalar(COUNT_EVENTS, &(COUNTED_TO,)).await?;
    let rows = tx.all::<EventRow>(EVENTS, &(page.limit(), page.offset())).await?;
    let events = rows.into_iter().map(|row| {
        let EventRow { id, provider, event_id, r#type: kind, status, detail, received_at } = row;
        PaymentEvent { id, provider, event_id, kind, status, detail, received_at }
    });
    Ok(Page::of(Count::bounded(count), events.collect(), page))
}
