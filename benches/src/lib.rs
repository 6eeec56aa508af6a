//! What benches and the races over HTTP share: server processes, a shop behind them, and a long line to their database.

pub mod backstage;
pub mod http;
pub mod line;
pub mod past;
pub mod place;
pub mod server;

/// An error of a program that only measures.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
