//! Every n-th call to the database fails, for every n of a purchase: nothing is half done, what lost a race is done all the
//! same, and what is done again is done once.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use ecommerce_core::{
    CartError, CheckoutError, CheckoutRequest, Customer, DatabaseCall, DatabaseFault, DatabaseFaults, Fulfillment,
    FulfillmentStep, IdempotencyKey, Money, Order, OrderError, OrderFilter, OrderStatus, Page, PageRequest, Payment,
    PaymentError, ProductId, ProviderName, RefundRequest, Store, StoreError, WebhookError,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{
    bank::{BankState, bank},
    events::Attempt,
    shop::{Shop, cart_lines, minutes},
};

stories![
    every_call_of_filling_a_cart_fails_once,
    every_call_of_a_checkout_fails_once,
    whoever_has_an_order_or_an_attempt_is_told_and_nobody_else,
    every_call_of_a_payment_fails_once,
    every_call_of_a_refund_fails_once,
    every_call_of_a_cancellation_fails_once,
    every_call_of_an_expiry_fails_once,
    every_call_of_asking_fails_once,
    every_call_of_paying_back_fails_once,
    a_race_that_is_lost_once_is_run_again_in_every_room,
    a_race_that_is_always_lost_is_an_error_that_says_so,
];

/// A call that is still to come fails, once.
#[derive(Default)]
struct NthCall(Mutex<Option<(u32, DatabaseFault)>>);

impl NthCall {
    fn arm(&self, n: u32, fault: DatabaseFault) {
        *self.0.lock().unwrap() = Some((n, fault));
    }

    /// Says whether the call has come.
    fn disarm(&self) -> bool {
        self.0.lock().unwrap().take().is_none()
    }
}

impl DatabaseFaults for NthCall {
    fn next(&self, _: DatabaseCall) -> Option<DatabaseFault> {
        let mut armed = self.0.lock().unwrap();
        let (left, fault) = armed.as_mut()?;
        *left -= 1;
        let fault = (*left == 0).then_some(*fault)?;
        *armed = None;
        Some(fault)
    }
}

/// One sale after the other, each as if it were the first.
struct Counter {
    shop: Shop,
    /// The same shop, through calls that fail.
    failing: Shop,
    faults: Arc<NthCall>,
    ann: Customer,
    mug: ProductId,
}

/// A sale at the counter, and what was there before it.
#[derive(Clone)]
struct Sale {
    counter: Arc<Counter>,
    number: u32,
    stock_before: i64,
    orders_before: u64,
}

impl Counter {
    async fn open(shop: Shop) -> Arc<Self> {
        let faults = Arc::new(NthCall::default());
        let failing = shop.second_process_of(Store::builder().database_faults(faults.clone())).await;
        let (ann, mug) = (shop.customer("ann").await, shop.product("Mug", "12", 100_000).await);
        // The bank is asked, and does not list all that ever happened.
        shop.bank.books().longest_reading = Some((shop.now(), Duration::ZERO));
        Arc::new(Self { shop, failing, faults, ann, mug })
    }

    async fn sale(self: &Arc<Self>, number: u32) -> Sale {
        let (stock_before, orders_before) = (self.shop.stock(self.mug).await.0, self.orders().await.count);
        Sale { counter: self.clone(), number, stock_before, orders_before }
    }

    async fn orders(&self) -> Page<Order> {
        self.shop.store.order_list(&self.ann, &OrderFilter::default(), PageRequest::first(5).unwrap()).await.unwrap()
    }

