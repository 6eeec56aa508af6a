//! The providers of a run, in one set of books: what was asked of them stands there, and they fail as they are told to.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{money::House, storm::Death};
use crate::{
    Attempt, Begun, EventContent, KnownAttempt, Money, News, NotAccepted, OrderId, PaymentId, PaymentProvider, ProviderError,
    ProviderEvent, ProviderName, RefundAnswer, RefundId, RefundNews, RefundOrder, RefundProgress, Report, SentRefund, Subject,
    Timestamp, WebhookError,
};

/// What all webhooks of a run are signed with.
pub(super) const SIGNATURE: &str = "simulated";

/// One of the providers. All of a run share their books, which no crash of the shop touches.
#[derive(Clone)]
pub(super) struct Bank {
    house: House,
    books: Arc<Mutex<Books>>,
    death: Death,
}

#[derive(Default)]
pub(super) struct Books {
    payments: BTreeMap<PaymentId, Held>,
    /// What was sent or kept back, by all providers: an event's body is its number.
    events: Vec<(House, Report)>,
    /// What becomes of the calls that come next; the rest are answered.
    faults: VecDeque<Fault>,
    is_away: bool,
    /// Whether refunds that are ordered now take their time.
    is_slow: bool,
    calls: Vec<String>,
    answers: Vec<Answer>,
    wrongs: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The call is not heard.
    Unheard,
    /// The call is heard and done, and its answer lost.
    Unanswered,
    /// The call is not heard, and whoever made it dies waiting.
    HangsUnheard,
    /// The call is heard and done, and whoever made it dies waiting.
    HangsUnanswered,
    /// The bank says no.
    Refused,
    /// The name of the attempt was used before.
    NameTaken,
}

/// An answer about a payment that reached the shop, which may have died before it was noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    NameTaken(PaymentId),
    Refused(PaymentId),
    Processing(PaymentId),
    Closed(PaymentId),
    Paid(PaymentId),
}

/// A payment at the bank.
pub(super) struct Held {
    pub(super) state: BankState,
    pub(super) paid: Option<Money>,
    /// The shop's refunds, and whether each is still on its way.
    pub(super) refunds: BTreeMap<RefundId, (Money, bool)>,
    pub(super) refused: BTreeSet<RefundId>,
    /// What went back from the dashboard.
    pub(super) dashboard: i64,
    pub(super) is_disputed: bool,
    asked: Money,
    order: OrderId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BankState {
    Open,
    Processing,
    Paid,
    Closed,
}

impl Held {
    fn refunded(&self) -> i64 {
        self.refunds.values().map(|(amount, _)| amount.minor()).sum()
    }

    /// What is still there of what was paid.
    pub(super) fn left(&self) -> i64 {
        self.paid.map_or(0, Money::minor) - self.refunded() - self.dashboard
    }
}

/// What happens at the bank.
impl Books {
    pub(super) fn payment(&self, payment: PaymentId) -> Option<&Held> {
        self.payments.get(&payment)
    }

    pub(super) fn payment_mut(&mut self, payment: PaymentId) -> Option<&mut Held> {
        self.payments.get_mut(&payment)
    }

    pub(super) fn payments(&self) -> impl Iterator<Item = (&PaymentId, &Held)> {
        self.payments.iter()
    }

    pub(super) fn fail_next(&mut self, fault: Fault) {
        self.faults.push_back(fault);
    }

    pub(super) fn goes_away(&mut self, is_away: bool) {
        self.is_away = is_away;
    }

    pub(super) fn is_slow(&mut self, is_slow: bool) {
        self.is_slow = is_slow;
    }

    /// Whoever calls next is answered, unless the bank is away.
    pub(super) fn calms_down(&mut self) {
        self.faults.clear();
    }

    /// It is there again, and gives up what it was working on.
    pub(super) fn comes_to_rest(&mut self) {
        self.calms_down();
        (self.is_away, self.is_slow) = (false, false);
        for payment in self.payments.values_mut().filter(|payment| payment.state == BankState::Processing) {
            payment.state = BankState::Closed;
        }
    }

    /// An event, to be sent or not; answers its number.
    pub(super) fn record(&mut self, house: House, report: Report) -> usize {
        self.events.push((house, report));
        self.events.len() - 1
    }

    /// Every call since the last look, and the answers that reached the shop.
    pub(super) fn look_back(&mut self) -> (Vec<String>, Vec<Answer>) {
        (std::mem::take(&mut self.calls), std::mem::take(&mut self.answers))
    }

