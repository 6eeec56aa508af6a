//! Signatures of webhooks: believed is what was signed with the secret, and nothing else.
//!
//! The input is a header, a line break, and the body. In the header, `{now}` stands for the time of the shop, `{new}` and
//! `{old}` for Stripe's signatures under its two secrets, and `{paystack}` for Paystack's.

#![no_main]

use ecommerce_core::{PaymentProvider, Paystack, Stripe, Timestamp};
use ecommerce_fuzz::{NOW, PAYSTACK_KEY, STRIPE_SECRETS, paystack_signature, stripe_signature};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (header, body) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    let Ok(header) = std::str::from_utf8(header) else { return };
    let header = header.replace("{now}", &NOW.to_string());
    let stripe = Stripe::new().webhook_secrets(&STRIPE_SECRETS).expect("good secrets");
    let paystack = Paystack::new().webhook_key(PAYSTACK_KEY).expect("a good key");
    let [new, old] = STRIPE_SECRETS.map(|secret| stripe_signature(secret, time(&header).unwrap_or_default(), body));
    let signed = header.replace("{new}", &new).replace("{old}", &old);
    believes_only_what_was_signed(
        &stripe,
        &signed,
        body,
        is_in_time(&header) && items(&signed, "v1").any(|v1| v1 == new || v1 == old),
    );
    let good = paystack_signature(body);
    let signed = header.replace("{paystack}", &good);
    believes_only_what_was_signed(&paystack, &signed, body, signed == good);
});

fn believes_only_what_was_signed(provider: &impl PaymentProvider, header: &str, body: &[u8], is_good: bool) {
    let now = Timestamp::from_micros(NOW * 1_000_000);
    let believes = |headers: &[&str], body: &[u8]| provider.verify_webhook(headers, body, now).is_ok();
    assert_eq!(believes(&[header], body), is_good, "{} by {header:?}", provider.name());
    assert!(!believes(&[header, header], body) && !believes(&[], body), "there must be one header");
    if is_good {
        let mut other = body.to_vec();
        other.push(b' ');
        assert!(!believes(&[header], &other), "another body was believed");
        if let Some(byte) = other.first_mut() {
            *byte ^= 1;
        }
        assert!(!believes(&[header], &other[..body.len()]) || body.is_empty(), "a changed body was believed");
    }
}

/// The values of a key in Stripe's header.
fn items<'h>(header: &'h str, key: &'h str) -> impl Iterator<Item = &'h str> {
    header.split(',').filter_map(move |item| item.split_once('=').filter(|(name, _)| *name == key).map(|(_, value)| value))
}

/// The time that was signed: the first that stands there.
fn time(header: &str) -> Option<&str> {
    items(header, "t").next()
}

fn is_in_time(header: &str) -> bool {
    let seconds = time(header).filter(|time| !time.starts_with(['+', '-'])).and_then(|time| time.parse::<i64>().ok());
    seconds.is_some_and(|seconds| seconds >= NOW - 300)
}
