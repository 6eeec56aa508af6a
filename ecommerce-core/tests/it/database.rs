//! A database of its own for every test.

use std::{
    fmt::Write as _,
    io::Write as _,
    sync::{Mutex, Once},
    time::Duration,
};

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, postgres::PgConnectOptions};
use tempfile::TempDir;

/// Where PostgreSQL is looked for when `TEST_DATABASE_URL` does not say. To agree on a cipher takes longer than most tests.
const DEFAULT_URL: &str = "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable";
/// The space of advisory locks of which a test run holds one for every schema that it uses.
const LOCKS: i32 = 20_260_131;

/// The schemas that this run has made and that no test uses now. Making one takes longer than most tests.
static FREE: Mutex<Vec<Schema>> = Mutex::new(Vec::new());

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// An empty database: a file in a directory that goes when the test ends, or a schema on a server that is emptied then.
pub(crate) struct Database {
    pub(crate) url: String,
    home: Home,
}

enum Home {
    Directory(TempDir),
    Schema(Schema),
}

impl Database {
    /// `None` where PostgreSQL is wanted and no server answers: the test is skipped, and says so.
    pub(crate) async fn create(engine: Engine) -> Option<Self> {
        match engine {
            Engine::Sqlite => {
                let directory = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", directory.path().join("shop.db").display());
                Some(Self { url, home: Home::Directory(directory) })
            }
            Engine::Postgres => {
                let free = FREE.lock().unwrap().pop();
                let schema = match free {
                    Some(schema) => schema,
                    None => Schema::lease(connect().await?).await,
                };
                Some(Self { url: with_search_path(&server_url(), &schema.name), home: Home::Schema(schema) })
            }
        }
    }

    pub(crate) async fn remove(self) {
        match self.home {
            Home::Directory(directory) => directory.close().unwrap(),
            Home::Schema(mut schema) => {
                schema.empty().await;
                FREE.lock().unwrap().push(schema);
            }
        }
    }
}

/// A schema that this run alone uses, as long as the connection lives that holds its lock.
///
/// A few named so stay behind in the database, for the next run to make anew.
struct Schema {
    name: String,
    connection: PgConnection,
}

impl Schema {
    async fn lease(mut connection: PgConnection) -> Self {
        let mut number = 0;
        loop {
            let lock = sqlx::query_scalar("select pg_try_advisory_lock($1, $2)").bind(LOCKS).bind(number);
            if lock.fetch_one(&mut connection).await.unwrap() {
                break;
            }
            number += 1;
        }
        let name = format!("ecommerce_test_{number}");
        let text = format!("drop schema if exists {name} cascade; create schema {name}; set search_path = {name}");
        connection.execute(AssertSqlSafe(text)).await.unwrap();
        Self { name, connection }
    }

    /// As it was when it was new: no rows but those that migrations make, and the ids begin at 1.
    async fn empty(&mut self) {
        let tables = "select tablename from pg_tables
            where schemaname = current_schema and tablename not in ('_sqlx_migrations', 'search_state', 'product_counts')";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut self.connection).await.unwrap();
        // All in one statement, at whose end no row is left that could miss another.
        let deletions: Vec<_> = tables.iter().map(|table| format!("d_{table} as (delete from {table})")).collect();
        if !deletions.is_empty() {
            let text = format!("with {} select 1", deletions.join(", "));
            self.connection.execute(AssertSqlSafe(text)).await.unwrap();
        }
        self.connection.execute("update product_counts set for_sale = 0").await.unwrap();
        let restart =
            "select setval(format('%I', sequencename)::regclass, 1, false) from pg_sequences where schemaname = current_schema";
        self.connection.execute(restart).await.unwrap();
    }
}

fn server_url() -> String {
    std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| DEFAULT_URL.to_owned())
}

/// The URL with `options=-c search_path=...` in its query, so that every connection works in the schema.
/// Nothing of a test needs to survive a power cut, and waiting for the disk is most of what a test would do.
fn with_search_path(url: &str, schema: &str) -> String {
    let mut url = url.to_owned();
    let separator = if url.contains('?') { '&' } else { '?' };
    write!(url, "{separator}options=-c%20search_path%3D{schema}%20-c%20synchronous_commit%3Doff").unwrap();
    url
}

async fn connect() -> Option<PgConnection> {
    static SAID: Once = Once::new();
    let options: PgConnectOptions = server_url().parse().expect("TEST_DATABASE_URL is a PostgreSQL URL");
    // Dropping a schema that is not there is no news.
    let options =
        options.options([("client_min_messages", "warning"), ("synchronous_commit", "off")]).disable_statement_logging();
    match tokio::time::timeout(Duration::from_secs(10), PgConnection::connect_with(&options)).await {
        Ok(Ok(connection)) => Some(connection),
        failure => {
            assert!(std::env::var_os("CI").is_none(), "no PostgreSQL answers at {}: {failure:?}", server_url());
            // Straight to standard error: what a passing test prints is not shown.
            SAID.call_once(|| {
                let url = server_url();
                let _ = writeln!(std::io::stderr(), "\nSKIPPED: every test on PostgreSQL, since no server answers at {url}\n");
            });
            None
        }
    }
}
