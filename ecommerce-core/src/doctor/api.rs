use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    AuditReport, MOST_NAMED,
    sql::{WALKS, Walk},
};
use crate::{Store, StoreError};

/// How many rows one statement looks at. The memory that it needs and how long it holds a moment of the database grow with it.
const SLICE: i64 = 2_000;

/// How many walks go on at the same time. There is nearly always a second core, and others still find a connection.
const AT_ONCE: usize = 2;

impl Store {
    /// Recomputes every invariant of stock, orders and money from the rows, and names each row that breaks one.
    ///
    /// It only reads, a slice of the shop at a time, and may run while the shop is open: what it needs of memory and of the
    /// database does not grow with the shop. Each row is held against others of the same moment.
    ///
    /// This is about rows that contradict each other. Who did what to the shop is in the audit log: [`Store::audit_log`].
    ///
    /// # Errors
    /// Only the database's: a broken invariant is a finding, no error.
    pub async fn audit(&self) -> Result<AuditReport, StoreError> {
        self.audit_by(SLICE).await
    }

    async fn audit_by(&self, slice: i64) -> Result<AuditReport, StoreError> {
        let walks: Vec<_> = WALKS.iter().map(|walk| self.walk(walk, slice)).collect();
        let mut walked = stream::iter(walks).buffered(AT_ONCE);
        let mut report = AuditReport::default();
        while let Some(AuditReport { checks, findings, unnamed }) = walked.try_next().await? {
            report.checks.extend(checks);
            report.findings.extend(findings);
            report.unnamed.extend(unnamed);
        }
        Ok(report)
    }

    async fn walk(&self, walk: &Walk, slice: i64) -> Result<AuditReport, StoreError> {
        let most = i64::try_from(MOST_NAMED).unwrap_or(i64::MAX).saturating_add(1);
        let checks = walk.checks.iter().map(|check| check.name).collect();
        let mut report = AuditReport { checks, ..AuditReport::default() };
        let mut behind = i64::MIN;
        // The connection goes back after every slice, so that others who read get their turn.
        loop {
            let mut tx = self.snapshot().await?;
            tx.take_time().await?;
            let Some((until, breaches)) = walk.step(&mut tx, behind, slice, most).await? else { return Ok(report) };
            for breach in breaches {
                report.note(walk.table, breach.id, walk.checks, &breach.pairs);
            }
            behind = until;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Money, NewProduct, db::Sql};

    #[tokio::test]
    async fn every_slice_is_looked_at() {
        let store = Store::builder().background(false).open("sqlite::memory:").await.unwrap();
        for name in ["Mug", "Plate", "Pot", "Cup", "Jug"] {
            let new = NewProduct::new(name.parse().unwrap(), Money::parse("10", store.currency()).unwrap(), 5);
            store.product_create(store.system().admin(), new).await.unwrap();
        }
        let text = "update products set stock = stock + id";
        let mut tx = store.write().await.unwrap();
        tx.execute(Sql { name: "wound", sqlite: text, postgres: text }, &()).await.unwrap();
        tx.commit().await.unwrap();
        for slice in [1, 2, 5, 6] {
            let report = store.audit_by(slice).await.unwrap();
            assert_eq!(
                report.findings.iter().map(|finding| finding.id).collect::<Vec<_>>(),
                [1, 2, 3, 4, 5],
                "{slice} at a time"
            );
        }
    }
}
