//! Stripe: Checkout Sessions or PaymentIntents, refunds and events (docs.stripe.com/api).

mod amounts;
mod event;
mod form;
mod signature;

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::Value;

use super::{
    Attempt, Begun, KnownAttempt, News, NotAccepted, PaymentProvider, ProviderError, ProviderEvent, RefundAnswer, RefundNews,
    RefundOrder, RefundProgress, Report, SentRefund, WebhookError,
    http::{Again, Answer, Http, ReturnUrls, check_base},
    json::text,
    signature::{once, secret},
};
use crate::{Invalid, Money, ProviderName, Timestamp};

const API: &str = "https://api.stripe.com";
/// The version of the API that this client was written for.
const VERSION: &str = "2026-10-28.endive";
/// How long Stripe knows an idempotency key again, less a margin (docs.stripe.com/api/idempotent_requests: 24 hours).
const KEY_LIFETIME: Duration = Duration::from_secs(23 * 3600);
/// The most pages of 100 that are read of a list.
const MOST_PAGES: usize = 100;

/// Which of Stripe's flows takes the money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StripeFlow {
    /// Stripe's own page, to which the customer is sent: a payment has a `checkout_url`.
    #[default]
    CheckoutSession,
    /// A form in the shop's own page: a payment has a `client_secret`.
    PaymentIntent,
}

/// Stripe (stripe.com). What it was not given it cannot do: without a webhook secret it believes no event, without a
/// secret key it calls nobody.
///
/// ```
/// use ecommerce_core::{ReturnUrls, Stripe};
/// let urls = ReturnUrls::new("https://shop.example/thanks/{order_id}", "https://shop.example/cart")?;
/// let stripe = Stripe::new().webhook_secrets(&["whsec_new", "whsec_old"])?.secret_key("sk_test_abc", urls)?;
/// assert_eq!(format!("{stripe:?}"), "Stripe { webhook_secrets: 2, secret_key: true, flow: CheckoutSession }");
/// # Ok::<(), ecommerce_core::Invalid>(())
/// ```
#[derive(Clone, Default)]
pub struct Stripe {
    webhook_secrets: Vec<String>,
    http: Option<Http>,
    flow: StripeFlow,
}

impl Stripe {
    /// Stripe, not set up.
    pub fn new() -> Self {
        Self::default()
    }

    /// The signing secrets of the webhook endpoint, `whsec_...`: several while one is being rotated.
    ///
    /// # Errors
    /// When there is none, or one is empty or holds white space.
    pub fn webhook_secrets(mut self, secrets: &[&str]) -> Result<Self, Invalid> {
        if secrets.is_empty() {
            return Err(Invalid::new("must name at least one secret"));
        }
        self.webhook_secrets = secrets.iter().map(|one| secret(one)).collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// The secret key of the API, `sk_...`, and where customers come back to.
    ///
    /// # Errors
    /// When it is empty or holds white space.
    pub fn secret_key(mut self, key: &str, returns: ReturnUrls) -> Result<Self, Invalid> {
        self.http = Some(Http::new(API, key, returns)?);
        Ok(self)
    }

    /// Another address of the API, for tests: a scheme and a host. Call it after [`Self::secret_key`].
    ///
    /// # Errors
    /// When it is none, or a live key would cross a network in clear text.
    pub fn api_base(mut self, base: &str) -> Result<Self, Invalid> {
        check_base(base)?;
        self.http = self.http.map(|http| http.at(base)).transpose()?;
        Ok(self)
    }

    /// Which flow takes the money. Default: [`StripeFlow::CheckoutSession`].
    #[must_use]
    pub fn flow(mut self, flow: StripeFlow) -> Self {
        self.flow = flow;
        self
    }

    fn http(&self) -> Result<&Http, ProviderError> {
        self.http.as_ref().ok_or_else(|| ProviderError::Unavailable("there is no secret key".to_owned()))
    }

    async fn get(&self, path: &str) -> Result<Value, ProviderError> {
        let http = self.http()?;
        done(http.send(http.get(path).header("Stripe-Version", VERSION), Again::Yes).await?)
    }

    async fn post(&self, path: &str, key: &str, form: String) -> Result<Value, ProviderError> {
        let http = self.http()?;
        let request = http.post(path, "application/x-www-form-urlencoded", form);
        done(http.send(request.header("Stripe-Version", VERSION).header("Idempotency-Key", key), Again::Yes).await?)
    }

    /// Everything that a list has, page by page.
    async fn list(&self, path: &str, query: &str) -> Result<Vec<Value>, ProviderError> {
        let (mut all, mut after) = (Vec::new(), String::new());
        for _ in 0..MOST_PAGES {
            let page = self.get(&format!("{path}?{query}&limit=100{after}")).await?;
            let items = page.get("data").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            all.extend(items.iter().cloned());
            match items.last().and_then(|last| text(last, "id")) {
                Some(last) if page.get("has_more") == Some(&Value::Bool(true)) => after = format!("&starting_after={last}"),
                _ => return Ok(all),
            }
        }
        Err(ProviderError::Unavailable("a list that does not end".to_owned()))
    }

    /// The refund that carries our id, among those of the payment.
    async fn find_refund(&self, order: &RefundOrder) -> Result<Option<Value>, ProviderError> {
        let payment = order.payment.reference("pi_").map(|id| format!("payment_intent={id}"));
        let payment = payment.or_else(|| order.payment.reference("ch_").map(|id| format!("charge={id}")));
        let Some(payment) = payment else { return Ok(None) };
        let is_ours = |refund: &Value| event::refund(refund).is_ok_and(|news| news.id == Some(order.refund));
        Ok(self.list("/v1/refunds", &payment).await?.into_iter().find(is_ours))
    }

    /// The payment with its intent's name, which a refund needs and a session may not have told yet.
    async fn with_intent(&self, payment: &KnownAttempt) -> Result<KnownAttempt, ProviderError> {
        if payment.reference("pi_").or(payment.reference("ch_")).is_some() {
            return Ok(payment.clone());
        }
        let mut known = payment.clone();
        known.references.extend(self.fetch(payment).await?.subject.references);
        Ok(known)
    }
}

/// Never with a secret.
impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe")
            .field("webhook_secrets", &self.webhook_secrets.len())
            .field("secret_key", &self.http.is_some())
            .field("flow", &self.flow)
            .finish()
    }
}

