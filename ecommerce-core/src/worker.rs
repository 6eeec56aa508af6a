//! What a store does by itself while it is open.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinHandle;

use crate::{ProviderName, Store, StoreError, payments::NEWEST, store::WeakStore};

/// How often the store looks for what is due. Looking costs a few reads by index.
const TICK: Duration = Duration::from_secs(1);
/// Once in so many ticks the store looks for events that can be matched by now: most are as soon as they can be.
const TICKS_PER_MATCHING: u32 = 2;
/// Once in so many ticks the store looks whether events are to be read.
const TICKS_PER_READING: u32 = 30;
/// Once in so many ticks the store removes ended sessions.
const TICKS_PER_CLEANING: u32 = 300;

/// The background tasks of a store; they end with the store. What needs no provider has a task of its own, and so has each
/// kind of question to each provider: one that hangs holds up nothing else.
pub(crate) struct Worker(Vec<JoinHandle<()>>);

impl Worker {
    pub(crate) fn start(store: &WeakStore, providers: &[ProviderName]) -> Self {
        let looked_at = Arc::new(AtomicI64::new(NEWEST));
        let at_home = repeat(store.clone(), move |store, tick| {
            let looked_at = looked_at.clone();
            async move {
                store.expire_due(None).await?;
                if tick.is_multiple_of(TICKS_PER_MATCHING) {
                    let ended = store.retry_some_unmatched(looked_at.load(Ordering::Relaxed)).await?;
                    looked_at.store(ended, Ordering::Relaxed);
                }
                if tick.is_multiple_of(TICKS_PER_CLEANING) { store.delete_ended_sessions().await } else { Ok(()) }
            }
        });
        let abroad = providers.iter().copied().flat_map(|by| {
            [
                repeat(store.clone(), move |store, _| async move { store.expire_due(Some(by)).await }),
                repeat(store.clone(), move |store, _| async move { store.ask_due(by).await }),
                repeat(store.clone(), move |store, _| async move { store.pay_back_due(by).await }),
                repeat(store.clone(), move |store, tick| async move {
                    if tick.is_multiple_of(TICKS_PER_READING) { store.read_events_due(by).await } else { Ok(()) }
                }),
            ]
        });
        Self(abroad.chain([at_home]).collect())
    }
}

fn repeat<F>(store: WeakStore, deed: impl Fn(Store, u32) -> F + Send + 'static) -> JoinHandle<()>
where
    F: Future<Output = Result<(), StoreError>> + Send + 'static,
{
    tokio::spawn(async move {
        let mut tick = 0_u32;
        loop {
            tokio::time::sleep(TICK).await;
            let Some(store) = store.upgrade() else { return };
            if let Err(error) = deed(store, tick).await {
                tracing::warn!(%error, "background work failed, it will be tried again");
            }
            tick = tick.wrapping_add(1);
        }
    })
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}
