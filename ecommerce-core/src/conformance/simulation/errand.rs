//! Deeds, as they are brought to the store and to the world around it.

use std::{fmt, time::Duration};

use rust_decimal::Decimal;

use super::{
    bank::{BankState, Held, SIGNATURE},
    deed::{At, Deed, Pays, Tidings},
    model::{Event, Model},
    money::House,
    world::{Lost, World, cents},
};
use crate::{
    CartLine, CheckoutRequest, DisputeNews, Fulfillment, FulfillmentStep, News, OrderId, PaymentEventStatus, ProductChange,
    Quantity, RefundNews, RefundProgress, RefundRequest, Report, Subject, db::AsStoreError,
};

/// How long somebody waits who got no answer, until nobody else can be at it any more.
pub(super) const PATIENCE: u32 = 11;

/// A deed as it is brought to the store, each time in the same words.
#[derive(Clone, Copy)]
pub(super) struct Errand {
    pub(super) deed: Deed,
    event: Option<Sent>,
    /// The number of the checkout, which makes its key.
    checkout: usize,
}

/// An event that a provider sends, and how often.
#[derive(Clone, Copy)]
struct Sent {
    house: House,
    number: usize,
    times: usize,
}

/// What came of it.
pub(super) enum Came {
    Done,
    /// The shop said no, for this reason.
    Refused(String),
    /// The database failed, and the error said so.
    Failed {
        reason: String,
        is_unavailable: bool,
    },
    /// Whoever did it died over it.
    Died,
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Refused(_) => "refused",
            Self::Failed { .. } => "failed",
            Self::Died => "died",
        })
    }
}

impl Came {
    fn of<T, E: AsStoreError + fmt::Display>(done: Result<T, E>) -> Self {
        let Err(error) = done else { return Self::Done };
        let reason = error.to_string();
        match error.as_store_error() {
            Some(error) => Self::Failed { reason, is_unavailable: error.is_unavailable() },
            None => Self::Refused(reason),
        }
    }
}

impl Errand {
    /// Is it harmless to do it again, by its key or as the same event?
    pub(super) const fn has_a_key(&self) -> bool {
        self.event.is_some() || matches!(self.deed, Deed::Checkout { .. } | Deed::CheckoutAgain { .. })
    }
}

/// Around the store.
impl World {
    /// Does what a deed does outside of the store, and to the model what follows from that alone. Answers what is brought to
    /// the store; nothing where the deed does not concern it.
    pub(super) fn prepare(&self, model: &mut Model, deed: Deed) -> Result<Option<Errand>, Lost> {
        let mut event = None;
        match deed {
            Deed::Wait { minutes } => self.pass(model, minutes),
            Deed::CheckoutAgain { .. } => self.pass(model, PATIENCE),
            Deed::Checkout { .. } => model.checkouts += 1,
            Deed::BankLeaves | Deed::BankReturns => {
                model.bank_is_away = deed == Deed::BankLeaves;
                self.bank.books().goes_away(model.bank_is_away);
                return Ok(None);
            }
            Deed::Process { at } => {
                self.at_bank(at, |held| held.state = BankState::Processing);
                return Ok(None);
            }
            Deed::PayAtBank { at, pays, events } => {
                if let Some(payment) = model.payment_mut(at) {
                    payment.pays = pays;
                }
                let paid = cents(model.expected(at), pays)?;
                self.at_bank(at, |held| (held.state, held.paid) = (BankState::Paid, Some(paid)));
                let report = Report { subject: self.subject(at, House::Bank), news: News::Succeeded(paid) };
                let number = self.record(model, House::Bank, report, Some(at));
                if events == 0 {
                    return Ok(None);
                }
                event = Some(Sent { house: House::Bank, number, times: events });
            }
            Deed::Tell { at, news } => {
                let Some(payment) = model.payment(at) else { return Ok(None) };
                let (house, pays) = (payment.house, payment.pays);
                if house == House::Bank {
                    let is_disputed = model.after(&deed).and_then(|after| Some(after.payment(at)?.is_disputed()));
                    self.at_bank(at, |held| {
                        held.is_disputed = is_disputed.unwrap_or(false);
                        held.dashboard += if let Tidings::Refunded(amount) = news { amount } else { 0 };
                    });
                }
                let report = self.report(model, at, house, news, pays)?;
                event = Some(Sent { house, number: self.record(model, house, report, None), times: 1 });
            }
            Deed::TellUnknown { order, house, pays } => {
                let total = model.orders.get(order).map_or(0, |order| order.total);
                let references = vec![format!("{}-unknown-{}", house.name(), model.events.len())];
                let subject = Subject { payment: None, order: self.order_id(order), references };
                let report = Report { subject, news: News::Succeeded(cents(pays.amount(total), pays)?) };
                event = Some(Sent { house, number: self.record(model, house, report, None), times: 1 });
            }
            Deed::Again { event: number } => {
                event = model.events.get(number).map(|event| Sent { house: event.house, number, times: 1 });
            }
            _ => {}
        }
        let of_order = |order: usize| model.orders.get(order).map_or(0, |order| order.checkout);
        let checkout = if let Deed::CheckoutAgain { order } = deed { of_order(order) } else { model.checkouts };
        Ok(Some(Errand { deed, event, checkout }))
    }

