//! Random sales against the model: after every deed the store and the model agree, and the doctor finds nothing.

use ecommerce_core::{
    Customer, DisputeStatus, Fulfillment, FulfillmentStep, Money, Order, OrderId, PaymentEventStatus, ProductChange, ProductId,
    ProviderName, RefundRequest, RefundStatus,
};
use proptest::test_runner::{Config, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    database::{Database, Engine},
    deeds::{Deed, News, Pays},
    events::{self, Attempt},
    model::{self, Model},
    shop::{Shop, cart_lines, minutes, runtime},
};

#[test]
fn the_store_is_the_model_on_sqlite() {
    compare::<SQLITE>(24);
}

#[test]
fn the_store_is_the_model_on_postgres() {
    compare::<POSTGRES>(8);
}

/// Runs so many random stories, or as many as `PROPTEST_CASES` says.
fn compare<const ENGINE: bool>(cases: u32) {
    if !is_there(engine(ENGINE)) {
        return;
    }
    let config = config(cases);
    let ran = TestRunner::new(config.clone()).run(&Model::sequential_strategy(5..50), |(model, deeds, seen)| {
        Sale::<ENGINE>::test_sequential(config.clone(), model, deeds, seen);
        Ok(())
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
}

pub(crate) fn config(cases: u32) -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
    Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() }
}

fn is_there(engine: Engine) -> bool {
    runtime().block_on(async {
        let Some(database) = Database::create(engine).await else { return false };
        database.remove().await;
        true
    })
}

const SQLITE: bool = false;
const POSTGRES: bool = true;

const fn engine(engine: bool) -> Engine {
    if engine { Engine::Postgres } else { Engine::Sqlite }
}

/// The store that is compared to the model.
struct Sale<const ENGINE: bool> {
    /// `None` only while it is being dropped.
    database: Option<Database>,
    shop: Shop,
    customers: Vec<Customer>,
    products: Vec<ProductId>,
    orders: Vec<OrderId>,
    /// What providers have sent so far.
    events: Vec<(ProviderName, Value)>,
}

impl<const ENGINE: bool> StateMachineTest for Sale<ENGINE> {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(model: &Model) -> Self {
        runtime().block_on(async {
            let database = Database::create(engine(ENGINE)).await.unwrap();
            let shop = Shop::open(&database.url).await;
            let customers = vec![shop.customer("ann").await, shop.customer("bob").await];
            let mut products = Vec::new();
            for product in &model.products {
                products.push(shop.product("Thing", &cents(product.price).to_string(), product.stock).await);
            }
            Self { database: Some(database), shop, customers, products, orders: Vec::new(), events: Vec::new() }
        })
    }

    fn apply(mut sale: Self, model: &Model, deed: Deed) -> Self {
        let done = runtime().block_on(sale.do_it(model, &deed));
        assert_eq!(done, model.done, "was {deed:?} done?");
        sale
    }

    fn check_invariants(sale: &Self, model: &Model) {
        runtime().block_on(sale.agrees_with(model));
    }
}

impl<const ENGINE: bool> Drop for Sale<ENGINE> {
    fn drop(&mut self) {
        runtime().block_on(async {
            self.shop.store.close().await;
            if let Some(database) = self.database.take() {
                database.remove().await;
            }
        });
    }
}

