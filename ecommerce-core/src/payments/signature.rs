//! What proves that a webhook comes from its provider: signatures over the raw bytes, compared in constant time.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};

use super::WebhookError;
use crate::{Invalid, ProviderName, Timestamp};

/// How old a signature of Stripe's may be, in seconds (docs.stripe.com/webhooks, "preventing replay attacks").
const TOLERANCE_SECONDS: i64 = 300;

/// What proves that a webhook comes from its provider. Never printed.
///
/// ```
/// use ecommerce_core::WebhookSecrets;
/// let secrets = WebhookSecrets::default().stripe(&["whsec_new", "whsec_old"])?.paystack("sk_live_abc")?;
/// assert_eq!(format!("{secrets:?}"), "WebhookSecrets { stripe: 2, paystack: true }");
/// # Ok::<(), ecommerce_core::Invalid>(())
/// ```
#[derive(Clone, Default)]
pub struct WebhookSecrets {
    stripe: Vec<String>,
    paystack: Option<String>,
}

impl WebhookSecrets {
    /// The signing secrets of Stripe's endpoint, `whsec_...`: several while one is being rotated.
    ///
    /// # Errors
    /// When there is none, or one is empty or holds white space.
    pub fn stripe(mut self, secrets: &[&str]) -> Result<Self, Invalid> {
        if secrets.is_empty() {
            return Err(Invalid::new("must name at least one secret"));
        }
        self.stripe = secrets.iter().map(|secret| check(secret)).collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// Paystack's API secret key, with which it signs: it has no other.
    ///
    /// # Errors
    /// When it is empty or holds white space.
    pub fn paystack(mut self, key: &str) -> Result<Self, Invalid> {
        self.paystack = Some(check(key)?);
        Ok(self)
    }

    pub(crate) fn are_set_for(&self, provider: ProviderName) -> bool {
        match provider {
            ProviderName::Stripe => !self.stripe.is_empty(),
            ProviderName::Paystack => self.paystack.is_some(),
            ProviderName::Manual => false,
        }
    }

    /// Does the signature header, given exactly once, fit these raw bytes?
    pub(super) fn verify(
        &self,
        provider: ProviderName,
        headers: &[&str],
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), WebhookError> {
        if !self.are_set_for(provider) {
            return Err(WebhookError::NotConfigured(provider));
        }
        let [header] = headers else {
            return Err(WebhookError::Signature(if headers.is_empty() { "is missing" } else { "is there more than once" }));
        };
        match (provider, &self.paystack) {
            (ProviderName::Paystack, Some(key)) => verify_paystack(key, header, body),
            _ => verify_stripe(&self.stripe, header, body, now),
        }
    }
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSecrets").field("stripe", &self.stripe.len()).field("paystack", &self.paystack.is_some()).finish()
    }
}

fn check(secret: &str) -> Result<String, Invalid> {
    if secret.is_empty() || secret.chars().any(char::is_whitespace) {
        return Err(Invalid::new("must not be empty or hold white space"));
    }
    Ok(secret.to_owned())
}

/// `t=<seconds>,v1=<hex>,...`: HMAC-SHA256 of `<t>.<body>` under any of the secrets, in any of the `v1` items.
fn verify_stripe(secrets: &[String], header: &str, body: &[u8], now: Timestamp) -> Result<(), WebhookError> {
    let items = || header.split(',').filter_map(|item| item.split_once('='));
    let time = items().find(|(key, _)| *key == "t").map(|(_, time)| time);
    let time = time.filter(|time| !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit()));
    let time = time.ok_or(WebhookError::Signature("has no time"))?;
    let signatures: Vec<_> = items().filter(|(key, _)| *key == "v1").filter_map(|(_, hex)| bytes(hex)).collect();
    let fits = |secret: &String, signature: &Vec<u8>| {
        Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .is_ok_and(|mac| mac.chain_update(time).chain_update(".").chain_update(body).verify_slice(signature).is_ok())
    };
    if !secrets.iter().any(|secret| signatures.iter().any(|signature| fits(secret, signature))) {
        return Err(WebhookError::Signature("does not fit the body"));
    }
    let seconds: i64 = time.parse().map_err(|_| WebhookError::Signature("has no time"))?;
    if now.as_seconds().saturating_sub(seconds) > TOLERANCE_SECONDS {
        return Err(WebhookError::Signature("is too old"));
    }
    Ok(())
}

