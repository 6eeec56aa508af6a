//! Our server, as `ecommerce serve` runs it, but for limits that a bench runs into and customers do not.

use std::time::Duration;

use ecommerce_benches::{Failure, server::STRIPE_SECRET};
use ecommerce_core::{Limits, Store, StoreBuilder, Stripe};
use tokio::net::TcpListener;

pub async fn serve(url: &str) -> Result<(), Failure> {
    let store = builder()?.open(url).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    ecommerce_warp::serve(store, ecommerce_warp::Config::default(), listener, std::future::pending()).await;
    Ok(())
}

pub fn builder() -> Result<StoreBuilder, Failure> {
    Ok(Store::builder().limits(limits()).provider(Stripe::new().webhook_secrets(&[STRIPE_SECRET])?))
}

/// A few customers may leave very many orders open for long, and all of them sign in from one address.
pub fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.open_orders_per_customer = 1_000_000;
    limits.reservation = Duration::from_secs(24 * 3600);
    limits.failed_logins_per_address = 1_000_000;
    limits.hashing_wait = Duration::from_secs(120);
    limits
}
