//! The load: keep-alive connections that each ask again as soon as they were answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use ecommerce_benches::Failure;
use tokio::{sync::Barrier, task::JoinSet};

use crate::{server::Server, wire::Wire, work::Deed};

/// How many clients make the shop ready.
const HANDS: usize = 32;

/// What a round took.
pub struct Took {
    pub operations: usize,
    pub elapsed: Duration,
    /// The processor time of the server and its database, in seconds.
    pub processor: f64,
    /// How long each operation took, in microseconds, the shortest first.
    pub latencies: Vec<u32>,
}

/// Does the deeds, each once, as so many clients, and measures them from the moment in which all are connected.
pub async fn measure(server: &Server, deeds: Vec<Deed>, clients: usize) -> Result<Took, Failure> {
    let operations = deeds.len();
    let (deeds, next) = (Arc::new(deeds), Arc::new(AtomicUsize::new(0)));
    let ready = Arc::new(Barrier::new(clients + 1));
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let (deeds, next, ready, mut wire) = (deeds.clone(), next.clone(), ready.clone(), Wire::open(server.port).await?);
        tasks.spawn(async move {
            ready.wait().await;
            let mut latencies = Vec::with_capacity(2 * deeds.len() / clients);
            while let Some(deed) = deeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                let start = Instant::now();
                deed.run(&mut wire).await?;
                latencies.push(u32::try_from(start.elapsed().as_micros())?);
            }
            Ok::<_, Failure>(latencies)
        });
    }
    let before = server.used()?;
    let start = Instant::now();
    ready.wait().await;
    let mut latencies = Vec::with_capacity(operations);
    while let Some(done) = tasks.join_next().await {
        latencies.extend(done??);
    }
    let elapsed = start.elapsed();
    let processor = server.used()?.seconds_since(&before);
    latencies.sort_unstable();
    Ok(Took { operations, elapsed, processor, latencies })
}

/// Sends the requests, in any order, and reads each answer, outside of what is measured.
pub async fn answers<T: Send + 'static>(
    server: &Server,
    deeds: Vec<Deed>,
    read: impl Fn(&[u8]) -> Result<T, Failure> + Copy + Send + Sync + 'static,
) -> Result<Vec<T>, Failure> {
    let (deeds, next) = (Arc::new(deeds), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..HANDS {
        let (deeds, next, mut wire) = (deeds.clone(), next.clone(), Wire::open(server.port).await?);
        tasks.spawn(async move {
            let mut answers = Vec::new();
            while let Some(Deed::Ask(request)) = deeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                answers.push(read(wire.ask(request).await?)?);
            }
            Ok::<_, Failure>(answers)
        });
    }
    let mut answers = Vec::new();
    while let Some(done) = tasks.join_next().await {
        answers.extend(done??);
    }
    Ok(answers)
}
