//! A payment provider without a network: what it was asked stands in its books, and it fails when it is told to.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use ecommerce_core::{
    Attempt, Begun, Currency, DisputeNews, DisputeStatus, EventContent, KnownAttempt, Money, News, NotAccepted, OrderId,
    PaymentId, PaymentProvider, ProviderError, ProviderEvent, ProviderName, RefundAnswer, RefundId, RefundNews, RefundOrder,
    RefundProgress, Report, SentRefund, Subject, Timestamp, WebhookError,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

pub(crate) fn bank() -> ProviderName {
    "bank".parse().unwrap()
}

#[derive(Clone, Default)]
pub(crate) struct Bank(Arc<Desk>);

#[derive(Default)]
struct Desk {
    books: Mutex<Books>,
    /// Rings when a call hangs.
    hangs: Notify,
    /// Rings when the call that is held up is let go.
    let_go: Notify,
}

#[derive(Default)]
pub(crate) struct Books {
    pub(crate) payments: BTreeMap<PaymentId, BankPayment>,
    /// Every call that was made, in one word.
    pub(crate) calls: Vec<&'static str>,
    /// What becomes of the calls that come next; the rest are answered.
    faults: VecDeque<Fault>,
    /// Whether nothing is answered at all.
    is_away: bool,
    /// Whether the next call hangs until it is let go.
    holds_next: bool,
    /// From when and until when its events were read, each time.
    pub(crate) readings: Vec<(Timestamp, Option<Timestamp>)>,
    events: Vec<Value>,
    /// The time now, and how much of it one answer tells of at most.
    pub(crate) longest_reading: Option<(Timestamp, Duration)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call is not heard.
    Unheard,
    /// The call is heard and done, and its answer lost.
    Unanswered,
    /// The call is not heard, and whoever made it waits.
    HangsUnheard,
    /// The call is heard and done, and whoever made it waits.
    HangsUnanswered,
    /// The bank says no.
    Refused,
    /// The name of the attempt was used before.
    NameTaken,
}

#[derive(Debug, Clone)]
pub(crate) struct BankPayment {
    pub(crate) order: OrderId,
    pub(crate) amount: Money,
    pub(crate) state: BankState,
    /// Every refund by the id that it was ordered under.
    pub(crate) refunds: BTreeMap<RefundId, Money>,
    /// Whether refunds take their time.
    pub(crate) refunds_slowly: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BankState {
    Open,
    Processing,
    Paid,
    Closed,
}

impl Bank {
    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.0.books.lock().unwrap()
    }

    pub(crate) fn fail_next(&self, faults: &[Fault]) {
        self.books().faults.extend(faults);
    }

    /// The next call hangs until it is let go.
    pub(crate) fn hold_next(&self) {
        self.books().holds_next = true;
    }

    pub(crate) fn let_go(&self) {
        self.0.let_go.notify_one();
    }

    pub(crate) fn goes_away(&self, is_away: bool) {
        self.books().is_away = is_away;
    }

    /// How often this was asked.
    pub(crate) fn count(&self, call: &str) -> usize {
        self.books().calls.iter().filter(|made| **made == call).count()
    }

    /// Waits until somebody waits for an answer that does not come.
    pub(crate) async fn hangs(&self) {
        self.0.hangs.notified().await;
    }

    pub(crate) fn payment(&self, payment: PaymentId) -> BankPayment {
        self.books().payments[&payment].clone()
    }

    /// The customer pays on the bank's page; answers the event that tells of it.
    pub(crate) fn pay(&self, payment: PaymentId) -> Value {
        self.set(payment, BankState::Paid);
        let BankPayment { order, amount, .. } = self.payment(payment);
        self.event(json!({ "kind": "paid", "payment": payment, "order": order, "amount": amount.minor(), "currency": amount.currency() }))
    }

    pub(crate) fn set(&self, payment: PaymentId, state: BankState) {
        self.books().payments.get_mut(&payment).unwrap().state = state;
    }

    pub(crate) fn refunds_slowly(&self, payment: PaymentId, slowly: bool) {
        self.books().payments.get_mut(&payment).unwrap().refunds_slowly = slowly;
    }

