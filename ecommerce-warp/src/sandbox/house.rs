//! The sandbox as its tasks share it: the books behind their lock, the clock, and the way out for events.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ecommerce_core::Clock;
use tokio::sync::{mpsc::UnboundedSender, watch};

use super::{
    books::{Books, Event},
    faults::Faults,
};

pub(super) struct House {
    books: Mutex<Books>,
    clock: Box<dyn Clock>,
    url: String,
    post: UnboundedSender<Letter>,
    undelivered: watch::Sender<usize>,
}

/// An event on its way to the shop.
pub(super) struct Letter {
    pub(super) event: Event,
    pub(super) held_back: Duration,
    /// Whether the next one goes out without waiting for the answer to this one.
    pub(super) is_parallel: bool,
    _counted: Counted,
}

/// Counts a letter as long as it is under way, whatever becomes of it.
struct Counted(watch::Sender<usize>);

impl House {
    pub(super) fn new(url: String, clock: impl Clock, post: UnboundedSender<Letter>) -> Self {
        let books = Mutex::new(Books::new(clock.now()));
        Self { books, clock: Box::new(clock), url, post, undelivered: watch::Sender::new(0) }
    }

    /// Where the sandbox is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Does something to the books, at the present time, and sends off what is to be told of it.
    pub(super) fn with<T>(&self, deed: impl FnOnce(&mut Books) -> T) -> T {
        // Books that somebody panicked over are still better than none.
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        books.desk.now = self.clock.now();
        books.expire_overdue();
        let done = deed(&mut books);
        let is_parallel = books.desk.chance.faults().parallel_events;
        for (event, held_back) in books.desk.take_events() {
            // Nobody takes letters any more once the sandbox has stopped.
            let _ = self.post.send(Letter { event, held_back, is_parallel, _counted: Counted::new(&self.undelivered) });
        }
        done
    }

    pub(super) fn set_faults(&self, faults: Faults) {
        self.with(|books| books.desk.chance = super::faults::Chance::new(faults));
    }

    /// Waits until every event is delivered or given up, but not for ever. Says whether it came to that.
    pub(super) async fn settled(&self, limit: Duration) -> bool {
        let mut undelivered = self.undelivered.subscribe();
        let settled = tokio::time::timeout(limit, undelivered.wait_for(|count| *count == 0));
        settled.await.is_ok_and(|settled| settled.is_ok())
    }
}

impl Counted {
    fn new(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
