//! `ecommerce backup`: a copy of a live store.

use std::{fs, path::PathBuf};

use clap::Args;
use serde_json::json;

use crate::{error::Error, print::count, shop::Shop};

/// Write a consistent copy of a SQLite store to a new file, while it is in use.
///
/// PostgreSQL has its own tool for that: pg_dump.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The new file.
    file: PathBuf,
}

pub(crate) async fn run(shop: &Shop, args: &BackupArgs) -> Result<(), Error> {
    let file = args.file.display().to_string();
    if args.file.exists() {
        return Err(Error::failed(format!("{file} exists already. Take another name")));
    }
    let store = shop.open_existing().await?;
    store.backup(&args.file).await.map_err(|error| Error::failed(format!("cannot copy the store to {file}: {error}")))?;
    let bytes = fs::metadata(&args.file).map_or(0, |metadata| metadata.len());
    let report = json!({ "file": file, "bytes": bytes });
    shop.output().one(&report, || Ok(format!("The store is copied to {file} ({}).", count(bytes, "byte", "bytes"))))
}
