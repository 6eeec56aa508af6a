//! Calls over HTTP: with time limits, growing pauses between tries, answers of bounded size, and no secret in any text.

use std::{fmt, time::Duration};

use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
    redirect,
};
use serde_json::Value;

use super::{ProviderError, signature};
use crate::{Invalid, OrderId, backoff};

/// How often a call is made that gets no good answer. Whoever waits for it may stop waiting sooner.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes that are read of an answer.
const LONGEST_ANSWER: usize = 4 * 1024 * 1024;

/// Where a provider sends the customer back to. `{order_id}` is filled in.
///
/// ```
/// use ecommerce_core::ReturnUrls;
/// assert!(ReturnUrls::new("https://shop.example/thanks?order={order_id}", "https://shop.example/cart").is_ok());
/// assert!(ReturnUrls::new("shop.example", "https://shop.example").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnUrls {
    success: String,
    cancel: String,
}

impl ReturnUrls {
    /// Where to go after the payment, and where to go without one.
    ///
    /// # Errors
    /// When one of them is no URL of http or https.
    pub fn new(success: &str, cancel: &str) -> Result<Self, Invalid> {
        for url in [success, cancel] {
            let parsed = reqwest::Url::parse(&url.replace("{order_id}", "1")).ok();
            if !parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https")) {
                return Err(Invalid::new("must be a URL of http or https"));
            }
        }
        Ok(Self { success: success.to_owned(), cancel: cancel.to_owned() })
    }

    pub(super) fn success(&self, order: OrderId) -> String {
        self.success.replace("{order_id}", &order.to_string())
    }

    pub(super) fn cancel(&self, order: OrderId) -> String {
        self.cancel.replace("{order_id}", &order.to_string())
    }
}

/// A provider's API: where it is, and the key that opens it.
#[derive(Clone)]
pub(super) struct Http {
    client: Client,
    base: String,
    key: String,
    pub(super) returns: ReturnUrls,
}

/// An answer that says what was done.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

/// May a call be made again after it got no answer?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// The provider knows it again, or it changes nothing.
    Yes,
    /// Only where it surely was not heard.
    OnlyUnheard,
}

impl Http {
    /// # Errors
    /// When the key is empty or holds white space, or the base is no URL.
    pub(super) fn new(base: &str, key: &str, returns: ReturnUrls) -> Result<Self, Invalid> {
        let key = signature::secret(key)?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(concat!("ecommerce-core/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Invalid::new(format!("cannot be called: {}", error.without_url())))?;
        Self { client, base: String::new(), key, returns }.at(base)
    }

    /// The same API elsewhere.
    ///
    /// # Errors
    /// When it is no URL of http or https without a path, or a live key would cross a network in clear text.
    pub(super) fn at(self, base: &str) -> Result<Self, Invalid> {
        let url = check_base(base)?;
        if url.scheme() == "http" && !is_loopback(&url) && self.key.contains("_live_") {
            return Err(Invalid::new("must begin with https: a live key is not sent in clear text"));
        }
        Ok(Self { base: base.trim_end_matches('/').to_owned(), ..self })
    }

    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.client.request(Method::GET, format!("{}{path}", self.base)).bearer_auth(&self.key)
    }

    pub(super) fn post(&self, path: &str, media_type: &'static str, body: String) -> RequestBuilder {
        let request = self.client.request(Method::POST, format!("{}{path}", self.base)).bearer_auth(&self.key);
        request.header(CONTENT_TYPE, HeaderValue::from_static(media_type)).body(body)
    }

    /// Makes the call, and makes it again where that may help.
    pub(super) async fn send(&self, request: RequestBuilder, again: Again) -> Result<Answer, ProviderError> {
        let mut attempt = 0;
        loop {
            let once = request.try_clone().ok_or_else(|| ProviderError::Unavailable("the call cannot be made".to_owned()))?;
            let failure = match self.send_once(once).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            attempt += 1;
            if attempt >= TRIES || !(failure.may_help && (again == Again::Yes || failure.was_unheard)) {
                return Err(ProviderError::Unavailable(failure.reason));
            }
            tracing::debug!(attempt, reason = failure.reason, "a call to a provider failed, trying again");
            tokio::time::sleep(backoff::pause(attempt, FIRST_PAUSE, LONGEST_PAUSE)).await;
        }
    }

    async fn send_once(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let response = request.send().await.map_err(|error| Failure::of(&error))?;
        let (status, advice) = (response.status(), advice(&response));
        let is_told = status.is_success() || status.is_client_error();
        let unsettled = !is_told || matches!(status.as_u16(), 401 | 403 | 408 | 409 | 429) || advice == Some(true);
        if unsettled {
            let may_help = advice.unwrap_or(!matches!(status.as_u16(), 401 | 403));
            let was_unheard = status == StatusCode::TOO_MANY_REQUESTS;
            return Err(Failure { reason: format!("status {}", status.as_u16()), may_help, was_unheard });
        }
        let body = read(response).await?;
        // What was done stands in the body: without it, nothing is known.
        let body = serde_json::from_slice(&body).or_else(|_| {
            let broken = Failure { reason: "an answer that is not JSON".to_owned(), may_help: true, was_unheard: false };
            if status.is_success() { Err(broken) } else { Ok(Value::Null) }
        })?;
        Ok(Answer { status, body })
    }
}

/// Never with the key.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("base", &self.base).finish_non_exhaustive()
    }
}