    /// Prepares a sale and does a deed in it: undisturbed, then with every call of it failing in turn, and again where it was
    /// not acknowledged. Whatever happened on the way, the sale ends in the same way.
    async fn every_call_fails<P, D, A>(
        self: Arc<Self>,
        prepare: impl Fn(Sale) -> P,
        deed: impl Fn(Sale) -> D,
        again: impl Fn(Sale) -> A,
    ) where
        P: Future<Output = ()>,
        D: Future<Output = Result<(), StoreError>>,
        A: Future<Output = ()>,
    {
        let mut number = 0;
        let sale = self.sale(number).await;
        prepare(sale.clone()).await;
        deed(sale.clone()).await.unwrap();
        let undisturbed = sale.end().await;
        for fault in [DatabaseFault::Unheard, DatabaseFault::Unanswered, DatabaseFault::Busy] {
            for n in 1.. {
                number += 1;
                let sale = self.sale(number).await;
                prepare(sale.clone()).await;
                self.faults.arm(n, fault);
                let done = deed(sale.clone()).await;
                let has_struck = self.faults.disarm();
                self.shop.healthy().await;
                if let Err(error) = done {
                    assert!(fault != DatabaseFault::Busy && error.is_unavailable(), "{fault:?} of call {n}: {error}");
                }
                if has_struck && fault != DatabaseFault::Busy {
                    self.shop.advance(minutes(2));
                    again(sale.clone()).await;
                }
                assert_eq!(sale.end().await, undisturbed, "{fault:?} of call {n}");
                if !has_struck {
                    assert!(n > 3, "a deed of {n} calls");
                    break;
                }
            }
        }
        self.failing.store.close().await;
    }
}

impl Sale {
    fn shop(&self) -> &Shop {
        &self.counter.shop
    }

    /// The store whose calls fail.
    fn store(&self) -> &Store {
        &self.counter.failing.store
    }

    async fn fill(self) {
        self.shop().fill(&self.counter.ann, &[(self.counter.mug, 2)]).await;
    }

    /// How many mugs are in the cart.
    async fn in_cart(&self) -> u32 {
        let items = self.shop().store.cart(&self.counter.ann).await.unwrap().items;
        items.iter().map(|item| item.quantity.get()).sum()
    }

    fn request(&self, provider: ProviderName) -> CheckoutRequest {
        let key: IdempotencyKey = format!("sale-{}", self.number).parse().unwrap();
        CheckoutRequest { provider: Some(provider), idempotency_key: Some(key), ..CheckoutRequest::default() }
    }

    async fn place(&self, provider: ProviderName) -> Order {
        self.clone().fill().await;
        self.shop().store.checkout(&self.counter.ann, &self.request(provider)).await.unwrap().order
    }

    async fn place_and_pay(self) {
        let order = self.place(bank()).await;
        self.shop().bank_tells(&self.shop().bank.pay(order.payments[0].id)).await;
    }

    async fn order(&self) -> Order {
        self.counter.orders().await.results.swap_remove(0)
    }

    async fn refund(&self, store: &Store) -> Result<(), StoreError> {
        let request = RefundRequest { amount: Some(Decimal::new(500, 2)), ..RefundRequest::default() };
        database(store.order_refund(self.shop().admin(), self.order().await.id, &request).await)
    }

    async fn run_due(self) -> Result<(), StoreError> {
        self.store().run_due().await
    }

    async fn run_due_again(self) {
        self.run_due().await.unwrap();
    }

    /// All that has come of it but ids and times. What it left open is cleared away.
    async fn end(&self) -> Value {
        let Counter { shop, ann, mug, .. } = &*self.counter;
        let (stock, reserved) = shop.stock(*mug).await;
        let in_cart = self.in_cart().await;
        let orders = self.counter.orders().await;
        let new = usize::try_from(orders.count - self.orders_before).unwrap();
        let orders: Vec<_> = orders.results[..new].iter().map(|order| (outcome(order), at_the_bank(shop, order))).collect();
        shop.store.cart_clear(ann).await.unwrap();
        if new > 0 && self.order().await.status == OrderStatus::PendingPayment {
            shop.store.order_cancel(ann, self.order().await.id).await.unwrap();
        }
        json!({ "orders": orders, "sold": self.stock_before - stock, "reserved": reserved, "in_cart": in_cart })
    }
}

fn outcome(order: &Order) -> Value {
    let payment = |payment: &Payment| {
        let Payment { provider, status, outcome, captured, refunded, checkout_url, .. } = payment;
        json!([provider, status, outcome, captured, refunded, checkout_url.is_some()])
    };
    let payments: Vec<_> = order.payments.iter().map(payment).collect();
    let refunds: Vec<_> = order.refunds.iter().map(|refund| (refund.amount, refund.status, refund.reason)).collect();
    let history: Vec<_> = order.history.iter().map(|event| event.event).collect();
    json!([order.status, order.payment_status, order.total, payments, refunds, history])
}

