//! The built program, run as its users run it: on SQLite files, and where a PostgreSQL server answers on that, too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod audit;
mod bank;
mod catalog;
mod crashes;
mod import;
mod operations;
mod orders;
mod program;
mod sandbox;
mod serve;
mod usage;
mod users;

/// What an attacker and bad luck try: each test begins with the number of SECURITY.md that it shows.
mod security {
    mod door;
    mod load;
    mod logs;
}
