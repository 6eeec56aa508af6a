use sqlx::{Connection, migrate::Migrator};

use super::{Pools, retry};
use crate::StoreError;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Brings the tables up to date. Of several processes that start at once, one does it and the others wait for it.
pub(super) async fn run(pools: &Pools) -> Result<(), StoreError> {
    match pools {
        // sqlx takes no lock on SQLite: the write lock of one transaction around all of it serves.
        Pools::Sqlite { writer, .. } => {
            retry(async || {
                let mut tx = writer.begin_with("begin immediate").await?;
                SQLITE.run_direct(None, &mut *tx, false).await?;
                Ok::<_, StoreError>(tx.commit().await?)
            })
            .await?;
        }
        // Here sqlx holds an advisory lock meanwhile, which goes with the connection also when something fails. Large tables
        // may take their time, and so may whoever else does it.
        Pools::Postgres { pool, .. } => {
            let mut connection = pool.acquire().await?.detach();
            sqlx::query("set statement_timeout = 0").execute(&mut connection).await?;
            POSTGRES.run_direct(None, &mut connection, false).await?;
            connection.close().await?;
        }
    }
    Ok(())
}
