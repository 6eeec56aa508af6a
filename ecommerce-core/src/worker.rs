//! What a store does by itself while it is open.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::{Store, store::WeakStore};

/// How often the store looks for what is due. Looking costs one read by index.
const TICK: Duration = Duration::from_secs(1);
/// Once in so many ticks the store looks for events that can be matched by now: most are as soon as they can be.
const TICKS_PER_MATCHING: u32 = 2;
/// Once in so many ticks the store removes ended sessions.
const TICKS_PER_CLEANING: u32 = 300;

/// The background task of a store; it ends with the store.
pub(crate) struct Worker(JoinHandle<()>);

impl Worker {
    pub(crate) fn start(store: WeakStore) -> Self {
        Self(tokio::spawn(async move {
            let mut tick = 0_u32;
            loop {
                tokio::time::sleep(TICK).await;
                let Some(store) = store.upgrade() else { return };
                if let Err(error) = run(&store, tick).await {
                    tracing::warn!(%error, "background work failed, it will be tried again");
                }
                tick = tick.wrapping_add(1);
            }
        }))
    }
}

async fn run(store: &Store, tick: u32) -> Result<(), crate::StoreError> {
    store.expire_due().await?;
    if tick.is_multiple_of(TICKS_PER_MATCHING) {
        store.retry_unmatched().await?;
    }
    if tick.is_multiple_of(TICKS_PER_CLEANING) { store.delete_ended_sessions().await } else { Ok(()) }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.abort();
    }
}
