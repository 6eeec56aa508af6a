use std::time::Duration;

use tokio::time::Instant;

use crate::{StoreError, backoff};

/// How often a deed is tried that loses a race. The waits add up to about two seconds.
const TRIES: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(8);
const LONGEST_PAUSE: Duration = Duration::from_millis(512);
/// After so long no further try begins. A try may wait for itself: 5 seconds for whoever has a SQLite file locked.
const LONGEST: Duration = Duration::from_secs(8);

/// Repeats a deed that lost a race for a row or a lock (deadlock, serialization failure, busy): nothing of it was done.
///
/// The waits grow and are spread out, so that those who collided do not collide again.
pub(crate) async fn retry<T, E, F>(mut deed: impl FnMut() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: AsStoreError,
{
    let start = Instant::now();
    for attempt in 0..TRIES - 1 {
        match deed().await {
            Err(error) if error.as_store_error().is_some_and(StoreError::is_retryable) && start.elapsed() < LONGEST => {
                tracing::debug!(attempt, "lost a race, trying again");
                tokio::time::sleep(backoff::pause(attempt, FIRST_PAUSE, LONGEST_PAUSE)).await;
            }
            outcome => return outcome,
        }
    }
    deed().await
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
