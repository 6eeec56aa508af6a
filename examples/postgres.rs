//! The same shop on PostgreSQL, opened twice as two processes would: `cargo run --example postgres -- postgres://...`.
//!
//! It makes a product and an account of its own at every run.

use ecommerce_core::{CartLine, CheckoutRequest, Clock, Money, NewProduct, Quantity, Registration, Store, SystemClock};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    // Both may find an empty database: one makes the tables, the other waits for it.
    let (here, there) = tokio::try_join!(Store::open(&url), Store::open(&url))?;

    let lamp = NewProduct::new("Desk lamp".parse()?, Money::parse("39.00", here.currency())?, 1);
    let lamp = here.product_create(here.system().admin(), lamp).await?;

    let email = format!("ann+{}@example.com", SystemClock.now().as_micros());
    let ann = Registration { email: email.parse()?, password: "correct horse".parse()?, name: None };
    let token = here.register(ann).await?.token;

    // Who signed in here is signed in there.
    let ann = there.authenticate(token.reveal()).await?;
    there.cart_add(ann.customer(), &[CartLine { product: lamp.id, quantity: Quantity::ONE }]).await?;

    // One cart, checked out in both places at once: one order.
    let request = CheckoutRequest { idempotency_key: Some("once".parse()?), ..CheckoutRequest::default() };
    let (one, other) = tokio::try_join!(here.checkout(ann.customer(), &request), there.checkout(ann.customer(), &request))?;
    println!("both answer order {} and {}; replayed: {} and {}", one.order.id, other.order.id, one.replayed, other.replayed);
    Ok(())
}
