//! `ecommerce product import`: many products at once, all or nothing.

mod html;
mod options;
pub(crate) mod own;
mod shopify;
mod table;

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use ecommerce_core::{CatalogError, Currency, ImportReport, ImportRow};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    args::CurrencyArg,
    error::Error,
    print::count,
    shop::{Shop, system},
};
use table::{Fault, Faults, Table};

/// Bring in many products at once, all or nothing.
///
/// FILE is UTF-8 text with a header: either our own columns,
/// name,price,stock,category,description,currency,is_available,sku,attributes in any order (the first three must be there;
/// attributes are lines of name=value), or a product export of Shopify as it is. A row whose SKU is known, or without a SKU
/// one whose name is known, updates that product; every other makes a new one, and new categories with it, at the top of the
/// tree. Importing the same file again changes nothing.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file; - reads standard input.
    file: PathBuf,
    #[command(flatten)]
    currency: CurrencyArg,
}

pub(crate) async fn run(shop: &Shop, args: &ImportArgs) -> Result<(), Error> {
    let file = if args.file == Path::new("-") { "standard input".to_owned() } else { args.file.display().to_string() };
    let bytes = read(&args.file).map_err(|error| Error::failed(format!("cannot read {file}: {error}")))?;
    let table = Table::read(&bytes).map_err(|faults| refused(&file, &faults))?;
    let format = Format::of(&table);
    let rows = format.rows(&table, args.currency.currency).map_err(|faults| refused(&file, &faults))?;

    let store = shop.open_with(args.currency.currency).await?;
    let bar = progress_bar(rows.len());
    let report = store.product_import(system(&store).admin(), &rows, &mut |done| bar.set_position(done)).await;
    bar.finish_and_clear();
    match report {
        Ok(report) => shop.output().one(&report, || Ok(summary(report))),
        Err(CatalogError::Import { line, column, reason }) => {
            let fault = Fault::of_cell(line, format.column(&table, column), reason.to_string());
            Err(refused(&file, &fault.into()))
        }
        Err(error) => Err(error.into()),
    }
}

/// What a file's header says about its lines.
#[derive(Debug, Clone, Copy)]
enum Format {
    Own,
    Shopify,
}

impl Format {
    fn of(table: &Table) -> Self {
        if shopify::matches(table) { Self::Shopify } else { Self::Own }
    }

    fn rows(self, table: &Table, currency: Currency) -> Result<Vec<ImportRow>, Faults> {
        match self {
            Self::Own => own::rows(table, currency),
            Self::Shopify => shopify::rows(table, currency),
        }
    }

    /// What the file calls one of our columns.
    fn column<'a>(self, table: &'a Table, column: &'a str) -> &'a str {
        let name = if matches!(self, Self::Shopify) { shopify::column(table, column) } else { None };
        name.unwrap_or(column)
    }
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    if file != Path::new("-") {
        return fs::read(file);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn refused(file: &str, faults: &Faults) -> Error {
    let mut lines = faults.describe(file);
    lines.push("nothing was imported. Mend the file and import it again".to_owned());
    Error::Failed(lines)
}

/// Shown on a terminal only.
fn progress_bar(rows: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(rows).unwrap_or(u64::MAX));
    match ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} products") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn summary(report: ImportReport) -> String {
    let ImportReport { created, updated, unchanged, categories_created } = report;
    let products = count(created.saturating_add(updated).saturating_add(unchanged), "product", "products");
    let categories = count(categories_created, "new category", "new categories");
    format!("{products}: {created} created, {updated} updated, {unchanged} unchanged; {categories}.")
}