    /// What the shop did that it must never do.
    pub(super) fn wrongs(&self) -> &[String] {
        &self.wrongs
    }

    fn pay_back(&mut self, order: &RefundOrder) {
        let mut wrongs = Vec::new();
        if let Some(payment) = self.payments.get_mut(&order.payment.payment) {
            match payment.refunds.get(&order.refund) {
                Some((known, _)) if *known == order.amount => {}
                Some((known, _)) => wrongs.push(format!("one refund, two amounts: {known:?} and {:?}", order.amount)),
                None => {
                    if order.amount.minor() > payment.left() {
                        wrongs.push(format!("more goes back than came: {:?} of {}", order.amount, payment.left()));
                    }
                    if payment.is_disputed && order.sent_before.is_none() {
                        wrongs.push("a refund during a dispute".to_owned());
                    }
                    payment.refunds.insert(order.refund, (order.amount, self.is_slow));
                }
            }
        } else {
            wrongs.push("a refund of what was never paid".to_owned());
        }
        self.wrongs.extend(wrongs);
    }
}

/// How calls are heard and answered.
impl Bank {
    /// The providers of a run, with the same books.
    pub(super) fn all(death: &Death) -> [Self; 3] {
        let books = Arc::<Mutex<Books>>::default();
        House::PROVIDERS.map(|house| Self { house, books: books.clone(), death: death.clone() })
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call of this name, up to the point where the bank does it.
    async fn hear(&self, call: &str) -> Result<Option<Fault>, ProviderError> {
        let fault = {
            let mut books = self.books();
            let fault = if books.is_away { Some(Fault::Unheard) } else { books.faults.pop_front() };
            books.calls.push(fault.map_or_else(|| call.to_owned(), |fault| format!("{call}: {fault:?}")));
            fault
        };
        match fault {
            Some(Fault::HangsUnheard) => self.hang().await,
            Some(Fault::NameTaken) if call == "begin" => Ok(fault),
            Some(Fault::Unheard | Fault::NameTaken) => Err(ProviderError::Unavailable("unheard".to_owned())),
            fault => Ok(fault),
        }
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
        self.death.rings();
        std::future::pending().await
    }

    fn refuse<T>() -> Result<T, ProviderError> {
        Err(ProviderError::Refused("the bank says no".to_owned()))
    }

    /// How the payment stands. What the shop hears of it is noted.
    async fn report(&self, fault: Option<Fault>, payment: PaymentId) -> Result<Report, ProviderError> {
        let state = self.books().payment(payment).map(|payment| (payment.state, payment.paid));
        let (news, answer) = match state {
            Some((BankState::Open, _)) => (News::Waiting, None),
            Some((BankState::Processing, _)) => (News::Processing, Some(Answer::Processing(payment))),
            Some((_, Some(paid))) => (News::Succeeded(paid), Some(Answer::Paid(payment))),
            Some((_, None)) | None => (News::Failed, Some(Answer::Closed(payment))),
        };
        let report = self.answer(fault, Report { subject: Subject::default(), news }).await?;
        self.books().answers.extend(answer);
        Ok(report)
    }

    async fn refund_answer(&self, fault: Option<Fault>, refund: RefundId) -> Result<RefundAnswer, ProviderError> {
        let known = self.books().payments.values().find_map(|payment| payment.refunds.get(&refund).copied());
        let Some((amount, is_pending)) = known else { return Self::refuse() };
        let status = if is_pending { RefundProgress::Pending } else { RefundProgress::Succeeded };
        let handle = Some(format!("back-{refund}"));
        let news = RefundNews { id: Some(refund), reference: handle.clone(), amount, status, may_be_ours: false };
        self.answer(fault, RefundAnswer { news, handle }).await
    }
}

#[async_trait]
impl PaymentProvider for Bank {
    fn name(&self) -> ProviderName {
        self.house.name()
    }

    fn is_callable(&self) -> bool {
        self.house == House::Bank
    }

    fn accepts(&self, _total: Money) -> Result<(), NotAccepted> {
        Ok(())
    }

