//! Stripe's webhooks: the signature, and what a `checkout.session.completed` says.

use ecommerce_benches::server::STRIPE_SECRET;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;

use super::now;

/// How old a signature may be, in seconds.
const TOLERANCE: i64 = 300;

/// A payment that succeeded.
pub struct Paid {
    pub event: String,
    pub kind: String,
    pub payment: i64,
    pub session: String,
    pub intent: String,
    pub amount: i64,
    pub currency: String,
}

#[derive(Deserialize)]
struct Event<'b> {
    id: &'b str,
    r#type: &'b str,
    #[serde(borrow)]
    data: Data<'b>,
}

#[derive(Deserialize)]
struct Data<'b> {
    #[serde(borrow)]
    object: Session<'b>,
}

#[derive(Deserialize)]
struct Session<'b> {
    id: &'b str,
    payment_intent: &'b str,
    payment_status: &'b str,
    amount_total: i64,
    currency: &'b str,
    #[serde(borrow)]
    metadata: Metadata<'b>,
}

#[derive(Deserialize)]
struct Metadata<'b> {
    payment_id: &'b str,
}

/// Is it signed with the shop's secret, and not too long ago?
pub fn is_signed(header: &str, body: &[u8]) -> bool {
    let (mut time, mut code) = (None, None);
    for item in header.split(',') {
        match item.split_once('=') {
            Some(("t", value)) => time = Some(value),
            Some(("v1", value)) => code = bytes(value),
            _ => {}
        }
    }
    let (Some(time), Some(code)) = (time, code) else { return false };
    let Ok(seconds) = time.parse::<i64>() else { return false };
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(STRIPE_SECRET.as_bytes()) else { return false };
    let mac = mac.chain_update(time).chain_update(b".").chain_update(body);
    mac.verify_slice(&code).is_ok() && now() / 1_000_000 - seconds <= TOLERANCE
}

/// What the event tells, where it is of the one kind that the floor knows.
pub fn read(body: &str) -> Option<Paid> {
    let Event { id, r#type: kind, data: Data { object } } = serde_json::from_str(body).ok()?;
    let is_paid = kind == "checkout.session.completed" && object.payment_status == "paid";
    is_paid.then_some(Paid {
        event: id.to_owned(),
        kind: kind.to_owned(),
        payment: object.metadata.payment_id.parse().ok()?,
        session: object.id.to_owned(),
        intent: object.payment_intent.to_owned(),
        amount: object.amount_total,
        currency: object.currency.to_uppercase(),
    })
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&hex[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}
