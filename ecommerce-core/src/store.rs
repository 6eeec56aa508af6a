//! The store: an open shop, to be shared by everything that uses it.

use std::{
    path::Path,
    sync::{Arc, Weak},
    time::Duration,
};

use crate::{
    Clock, Currency, DatabaseFaults, PaymentProvider, StoreError, SystemClock, Timestamp, TokenSource,
    accounts::{Hasher, SystemTokens, User},
    catalog,
    db::{self, Db, Gather, Tx},
    providers::Providers,
    worker::Worker,
};

/// A shop: accounts, catalog, carts, orders and payments in one database.
///
/// Cheap to clone; every clone is the same shop. Each call is one transaction: it happens as a whole or not at all,
/// and what was answered survives a crash.
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ecommerce_core::{PageRequest, ProductFilter, Store};
/// let store = Store::open("sqlite::memory:").await?;
/// assert_eq!(store.product_list(&ProductFilter::default(), PageRequest::default(), None).await?.count, 0);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Box<dyn Clock>,
    tokens: Box<dyn TokenSource>,
    hasher: Hasher,
    limits: Limits,
    currency: Currency,
    providers: Providers,
    cursor_key: String,
    sessions: Arc<Gather<String, Option<User>>>,
    _worker: Option<Worker>,
}

/// A store that its background tasks do not keep open.
#[derive(Clone)]
pub(crate) struct WeakStore(Weak<Inner>);

impl WeakStore {
    pub(crate) fn upgrade(&self) -> Option<Store> {
        self.0.upgrade().map(Store)
    }
}

/// The bounds of a shop.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How long an order that waits for a provider keeps its units. Default: 35 minutes.
    pub reservation: Duration,
    /// How long an order keeps its units that waits for a bank transfer or cash. Default: 72 hours.
    pub manual_reservation: Duration,
    /// How many orders of one customer may wait for payment. Default: 100.
    pub open_orders_per_customer: u32,
    /// How many attempts an order may have to be paid; each is a session at its provider. Default: 20.
    pub payments_per_order: u32,
    /// How long a session lives. Default: 30 days.
    pub session_lifetime: Duration,
    /// How many log-ins from one address may fail within 15 minutes; 0 for any number. Default: 50.
    pub failed_logins_per_address: u32,
    /// How long a log-in or a registration waits while the passwords of others are hashed. Default: 10 seconds.
    pub hashing_wait: Duration,
    /// How many calls of one kind to one payment provider are under way at once in the background, at least 1. Default: 8.
    pub provider_calls_at_once: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reservation: Duration::from_secs(35 * 60),
            manual_reservation: Duration::from_secs(72 * 3600),
            open_orders_per_customer: 100,
            payments_per_order: 20,
            session_lifetime: Duration::from_secs(30 * 24 * 3600),
            failed_logins_per_address: 50,
            hashing_wait: Duration::from_secs(10),
            provider_calls_at_once: 8,
        }
    }
}

/// Opens a [`Store`] with more than a URL.
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::{sync::Arc, time::Duration};
/// use ecommerce_core::{Clock, Limits, ManualClock, Store, Timestamp};
/// let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
/// let mut limits = Limits::default();
/// limits.reservation = Duration::from_secs(600);
/// let store = Store::builder().clock(clock.clone()).limits(limits).open("sqlite::memory:").await?;
/// clock.advance(Duration::from_secs(600));
/// store.run_due().await?;
/// # Ok(()) }
/// ```
pub struct StoreBuilder {
    clock: Box<dyn Clock>,
    tokens: Box<dyn TokenSource>,
    limits: Limits,
    currency: Option<Currency>,
    providers: Providers,
    faults: Option<Arc<dyn DatabaseFaults>>,
    background: bool,
}

impl StoreBuilder {
    /// Where the time is read. Default: the machine's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Where the randomness of tokens comes from. Default: the operating system.
    #[must_use]
    pub fn tokens(mut self, tokens: impl TokenSource) -> Self {
        self.tokens = Box::new(tokens);
        self
    }

    /// The bounds of the shop.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The currency of a price that does not name one. Default: USD.
    #[must_use]
    pub fn currency(mut self, currency: Currency) -> Self {
        self.currency = Some(currency);
        self
    }

    /// Somebody who takes money, in place of the provider of the same name. A checkout that names none takes the first
    /// that is set up: Stripe, Paystack, then others in the order in which they were handed in.
    ///
    /// Default: Stripe and Paystack (features `stripe` and `paystack`) without keys. They call nobody and believe no
    /// webhook, but their currencies and amounts are known.
    #[must_use]
    pub fn provider(mut self, provider: impl PaymentProvider) -> Self {
        self.providers.set(provider);
        self
    }