    async fn begin(&self, attempt: &Attempt) -> Result<Begun, ProviderError> {
        let fault = self.hear("begin").await?;
        let payment = attempt.payment;
        {
            let mut books = self.books();
            let is_known = books.payments.contains_key(&payment);
            if fault == Some(Fault::NameTaken) {
                books.answers.push(Answer::NameTaken(payment));
                return Err(ProviderError::NameTaken);
            }
            if fault == Some(Fault::Refused) && !is_known {
                books.answers.push(Answer::Refused(payment));
                return Self::refuse();
            }
            books.payments.entry(payment).or_insert(Held {
                state: BankState::Open,
                paid: None,
                refunds: BTreeMap::new(),
                refused: BTreeSet::new(),
                dashboard: 0,
                is_disputed: false,
                asked: attempt.amount,
                order: attempt.order,
            });
            let wrong = books.payment(payment).filter(|held| held.asked != attempt.amount || held.order != attempt.order);
            if wrong.is_some() {
                books.wrongs.push("one payment, begun in two ways".to_owned());
            }
        }
        let begun = Begun {
            references: vec![format!("bank-{payment}-{}", attempt.nonce)],
            checkout_url: Some(format!("https://bank.example/{payment}")),
            client_secret: None,
        };
        self.answer(fault, begun).await
    }

    async fn fetch(&self, attempt: &KnownAttempt) -> Result<Report, ProviderError> {
        match self.hear("fetch").await? {
            Some(Fault::Refused) => Self::refuse(),
            fault => self.report(fault, attempt.payment).await,
        }
    }

    async fn close(&self, attempt: &KnownAttempt) -> Result<Report, ProviderError> {
        let fault = self.hear("close").await?;
        if fault == Some(Fault::Refused) {
            return Self::refuse();
        }
        if let Some(payment) = self.books().payment_mut(attempt.payment).filter(|payment| payment.state == BankState::Open) {
            payment.state = BankState::Closed;
        }
        self.report(fault, attempt.payment).await
    }

    async fn refund(&self, order: &RefundOrder) -> Result<RefundAnswer, ProviderError> {
        let fault = self.hear("refund").await?;
        {
            let mut books = self.books();
            // What was done before is not refused afterwards.
            let payment = books.payment_mut(order.payment.payment);
            let refuses = payment.filter(|payment| fault == Some(Fault::Refused) && !payment.refunds.contains_key(&order.refund));
            if let Some(payment) = refuses {
                payment.refused.insert(order.refund);
                return Self::refuse();
            }
            books.pay_back(order);
        }
        self.refund_answer(fault, order.refund).await
    }

    async fn fetch_refund(&self, refund: &SentRefund) -> Result<RefundAnswer, ProviderError> {
        let fault = self.hear("fetch_refund").await?;
        if fault == Some(Fault::Refused) {
            return Self::refuse();
        }
        {
            // Who asks once has waited long enough.
            let mut books = self.books();
            let refunds = books.payments.values_mut().find_map(|payment| payment.refunds.get_mut(&refund.refund));
            if let Some((_, is_pending)) = refunds {
                *is_pending = false;
            }
        }
        self.refund_answer(fault, refund.refund).await
    }

    async fn missed_events(&self, _since: Timestamp, _until: Option<Timestamp>) -> Result<Vec<String>, ProviderError> {
        let mut books = self.books();
        if books.is_away {
            return Err(ProviderError::Unavailable("unheard".to_owned()));
        }
        let mut listed = Vec::new();
        let mut answers = Vec::new();
        for (number, (house, report)) in books.events.iter().enumerate() {
            if *house == House::Bank {
                listed.push(number.to_string());
                let paid = report.subject.payment.filter(|_| matches!(report.news, News::Succeeded(_)));
                answers.extend(paid.map(Answer::Paid));
            }
        }
        books.answers.extend(answers);
        Ok(listed)
    }

    fn signature_header(&self) -> Option<&'static str> {
        Some("x-simulated")
    }

    fn verify_webhook(&self, signatures: &[&str], _body: &[u8], _now: Timestamp) -> Result<(), WebhookError> {
        if signatures == [SIGNATURE] { Ok(()) } else { Err(WebhookError::Signature("is none of this run's")) }
    }

    fn read_event(&self, body: &str) -> Result<ProviderEvent, WebhookError> {
        let report = body.parse().ok().and_then(|number: usize| self.books().events.get(number).cloned());
        let (_, report) = report.filter(|(house, _)| *house == self.house).ok_or(WebhookError::NotAnEvent("nobody sent it"))?;
        Ok(ProviderEvent { id: format!("event-{body}"), kind: "news".to_owned(), content: EventContent::News(report) })
    }
}
