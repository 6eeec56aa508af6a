//! A server in a process of its own.

use std::{path::Path, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::Failure;

/// The secret of the webhooks that the servers believe.
pub const STRIPE_SECRET: &str = "whsec_only_for_races";

/// A running server. It is killed when it is dropped.
pub struct Server {
    /// Where it is found.
    pub url: String,
    _process: Child,
}

impl Server {
    /// Starts the program `serve` of this package on a database, and waits until it listens.
    pub async fn start(program: &Path, database: &str) -> Result<Self, Failure> {
        let mut process = Command::new(program).arg(database).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stdout = process.stdout.take().ok_or("the server has no output")?;
        let line = BufReader::new(stdout).lines().next_line().await?;
        Ok(Self { url: line.ok_or("the server did not start")?, _process: process })
    }
}
