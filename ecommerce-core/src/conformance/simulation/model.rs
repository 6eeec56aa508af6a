//! The shop as a small pure model: what stock, orders and money must be after every deed.

use std::collections::BTreeMap;

use super::{
    chance::Chance,
    deed::{At, CUSTOMERS, Deed, PRODUCTS, Pays, Tidings},
    money::{House, Payment, Stage},
};
use crate::{Fulfillment, OrderStatus, Outcome, PaymentState, PaymentStatus};

#[derive(Debug, Clone)]
pub(super) struct Model {
    /// Minutes since the beginning.
    pub(super) now: i64,
    pub(super) products: Vec<Product>,
    /// What is in each customer's cart, by products.
    pub(super) carts: Vec<BTreeMap<usize, i64>>,
    pub(super) orders: Vec<Order>,
    /// What providers have sent or kept back, in the order of its making.
    pub(super) events: Vec<Event>,
    pub(super) bank_is_away: bool,
    /// How many checkouts were begun.
    pub(super) checkouts: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Product {
    pub(super) price: i64,
    pub(super) stock: i64,
    pub(super) reserved: i64,
    pub(super) is_deleted: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) customer: usize,
    /// The checkout that made it.
    pub(super) checkout: usize,
    pub(super) lines: Vec<(usize, i64)>,
    pub(super) total: i64,
    pub(super) status: OrderStatus,
    pub(super) fulfillment: Fulfillment,
    placed: i64,
    promised: i64,
    is_restocked: bool,
    pub(super) payments: Vec<Payment>,
}

/// An event, as far as it matters when it comes once more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) house: House,
    /// The payment whose success it tells of, which may not have been heard of yet.
    pub(super) success: Option<At>,
}

impl Order {
    fn expires(&self) -> i64 {
        let is_processing = self.payments.iter().any(|payment| payment.state == PaymentState::Processing);
        if is_processing { self.promised.max(self.placed + 7 * 24 * 60) } else { self.promised }
    }

    pub(super) fn is_disputed(&self) -> bool {
        self.payments.iter().any(Payment::is_disputed)
    }

    fn applied(&self) -> Option<usize> {
        self.payments.iter().position(|payment| payment.outcome == Some(Outcome::Applied))
    }

    pub(super) fn payment_status(&self) -> (PaymentStatus, i64) {
        let applied = self.applied().and_then(|number| self.payments.get(number));
        let Some(payment) = applied else { return (PaymentStatus::Unpaid, 0) };
        let refunded = payment.sums().refunded;
        let status = match refunded {
            _ if payment.is_charged_back() => PaymentStatus::ChargedBack,
            0 => PaymentStatus::Paid,
            refunded if refunded == payment.captured => PaymentStatus::Refunded,
            _ => PaymentStatus::PartiallyRefunded,
        };
        (status, refunded)
    }
}

/// Deeds. Each answers nothing where the shop must refuse it.
impl Model {
    pub(super) fn new(chance: &mut Chance) -> Self {
        let mut product = || Product {
            price: i64::from(chance.between(200, 2999)),
            stock: i64::from(chance.between(0, 11)),
            reserved: 0,
            is_deleted: false,
        };
        Self {
            now: 0,
            products: std::iter::repeat_with(&mut product).take(PRODUCTS).collect(),
            carts: vec![BTreeMap::new(); CUSTOMERS],
            orders: Vec::new(),
            events: Vec::new(),
            bank_is_away: false,
            checkouts: 0,
        }
    }

    /// The shop after a deed; nothing where it must be refused.
    pub(super) fn after(&self, deed: &Deed) -> Option<Self> {
        let mut after = self.clone();
        after.act(deed)?;
        Some(after)
    }

