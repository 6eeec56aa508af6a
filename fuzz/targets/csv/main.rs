//! CSV files: read, or refused line by line. What was read is the same when it is exported and read again, and importing it
//! a second time changes nothing.

#![no_main]

mod import;

use csv::Writer;
use ecommerce_core::{CatalogError, Currency, ImportReport, ImportRow};
use ecommerce_fuzz::{Shop, in_shop};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for code in ["USD", "JPY"] {
        let currency = code.parse().expect("a currency");
        match import::read(bytes, currency) {
            Ok(rows) => {
                stand_in_the_file(&rows, bytes);
                are_read_back(&rows, currency);
                in_shop(async |shop| are_imported_once(shop, &rows).await);
            }
            Err(faults) => can_be_shown(&faults),
        }
    }
});

fn stand_in_the_file(rows: &[ImportRow], bytes: &[u8]) {
    let lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64 + 1;
    assert!(rows.is_sorted_by(|one, next| one.line < next.line), "two products of one line");
    assert!(rows.iter().all(|row| (2..=lines).contains(&row.line)), "a product of a line that there is not");
}

/// As `product export` writes them.
fn are_read_back(rows: &[ImportRow], currency: Currency) {
    let mut out = Writer::from_writer(Vec::new());
    out.write_record(import::COLUMNS).expect("a header");
    for row in rows {
        out.write_record(cells(row)).expect("a line");
    }
    let file = out.into_inner().expect("a file");
    let again = import::read(&file, currency).expect("what was exported can be imported");
    assert!(rows.iter().map(cells).eq(again.iter().map(cells)), "{rows:?} became {again:?}");
}

fn cells(row: &ImportRow) -> [String; 9] {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    [
        row.name.to_string(),
        row.price.to_string(),
        row.stock.to_string(),
        text(row.category.as_ref().map(|name| name.as_str())),
        text(row.description.as_ref().map(|description| description.as_str())),
        row.price.currency().to_string(),
        row.is_available.unwrap_or(true).to_string(),
        text(row.sku.as_ref().map(|sku| sku.as_str())),
        row.attributes.as_ref().map(ToString::to_string).unwrap_or_default(),
    ]
}

/// A line for each fault, which does to a terminal nothing but to stand there.
fn can_be_shown(faults: &[String]) {
    assert!((1..=21).contains(&faults.len()));
    assert!(!faults.iter().any(|fault| fault.contains(char::is_control)), "{faults:?}");
}

async fn are_imported_once(shop: &Shop, rows: &[ImportRow]) {
    let import = async || match shop.store.product_import(shop.store.system().admin(), rows, &mut |_| {}).await {
        Ok(report) => Some(report),
        Err(CatalogError::Import { .. }) => None,
        Err(error) => panic!("{error:?}"),
    };
    let Some(first) = import().await else { return };
    assert_eq!(first.created + first.updated + first.unchanged, rows.len() as u64);
    let nothing = ImportReport { unchanged: rows.len() as u64, ..ImportReport::default() };
    assert_eq!(import().await, Some(nothing), "the second time something changed");
}
