//! A shop to tell stories in: opened on a database of its own, its clock in the teller's hand.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use ecommerce_core::{
    Admin, CartLine, CategoryId, Checkout, CheckoutError, CheckoutRequest, Clock, Currency, Customer, Limits, ManualClock, Money,
    NewCategory, NewProduct, Note, Order, OrderStatus, PaymentEventStatus, Paystack, ProductChange, ProductId, ProviderName,
    Quantity, Registration, SignedIn, Store, StoreBuilder, Stripe, System, Timestamp, WebhookError,
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use tokio::runtime::{Builder, Runtime};

use crate::{
    bank::{Bank, bank},
    database::{Database, Engine},
    events,
};

/// When every story begins: 2026-01-31T09:30:00Z.
fn beginning() -> Timestamp {
    Timestamp::from_micros(1_769_851_800_000_000)
}

pub(crate) const STRIPE_SECRET: &str = "whsec_test";
pub(crate) const PAYSTACK_SECRET: &str = "sk_test_abc";
pub(crate) const PASSWORD: &str = "correct horse";

/// Makes every story a test on each engine. At the end of each the doctor looks at the shop.
macro_rules! stories {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[test]
                fn $name() {
                    crate::shop::tell(crate::database::Engine::Sqlite, super::$name);
                }
            )+
        }

        mod postgres {
            $(
                #[test]
                fn $name() {
                    crate::shop::tell(crate::database::Engine::Postgres, super::$name);
                }
            )+
        }
    };
}

/// Asserts that a call is refused with an error of this shape.
macro_rules! refused {
    ($call:expr, $pattern:pat $(if $guard:expr)?) => {
        match $call.await {
            Err($pattern) $(if $guard)? => {}
            other => panic!("expected {}, not {other:?}", stringify!($pattern $(if $guard)?)),
        }
    };
}

/// Tells a story in a shop of its own, and asks the doctor how it left the shop.
pub(crate) fn tell<F: Future<Output = ()> + Send + 'static>(engine: Engine, story: impl FnOnce(Shop) -> F + Send + 'static) {
    runtime().block_on(async {
        let Some(database) = Database::create(engine).await else { return };
        let shop = Shop::open(&database.url).await;
        let told = shop.clone();
        let ended = tokio::spawn(async move {
            story(told.clone()).await;
            told.healthy().await;
        });
        let ended = ended.await;
        shop.store.close().await;
        database.remove().await;
        if let Err(failure) = ended {
            std::panic::resume_unwind(failure.into_panic());
        }
    });
}

/// The one runtime of all tests, so that a connection may outlive the test that made it.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());
    &RUNTIME
}

#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) store: Store,
    clock: Arc<ManualClock>,
    system: System,
    url: String,
    pub(crate) bank: Bank,
}

/// The shop itself.
impl Shop {
    pub(crate) async fn open(url: &str) -> Self {
        Self::open_at(url, Arc::new(ManualClock::new(beginning())), Bank::default(), Store::builder()).await
    }

    /// The same shop as a second process sees it: another store on the same database.
    pub(crate) async fn second_process(&self) -> Self {
        self.second_process_of(Store::builder()).await
    }

    /// The same shop through a store that was built in another way.
    pub(crate) async fn second_process_of(&self, builder: StoreBuilder) -> Self {
        Self::open_at(&self.url, self.clock.clone(), self.bank.clone(), builder).await
    }

    async fn open_at(url: &str, clock: Arc<ManualClock>, bank: Bank, builder: StoreBuilder) -> Self {
        let builder = builder.clock(clock.clone()).background(false);
        let builder = builder.provider(Stripe::new().webhook_secrets(&[STRIPE_SECRET]).unwrap());
        let builder = builder.provider(Paystack::new().webhook_key(PAYSTACK_SECRET).unwrap());
        let store = builder.provider(bank.clone()).open(url).await.unwrap();
        Self { system: store.system(), store, clock, url: url.to_owned(), bank }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn clock(&self) -> Arc<ManualClock> {
        self.clock.clone()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass, without the shop doing anything.
    pub(crate) fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// Lets time pass, and the shop do what is due then.
    pub(crate) async fn wait(&self, span: Duration) {
        self.clock.advance(span);
        self.store.run_due().await.unwrap();
    }

    /// Runs SQL behind the store's back.
    pub(crate) async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.url.starts_with("sqlite:") {
            SqliteConnection::connect(&self.url).await.unwrap().execute(sql).await.unwrap();
        } else {
            PgConnection::connect(&self.url).await.unwrap().execute(sql).await.unwrap();
        }
    }

    /// What stands in the outbox, oldest first.
    pub(crate) async fn notices(&self) -> Vec<String> {
        self.texts("select topic from outbox order by id").await
    }

    /// The one column of text that a query finds behind the store's back.
    pub(crate) async fn texts(&self, query: &'static str) -> Vec<String> {
        if self.url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap()
        } else {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap()
        }
    }

    /// The same shop within other bounds.
    pub(crate) async fn within(&self, change: impl FnOnce(&mut Limits)) -> Store {
        let mut limits = Limits::default();
        change(&mut limits);
        let builder = Store::builder().clock(self.clock()).limits(limits).background(false);
        builder.provider(self.bank.clone()).open(&self.url).await.unwrap()
    }

    /// Asserts that every invariant holds.
    pub(crate) async fn healthy(&self) {
        let report = self.store.audit().await.unwrap();
        assert!(report.is_healthy(), "the doctor found {:#?}", report.findings);
    }
}

