use std::time::Duration;

use crate::StoreError;

/// How often a deed is tried that loses a race. The waits add up to about two seconds.
const TRIES: u32 = 10;

/// Repeats a deed that lost a race for a row or a lock (deadlock, serialization failure, busy): nothing of it was done.
///
/// The waits grow and are spread out, so that those who collided do not collide again.
pub(crate) async fn retry<T, E, F>(mut deed: impl FnMut() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: AsStoreError,
{
    for attempt in 1..TRIES {
        match deed().await {
            Err(error) if error.as_store_error().is_some_and(StoreError::is_retryable) => {
                tracing::debug!(attempt, "lost a race, trying again");
                tokio::time::sleep(pause(attempt)).await;
            }
            outcome => return outcome,
        }
    }
    deed().await
}

#[expect(clippy::disallowed_methods, reason = "spreading waits out is the one use of chance that nothing else sees")]
fn pause(attempt: u32) -> Duration {
    let ceiling = 4_u64 << attempt.min(7);
    Duration::from_millis(rand::random_range(ceiling / 2..=ceiling))
}

/// Tells whether an error of a room is the database's.
pub(crate) trait AsStoreError {
    fn as_store_error(&self) -> Option<&StoreError>;
}

impl AsStoreError for StoreError {
    fn as_store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}