#[async_trait]
impl PaymentProvider for Stripe {
    fn name(&self) -> ProviderName {
        ProviderName::Stripe
    }

    fn is_configured(&self) -> bool {
        self.is_callable() || !self.webhook_secrets.is_empty()
    }

    fn is_callable(&self) -> bool {
        self.http.is_some()
    }

    fn accepts(&self, total: Money) -> Result<(), NotAccepted> {
        amounts::accepts(total)
    }

    async fn begin(&self, attempt: &Attempt) -> Result<Begun, ProviderError> {
        let key = format!("pay:{}", attempt.payment);
        let (path, form) = match self.flow {
            StripeFlow::CheckoutSession => ("/v1/checkout/sessions", form::session(attempt, &self.http()?.returns)),
            StripeFlow::PaymentIntent => ("/v1/payment_intents", form::intent(attempt)),
        };
        let begun = self.post(path, &key, form.ok_or_else(|| refused("amount"))?).await?;
        let references: Vec<_> = [text(&begun, "id"), text(&begun, "payment_intent")].into_iter().flatten().collect();
        if references.is_empty() {
            return Err(ProviderError::Unavailable("an answer without an id".to_owned()));
        }
        // Of a session the secret is for a form that was not asked for.
        let client_secret = text(&begun, "client_secret").filter(|_| self.flow == StripeFlow::PaymentIntent);
        let checkout_url = begun.get("url").and_then(Value::as_str).map(str::to_owned);
        Ok(Begun { references, checkout_url, client_secret })
    }

    async fn fetch(&self, attempt: &KnownAttempt) -> Result<Report, ProviderError> {
        let report = if let Some(session) = attempt.reference("cs_") {
            event::session(&self.get(&format!("/v1/checkout/sessions/{session}")).await?)
        } else if let Some(intent) = attempt.reference("pi_") {
            event::intent(&self.get(&format!("/v1/payment_intents/{intent}")).await?)
        } else {
            return Err(refused("it has no name to ask by"));
        };
        report.map_err(refused)
    }

