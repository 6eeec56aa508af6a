//! A server in a process of its own, so that its processor time and memory are its alone.

use std::{
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use clap::ValueEnum;
use ecommerce_benches::Failure;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{
    proc::{self, Used},
    wire::Wire,
};

/// Whose server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Ours,
    Floor,
}

/// Which program is started as what.
#[derive(Debug, Clone)]
pub struct Programs {
    /// In place of this one, for ours.
    pub ours: Option<PathBuf>,
}

/// A running server. It is killed when it is dropped.
pub struct Server {
    pub kind: Kind,
    pub port: u16,
    /// From the start of the process to its first answer.
    pub first_answer: Duration,
    id: u32,
    /// The name of its PostgreSQL database, where it is on one.
    database: Option<String>,
    _process: Child,
}

impl Server {
    /// Starts it on a database and waits for its first answer.
    pub async fn start(programs: &Programs, kind: Kind, url: &str) -> Result<Self, Failure> {
        let start = Instant::now();
        let (program, name) = match kind {
            Kind::Ours => (programs.ours.clone(), "ours"),
            Kind::Floor => (None, "floor"),
        };
        let program = program.map_or_else(std::env::current_exe, Ok)?;
        let mut command = Command::new(program);
        let mut process = command.args(["serve", name, url]).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let id = process.id().ok_or("the server has ended")?;
        let stdout = process.stdout.take().ok_or("the server has no output")?;
        let port = BufReader::new(stdout).lines().next_line().await?.ok_or("the server did not start")?.parse()?;
        Wire::open(port).await?;
        let database = url.strip_prefix("postgres:").and_then(|url| url.rsplit('/').next());
        let database = database.map(|name| name.split('?').next().unwrap_or(name).to_owned());
        Ok(Self { kind, port, first_answer: start.elapsed(), id, database, _process: process })
    }

    /// The processor time that it and its database have used so far.
    pub fn used(&self) -> Result<Used, Failure> {
        Used::now(self.id, self.database.as_deref())
    }

    /// The memory that is resident, in kB.
    pub fn resident(&self) -> Result<u64, Failure> {
        proc::kilobytes(self.id, "VmRSS")
    }

    /// The most memory that was resident since [`Server::forget_peak`], in kB.
    pub fn peak(&self) -> Result<u64, Failure> {
        proc::kilobytes(self.id, "VmHWM")
    }

    pub fn forget_peak(&self) -> Result<(), Failure> {
        proc::forget_peak(self.id)
    }
}

/// Lets this process, and so the servers that it starts, have very many connections: mostly only 1,024 files may be open.
pub fn allow_connections() -> Result<(), Failure> {
    const WANTED: u64 = 5_000;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < WANTED) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(WANTED), maximum })?;
    }
    Ok(())
}
