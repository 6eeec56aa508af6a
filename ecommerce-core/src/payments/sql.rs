use super::settle::{RefundFact, Settlement};
use crate::{
    Currency, DisputeNews, DisputeStatus, Money, OrderId, Outcome, Page, PageRequest, PaymentId, PaymentState, ProviderName,
    Refund, RefundId, RefundProgress, RefundReason, RefundStatus, StoreError, Timestamp,
    db::{Filter, Tx, json, statements},
    orders::{
        rows::RefundRow,
        sql::{OrderRecord, OrderRow},
    },
    page::{COUNTED_TO, Count},
};

statements! {
    COUNT_PAYMENTS = "select count(*) from payments where order_id = $1";

    PAYMENT_BY_ID = "select id, order_id, provider from payments where id = $1";

    /// The order's first attempt with this provider of which the provider's name is not known yet. Only one that nobody begins:
    /// of those that we begin, all that is heard names the attempt itself.
    PAYMENT_WITHOUT_REFERENCE =
        "select p.id from payments p
         where p.order_id = $1 and p.provider = $2 and p.nonce = ''
             and not exists (select 1 from payment_references r where r.payment_id = p.id)
         order by p.id
         limit 1";

    MANUAL_PAYMENT =
        "select id from payments
         where order_id = $1 and provider = 'manual' and status <> 'succeeded'
         order by id
         limit 1";

    /// The payment and its order beside each of its refunds; one row without a refund where there are none.
    LOAD =
        "select o.id, o.status, o.fulfillment, o.total, o.currency, o.reserved_until, o.restocked, o.created_at,
             p.id as payment_id, p.provider, p.status as payment_status, p.outcome, p.currency as payment_currency, p.captured, p.captured_currency, p.capture_is_exact,
             p.refunded, p.reported_refunded, p.charged_back, p.reference,
             r.id as refund_id, r.reason, r.status as refund_status, r.asked, r.reported, r.reference as refund_reference, r.done_at
         from payments p
             join orders o on o.id = p.order_id
             left join refunds r on r.payment_id = p.id
         where p.id = $1
         order by r.id";

    PAYMENTS_OF =
        "select id from payments where order_id = $1 order by id";

    /// Settling the refunds follows, and knows better; meanwhile no more has gone back than came.
    SAVE =
        "update payments set status = $2, outcome = $3, captured = $4, captured_currency = $5, capture_is_exact = $6,
             reported_refunded = $7, charged_back = $8, reference = $9,
             refunded = case when refunded > coalesce(cast($4 as bigint), 0) then coalesce(cast($4 as bigint), 0) else refunded end
         where id = $1";

    SET_REFUNDED = "update payments set refunded = $2 where id = $1";

    INSERT_REFERENCES = {
        sqlite:
            "insert into payment_references (provider, reference, payment_id)
             select $1, value, $3 from json_each($2)
             where true -- without it, SQLite takes 'on' for that of a join
             on conflict (provider, reference) do nothing",
        postgres:
            "insert into payment_references (provider, reference, payment_id)
             select cast($1 as text), value, cast($3 as bigint) from json_array_elements_text(cast(cast($2 as text) as json))
             on conflict (provider, reference) do nothing",
    };

    COUNT_PROCESSING = "select count(*) from payments where order_id = $1 and status = 'processing'";

    REFUNDS =
        "select id as refund_id, reason, status as refund_status, asked, reported, reference as refund_reference, done_at
         from refunds
         where payment_id = $1
         order by id";

    INSERT_REFUND =
        "insert into refunds (payment_id, reason, status, asked, amount, currency, reported, reference, note, call_at, created_at)
         values ($1, $2, 'queued', $3, 0, $4, $5, $6, $7, $8, $9)
         returning id";

    SET_REFUND_FACT = "update refunds set reason = $2, asked = $3, reported = $4, reference = coalesce(reference, $5) where id = $1";

    DELETE_REFUND = "delete from refunds where id = $1";

    /// One that is owed is to be sent; of one that is done nobody is asked any more.
    SET_REFUND_RESULT =
        "update refunds set amount = $2, status = $3,
             call_at = case
                 when $3 = 'queued' and reason <> 'external' then coalesce(call_at, $4)
                 when $3 in ('sent', 'pending') then call_at
             end
         where id = $1 and (amount <> $2 or status <> $3)";

    SET_REFUND_DONE = "update refunds set done_at = $2, note = coalesce($3, note) where id = $1";

    REFUND =
        "select id, payment_id, amount, currency, reason, status, created_at
         from refunds
         where id = $1 and amount > 0";

    INSERT_DISPUTE =
        "insert into disputes (provider, reference, payment_id, status, amount, created_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (provider, reference) do nothing";

    DISPUTE = "select payment_id, status, amount from disputes where provider = $1 and reference = $2";

    SET_DISPUTE = "update disputes set status = $3, amount = $4 where provider = $1 and reference = $2";

    SUM_LOST = "select cast(coalesce(sum(amount), 0) as bigint) from disputes where payment_id = $1 and status = 'lost'";

    COUNT_OPEN_DISPUTES = "select count(*) from disputes where payment_id = $1 and status = 'open'";
}

