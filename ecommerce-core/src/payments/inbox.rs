//! The inbox: an event is stored once, finds its payment, and moves it, all in one transaction.

use serde_json::json;

use super::{PaymentEventStatus, calls, capture::Case, sql};
use crate::{
    DisputeNews, DisputeStatus, EventContent, EventName, Money, News, PaymentEventId, PaymentId, PaymentState, ProviderEvent,
    ProviderName, Report, StoreError, Subject, Timestamp,
    db::Tx,
    orders::{self, rows::NewPayment},
    providers::Providers,
};

/// Who is asked what an event means, and what time it is.
#[derive(Clone, Copy)]
pub(super) struct Desk<'s> {
    pub(super) providers: &'s Providers,
    pub(super) now: Timestamp,
}

/// Was the event taken in before?
pub(super) async fn is_stored(tx: &mut Tx, provider: ProviderName, event: &ProviderEvent) -> Result<bool, StoreError> {
    Ok(sql::event_by_key(tx, provider, event).await?.is_some())
}

/// Takes an event in; one that was taken in before changes nothing.
pub(super) async fn take_in(
    tx: &mut Tx,
    desk: Desk<'_>,
    provider: ProviderName,
    event: &ProviderEvent,
    payload: &str,
) -> Result<PaymentEventStatus, StoreError> {
    if let Some(id) = sql::insert_event(tx, provider, event, payload, desk.now).await? {
        return act(tx, desk, provider, Taken::In(id), event).await;
    }
    match sql::event_by_key(tx, provider, event).await? {
        Some((_, status @ (PaymentEventStatus::Processed | PaymentEventStatus::Ignored))) => Ok(status),
        Some((id, _)) => act(tx, desk, provider, Taken::Up(id), event).await,
        None => Err(StoreError::other("an event that was stored is not there any more")),
    }
}

/// An event that is acted on.
#[derive(Clone, Copy)]
enum Taken {
    /// It was stored a moment ago, as one that is processed.
    In(PaymentEventId),
    /// It was waiting.
    Up(PaymentEventId),
}

/// Takes an event up again that was waiting for something.
pub(super) async fn take_up(tx: &mut Tx, desk: Desk<'_>, id: PaymentEventId) -> Result<(), StoreError> {
    let (provider, event) = stored(tx, desk, id).await?;
    act(tx, desk, provider, Taken::Up(id), &event).await.map(drop)
}

/// Takes in what a provider answered about a payment: the same as if it had sent it.
pub(super) async fn hear(tx: &mut Tx, desk: Desk<'_>, payment: PaymentId, report: &Report) -> Result<(), StoreError> {
    let Some(key) = sql::payment_by_id(tx, payment).await? else { return Ok(()) };
    let mut report = report.clone();
    report.subject.payment = Some(payment);
    let Some((mut case, learned)) = find(tx, desk, key.provider, &report).await? else { return Ok(()) };
    tell(tx, desk, &mut case, &report.news).await?;
    catch_up(tx, desk, learned.then_some(case.payment.id)).await
}

async fn stored(tx: &mut Tx, desk: Desk<'_>, id: PaymentEventId) -> Result<(ProviderName, ProviderEvent), StoreError> {
    let (provider, payload) = sql::event_payload(tx, id).await?;
    let event = desk.providers.read_event(provider, &payload);
    Ok((provider, event.map_err(|error| StoreError::corrupt("payment_events", id.get(), error))?))
}

/// Acts on an event, and on those that were waiting for what it taught.
async fn act(
    tx: &mut Tx,
    desk: Desk<'_>,
    provider: ProviderName,
    taken: Taken,
    event: &ProviderEvent,
) -> Result<PaymentEventStatus, StoreError> {
    let (status, learned) = act_once(tx, desk, provider, taken, event).await?;
    catch_up(tx, desk, learned).await?;
    Ok(status)
}

/// Acts on the events that were waiting for a name of this payment, and on what they teach.
async fn catch_up(tx: &mut Tx, desk: Desk<'_>, learned: Option<PaymentId>) -> Result<(), StoreError> {
    let mut learned = learned;
    while let Some(payment) = learned.take() {
        for id in sql::matched_by_payment(tx, payment).await? {
            let (provider, event) = stored(tx, desk, id).await?;
            let (_, more) = act_once(tx, desk, provider, Taken::Up(id), &event).await?;
            learned = learned.or(more);
        }
    }
    Ok(())
}

