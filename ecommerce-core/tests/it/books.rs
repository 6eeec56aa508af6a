//! The shop's books and the bank's agree in the end, whatever got lost between them, and whoever died over it.

use std::collections::BTreeMap;

use ecommerce_core::{Customer, Order, OrderStatus, Outcome, PaymentId, PaymentState, ProductId, RefundRequest, RefundStatus};
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    bank::{BankState, Fault, bank},
    database::Engine,
    shop::{Shop, hours, minutes, tell},
};

/// Something that happens. Payments go by their numbers, in the order of their making.
#[derive(Debug, Clone)]
enum Happening {
    Checkout,
    PayAgain(usize),
    /// Somebody pays on the bank's page, and its event arrives, arrives twice, or never.
    Paid(usize, usize),
    Processing(usize),
    Cancel(usize),
    Refund(usize, i64),
    Fault(Fault),
    /// The next call hangs, and the process that made it dies.
    Death(Fault),
    Wait(u64),
    Reconcile,
}

fn happening() -> impl Strategy<Value = Happening> {
    let payment = || any::<prop::sample::Index>().prop_map(|index| index.index(64));
    let faults = vec![Fault::Unheard, Fault::Unanswered, Fault::Refused, Fault::NameTaken];
    let deaths = vec![Fault::HangsUnheard, Fault::HangsUnanswered];
    prop_oneof![
        5 => Just(Happening::Checkout),
        2 => payment().prop_map(Happening::PayAgain),
        6 => (payment(), 0..3_usize).prop_map(|(payment, events)| Happening::Paid(payment, events)),
        1 => payment().prop_map(Happening::Processing),
        2 => payment().prop_map(Happening::Cancel),
        2 => (payment(), 1..1200_i64).prop_map(|(payment, amount)| Happening::Refund(payment, amount)),
        5 => prop::sample::select(faults).prop_map(Happening::Fault),
        4 => prop::sample::select(deaths).prop_map(Happening::Death),
        6 => prop::sample::select(vec![0, 1, 34, 36, 24 * 60]).prop_map(Happening::Wait),
        1 => Just(Happening::Reconcile),
    ]
}

#[test]
fn the_books_agree_on_sqlite() {
    check(Engine::Sqlite, 24);
}

#[test]
fn the_books_agree_on_postgres() {
    check(Engine::Postgres, 12);
}

fn check(engine: Engine, cases: u32) {
    let mut runner = TestRunner::new(Config { cases, max_shrink_iters: 200, failure_persistence: None, ..Config::default() });
    let histories = prop::collection::vec(happening(), 5..40);
    let checked = runner.run(&histories, |history| {
        let outcome = std::panic::catch_unwind(|| tell(engine, move |shop| live(shop, history)));
        outcome.map_err(|_| TestCaseError::fail("the books do not agree"))
    });
    checked.unwrap_or_else(|failure| panic!("{failure}"));
}

async fn live(shop: Shop, history: Vec<Happening>) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "12", 100_000).await;
    let mut orders = Vec::new();
    for happening in history {
        happen(&shop, &ann, mug, &mut orders, happening).await;
        shop.healthy().await;
    }
    // The bank is there again, gives up what it was working on, and time passes.
    shop.bank.books().forgive();
    shop.bank.books().payments.values_mut().for_each(|payment| {
        if payment.state == BankState::Processing {
            payment.state = BankState::Closed;
        }
    });
    for _ in 0..6 {
        shop.wait(minutes(2)).await;
    }
    for _ in 0..3 {
        shop.wait(hours(7)).await;
    }
    agree(&shop, &orders).await;
}

