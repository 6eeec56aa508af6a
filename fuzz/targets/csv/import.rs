//! The command line's own reader of CSV files, file by file: a program has no library that could be used.

#![allow(dead_code, reason = "the program uses the rest")]

#[path = "../../../ecommerce-cli/src/import/html.rs"]
mod html;
#[path = "../../../ecommerce-cli/src/import/options.rs"]
mod options;
#[path = "../../../ecommerce-cli/src/import/own.rs"]
mod own;
#[path = "../../../ecommerce-cli/src/import/shopify.rs"]
mod shopify;
#[path = "../../../ecommerce-cli/src/import/table.rs"]
mod table;

use ecommerce_core::{Currency, ImportRow};

pub(crate) use own::COLUMNS;

/// The products of a file, or what is wrong with it.
pub(crate) fn read(bytes: &[u8], currency: Currency) -> Result<Vec<ImportRow>, Vec<String>> {
    let rows = table::Table::read(bytes).and_then(|table| {
        let is_shopify = shopify::matches(&table);
        if is_shopify { shopify::rows(&table, currency) } else { own::rows(&table, currency) }
    });
    rows.map_err(|faults| faults.describe("x.csv"))
}
