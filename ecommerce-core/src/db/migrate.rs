use sqlx::{Connection, migrate::Migrator};

use super::{Engine, retry};
use crate::StoreError;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Brings the tables up to date. Of several processes that start at once, one does it and the others wait for it.
pub(super) async fn run(engine: &Engine) -> Result<(), StoreError> {
    match engine {
        // sqlx takes no lock on SQLite: the write lock of one transaction around all of it serves.
        Engine::Sqlite { writer, .. } => {
            retry(async || {
                let mut turn = writer.turn_to_read().await?;
                let connection = turn.ask()?;
                // A migration may change whole tables, in a savepoint that sqlx makes: see `sqlite/mod.rs`.
                sqlx::query("pragma temp_store = file").execute(&mut *connection).await?;
                let mut tx = connection.begin_with("begin immediate").await?;
                SQLITE.run_direct(None, &mut *tx, false).await?;
                tx.commit().await?;
                sqlx::query("pragma temp_store = memory").execute(connection).await?;
                Ok::<_, StoreError>(turn.answered(Ok(()))?)
            })
            .await?;
        }
        // Here sqlx holds an advisory lock meanwhile, which goes with the connection also when something fails. Large tables
        // may take their time, and so may whoever else does it.
        Engine::Postgres(pool) => {
            let mut connection = pool.open().await?;
            sqlx::query("set statement_timeout = 0").execute(&mut connection).await?;
            POSTGRES.run_direct(None, &mut connection, false).await?;
            connection.close().await?;
        }
    }
    Ok(())
}
