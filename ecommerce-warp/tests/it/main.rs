//! The shop over HTTP, as customers, admins and attackers see it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a test that goes wrong shall stop"
)]

mod addresses;
mod audit;
mod bodies;
mod caching;
/// A database of its own for every test, as the core's tests have it.
#[cfg(feature = "sandbox")]
#[path = "../../../ecommerce-core/tests/it/database.rs"]
mod database;
mod document;
mod queries;
mod rights;
mod sale;
#[cfg(feature = "sandbox")]
mod sandbox;
mod server;
#[cfg(feature = "sandbox")]
mod storm;
mod support;
mod values;