    /// Lets calls to the database fail, for tests of those who embed the store. Default: none fails but by itself.
    #[must_use]
    pub fn database_faults(mut self, faults: impl DatabaseFaults) -> Self {
        self.faults = Some(Arc::new(faults));
        self
    }

    /// Whether the store does by itself, while it is open, what becomes due: lets orders expire, asks providers, sends
    /// refunds. Default: yes. Without it, call [`Store::run_due`].
    #[must_use]
    pub fn background(mut self, background: bool) -> Self {
        self.background = background;
        self
    }

    /// Opens the store at a database and brings its tables and the index of its products up to date.
    ///
    /// The URL is `sqlite:FILE`, `sqlite::memory:` or `postgres://user@host/database`.
    ///
    /// # Errors
    /// When the database cannot be reached or is of a newer version.
    pub async fn open(self, url: &str) -> Result<Store, StoreError> {
        let db = Db::open(url).await?;
        let cursor_key = catalog::build_index(&db).await?;
        let db = db.befallen_by(self.faults);
        let currency = match self.currency {
            Some(currency) => currency,
            None => "USD".parse().map_err(|error| StoreError::other(format!("{error}")))?,
        };
        let callable = self.providers.callable_names();
        Ok(Store(Arc::new_cyclic(|inner| Inner {
            db,
            clock: self.clock,
            tokens: self.tokens,
            hasher: Hasher::new(self.limits.hashing_wait),
            limits: self.limits,
            currency,
            providers: self.providers,
            cursor_key,
            sessions: Arc::default(),
            _worker: self.background.then(|| Worker::start(&WeakStore(inner.clone()), &callable)),
        })))
    }
}

impl Store {
    /// Opens the store at a database, with every default.
    ///
    /// # Errors
    /// See [`StoreBuilder::open`].
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::builder().open(url).await
    }

    /// Opens a store with more than a URL.
    pub fn builder() -> StoreBuilder {
        StoreBuilder {
            clock: Box::new(SystemClock),
            tokens: Box::new(SystemTokens),
            limits: Limits::default(),
            currency: None,
            providers: Providers::built_in(),
            faults: None,
            background: true,
        }
    }

    /// The currency of a price that does not name one.
    pub fn currency(&self) -> Currency {
        self.0.currency
    }

    /// Does the database answer?
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read().await?.ping().await
    }

    /// Does all that is due: lets orders expire, takes up events again, asks providers about open payments, sends refunds,
    /// reads events that were missed, removes ended sessions.
    /// The store does so by itself unless it was opened without [`StoreBuilder::background`].
    ///
    /// # Errors
    /// Only the database's: a provider that gives no answer is asked again later.
    pub async fn run_due(&self) -> Result<(), StoreError> {
        self.expire_all_due().await?;
        self.retry_unmatched().await?;
        for provider in self.providers().callable_names() {
            self.ask_due(provider).await?;
            self.pay_back_due(provider).await?;
            self.read_events_due(provider).await?;
        }
        self.delete_ended_sessions().await
    }

    /// Writes a consistent copy of a live SQLite store to a new file.
    ///
    /// # Errors
    /// When the file exists or cannot be written, or the store is on PostgreSQL (`pg_dump` copies that).
    pub async fn backup(&self, file: &Path) -> Result<(), StoreError> {
        db::backup(&self.0.db, file).await
    }

    /// Waits for what is running and closes the database. Every clone is closed with it.
    pub async fn close(&self) {
        self.0.db.close().await;
    }

    pub(crate) async fn write(&self) -> Result<Tx, StoreError> {
        self.0.db.write().await
    }

    pub(crate) async fn write_much(&self) -> Result<Tx, StoreError> {
        self.0.db.write_much().await
    }

    pub(crate) async fn write_once(&self) -> Result<Tx, StoreError> {
        self.0.db.write_once().await
    }

    pub(crate) async fn read(&self) -> Result<Tx, StoreError> {
        self.0.db.read().await
    }

    pub(crate) async fn snapshot(&self) -> Result<Tx, StoreError> {
        self.0.db.snapshot().await
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(crate) fn tokens(&self) -> &dyn TokenSource {
        &*self.0.tokens
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.0.hasher
    }

    /// Who asks whose a session is.
    pub(crate) fn sessions(&self) -> &Arc<Gather<String, Option<User>>> {
        &self.0.sessions
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Only who has it can write a cursor of a list.
    pub(crate) fn cursor_key(&self) -> &str {
        &self.0.cursor_key
    }

    pub(crate) fn providers(&self) -> &Providers {
        &self.0.providers
    }
}
