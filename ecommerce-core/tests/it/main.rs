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
mod database;
mod events;
mod faults;
mod fixtures;
mod house;
mod permutations;
mod properties;
mod races;
mod simulation;
mod statements;

mod contract {
    mod accounts;
    mod asking;
    mod attributes;
    mod audit;
    mod calls;
    mod captures;
    mod cart;
    mod catalog;
    mod checkout;
    mod confusion;
    mod disputes;
    mod doctor;
    mod finding;
    mod listing;
    mod orders;
    mod payments;
    mod providers;
    mod refunds;
    mod store;
    mod tree;
    mod webhooks;
    mod wire;
}

/// What an attacker and bad luck try: each story begins with the number of SECURITY.md that it shows.
mod security {
    mod guessing;
    mod people;
    mod text;
}
