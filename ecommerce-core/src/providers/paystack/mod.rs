//! Paystack: transactions on its page, refunds, and verification (paystack.com/docs/api).

mod amounts;
mod event;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use hmac::Hmac;
use serde_json::{Value, json};
use sha2::Sha512;

use super::{
    Attempt, Begun, KnownAttempt, News, NotAccepted, PaymentProvider, ProviderError, ProviderEvent, RefundAnswer, RefundOrder,
    Report, SentRefund, WebhookError,
    http::{Again, Answer, Http, ReturnUrls, check_base},
    json::text,
    signature::{bytes, fits, once, secret},
};
use crate::{Invalid, Money, ProviderName, Timestamp};

const API: &str = "https://api.paystack.co";
const PER_PAGE: usize = 100;
/// The most pages that are read of a list.
const MOST_PAGES: usize = 100;

/// How far Paystack's clock may be behind ours.
const CLOCKS_DIFFER: Duration = Duration::from_secs(24 * 3600);
/// Lists go by when something began; what is looked for is how it ended.
const LONGEST_PAYMENT: Duration = Duration::from_secs(3600);
const LONGEST_DISPUTE: Duration = Duration::from_secs(60 * 24 * 3600);

/// Paystack (paystack.com). Without a secret key it believes no event and calls nobody.
///
/// ```
/// use ecommerce_core::{Paystack, ReturnUrls};
/// let urls = ReturnUrls::new("https://shop.example/thanks/{order_id}", "https://shop.example/cart")?;
/// let paystack = Paystack::new().secret_key("sk_test_abc", urls)?;
/// assert_eq!(format!("{paystack:?}"), "Paystack { secret_key: true, calls: true }");
/// # Ok::<(), ecommerce_core::Invalid>(())
/// ```
#[derive(Clone, Default)]
pub struct Paystack {
    key: Option<String>,
    http: Option<Http>,
}

impl Paystack {
    /// Paystack, not set up.
    pub fn new() -> Self {
        Self::default()
    }

    /// The secret key, `sk_...`, and where customers come back to. Paystack signs its webhooks with it, too.
    ///
    /// # Errors
    /// When it is empty or holds white space.
    pub fn secret_key(self, key: &str, returns: ReturnUrls) -> Result<Self, Invalid> {
        Ok(Self { http: Some(Http::new(API, key, returns)?), ..self.webhook_key(key)? })
    }

    /// The secret key for its webhooks alone: they are believed, and nobody is called.
    ///
    /// # Errors
    /// When it is empty or holds white space.
    pub fn webhook_key(mut self, key: &str) -> Result<Self, Invalid> {
        self.key = Some(secret(key)?);
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

    fn http(&self) -> Result<&Http, ProviderError> {
        self.http.as_ref().ok_or_else(|| ProviderError::Unavailable("there is no secret key".to_owned()))
    }

    async fn get(&self, path: &str) -> Result<Value, ProviderError> {
        let http = self.http()?;
        done(http.send(http.get(path), Again::Yes).await?)
    }

    async fn post(&self, path: &str, body: &Value, again: Again) -> Result<Value, ProviderError> {
        let http = self.http()?;
        done(http.send(http.post(path, "application/json", body.to_string()), again).await?)
    }

    /// What a list has, newest first, page by page until something is found in it.
    async fn list(&self, path: &str, query: &str, found: impl Fn(&Value) -> bool + Sync) -> Result<Vec<Value>, ProviderError> {
        let mut all: Vec<Value> = Vec::new();
        for page in 1..=MOST_PAGES {
            let list = self.get(&format!("{path}?perPage={PER_PAGE}&page={page}{query}")).await?;
            let items = list.as_array().map_or(&[][..], Vec::as_slice);
            // Something that heeds no page number says the same again.
            let is_last = items.len() < PER_PAGE || (page > 1 && items.first() == all.first());
            all.extend(items.iter().cloned());
            if is_last || items.iter().any(&found) {
                return Ok(all);
            }
        }
        Err(ProviderError::Unavailable("a list that does not end".to_owned()))
    }

    /// The refund that carries our id in its note.
    async fn find_refund(&self, order: &RefundOrder) -> Result<Option<Value>, ProviderError> {
        let is_ours = |refund: &Value| event::our_refund(refund) == Some(order.refund);
        let since = format!("&from={}", order.ordered_at.before(CLOCKS_DIFFER));
        Ok(self.list("/refund", &since, is_ours).await?.into_iter().find(is_ours))
    }
}

/// Never with the key.
impl fmt::Debug for Paystack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paystack").field("secret_key", &self.key.is_some()).field("calls", &self.http.is_some()).finish()
    }
}

