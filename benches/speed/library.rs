//! Whole purchases through the library, without HTTP, in a process of their own; and orders that nobody pays.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use ecommerce_benches::{Failure, server::STRIPE_SECRET};
use ecommerce_core::{
    CartLine, CheckoutRequest, OrderFilter, OrderStatus, PageRequest, PaymentEventStatus, ProductId, ProviderName, Quantity,
    Store,
    conformance::{PaidNews, Placed, StripeWebhooks},
};
use serde::{Deserialize, Serialize};
use tokio::{process::Command, task::JoinSet};

use crate::{
    load::Took,
    ours, proc,
    proc::Used,
    rounds::{Figures, Plan, median},
    shop::{BUYERS, token},
    work::Chance,
};

const TASKS: usize = 16;
/// Few enough for a disk that is slow.
const PURCHASES: usize = 4_096;

/// How many orders are left unpaid in a round.
const UNPAID: usize = 512;
/// How long their units are kept.
const PATIENCE: Duration = Duration::from_millis(1);

#[derive(Serialize, Deserialize)]
pub struct InProcess {
    pub purchase: Figures,
    /// Processor time for an order whose time is over, until its units are free again.
    pub expiry_micros: f64,
}

/// Runs them in another process.
pub async fn measure(url: &str, plan: &Plan) -> Result<InProcess, Failure> {
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
    let purchase = Figures::of(&took[1..], proc::kilobytes(std::process::id(), "VmHWM")?);
    store.close().await;
    let expiry_micros = expiry(url, products, rounds).await?;
    println!("{}", serde_json::to_string(&InProcess { purchase, expiry_micros })?);
    Ok(())
}

async fn expiry(url: &str, products: u64, rounds: usize) -> Result<f64, Failure> {
    let mut limits = ours::limits();
    limits.manual_reservation = PATIENCE;
    let store = Store::builder().limits(limits).background(false).open(url).await?;
    let chance = Chance::new(products);
    let mut micros = Vec::new();
    for _ in 0..=rounds {
        for buyer in 0..UNPAID {
            let session = store.authenticate(&token(buyer)).await?;
            store.cart_add(session.customer(), &[line(chance.product())?]).await?;
            store.checkout(session.customer(), &CheckoutRequest::default()).await?;
        }
        tokio::time::sleep(2 * PATIENCE).await;
        let before = Used::now(std::process::id(), None)?;
        store.run_due().await?;
        micros.push(Used::now(std::process::id(), None)?.seconds_since(&before) * 1e6 / UNPAID as f64);
        let session = store.authenticate(&token(UNPAID - 1)).await?;
        let (all, first) = (OrderFilter::default(), PageRequest::first(1)?);
        let last = store.order_list(session.customer(), &all, first).await?.results;
        if last.first().is_none_or(|order| order.status != OrderStatus::Expired) {
            return Err("an order did not expire".into());
        }
    }
    store.close().await;
    Ok(median(micros.into_iter().skip(1)))
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
        store.cart_add(session.customer(), &[line(product)?]).await?;
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

fn line(product: u64) -> Result<CartLine, Failure> {
    let product = ProductId::new(i64::try_from(product)?).ok_or("no such product")?;
    Ok(CartLine { product, quantity: Quantity::ONE })
}