/// People and goods.
impl Shop {
    pub(crate) fn admin(&self) -> &Admin {
        self.system.admin()
    }

    pub(crate) async fn register(&self, name: &str) -> SignedIn {
        self.store.register(registration(&format!("{name}@example.com"))).await.unwrap()
    }

    pub(crate) async fn customer(&self, name: &str) -> Customer {
        self.system.customer(self.register(name).await.user.id)
    }

    /// A product for sale at a price such as `10.50` (USD) or `500 JPY`.
    pub(crate) async fn product(&self, name: &str, price: &str, stock: i64) -> ProductId {
        let new = NewProduct::new(name.parse().unwrap(), money(price), stock);
        self.store.product_create(self.admin(), new).await.unwrap().id
    }

    /// A category below another, or at the top.
    pub(crate) async fn category(&self, name: &str, parent: Option<CategoryId>) -> CategoryId {
        let new = NewCategory { parent, ..NewCategory::new(name.parse().unwrap()) };
        self.store.category_create(self.admin(), new).await.unwrap().id
    }

    pub(crate) async fn change(&self, product: ProductId, change: ProductChange) {
        self.store.product_update(self.admin(), product, change, &Default::default()).await.unwrap();
    }

    /// How many are on hand, and how many of them are reserved.
    pub(crate) async fn stock(&self, product: ProductId) -> (i64, i64) {
        let report = self.store.stock(self.admin(), product).await.unwrap();
        (report.stock, report.reserved)
    }
}

/// Carts and orders.
impl Shop {
    pub(crate) async fn fill(&self, customer: &Customer, lines: &[(ProductId, i64)]) {
        self.store.cart_add(customer, &cart_lines(lines)).await.unwrap();
    }

    pub(crate) async fn try_checkout(&self, customer: &Customer, provider: ProviderName) -> Result<Checkout, CheckoutError> {
        let request = CheckoutRequest { provider: Some(provider), ..CheckoutRequest::default() };
        self.store.checkout(customer, &request).await
    }

    /// An order of these products that waits for Stripe.
    pub(crate) async fn order(&self, customer: &Customer, lines: &[(ProductId, i64)]) -> Order {
        self.order_by(customer, lines, ProviderName::Stripe).await
    }

    pub(crate) async fn order_by(&self, customer: &Customer, lines: &[(ProductId, i64)], provider: ProviderName) -> Order {
        self.fill(customer, lines).await;
        self.try_checkout(customer, provider).await.unwrap().order
    }

    /// An order of these products that Stripe says is paid.
    pub(crate) async fn paid_order(&self, customer: &Customer, lines: &[(ProductId, i64)]) -> Order {
        let order = self.order(customer, lines).await;
        self.stripe(&events::Attempt::of(&order).session_completed()).await;
        let order = self.reload(&order).await;
        assert_eq!(order.status, OrderStatus::Paid);
        order
    }

    /// The order as it is now.
    pub(crate) async fn reload(&self, order: &Order) -> Order {
        self.store.order(self.admin(), order.id).await.unwrap()
    }
}

/// What providers send.
impl Shop {
    pub(crate) async fn stripe(&self, event: &Value) -> PaymentEventStatus {
        self.try_stripe(event).await.unwrap()
    }

    pub(crate) async fn try_stripe(&self, event: &Value) -> Result<PaymentEventStatus, WebhookError> {
        self.stripe_text(&event.to_string()).await
    }

    pub(crate) async fn stripe_text(&self, body: &str) -> Result<PaymentEventStatus, WebhookError> {
        let signature = events::stripe_signature(STRIPE_SECRET, self.now().as_seconds(), body.as_bytes());
        self.store.webhook_receive(ProviderName::Stripe, &[&signature], body.as_bytes()).await
    }

    pub(crate) async fn bank_tells(&self, event: &Value) -> PaymentEventStatus {
        self.store.webhook_receive(bank(), &["the bank"], event.to_string().as_bytes()).await.unwrap()
    }

    pub(crate) async fn paystack(&self, event: &Value) -> PaymentEventStatus {
        self.paystack_text(&event.to_string()).await.unwrap()
    }

    pub(crate) async fn paystack_text(&self, body: &str) -> Result<PaymentEventStatus, WebhookError> {
        let signature = events::paystack_signature(PAYSTACK_SECRET, body.as_bytes());
        self.store.webhook_receive(ProviderName::Paystack, &[&signature], body.as_bytes()).await
    }
}

pub(crate) fn registration(email: &str) -> Registration {
    Registration { email: email.parse().unwrap(), password: PASSWORD.parse().unwrap(), name: None }
}

pub(crate) fn cart_lines(lines: &[(ProductId, i64)]) -> Vec<CartLine> {
    lines.iter().map(|&(product, count)| CartLine { product, quantity: quantity(count) }).collect()
}

pub(crate) fn quantity(count: i64) -> Quantity {
    Quantity::new(count).unwrap()
}

/// An amount such as `10.50`, which is USD, or `500 JPY`.
pub(crate) fn money(text: &str) -> Money {
    let (amount, currency) = text.split_once(' ').unwrap_or((text, "USD"));
    Money::parse(amount, currency.parse::<Currency>().unwrap()).unwrap()
}

pub(crate) fn note(text: &str) -> Note {
    text.parse().unwrap()
}

pub(crate) fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

pub(crate) fn hours(count: u64) -> Duration {
    minutes(count * 60)
}