#[async_trait]
impl PaymentProvider for Paystack {
    fn name(&self) -> ProviderName {
        ProviderName::Paystack
    }

    fn is_configured(&self) -> bool {
        self.key.is_some()
    }

    fn is_callable(&self) -> bool {
        self.http.is_some()
    }

    fn accepts(&self, total: Money) -> Result<(), NotAccepted> {
        amounts::accepts(total)
    }

    async fn begin(&self, attempt: &Attempt) -> Result<Begun, ProviderError> {
        let reference = reference(attempt);
        let units = amounts::DIGITS.units(attempt.amount).ok_or_else(|| ProviderError::Refused("amount".to_owned()))?;
        let body = json!({
            "email": attempt.email,
            "amount": units.to_string(),
            "currency": attempt.amount.currency(),
            "reference": reference,
            "callback_url": self.http()?.returns.success(attempt.order),
            "metadata": { "order_id": attempt.order.to_string(), "payment_id": attempt.payment.to_string() },
        });
        // The reference is unique for ever: a second try of what was heard is refused as a duplicate.
        let begun = self.post("/transaction/initialize", &body, Again::Yes).await?;
        let checkout_url = begun.get("authorization_url").and_then(Value::as_str).map(str::to_owned);
        Ok(Begun { references: vec![text(&begun, "reference").unwrap_or(reference)], checkout_url, client_secret: None })
    }

    async fn fetch(&self, attempt: &KnownAttempt) -> Result<Report, ProviderError> {
        let reference = name(attempt)?;
        let data = self.get(&format!("/transaction/verify/{reference}")).await?;
        event::transaction(&data).map_err(|reason| ProviderError::Refused(reason.to_owned()))
    }

    /// A transaction cannot be cancelled: a late payment is always possible, also of one that failed, and all that can be
    /// done is to ask.
    async fn close(&self, attempt: &KnownAttempt) -> Result<Report, ProviderError> {
        let report = self.fetch(attempt).await?;
        let news = if report.news == News::Failed { News::Waiting } else { report.news };
        Ok(Report { news, ..report })
    }

    async fn refund(&self, order: &RefundOrder) -> Result<RefundAnswer, ProviderError> {
        // There is no idempotency: what may have been heard is looked for before it is said again.
        if order.sent_before.is_some()
            && let Some(refund) = self.find_refund(order).await?
        {
            return answer(&refund);
        }
        let amount = amounts::DIGITS.units(order.amount).ok_or_else(|| ProviderError::Refused("amount".to_owned()))?;
        let note = format!("refund:{}", order.refund);
        let body = json!({ "transaction": name(&order.payment)?, "amount": amount, "merchant_note": note });
        answer(&self.post("/refund", &body, Again::OnlyUnheard).await?).map(|mut answer| {
            answer.news.id = Some(order.refund);
            answer
        })
    }

    async fn fetch_refund(&self, refund: &SentRefund) -> Result<RefundAnswer, ProviderError> {
        answer(&self.get(&format!("/refund/{}", refund.handle)).await?)
    }

