//! Whose turn it is on a connection: its service tells, and the stream below hyper asks.

use std::sync::atomic::{AtomicU8, Ordering};

/// A connection begins with its client's turn, and comes back to it with every answer that is written out.
#[derive(Debug, Default)]
pub(crate) struct Turn(AtomicU8);

const CLIENT: u8 = 0;
const SHOP: u8 = 1;
const ANSWER: u8 = 2;

impl Turn {
    /// A request has begun: its header is there.
    pub(crate) fn asked(&self) {
        self.0.store(SHOP, Ordering::Relaxed);
    }

    /// The answer is there, to be written.
    pub(crate) fn answered(&self) {
        self.0.store(ANSWER, Ordering::Relaxed);
    }

    /// Whatever there was to write is written. Says whether that was an answer, so that the client has to speak now.
    pub(crate) fn written(&self) -> bool {
        self.0.compare_exchange(ANSWER, CLIENT, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Is the client to speak, and nobody here?
    pub(crate) fn is_clients(&self) -> bool {
        self.0.load(Ordering::Relaxed) == CLIENT
    }
}