    async fn close(&self, attempt: &KnownAttempt) -> Result<Report, ProviderError> {
        // Closing twice is closing once, and how it stands is looked at anyway: no answer of an earlier time is wanted.
        let key = format!("close:{}:{:x}", attempt.payment, RandomState::new().hash_one(attempt.payment));
        let closed = if let Some(session) = attempt.reference("cs_") {
            let path = format!("/v1/checkout/sessions/{session}/expire");
            self.post(&path, &key, String::new()).await.map(|session| event::session(&session))
        } else if let Some(intent) = attempt.reference("pi_") {
            let path = format!("/v1/payment_intents/{intent}/cancel");
            self.post(&path, &key, String::new()).await.map(|intent| event::intent(&intent))
        } else {
            return Err(refused("it has no name to close it by"));
        };
        match closed {
            Ok(Ok(report)) if report.news == News::Failed => Ok(report),
            // It is not open any more, or the answer was lost: how it stands decides.
            _ => match self.fetch(attempt).await? {
                Report { news: News::Waiting, .. } => Err(ProviderError::Unavailable("it is still open".to_owned())),
                report => Ok(report),
            },
        }
    }

    async fn refund(&self, order: &RefundOrder) -> Result<RefundAnswer, ProviderError> {
        let order = RefundOrder { payment: self.with_intent(&order.payment).await?, ..order.clone() };
        // The key would not be known again by now.
        if order.sent_before.is_some_and(|age| age > KEY_LIFETIME)
            && let Some(refund) = self.find_refund(&order).await?
        {
            return answer(&refund);
        }
        let form = form::refund(&order).ok_or_else(|| refused("amount"))?;
        match self.post("/v1/refunds", &format!("refund:{}", order.refund), form).await {
            Err(ProviderError::Refused(code)) if code == "charge_already_refunded" => {
                let (id, amount, status) = (Some(order.refund), order.amount, RefundProgress::Succeeded);
                let news = RefundNews { id, reference: None, amount, status, may_be_ours: false };
                Ok(RefundAnswer { news, handle: None })
            }
            refund => answer(&refund?),
        }
    }

    async fn fetch_refund(&self, refund: &SentRefund) -> Result<RefundAnswer, ProviderError> {
        answer(&self.get(&format!("/v1/refunds/{}", refund.handle)).await?)
    }

    async fn missed_events(&self, since: Timestamp, until: Option<Timestamp>) -> Result<Vec<String>, ProviderError> {
        let until = until.map(|until| format!("&created[lte]={}", until.as_seconds())).unwrap_or_default();
        let mut events = Vec::new();
        // Kind by kind, so that what is not used fills no page.
        for kind in event::KINDS {
            let query = format!("type={kind}&created[gte]={}{until}", since.as_seconds());
            events.extend(self.list("/v1/events", &query).await?);
        }
        events.sort_by_key(|event: &Value| event.get("created").and_then(Value::as_i64));
        Ok(events.iter().map(Value::to_string).collect())
    }

    fn signature_header(&self) -> Option<&'static str> {
        Some("stripe-signature")
    }

    fn verify_webhook(&self, signatures: &[&str], body: &[u8], now: Timestamp) -> Result<(), WebhookError> {
        if self.webhook_secrets.is_empty() {
            return Err(WebhookError::NotConfigured(ProviderName::Stripe));
        }
        signature::verify(&self.webhook_secrets, once(signatures)?, body, now)
    }

    fn read_event(&self, body: &str) -> Result<ProviderEvent, WebhookError> {
        event::parse(body)
    }
}

/// What was done, or why not (docs.stripe.com/api/errors).
fn done(answer: Answer) -> Result<Value, ProviderError> {
    if answer.status.is_success() {
        return Ok(answer.body);
    }
    let Some(error) = answer.body.get("error").filter(|error| error.is_object()) else {
        // Not Stripe's word: something on the way to it said so.
        return Err(ProviderError::Unavailable(format!("status {}", answer.status.as_u16())));
    };
    let kind = text(error, "type").unwrap_or_default();
    if kind == "idempotency_error" {
        return Err(ProviderError::NameTaken);
    }
    let code = text(error, "code").filter(|code| is_word(code)).or(Some(kind).filter(|kind| is_word(kind)));
    Err(ProviderError::Refused(code.unwrap_or_else(|| format!("status {}", answer.status.as_u16()))))
}

/// Only a stable word is passed on: a message may hold what a customer wrote.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn answer(refund: &Value) -> Result<RefundAnswer, ProviderError> {
    let news = event::refund(refund).map_err(|reason| ProviderError::Unavailable(reason.to_owned()))?;
    Ok(RefundAnswer { handle: news.reference.clone(), news })
}

fn refused(reason: &str) -> ProviderError {
    ProviderError::Refused(reason.to_owned())
}
