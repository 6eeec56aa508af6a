use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{Pools, lease::within};
use crate::StoreError;

/// The most connections of one process; several processes share the server's `max_connections` (100 by default).
const CONNECTIONS: u32 = 16;

/// What the server shall hold a session to, unless whoever runs it has set bounds of their own (for the role, the database, or
/// in the URL): so long for one statement, and so long in a transaction that asks for nothing, as when its process is frozen or
/// its machine is gone. Others wait for the rows that it has locked.
const BOUNDS: &str = "
    select set_config(name, '30s', false)
    from (values ('statement_timeout'), ('idle_in_transaction_session_timeout')) as bounds (name)
    where current_setting(name) = '0'";

/// In milliseconds.
const STATEMENT_TIMEOUT: &str = "select cast(setting as bigint) from pg_settings where name = 'statement_timeout'";

/// A server that gives no answer for so much longer than it may work on one is gone, or the way there is: a connection that is
/// cut somewhere tells nothing of it.
const GRACE: Duration = Duration::from_secs(5);

pub(super) async fn open(url: &str) -> Result<Pools, StoreError> {
    let options =
        PgConnectOptions::from_str(url)?.application_name("ecommerce").statement_cache_capacity(500).disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(5))
        .after_connect(|connection, _| {
            Box::pin(within(GRACE, async { sqlx::raw_sql(BOUNDS).execute(connection).await.map(drop) }))
        })
        .connect_with(options)
        .await?;
    let milliseconds: i64 = sqlx::query_scalar(STATEMENT_TIMEOUT).fetch_one(&pool).await?;
    Ok(Pools::Postgres { pool, patience: Duration::from_millis(milliseconds.unsigned_abs()) + GRACE })
}
