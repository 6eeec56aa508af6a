//! The shop as a small pure model: what stock, orders and money must be after every deed. Amounts are cents.

use std::collections::BTreeMap;

use ecommerce_core::{DisputeStatus, Fulfillment, OrderStatus, Outcome, PaymentState, PaymentStatus, ProviderName};
use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

use crate::deeds::{self, Deed, News, Pays};

const CUSTOMERS: usize = 2;
const PRODUCTS: usize = 3;

#[derive(Debug, Clone)]
pub(crate) struct Model {
    /// Minutes since the beginning.
    now: i64,
    pub(crate) products: Vec<Product>,
    pub(crate) carts: [BTreeMap<usize, i64>; CUSTOMERS],
    pub(crate) orders: Vec<Order>,
    /// Whether the last deed was done, and not refused.
    pub(crate) done: bool,
    events: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Product {
    pub(crate) price: i64,
    pub(crate) stock: i64,
    pub(crate) reserved: i64,
    pub(crate) deleted: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) customer: usize,
    pub(crate) lines: Vec<(usize, i64)>,
    pub(crate) total: i64,
    pub(crate) status: OrderStatus,
    pub(crate) fulfillment: Fulfillment,
    placed: i64,
    promised: i64,
    restocked: bool,
    pub(crate) payments: Vec<Payment>,
}

#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) provider: ProviderName,
    pub(crate) pays: Pays,
    pub(crate) state: PaymentState,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) captured: i64,
    /// Whether the provider has told anything of it, so that it knows what it is called there.
    named: bool,
    /// What the provider told to be paid back in all.
    told: i64,
    /// What was asked back, or is owed since it was not applied.
    asked: i64,
    dispute: Option<DisputeStatus>,
}

impl Payment {
    fn new(provider: ProviderName, pays: Pays) -> Self {
        let state = PaymentState::Created;
        // An admin confirms what was asked for, and nothing else.
        let pays = if provider == ProviderName::Manual { Pays::Right } else { pays };
        Self { provider, pays, state, outcome: None, captured: 0, named: false, told: 0, asked: 0, dispute: None }
    }

    pub(crate) fn refunded(&self) -> i64 {
        let charged_back = if self.dispute == Some(DisputeStatus::Lost) { self.captured } else { 0 };
        (self.told + charged_back).min(self.captured)
    }

    /// What is still owed back: no more than is left.
    pub(crate) fn owed(&self) -> i64 {
        self.asked.min(self.captured - self.refunded())
    }

    fn left(&self) -> i64 {
        self.captured - self.refunded() - self.owed()
    }
}

impl Order {
    fn expires(&self) -> i64 {
        let processing = self.payments.iter().any(|payment| payment.state == PaymentState::Processing);
        if processing { self.promised.max(self.placed + 7 * 24 * 60) } else { self.promised }
    }

    pub(crate) fn is_disputed(&self) -> bool {
        self.payments.iter().any(|payment| payment.dispute == Some(DisputeStatus::Open))
    }

    fn applied(&self) -> Option<usize> {
        self.payments.iter().position(|payment| payment.outcome == Some(Outcome::Applied))
    }

    pub(crate) fn payment_status(&self) -> (PaymentStatus, i64) {
        let Some(payment) = self.applied().map(|number| &self.payments[number]) else { return (PaymentStatus::Unpaid, 0) };
        let status = match payment.refunded() {
            _ if payment.dispute == Some(DisputeStatus::Lost) => PaymentStatus::ChargedBack,
            0 => PaymentStatus::Paid,
            refunded if refunded == payment.captured => PaymentStatus::Refunded,
            _ => PaymentStatus::PartiallyRefunded,
        };
        (status, payment.refunded())
    }
}

impl Model {
    fn free(&self, product: usize) -> i64 {
        let product = &self.products[product];
        if product.deleted { 0 } else { product.stock - product.reserved }
    }

    fn do_it(&mut self, deed: &Deed) -> bool {
        match *deed {
            Deed::Add { customer, product, quantity } => self.add(customer, product, quantity),
            Deed::Reprice { product, price } => self.edit(product, |product| product.price = price),
            Deed::Restock { product, stock } => {
                stock >= self.products[product].reserved && self.edit(product, |product| product.stock = stock)
            }
            Deed::Delete { product } => self.edit(product, |product| product.deleted = true),
            Deed::Checkout { customer, provider, pays } => self.checkout(customer, Payment::new(provider, pays)),
            Deed::Pay { order, provider, pays } => self.pay(order, Payment::new(provider, pays)),
            Deed::Tell { order, payment, news } => self.tell(order, payment, news),
            Deed::TellUnknown { order, provider, pays } => self.tell_unknown(order, provider, pays),
            Deed::Again { .. } => true,
            Deed::Confirm { order } => self.confirm(order),
            Deed::Refund { order, amount, restock } => self.refund(order, amount, restock),
            Deed::Cancel { order, by_admin } => self.cancel(order, by_admin),
            Deed::Fulfill { order } => self.fulfill(order),
            Deed::Wait { minutes } => self.wait(minutes),
        }
    }

