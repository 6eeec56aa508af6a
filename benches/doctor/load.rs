//! People who look and buy at a steady pace, and how long they wait.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ecommerce_core::{CartLine, CheckoutRequest, PageRequest, ProductFilter, ProductId, ProviderName, Quantity, Store, UserId};
use tokio::{task::JoinSet, time};

use crate::Failure;

const LOOKS_PER_SECOND: u64 = 200;
const PURCHASES_PER_SECOND: u64 = 20;
/// What comes due while the machine is busy is begun at once, but not more than so many at the same time.
const AT_ONCE: usize = 64;

pub struct Load {
    store: Store,
    products: u64,
    /// The first 10,000 at most: no more are counted.
    customers: u64,
    /// The write-ahead log of SQLite.
    log: Option<PathBuf>,
    turn: AtomicU64,
}

/// How long people waited, and how large the log became.
#[derive(Default)]
pub struct Waits {
    looks: Vec<Duration>,
    purchases: Vec<Duration>,
    log_bytes: u64,
}

impl Load {
    pub async fn of(store: &Store, url: &str) -> Result<Arc<Self>, Failure> {
        let page = PageRequest::first(1)?;
        let products = store.product_list(&ProductFilter::default(), page, None).await?.count;
        let customers = store.user_list(store.system().admin(), page).await?.count;
        let log = url.strip_prefix("sqlite:").map(|file| PathBuf::from(format!("{file}-wal")));
        Ok(Arc::new(Self { store: store.clone(), products, customers, log, turn: AtomicU64::new(1) }))
    }

    /// Lets people look and buy for so long, and until something else is done.
    pub async fn run(self: &Arc<Self>, least: Duration, beside: impl Future<Output = ()>) -> Result<Waits, Failure> {
        let (waits, is_over) = (Arc::new(Mutex::new(Waits::default())), Arc::new(AtomicBool::new(false)));
        let mut people = JoinSet::new();
        for (pace, is_purchase) in [(LOOKS_PER_SECOND, false), (PURCHASES_PER_SECOND, true)] {
            let (load, waits, is_over) = (self.clone(), waits.clone(), is_over.clone());
            people.spawn(async move {
                let mut pulse = time::interval(Duration::from_millis(1000 / pace));
                let mut deeds = JoinSet::<Result<(), Failure>>::new();
                while !is_over.load(Ordering::Relaxed) {
                    let due = pulse.tick().await;
                    let (load, waits) = (load.clone(), waits.clone());
                    deeds.spawn(async move {
                        if is_purchase {
                            load.buy().await?
                        } else {
                            load.look().await?
                        }
                        let mut waits = waits.lock().map_err(|_| "poisoned")?;
                        if is_purchase {
                            waits.purchases.push(due.elapsed())
                        } else {
                            waits.looks.push(due.elapsed())
                        }
                        waits.log_bytes = waits.log_bytes.max(load.log_bytes());
                        Ok(())
                    });
                    while deeds.len() >= AT_ONCE {
                        deeds.join_next().await.transpose()?.transpose()?;
                    }
                }
                while let Some(done) = deeds.join_next().await {
                    done??;
                }
                Ok::<_, Failure>(())
            });
        }
        let start = Instant::now();
        beside.await;
        time::sleep(least.saturating_sub(start.elapsed())).await;
        is_over.store(true, Ordering::Relaxed);
        while let Some(done) = people.join_next().await {
            done??;
        }
        let mut waits = std::mem::take(&mut *waits.lock().map_err(|_| "poisoned")?);
        waits.looks.sort_unstable();
        waits.purchases.sort_unstable();
        Ok(waits)
    }

    async fn look(&self) -> Result<(), Failure> {
        self.store.product(self.product(), None).await?;
        Ok(())
    }

    async fn buy(&self) -> Result<(), Failure> {
        let system = self.store.system();
        let customer = UserId::new(self.number(self.customers)).ok_or("no customer")?;
        let customer = system.customer(customer);
        let line = CartLine { product: self.product(), quantity: Quantity::new(1)? };
        self.store.cart_add(&customer, &[line]).await?;
        let request = CheckoutRequest { provider: Some(ProviderName::Manual), ..CheckoutRequest::default() };
        let order = self.store.checkout(&customer, &request).await?.order;
        self.store.order_confirm_payment(system.admin(), order.id, None).await?;
        Ok(())
    }

    fn product(&self) -> ProductId {
        ProductId::new(self.number(self.products)).expect("it is not 0")
    }

    /// Another number from 1 to that one at every call, all over the place.
    fn number(&self, most: u64) -> i64 {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        i64::try_from(turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) % most + 1).expect("it is small")
    }

    fn log_bytes(&self) -> u64 {
        self.log.as_ref().and_then(|log| std::fs::metadata(log).ok()).map_or(0, |log| log.len())
    }
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |waits: &[Duration], hundredth: usize| {
            waits.get(waits.len() * hundredth / 100).map_or(f64::NAN, |wait| wait.as_secs_f64() * 1000.0)
        };
        let both = |waits: &[Duration]| format!("{:.1} / {:.1} ms", at(waits, 50), at(waits, 99));
        let log = self.log_bytes as f64 / 1e6;
        write!(f, "{:>22} {:>22} {log:>7.1} MB", both(&self.looks), both(&self.purchases))
    }
}
