//! What a search costs beside a product that is read by its id, in processor time: of this process, and of PostgreSQL where it
//! runs on the same machine.
//!
//! `cargo bench -p ecommerce-benches --bench search [-- --products 100000] [--database-url URL]` (Linux: it reads `/proc`).
//! The shops are SQLite files that it fills itself; a URL names an empty database for the large one. Each search is a ranked page of 20 with three facets, of a word that 20 products have, that
//! 2,000 have, and that all have.

use std::{error::Error, time::Instant};

use ecommerce_core::{
    Attributes, Expect, FacetName, ImportRow, Look, Money, Name, ProductChange, ProductFilter, ProductId, Store,
};

type Failure = Box<dyn Error + Send + Sync>;

const SMALL: u64 = 1_000;
const RARE: u64 = 20;
const FREQUENT: u64 = 2_000;
/// What is measured goes on for so long at least: the system counts in hundredths of a second.
const LEAST_SECONDS: f64 = 0.5;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let option = |name: &str| arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1));
    let products = option("--products").map_or(Ok(100_000), |number| number.parse())?;
    let folder = tempfile::tempdir()?;
    let file = |name: &str| format!("sqlite:{}", folder.path().join(name).display());

    let small = Shop::filled(&file("small.db"), SMALL).await?;
    let rare_among_few = small.search("rare").await?;
    let large = Shop::filled(&option("--database-url").cloned().unwrap_or_else(|| file("large.db")), products).await?;
    let read = micros(async |turn| large.store.product(large.product(turn), None).await.map(drop).map_err(Failure::from)).await?;
    println!("a product by its id: {read:.0} us");
    for (word, most) in [("rare", 6.0), ("frequent", 40.0), ("common", 100.0)] {
        let took = large.search(word).await?;
        println!("a page and three facets of {word:?}: {took:.0} us, {:.1} times as much (at most {most})", took / read);
        if word == "rare" && option("--database-url").is_none() {
            println!("    {:.2} times what it takes among {SMALL} products (less than 1.5)", took / rare_among_few);
        }
    }
    let counted = micros(async |turn| large.edit(turn, None).await).await?;
    let renamed = micros(async |turn| large.edit(turn, Some(format!("common renamed {}", turn % 50).parse()?)).await).await?;
    let ratio = renamed / counted;
    println!(
        "a product's name and stock changed: {renamed:.0} us, {ratio:.2} times as much as its stock alone, of which the index is not told (at most 2)"
    );
    Ok(())
}

struct Shop {
    store: Store,
    products: u64,
}

impl Shop {
    async fn filled(url: &str, products: u64) -> Result<Self, Failure> {
        let store = Store::builder().background(false).open(url).await?;
        let rows = (0..products).map(|number| row(number, products)).collect::<Result<Vec<_>, Failure>>()?;
        let start = Instant::now();
        store.product_import(store.system().admin(), &rows, &mut |_| {}).await?;
        println!("{products} products imported in {:.1} s", start.elapsed().as_secs_f64());
        Ok(Self { store, products })
    }

    async fn search(&self, word: &str) -> Result<f64, Failure> {
        let filter = ProductFilter { search: Some(word.to_owned()), ..ProductFilter::default() };
        let facets: Vec<FacetName> = ["category", "attr.color", "price"].map(str::parse).into_iter().collect::<Result<_, _>>()?;
        let look = Look { facets: &facets, ..Look::default() };
        micros(async |_| {
            let found = self.store.product_search(&filter, &look, None).await?;
            if found.page.results.len() == 20 { Ok(()) } else { Err("a page is not full".into()) }
        })
        .await
    }

    async fn edit(&self, turn: u64, name: Option<Name>) -> Result<(), Failure> {
        let change = ProductChange { name, stock: Some(i64::try_from(turn)?), ..ProductChange::default() };
        self.store.product_update(self.store.system().admin(), self.product(turn), change, &Expect::Any).await?;
        Ok(())
    }

    /// Another one at every turn, all over the place.
    fn product(&self, turn: u64) -> ProductId {
        let number = turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) % self.products + 1;
        ProductId::new(i64::try_from(number).expect("it is small")).expect("it is not 0")
    }
}

fn row(number: u64, products: u64) -> Result<ImportRow, Failure> {
    let every = |of: u64| number.is_multiple_of((products / of).max(1));
    let word = |salt: u64| format!("word{}", number.wrapping_mul(salt).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 51);
    let mut name = format!("common {}", word(1));
    if every(RARE) && number / (products / RARE).max(1) < RARE {
        name.push_str(" rare");
    }
    if every(FREQUENT) {
        name.push_str(" frequent");
    }
    let description: Vec<_> = (2..32).map(word).collect();
    let color = ["red", "green", "blue", "black", "white"][usize::try_from(number % 5)?];
    let size = ["S", "M", "L"][usize::try_from(number % 3)?];
    Ok(ImportRow {
        line: number + 2,
        name: name.parse::<Name>()?,
        price: Money::new(i64::try_from(500 + number % 5_000)?, "USD".parse()?)?,
        stock: 10,
        category: Some(format!("Category {}", number % 50).parse()?),
        description: Some(description.join(" ").parse()?),
        is_available: None,
        sku: Some(format!("SKU-{number}").parse()?),
        attributes: Some(Attributes::new([("color", color), ("size", size)])?),
    })
}

/// The processor time that a deed takes, in microseconds: the least of three rounds, each with a first time that does not count.
async fn micros(deed: impl AsyncFn(u64) -> Result<(), Failure>) -> Result<f64, Failure> {
    let mut least = f64::INFINITY;
    for _ in 0..3 {
        deed(0).await?;
        let (start, mut turn) = (processor_seconds()?, 0_u64);
        let took = loop {
            // To look at the clock of every process costs too, and is not done often.
            let round = Instant::now();
            while round.elapsed().as_secs_f64() < LEAST_SECONDS / 4.0 {
                turn += 1;
                deed(turn).await?;
            }
            let took = processor_seconds()? - start;
            if took >= LEAST_SECONDS {
                break took;
            }
        };
        least = least.min(took / turn as f64 * 1e6);
    }
    Ok(least)
}

/// User and system, in hundredths of a second (proc(5)), of this process and of every one that is called postgres.
fn processor_seconds() -> Result<f64, Failure> {
    let mut seconds = 0.0;
    let own = std::process::id().to_string();
    for process in std::fs::read_dir("/proc")? {
        let process = process?;
        // Others come and go.
        let Ok(stat) = std::fs::read_to_string(process.path().join("stat")) else { continue };
        if process.file_name() == own.as_str() || stat.contains("(postgres)") {
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            seconds += (fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0;
        }
    }
    Ok(seconds)
}
