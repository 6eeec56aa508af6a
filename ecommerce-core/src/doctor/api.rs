use super::{
    Diagnosis, Finding,
    sql::{self, CHECKS},
};
use crate::{Store, StoreError};

impl Store {
    /// Recomputes every invariant of stock, orders and money from the rows, at one moment of the whole database.
    ///
    /// It only reads, and may run while the shop is open.
    ///
    /// # Errors
    /// Only the database's: a broken invariant is a finding, no error.
    pub async fn doctor(&self) -> Result<Diagnosis, StoreError> {
        let mut tx = self.snapshot().await?;
        let mut findings = Vec::new();
        for check in CHECKS {
            findings.extend(sql::breaches(&mut tx, check).await?.into_iter().map(|breach| Finding {
                check: check.name,
                table: check.table,
                id: breach.id,
                detail: format!("{}: {}, should be {}", check.counts, breach.found, breach.expected),
            }));
        }
        Ok(Diagnosis { checks: CHECKS.iter().map(|check| check.name).collect(), findings })
    }
}
