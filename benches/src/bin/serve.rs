//! A server such as `ecommerce serve`, which says on standard output where it listens: `serve DATABASE_URL`.

use ecommerce_benches::{Failure, server::STRIPE_SECRET};
use ecommerce_core::{Store, Stripe};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let url = std::env::args().nth(1).ok_or("which database?")?;
    let stripe = Stripe::new().webhook_secrets(&[STRIPE_SECRET])?;
    let store = Store::builder().provider(stripe).open(&url).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    ecommerce_warp::serve(store, ecommerce_warp::Config::default(), listener, std::future::pending()).await;
    Ok(())
}
