//! Every attack of `ecommerce_core::conformance`, over HTTP, on server processes: how many tries held, and how much was sold.
//!
//! `cargo bench -p ecommerce-benches --bench races -- --tries 1000`. Places: `sqlite` (one process on a file), `postgres`
//! (two processes on one database, default isolation), `far` (the same, and 100 ms for every round trip to the database).

use std::{
    path::Path,
    time::{Duration, Instant},
};

use clap::{Parser, ValueEnum};
use ecommerce_benches::{
    Failure,
    place::{POSTGRES, Place, answers},
};
use ecommerce_core::conformance::{Attack, Report, Tries, run};

/// Attacks a shop over HTTP and counts what held.
#[derive(Parser)]
struct Args {
    /// How often each attack is made in each place.
    #[arg(long, default_value_t = 2)]
    tries: u32,
    /// Only this attack; may be given several times.
    #[arg(long = "attack", value_name = "NAME")]
    attacks: Vec<Attack>,
    /// Only this place; may be given several times.
    #[arg(long = "place", value_name = "PLACE")]
    places: Vec<Where>,
    /// How many tries are made at a time [default: 2, and 4 in the far place].
    #[arg(long, value_name = "TRIES")]
    at_once: Option<u32>,
    /// The PostgreSQL server, on which a database is made and removed.
    #[arg(long, value_name = "URL", env = "TEST_DATABASE_URL", default_value = POSTGRES)]
    database_url: String,
    /// How long a round trip to the database takes in the far place.
    #[arg(long, value_name = "MS", default_value_t = 100)]
    delay_ms: u64,
    /// Cargo gives it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Where {
    Sqlite,
    Postgres,
    Far,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args = Args::parse();
    let places = if args.places.is_empty() { Where::value_variants() } else { &args.places };
    let attacks = if args.attacks.is_empty() { Attack::ALL } else { &args.attacks };
    println!("{:<22} {:<9} {:>14} {:>16} {:>8} {:>9}", "attack", "place", "held", "units sold", "busy", "seconds");
    let mut is_sound = true;
    for &place in places {
        if place != Where::Sqlite
            && let Err(error) = answers(&args.database_url).await
        {
            println!("SKIPPED {}: no PostgreSQL server answers at {}: {error}", name(place), args.database_url);
            continue;
        }
        let shop = open(place, &args).await?;
        let tries = Tries::new(args.tries).at_once(args.at_once.unwrap_or(if place == Where::Far { 4 } else { 2 }));
        for &attack in attacks {
            let start = Instant::now();
            let report = run(attack, &shop.frontends, tries).await;
            is_sound &= report.holds();
            show(place, &report, start.elapsed());
        }
        shop.remove().await?;
    }
    if is_sound { Ok(()) } else { Err("the shop did not withstand".into()) }
}

async fn open(place: Where, args: &Args) -> Result<Place, Failure> {
    let program = Path::new(env!("CARGO_BIN_EXE_serve"));
    match place {
        Where::Sqlite => Place::sqlite(program).await,
        Where::Postgres => Place::postgres(program, &args.database_url, None).await,
        Where::Far => Place::postgres(program, &args.database_url, Some(Duration::from_millis(args.delay_ms))).await,
    }
}

fn show(place: Where, report: &Report, took: Duration) {
    let held = format!("{} of {}", report.held, report.tries);
    let sold = format!("{} of {}", report.sold, report.to_sell);
    println!("{:<22} {:<9} {held:>14} {sold:>16} {:>8} {:>9.1}", report.attack, name(place), report.busy, took.as_secs_f64());
    if !report.holds() {
        println!("{report}");
    }
}

fn name(place: Where) -> String {
    place.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
