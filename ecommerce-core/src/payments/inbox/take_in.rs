use serde_json::json;

use super::{
    super::{PaymentEventStatus, calls, capture::Case, sql as payments},
    sql::{self, Known},
};
use crate::{
    DisputeNews, DisputeStatus, EventContent, EventName, Money, News, OrderId, PaymentEventId, PaymentId, PaymentState,
    ProviderEvent, ProviderName, Report, StoreError, Subject, Timestamp,
    db::Tx,
    orders::{self, rows::NewPayment},
    providers::Providers,
};

/// Who is asked what an event means, and what time it is.
#[derive(Clone, Copy)]
pub(in super::super) struct Desk<'s> {
    pub(in super::super) providers: &'s Providers,
    pub(in super::super) now: Timestamp,
}

/// Was the event taken in before?
pub(in super::super) async fn is_stored(tx: &mut Tx, provider: ProviderName, event: &ProviderEvent) -> Result<bool, StoreError> {
    Ok(sql::event_by_key(tx, provider, event).await?.is_some())
}

/// Takes an event in; one that was taken in before changes nothing.
pub(in super::super) async fn take_in(
    tx: &mut Tx,
    desk: Desk<'_>,
    provider: ProviderName,
    event: &ProviderEvent,
    payload: &str,
) -> Result<PaymentEventStatus, StoreError> {
    let known = sql::known_of_event(tx, provider, event).await?;
    let (status, learned) = match known.event {
        Some((_, status @ (PaymentEventStatus::Processed | PaymentEventStatus::Ignored))) => return Ok(status),
        Some((id, _)) => act_again(tx, desk, provider, id, event).await?,
        None => act(tx, desk, provider, Taken::In(payload), event, &known).await?,
    };
    catch_up(tx, desk, learned).await?;
    Ok(status)
}

/// An event that is acted on.
#[derive(Clone, Copy)]
enum Taken<'p> {
    /// It is new; this is what was sent.
    In(&'p str),
    /// It was waiting.
    Up,
}

/// Takes an event up again that was waiting for something.
pub(in super::super) async fn take_up(tx: &mut Tx, desk: Desk<'_>, id: PaymentEventId) -> Result<(), StoreError> {
    let learned = take_up_once(tx, desk, id).await?;
    catch_up(tx, desk, learned).await
}

/// Takes in what a provider answered about a payment: the same as if it had sent it.
pub(in super::super) async fn hear(tx: &mut Tx, desk: Desk<'_>, payment: PaymentId, report: &Report) -> Result<(), StoreError> {
    let Some(key) = payments::payment_by_id(tx, payment).await? else { return Ok(()) };
    let mut report = report.clone();
    report.subject.payment = Some(payment);
    let known = sql::known(tx, key.provider, &report).await?;
    let Some((mut case, learned)) = find(tx, desk, key.provider, &report, &known).await? else { return Ok(()) };
    tell(tx, desk, &mut case, &report.news).await?;
    catch_up(tx, desk, learned).await
}

/// Acts on the events that were waiting for a name of this payment, and on what they teach.
async fn catch_up(tx: &mut Tx, desk: Desk<'_>, learned: Option<PaymentId>) -> Result<(), StoreError> {
    let mut learned = learned;
    while let Some(payment) = learned.take() {
        for id in sql::matched_by_payment(tx, payment).await? {
            let more = take_up_once(tx, desk, id).await?;
            learned = learned.or(more);
        }
    }
    Ok(())
}

/// Acts on an event that was waiting, but not on those that were waiting for what it teaches.
async fn take_up_once(tx: &mut Tx, desk: Desk<'_>, id: PaymentEventId) -> Result<Option<PaymentId>, StoreError> {
    let (provider, payload) = sql::event_payload(tx, id).await?;
    let event = desk.providers.read_event(provider, &payload);
    let event = event.map_err(|error| StoreError::corrupt("payment_events", id.get(), error))?;
    Ok(act_again(tx, desk, provider, id, &event).await?.1)
}

/// Acts on an event that was waiting. Whoever else does so at the same moment comes before or after.
async fn act_again(
    tx: &mut Tx,
    desk: Desk<'_>,
    provider: ProviderName,
    id: PaymentEventId,
    event: &ProviderEvent,
) -> Result<(PaymentEventStatus, Option<PaymentId>), StoreError> {
    sql::delete_unmatched(tx, id).await?;
    let known = sql::known_of_event(tx, provider, event).await?;
    act(tx, desk, provider, Taken::Up, event, &known).await
}

