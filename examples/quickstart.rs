//! A sale in fifteen lines: `cargo run --example quickstart`.

use ecommerce_core::{CartLine, CheckoutRequest, Money, NewProduct, Quantity, Registration, Store};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Store::open("sqlite::memory:").await?; // or "sqlite:shop.db", or "postgres://..."
    let shop = store.system(); // the trust of the program itself
    let mug = NewProduct::new("Ceramic mug".parse()?, Money::parse("12.50", store.currency())?, 10);
    let mug = store.product_create(shop.admin(), mug).await?;

    let ann = Registration { email: "ann@example.com".parse()?, password: "correct horse".parse()?, name: None };
    let token = store.register(ann).await?.token;
    let ann = store.authenticate(token.reveal()).await?; // at every request
    store.cart_add(ann.customer(), &[CartLine { product: mug.id, quantity: Quantity::new(2)? }]).await?;
    let order = store.checkout(ann.customer(), &CheckoutRequest::default()).await?.order; // two mugs are reserved

    let order = store.order_confirm_payment(shop.admin(), order.id, None).await?; // the bank transfer is there
    let mug = store.product(mug.id, None).await?;
    println!("order {} is {}: {} {}; {} mugs are left", order.id, order.status, order.total, order.currency, mug.stock);
    Ok(())
}