/// An attempt to pay as the rules see it, read under the lock of its order.
#[derive(Debug, Clone)]
pub(super) struct PaymentRecord {
    pub(super) id: PaymentId,
    pub(super) provider: ProviderName,
    pub(super) status: PaymentState,
    pub(super) outcome: Option<Outcome>,
    pub(super) captured: Option<Money>,
    /// Whether the amount was told by the success itself, and not only by a refund or a dispute.
    pub(super) capture_is_exact: bool,
    /// What was known to have gone back when it was last settled.
    pub(super) refunded: i64,
    /// The largest total of refunds that the provider told.
    pub(super) told_in_all: i64,
    /// The sum of lost disputes.
    pub(super) charged_back: i64,
    pub(super) reference: Option<String>,
}

#[derive(sqlx::FromRow)]
struct PaymentRow {
    #[sqlx(flatten)]
    order: OrderRow,
    payment_id: PaymentId,
    provider: ProviderName,
    payment_status: PaymentState,
    outcome: Option<Outcome>,
    payment_currency: Currency,
    captured: Option<i64>,
    captured_currency: Option<Currency>,
    capture_is_exact: bool,
    refunded: i64,
    reported_refunded: i64,
    charged_back: i64,
    reference: Option<String>,
    #[sqlx(flatten)]
    refund: FactRow,
}

/// Which payment of which order.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(super) struct PaymentKey {
    pub(super) id: PaymentId,
    pub(super) order_id: OrderId,
    pub(super) provider: ProviderName,
}

pub(super) async fn payment_by_id(tx: &mut Tx, id: PaymentId) -> Result<Option<PaymentKey>, StoreError> {
    tx.optional(PAYMENT_BY_ID, &(id,)).await
}

pub(super) async fn payment_without_reference(
    tx: &mut Tx,
    order: OrderId,
    provider: ProviderName,
) -> Result<Option<PaymentId>, StoreError> {
    Ok(tx.optional::<(PaymentId,)>(PAYMENT_WITHOUT_REFERENCE, &(order, provider)).await?.map(|(id,)| id))
}

pub(super) async fn manual_payment(tx: &mut Tx, order: OrderId) -> Result<Option<PaymentId>, StoreError> {
    Ok(tx.optional::<(PaymentId,)>(MANUAL_PAYMENT, &(order,)).await?.map(|(id,)| id))
}

pub(super) async fn payments_of(tx: &mut Tx, order: OrderId) -> Result<Vec<PaymentRecord>, StoreError> {
    let mut payments = Vec::new();
    for (id,) in tx.all::<(PaymentId,)>(PAYMENTS_OF, &(order,)).await? {
        payments.push(load(tx, id).await?.1);
    }
    Ok(payments)
}

