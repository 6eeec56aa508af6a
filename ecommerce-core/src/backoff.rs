//! How long to wait before something that did not work is tried again.

use std::time::Duration;

/// The wait before the next try: twice as long after each up to a bound, and spread out over its second half, so that
/// those who collided do not collide again.
#[expect(clippy::disallowed_methods, reason = "spreading waits out is the one use of chance that nothing else sees")]
pub(crate) fn pause(attempt: u32, first: Duration, longest: Duration) -> Duration {
    let ceiling = first.saturating_mul(2_u32.saturating_pow(attempt)).min(longest).as_micros();
    let ceiling = u64::try_from(ceiling).unwrap_or(u64::MAX);
    Duration::from_micros(rand::random_range(ceiling / 2..=ceiling))
}