    fn act(&mut self, deed: &Deed) -> Option<()> {
        match *deed {
            Deed::Add { customer, product, quantity } => self.add(customer, product, quantity.into()),
            Deed::Reprice { product, price } => self.product_for_sale(product).map(|product| product.price = price.into()),
            Deed::Restock { product, stock } => self.restock(product, stock.into()),
            Deed::Delete { product } => self.product_for_sale(product).map(|product| product.is_deleted = true),
            Deed::Checkout { customer, house, pays } => self.check_out(customer, Payment::new(house, pays)),
            Deed::Pay { order, house, pays } => self.pay(order, Payment::new(house, pays)),
            Deed::Tell { at, news } => self.tell(at, news),
            Deed::TellUnknown { order, house, pays } => {
                let at = self.unknown(order, house, pays)?;
                self.tell(at, Tidings::Succeeded)
            }
            Deed::PayAtBank { at, .. } => self.succeed(at),
            Deed::Again { event } => match self.events.get(event)?.success {
                Some(at) => self.succeed(at),
                None => Some(()),
            },
            Deed::Confirm { order } => self.confirm(order),
            Deed::Refund { order, amount, restock } => self.refund(order, amount.map(i64::from), restock),
            Deed::RefundDone { at, refund } => self.refund_done(at, refund),
            Deed::Cancel { order, by_admin } => self.cancel(order, by_admin),
            Deed::Fulfill { order } => self.fulfill(order),
            Deed::CheckoutAgain { order } => self.orders.get(order).map(drop),
            Deed::Process { .. } | Deed::BankLeaves | Deed::BankReturns | Deed::Wait { .. } | Deed::Reconcile => Some(()),
        }
    }

    pub(super) fn payment(&self, at: At) -> Option<&Payment> {
        self.orders.get(at.order)?.payments.get(at.payment)
    }

    pub(super) fn payment_mut(&mut self, at: At) -> Option<&mut Payment> {
        self.orders.get_mut(at.order)?.payments.get_mut(at.payment)
    }

    fn product_for_sale(&mut self, product: usize) -> Option<&mut Product> {
        self.products.get_mut(product).filter(|product| !product.is_deleted)
    }

    fn free(&self, product: usize) -> i64 {
        self.products.get(product).filter(|product| !product.is_deleted).map_or(0, |product| product.stock - product.reserved)
    }

    fn are_there(&self, lines: &[(usize, i64)]) -> bool {
        lines.iter().all(|(product, quantity)| *quantity <= self.free(*product))
    }

    /// Changes each product of the lines by its quantity.
    fn move_units(&mut self, lines: &[(usize, i64)], change: impl Fn(&mut Product, i64)) {
        for (product, quantity) in lines {
            if let Some(product) = self.products.get_mut(*product) {
                change(product, *quantity);
            }
        }
    }

    fn add(&mut self, customer: usize, product: usize, quantity: i64) -> Option<()> {
        let free = self.free(product);
        let in_cart = self.carts.get_mut(customer)?.entry(product).or_default();
        *in_cart += quantity;
        (*in_cart <= free).then_some(())
    }

    fn restock(&mut self, product: usize, stock: i64) -> Option<()> {
        let product = self.product_for_sale(product).filter(|product| stock >= product.reserved)?;
        product.stock = stock;
        Some(())
    }

    fn check_out(&mut self, customer: usize, payment: Payment) -> Option<()> {
        let lines: Vec<_> = std::mem::take(self.carts.get_mut(customer)?).into_iter().collect();
        if lines.is_empty() || !self.are_there(&lines) {
            return None;
        }
        self.move_units(&lines, |product, quantity| product.reserved += quantity);
        let price = |product: usize| self.products.get(product).map_or(0, |product| product.price);
        let total = lines.iter().map(|(product, quantity)| price(*product) * quantity).sum();
        let reservation = if payment.house == House::Hand { 72 * 60 } else { 35 };
        self.orders.push(Order {
            customer,
            checkout: self.checkouts,
            lines,
            total,
            status: OrderStatus::PendingPayment,
            fulfillment: Fulfillment::Unfulfilled,
            placed: self.now,
            promised: self.now + reservation,
            is_restocked: false,
            payments: vec![payment],
        });
        Some(())
    }

