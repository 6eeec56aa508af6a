//! The store from outside, on both databases: stories for the contract, properties that always hold, races, the house.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect shall fail right there"
)]

#[macro_use]
mod shop;
mod bank;
mod books;
mod database;
mod deeds;
mod events;
mod fixtures;
mod house;
mod model;
mod permutations;
mod properties;
mod races;
mod statements;

mod contract {
    mod accounts;
    mod audit;
    mod calls;
    mod cart;
    mod catalog;
    mod checkout;
    mod confusion;
    mod disputes;
    mod doctor;
    mod orders;
    mod payments;
    mod providers;
    mod refunds;
    mod search;
    mod store;
    mod webhooks;
    mod wire;
}
