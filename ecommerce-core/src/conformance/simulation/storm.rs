//! Calls to the database that fail, and processes that die in one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::chance::Chance;
use crate::{DatabaseCall, DatabaseFault, DatabaseFaults};

/// Rings when somebody waits for ever: it is time for the process to die.
#[derive(Clone, Default)]
pub(super) struct Death(Arc<Notify>);

impl Death {
    pub(super) fn rings(&self) {
        self.0.notify_one();
    }

    pub(super) async fn comes(&self) {
        self.0.notified().await;
    }
}

/// A fault that waits for its call.
#[derive(Debug, Clone, Copy)]
struct Brewing {
    fault: DatabaseFault,
    /// How many calls, or commits, are still to pass, this one included.
    left: u32,
    commits_only: bool,
}

/// What befalls the calls of one store.
pub(super) struct Storm {
    brewing: Mutex<Option<Brewing>>,
    struck: Mutex<Option<(DatabaseFault, DatabaseCall)>>,
    death: Death,
}

impl Storm {
    pub(super) fn new(death: Death) -> Self {
        Self { brewing: Mutex::default(), struck: Mutex::default(), death }
    }

    /// One of the next calls may fail.
    pub(super) fn brew(&self, chance: &mut Chance) {
        use DatabaseFault::{Busy, HangsUnanswered, HangsUnheard, Unanswered, Unheard};
        let fault = chance.weigh(&[(4, Busy), (3, Unheard), (4, Unanswered), (2, HangsUnheard), (3, HangsUnanswered)], Busy);
        let commits_only = chance.once_in(2);
        let left = chance.between(1, if commits_only { 3 } else { 40 });
        *lock(&self.brewing) = Some(Brewing { fault, left, commits_only });
    }

    /// It is over. Says what it struck.
    pub(super) fn ends(&self) -> Option<(DatabaseFault, DatabaseCall)> {
        *lock(&self.brewing) = None;
        lock(&self.struck).take()
    }
}

impl DatabaseFaults for Storm {
    fn next(&self, call: DatabaseCall) -> Option<DatabaseFault> {
        let mut brewing = lock(&self.brewing);
        let Brewing { fault, left, commits_only } = brewing.as_mut()?;
        if *commits_only && call != DatabaseCall::Commit {
            return None;
        }
        *left = left.saturating_sub(1);
        let fault = (*left == 0).then_some(*fault)?;
        *brewing = None;
        *lock(&self.struck) = Some((fault, call));
        Some(fault)
    }

    fn hangs(&self) {
        self.death.rings();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
