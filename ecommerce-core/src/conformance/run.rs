//! An attack is made many times, and what came of it is told.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    Attack, Frontend, Refusal,
    lane::{Lane, all_at_once},
    patience::Patient,
    verdict::Verdict,
};

/// How long a try may take. One that is not over then will never be: somebody waits for somebody who waits for them.
const LONGEST_TRY: Duration = Duration::from_secs(600);

/// How often an attack is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    count: u32,
    at_once: u32,
}

impl Tries {
    /// So many, one after the other.
    pub const fn new(count: u32) -> Self {
        Self { count, at_once: 1 }
    }

    /// So many of them at a time, each with products and customers of its own: where a far database makes each slow, or
    /// to have more going on in the shop.
    #[must_use]
    pub const fn at_once(self, at_once: u32) -> Self {
        Self { at_once, ..self }
    }
}

impl From<u32> for Tries {
    fn from(count: u32) -> Self {
        Self::new(count)
    }
}

/// What came of an attack.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The attack.
    pub attack: Attack,
    /// Whether the frontend offers every deed that it needs. If not, it was not made.
    pub is_offered: bool,
    /// How often it was made.
    pub tries: u32,
    /// How often all was as it must be.
    pub held: u32,
    /// How many units were sold in all tries.
    pub sold: i64,
    /// How many should have been.
    pub to_sell: i64,
    /// How often the shop said that it was busy, and somebody tried again.
    pub busy: u64,
    /// What was wrong, in sentences, with the number of the try.
    pub broken: Vec<(u32, String)>,
    /// What was wrong in the books afterwards. `None` where the frontend cannot tell.
    pub findings: Option<Vec<String>>,
}

impl Report {
    const fn new(attack: Attack) -> Self {
        Self { attack, is_offered: true, tries: 0, held: 0, sold: 0, to_sell: 0, busy: 0, broken: Vec::new(), findings: None }
    }

    /// Did the shop withstand every try, and are its books in order?
    pub fn holds(&self) -> bool {
        self.is_offered && self.held == self.tries && self.findings.as_ref().is_none_or(Vec::is_empty)
    }

    fn note(&mut self, number: u32, outcome: Result<Verdict, Refusal>) {
        let verdict = match outcome {
            Err(Refusal::NotOffered) => {
                self.is_offered = false;
                return;
            }
            Err(refusal) => Verdict { faults: vec![format!("the shop answered: {refusal}")], ..Verdict::default() },
            Ok(verdict) => verdict,
        };
        self.tries += 1;
        self.held += u32::from(verdict.faults.is_empty());
        self.sold += verdict.sold;
        self.to_sell += verdict.to_sell;
        self.broken.extend(verdict.faults.into_iter().map(|fault| (number, fault)));
    }
}

/// In one line what came of it, and in a line each what was wrong.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attack, tries, held, sold, to_sell, .. } = self;
        if !self.is_offered {
            return write!(f, "{attack}: not made, since the frontend does not offer what it needs");
        }
        write!(f, "{attack}: {held} of {tries} held, {sold} of {to_sell} units sold")?;
        if self.busy > 0 {
            write!(f, ", {} times busy", self.busy)?;
        }
        for (number, fault) in &self.broken {
            write!(f, "\n  try {number}: {fault}")?;
        }
        for finding in self.findings.iter().flatten() {
            write!(f, "\n  in the books: {finding}")?;
        }
        Ok(())
    }
}

/// Makes the attack on a shop, by all of its frontends at once, and has the books looked over afterwards.
///
/// It makes products, customers and orders, and does not remove them: run it against a shop that is there for it. It
/// never panics; what the shop does wrong stands in the report. A try that is not over after ten minutes counts as broken.
pub async fn run<F: Frontend>(attack: Attack, frontends: &[F], tries: impl Into<Tries>) -> Report {
    let Tries { count, at_once } = tries.into();
    let (busy, next) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU32::new(1)));
    let lanes = (0..at_once.clamp(1, count.max(1))).map(|number| {
        let (mut lane, next) = (Lane::new(frontends, number as usize, &busy), next.clone());
        async move {
            let mut outcomes = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number > count {
                    return outcomes;
                }
                let outcome = attempt(attack, &mut lane).await;
                let is_over = matches!(outcome, Err(Refusal::NotOffered));
                outcomes.push((number, outcome));
                if is_over {
                    return outcomes;
                }
            }
        }
    });
    let mut report = Report::new(attack);
    match all_at_once(lanes).await {
        Ok(lanes) => {
            let mut outcomes: Vec<_> = lanes.into_iter().flatten().collect();
            outcomes.sort_by_key(|(number, _)| *number);
            outcomes.into_iter().for_each(|(number, outcome)| report.note(number, outcome));
        }
        Err(refusal) => report.note(1, Err(refusal)),
    }
    report.busy = busy.load(Ordering::Relaxed);
    if let Some(frontend) = frontends.first() {
        report.findings = match Patient::new(frontend.clone(), busy).doctor().await {
            Ok(findings) => Some(findings),
            Err(Refusal::NotOffered) => None,
            Err(refusal) => Some(vec![format!("the doctor could not look: {refusal}")]),
        };
    }
    report
}

async fn attempt<F: Frontend>(attack: Attack, lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
    let outcome = tokio::time::timeout(LONGEST_TRY, attack.make(lane)).await;
    let outcome = outcome.unwrap_or_else(|_| Err(Refusal::unexpected("nothing: the try was not over after ten minutes")));
    if !outcome.as_ref().is_ok_and(|verdict| verdict.faults.is_empty()) {
        lane.forget_customers();
    }
    outcome
}
