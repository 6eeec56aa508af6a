//! Stripe's events in a web application of your own, without the rest of the shop's HTTP: `cargo run --example stripe_webhook`.
//!
//! The store wants two things of the request: the values of the signature's header, and the bytes as they came.

use ecommerce_core::{
    CartLine, CheckoutRequest, Clock, Money, NewProduct, ProviderName, Quantity, Registration, Store, Stripe, SystemClock,
    WebhookError,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use warp::{Filter, http::StatusCode, hyper::body::Bytes};

/// `stripe listen --forward-to localhost:3030/stripe` prints one for a real account.
const SECRET: &str = "whsec_only_for_this_example";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Two secrets while one is being rotated. With `.secret_key(..)`, checkout would answer Stripe's page to pay on.
    let stripe = Stripe::new().webhook_secrets(&["whsec_the_old_one", SECRET])?;
    let store = Store::builder().provider(stripe).open("sqlite::memory:").await?;
    let order = an_order(&store).await?;

    let shop = store.clone();
    let webhook = warp::post()
        .and(warp::path!("stripe"))
        .and(warp::header::<String>("stripe-signature"))
        .and(warp::body::content_length_limit(1024 * 1024))
        .and(warp::body::bytes())
        .then(move |signature: String, body: Bytes| receive(shop.clone(), signature, body));

    // What Stripe would send: `warp::serve(webhook).run(([127, 0, 0, 1], 3030))` would wait for it.
    let event = format!(
        r#"{{"id":"evt_1","object":"event","type":"payment_intent.succeeded","data":{{"object":{{"id":"pi_1",
        "object":"payment_intent","amount_received":1250,"currency":"usd","metadata":{{"order_id":"{order}"}}}}}}}}"#
    );
    for header in [signature(&event), "t=1,v1=00".to_owned()] {
        let request = warp::test::request().method("POST").path("/stripe").header("stripe-signature", header).body(&event);
        println!("answered {}", request.reply(&webhook).await.status());
    }
    println!("order {order} is {}", store.order(store.system().admin(), order).await?.status);
    Ok(())
}

/// 2xx once the event is stored and all that follows from it is done; then Stripe does not send it again.
async fn receive(store: Store, signature: String, body: Bytes) -> StatusCode {
    match store.webhook_receive(ProviderName::Stripe, &[&signature], &body).await {
        Ok(_) => StatusCode::OK,
        Err(WebhookError::Store(_)) => StatusCode::SERVICE_UNAVAILABLE,
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

async fn an_order(store: &Store) -> Result<ecommerce_core::OrderId, Box<dyn std::error::Error>> {
    let mug = NewProduct::new("Ceramic mug".parse()?, Money::parse("12.50", store.currency())?, 10);
    let mug = store.product_create(store.system().admin(), mug).await?;
    let ann = Registration { email: "ann@example.com".parse()?, password: "correct horse".parse()?, name: None };
    let ann = store.system().customer(store.register(ann).await?.user.id);
    store.cart_add(&ann, &[CartLine { product: mug.id, quantity: Quantity::ONE }]).await?;
    Ok(store.checkout(&ann, &CheckoutRequest::default()).await?.order.id)
}

fn signature(body: &str) -> String {
    let time = SystemClock.now().as_seconds();
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length of key will do");
    let code = mac.chain_update(format!("{time}.{body}")).finalize().into_bytes();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={time},v1={hex}")
}
