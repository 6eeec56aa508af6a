use std::{borrow::Cow, error::Error, fmt, io, sync::Arc};

use sqlx::error::{DatabaseError, ErrorKind};

/// One call to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatabaseCall {
    /// A connection is taken, and a transaction begins on it unless it only reads.
    Begin,
    /// A statement, by its name.
    Statement(&'static str),
    /// All that was done in a transaction becomes true.
    Commit,
}

/// How a call to the database fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseFault {
    /// It loses a race (SQLite's busy, PostgreSQL's serialization failure): nothing is done, and the store tries again.
    Busy,
    /// An I/O error before it reached the database: nothing is done.
    Unheard,
    /// It is done, and an I/O error takes the place of its answer.
    Unanswered,
    /// It does not reach the database, and whoever made it waits for ever: to be dropped there, as if the process had died.
    HangsUnheard,
    /// It is done, and whoever made it waits for ever.
    HangsUnanswered,
}

/// Lets calls to the database fail: for those who embed the store and test what becomes of them then.
///
/// Every call of an open store passes here: a connection that is taken, each statement, each commit. A transaction of which
/// a call failed is rolled back as a whole, unless it was its commit that was done. Hand it to
/// [`crate::StoreBuilder::database_faults`].
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use ecommerce_core::{DatabaseCall, DatabaseFault, DatabaseFaults, Store};
///
/// /// The first commit is done, and its answer is lost.
/// #[derive(Default)]
/// struct FirstCommit(AtomicBool);
///
/// impl DatabaseFaults for FirstCommit {
///     fn next(&self, call: DatabaseCall) -> Option<DatabaseFault> {
///         let strikes = call == DatabaseCall::Commit && !self.0.swap(true, Ordering::Relaxed);
///         strikes.then_some(DatabaseFault::Unanswered)
///     }
/// }
///
/// let store = Store::builder().database_faults(FirstCommit::default()).open("sqlite::memory:").await?;
/// assert!(store.run_due().await.unwrap_err().is_unavailable());
/// store.run_due().await?;
/// # Ok(()) }
/// ```
pub trait DatabaseFaults: Send + Sync + 'static {
    /// What becomes of this call, which is about to be made; `None` for what would become of it anyway.
    fn next(&self, call: DatabaseCall) -> Option<DatabaseFault>;

    /// Somebody waits for ever from now on, where [`DatabaseFaults::next`] said so. Default: nobody needs to know.
    fn hangs(&self) {}
}

impl<F: DatabaseFaults> DatabaseFaults for Arc<F> {
    fn next(&self, call: DatabaseCall) -> Option<DatabaseFault> {
        F::next(self, call)
    }

    fn hangs(&self) {
        F::hangs(self);
    }
}

/// What every call to the database passes through.
#[derive(Clone)]
pub(super) struct Faults(Option<Arc<dyn DatabaseFaults>>);

impl Faults {
    pub(super) fn new(faults: Option<Arc<dyn DatabaseFaults>>) -> Self {
        Self(faults)
    }

    /// Makes the call, or lets it fail.
    pub(super) async fn pass<T>(
        &self,
        call: DatabaseCall,
        made: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let Some(faults) = &self.0 else { return made.await };
        match faults.next(call) {
            None => made.await,
            Some(DatabaseFault::Busy) => Err(sqlx::Error::Database(Box::new(LostRace))),
            Some(DatabaseFault::Unheard) => Err(sqlx::Error::Io(io::Error::other("the call was not heard"))),
            Some(DatabaseFault::Unanswered) => {
                made.await?;
                Err(sqlx::Error::Io(io::Error::other("the answer was lost")))
            }
            Some(DatabaseFault::HangsUnheard) => {
                faults.hangs();
                std::future::pending().await
            }
            Some(DatabaseFault::HangsUnanswered) => {
                let _kept = made.await?;
                faults.hangs();
                std::future::pending().await
            }
        }
    }
}

/// What a database answers to a transaction that lost a race, by the code of the SQL standard.
#[derive(Debug)]
struct LostRace;

impl fmt::Display for LostRace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl Error for LostRace {}

impl DatabaseError for LostRace {
    fn message(&self) -> &str {
        "the database is busy"
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed("40001"))
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}
