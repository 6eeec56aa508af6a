//! The doctor: recomputes every invariant from the rows and names each row that breaks one.

mod api;
pub(crate) mod sql;

use serde::Serialize;

/// How many rows a check names; that there are more is said.
const MOST_NAMED: usize = 100;

/// What an audit looked at and found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditReport {
    /// The invariants that were checked, each in one stable word.
    pub checks: Vec<&'static str>,
    /// The rows that break one, at most 100 of each check: none in a healthy store.
    pub findings: Vec<Finding>,
    /// The checks that more rows break than are named.
    pub unnamed: Vec<&'static str>,
}

/// A row that breaks an invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The invariant, in one stable word.
    pub check: &'static str,
    /// The table of the row.
    pub table: &'static str,
    /// The row's id.
    pub id: i64,
    /// What it holds and what it should hold.
    pub detail: String,
}

/// An invariant: its name, and what the numbers count that are compared.
struct Check {
    name: &'static str,
    counts: &'static str,
}

impl AuditReport {
    /// Does every invariant hold?
    pub const fn is_healthy(&self) -> bool {
        self.findings.is_empty()
    }

    /// Notes what a row was found to hold beside what it should hold, for each of the checks in turn.
    fn note(&mut self, table: &'static str, id: i64, checks: &[Check], pairs: &[(i64, i64)]) {
        for (Check { name, counts }, (found, expected)) in
            checks.iter().zip(pairs).filter(|(_, (found, expected))| found != expected)
        {
            if self.findings.iter().filter(|finding| finding.check == *name).count() < MOST_NAMED {
                let detail = format!("{counts}: {found}, should be {expected}");
                self.findings.push(Finding { check: name, table, id, detail });
            } else if !self.unnamed.contains(name) {
                self.unnamed.push(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named_up_to_a_bound() {
        let checks = [Check { name: "total", counts: "cents" }, Check { name: "paid", counts: "payments" }];
        let mut report = AuditReport::default();
        for id in 1..=100 {
            report.note("orders", id, &checks, &[(5, 6), (1, 1)]);
        }
        assert_eq!((report.findings.len(), report.unnamed.len()), (100, 0));
        let last = Finding { check: "total", table: "orders", id: 100, detail: "cents: 5, should be 6".to_owned() };
        assert_eq!(report.findings.last(), Some(&last));
        for id in [101, 102] {
            report.note("orders", id, &checks, &[(5, 6), (0, 1)]);
        }
        assert_eq!((report.findings.len(), report.unnamed), (102, vec!["total"]));
    }
}
