//! All chance of a run comes from its seed.

use std::sync::{Arc, Mutex, PoisonError};

use rand::{Rng, SeedableRng, rngs::ChaCha8Rng};

use crate::TokenSource;

/// A generator that is the same in every version: ChaCha8, and from its words to numbers by one multiplication.
pub(super) struct Chance(ChaCha8Rng);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number from 0 up to, but not including, `end`; 0 where there is none.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let wide = u128::from(self.0.next_u64()) * end as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number from `first` to `last`, both included.
    pub(super) fn between(&mut self, first: u32, last: u32) -> u32 {
        let span = usize::try_from(last.saturating_sub(first)).unwrap_or(0);
        first.saturating_add(u32::try_from(self.below(span + 1)).unwrap_or(0))
    }

    /// Comes true once in so many times.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of these, each as often as its weight says; `otherwise` where none weighs anything.
    pub(super) fn weigh<T: Copy>(&mut self, choices: &[(usize, T)], otherwise: T) -> T {
        let mut at = self.below(choices.iter().map(|(weight, _)| weight).sum());
        for (weight, choice) in choices {
            match at.checked_sub(*weight) {
                Some(rest) => at = rest,
                None => return *choice,
            }
        }
        otherwise
    }

    /// Chance for the tokens of a store, which goes on where it was when the store is opened again.
    pub(super) fn tokens(&mut self) -> Tokens {
        Tokens(Arc::new(Mutex::new(Self::new(self.0.next_u64()))))
    }
}

#[derive(Clone)]
pub(super) struct Tokens(Arc<Mutex<Chance>>);

impl TokenSource for Tokens {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.fill_bytes(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_for_ever() {
        let mut chance = Chance::new(42);
        let numbers: Vec<_> = (0..8).map(|_| chance.below(1000)).collect();
        assert_eq!(numbers, [681, 950, 427, 627, 288, 149, 308, 803]);
        assert_eq!(chance.weigh(&[], 7), 7);
        assert!((0..100).all(|_| (3..=5).contains(&chance.between(3, 5)) && chance.weigh(&[(0, 1), (2, 2)], 3) == 2));
    }
}
