//! A thousand orders, paid at providers whose calls and events get lost, doubled, late and mixed up: nothing is paid twice,
//! nothing is paid back twice, nothing is lost.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use ecommerce_core::{
    CartLine, CheckoutRequest, Limits, ManualClock, Money, NewProduct, Order, OrderStatus, Outcome, PageRequest, PaymentId,
    PaymentState, ProductId, ProviderName, Quantity, Refund, RefundStatus, Registration, ReturnUrls, Store, Timestamp,
};
use ecommerce_warp::{
    Config,
    sandbox::{Act, Faults, HeldDispute, HeldPayment, HeldState, Sandbox},
    serve,
};
use tokio::net::TcpListener;

use crate::database::{Database, Engine};

const ORDERS: usize = 1000;
const BUYERS: usize = 8;
const STOCK: i64 = 100_000;

#[test]
fn a_thousand_orders_in_a_storm_on_sqlite() {
    storm(Engine::Sqlite);
}

#[test]
fn a_thousand_orders_in_a_storm_on_postgres() {
    storm(Engine::Postgres);
}

fn storm(engine: Engine) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(database) = Database::create(engine).await else { return };
        let shop = Shop::open(&database.url).await;
        shop.sandbox.set_faults(bad_weather());
        shop.sell().await;
        shop.sandbox.set_faults(Faults::default());
        shop.calm_down().await;
        shop.compare().await;
        shop.store.close().await;
        database.remove().await;
    });
}

fn bad_weather() -> Faults {
    let mut faults = Faults::default();
    faults.seed = 7;
    faults.lose_requests = 4;
    faults.lose_answers = 8;
    faults.too_many_429 = 3;
    faults.conflict_409 = 3;
    faults.error_500 = 3;
    faults.error_500_after = 3;
    faults.duplicate_events = 30;
    faults.drop_events = 10;
    faults.shuffle_events = true;
    faults.parallel_events = true;
    faults.late_events = Duration::from_millis(100);
    faults
}

struct Shop {
    store: Store,
    sandbox: Sandbox,
    clock: Arc<ManualClock>,
    mug: ProductId,
}