/// The payments of the order there: how each stands, and what went back.
fn at_the_bank(shop: &Shop, order: &Order) -> Vec<(String, Vec<Money>)> {
    let books = shop.bank.books();
    let payments = books.payments.values().filter(|payment| payment.order == order.id);
    payments.map(|payment| (format!("{:?}", payment.state), payment.refunds.values().copied().collect())).collect()
}

/// What a deed ended with: done, or an error of the database, and no other.
fn database<T>(done: Result<T, impl Into<Failure>>) -> Result<(), StoreError> {
    match done.map_err(Into::into) {
        Ok(_) => Ok(()),
        Err(Failure::Database(error)) => Err(error),
        Err(Failure::Other(other)) => panic!("{other}"),
    }
}

enum Failure {
    Database(StoreError),
    Other(String),
}

macro_rules! failures {
    ($($error:ident: $($store:pat => $inner:ident),+;)+) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                match error {
                    $($store => Self::Database($inner),)+
                    other => Self::Other(other.to_string()),
                }
            }
        }
    )+};
}

failures! {
    CartError: CartError::Store(error) => error;
    CheckoutError: CheckoutError::Store(error) => error;
    WebhookError: WebhookError::Store(error) => error;
    PaymentError: PaymentError::Store(error) => error, PaymentError::Order(OrderError::Store(error)) => error;
}

async fn every_call_of_filling_a_cart_fails_once(shop: Shop) {
    let fill = |sale: Sale| async move {
        let lines = cart_lines(&[(sale.counter.mug, 2)]);
        database(sale.store().cart_add(&sale.counter.ann, &lines).await)
    };
    // Adding is adding: whoever got no answer looks first.
    let again = |sale: Sale| async move {
        if sale.in_cart().await == 0 {
            fill(sale).await.unwrap();
        }
    };
    Counter::open(shop).await.every_call_fails(|_| async {}, fill, again).await;
}

async fn every_call_of_a_checkout_fails_once(shop: Shop) {
    let checkout = |sale: Sale| async move { database(sale.store().checkout(&sale.counter.ann, &sale.request(bank())).await) };
    let again = |sale: Sale| async move { checkout(sale).await.unwrap() };
    Counter::open(shop).await.every_call_fails(Sale::fill, checkout, again).await;
}

async fn whoever_has_an_order_or_an_attempt_is_told_and_nobody_else(shop: Shop) {
    let counter = Counter::open(shop).await;
    for n in 1.. {
        let sale = counter.sale(n).await;
        sale.clone().fill().await;
        counter.faults.arm(n, DatabaseFault::Unheard);
        let placed = sale.store().checkout(&counter.ann, &sale.request(bank())).await;
        let has_struck = counter.faults.disarm();
        assert_eq!(counter.orders().await.count - sale.orders_before, u64::from(placed.is_ok()), "call {n} of a checkout");
        if let Ok(placed) = placed {
            counter.faults.arm(n, DatabaseFault::Unheard);
            let paid = sale.store().order_pay(&counter.ann, placed.order.id, Some(bank())).await;
            counter.faults.disarm();
            assert_eq!(sale.order().await.payments.len(), 1 + usize::from(paid.is_ok()), "call {n} of another attempt");
        }
        sale.end().await;
        if !has_struck {
            break;
        }
    }
    counter.failing.store.close().await;
}

async fn every_call_of_a_payment_fails_once(shop: Shop) {
    let place = |sale: Sale| async move { drop(sale.place(ProviderName::Stripe).await) };
    let pay = |sale: Sale| async move {
        let mut event = Attempt::of(&sale.order().await).session_completed();
        event["id"] = json!(format!("evt_sale_{}", sale.number));
        database(sale.counter.failing.try_stripe(&event).await)
    };
    let again = |sale: Sale| async move { pay(sale).await.unwrap() };
    Counter::open(shop).await.every_call_fails(place, pay, again).await;
}

