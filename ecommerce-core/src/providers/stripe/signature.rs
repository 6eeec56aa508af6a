//! `Stripe-Signature` (docs.stripe.com/webhooks, "verify webhook signatures manually").

use hmac::Hmac;
use sha2::Sha256;

use crate::{
    Timestamp, WebhookError,
    providers::signature::{bytes, fits},
};

/// How old a signature may be, in seconds (docs.stripe.com/webhooks, "preventing replay attacks").
const TOLERANCE_SECONDS: i64 = 300;

/// `t=<seconds>,v1=<hex>,...`: HMAC-SHA256 of `<t>.<body>` under any of the secrets, in any of the `v1` items.
pub(super) fn verify(secrets: &[String], header: &str, body: &[u8], now: Timestamp) -> Result<(), WebhookError> {
    let items = || header.split(',').filter_map(|item| item.split_once('='));
    let time = items().find(|(key, _)| *key == "t").map(|(_, time)| time);
    let time = time.filter(|time| !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit()));
    let time = time.ok_or(WebhookError::Signature("has no time"))?;
    let signatures: Vec<_> = items().filter(|(key, _)| *key == "v1").filter_map(|(_, hex)| bytes(hex)).collect();
    let signed = |secret: &String| fits::<Hmac<Sha256>>(secret, &[time.as_bytes(), b".", body], &signatures);
    if !secrets.iter().any(signed) {
        return Err(WebhookError::Signature("does not fit the body"));
    }
    let seconds: i64 = time.parse().map_err(|_| WebhookError::Signature("has no time"))?;
    if now.as_seconds().saturating_sub(seconds) > TOLERANCE_SECONDS {
        return Err(WebhookError::Signature("is too old"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PaymentProvider, Stripe};

    const BODY: &[u8] = br#"{"id":"evt_test_webhook","object":"event"}"#;
    const GOOD: &str = "d95c6b7477fbd7e9f90b1b0ef5f9c7ac25abca5382460e0d988c2b2a5b71b990";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn stripe(header: &str, now: i64) -> bool {
        let stripe = Stripe::new().webhook_secrets(&["whsec_other", "whsec_test_secret"]).unwrap();
        stripe.verify_webhook(&[header], BODY, at(now)).is_ok()
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

    /// It once was read for each of them, and a stranger's request could take a core for half a minute.
    #[test]
    fn a_body_is_read_once_however_many_signatures_there_are() {
        let stripe = Stripe::new().webhook_secrets(&["whsec_new", "whsec_old"]).unwrap();
        let (header, body) = (format!("t=1700000000,{}", "v1=,".repeat(8_000)), vec![b' '; 1 << 20]);
        let start = std::time::Instant::now();
        assert!(stripe.verify_webhook(&[&header], &body, at(1_700_000_000)).is_err());
        assert!(start.elapsed() < std::time::Duration::from_secs(30), "{:?}", start.elapsed());
    }

    #[test]
    fn a_header_comes_once() {
        let stripe = Stripe::new().webhook_secrets(&["whsec_test_secret"]).unwrap();
        let good = format!("t=1700000000,v1={GOOD}");
        assert!(stripe.verify_webhook(&[], BODY, at(1_700_000_000)).is_err());
        assert!(stripe.verify_webhook(&[&good, &good], BODY, at(1_700_000_000)).is_err());
        let unset = Stripe::new().verify_webhook(&[&good], BODY, at(1_700_000_000));
        assert!(matches!(unset, Err(WebhookError::NotConfigured(crate::ProviderName::Stripe))));
    }
}
