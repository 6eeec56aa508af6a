//! A whole sale, paid by a webhook that is signed as Stripe signs: `cargo run --example sale`.
//!
//! The same event comes twice, as it does in life, and the order is paid once.

use std::error::Error;

use ecommerce_core::{
    CartLine, CheckoutRequest, Clock, Fulfillment, FulfillmentStep, Money, NewCategory, NewProduct, Order, ProviderName,
    Quantity, Registration, Store, Stripe, SystemClock,
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

const SECRET: &str = "whsec_only_for_this_example";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let stripe = Stripe::new().webhook_secrets(&[SECRET])?;
    let store = Store::builder().provider(stripe).open("sqlite::memory:").await?;
    let shop = store.system();

    // The shop puts something on the shelf.
    let kitchen = NewCategory { description: "All that cooks and serves.".parse()?, ..NewCategory::new("Kitchen".parse()?) };
    let kitchen = store.category_create(shop.admin(), kitchen).await?;
    let mut mug = NewProduct::new("Ceramic mug".parse()?, Money::parse("12.50", store.currency())?, 10);
    mug.category = Some(kitchen.id);
    let mug = store.product_create(shop.admin(), mug).await?;

    // Ann buys two.
    let ann = Registration { email: "ann@example.com".parse()?, password: "correct horse".parse()?, name: None };
    let token = store.register(ann).await?.token;
    let ann = store.authenticate(token.reveal()).await?;
    store.cart_add(ann.customer(), &[CartLine { product: mug.id, quantity: Quantity::new(2)? }]).await?;
    let request = CheckoutRequest {
        provider: Some(ProviderName::Stripe),
        idempotency_key: Some("ann-2026-1".parse()?),
        ..CheckoutRequest::default()
    };
    let order = store.checkout(ann.customer(), &request).await?.order;
    show("placed", &order);

    // Stripe says that it was paid, and says it again.
    for _ in 0..2 {
        let (header, body) = signed(&paid(&order));
        let status = store.webhook_receive(ProviderName::Stripe, &[&header], body.as_bytes()).await?;
        println!("webhook: {status}");
    }
    show("paid", &store.order(ann.customer(), order.id).await?);

    // The shop sends it.
    for status in [Fulfillment::Processing, Fulfillment::Shipped] {
        let tracking_number = (status == Fulfillment::Shipped).then(|| "1Z999AA10123456784".parse()).transpose()?;
        store.order_fulfill(shop.admin(), order.id, &FulfillmentStep { status, tracking_number, note: None }).await?;
    }
    show("shipped", &store.order(ann.customer(), order.id).await?);

    let stock = store.stock(shop.admin(), mug.id).await?;
    println!("stock: {} on hand, {} reserved", stock.stock, stock.reserved);
    println!("doctor: {} findings", store.audit().await?.findings.len());
    Ok(())
}

fn show(what: &str, order: &Order) {
    println!("{what}: order {} of {} {}, {}, {}", order.id, order.total, order.currency, order.status, order.fulfillment);
}

/// What Stripe sends when a Checkout Session was paid.
fn paid(order: &Order) -> serde_json::Value {
    let payment = order.payments.first().map(|payment| payment.id.to_string());
    json!({
        "id": "evt_1", "object": "event", "type": "checkout.session.completed",
        "data": { "object": {
            "id": "cs_test_1", "object": "checkout.session", "payment_intent": "pi_1", "payment_status": "paid",
            "amount_total": order.total.minor(), "currency": order.currency.as_str().to_lowercase(),
            "metadata": { "order_id": order.id.to_string(), "payment_id": payment }
        } }
    })
}

/// Signs as Stripe does: HMAC-SHA256 of the time, a point and the body.
fn signed(event: &serde_json::Value) -> (String, String) {
    let (time, body) = (SystemClock.now().as_seconds(), event.to_string());
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length of key will do");
    let signature = mac.chain_update(format!("{time}.{body}")).finalize().into_bytes();
    let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    (format!("t={time},v1={hex}"), body)
}