/// Acts on an event. Answers the payment that it gave a name for which others wait, if it did.
async fn act(
    tx: &mut Tx,
    desk: Desk<'_>,
    provider: ProviderName,
    taken: Taken<'_>,
    event: &ProviderEvent,
    known: &Known,
) -> Result<(PaymentEventStatus, Option<PaymentId>), StoreError> {
    let mut unmatched = None;
    let mut learned = None;
    let (status, detail) = match &event.content {
        EventContent::Unreadable(reason) => (PaymentEventStatus::Failed, Some(*reason)),
        EventContent::Unused => (PaymentEventStatus::Ignored, None),
        EventContent::News(report) => match find(tx, desk, provider, report, known).await? {
            None => {
                unmatched = Some(&report.subject);
                (PaymentEventStatus::Unmatched, Some("it names no payment or order that is known"))
            }
            Some((mut case, taught)) => {
                learned = taught;
                tell(tx, desk, &mut case, &report.news).await?;
                (PaymentEventStatus::Processed, None)
            }
        },
    };
    if !matches!(status, PaymentEventStatus::Processed | PaymentEventStatus::Ignored) {
        tracing::warn!(%provider, event = event.id, kind = event.kind, %status, "a payment event needs a look");
    }
    if let Taken::In(payload) = taken {
        sql::insert_event(tx, provider, event, payload, (status, detail), desk.now).await?;
    }
    if let Some(subject) = unmatched {
        sql::insert_unmatched(tx, provider, event, subject).await?;
    }
    if let Taken::Up = taken {
        // Last, so that nobody who holds the event waits for one who holds its names.
        sql::set_event_status(tx, provider, event, (status, detail)).await?;
    }
    Ok((status, learned))
}

/// The payment that an event is about, with its order locked; and the same where the event gave it a name for which others
/// wait.
///
/// A dispute stays with the payment that it was first told of, whatever it names later. Else it is found by our own payment
/// id, else by the provider's names, else by our order id: then it is the order's attempt that has no name yet and that
/// nobody here began, or else another payment of that order.
async fn find(
    tx: &mut Tx,
    desk: Desk<'_>,
    provider: ProviderName,
    report: &Report,
    known: &Known,
) -> Result<Option<(Case, Option<PaymentId>)>, StoreError> {
    let subject = &report.subject;
    let key = known.named.filter(|key| key.provider == provider).or(known.by_reference);
    let order = key.map(|key| key.order_id).or(subject.order).or(known.named.map(|key| key.order_id));
    let Some(order) = order else { return Ok(None) };
    let payment = match key {
        Some(key) => {
            orders::sql::hold(tx, order).await?;
            key.id
        }
        None => match nameless(tx, desk, provider, report, order).await? {
            Some(id) => id,
            None => return Ok(None),
        },
    };
    let mut case = Case::load(tx, payment, desk.now).await?;
    learn(&mut case, subject);
    if known.has_new_names {
        payments::insert_references(tx, provider, &subject.references, payment).await?;
    }
    // Where others may write meanwhile, events may have come to wait since that was looked up.
    let is_awaited = known.is_awaited || tx.locks_rows();
    Ok(Some((case, (known.has_new_names && is_awaited).then_some(payment))))
}

/// The payment of an order that is meant by news that name no payment which is known; the order is locked.
async fn nameless(
    tx: &mut Tx,
    desk: Desk<'_>,
    provider: ProviderName,
    report: &Report,
    order: OrderId,
) -> Result<Option<PaymentId>, StoreError> {
    let Some(order) = orders::sql::lock(tx, order, None).await? else { return Ok(None) };
    if tx.locks_rows() {
        // Whoever held the lock may have named it meanwhile.
        let key = sql::known(tx, provider, report).await?.by_reference;
        if let Some(key) = key.filter(|key| key.order_id == order.id) {
            return Ok(Some(key.id));
        }
    }
    if let Some(id) = payments::payment_without_reference(tx, order.id, provider).await? {
        return Ok(Some(id));
    }
    let new = NewPayment::passive(provider, order.total);
    orders::rows::insert_payment(tx, order.id, new, desk.now).await.map(Some)
}

/// Notes which of the provider's names for the payment is the one to show.
fn learn(case: &mut Case, subject: &Subject) {
    let better = subject.references.iter().max_by_key(|reference| telling(reference));
    let better = better.filter(|better| case.payment.reference.as_deref().is_none_or(|shown| telling(better) > telling(shown)));
    if let Some(better) = better {
        case.payment.reference = Some(better.clone());
        case.is_changed = true;
    }
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
        News::Waiting => {}
        News::Processing => case.process(tx).await?,
        News::Failed => case.fail(tx, None).await?,
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
    case.save_changes(tx).await?;
    match news {
        // No money was heard of.
        News::Waiting | News::Processing | News::Failed => Ok(()),
        _ => case.settle(tx).await.map(drop),
    }
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
    let (before, after) = payments::merge_dispute(tx, &case.payment, news, now).await?;
    case.payment.charged_back = payments::sum_lost(tx, case.payment.id).await?;
    case.is_changed = true;
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