    /// Paystack keeps no events, but what they would tell: its successful transactions, and the disputes about them.
    async fn missed_events(&self, since: Timestamp, until: Option<Timestamp>) -> Result<Vec<String>, ProviderError> {
        let until = until.map(|until| format!("&to={until}")).unwrap_or_default();
        let list = async |path: &str, query: &str, longest: Duration| {
            self.list(path, &format!("{query}&from={}{until}", since.before(longest)), |_| false).await
        };
        let paid = list("/transaction", "&status=success", LONGEST_PAYMENT).await?;
        let disputed = list("/dispute", "", LONGEST_DISPUTE).await?;
        let paid = paid.iter().rev().map(|data| json!({ "event": "charge.success", "data": data }));
        let disputed = disputed.iter().rev().map(|data| {
            let is_over = text(data, "status").as_deref() == Some("resolved");
            json!({ "event": if is_over { "charge.dispute.resolve" } else { "charge.dispute.create" }, "data": data })
        });
        Ok(paid.chain(disputed).map(|event| event.to_string()).collect())
    }

    fn signature_header(&self) -> Option<&'static str> {
        Some("x-paystack-signature")
    }

    /// The lower-case hexadecimal HMAC-SHA512 of the body under the secret key.
    fn verify_webhook(&self, signatures: &[&str], body: &[u8], _now: Timestamp) -> Result<(), WebhookError> {
        let key = self.key.as_ref().ok_or(WebhookError::NotConfigured(ProviderName::Paystack))?;
        let fits = bytes(once(signatures)?).is_some_and(|signature| fits::<Hmac<Sha512>>(key, &[body], &[signature]));
        if fits { Ok(()) } else { Err(WebhookError::Signature("does not fit the body")) }
    }

    fn read_event(&self, body: &str) -> Result<ProviderEvent, WebhookError> {
        event::parse(body)
    }
}

/// Made of what Paystack allows, and used once in the world.
fn reference(attempt: &Attempt) -> String {
    format!("order-{}-{}-{}", attempt.order, attempt.payment, attempt.nonce)
}

/// The reference to ask by.
fn name(attempt: &KnownAttempt) -> Result<&str, ProviderError> {
    attempt.reference("").ok_or_else(|| ProviderError::Refused("it has no name to ask by".to_owned()))
}

/// What was done, or why not: `{status, message, data}`, and perhaps a `code`.
fn done(answer: Answer) -> Result<Value, ProviderError> {
    let Answer { status, mut body } = answer;
    if status.is_success() && body.get("status") != Some(&Value::Bool(false)) {
        return Ok(body.get_mut("data").map(Value::take).unwrap_or_default());
    }
    if body.get("status") != Some(&Value::Bool(false)) {
        // Not Paystack's word: something on the way to it said so.
        return Err(ProviderError::Unavailable(format!("status {}", status.as_u16())));
    }
    let code = text(&body, "code").unwrap_or_default();
    let message = text(&body, "message").unwrap_or_default().to_ascii_lowercase();
    if code == "duplicate_reference" || message.contains("duplicate transaction reference") {
        return Err(ProviderError::NameTaken);
    }
    // Of the message nothing is passed on: it may hold what a customer wrote.
    let is_word = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    Err(ProviderError::Refused(if is_word { code } else { format!("status {}", status.as_u16()) }))
}

fn answer(refund: &Value) -> Result<RefundAnswer, ProviderError> {
    let news = event::refund(refund).map_err(|reason| ProviderError::Unavailable(reason.to_owned()))?;
    Ok(RefundAnswer { news, handle: text(refund, "id") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paystack_s_vector() {
        let body = br#"{"event":"charge.success","data":{"id":302961,"domain":"test","status":"success","reference":"ord-42-1","amount":10000,"currency":"NGN"}}"#;
        let good = "cede13533e5d6ae1038c54228507119e10469b90b4bae0a7a0dcbcd7bdde19d7437ade9e29b1d8938fe42e50d85adf605c7a0dd16881383166d3a1393e319c0f";
        let paystack = Paystack::new().webhook_key("sk_test_abc").unwrap();
        let verify = |header: &str, body: &[u8]| paystack.verify_webhook(&[header], body, Timestamp::from_micros(0)).is_ok();
        assert!(verify(good, body));
        assert!(!verify(&good.to_uppercase(), body) && !verify("", body) && !verify(good, &body[1..]));
    }
}