impl Shop {
    async fn open(url: &str) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_769_851_800_000_000)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let sandbox = Sandbox::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), &address, clock.clone()).unwrap();
        let returns = ReturnUrls::new(&address, &address).unwrap();
        let mut limits = Limits::default();
        limits.open_orders_per_customer = u32::MAX;
        let builder = Store::builder().clock(clock.clone()).limits(limits).background(false);
        let builder = builder.provider(sandbox.stripe(returns.clone()).unwrap());
        let store = builder.provider(sandbox.paystack(returns).unwrap()).open(url).await.unwrap();
        let mug = NewProduct::new("Mug".parse().unwrap(), Money::parse("12.50", store.currency()).unwrap(), STOCK);
        let mug = store.product_create(store.system().admin(), mug).await.unwrap().id;
        tokio::spawn(serve(store.clone(), Config::default(), listener, std::future::pending()));
        Self { store, sandbox, clock, mug }
    }

    /// Buyers buy, while time passes and the store does what is due.
    async fn sell(&self) {
        let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
        let buyers = async {
            let buyers = (0..BUYERS).map(|buyer| self.buy(buyer, &next));
            futures_util::future::join_all(buyers).await;
            is_over.store(true, Ordering::Relaxed);
        };
        let keeper = async {
            while !is_over.load(Ordering::Relaxed) {
                self.clock.advance(Duration::from_secs(20));
                self.store.run_due().await.unwrap();
            }
        };
        tokio::join!(buyers, keeper);
    }

    async fn buy(&self, buyer: usize, next: &AtomicUsize) {
        let email = format!("buyer{buyer}@example.com").parse().unwrap();
        let account = Registration { email, password: "correct horse".parse().unwrap(), name: None };
        let customer = self.store.system().customer(self.store.register(account).await.unwrap().user.id);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= ORDERS {
                return;
            }
            let line = CartLine { product: self.mug, quantity: Quantity::new(1 + i64::try_from(number % 3).unwrap()).unwrap() };
            self.store.cart_add(&customer, &[line]).await.unwrap();
            let provider = if (number / 20).is_multiple_of(2) { ProviderName::Stripe } else { ProviderName::Paystack };
            let request = CheckoutRequest { provider: Some(provider), ..CheckoutRequest::default() };
            let mut order = self.store.checkout(&customer, &request).await.unwrap().order;
            if order.payments.last().unwrap().checkout_url.is_none() {
                // Whoever was sent nowhere tries again, unless the order is paid or over by now.
                order = self.store.order_pay(&customer, order.id, Some(provider)).await.unwrap_or(order);
            }
            if let Some(reference) = order.payments.last().and_then(|payment| payment.reference.clone()) {
                self.pay(number, provider, &reference);
            }
            if number.is_multiple_of(17) {
                drop(self.store.order_cancel(self.store.system().admin(), order.id).await);
            }
        }
    }

    /// What this buyer does on the provider's page. It may be closed by now.
    fn pay(&self, number: usize, provider: ProviderName, reference: &str) {
        let acts: &[Act] = match number % 20 {
            0 => &[Act::Decline],
            1 => &[],
            2 | 3 => &[Act::Decline, Act::Pay],
            4 | 5 => &[Act::PayLate, Act::FinishLate { ok: true }],
            6 => &[Act::PayLate, Act::FinishLate { ok: false }],
            7 | 8 => &[Act::PayTwice],
            // Whose refund it was Paystack's list does not say: once the event is lost for good, nobody can know.
            9 if provider == ProviderName::Stripe => &[Act::Pay, Act::RefundInDashboard(300)],
            10 => &[Act::Pay, Act::Dispute, Act::WinDispute],
            11 => &[Act::Pay, Act::Dispute, Act::LoseDispute],
            _ => &[Act::Pay],
        };
        for act in acts {
            let _ = self.sandbox.act(reference, *act);
        }
    }

    /// The weather is good again, and time passes until nothing is open.
    async fn calm_down(&self) {
        for _ in 0..60 {
            self.clock.advance(Duration::from_secs(3600));
            self.store.run_due().await.unwrap();
            assert!(self.sandbox.settled().await, "events are still on their way");
            if self.orders().await.iter().all(is_settled) {
                return;
            }
        }
        let open: Vec<_> = self.orders().await.into_iter().filter(|order| !is_settled(order)).take(3).collect();
        panic!("still open: {open:#?}");
    }

    async fn orders(&self) -> Vec<Order> {
        let (system, mut orders) = (self.store.system(), Vec::new());
        let mut next = PageRequest::first(100).ok();
        while let Some(request) = next {
            let page = self.store.order_list(system.admin(), &Default::default(), request).await.unwrap();
            next = page.next();
            orders.extend(page.results);
        }
        orders
    }

    /// The shop's books against the providers'.
    async fn compare(&self) {
        let orders = self.orders().await;
        assert_eq!(orders.len(), ORDERS);
        let report = self.store.audit().await.unwrap();
        assert!(report.is_healthy(), "{:#?}", report.findings);

        let mut sold = 0;
        let mut ours = BTreeMap::new();
        for order in &orders {
            let applied = order.payments.iter().filter(|payment| payment.outcome == Some(Outcome::Applied)).count();
            assert_eq!(
                applied == 1,
                order.status == OrderStatus::Paid || (applied == 1 && order.status == OrderStatus::Cancelled)
            );
            if order.status == OrderStatus::Paid {
                sold += order.items.iter().map(|item| i64::from(item.quantity.get())).sum::<i64>();
            }
            for payment in &order.payments {
                if let Some(reference) = &payment.reference {
                    ours.insert(reference.clone(), (order, payment.id));
                }
            }
        }
        let paid = orders.iter().filter(|order| order.status == OrderStatus::Paid).count();
        assert!(paid > ORDERS / 2, "a shop that sells nothing is safe, too: {paid} of {ORDERS} paid");
        assert_eq!(self.store.stock(self.store.system().admin(), self.mug).await.unwrap().stock, STOCK - sold);

        for held in self.sandbox.payments() {
            match ours.get(&held.id) {
                Some((order, payment)) => compare_payment(order, *payment, &held),
                // Of a session whose answer was lost, nobody ever had the address.
                None => assert_eq!(held.captured, 0, "paid, and not in the books: {held:?}"),
            }
        }
    }
}

