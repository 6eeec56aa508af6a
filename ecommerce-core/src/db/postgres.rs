use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::Db;
use crate::StoreError;

/// The most connections of one process; several processes share the server's `max_connections` (100 by default).
const CONNECTIONS: u32 = 16;

pub(super) async fn open(url: &str) -> Result<Db, StoreError> {
    let options =
        PgConnectOptions::from_str(url)?.application_name("ecommerce").statement_cache_capacity(500).disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(5))
        .connect_with(options)
        .await?;
    Ok(Db::Postgres(pool))
}