async fn every_call_of_a_refund_fails_once(shop: Shop) {
    let refund = |sale: Sale| async move { sale.refund(sale.store()).await };
    // A refund has no key: whoever got no answer looks first.
    let again = |sale: Sale| async move {
        if sale.order().await.refunds.is_empty() {
            refund(sale).await.unwrap();
        }
    };
    Counter::open(shop).await.every_call_fails(Sale::place_and_pay, refund, again).await;
}

async fn every_call_of_a_cancellation_fails_once(shop: Shop) {
    let cancel = |sale: Sale| async move {
        let order = sale.order().await.id;
        match sale.store().order_cancel(sale.shop().admin(), order).await {
            Err(PaymentError::Order(OrderError::InvalidTransition(_))) => Ok(()),
            done => database(done),
        }
    };
    let again = |sale: Sale| async move { cancel(sale).await.unwrap() };
    Counter::open(shop).await.every_call_fails(Sale::place_and_pay, cancel, again).await;
}

async fn every_call_of_an_expiry_fails_once(shop: Shop) {
    let wait = |sale: Sale| async move {
        sale.place(bank()).await;
        sale.shop().advance(minutes(36));
    };
    Counter::open(shop).await.every_call_fails(wait, Sale::run_due, Sale::run_due_again).await;
}

async fn every_call_of_asking_fails_once(shop: Shop) {
    let pay_in_silence = |sale: Sale| async move {
        let order = sale.place(bank()).await;
        sale.shop().bank.set(order.payments[0].id, BankState::Paid);
        sale.shop().advance(minutes(2));
    };
    Counter::open(shop).await.every_call_fails(pay_in_silence, Sale::run_due, Sale::run_due_again).await;
}

async fn every_call_of_paying_back_fails_once(shop: Shop) {
    let owe = |sale: Sale| async move {
        sale.clone().place_and_pay().await;
        sale.refund(&sale.shop().store).await.unwrap();
    };
    Counter::open(shop).await.every_call_fails(owe, Sale::run_due, Sale::run_due_again).await;
}

async fn a_race_that_is_lost_once_is_run_again_in_every_room(shop: Shop) {
    let faults = Arc::new(NthCall::default());
    let failing = shop.second_process_of(Store::builder().database_faults(faults.clone())).await;
    let loses = || faults.arm(2, DatabaseFault::Busy);
    loses();
    let ann = failing.customer("ann").await;
    assert!(faults.disarm());
    loses();
    let mug = failing.product("Mug", "12", 10).await;
    assert!(faults.disarm());
    let order = shop.paid_order(&ann, &[(mug, 1)]).await;
    loses();
    let step = FulfillmentStep { status: Fulfillment::Processing, tracking_number: None, note: None };
    failing.store.order_fulfill(shop.admin(), order.id, &step).await.unwrap();
    assert!(faults.disarm());
    failing.store.close().await;
}

async fn a_race_that_is_always_lost_is_an_error_that_says_so(shop: Shop) {
    struct AlwaysBusy;
    impl DatabaseFaults for AlwaysBusy {
        fn next(&self, _: DatabaseCall) -> Option<DatabaseFault> {
            Some(DatabaseFault::Busy)
        }
    }
    let ann = shop.customer("ann").await;
    let order = shop.order(&ann, &[(shop.product("Mug", "12", 10).await, 2)]).await;
    let busy = shop.second_process_of(Store::builder().database_faults(AlwaysBusy)).await;
    let (checked_out, received) = tokio::time::timeout(Duration::from_secs(30), async {
        let event = Attempt::of(&order).session_completed();
        tokio::join!(busy.try_checkout(&ann, ProviderName::Stripe), busy.try_stripe(&event))
    })
    .await
    .unwrap();
    assert!(matches!(checked_out, Err(CheckoutError::Store(error)) if error.is_retryable()));
    assert!(matches!(received, Err(WebhookError::Store(error)) if error.is_retryable()));
    busy.store.close().await;
}