/// The payment with its order, and what is known of its refunds.
pub(super) async fn load(tx: &mut Tx, id: PaymentId) -> Result<(OrderRecord, PaymentRecord, Vec<RefundFact>), StoreError> {
    let rows = tx.all::<PaymentRow>(LOAD, &(id,)).await?;
    let facts = rows.iter().filter_map(|row| row.refund.fact()).collect();
    let row = rows.into_iter().next().ok_or_else(|| StoreError::corrupt("payments", id.get(), "is not there any more"))?;
    let money = |minor, currency| Money::new(minor, currency).map_err(|error| StoreError::corrupt("payments", id.get(), error));
    let payment = PaymentRecord {
        id: row.payment_id,
        provider: row.provider,
        status: row.payment_status,
        outcome: row.outcome,
        captured: row
            .captured
            .map(|captured| money(captured, row.captured_currency.unwrap_or(row.payment_currency)))
            .transpose()?,
        capture_is_exact: row.capture_is_exact,
        refunded: row.refunded,
        told_in_all: row.reported_refunded,
        charged_back: row.charged_back,
        reference: row.reference,
    };
    Ok((row.order.try_into()?, payment, facts))
}

pub(super) async fn save(tx: &mut Tx, payment: &PaymentRecord) -> Result<(), StoreError> {
    let PaymentRecord { id, status, outcome, captured, capture_is_exact, told_in_all, charged_back, ref reference, .. } =
        *payment;
    let minor = captured.map(Money::minor);
    let currency = captured.map(Money::currency);
    let args = (id, status, outcome, minor, currency, capture_is_exact, told_in_all, charged_back, reference.clone());
    tx.later(SAVE, &args).await
}

/// Gives the payment the provider's names for it, as far as they are new.
pub(super) async fn insert_references(
    tx: &mut Tx,
    provider: ProviderName,
    references: &[String],
    payment: PaymentId,
) -> Result<(), StoreError> {
    tx.later(INSERT_REFERENCES, &(provider, json(&references)?, payment)).await
}

pub(super) async fn is_processing(tx: &mut Tx, order: OrderId) -> Result<bool, StoreError> {
    Ok(tx.scalar::<i64>(COUNT_PROCESSING, &(order,)).await? > 0)
}

#[derive(sqlx::FromRow)]
struct FactRow {
    refund_id: Option<RefundId>,
    reason: Option<RefundReason>,
    refund_status: Option<RefundStatus>,
    asked: Option<i64>,
    reported: Option<RefundProgress>,
    refund_reference: Option<String>,
    done_at: Option<Timestamp>,
}

impl FactRow {
    fn fact(&self) -> Option<RefundFact> {
        Some(RefundFact {
            id: self.refund_id?,
            reason: self.reason?,
            asked: self.asked?,
            sent: self.refund_status? == RefundStatus::Sent,
            reported: self.reported,
            reference: self.refund_reference.clone(),
            done: self.done_at.is_some(),
        })
    }
}

/// What is known of the payment's refunds.
pub(super) async fn refund_facts(tx: &mut Tx, payment: PaymentId) -> Result<Vec<RefundFact>, StoreError> {
    Ok(tx.all::<FactRow>(REFUNDS, &(payment,)).await?.iter().filter_map(FactRow::fact).collect())
}

/// What a new refund is made from.
pub(super) struct NewRefund {
    pub(super) reason: RefundReason,
    pub(super) asked: Money,
    pub(super) reported: Option<RefundProgress>,
    pub(super) reference: Option<String>,
    pub(super) note: Option<String>,
    /// When its provider is to be called for it.
    pub(super) call_at: Option<Timestamp>,
}

/// A new refund; what it comes to is settled afterwards.
pub(super) async fn insert_refund(
    tx: &mut Tx,
    payment: PaymentId,
    new: NewRefund,
    now: Timestamp,
) -> Result<RefundId, StoreError> {
    let NewRefund { reason, asked, reported, reference, note, call_at } = new;
    let args = (payment, reason, asked.minor(), asked.currency(), reported, reference, note, call_at, now);
    tx.scalar(INSERT_REFUND, &args).await
}

pub(super) async fn set_refund_fact(tx: &mut Tx, fact: &RefundFact) -> Result<(), StoreError> {
    tx.later(SET_REFUND_FACT, &(fact.id, fact.reason, fact.asked, fact.reported, fact.reference.clone())).await
}

pub(super) async fn delete_refund(tx: &mut Tx, id: RefundId) -> Result<(), StoreError> {
    tx.later(DELETE_REFUND, &(id,)).await
}

