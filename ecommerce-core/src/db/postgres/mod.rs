mod session;
mod writes;

pub(super) use session::{Session, Unsettled};

use std::{str::FromStr, time::Duration};

use futures_util::FutureExt;
use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};

use super::{
    Engine,
    pool::{Pool, within},
};
use crate::StoreError;

/// The most connections of one process; several processes share the server's `max_connections` (100 by default).
const CONNECTIONS: u32 = 16;

/// How long a connection is waited for, and until a server answers that is starting up.
const WAIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

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

pub(super) async fn open(url: &str) -> Result<Engine, StoreError> {
    let options =
        PgConnectOptions::from_str(url)?.application_name("ecommerce").statement_cache_capacity(500).disable_statement_logging();
    let mut first = within(WAIT, connect(options.clone())).await?;
    let milliseconds: i64 = within(GRACE, sqlx::query_scalar(STATEMENT_TIMEOUT).fetch_one(&mut first)).await?;
    let patience = Duration::from_millis(milliseconds.unsigned_abs()) + GRACE;
    let pool = Pool::new(CONNECTIONS, WAIT, patience, Box::new(move || connect(options.clone()).boxed()));
    pool.put(first);
    Ok(Engine::Postgres(pool))
}

/// Tries until whoever waits for the connection gives up, where the server is starting up.
async fn connect(options: PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    loop {
        match options.connect().await {
            Ok(mut connection) => {
                within(GRACE, sqlx::raw_sql(BOUNDS).execute(&mut connection)).await?;
                return Ok(connection);
            }
            Err(error) if is_starting(&error) => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(error),
        }
    }
}

fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        // cannot_connect_now, too_many_connections.
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("57P03" | "53300")),
        _ => false,
    }
}
