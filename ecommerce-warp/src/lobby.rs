//! The connections that wait for their client to say something: when the house is full, the longest silent leaves first.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

/// Who waits, by the order in which they began to.
#[derive(Default)]
pub(crate) struct Lobby {
    next: AtomicU64,
    waiting: Mutex<BTreeMap<u64, Arc<Notify>>>,
}

/// One connection, waiting until its request begins, and again after the answer.
pub(crate) struct Guest {
    lobby: Arc<Lobby>,
    number: AtomicU64,
    has_spoken: AtomicBool,
    leave: Arc<Notify>,
}

impl Lobby {
    /// Asks whoever waits longest to leave.
    pub(crate) fn dismiss_longest(&self) {
        if let Some((_, leave)) = self.waiting().pop_first() {
            leave.notify_one();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Notify>>> {
        // Nothing that holds the lock can panic half-way.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    /// A connection that was just accepted.
    pub(crate) fn enter(lobby: &Arc<Lobby>) -> Self {
        let guest = Self {
            lobby: lobby.clone(),
            number: AtomicU64::new(0),
            has_spoken: AtomicBool::new(false),
            leave: Arc::new(Notify::new()),
        };
        guest.waits();
        guest
    }

    /// A request begins.
    pub(crate) fn speaks(&self) {
        self.has_spoken.store(true, Ordering::Relaxed);
        self.lobby.waiting().remove(&self.number.load(Ordering::Relaxed));
    }

    /// The answer is there.
    pub(crate) fn waits(&self) {
        let number = self.lobby.next.fetch_add(1, Ordering::Relaxed);
        self.number.store(number, Ordering::Relaxed);
        self.lobby.waiting().insert(number, self.leave.clone());
    }

    /// Was there ever a request? Before that, nobody is owed an answer.
    pub(crate) fn has_spoken(&self) -> bool {
        self.has_spoken.load(Ordering::Relaxed)
    }

    /// Done when it is asked to leave.
    pub(crate) async fn dismissed(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.lobby.waiting().remove(&self.number.load(Ordering::Relaxed));
    }
}
