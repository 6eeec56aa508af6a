use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// How many look-ups are on their way at once, before those who come share the next.
const AT_ONCE: usize = 2;

/// Looks up for many at once what each asks for: while look-ups are on their way, those who come meanwhile share the next one.
///
/// Nothing is remembered: whoever asks gets what the database said after they had asked.
pub(crate) struct Gather<K, V>(Mutex<Waiting<K, V>>);

struct Waiting<K, V> {
    askers: Vec<(K, oneshot::Sender<V>)>,
    on_their_way: usize,
}

impl<K, V> Default for Gather<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Waiting { askers: Vec::new(), on_their_way: 0 }))
    }
}

impl<K: Send + 'static, V: Send + 'static> Gather<K, V> {
    /// What the key stands for. `look_up` answers as many values as it is given keys, in their order; `None`, where it fails.
    pub(crate) async fn ask<F>(self: &Arc<Self>, key: K, look_up: impl Fn(Vec<K>) -> F + Send + 'static) -> Option<V>
    where
        F: Future<Output = Option<Vec<V>>> + Send,
    {
        let (asker, answer) = oneshot::channel();
        let leads = {
            let mut waiting = self.waiting();
            waiting.askers.push((key, asker));
            let leads = waiting.on_their_way < AT_ONCE;
            waiting.on_their_way += usize::from(leads);
            leads
        };
        if leads {
            let mut way = Way { gather: self.clone(), has_ended: false };
            // Others wait for it, also when whoever began it goes away.
            tokio::spawn(async move {
                while let Some((keys, askers)) = way.next() {
                    let Some(values) = look_up(keys).await else { continue };
                    for (asker, value) in askers.into_iter().zip(values) {
                        // Who went away meanwhile does not listen.
                        let _gone = asker.send(value);
                    }
                }
            });
        }
        answer.await.ok()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the look-ups that are on their way.
struct Way<K: Send + 'static, V: Send + 'static> {
    gather: Arc<Gather<K, V>>,
    has_ended: bool,
}

impl<K: Send + 'static, V: Send + 'static> Way<K, V> {
    /// All who wait. Where nobody does, the way ends: whoever comes next begins another.
    fn next(&mut self) -> Option<(Vec<K>, Vec<oneshot::Sender<V>>)> {
        let mut waiting = self.gather.waiting();
        let askers = mem::take(&mut waiting.askers);
        if askers.is_empty() {
            waiting.on_their_way -= 1;
            self.has_ended = true;
            return None;
        }
        Some(askers.into_iter().unzip())
    }
}

impl<K: Send + 'static, V: Send + 'static> Drop for Way<K, V> {
    fn drop(&mut self) {
        if !self.has_ended {
            // The program ends. Nobody shall wait for an answer that does not come.
            let mut waiting = self.gather.waiting();
            waiting.on_their_way -= 1;
            waiting.askers.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_who_come_meanwhile_share_a_look_up_and_each_gets_their_own() {
        let gather = Arc::new(Gather::default());
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let askers: Vec<_> = (0..50_u64)
            .map(|key| {
                let (gather, sizes) = (gather.clone(), sizes.clone());
                let look_up = move |keys: Vec<u64>| {
                    sizes.lock().unwrap().push(keys.len());
                    async move {
                        tokio::task::yield_now().await;
                        Some(keys.iter().map(|key| key * 2).collect())
                    }
                };
                tokio::spawn(async move { (key, gather.ask(key, look_up).await) })
            })
            .collect();
        for asker in askers {
            let (key, value) = asker.await.unwrap();
            assert_eq!(value, Some(key * 2));
        }
        let sizes = sizes.lock().unwrap();
        assert!(sizes.len() < 10 && sizes.iter().sum::<usize>() == 50, "{sizes:?}");
        assert_eq!(gather.waiting().on_their_way, 0);
    }

    #[tokio::test]
    async fn who_shares_a_look_up_that_fails_is_told_nothing_and_the_next_is_answered() {
        let gather = Arc::new(Gather::<u64, u64>::default());
        assert_eq!(gather.ask(1, async |_| None).await, None);
        assert_eq!(gather.ask(2, async |keys| Some(keys)).await, Some(2));
    }
}
