//! The store of a run, and what stands around it: people, products, the bank, the clock.

use std::{collections::BTreeMap, fmt, sync::Arc};

use super::{
    bank::{Bank, BankState},
    chance::{Chance, Tokens},
    deed::{At, BankView, CUSTOMERS, Pays},
    model::Model,
    storm::{Death, Storm},
};
use crate::{
    CartItem, CatalogError, Customer, Finding, Limits, ManualClock, Money, NewProduct, Order, OrderFilter, PageRequest, Payment,
    PaymentId, ProductId, Refund, RefundReason, Registration, Store, StoreBuilder, StoreError, System, Timestamp,
};

/// When every run begins: 2026-01-31T09:30:00Z.
const BEGINNING: i64 = 1_769_851_800_000_000;

pub(super) struct World {
    pub(super) store: Store,
    pub(super) system: System,
    pub(super) clock: Arc<ManualClock>,
    tokens: Tokens,
    pub(super) bank: Bank,
    providers: [Bank; 3],
    pub(super) storm: Arc<Storm>,
    pub(super) death: Death,
    pub(super) customers: Vec<Customer>,
    pub(super) products: Vec<ProductId>,
    pub(super) seen: Seen,
}

/// What the store shows.
#[derive(Default)]
pub(super) struct Seen {
    /// In the order of their making.
    pub(super) orders: Vec<Order>,
    /// Of each product its price, how many there are, and how many of them are reserved; nothing of one that is deleted.
    pub(super) shelf: Vec<Option<(i64, i64, i64)>>,
    pub(super) carts: Vec<BTreeMap<usize, i64>>,
    pub(super) findings: Vec<Finding>,
}

/// Why a run cannot go on, in words.
pub(super) type Lost = String;

pub(super) fn lost(what: &str, error: impl fmt::Display) -> Lost {
    format!("{what}: {error}")
}

/// The opening.
impl World {
    pub(super) async fn open(
        open: &impl AsyncFn(StoreBuilder) -> Result<Store, StoreError>,
        chance: &mut Chance,
        model: &Model,
    ) -> Result<Self, Lost> {
        let death = Death::default();
        let providers = Bank::all(&death);
        let [bank, ..] = &providers;
        let (bank, storm) = (bank.clone(), Arc::new(Storm::new(death.clone())));
        let (clock, tokens) = (Arc::new(ManualClock::new(Timestamp::from_micros(BEGINNING))), chance.tokens());
        let builder = builder(&clock, &tokens, &providers, &storm);
        let store = open(builder).await.map_err(|error| lost("the store cannot be opened", error))?;
        let (system, seen) = (store.system().came_from("simulation"), Seen::default());
        let (customers, products) = (Vec::new(), Vec::new());
        let mut world = Self { store, system, clock, tokens, bank, providers, storm, death, customers, products, seen };
        world.furnish(model).await?;
        world.look().await?;
        Ok(world)
    }

    /// The store dies, and another is opened at the same database.
    pub(super) async fn reopen(&mut self, open: &impl AsyncFn(StoreBuilder) -> Result<Store, StoreError>) -> Result<(), Lost> {
        // What a dead process leaves to its system: its connections end.
        self.store.close().await;
        let builder = builder(&self.clock, &self.tokens, &self.providers, &self.storm);
        self.store = open(builder).await.map_err(|error| lost("the store cannot be opened again", error))?;
        Ok(())
    }

    pub(super) async fn close(&self) {
        self.store.close().await;
    }

    async fn furnish(&mut self, model: &Model) -> Result<(), Lost> {
        for number in 0..CUSTOMERS {
            let email = format!("customer-{number}@example.com").parse().map_err(|error| lost("an e-mail", error))?;
            let password = "correct horse".parse().map_err(|error| lost("a password", error))?;
            let signed_in = self.store.register(Registration { email, password, name: None }).await;
            let user = signed_in.map_err(|error| lost("a customer", error))?.user.id;
            self.customers.push(self.system.customer(user));
        }
        for product in &model.products {
            let name = "Thing".parse().map_err(|error| lost("a name", error))?;
            let new = NewProduct::new(name, cents(product.price, Pays::Right)?, product.stock);
            let made = self.store.product_create(self.system.admin(), new).await;
            self.products.push(made.map_err(|error| lost("a product", error))?.id);
        }
        Ok(())
    }
}