    pub(super) fn pass(&self, model: &mut Model, minutes: u32) {
        model.now += i64::from(minutes);
        self.clock.advance(Duration::from_secs(u64::from(minutes) * 60));
    }

    /// Looks at the payment at the bank, or changes it, where the bank has it.
    pub(super) fn at_bank<T>(&self, at: At, look: impl FnOnce(&mut Held) -> T) -> Option<T> {
        let payment = self.seen.payment(at)?.id;
        self.bank.books().payment_mut(payment).map(look)
    }

    fn record(&self, model: &mut Model, house: House, report: Report, success: Option<At>) -> usize {
        model.events.push(Event { house, success });
        self.bank.books().record(house, report)
    }

    fn order_id(&self, order: usize) -> Option<OrderId> {
        self.seen.orders.get(order).map(|order| order.id)
    }

    /// The payment in our words and in the provider's.
    fn subject(&self, at: At, house: House) -> Subject {
        let payment = self.seen.payment(at);
        let name = payment.map(|payment| payment.reference.clone().unwrap_or_else(|| format!("{}-{}", house.name(), payment.id)));
        // The bank's names are those that it gave when the payment began.
        let references = name.filter(|_| house != House::Bank).into_iter().collect();
        Subject { payment: payment.map(|payment| payment.id), order: self.order_id(at.order), references }
    }

    /// How the provider tells of it.
    fn report(&self, model: &Model, at: At, house: House, news: Tidings, pays: Pays) -> Result<Report, Lost> {
        let mut subject = self.subject(at, house);
        let captured = cents(model.expected(at), pays)?;
        let news = match news {
            Tidings::Processing => News::Processing,
            Tidings::Failed => News::Failed,
            Tidings::Succeeded => News::Succeeded(captured),
            Tidings::Refunded(amount) if house == House::Card => News::RefundedInAll { total: cents(amount, pays)?, captured },
            Tidings::Refunded(amount) => {
                let (reference, amount) = (Some(format!("dashboard-{}", model.events.len())), cents(amount, pays)?);
                let (status, may_be_ours) = (RefundProgress::Succeeded, house == House::Wire);
                News::Refund(RefundNews { id: None, reference, amount, status, may_be_ours })
            }
            Tidings::Dispute(status) => {
                if house != House::Bank {
                    subject = Subject { references: subject.references, ..Subject::default() };
                }
                let reference = format!("dispute-{}-{}", at.order, at.payment);
                News::Dispute(DisputeNews { reference, amount: captured, status })
            }
        };
        Ok(Report { subject, news })
    }
}

/// To the store.
impl World {
    /// Brings a deed to the store, and waits for what comes of it, or for the death of whoever brought it.
    pub(super) async fn run(&self, model: &Model, errand: &Errand) -> Came {
        tokio::select! {
            biased;
            // Every kind of deed is in it: boxed, it stays small wherever it is awaited.
            came = Box::pin(self.bring(model, errand)) => came.unwrap_or_else(|| Came::Refused("there is no such thing".to_owned())),
            () = self.death.comes() => Came::Died,
        }
    }