    /// An event with an id of its own; the bank keeps it.
    pub(crate) fn event(&self, event: Value) -> Value {
        let mut books = self.books();
        let mut event = event;
        event["id"] = json!(format!("event-{}", books.events.len()));
        books.events.push(event.clone());
        event
    }

    /// A call of this name, up to the point where the bank does it.
    async fn heard(&self, call: &'static str) -> Result<Option<Fault>, ProviderError> {
        let (fault, is_held) = {
            let mut books = self.books();
            books.calls.push(call);
            let fault = if books.is_away { Some(Fault::Unheard) } else { books.faults.pop_front() };
            (fault, std::mem::take(&mut books.holds_next))
        };
        if is_held {
            self.0.hangs.notify_one();
            self.0.let_go.notified().await;
        }
        match fault {
            Some(Fault::Unheard) => Err(ProviderError::Unavailable("unheard".to_owned())),
            Some(Fault::NameTaken) => Err(ProviderError::NameTaken),
            Some(Fault::HangsUnheard) => self.hang().await,
            fault => Ok(fault),
        }
    }

    /// What is refused. What was done before is not refused afterwards.
    fn refuse(fault: Option<Fault>, is_done: bool) -> Result<(), ProviderError> {
        if fault == Some(Fault::Refused) && !is_done {
            return Err(ProviderError::Refused("the bank says no".to_owned()));
        }
        Ok(())
    }

    /// The answer, where it is not lost.
    async fn answer<T>(&self, fault: Option<Fault>, answer: T) -> Result<T, ProviderError> {
        match fault {
            Some(Fault::Unanswered) => Err(ProviderError::Unavailable("unanswered".to_owned())),
            Some(Fault::HangsUnanswered) => self.hang().await,
            _ => Ok(answer),
        }
    }

    async fn hang<T>(&self) -> T {
        self.0.hangs.notify_one();
        std::future::pending().await
    }

    fn report(&self, attempt: &KnownAttempt) -> Report {
        let payment = self.payment(attempt.payment);
        let news = match payment.state {
            BankState::Open => News::Waiting,
            BankState::Processing => News::Processing,
            BankState::Paid => News::Succeeded(payment.amount),
            BankState::Closed => News::Failed,
        };
        Report { subject: Subject::default(), news }
    }

    fn refund_answer(&self, payment: PaymentId, refund: RefundId) -> RefundAnswer {
        let payment = self.payment(payment);
        let status = if payment.refunds_slowly { RefundProgress::Pending } else { RefundProgress::Succeeded };
        let handle = format!("back-{refund}");
        // It speaks of its own names only: whoever asked knows what it asked about.
        let (reference, amount) = (Some(handle.clone()), payment.refunds[&refund]);
        let news = RefundNews { id: None, reference, amount, status, may_be_ours: false };
        RefundAnswer { news, handle: Some(handle) }
    }
}

#[async_trait]
impl PaymentProvider for Bank {
    fn name(&self) -> ProviderName {
        bank()
    }

    fn is_configured(&self) -> bool {
        false
    }

    fn accepts(&self, total: Money) -> Result<(), NotAccepted> {
        if total.currency().as_str() == "XXX" { Err(NotAccepted::Currency) } else { Ok(()) }
    }

    async fn begin(&self, attempt: &Attempt) -> Result<Begun, ProviderError> {
        let fault = self.heard("begin").await?;
        Self::refuse(fault, self.books().payments.contains_key(&attempt.payment))?;
        let new = BankPayment {
            order: attempt.order,
            amount: attempt.amount,
            state: BankState::Open,
            refunds: BTreeMap::new(),
            refunds_slowly: false,
        };
        self.books().payments.entry(attempt.payment).or_insert(new);
        let begun = Begun {
            references: vec![format!("bank-{}-{}", attempt.payment, attempt.nonce)],
            checkout_url: Some(format!("https://bank.example/{}", attempt.payment)),
            client_secret: None,
        };
        self.answer(fault, begun).await
    }