    fn add(&mut self, customer: usize, product: usize, quantity: i64) -> bool {
        let wanted = self.carts[customer].get(&product).unwrap_or(&0) + quantity;
        let there = wanted <= self.free(product);
        if there {
            self.carts[customer].insert(product, wanted);
        }
        there
    }

    fn edit(&mut self, product: usize, change: impl FnOnce(&mut Product)) -> bool {
        let product = &mut self.products[product];
        if !product.deleted {
            change(product);
            return true;
        }
        false
    }

    fn checkout(&mut self, customer: usize, payment: Payment) -> bool {
        let lines: Vec<_> = self.carts[customer].iter().map(|(product, quantity)| (*product, *quantity)).collect();
        if lines.is_empty() || lines.iter().any(|&(product, quantity)| quantity > self.free(product)) {
            return false;
        }
        self.carts[customer].clear();
        for &(product, quantity) in &lines {
            self.products[product].reserved += quantity;
        }
        let total = lines.iter().map(|&(product, quantity)| self.products[product].price * quantity).sum();
        let reservation = if payment.provider == ProviderName::Manual { 72 * 60 } else { 35 };
        self.orders.push(Order {
            customer,
            lines,
            total,
            status: OrderStatus::PendingPayment,
            fulfillment: Fulfillment::Unfulfilled,
            placed: self.now,
            promised: self.now + reservation,
            restocked: false,
            payments: vec![payment],
        });
        true
    }

    fn pay(&mut self, order: usize, payment: Payment) -> bool {
        let waits = self.orders[order].status == OrderStatus::PendingPayment;
        if waits {
            self.orders[order].payments.push(payment);
        }
        waits
    }

    fn tell(&mut self, order: usize, number: usize, news: News) -> bool {
        self.events += 1;
        let payment = &mut self.orders[order].payments[number];
        payment.named = true;
        match news {
            News::Processing => payment.state = payment.state.max(PaymentState::Processing),
            News::Failed => payment.state = payment.state.max(PaymentState::Failed),
            News::Succeeded => self.succeed(order, number),
            News::Refunded(hundredths) => {
                self.succeed(order, number);
                let payment = &mut self.orders[order].payments[number];
                let amount = payment.captured * hundredths / 100;
                // Stripe tells of all that was paid back so far, Paystack of each refund.
                let told =
                    if payment.provider == ProviderName::Stripe { payment.told.max(amount) } else { payment.told + amount };
                payment.told = told.min(payment.captured);
            }
            News::Dispute(status) => {
                self.succeed(order, number);
                let payment = &mut self.orders[order].payments[number];
                payment.dispute = payment.dispute.max(Some(status));
            }
        }
        true
    }

    /// It is the order's first attempt with the provider of which nothing was told yet, else another one.
    fn tell_unknown(&mut self, order: usize, provider: ProviderName, pays: Pays) -> bool {
        self.events += 1;
        let payments = &mut self.orders[order].payments;
        let nameless = |payment: &Payment| payment.provider == provider && !payment.named;
        let number = payments.iter().position(nameless).unwrap_or_else(|| {
            payments.push(Payment::new(provider, pays));
            payments.len() - 1
        });
        payments[number].named = true;
        payments[number].pays = pays;
        self.succeed(order, number);
        true
    }

    fn succeed(&mut self, order: usize, number: usize) {
        let Order { status, total, .. } = self.orders[order];
        let payment = &self.orders[order].payments[number];
        if payment.state == PaymentState::Succeeded {
            return;
        }
        let outcome = match status {
            _ if payment.pays != Pays::Right => Outcome::Mismatch,
            OrderStatus::PendingPayment => Outcome::Applied,
            OrderStatus::Paid => Outcome::Duplicate,
            OrderStatus::Cancelled => Outcome::OrderCancelled,
            OrderStatus::Expired if self.are_there(order) => Outcome::Applied,
            OrderStatus::Expired => Outcome::OutOfStock,
        };
        if outcome == Outcome::Applied {
            for &(product, quantity) in &self.orders[order].lines {
                self.products[product].stock -= quantity;
                if status == OrderStatus::PendingPayment {
                    self.products[product].reserved -= quantity;
                }
            }
            self.orders[order].status = OrderStatus::Paid;
        }
        let payment = &mut self.orders[order].payments[number];
        payment.state = PaymentState::Succeeded;
        payment.outcome = Some(outcome);
        payment.captured = payment.pays.amount(total);
        payment.asked = if outcome == Outcome::Applied { 0 } else { payment.captured };
    }

    fn are_there(&self, order: usize) -> bool {
        self.orders[order].lines.iter().all(|&(product, quantity)| quantity <= self.free(product))
    }

    fn confirm(&mut self, number: usize) -> bool {
        let order = &self.orders[number];
        match order.status {
            OrderStatus::PendingPayment => {}
            OrderStatus::Expired if self.are_there(number) => {}
            OrderStatus::Paid => return order.applied().is_some_and(|at| order.payments[at].provider == ProviderName::Manual),
            OrderStatus::Expired | OrderStatus::Cancelled => return false,
        }
        let by_hand = order.payments.iter().position(|payment| payment.provider == ProviderName::Manual);
        let payments = &mut self.orders[number].payments;
        let payment = by_hand.unwrap_or_else(|| {
            payments.push(Payment::new(ProviderName::Manual, Pays::Right));
            payments.len() - 1
        });
        self.succeed(number, payment);
        true
    }

