//! The shop over HTTP, as customers, admins and attackers see it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a test that goes wrong shall stop"
)]

mod audit;
mod caching;
mod catalog;
/// A database of its own for every test, as the core's tests have it.
#[cfg(feature = "sandbox")]
#[path = "../../../ecommerce-core/tests/it/database.rs"]
mod database;
mod document;
mod finding;
mod queries;
mod rights;
mod sale;
#[cfg(feature = "sandbox")]
mod sandbox;
/// What an attacker and bad luck try: each test begins with the number of SECURITY.md that it shows.
mod security {
    mod addresses;
    mod bodies;
    mod errors;
    mod fields;
    mod headers;
    mod people;
    mod routes;
    mod search;
    mod slow;
    mod values;
    mod webhooks;
}
mod server;
mod socket;
#[cfg(feature = "sandbox")]
mod storm;
mod stripe;
mod support;
