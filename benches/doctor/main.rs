//! What an audit of a large shop costs, and what its customers notice of it.
//!
//! `cargo bench -p ecommerce-benches --bench doctor [-- --orders 1000000] [--database-url URL]` (Linux: it reads `/proc`).
//! An empty database is filled with so many orders in bulk, 20,000 by default; one that holds orders is taken as it is, and
//! gets some more. The audit runs first in a process of its own, for its processor time and memory, and then in a store that
//! is being used, for what the others wait.

mod load;
mod process;

use std::time::{Duration, Instant};

use ecommerce_benches::{
    Failure,
    past::{self, Size},
};
use ecommerce_core::Store;

use load::Load;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["audit", url] => process::audit(url).await,
        _ => measure(&arguments).await,
    }
}

/// The value behind a name.
fn option<'a>(arguments: &'a [String], name: &str) -> Option<&'a str> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1).map(String::as_str)
}

async fn measure(arguments: &[String]) -> Result<(), Failure> {
    let orders = option(arguments, "--orders").map_or(Ok(20_000), str::parse)?;
    let folder = tempfile::tempdir()?;
    let url = match option(arguments, "--database-url") {
        Some(url) => url.to_owned(),
        None => format!("sqlite:{}", folder.path().join("shop.db").display()),
    };
    Store::builder().background(false).open(&url).await?.close().await;
    let start = Instant::now();
    if past::fill(&url, Size::of(orders)).await? {
        println!("filled with {orders} orders in {:.0} s", start.elapsed().as_secs_f64());
    }
    process::report(&url).await?;

    let store = Store::open(&url).await?;
    let load = Load::of(&store, &url).await?;
    println!("\n{:<24} {:>22} {:>22} {:>10}", "", "point read p50 / p99", "purchase p50 / p99", "log grew to");
    let alone = load.run(Duration::from_secs(5), async {}).await?;
    println!("{:<24} {alone}", "alone");
    let beside = load
        .run(Duration::from_secs(1), async {
            let start = Instant::now();
            match store.audit().await {
                Ok(report) if report.is_healthy() => println!("the audit beside it took {:.1} s", start.elapsed().as_secs_f64()),
                other => println!("the audit beside it: {other:?}"),
            }
        })
        .await?;
    println!("{:<24} {beside}", "while an audit runs");
    store.close().await;
    Ok(())
}