    async fn fetch(&self, attempt: &KnownAttempt) -> Result<Report, ProviderError> {
        let fault = self.heard("fetch").await?;
        Self::refuse(fault, false)?;
        self.answer(fault, self.report(attempt)).await
    }

    async fn close(&self, attempt: &KnownAttempt) -> Result<Report, ProviderError> {
        let fault = self.heard("close").await?;
        Self::refuse(fault, false)?;
        if self.payment(attempt.payment).state == BankState::Open {
            self.set(attempt.payment, BankState::Closed);
        }
        self.answer(fault, self.report(attempt)).await
    }

    async fn refund(&self, order: &RefundOrder) -> Result<RefundAnswer, ProviderError> {
        let fault = self.heard("refund").await?;
        let id = order.payment.payment;
        Self::refuse(fault, self.payment(id).refunds.contains_key(&order.refund))?;
        {
            let mut books = self.books();
            let payment = books.payments.get_mut(&id).unwrap();
            let known = payment.refunds.insert(order.refund, order.amount);
            assert!(known.is_none_or(|known| known == order.amount), "one refund, two amounts");
            let back: i64 = payment.refunds.values().map(|amount| amount.minor()).sum();
            assert!(back <= payment.amount.minor(), "more goes back than came");
        }
        self.answer(fault, self.refund_answer(id, order.refund)).await
    }

    async fn fetch_refund(&self, refund: &SentRefund) -> Result<RefundAnswer, ProviderError> {
        let fault = self.heard("fetch_refund").await?;
        Self::refuse(fault, false)?;
        let payment =
            self.books().payments.iter().find(|(_, payment)| payment.refunds.contains_key(&refund.refund)).map(|(id, _)| *id);
        self.answer(fault, self.refund_answer(payment.unwrap(), refund.refund)).await
    }

    async fn missed_events(&self, since: Timestamp, until: Option<Timestamp>) -> Result<Vec<String>, ProviderError> {
        // It is asked so now and then, whatever a story is about: faults are for what it is about.
        let mut books = self.books();
        books.readings.push((since, until));
        let is_too_long = |(now, longest): (Timestamp, Duration)| until.unwrap_or(now).since(since) > longest;
        if books.is_away || books.longest_reading.is_some_and(is_too_long) {
            return Err(ProviderError::Unavailable("unheard".to_owned()));
        }
        Ok(books.events.iter().map(Value::to_string).collect())
    }

    fn signature_header(&self) -> Option<&'static str> {
        Some("x-bank")
    }

    fn verify_webhook(&self, signatures: &[&str], _body: &[u8], _now: Timestamp) -> Result<(), WebhookError> {
        if signatures == ["the bank"] { Ok(()) } else { Err(WebhookError::Signature("is not the bank's")) }
    }

    fn read_event(&self, body: &str) -> Result<ProviderEvent, WebhookError> {
        let event: Value = serde_json::from_str(body).map_err(|_| WebhookError::NotAnEvent("it is not JSON"))?;
        let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let currency: Currency = text("currency").parse().map_err(|_| WebhookError::NotAnEvent("it has no currency"))?;
        let amount = event["amount"].as_i64().and_then(|minor| Money::new(minor, currency).ok());
        let amount = amount.ok_or(WebhookError::NotAnEvent("it has no amount"))?;
        let subject = Subject {
            payment: event["payment"].as_i64().and_then(PaymentId::new),
            order: event["order"].as_i64().and_then(OrderId::new),
            references: Vec::new(),
        };
        let kind = text("kind");
        let news = match kind.as_str() {
            "paid" => News::Succeeded(amount),
            "processing" => News::Processing,
            "refund" => {
                let (reference, status) = (Some(text("reference")), text("status").parse().unwrap());
                News::Refund(RefundNews { id: None, reference, amount, status, may_be_ours: false })
            }
            "dispute" => {
                let status: DisputeStatus = text("status").parse().unwrap();
                News::Dispute(DisputeNews { reference: text("reference"), amount, status })
            }
            _ => News::Failed,
        };
        Ok(ProviderEvent { id: text("id"), kind, content: EventContent::News(Report { subject, news }) })
    }
}