/// The lower-case hexadecimal HMAC-SHA512 of the body under the API key.
fn verify_paystack(key: &str, header: &str, body: &[u8]) -> Result<(), WebhookError> {
    let fits = bytes(header).is_some_and(|signature| {
        Hmac::<Sha512>::new_from_slice(key.as_bytes()).is_ok_and(|mac| mac.chain_update(body).verify_slice(&signature).is_ok())
    });
    if fits { Ok(()) } else { Err(WebhookError::Signature("does not fit the body")) }
}

/// Reads lower-case hexadecimal, as both providers write it.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_test_webhook","object":"event"}"#;
    const GOOD: &str = "d95c6b7477fbd7e9f90b1b0ef5f9c7ac25abca5382460e0d988c2b2a5b71b990";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn stripe(header: &str, now: i64) -> bool {
        let secrets = WebhookSecrets::default().stripe(&["whsec_other", "whsec_test_secret"]).unwrap();
        secrets.verify(ProviderName::Stripe, &[header], BODY, at(now)).is_ok()
    }

    #[test]
    fn what_stripe_s_own_libraries_accept() {
        let bad = GOOD.replace('d', "e");
        for header in [
            format!("t=1700000000,v1={GOOD}"),
            format!("v1={GOOD},t=1700000000"),
            format!("t=1700000000,v1={GOOD},v0={bad},v2=x"),
            format!("t=1700000000,junk,v1={GOOD}"),
            format!("t=1700000000,v1={bad},v1={GOOD}"),
        ] {
            assert!(stripe(&header, 1_700_000_000), "{header}");
        }
        assert!(stripe(&format!("t=1700000000,v1={GOOD}"), 1_700_000_300), "exactly 300 s old");
        assert!(stripe(&format!("t=1700000000,v1={GOOD}"), 1_600_000_000), "from the future");
    }

    #[test]
    fn what_stripe_s_own_libraries_reject() {
        for header in [
            String::new(),
            format!("t=1700000000,v0={GOOD}"),
            format!("v1={GOOD}"),
            format!("t=,v1={GOOD}"),
            format!("t=1700000000,v1={}", &GOOD[..62]),
            format!("t=1700000000,v1={}", GOOD.to_uppercase()),
            format!("t=1700000000, v1={GOOD}"),
            format!("t=1700000001,v1={GOOD}"),
            "t=1700000000,v1=".to_owned(),
        ] {
            assert!(!stripe(&header, 1_700_000_000), "{header}");
        }
        assert!(!stripe(&format!("t=1700000000,v1={GOOD}"), 1_700_000_301), "301 s old");
    }

    #[test]
    fn a_header_comes_once() {
        let secrets = WebhookSecrets::default().stripe(&["whsec_test_secret"]).unwrap();
        let good = format!("t=1700000000,v1={GOOD}");
        assert!(secrets.verify(ProviderName::Stripe, &[], BODY, at(1_700_000_000)).is_err());
        assert!(secrets.verify(ProviderName::Stripe, &[&good, &good], BODY, at(1_700_000_000)).is_err());
        let unset = secrets.verify(ProviderName::Paystack, &[&good], BODY, at(1_700_000_000));
        assert!(matches!(unset, Err(WebhookError::NotConfigured(ProviderName::Paystack))));
    }

    #[test]
    fn paystack_s_vector() {
        let body = br#"{"event":"charge.success","data":{"id":302961,"domain":"test","status":"success","reference":"ord-42-1","amount":10000,"currency":"NGN"}}"#;
        let good = "cede13533e5d6ae1038c54228507119e10469b90b4bae0a7a0dcbcd7bdde19d7437ade9e29b1d8938fe42e50d85adf605c7a0dd16881383166d3a1393e319c0f";
        let secrets = WebhookSecrets::default().paystack("sk_test_abc").unwrap();
        let verify = |header: &str, body: &[u8]| secrets.verify(ProviderName::Paystack, &[header], body, at(0)).is_ok();
        assert!(verify(good, body));
        assert!(!verify(&good.to_uppercase(), body) && !verify("", body) && !verify(good, &body[1..]));
    }

    #[test]
    fn secrets_with_white_space_are_mistakes() {
        for secret in ["", " whsec_a", "whsec_a\n", "whsec a"] {
            assert!(WebhookSecrets::default().stripe(&[secret]).is_err() && WebhookSecrets::default().paystack(secret).is_err());
        }
        assert!(WebhookSecrets::default().stripe(&[]).is_err());
    }
}
