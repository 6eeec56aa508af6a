//! What happened in a run, and why one cannot go on.

use std::fmt;

use super::errand::Came;
use crate::{DatabaseCall, DatabaseFault};

/// What happened in a run: the same for the same seed, byte for byte.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trace {
    /// The seed that gave it.
    pub seed: u64,
    /// What happened, a line for every step.
    pub lines: Vec<String>,
    /// How many deeds there were, those that were done again included.
    pub deeds: usize,
    /// How many calls to the database failed, without whoever made them dying.
    pub database_faults: usize,
    /// How often a process died, and the store was opened anew.
    pub crashes: usize,
    /// How many calls to the provider there were.
    pub provider_calls: usize,
    /// How many orders there were in the end.
    pub orders: usize,
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        let Self { seed, deeds, database_faults, crashes, provider_calls, orders, .. } = self;
        write!(
            f,
            "seed {seed}: {deeds} deeds, {orders} orders, {provider_calls} calls to the bank, {database_faults} database faults, \
             {crashes} crashes"
        )
    }
}

/// A run that showed something that must never be.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Failure {
    /// The seed that shows it again.
    pub seed: u64,
    /// The step in which it showed, the first being 1.
    pub step: usize,
    /// What is wrong.
    pub reason: String,
    /// What had happened until then.
    pub trace: Trace,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LAST: usize = 20;
        let Self { seed, step, reason, trace } = self;
        let skipped = trace.lines.len().saturating_sub(LAST);
        trace.lines.iter().skip(skipped).try_for_each(|line| writeln!(f, "{line}"))?;
        write!(f, "seed {seed} fails at step {step}: {reason}")
    }
}

impl std::error::Error for Failure {}

/// A step, as the trace tells of it.
pub(super) struct Step<'a> {
    pub(super) number: usize,
    pub(super) minute: i64,
    pub(super) what: String,
    pub(super) came: &'a Came,
    pub(super) struck: Option<(DatabaseFault, DatabaseCall)>,
    pub(super) calls: &'a [String],
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, minute, what, came, struck, calls } = self;
        write!(f, "{number:>5} {minute:>6}m  {what}: {came}")?;
        if let Some((fault, call)) = struck {
            write!(f, "; {fault:?} at {call:?}")?;
        }
        if calls.is_empty() { Ok(()) } else { write!(f, "; bank: {}", calls.join(", ")) }
    }
}