impl<const ENGINE: bool> Sale<ENGINE> {
    /// Does the deed, and says whether it was done or refused. The model is the one after the deed.
    async fn do_it(&mut self, model: &Model, deed: &Deed) -> bool {
        let (store, admin) = (self.shop.store.clone(), self.shop.admin());
        match *deed {
            Deed::Add { customer, product, quantity } => {
                store.cart_add(&self.customers[customer], &cart_lines(&[(self.products[product], quantity)])).await.is_ok()
            }
            Deed::Reprice { product, price } => {
                self.edit(product, ProductChange { price: Some(cents(price)), ..ProductChange::default() }).await
            }
            Deed::Restock { product, stock } => {
                self.edit(product, ProductChange { stock: Some(stock), ..ProductChange::default() }).await
            }
            Deed::Delete { product } => store.product_delete(admin, self.products[product], &Default::default()).await.is_ok(),
            Deed::Checkout { customer, provider, .. } => {
                let placed = self.shop.try_checkout(&self.customers[customer], provider).await;
                self.orders.extend(placed.as_ref().ok().map(|placed| placed.order.id));
                placed.is_ok()
            }
            Deed::Pay { order, provider, .. } => {
                let customer = &self.customers[model.orders[order].customer];
                store.order_pay(customer, self.orders[order], Some(provider)).await.is_ok()
            }
            Deed::Tell { order, payment, news } => {
                let shown = self.order(order).await;
                let model = &model.orders[order].payments[payment];
                let attempt = paying(attempt(&shown, payment), model.pays);
                self.send(model.provider, tell(&attempt, model.provider, news)).await
            }
            Deed::TellUnknown { order, provider, pays } => {
                let attempt = Attempt::another(&self.order(order).await, &format!("unknown-{}", self.events.len()));
                self.send(provider, tell(&paying(attempt, pays), provider, News::Succeeded)).await
            }
            Deed::Again { event } => {
                let (provider, event) = self.events[event].clone();
                self.deliver(provider, &event).await
            }
            Deed::Confirm { order } => store.order_confirm_payment(admin, self.orders[order], None).await.is_ok(),
            Deed::Refund { order, amount, restock } => {
                let request = RefundRequest { amount: amount.map(|amount| Decimal::new(amount, 2)), reason: None, restock };
                store.order_refund(admin, self.orders[order], &request).await.is_ok()
            }
            Deed::Cancel { order, by_admin: true } => store.order_cancel(admin, self.orders[order]).await.is_ok(),
            Deed::Cancel { order, by_admin: false } => {
                store.order_cancel(&self.customers[model.orders[order].customer], self.orders[order]).await.is_ok()
            }
            Deed::Fulfill { order } => {
                let status = match self.order(order).await.fulfillment {
                    Fulfillment::Unfulfilled => Fulfillment::Processing,
                    Fulfillment::Processing => Fulfillment::Shipped,
                    Fulfillment::Shipped | Fulfillment::Delivered => Fulfillment::Delivered,
                };
                let step = FulfillmentStep { status, tracking_number: None, note: None };
                store.order_fulfill(admin, self.orders[order], &step).await.is_ok()
            }
            Deed::Wait { minutes: count } => {
                self.shop.wait(minutes(count.unsigned_abs())).await;
                true
            }
        }
    }
    async fn edit(&self, product: usize, change: ProductChange) -> bool {
        let (store, admin) = (&self.shop.store, self.shop.admin());
        store.product_update(admin, self.products[product], change, &Default::default()).await.is_ok()
    }

    async fn order(&self, number: usize) -> Order {
        self.shop.store.order(self.shop.admin(), self.orders[number]).await.unwrap()
    }

    async fn send(&mut self, provider: ProviderName, event: Value) -> bool {
        let done = self.deliver(provider, &event).await;
        self.events.push((provider, event));
        done
    }

    async fn deliver(&self, provider: ProviderName, event: &Value) -> bool {
        let status = match provider {
            ProviderName::Stripe => self.shop.stripe(event).await,
            _ => self.shop.paystack(event).await,
        };
        status == PaymentEventStatus::Processed
    }

