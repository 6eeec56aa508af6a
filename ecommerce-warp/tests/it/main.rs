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
mod bodies;
mod caching;
mod document;
mod queries;
mod rights;
mod sale;
mod server;
mod support;
mod values;
