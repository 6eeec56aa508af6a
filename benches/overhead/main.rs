//! What our server costs beside its floor: a bare warp handler that runs the same SQL by hand-written sqlx.
//!
//! `cargo bench -p ecommerce-benches` (Linux: it reads `/proc`). Both servers are processes of their own on one SQLite file
//! of 1,000 products; their processor time per request is compared in turns, since the machine's speed drifts. It also
//! tells how long the server takes from its start to its first answer, and its memory when idle.

mod child;
mod floor;
mod load;

use std::error::Error;

use child::Child;
use ecommerce_core::{ImportRow, Money, Store};

const PRODUCTS: u64 = 1_000;
const ROUNDS: usize = 7;
const CONNECTIONS: usize = 16;
const REQUESTS: usize = 6_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "serve", "floor", url] => floor::serve(url).await,
        [_, "serve", "ours", url] => serve(url).await,
        _ => compare().await,
    }
}

/// Our server, as `ecommerce serve` runs it.
async fn serve(url: &str) -> Result<(), Box<dyn Error>> {
    let store = Store::open(url).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    ecommerce_warp::serve(store, ecommerce_warp::Config::default(), listener, std::future::pending()).await;
    Ok(())
}

async fn compare() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("shop.db").display());
    fill(&url).await?;

    let mut starts = Vec::new();
    for _ in 0..ROUNDS {
        starts.push(Child::start("ours", &url).await?.first_answer.as_secs_f64() * 1000.0);
    }
    let idle = Child::start("ours", &url).await?;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    println!("first answer on an existing file: {:.0} ms (median of {ROUNDS})", median(&mut starts));
    println!("resident when idle: {:.1} MB", idle.resident_kilobytes()? as f64 / 1024.0);
    drop(idle);

    let (ours, floor) = (Child::start("ours", &url).await?, Child::start("floor", &url).await?);
    println!("\n{:<28} {:>10} {:>10} {:>7}   processor time per request, medians of {ROUNDS}", "", "ours", "floor", "ratio");
    for (what, path) in [("GET /product/500/", "/product/500/"), ("GET /product/ (20 of 1,000)", "/product/?page_size=20")] {
        let (mut costs, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let cost = load::microseconds_per_request(&ours, path, CONNECTIONS, REQUESTS).await?;
            let least = load::microseconds_per_request(&floor, path, CONNECTIONS, REQUESTS).await?;
            // The first round warms up.
            if round > 0 {
                costs.push(cost);
                floors.push(least);
                ratios.push(cost / least);
            }
        }
        println!("{what:<28} {:>7.1} us {:>7.1} us {:>7.2}", median(&mut costs), median(&mut floors), median(&mut ratios));
    }
    Ok(())
}

async fn fill(url: &str) -> Result<(), Box<dyn Error>> {
    let store = Store::builder().background(false).open(url).await?;
    let rows = (1..=PRODUCTS).map(|number| {
        Ok(ImportRow {
            line: number,
            name: format!("Product number {number}").parse()?,
            price: Money::new(i64::try_from(number)? * 25, store.currency())?,
            stock: 100,
            category: Some(format!("Category {}", number % 10).parse()?),
            description: Some("A thing that people buy, described in a sentence or two. It comes in one colour.".parse()?),
            is_available: Some(true),
            sku: Some(format!("SKU-{number}").parse()?),
            attributes: Some("color=red\nsize=M".parse()?),
        })
    });
    let rows = rows.collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    store.product_import(store.system().admin(), &rows, &mut |_| ()).await?;
    store.close().await;
    Ok(())
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