/// Acts on an event. Answers the payment of which it taught a new name, if it did.
async fn act_once(
    tx: &mut Tx,
    desk: Desk<'_>,
    provider: ProviderName,
    taken: Taken,
    event: &ProviderEvent,
) -> Result<(PaymentEventStatus, Option<PaymentId>), StoreError> {
    let id = match taken {
        Taken::In(id) => id,
        Taken::Up(id) => {
            sql::delete_unmatched(tx, id).await?;
            id
        }
    };
    let (status, detail, learned) = match &event.content {
        EventContent::Unreadable(reason) => (PaymentEventStatus::Failed, Some(*reason), None),
        EventContent::Unused => (PaymentEventStatus::Ignored, None, None),
        EventContent::News(report) => match find(tx, desk, provider, report).await? {
            None => {
                sql::insert_unmatched(tx, provider, &report.subject, id).await?;
                (PaymentEventStatus::Unmatched, Some("it names no payment or order that is known"), None)
            }
            Some((mut case, learned)) => {
                tell(tx, desk, &mut case, &report.news).await?;
                (PaymentEventStatus::Processed, None, learned.then_some(case.payment.id))
            }
        },
    };
    if !matches!(status, PaymentEventStatus::Processed | PaymentEventStatus::Ignored) {
        tracing::warn!(%provider, event = %id, kind = event.kind, %status, "a payment event needs a look");
    }
    if !matches!((taken, status), (Taken::In(_), PaymentEventStatus::Processed)) {
        sql::set_event_status(tx, id, status, detail).await?;
    }
    Ok((status, learned))
}

/// The payment that an event is about, with its order locked; and whether the event taught a new name of it.
///
/// A dispute stays with the payment that it was first told of, whatever it names later. Else it is found by our own payment
/// id, else by the provider's names, else by our order id: then it is the order's attempt that has no name yet and that
/// nobody here began, or else another payment of that order.
async fn find(
    tx: &mut Tx,
    desk: Desk<'_>,
    provider: ProviderName,
    Report { subject, news }: &Report,
) -> Result<Option<(Case, bool)>, StoreError> {
    let disputed = match news {
        News::Dispute(dispute) => sql::disputed(tx, provider, &dispute.reference).await?,
        _ => None,
    };
    let named = match disputed.or(subject.payment) {
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
            None => orders::rows::insert_payment(tx, order.id, NewPayment::passive(provider, order.total), desk.now).await?,
        },
    };
    let mut case = Case::load(tx, order, payment, desk.now).await?;
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
    let learned = sql::insert_references(tx, case.payment.provider, &subject.references, case.payment.id).await?;
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

/// Moves the payment as the news says.
async fn tell(tx: &mut Tx, desk: Desk<'_>, case: &mut Case, news: &News) -> Result<(), StoreError> {
    match news {
        News::Waiting => return Ok(()),
        News::Processing => return case.process(tx).await,
        News::Failed => return case.fail(tx, None).await,
        News::Succeeded(captured) => case.succeed(tx, *captured, true).await?,
        News::RefundedInAll { total, captured } => {
            case.succeed(tx, *captured, true).await?;
            case.refunded_in_all(tx, *total).await?;
        }
        News::Refund(refund) => {
            prove(tx, desk, case, refund.amount).await?;
            case.hear_of_refund(tx, refund).await?;
        }
        News::Dispute(dispute) => {
            prove(tx, desk, case, dispute.amount).await?;
            hear_of_dispute(tx, case, dispute, desk.now).await?;
        }
    }
    case.settle(tx).await.map(drop)
}

/// A refund or a dispute proves a success that was not heard of. How much was captured the provider tells when it is
/// asked, which happens next; until then, and where nobody can be asked, it was as much as the refund or dispute is about.
async fn prove(tx: &mut Tx, desk: Desk<'_>, case: &mut Case, amount: Money) -> Result<(), StoreError> {
    let can_ask = desk.can_ask(case.payment.provider);
    // What does not fit the order would be given back: that has to wait for the answer.
    if !can_ask || amount == case.order.total || case.payment.status == PaymentState::Succeeded {
        case.succeed(tx, amount, false).await?;
    }
    if can_ask && !case.payment.capture_is_exact {
        calls::set_call(tx, case.payment.id, Some(desk.now)).await?;
    }
    Ok(())
}

impl Desk<'_> {
    fn can_ask(self, provider: ProviderName) -> bool {
        self.providers.callable(provider).is_some()
    }
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
