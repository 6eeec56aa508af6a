//! Whole purchases through the library, without HTTP, in a process of their own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use ecommerce_benches::{Failure, server::STRIPE_SECRET};
use ecommerce_core::{
    CartLine, CheckoutRequest, PaymentEventStatus, ProductId, ProviderName, Quantity, Store,
    conformance::{PaidNews, Placed, StripeWebhooks},
};
use tokio::{process::Command, task::JoinSet};

use crate::{
    load::Took,
    ours, proc,
    proc::Used,
    rounds::{Figures, Plan},
    shop::{BUYERS, token},
    work::Chance,
};

const TASKS: usize = 16;
/// Few enough for a disk that is slow.
const PURCHASES: usize = 4_096;

/// Runs them in another process.
pub async fn measure(url: &str, plan: &Plan) -> Result<Figures, Failure> {
    let program = std::env::current_exe()?;
    let (rounds, products) = (plan.rounds.to_string(), plan.products.to_string());
    let output = Command::new(program).args(["buy", url, &products, &rounds]).output().await?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Does them in this process, and prints the medians of the rounds as JSON.
pub async fn buy(url: &str, products: u64, rounds: usize) -> Result<(), Failure> {
    let store = ours::builder()?.open(url).await?;
    let mut took = Vec::new();
    for _ in 0..=rounds {
        took.push(round(&store, products).await?);
    }
    let figures = Figures::of(&took[1..], proc::kilobytes(std::process::id(), "VmHWM")?);
    println!("{}", serde_json::to_string(&figures)?);
    store.close().await;
    Ok(())
}

async fn round(store: &Store, products: u64) -> Result<Took, Failure> {
    let (next, chance) = (Arc::new(AtomicUsize::new(0)), Arc::new(Chance::new(products)));
    let (before, start) = (Used::now(std::process::id(), None)?, Instant::now());
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (store, next, chance) = (store.clone(), next.clone(), chance.clone());
        tasks.spawn(async move {
            let mut latencies = Vec::with_capacity(PURCHASES / TASKS);
            loop {
                let buyer = next.fetch_add(1, Ordering::Relaxed);
                if buyer >= PURCHASES.min(BUYERS) {
                    return Ok::<_, Failure>(latencies);
                }
                let start = Instant::now();
                let product = chance.product();
                purchase(&store, buyer, [product, chance.other_than(product)]).await?;
                latencies.push(u32::try_from(start.elapsed().as_micros())?);
            }
        });
    }
    let mut latencies = Vec::new();
    while let Some(done) = tasks.join_next().await {
        latencies.extend(done??);
    }
    let processor = Used::now(std::process::id(), None)?.seconds_since(&before);
    latencies.sort_unstable();
    Ok(Took { operations: latencies.len(), elapsed: start.elapsed(), processor, latencies })
}

/// Two lines into the cart, the checkout and the webhook. Who embeds the library looks a session up once for all of it.
async fn purchase(store: &Store, buyer: usize, products: [u64; 2]) -> Result<(), Failure> {
    let session = store.authenticate(&token(buyer)).await?;
    for product in products {
        let product = ProductId::new(i64::try_from(product)?).ok_or("no such product")?;
        store.cart_add(session.customer(), &[CartLine { product, quantity: Quantity::new(1)? }]).await?;
    }
    let request = CheckoutRequest { provider: Some(ProviderName::Stripe), ..CheckoutRequest::default() };
    let order = store.checkout(session.customer(), &request).await?.order;
    let payment = order.payments.first().map(|payment| payment.id);
    let placed = Placed { order: order.id, payment, total: order.total, replayed: false };
    let webhook = StripeWebhooks::new(STRIPE_SECRET).webhook(&placed, PaidNews::FIRST)?;
    match store.webhook_receive(ProviderName::Stripe, &[&webhook.signature], webhook.body.as_bytes()).await? {
        PaymentEventStatus::Processed => Ok(()),
        other => Err(format!("the webhook was {other}").into()),
    }
}
