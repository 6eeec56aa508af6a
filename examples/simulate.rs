//! A whole shop at random, for as long as one likes: customers, admins, providers and time act on a store, calls to the
//! database and to the provider fail, processes die, and after every step the store shows what a model says.
//!
//! `cargo run --release --example simulate -- --seeds 1000` runs that many, from a random one on.
//! `cargo run --release --example simulate -- --seed 42` prints all that happens in one.
//! `--steps M` makes a run longer or shorter; `--database-url postgres://...` takes a schema of its own for each there.

use std::time::Instant;

use ecommerce_core::conformance::simulation::{Failure, Simulation, Trace};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

type Error = Box<dyn std::error::Error>;

#[derive(Default)]
struct Wanted {
    seed: Option<u64>,
    seeds: u64,
    steps: usize,
    database_url: Option<String>,
}

impl Wanted {
    fn of(arguments: impl Iterator<Item = String>) -> Result<Self, Error> {
        let mut wanted = Self { seeds: 10, steps: 200, ..Self::default() };
        let mut arguments = arguments;
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--seed" => wanted.seed = Some(value.parse()?),
                "--seeds" => wanted.seeds = value.parse()?,
                "--steps" => wanted.steps = value.parse()?,
                "--database-url" => wanted.database_url = Some(value),
                _ => return Err(format!("{name} is none of --seed, --seeds, --steps, --database-url").into()),
            }
        }
        Ok(wanted)
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let wanted = Wanted::of(std::env::args().skip(1))?;
    if let Some(seed) = wanted.seed {
        println!("{}", run(&wanted, seed).await??);
        return Ok(());
    }
    let first = std::time::UNIX_EPOCH.elapsed()?.as_secs() % 1_000_000 * 1_000;
    let (began, mut sum, mut failures) = (Instant::now(), Trace::default(), 0);
    for seed in first..first + wanted.seeds {
        let trace = match run(&wanted, seed).await? {
            Ok(trace) => trace,
            Err(failure) => {
                println!("{failure}\nagain: cargo run --release --example simulate -- --seed {seed} --steps {}", wanted.steps);
                failures += 1;
                failure.trace
            }
        };
        sum.deeds += trace.deeds;
        sum.orders += trace.orders;
        sum.provider_calls += trace.provider_calls;
        sum.database_faults += trace.database_faults;
        sum.crashes += trace.crashes;
    }
    let Trace { deeds, orders, provider_calls, database_faults, crashes, .. } = sum;
    println!(
        "{} seeds from {first} on, {failures} failed: {deeds} deeds, {orders} orders, {provider_calls} calls to the bank, \
         {database_faults} database faults, {crashes} crashes, {} deeds a second",
        wanted.seeds,
        deeds as u128 * 1000 / began.elapsed().as_millis().max(1)
    );
    if failures == 0 { Ok(()) } else { Err(format!("{failures} seeds failed").into()) }
}

/// A run at an empty database that goes afterwards.
async fn run(wanted: &Wanted, seed: u64) -> Result<Result<Trace, Failure>, Error> {
    let simulation = Simulation::new(seed).steps(wanted.steps);
    let Some(server) = &wanted.database_url else {
        let directory = tempfile::tempdir()?;
        let url = format!("sqlite:{}", directory.path().join("shop.db").display());
        return Ok(simulation.run(async |builder| builder.open(&url).await).await);
    };
    let mut connection = PgConnection::connect(server).await?;
    let schema = format!("simulation_{}_{seed}", std::process::id());
    connection.execute(AssertSqlSafe(format!("create schema {schema}"))).await?;
    let url = format!("{server}{}options=-c%20search_path%3D{schema}", if server.contains('?') { '&' } else { '?' });
    let lived = simulation.run(async |builder| builder.open(&url).await).await;
    connection.execute(AssertSqlSafe(format!("drop schema {schema} cascade"))).await?;
    Ok(lived)
}