async fn happen(shop: &Shop, ann: &Customer, mug: ProductId, orders: &mut Vec<Order>, happening: Happening) {
    let payments: Vec<PaymentId> = shop.bank.books().payments.keys().copied().collect();
    let nth = |number: usize| (!payments.is_empty()).then(|| payments[number % payments.len()]);
    match happening {
        Happening::Checkout => orders.push(shop.order_by(ann, &[(mug, 1)], bank()).await),
        // Whether the order still waits is not the point.
        Happening::PayAgain(number) if !orders.is_empty() => {
            drop(shop.store.order_pay(ann, orders[number % orders.len()].id, Some(bank())).await);
        }
        Happening::Cancel(number) if !orders.is_empty() => {
            drop(shop.store.order_cancel(shop.admin(), orders[number % orders.len()].id).await);
        }
        Happening::Refund(number, amount) if !orders.is_empty() => {
            let request = RefundRequest { amount: Some(Decimal::new(amount, 2)), ..RefundRequest::default() };
            drop(shop.store.order_refund(shop.admin(), orders[number % orders.len()].id, &request).await);
        }
        Happening::Paid(number, events) => {
            let open = |id: &PaymentId| matches!(shop.bank.payment(*id).state, BankState::Open | BankState::Processing);
            if let Some(payment) = nth(number).filter(open) {
                let event: Value = shop.bank.pay(payment);
                for _ in 0..events {
                    shop.bank_tells(&event).await;
                }
            }
        }
        Happening::Processing(number) => {
            if let Some(payment) = nth(number).filter(|id| shop.bank.payment(*id).state == BankState::Open) {
                shop.bank.set(payment, BankState::Processing);
            }
        }
        Happening::Fault(fault) => shop.bank.fail_next(&[fault]),
        Happening::Death(fault) => die(shop, fault).await,
        Happening::Wait(span) => shop.wait(minutes(span)).await,
        Happening::Reconcile => drop(shop.store.reconcile(shop.admin()).await.unwrap()),
        Happening::PayAgain(_) | Happening::Cancel(_) | Happening::Refund(..) => {}
    }
}

/// A process does what is due, and dies in the first call that it makes.
async fn die(shop: &Shop, fault: Fault) {
    shop.bank.fail_first(fault);
    let store = shop.store.clone();
    let mut doing = tokio::spawn(async move { store.run_due().await });
    tokio::select! {
        () = shop.bank.hangs() => doing.abort(),
        done = &mut doing => done.unwrap().unwrap(),
    }
    shop.bank.books().forget(fault);
}

/// What the bank took is applied or went back, to the last cent, and each refund went back once.
async fn agree(shop: &Shop, orders: &[Order]) {
    let mut ours = BTreeMap::new();
    for order in orders {
        let order = shop.reload(order).await;
        assert_ne!(order.status, OrderStatus::PendingPayment, "{order:#?}");
        for payment in &order.payments {
            let refunds: Vec<_> = order.refunds.iter().filter(|refund| refund.payment_id == payment.id).cloned().collect();
            ours.insert(payment.id, (payment.clone(), refunds));
        }
    }
    let theirs = shop.bank.books().payments.clone();
    for (id, taken) in &theirs {
        let (payment, refunds) = &ours[id];
        assert_eq!(payment.status == PaymentState::Succeeded, taken.state == BankState::Paid, "{payment:?}, {taken:?}");
        let back: i64 = taken.refunds.values().map(|amount| amount.minor()).sum();
        let done = refunds.iter().filter(|refund| refund.status == RefundStatus::Succeeded);
        assert_eq!(done.map(|refund| refund.amount.minor()).sum::<i64>(), back, "{refunds:?}, {taken:?}");
        let refused: i64 = refunds
            .iter()
            .filter(|refund| refund.status == RefundStatus::NeedsAttention)
            .map(|refund| refund.amount.minor())
            .sum();
        if taken.state == BankState::Paid && payment.outcome != Some(Outcome::Applied) {
            assert_eq!(back + refused, taken.amount.minor(), "what was not applied went back: {payment:?} {refunds:?}");
        }
        assert!(refunds.iter().all(|refund| !matches!(refund.status, RefundStatus::Queued | RefundStatus::Sent)), "{refunds:?}");
    }
}
