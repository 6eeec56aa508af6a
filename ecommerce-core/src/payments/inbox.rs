//! The inbox: an event is stored once, finds its payment, and moves it, all in one transaction.

use serde_json::json;

use super::{
    PaymentEventStatus, WebhookError,
    capture::Case,
    event::{Content, DisputeNews, Event, News, Subject},
    paystack, sql, stripe,
};
use crate::{DisputeStatus, EventName, PaymentEventId, PaymentId, ProviderName, StoreError, Timestamp, db::Tx, orders};

/// Reads a signed body.
pub(super) fn parse(provider: ProviderName, body: &str) -> Result<Event, WebhookError> {
    match provider {
        ProviderName::Stripe => stripe::parse(body),
        ProviderName::Paystack => paystack::parse(body),
        ProviderName::Manual => Err(WebhookError::NotConfigured(provider)),
    }
}

/// Takes an event in; one that was taken in before changes nothing.
pub(super) async fn take_in(
    tx: &mut Tx,
    provider: ProviderName,
    event: &Event,
    payload: &str,
    now: Timestamp,
) -> Result<PaymentEventStatus, StoreError> {
    let id = match sql::insert_event(tx, provider, event, payload, now).await? {
        Some(id) => id,
        None => match sql::event_by_key(tx, provider, event).await? {
            (_, status @ (PaymentEventStatus::Processed | PaymentEventStatus::Ignored)) => return Ok(status),
            (id, _) => id,
        },
    };
    act(tx, provider, id, event, now).await
}

/// Takes an event up again that was waiting for something.
pub(super) async fn take_up(tx: &mut Tx, id: PaymentEventId, now: Timestamp) -> Result<(), StoreError> {
    let (provider, event) = stored(tx, id).await?;
    act(tx, provider, id, &event, now).await.map(drop)
}

async fn stored(tx: &mut Tx, id: PaymentEventId) -> Result<(ProviderName, Event), StoreError> {
    let (provider, payload) = sql::event_payload(tx, id).await?;
    let event = parse(provider, &payload).map_err(|error| StoreError::corrupt("payment_events", id.get(), error))?;
    Ok((provider, event))
}

/// Acts on an event, and on those that were waiting for what it taught.
async fn act(
    tx: &mut Tx,
    provider: ProviderName,
    id: PaymentEventId,
    event: &Event,
    now: Timestamp,
) -> Result<PaymentEventStatus, StoreError> {
    let (status, mut learned) = act_once(tx, provider, id, event, now).await?;
    while let Some(payment) = learned.take() {
        for id in sql::matched_by_payment(tx, payment).await? {
            let (provider, event) = stored(tx, id).await?;
            let (_, more) = act_once(tx, provider, id, &event, now).await?;
            learned = learned.or(more);
        }
    }
    Ok(status)
}

/// Acts on an event. Answers the payment of which it taught a new name, if it did.
async fn act_once(
    tx: &mut Tx,
    provider: ProviderName,
    id: PaymentEventId,
    event: &Event,
    now: Timestamp,
) -> Result<(PaymentEventStatus, Option<PaymentId>), StoreError> {
    sql::delete_unmatched(tx, id).await?;
    let (status, detail, learned) = match &event.content {
        Err(reason) => (PaymentEventStatus::Failed, Some(*reason), None),
        Ok(Content::Unused) => (PaymentEventStatus::Ignored, None, None),
        Ok(Content::News(subject, news)) => match find(tx, provider, subject, now).await? {
            None => {
                sql::insert_unmatched(tx, provider, subject, id).await?;
                (PaymentEventStatus::Unmatched, Some("it names no payment or order that is known"), None)
            }
            Some((mut case, learned)) => {
                tell(tx, &mut case, news, now).await?;
                (PaymentEventStatus::Processed, None, learned.then_some(case.payment.id))
            }
        },
    };
    if !matches!(status, PaymentEventStatus::Processed | PaymentEventStatus::Ignored) {
        tracing::warn!(%provider, event = %id, kind = event.kind, %status, "a payment event needs a look");
    }
    sql::set_event_status(tx, id, status, detail).await?;
    Ok((status, learned))
}

