//! How soon the server answers, and what memory it takes: idle, busy, and for each connection.

use std::time::Duration;

use ecommerce_benches::Failure;
use serde::Serialize;

use crate::{
    load,
    place::{Scene, Site},
    rounds::median,
    server::{Kind, Programs, Server},
    wire::Wire,
    work::Case,
};

const STARTS: usize = 7;
const BUSY_CLIENTS: usize = 256;
const IDLE_CONNECTIONS: usize = 2_000;

#[derive(Serialize)]
pub struct Memory {
    #[serde(flatten)]
    scene: Scene,
    /// From the start of the process to its first answer on a database that is there.
    first_answer_ms: f64,
    idle_kb: u64,
    /// The most, while 256 clients read pages and buy.
    busy_kb: u64,
    bytes_per_idle_connection: u64,
}

impl Memory {
    pub async fn look(scene: Scene, site: &Site, programs: &Programs) -> Result<Self, Failure> {
        let url = site.url("ours");
        let mut starts = Vec::new();
        for _ in 0..STARTS {
            let server = Server::start(programs, Kind::Ours, &url).await?;
            starts.push(server.first_answer.as_secs_f64() * 1000.0);
        }
        let server = Server::start(programs, Kind::Ours, &url).await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let idle_kb = server.resident()?;
        let bytes_per_idle_connection = connection_bytes(&server).await?;
        server.forget_peak()?;
        for (case, count) in [(Case::Page, 4_096), (Case::Purchase, 2_048)] {
            let deeds = case.prepare(&server, scene.products, count).await?;
            load::measure(&server, deeds, BUSY_CLIENTS).await?;
        }
        let busy_kb = server.peak()?;
        Ok(Self { scene, first_answer_ms: median(starts.into_iter()), idle_kb, busy_kb, bytes_per_idle_connection })
    }

    pub fn show(&self) {
        let megabytes = |kilobytes: u64| kilobytes as f64 / 1024.0;
        println!("\n{}", self.scene);
        println!("first answer on an existing database: {:.0} ms (median of {STARTS})", self.first_answer_ms);
        println!("resident when idle: {:.1} MB", megabytes(self.idle_kb));
        println!("the most with {BUSY_CLIENTS} clients that read pages and buy: {:.1} MB", megabytes(self.busy_kb));
        println!("an idle connection: {:.1} kB", self.bytes_per_idle_connection as f64 / 1024.0);
    }
}

/// What a connection costs that was answered once and is silent.
async fn connection_bytes(server: &Server) -> Result<u64, Failure> {
    // What all connections share is there after some.
    let mut wires = Vec::new();
    for _ in 0..200 {
        wires.push(Wire::open(server.port).await?);
    }
    let before = server.resident()?;
    for _ in 0..IDLE_CONNECTIONS {
        wires.push(Wire::open(server.port).await?);
    }
    Ok(server.resident()?.saturating_sub(before) * 1024 / IDLE_CONNECTIONS as u64)
}
