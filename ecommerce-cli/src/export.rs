//! `ecommerce product export`: the whole catalog as a file that `product import` takes back.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use csv::Writer;
use ecommerce_core::{Product, Store};

use crate::{
    error::{Error, say},
    import::own::COLUMNS,
    print::count,
    shop::{Shop, system},
};

/// So many products are read from the store at once.
const BATCH: u32 = 500;

/// Write all products to a CSV file that `product import` takes back.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The file; - writes to standard output.
    file: PathBuf,
    /// Replace the file when it exists.
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(shop: &Shop, args: &ExportArgs) -> Result<(), Error> {
    let store = shop.open().await?;
    if args.file == Path::new("-") {
        return match write(&store, io::stdout().lock()).await {
            Err(Failure::Write(error)) => Err(Error::Output(error)),
            Err(Failure::Read(error)) => Err(error),
            Ok(_) => Ok(()),
        };
    }
    let file = args.file.display();
    if args.file.exists() && !args.force {
        return Err(Error::failed(format!("{file} exists already. Take another name, or --force to replace it")));
    }
    // What stands in the file so far stays there until the new one is whole.
    let mut unfinished = args.file.clone().into_os_string();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    match write_file(&store, &unfinished, &args.file).await {
        Ok(products) => {
            say(&format!("{} written to {file}.", count(products, "product", "products")));
            Ok(())
        }
        Err(failure) => {
            let _ = fs::remove_file(&unfinished);
            Err(match failure {
                Failure::Write(error) => Error::failed(format!("cannot write {file}: {error}")),
                Failure::Read(error) => error,
            })
        }
    }
}

/// Which side of an export failed.
enum Failure {
    Read(Error),
    Write(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl From<csv::Error> for Failure {
    fn from(error: csv::Error) -> Self {
        Self::Write(match error.into_kind() {
            csv::ErrorKind::Io(error) => error,
            kind => io::Error::other(format!("{kind:?}")),
        })
    }
}

async fn write_file(store: &Store, unfinished: &Path, finished: &Path) -> Result<u64, Failure> {
    let file = File::create(unfinished)?;
    let products = write(store, &file).await?;
    file.sync_all()?;
    fs::rename(unfinished, finished)?;
    Ok(products)
}

/// Writes every product, and says how many there were.
async fn write(store: &Store, out: impl Write) -> Result<u64, Failure> {
    let mut out = Writer::from_writer(out);
    out.write_record(COLUMNS)?;
    let (mut last, mut written) = (None, 0_u64);
    loop {
        let batch = store.product_walk(system(store).admin(), last, BATCH).await;
        let batch = batch.map_err(|error| Failure::Read(error.into()))?;
        let Some(product) = batch.last() else { break };
        last = Some(product.id);
        for product in &batch {
            out.write_record(cells(product))?;
            written = written.saturating_add(1);
        }
    }
    out.flush()?;
    Ok(written)
}

/// In the order of [`COLUMNS`].
fn cells(product: &Product) -> [String; COLUMNS.len()] {
    [
        product.name.clone(),
        product.price.to_string(),
        product.stock.to_string(),
        product.category.as_ref().map(|category| category.name.clone()).unwrap_or_default(),
        product.description.clone(),
        product.currency.to_string(),
        product.is_available.to_string(),
        product.sku.as_ref().map(ToString::to_string).unwrap_or_default(),
        product.attributes.to_string(),
    ]
}