/// Is there nothing left to be done about the order?
fn is_settled(order: &Order) -> bool {
    let is_on_its_way =
        |refund: &Refund| matches!(refund.status, RefundStatus::Queued | RefundStatus::Sent | RefundStatus::Pending);
    order.status != OrderStatus::PendingPayment && !order.refunds.iter().any(is_on_its_way)
}

fn compare_payment(order: &Order, id: PaymentId, held: &HeldPayment) {
    let payment = order.payments.iter().find(|payment| payment.id == id).unwrap();
    let context = || format!("{held:#?} {order:#?}");
    assert_eq!(payment.status == PaymentState::Succeeded, held.state == HeldState::Paid, "{}", context());
    if held.state != HeldState::Paid {
        return;
    }
    assert_eq!(payment.captured.unwrap().minor(), held.captured, "{}", context());
    let back: i64 = held.refunds.iter().map(|refund| refund.amount).sum();
    let is_lost = held.dispute == Some(HeldDispute::Lost);
    let lost = if is_lost { held.captured - back } else { 0 };
    assert_eq!(payment.charged_back, is_lost, "{}", context());
    assert!(back <= held.captured, "more went back than came: {}", context());
    assert_eq!(payment.refunded.minor(), back + lost, "{}", context());
    let ours: Vec<_> = held.refunds.iter().filter_map(|refund| refund.refund).collect();
    assert_eq!(ours.len(), ours.iter().collect::<std::collections::BTreeSet<_>>().len(), "one refund twice: {}", context());
    if payment.outcome != Some(Outcome::Applied) || order.status == OrderStatus::Cancelled {
        assert_eq!(back + lost, held.captured, "what was not applied went back: {}", context());
    } else {
        assert!(ours.is_empty(), "nothing was asked back: {}", context());
    }
}

#[test]
fn what_paystack_never_sent_is_read() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let shop = Shop::open("sqlite::memory:").await;
        let mut faults = Faults::default();
        faults.drop_events = 100;
        shop.sandbox.set_faults(faults);
        let account =
            Registration { email: "ann@example.com".parse().unwrap(), password: "correct horse".parse().unwrap(), name: None };
        let ann = shop.store.system().customer(shop.store.register(account).await.unwrap().user.id);
        shop.store.cart_add(&ann, &[CartLine { product: shop.mug, quantity: Quantity::ONE }]).await.unwrap();
        let request = CheckoutRequest { provider: Some(ProviderName::Paystack), ..CheckoutRequest::default() };
        let order = shop.store.checkout(&ann, &request).await.unwrap().order;
        let reference = order.payments[0].reference.clone().unwrap();
        for act in [Act::PayTwice, Act::Dispute, Act::WinDispute] {
            shop.sandbox.act(&reference, act).unwrap();
        }
        let report = shop.store.reconcile(shop.store.system().admin()).await.unwrap();
        assert_eq!((report.events, report.silent_providers), (3, 0), "{:#?}", shop.sandbox.requests());
        let order = shop.store.order(&ann, order.id).await.unwrap();
        assert_eq!(order.payments.len(), 2, "{order:#?}");
        assert!(order.payments.iter().all(|payment| payment.status == PaymentState::Succeeded));
        shop.store.close().await;
    });
}