    fn pay(&mut self, order: usize, payment: Payment) -> Option<()> {
        let order = self.orders.get_mut(order).filter(|order| order.status == OrderStatus::PendingPayment)?;
        order.payments.push(payment);
        Some(())
    }

    /// Another attempt stands in for one whose name was used before.
    pub(super) fn pay_anew(&mut self, order: usize) -> Option<()> {
        self.pay(order, Payment::new(House::Bank, Pays::Right))
    }

    fn tell(&mut self, at: At, news: Tidings) -> Option<()> {
        self.payment_mut(at)?.is_named = true;
        match news {
            Tidings::Processing => self.advance(at, PaymentState::Processing),
            Tidings::Failed => self.advance(at, PaymentState::Failed),
            Tidings::Succeeded => self.succeed(at),
            Tidings::Refunded(amount) => {
                self.succeed(at)?;
                self.payment_mut(at).map(|payment| payment.tell_of_dashboard(amount))
            }
            Tidings::Dispute(status) => {
                self.succeed(at)?;
                self.payment_mut(at).map(|payment| payment.dispute = payment.dispute.max(Some(status)))
            }
        }
    }

    pub(super) fn advance(&mut self, at: At, state: PaymentState) -> Option<()> {
        self.payment_mut(at).map(|payment| payment.state = payment.state.max(state))
    }

    /// What is told without a name is the order's first attempt with the provider of which nothing was told yet, else
    /// another one.
    fn unknown(&mut self, order: usize, house: House, pays: Pays) -> Option<At> {
        let payments = &mut self.orders.get_mut(order)?.payments;
        let nameless = payments.iter().position(|payment| payment.house == house && !payment.is_named);
        let payment = nameless.unwrap_or(payments.len());
        if nameless.is_none() {
            payments.push(Payment::new(house, pays));
        }
        payments.get_mut(payment)?.pays = pays;
        Some(At { order, payment })
    }

    /// The money is there: what becomes of it the order's status of this moment decides.
    pub(super) fn succeed(&mut self, at: At) -> Option<()> {
        let order = self.orders.get(at.order)?;
        let payment = order.payments.get(at.payment)?;
        if payment.state == PaymentState::Succeeded {
            return Some(());
        }
        let (status, total, lines) = (order.status, order.total, order.lines.clone());
        let outcome = match status {
            _ if payment.pays != Pays::Right => Outcome::Mismatch,
            OrderStatus::PendingPayment => Outcome::Applied,
            OrderStatus::Paid => Outcome::Duplicate,
            OrderStatus::Cancelled => Outcome::OrderCancelled,
            OrderStatus::Expired if self.are_there(&lines) => Outcome::Applied,
            OrderStatus::Expired => Outcome::OutOfStock,
        };
        if outcome == Outcome::Applied {
            let was_reserved = status == OrderStatus::PendingPayment;
            self.move_units(&lines, |product, quantity| {
                product.stock -= quantity;
                product.reserved -= if was_reserved { quantity } else { 0 };
            });
            self.orders.get_mut(at.order)?.status = OrderStatus::Paid;
        }
        let payment = self.payment_mut(at)?;
        payment.state = PaymentState::Succeeded;
        payment.outcome = Some(outcome);
        payment.captured = payment.pays.amount(total);
        if outcome != Outcome::Applied {
            payment.ask_back(payment.captured);
        }
        Some(())
    }

