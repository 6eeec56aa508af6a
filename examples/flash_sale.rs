//! A hundred buyers want the last ten, all at once: `cargo run --release --example flash_sale`.
//!
//! Give it a URL (`sqlite:FILE` or `postgres://...`) to see it elsewhere than on a SQLite file of its own.

use std::{collections::BTreeMap, time::Instant};

use ecommerce_core::{
    CartLine, CheckoutError, CheckoutRequest, Clock, Money, NewProduct, Quantity, Registration, Store, SystemClock,
};

const BUYERS: usize = 100;
const UNITS: i64 = 10;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run = SystemClock.now().as_micros();
    let file = std::env::temp_dir().join(format!("flash-sale-{run}.db"));
    let url = std::env::args().nth(1).unwrap_or_else(|| format!("sqlite:{}", file.display()));
    let store = Store::open(&url).await?;
    let shop = store.system();
    let console = NewProduct::new("Game console".parse()?, Money::parse("499.00", store.currency())?, UNITS);
    let console = store.product_create(shop.admin(), console).await?;

    let mut customers = Vec::new();
    for number in 0..BUYERS {
        let email = format!("buyer{number}+{run}@example.com").parse()?;
        let registration = Registration { email, password: "correct horse".parse()?, name: None };
        let token = store.register(registration).await?.token;
        let session = store.authenticate(token.reveal()).await?;
        store.cart_add(session.customer(), &[CartLine { product: console.id, quantity: Quantity::ONE }]).await?;
        customers.push(session);
    }

    let start = Instant::now();
    let buyers: Vec<_> = customers
        .into_iter()
        .map(|session| {
            let store = store.clone();
            tokio::spawn(async move {
                let order = match store.checkout(session.customer(), &CheckoutRequest::default()).await {
                    Ok(checkout) => checkout.order,
                    Err(CheckoutError::InsufficientStock(_)) => return "sold out",
                    Err(_) => return "failed",
                };
                match store.order_confirm_payment(store.system().admin(), order.id, None).await {
                    Ok(_) => "bought one",
                    Err(_) => "failed",
                }
            })
        })
        .collect();
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    for buyer in buyers {
        *outcomes.entry(buyer.await?).or_default() += 1;
    }

    println!("{BUYERS} buyers, {UNITS} units, {} ms:", start.elapsed().as_millis());
    for (outcome, count) in outcomes {
        println!("{count:>4} {outcome}");
    }
    let stock = store.stock(shop.admin(), console.id).await?;
    println!(
        "{} left in stock, {} reserved; doctor: {} findings",
        stock.stock,
        stock.reserved,
        store.audit().await?.findings.len()
    );
    Ok(())
}