    async fn bring(&self, model: &Model, errand: &Errand) -> Option<Came> {
        let (store, admin) = (&self.store, self.system.admin());
        Some(match errand.deed {
            Deed::Add { customer, product, quantity } => {
                let line = CartLine { product: *self.products.get(product)?, quantity: Quantity::new(quantity.into()).ok()? };
                Came::of(store.cart_add(self.customers.get(customer)?, &[line]).await)
            }
            Deed::Reprice { product, price } => {
                let price = Some(cents(price.into(), Pays::Right).ok()?);
                self.edit(product, ProductChange { price, ..ProductChange::default() }).await?
            }
            Deed::Restock { product, stock } => {
                self.edit(product, ProductChange { stock: Some(stock.into()), ..ProductChange::default() }).await?
            }
            Deed::Delete { product } => {
                Came::of(store.product_delete(admin, *self.products.get(product)?, &Default::default()).await)
            }
            Deed::Checkout { customer, house, .. } => self.check_out(customer, house, errand.checkout).await?,
            Deed::CheckoutAgain { order } => {
                let order = model.orders.get(order)?;
                self.check_out(order.customer, order.payments.first()?.house, errand.checkout).await?
            }
            Deed::Pay { order, house, .. } => {
                let customer = self.customers.get(model.orders.get(order)?.customer)?;
                Came::of(store.order_pay(customer, self.order_id(order)?, Some(house.name())).await)
            }
            Deed::Tell { .. } | Deed::TellUnknown { .. } | Deed::PayAtBank { .. } | Deed::Again { .. } => {
                self.send(errand.event?).await
            }
            Deed::Confirm { order } => Came::of(store.order_confirm_payment(admin, self.order_id(order)?, None).await),
            Deed::Refund { order, amount, restock } => {
                let amount = amount.map(|amount| Decimal::new(amount.into(), 2));
                let request = RefundRequest { amount, reason: None, restock };
                Came::of(store.order_refund(admin, self.order_id(order)?, &request).await)
            }
            Deed::RefundDone { at, refund } => {
                let refund = model.payment(at)?.refunds.get(refund)?.id?;
                Came::of(store.refund_done(admin, refund, None).await)
            }
            Deed::Cancel { order, by_admin: true } => Came::of(store.order_cancel(admin, self.order_id(order)?).await),
            Deed::Cancel { order, by_admin: false } => {
                let customer = self.customers.get(model.orders.get(order)?.customer)?;
                Came::of(store.order_cancel(customer, self.order_id(order)?).await)
            }
            Deed::Fulfill { order } => {
                let status = match self.seen.orders.get(order)?.fulfillment {
                    Fulfillment::Unfulfilled => Fulfillment::Processing,
                    Fulfillment::Processing => Fulfillment::Shipped,
                    Fulfillment::Shipped | Fulfillment::Delivered => Fulfillment::Delivered,
                };
                let step = FulfillmentStep { status, tracking_number: None, note: None };
                Came::of(store.order_fulfill(admin, self.order_id(order)?, &step).await)
            }
            Deed::Wait { .. } => Came::of(store.run_due().await),
            Deed::Reconcile => Came::of(store.reconcile(admin).await),
            Deed::Process { .. } | Deed::BankLeaves | Deed::BankReturns => Came::Done,
        })
    }

    async fn edit(&self, product: usize, change: ProductChange) -> Option<Came> {
        let (product, expect) = (*self.products.get(product)?, Default::default());
        Some(Came::of(self.store.product_update(self.system.admin(), product, change, &expect).await))
    }

    async fn check_out(&self, customer: usize, house: House, checkout: usize) -> Option<Came> {
        let request = CheckoutRequest {
            provider: Some(house.name()),
            expected_total: None,
            idempotency_key: format!("checkout-{checkout}").parse().ok(),
        };
        Some(Came::of(self.store.checkout(self.customers.get(customer)?, &request).await))
    }

    async fn send(&self, sent: Sent) -> Came {
        let mut came = Came::Done;
        for _ in 0..sent.times {
            let body = sent.number.to_string();
            came = match self.store.webhook_receive(sent.house.name(), &[SIGNATURE], body.as_bytes()).await {
                Ok(PaymentEventStatus::Processed) => Came::Done,
                Ok(other) => Came::Refused(format!("the event is {other}")),
                error => Came::of(error),
            };
            if !matches!(came, Came::Done) {
                break;
            }
        }
        came
    }
}
