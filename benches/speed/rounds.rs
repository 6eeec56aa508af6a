//! Rounds in turns: the machine's speed drifts, so figures are held against each other only within a round.

use ecommerce_benches::Failure;
use serde::{Deserialize, Serialize};

use crate::{
    load::{self, Took},
    server::{Kind, Server},
    shop::BUYERS,
    work::{self, Case},
};

/// How long it is measured.
pub struct Plan {
    pub rounds: usize,
    /// How much processor time a round of a server shall take, as far as the shop has customers for it.
    pub seconds: f64,
    pub products: u64,
}

/// The medians of the rounds of one server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figures {
    /// Processor time of an operation, in microseconds.
    pub micros: f64,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// The most memory that the server had, in kB.
    pub peak_kb: u64,
}

impl Figures {
    pub fn of(rounds: &[Took], peak_kb: u64) -> Self {
        Self {
            micros: median(rounds.iter().map(micros)),
            per_second: median(rounds.iter().map(|took| took.operations as f64 / took.elapsed.as_secs_f64())),
            p50_ms: median(rounds.iter().map(|took| percentile(took, 50))),
            p99_ms: median(rounds.iter().map(|took| percentile(took, 99))),
            peak_kb,
        }
    }
}

/// A case at so many clients, with every server in turn. Answers the figures of each, and the median of what the first took
/// beside the second.
pub async fn compare(
    case: Case,
    clients: usize,
    servers: &[Server],
    plan: &Plan,
) -> Result<(Vec<Figures>, Option<f64>), Failure> {
    let servers = if case.has_floor() { servers } else { servers.get(..1).unwrap_or(servers) };
    let mut counts = Vec::new();
    for server in servers {
        server.forget_peak()?;
        // The first time shows how many operations fill a round.
        let few = case.few().max(clients);
        let took = round(case, server, clients, few, plan.products).await?;
        let each = (took.processor / few as f64).max(1e-6);
        counts.push(((plan.seconds / each) as usize).clamp(few, case.most()));
    }
    let mut rounds: Vec<Vec<Took>> = servers.iter().map(|_| Vec::new()).collect();
    for number in 0..=plan.rounds {
        for ((server, count), rounds) in servers.iter().zip(&counts).zip(&mut rounds) {
            let took = round(case, server, clients, *count, plan.products).await?;
            // Another one warms up.
            if number > 0 {
                rounds.push(took);
            }
        }
    }
    let mut figures = Vec::new();
    for (server, rounds) in servers.iter().zip(&rounds) {
        figures.push(Figures::of(rounds, server.peak()?));
    }
    let ratio = match &rounds[..] {
        [ours, floor] => Some(median(ours.iter().zip(floor).map(|(ours, floor)| micros(ours) / micros(floor)))),
        _ => None,
    };
    Ok((figures, ratio))
}

/// Fills the tables a little, and lets the server's caches and pools become what they are in use. The carts of half of the
/// customers have something in them afterwards, as in a shop that is open: see [`tidy`].
pub async fn warm_up(server: &Server, products: u64) -> Result<(), Failure> {
    for (case, count) in [(Case::Page, 512), (Case::Purchase, 2_048)] {
        round(case, server, 64, count, products).await?;
    }
    let carts = Case::Add.prepare(server, products, BUYERS / 2).await?;
    load::measure(server, carts, 64).await.map(drop)
}

/// Empties the carts again.
pub async fn tidy(server: &Server) -> Result<(), Failure> {
    Case::Add.tidy(server, BUYERS / 2).await
}

async fn round(case: Case, server: &Server, clients: usize, count: usize, products: u64) -> Result<Took, Failure> {
    let failed = |error: Failure| {
        let whose = if server.kind == Kind::Ours { "ours" } else { "the floor" };
        format!("{} of {whose}: {error}", case.name())
    };
    let deeds = case.prepare(server, products, count).await.map_err(failed)?;
    let measured = load::measure(server, deeds, clients);
    let took = match case {
        Case::Edited => tokio::select! {
            took = measured => took,
            edited = work::edit(server, products) => edited.and(Err("the admin has gone".into())),
        },
        _ => measured.await,
    };
    let took = took.map_err(failed)?;
    case.tidy(server, count).await.map_err(failed)?;
    Ok(took)
}

fn micros(took: &Took) -> f64 {
    took.processor * 1e6 / took.operations as f64
}

/// In milliseconds.
fn percentile(took: &Took, percent: usize) -> f64 {
    let at = (took.latencies.len() * percent / 100).min(took.latencies.len() - 1);
    f64::from(took.latencies[at]) / 1000.0
}

pub fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
