//! What Stripe sends, signed as it signs.

use std::fmt::Write;

use ecommerce_core::{Clock, SystemClock};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Reply, Shop};

pub const SECRET: &str = "whsec_test_secret";

/// The scheme `v1`: what proves that these bytes were sent at this second.
pub fn v1(secret: &str, second: i64, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(format!("{second}.")).chain_update(body);
    mac.finalize().into_bytes().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// Delivers an event as Stripe does.
pub async fn sends(shop: &Shop, event: &Value) -> Reply {
    let (body, second) = (event.to_string(), SystemClock.now().as_seconds());
    let signature = format!("t={second},v1={}", v1(SECRET, second, body.as_bytes()));
    shop.post("/webhooks/stripe/").header("stripe-signature", &signature).bytes(body.as_bytes()).await
}

/// The event that an order was paid, by a payment that Stripe calls `intent`.
pub fn paid(event: &str, order: &Value, intent: &str, cents: i64, currency: &str) -> Value {
    let metadata = json!({"order_id": order["id"].to_string()});
    let object = json!({"object": "payment_intent", "id": intent, "amount": cents, "amount_received": cents, "currency": currency,
        "status": "succeeded", "metadata": metadata});
    json!({"id": event, "object": "event", "type": "payment_intent.succeeded", "created": 1, "data": {"object": object}})
}