    async fn agrees_with(&self, model: &Model) {
        for (id, product) in self.products.iter().zip(&model.products).filter(|(_, product)| !product.deleted) {
            assert_eq!(self.shop.stock(*id).await, (product.stock, product.reserved), "stock and reserved of product {id}");
        }
        for (customer, cart) in self.customers.iter().zip(&model.carts) {
            let items = self.shop.store.cart(customer).await.unwrap().items;
            let mut lines: Vec<_> = items.iter().map(|item| (item.product.id, i64::from(item.quantity.get()))).collect();
            lines.sort_unstable();
            let expected: Vec<_> = cart.iter().map(|(product, quantity)| (self.products[*product], *quantity)).collect();
            assert_eq!(lines, expected, "a cart");
        }
        for (number, order) in model.orders.iter().enumerate() {
            assert_order(&self.order(number).await, order);
        }
        self.shop.healthy().await;
    }
}

fn assert_order(order: &Order, model: &model::Order) {
    let (payment_status, refunded) = model.payment_status();
    assert_eq!(
        (order.status, order.fulfillment, order.payment_status, order.disputed),
        (model.status, model.fulfillment, payment_status, model.is_disputed()),
        "{order:#?}"
    );
    assert_eq!((order.total.minor(), order.refunded_total.minor()), (model.total, refunded), "{order:#?}");
    assert_eq!(order.payments.len(), model.payments.len(), "{order:#?}");
    for (payment, model) in order.payments.iter().zip(&model.payments) {
        let owed: i64 = order
            .refunds
            .iter()
            .filter(|refund| refund.payment_id == payment.id && refund.status == RefundStatus::Queued)
            .map(|refund| refund.amount.minor())
            .sum();
        assert_eq!(
            (
                payment.provider,
                payment.status,
                payment.outcome,
                payment.captured.map_or(0, Money::minor),
                payment.refunded.minor(),
                owed
            ),
            (model.provider, model.state, model.outcome, model.captured, model.refunded(), model.owed()),
            "{order:#?}"
        );
    }
}

/// The attempt as its provider knows it.
fn attempt(order: &Order, number: usize) -> Attempt {
    let payment = &order.payments[number];
    let reference = payment.reference.as_deref();
    let name = reference.map(|reference| reference.trim_start_matches("cs_test_").trim_start_matches("pi_").to_owned());
    let name = name.unwrap_or_else(|| format!("ours-{}", payment.id));
    Attempt { payment: Some(payment.id), ..Attempt::another(order, &name) }
}

fn paying(attempt: Attempt, pays: Pays) -> Attempt {
    let amount = pays.amount(attempt.amount);
    let attempt = attempt.amounting_to(amount);
    if pays == Pays::Euros { attempt.in_currency("EUR") } else { attempt }
}

/// How the provider tells of it.
fn tell(attempt: &Attempt, provider: ProviderName, news: News) -> Value {
    if provider == ProviderName::Paystack {
        return match news {
            News::Refunded(hundredths) => {
                attempt.paystack_refund(&format!("r-{}", events::number()), "processed", attempt.amount * hundredths / 100)
            }
            News::Dispute(DisputeStatus::Open) => attempt.paystack_dispute("create", "pending", None),
            News::Dispute(DisputeStatus::Won) => attempt.paystack_dispute("resolve", "resolved", Some("declined")),
            News::Dispute(DisputeStatus::Lost) => attempt.paystack_dispute("resolve", "resolved", Some("merchant-accepted")),
            News::Succeeded | News::Processing | News::Failed => attempt.charge_success(),
        };
    }
    match news {
        News::Processing => attempt.session_completed_unpaid(),
        News::Failed => attempt.intent_failed(),
        News::Succeeded => attempt.intent_succeeded(),
        News::Refunded(hundredths) => attempt.charge_refunded(attempt.amount * hundredths / 100),
        News::Dispute(DisputeStatus::Open) => attempt.dispute_opened(),
        News::Dispute(DisputeStatus::Won) => attempt.dispute_won(),
        News::Dispute(DisputeStatus::Lost) => attempt.dispute_lost(),
    }
}

fn cents(amount: i64) -> Money {
    Money::new(amount, "USD".parse().unwrap()).unwrap()
}