    fn confirm(&mut self, number: usize) -> Option<()> {
        let order = self.orders.get(number)?;
        match order.status {
            OrderStatus::PendingPayment => {}
            OrderStatus::Expired if self.are_there(&order.lines) => {}
            OrderStatus::Paid => {
                let applied = order.payments.get(order.applied()?)?;
                return (applied.house == House::Hand).then_some(());
            }
            OrderStatus::Expired | OrderStatus::Cancelled => return None,
        }
        let payments = &mut self.orders.get_mut(number)?.payments;
        let by_hand = payments.iter().position(|payment| payment.house == House::Hand);
        let payment = by_hand.unwrap_or(payments.len());
        if by_hand.is_none() {
            payments.push(Payment::new(House::Hand, Pays::Right));
        }
        self.succeed(At { order: number, payment })
    }

    fn refund(&mut self, number: usize, amount: Option<i64>, restock: bool) -> Option<()> {
        let order = self.orders.get_mut(number)?;
        let payment = order.applied().and_then(|applied| order.payments.get_mut(applied))?;
        let left = payment.sums().left;
        let amount = amount.unwrap_or(left);
        if payment.is_disputed() || left == 0 || amount > left || (restock && (amount < left || order.is_restocked)) {
            return None;
        }
        payment.ask_back(amount);
        if restock { self.give_back(number) } else { Some(()) }
    }

    /// What waits for a person, and every refund of what was paid by hand. Saying it twice is saying it once.
    fn refund_done(&mut self, at: At, number: usize) -> Option<()> {
        let payment = self.payment_mut(at)?;
        let by_hand = payment.house == House::Hand;
        let refund = payment.refunds.get_mut(number).filter(|refund| refund.is_shown)?;
        match refund.stage {
            Stage::Refused => refund.stage = Stage::ByHand,
            Stage::Owed if by_hand => refund.stage = Stage::ByHand,
            Stage::Back | Stage::ByHand => {}
            Stage::Owed | Stage::Sent | Stage::Pending => return None,
        }
        Some(())
    }

    fn cancel(&mut self, number: usize, by_admin: bool) -> Option<()> {
        let order = self.orders.get_mut(number)?;
        match order.status {
            OrderStatus::PendingPayment => {
                let lines = order.lines.clone();
                self.move_units(&lines, |product, quantity| product.reserved -= quantity);
            }
            OrderStatus::Paid if by_admin && order.fulfillment < Fulfillment::Shipped => {
                if let Some(payment) = order.applied().and_then(|applied| order.payments.get_mut(applied)) {
                    payment.ask_back(payment.sums().left);
                }
                if !order.is_restocked {
                    self.give_back(number)?;
                }
            }
            OrderStatus::Paid | OrderStatus::Cancelled | OrderStatus::Expired => return None,
        }
        self.orders.get_mut(number)?.status = OrderStatus::Cancelled;
        Some(())
    }

    fn give_back(&mut self, number: usize) -> Option<()> {
        let order = self.orders.get_mut(number)?;
        order.is_restocked = true;
        let lines = order.lines.clone();
        self.move_units(&lines, |product, quantity| product.stock += quantity);
        Some(())
    }

    fn fulfill(&mut self, number: usize) -> Option<()> {
        let order = self.orders.get_mut(number)?;
        if order.status != OrderStatus::Paid || order.is_disputed() {
            return None;
        }
        order.fulfillment = match order.fulfillment {
            Fulfillment::Unfulfilled => Fulfillment::Processing,
            Fulfillment::Processing => Fulfillment::Shipped,
            Fulfillment::Shipped => Fulfillment::Delivered,
            Fulfillment::Delivered => return None,
        };
        Some(())
    }

    /// Has the order's time run out?
    pub(super) fn is_overdue(&self, number: usize) -> bool {
        let order = self.orders.get(number).filter(|order| order.status == OrderStatus::PendingPayment);
        order.is_some_and(|order| order.expires() <= self.now)
    }

    pub(super) fn expire(&mut self, number: usize) -> Option<()> {
        let order = self.orders.get_mut(number)?;
        order.status = OrderStatus::Expired;
        let lines = order.lines.clone();
        self.move_units(&lines, |product, quantity| product.reserved -= quantity);
        Some(())
    }
}