/// A try that got no answer that says what was done.
struct Failure {
    reason: String,
    may_help: bool,
    was_unheard: bool,
}

impl Failure {
    fn of(error: &reqwest::Error) -> Self {
        let reason = if error.is_timeout() {
            "timed out"
        } else if error.is_connect() {
            "cannot connect"
        } else {
            "the connection broke"
        };
        Self { reason: reason.to_owned(), may_help: !error.is_builder(), was_unheard: error.is_connect() }
    }
}

/// Stripe says itself whether a try may help (docs.stripe.com/error-low-level).
fn advice(response: &Response) -> Option<bool> {
    match response.headers().get("stripe-should-retry")?.to_str().ok()? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Failure::of(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_ANSWER {
            return Err(Failure { reason: "an answer that does not end".to_owned(), may_help: false, was_unheard: false });
        }
    }
    Ok(body)
}

/// An API is at a scheme and a host.
///
/// # Errors
/// When it is no URL of http or https, or has a path.
pub(super) fn check_base(base: &str) -> Result<reqwest::Url, Invalid> {
    let url = reqwest::Url::parse(base).ok();
    url.filter(|url| matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none())
        .ok_or_else(|| Invalid::new("must be a scheme and a host, such as https://api.example.com"))
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The same library and roots as for the database: no second TLS, and no need of certificates on the machine.
fn tls() -> Result<rustls::ClientConfig, Invalid> {
    let roots = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| Invalid::new(format!("cannot be called: {error}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(base: &str, key: &str) -> Result<Http, Invalid> {
        Http::new(base, key, ReturnUrls::new("http://shop.example/{order_id}", "http://shop.example").unwrap())
    }

    #[test]
    fn a_base_is_a_scheme_and_a_host() {
        for base in ["https://api.stripe.com", "http://127.0.0.1:8001/", "http://mock:12111"] {
            assert!(http(base, "sk_test_1").is_ok(), "{base}");
        }
        for base in ["", "api.stripe.com", "ftp://api.stripe.com", "https://api.stripe.com/v1", "https://x/?y"] {
            assert!(http(base, "sk_test_1").is_err(), "{base}");
        }
    }

    #[test]
    fn a_live_key_stays_off_the_network_in_clear_text() {
        assert!(http("http://mock:12111", "sk_live_1").is_err());
        for base in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://api.stripe.com"] {
            assert!(http(base, "sk_live_1").is_ok(), "{base}");
        }
    }

    #[test]
    fn a_key_is_not_printed() {
        assert!(!format!("{:?}", http("https://api.stripe.com", "sk_test_geheim").unwrap()).contains("geheim"));
        assert!(http("https://api.stripe.com", "sk_test 1").is_err() && http("https://api.stripe.com", "").is_err());
    }
}
