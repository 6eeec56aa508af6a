//! What our server costs beside its floor: bare warp handlers and hand-written SQL that do the same on a copy of the database.
//!
//! ```console
//! $ cargo bench -p ecommerce-benches --bench speed                    # 1,000 products, 64 clients: the README's table
//! $ cargo bench -p ecommerce-benches --bench speed -- --all           # 1, 16, 64, 256 clients; 1,000 and 100,000 products
//! $ cargo bench -p ecommerce-benches --bench speed -- --place sqlite --case add --case purchase --clients 16
//! $ cargo bench -p ecommerce-benches --bench speed -- --case crowd --case edited --clients 256    # all want the same; prices move
//! $ cargo bench -p ecommerce-benches --bench speed -- --orders 0 --orders 1000000    # a shop with a past
//! $ cargo bench -p ecommerce-benches --bench speed -- --json speed.json --svg speed.svg
//! $ cargo bench -p ecommerce-benches --bench speed -- --server OTHER_SPEED --only-ours    # another build of this program
//! ```
//!
//! Linux: it reads `/proc`. Each server is a process of its own and works on its own copy of a shop. Processor time is that of
//! the server, and on PostgreSQL with it of every process of its database. The machine's speed drifts, so both are measured in
//! turns, in short rounds, and a ratio is the median of the rounds' ratios. The load comes from this process, on the same cores.

mod chart;
mod floor;
mod library;
mod load;
mod memory;
mod ours;
mod place;
mod proc;
mod report;
mod rounds;
mod server;
mod shop;
mod wire;
mod work;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use ecommerce_benches::{
    Failure,
    place::{POSTGRES, answers},
};

use memory::Memory;
use place::{Place, Scene, Site};
use report::{Library, Line, Report};
use rounds::Plan;
use server::{Kind, Programs, Server};
use work::Case;

/// Measures our server beside its floor.
#[derive(Parser)]
struct Args {
    /// Only this place; may be given several times.
    #[arg(long = "place", value_name = "PLACE")]
    places: Vec<Place>,
    /// How many products there are; may be given several times.
    #[arg(long, value_name = "NUMBER", default_values_t = [1_000])]
    products: Vec<u64>,
    /// How many orders of the past there are; may be given several times.
    #[arg(long, value_name = "NUMBER", default_values_t = [0])]
    orders: Vec<u64>,
    /// How many clients ask at once; may be given several times.
    #[arg(long, value_name = "NUMBER", default_values_t = [64])]
    clients: Vec<usize>,
    /// Only this case, and nothing of memory or the library; may be given several times.
    #[arg(long = "case", value_name = "CASE")]
    cases: Vec<Case>,
    /// How many rounds there are, of which the medians are shown.
    #[arg(long, value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How much processor time a round shall take, as far as the shop has customers for it.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.6)]
    seconds: f64,
    /// Every number of clients and of products.
    #[arg(long)]
    all: bool,
    /// Without the floor.
    #[arg(long)]
    only_ours: bool,
    /// Runs this program, with the arguments `serve ours URL`, as our server. It prints its port.
    #[arg(long, value_name = "PROGRAM")]
    server: Option<PathBuf>,
    /// Where all figures go as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where a chart of the ratios goes.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// The PostgreSQL server, on which databases are made and removed.
    #[arg(long, value_name = "URL", env = "TEST_DATABASE_URL", default_value = POSTGRES)]
    database_url: String,
    /// Cargo gives it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What runs in a process of its own.
#[derive(Subcommand)]
enum Part {
    /// Serves a database over HTTP and prints the port.
    #[command(hide = true)]
    Serve { kind: Kind, url: String },
    /// Buys through the library.
    #[command(hide = true)]
    Buy { url: String, products: u64, rounds: usize },
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut args = Args::parse();
    match args.part {
        Some(Part::Serve { kind: Kind::Ours, url }) => return ours::serve(&url).await,
        Some(Part::Serve { kind: Kind::Floor, url }) => return floor::serve(&url).await,
        Some(Part::Buy { url, products, rounds }) => return library::buy(&url, products, rounds).await,
        None => {}
    }
    server::allow_connections()?;
    if args.all {
        args.clients = vec![1, 16, 64, 256];
        args.products = vec![1_000, 100_000];
    }
    let places = if args.places.is_empty() { Place::value_variants() } else { &args.places };
    let mut report = Report::default();
    for &place in places {
        if place == Place::Postgres
            && let Err(error) = answers(&args.database_url).await
        {
            println!("SKIPPED {}: no PostgreSQL server answers at {}: {error}", place.name(), args.database_url);
            continue;
        }
        for (&products, &orders) in
            args.products.iter().flat_map(|products| args.orders.iter().map(move |orders| (products, orders)))
        {
            let scene = Scene { place, products, orders };
            let site = Site::open(scene, &args.database_url).await?;
            let measured = measure(&args, scene, &site, &mut report).await;
            site.close().await?;
            measured?;
        }
    }
    report.write(args.json.as_deref(), args.svg.as_deref())
}

/// Everything about one shop.
async fn measure(args: &Args, scene: Scene, site: &Site, report: &mut Report) -> Result<(), Failure> {
    let programs = Programs { ours: args.server.clone() };
    let products = scene.products;
    let plan = Plan { rounds: args.rounds as usize, seconds: args.seconds, products };
    let all = args.cases.is_empty();
    if all {
        let memory = Memory::look(scene, site, &programs).await?;
        memory.show();
        report.memory.push(memory);
    }
    let ours = Server::start(&programs, Kind::Ours, &site.url("ours")).await?;
    let mut servers = vec![ours];
    if !args.only_ours {
        servers.push(Server::start(&programs, Kind::Floor, &site.url("floor")).await?);
    }
    for server in &servers {
        rounds::warm_up(server, products).await?;
    }
    site.analyze().await?;
    for server in &servers {
        rounds::tidy(server).await?;
    }
    for &clients in &args.clients {
        report::head(scene, clients, args.rounds);
        for &case in if all { Case::value_variants() } else { &args.cases } {
            let (figures, ratio) = rounds::compare(case, clients, &servers, &plan).await?;
            let line = Line::new(case, scene, clients, figures, ratio)?;
            line.show();
            report.lines.push(line);
        }
    }
    drop(servers);
    doctor(&site.url("ours")).await?;
    if !args.only_ours {
        doctor(&site.url("floor")).await?;
    }
    if all && scene.place == Place::Sqlite {
        let library = Library { scene, took: library::measure(&site.url("library"), &plan).await? };
        library.show();
        report.in_process.push(library);
        doctor(&site.url("library")).await?;
    }
    Ok(())
}

/// Nothing may have come to harm.
async fn doctor(url: &str) -> Result<(), Failure> {
    let store = ours::builder()?.background(false).open(url).await?;
    let report = store.audit().await?;
    store.close().await;
    if report.is_healthy() { Ok(()) } else { Err(format!("the doctor found at {url}: {:?}", report.findings).into()) }
}