fn builder(clock: &Arc<ManualClock>, tokens: &Tokens, providers: &[Bank; 3], storm: &Arc<Storm>) -> StoreBuilder {
    // One call after the other, so that a run is the same every time.
    let limits = Limits { provider_calls_at_once: 1, ..Limits::default() };
    let builder = Store::builder().clock(clock.clone()).tokens(tokens.clone()).limits(limits).background(false);
    let builder = builder.database_faults(storm.clone());
    providers.iter().fold(builder, |builder, provider| builder.provider(provider.clone()))
}

/// A look at the store.
impl World {
    /// Reads all that the store shows.
    pub(super) async fn look(&mut self) -> Result<(), Lost> {
        let mut seen = Seen { orders: self.orders().await?, ..Seen::default() };
        for product in &self.products {
            seen.shelf.push(self.on_shelf(*product).await?);
        }
        for customer in &self.customers {
            let cart = self.store.cart(customer).await.map_err(|error| lost("a cart cannot be read", error))?;
            let line = |item: &CartItem| {
                let product = self.products.iter().position(|product| *product == item.product.id)?;
                Some((product, i64::from(item.quantity.get())))
            };
            seen.carts.push(cart.items.iter().filter_map(line).collect());
        }
        seen.findings = self.store.audit().await.map_err(|error| lost("the doctor cannot look", error))?.findings;
        self.seen = seen;
        Ok(())
    }

    async fn on_shelf(&self, product: ProductId) -> Result<Option<(i64, i64, i64)>, Lost> {
        let (store, admin) = (&self.store, self.system.admin());
        let read = async || {
            let price = store.product(product, Some(admin)).await?.price.minor();
            let report = store.stock(admin, product).await?;
            Ok((price, report.stock, report.reserved))
        };
        match read().await {
            Ok(shown) => Ok(Some(shown)),
            Err(CatalogError::UnknownProduct(_)) => Ok(None),
            Err(error) => Err(lost("a product cannot be read", error)),
        }
    }

    async fn orders(&self) -> Result<Vec<Order>, Lost> {
        let mut orders = Vec::new();
        let mut page = PageRequest::first(PageRequest::MAX_SIZE).ok();
        while let Some(wanted) = page {
            let list = self.store.order_list(self.system.admin(), &OrderFilter::default(), wanted).await;
            let list = list.map_err(|error| lost("the orders cannot be read", error))?;
            page = list.next();
            orders.extend(list.results);
        }
        orders.sort_by_key(|order| order.id);
        Ok(orders)
    }
}

impl Seen {
    pub(super) fn payment(&self, at: At) -> Option<&Payment> {
        self.orders.get(at.order)?.payments.get(at.payment)
    }

    /// Where the payment stands.
    pub(super) fn at(&self, payment: PaymentId) -> Option<At> {
        self.orders.iter().enumerate().find_map(|(order, seen)| {
            let payment = seen.payments.iter().position(|seen| seen.id == payment)?;
            Some(At { order, payment })
        })
    }

    /// The shop's own refunds of a payment, in the order of its asking.
    pub(super) fn refunds(&self, at: At) -> impl Iterator<Item = &Refund> {
        let order = self.orders.get(at.order);
        let payment = self.payment(at).map(|payment| payment.id);
        let refunds = order.into_iter().flat_map(|order| &order.refunds);
        refunds.filter(move |refund| Some(refund.payment_id) == payment && refund.reason != RefundReason::External)
    }
}

impl BankView for World {
    fn is_open(&self, at: At) -> bool {
        self.at_bank(at, |held| matches!(held.state, BankState::Open | BankState::Processing)).unwrap_or(false)
    }

    fn left(&self, at: At) -> i64 {
        self.at_bank(at, |held| held.left()).unwrap_or(0)
    }
}

/// An amount of cents, in the currency in which it is paid.
pub(super) fn cents(amount: i64, pays: Pays) -> Result<Money, Lost> {
    let currency = if pays == Pays::Euros { "EUR" } else { "USD" };
    let currency = currency.parse().map_err(|error| lost("a currency", error))?;
    Money::new(amount, currency).map_err(|error| lost("an amount", error))
}