    fn refund(&mut self, number: usize, amount: Option<i64>, restock: bool) -> bool {
        let order = &mut self.orders[number];
        let Some(at) = order.applied() else { return false };
        let payment = &mut order.payments[at];
        let left = payment.left();
        let amount = amount.unwrap_or(left);
        if payment.dispute == Some(DisputeStatus::Open) || left == 0 || amount > left {
            return false;
        }
        if restock {
            if amount < left || order.restocked {
                return false;
            }
            self.give_back(number);
        }
        // What shrank is not asked for any more: all that is owed now is.
        let payment = &mut self.orders[number].payments[at];
        payment.asked = payment.owed() + amount;
        true
    }

    fn cancel(&mut self, number: usize, by_admin: bool) -> bool {
        let order = &mut self.orders[number];
        match order.status {
            OrderStatus::PendingPayment => {
                for (product, quantity) in order.lines.clone() {
                    self.products[product].reserved -= quantity;
                }
            }
            OrderStatus::Paid if by_admin && order.fulfillment < Fulfillment::Shipped => {
                if let Some(at) = order.applied() {
                    let payment = &mut order.payments[at];
                    payment.asked = payment.owed() + payment.left();
                }
                if !order.restocked {
                    self.give_back(number);
                }
            }
            OrderStatus::Paid | OrderStatus::Cancelled | OrderStatus::Expired => return false,
        }
        self.orders[number].status = OrderStatus::Cancelled;
        true
    }

    fn give_back(&mut self, order: usize) {
        self.orders[order].restocked = true;
        for &(product, quantity) in &self.orders[order].lines {
            self.products[product].stock += quantity;
        }
    }

    fn fulfill(&mut self, order: usize) -> bool {
        let order = &mut self.orders[order];
        let next = match order.fulfillment {
            _ if order.status != OrderStatus::Paid || order.is_disputed() => return false,
            Fulfillment::Unfulfilled => Fulfillment::Processing,
            Fulfillment::Processing => Fulfillment::Shipped,
            Fulfillment::Shipped => Fulfillment::Delivered,
            Fulfillment::Delivered => return false,
        };
        order.fulfillment = next;
        true
    }

    fn wait(&mut self, minutes: i64) -> bool {
        self.now += minutes;
        for order in &mut self.orders {
            if order.status == OrderStatus::PendingPayment && order.expires() <= self.now {
                order.status = OrderStatus::Expired;
                for &(product, quantity) in &order.lines {
                    self.products[product].reserved -= quantity;
                }
            }
        }
        true
    }

    /// Would a provider say so?
    fn can_be_told(&self, order: usize, payment: usize, news: News) -> bool {
        let Some(payment) = self.orders.get(order).and_then(|order| order.payments.get(payment)) else { return false };
        match (payment.provider, news) {
            (ProviderName::Manual | ProviderName::Other(_), _) => false,
            // A dispute names the attempt in the provider's words only, and Paystack resolves it once.
            (ProviderName::Stripe, News::Dispute(_)) => payment.named,
            (ProviderName::Paystack, News::Dispute(_)) => payment.named && payment.dispute <= Some(DisputeStatus::Open),
            (ProviderName::Stripe, _) | (ProviderName::Paystack, News::Succeeded) => true,
            // Of failures Paystack is silent, and of refunds it does not tell what had been paid.
            (ProviderName::Paystack, News::Refunded(_)) => payment.named && payment.state == PaymentState::Succeeded,
            (ProviderName::Paystack, News::Processing | News::Failed) => false,
        }
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Deed;

    fn init_state() -> BoxedStrategy<Self> {
        let product = (200..3000_i64, 0..12_i64);
        let product = product.prop_map(|(price, stock)| Product { price, stock, reserved: 0, deleted: false });
        let products = prop::collection::vec(product, PRODUCTS);
        products
            .prop_map(|products| Self { now: 0, products, carts: Default::default(), orders: Vec::new(), done: true, events: 0 })
            .boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Deed> {
        let payments: Vec<_> = model.orders.iter().map(|order| order.payments.len()).collect();
        deeds::any_deed(CUSTOMERS, PRODUCTS, &payments, model.events)
    }

    fn preconditions(model: &Self, deed: &Deed) -> bool {
        match *deed {
            Deed::Tell { order, payment, news } => model.can_be_told(order, payment, news),
            Deed::TellUnknown { order, provider, .. } => order < model.orders.len() && provider != ProviderName::Manual,
            Deed::Again { event } => event < model.events,
            Deed::Pay { order, .. }
            | Deed::Confirm { order }
            | Deed::Refund { order, .. }
            | Deed::Cancel { order, .. }
            | Deed::Fulfill { order } => order < model.orders.len(),
            _ => true,
        }
    }

    fn apply(mut model: Self, deed: &Deed) -> Self {
        model.done = model.do_it(deed);
        model
    }
}
