use sqlx::migrate::Migrator;

use super::Db;
use crate::StoreError;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Brings the tables up to date. Of several processes that start at once, one does it and the others wait for it.
pub(super) async fn run(db: &Db) -> Result<(), StoreError> {
    match db {
        // sqlx takes no lock on SQLite: the write lock of one transaction around all of it serves.
        Db::Sqlite { writer, .. } => {
            let mut tx = writer.begin_with("begin immediate").await?;
            SQLITE.run_direct(None, &mut *tx, false).await?;
            tx.commit().await?;
        }
        // Here sqlx holds an advisory lock meanwhile.
        Db::Postgres(pool) => POSTGRES.run(pool).await?,
    }
    Ok(())
}