/// The payment that an event is about, with its order locked; and whether the event taught a new name of it.
///
/// Found by our own payment id, else by the provider's names, else by our order id: then it is the order's attempt that
/// has no name yet, or else another payment of that order.
async fn find(
    tx: &mut Tx,
    provider: ProviderName,
    subject: &Subject,
    now: Timestamp,
) -> Result<Option<(Case, bool)>, StoreError> {
    let named = match subject.payment {
        Some(id) => sql::payment_by_id(tx, id).await?,
        None => None,
    };
    let mut key = named.filter(|key| key.provider == provider);
    if key.is_none() {
        key = by_reference(tx, provider, subject).await?;
    }
    let order = key.map(|key| key.order_id).or(subject.order).or(named.map(|key| key.order_id));
    let Some(order) = order else { return Ok(None) };
    let Some(order) = orders::sql::lock(tx, order, None).await? else { return Ok(None) };
    if key.is_none() {
        // Whoever held the lock may have named it meanwhile.
        key = by_reference(tx, provider, subject).await?.filter(|key| key.order_id == order.id);
    }
    let payment = match key {
        Some(key) => key.id,
        None => match sql::payment_without_reference(tx, order.id, provider).await? {
            Some(id) => id,
            None => orders::rows::insert_payment(tx, order.id, provider, order.total, now).await?,
        },
    };
    let mut case = Case::load(tx, order, payment, now).await?;
    let learned = learn(tx, &mut case, subject).await?;
    Ok(Some((case, learned)))
}

async fn by_reference(tx: &mut Tx, provider: ProviderName, subject: &Subject) -> Result<Option<sql::PaymentKey>, StoreError> {
    for reference in &subject.references {
        if let Some(key) = sql::payment_by_reference(tx, provider, reference).await? {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

/// Notes the provider's names for the payment, and which of them is the one to show.
async fn learn(tx: &mut Tx, case: &mut Case, subject: &Subject) -> Result<bool, StoreError> {
    let mut learned = false;
    for reference in &subject.references {
        learned |= sql::insert_reference(tx, case.payment.provider, reference, case.payment.id).await?;
    }
    let better = subject.references.iter().max_by_key(|reference| telling(reference));
    let better = better.filter(|better| case.payment.reference.as_deref().is_none_or(|shown| telling(better) > telling(shown)));
    if let Some(better) = better {
        case.payment.reference = Some(better.clone());
        sql::save(tx, &case.payment).await?;
    }
    Ok(learned)
}

/// How much a name tells somebody who looks for the payment: Stripe's session most, then its intent.
fn telling(reference: &str) -> u8 {
    match reference.split_once('_') {
        Some(("cs", _)) => 2,
        Some(("pi", _)) => 1,
        _ => 0,
    }
}

/// Moves the payment as the news says. A refund or a dispute proves a success that was not heard of.
async fn tell(tx: &mut Tx, case: &mut Case, news: &News, now: Timestamp) -> Result<(), StoreError> {
    match news {
        News::Processing => return case.process(tx).await,
        News::Failed => return case.fail(tx).await,
        News::Succeeded(captured) => case.succeed(tx, *captured, true).await?,
        News::RefundedInAll { total, captured } => {
            case.succeed(tx, *captured, true).await?;
            case.refunded_in_all(tx, *total).await?;
        }
        News::Refund(refund) => {
            case.succeed(tx, refund.amount, false).await?;
            case.hear_of_refund(tx, refund).await?;
        }
        News::Dispute(dispute) => {
            case.succeed(tx, dispute.amount, false).await?;
            hear_of_dispute(tx, case, dispute, now).await?;
        }
    }
    case.settle(tx).await.map(drop)
}

async fn hear_of_dispute(tx: &mut Tx, case: &mut Case, news: &DisputeNews, now: Timestamp) -> Result<(), StoreError> {
    let (before, after) = sql::merge_dispute(tx, &case.payment, news, now).await?;
    case.payment.charged_back = sql::sum_lost(tx, case.payment.id).await?;
    sql::save(tx, &case.payment).await?;
    if before == Some(after) {
        return Ok(());
    }
    let event = match after {
        DisputeStatus::Open => EventName::DisputeOpened,
        DisputeStatus::Won => EventName::DisputeWon,
        DisputeStatus::Lost => EventName::DisputeLost,
    };
    let note = json!({ "payment": case.payment.id, "amount": news.amount, "currency": news.amount.currency() });
    orders::sql::record(tx, case.order.id, event, Some(note.to_string()), now).await
}