/// Writes what the refunds come to.
pub(super) async fn save_refunds(
    tx: &mut Tx,
    remainder: Option<RefundId>,
    settlement: &Settlement,
    call_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let remainder = remainder.map(|id| (id, settlement.remainder, RefundStatus::Succeeded));
    for (id, amount, status) in settlement.refunds.iter().copied().chain(remainder) {
        tx.later(SET_REFUND_RESULT, &(id, amount, status, call_at)).await?;
    }
    Ok(())
}

/// Writes what has gone back in all.
pub(super) async fn set_refunded(tx: &mut Tx, payment: PaymentId, refunded: i64) -> Result<(), StoreError> {
    tx.later(SET_REFUNDED, &(payment, refunded)).await
}

pub(super) async fn set_refund_done(tx: &mut Tx, id: RefundId, note: Option<String>, now: Timestamp) -> Result<(), StoreError> {
    tx.later(SET_REFUND_DONE, &(id, now, note)).await
}

pub(super) async fn refund(tx: &mut Tx, id: RefundId) -> Result<Option<Refund>, StoreError> {
    tx.optional::<RefundRow>(REFUND, &(id,)).await?.map(Refund::try_from).transpose()
}

/// A page of refunds, newest first.
pub(super) async fn refunds(tx: &mut Tx, status: Option<RefundStatus>, page: PageRequest) -> Result<Page<Refund>, StoreError> {
    let narrowed = |name, select| {
        let mut filter = Filter::new(name, select);
        filter.and("amount > 0");
        if let Some(status) = status {
            filter.and_with("status = ?", status);
        }
        filter
    };
    let counted = narrowed("payments::COUNT_REFUNDS", "select count(*) from (select 1 from refunds");
    let count = Count::bounded(tx.count_to(COUNTED_TO, counted).await?);
    let mut list =
        narrowed("payments::LIST_REFUNDS", "select id, payment_id, amount, currency, reason, status, created_at from refunds");
    list.push_with("\norder by id desc limit ? + 0", page.limit());
    list.push_with(" offset ?", page.offset());
    let rows = tx.filtered::<RefundRow>(list).await?;
    let refunds = rows.into_iter().map(Refund::try_from).collect::<Result<_, _>>()?;
    Ok(Page::of(count, refunds, page))
}

/// Merges news of a dispute with what is known: lost beats won beats open, and of what says the same the larger amount.
/// Says what it was before and is now.
pub(super) async fn merge_dispute(
    tx: &mut Tx,
    payment: &PaymentRecord,
    news: &DisputeNews,
    now: Timestamp,
) -> Result<(Option<DisputeStatus>, DisputeStatus), StoreError> {
    let DisputeNews { reference, amount, status } = news;
    let key = (payment.provider, reference.clone());
    let args = (payment.provider, reference.clone(), payment.id, *status, amount.minor(), now);
    if tx.execute(INSERT_DISPUTE, &args).await? > 0 {
        return Ok((None, *status));
    }
    let (owner, before, known): (PaymentId, DisputeStatus, i64) = tx.one(DISPUTE, &key).await?;
    if owner != payment.id {
        // The event is told again, and by then it is known whose the dispute is.
        return Err(StoreError::other("at the same moment another payment was told of this dispute"));
    }
    let (merged, amount) = (before, known).max((*status, amount.minor()));
    tx.later(SET_DISPUTE, &(payment.provider, reference.clone(), merged, amount)).await?;
    Ok((Some(before), merged))
}

pub(super) async fn sum_lost(tx: &mut Tx, payment: PaymentId) -> Result<i64, StoreError> {
    tx.scalar(SUM_LOST, &(payment,)).await
}

/// How many attempts the order has had to be paid.
pub(super) async fn count_payments(tx: &mut Tx, order: OrderId) -> Result<i64, StoreError> {
    tx.scalar(COUNT_PAYMENTS, &(order,)).await
}

pub(super) async fn has_open_dispute(tx: &mut Tx, payment: PaymentId) -> Result<bool, StoreError> {
    Ok(tx.scalar::<i64>(COUNT_OPEN_DISPUTES, &(payment,)).await? > 0)
}
