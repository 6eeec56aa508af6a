//! `ecommerce doctor`: does every invariant hold?

use ecommerce_core::Finding;

use crate::{
    error::Error,
    print::{Record, count, table},
    shop::Shop,
};

pub(crate) async fn run(shop: &Shop) -> Result<(), Error> {
    let report = shop.open_existing().await?.audit().await?;
    let checks = count(length(&report.checks), "invariant", "invariants");
    shop.output().one(&report, || {
        Ok(if report.is_healthy() { format!("The store is healthy: {checks} checked.") } else { table(&report.findings) })
    })?;
    if report.is_healthy() {
        return Ok(());
    }
    let rows = count(length(&report.findings), "row breaks", "rows break");
    let more = match report.unnamed.as_slice() {
        [] => String::new(),
        checks => format!(", and more than are named break {}", checks.join(", ")),
    };
    Err(Error::failed(format!("{rows} an invariant{more}, of {checks} checked. Keep a copy of the database before you mend it")))
}

fn length<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

impl Record for Finding {
    const NAME: &'static str = "findings";
    const COLUMNS: &'static [&'static str] = &["Invariant", "Table", "ID", "Found"];

    fn cells(&self) -> Vec<String> {
        vec![self.check.to_owned(), self.table.to_owned(), self.id.to_string(), self.detail.clone()]
    }
}
