//! The doctor: recomputes every invariant from the rows and names each row that breaks one.

mod api;
pub(crate) mod sql;

use serde::Serialize;

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

/// What the doctor looked at and found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// The invariants that were checked.
    pub checks: Vec<&'static str>,
    /// The rows that break one: none in a healthy store.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// Does every invariant hold?
    pub const fn is_healthy(&self) -> bool {
        self.findings.is_empty()
    }
}
