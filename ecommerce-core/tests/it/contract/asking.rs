//! How often providers are asked, for how long, and by whom.

use std::time::Duration;

use ecommerce_core::{
    Checkout, CheckoutRequest, EventName, OrderFilter, OrderStatus, PageRequest, PaymentState, RefundReason, RefundRequest,
    RefundStatus,
};
use serde_json::json;
use tokio::{task::JoinHandle, time::timeout};

use super::{
    calls::{first, order, stage},
    refunds::{line, lines},
};
use crate::{
    bank::{BankState, Fault, bank},
    shop::{Shop, hours, minutes, money},
};

stories![
    whoever_asks_again_waits_for_the_call_that_is_under_way,
    an_order_that_ends_meanwhile_gets_no_other_attempt,
    a_bank_that_had_every_name_is_asked_again_later,
    what_the_bank_gave_up_may_still_be_paid,
    whoever_asks_by_hand_is_told_who_was_silent,
    what_is_believed_to_have_come_goes_back,
    events_are_read_on_from_where_the_last_reading_ended,
    what_cannot_be_read_is_halved_and_then_left,
    open_payments_of_the_last_thirty_days_are_asked_about_by_hand,
    a_refund_on_its_way_is_asked_about_less_and_less,
    more_may_be_due_than_one_statement_answers,
];

/// Somebody checks out with the bank, under this key.
fn checks_out(shop: &Shop, customer: &ecommerce_core::Customer, key: &str) -> JoinHandle<Checkout> {
    let (store, customer) = (shop.store.clone(), customer.clone());
    let request = CheckoutRequest { provider: Some(bank()), idempotency_key: key.parse().ok(), ..CheckoutRequest::default() };
    tokio::spawn(async move { store.checkout(&customer, &request).await.unwrap() })
}

async fn whoever_asks_again_waits_for_the_call_that_is_under_way(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    shop.fill(&ann, &[(mug, 1)]).await;
    shop.bank.hold_next();
    let first = checks_out(&shop, &ann, "once");
    shop.bank.hangs().await;
    let mut again = checks_out(&shop, &ann, "once");
    let answered = timeout(Duration::from_millis(100), &mut again).await;
    assert!(answered.is_err(), "the answer would not say where to pay: {answered:?}");
    shop.bank.let_go();
    let (first, again) = (first.await.unwrap(), again.await.unwrap());
    assert!(first.order.payments[0].checkout_url.is_some() && again.replayed);
    assert_eq!((again.order, shop.bank.count("begin")), (first.order, 1));
}

async fn an_order_that_ends_meanwhile_gets_no_other_attempt(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    shop.fill(&ann, &[(mug, 1)]).await;
    shop.bank.hold_next();
    shop.bank.fail_next(&[Fault::NameTaken]);
    let checkout = checks_out(&shop, &ann, "once");
    shop.bank.hangs().await;
    let order = shop.store.order_list(&ann, &OrderFilter::default(), PageRequest::default()).await.unwrap().results.remove(0);
    shop.store.order_cancel(&ann, order.id).await.unwrap();
    shop.bank.let_go();
    let cancelled = checkout.await.unwrap().order;
    assert_eq!((cancelled.status, cancelled.payments.len()), (OrderStatus::Cancelled, 1));
    assert_eq!(cancelled.payments[0].status, PaymentState::Failed);
}

async fn a_bank_that_had_every_name_is_asked_again_later(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    shop.bank.fail_next(&[Fault::NameTaken; 3]);
    let placed = order(&shop, &ann, mug).await;
    let states: Vec<_> = placed.payments.iter().map(|payment| payment.status).collect();
    assert_eq!(states, [PaymentState::Failed, PaymentState::Failed, PaymentState::Created], "two others took its place");
    shop.wait(Duration::from_secs(6)).await;
    let order = shop.reload(&placed).await;
    assert_eq!((order.payments.len(), order.payments[2].checkout_url.is_some()), (3, true));
}

async fn what_the_bank_gave_up_may_still_be_paid(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = order(&shop, &ann, mug).await;
    shop.bank.set(first(&order), BankState::Closed);
    shop.wait(minutes(1)).await;
    let failed = shop.reload(&order).await;
    assert_eq!((failed.status, failed.payments[0].status), (OrderStatus::PendingPayment, PaymentState::Failed));
    assert!(failed.history.iter().any(|event| event.event == EventName::PaymentFailed));
    // The customer tries another card on the same page.
    shop.bank.set(first(&order), BankState::Paid);
    shop.wait(minutes(2)).await;
    assert_eq!(shop.reload(&order).await.status, OrderStatus::Paid);
}

async fn whoever_asks_by_hand_is_told_who_was_silent(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = order(&shop, &ann, mug).await;
    let asked = async || {
        let report = shop.store.reconcile(shop.admin()).await.unwrap();
        (report.payments, report.unanswered, report.silent_providers)
    };
    shop.bank.goes_away(true);
    assert_eq!(asked().await, (1, 1, 1));
    shop.bank.goes_away(false);
    assert_eq!(asked().await, (1, 0, 0));
    shop.bank.set(first(&order), BankState::Paid);
    assert_eq!(asked().await, (1, 0, 0));
    assert_eq!(shop.reload(&order).await.status, OrderStatus::Paid);
    assert_eq!(asked().await, (0, 0, 0), "there is nothing left to ask");
}

async fn what_is_believed_to_have_come_goes_back(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = order(&shop, &ann, mug).await;
    shop.bank.fail_next(&[Fault::Refused]);
    let dispute = json!({ "id": "d1", "kind": "dispute", "reference": "d", "status": "won", "payment": first(&order), "amount": 700, "currency": "USD" });
    shop.bank_tells(&dispute).await;
    shop.store.run_due().await.unwrap();
    shop.wait(minutes(1)).await;
    let went_back = [line(RefundReason::Mismatch, RefundStatus::Succeeded, "7.00")];
    assert_eq!(lines(&shop.reload(&order).await), went_back);

    // What went out stays as it was, when the success tells of more.
    shop.bank_tells(&shop.bank.pay(first(&order))).await;
    let paid = shop.reload(&order).await;
    assert_eq!((paid.status, paid.refunded_total), (OrderStatus::Paid, money("7")));
    assert_eq!(lines(&paid), went_back);
}

async fn events_are_read_on_from_where_the_last_reading_ended(shop: Shop) {
    let start = shop.now();
    shop.store.run_due().await.unwrap();
    shop.wait(minutes(9)).await;
    shop.wait(minutes(2)).await;
    // A day back at first; and each time a little of what was read before.
    let readings = [(start.before(hours(24) + minutes(10)), None), (start.before(minutes(10)), None)];
    assert_eq!(shop.bank.books().readings, readings);
}

async fn what_cannot_be_read_is_halved_and_then_left(shop: Shop) {
    let read_last = shop.now();
    shop.store.run_due().await.unwrap();
    let until = async |later: Duration| {
        shop.advance(later);
        shop.bank.books().readings.clear();
        shop.bank.books().longest_reading = Some((shop.now(), Duration::ZERO));
        shop.store.run_due().await.unwrap();
        let readings = std::mem::take(&mut shop.bank.books().readings);
        readings.into_iter().map(|(_, until)| until.map(|until| until.since(read_last))).collect::<Vec<_>>()
    };
    // Less than a minute is not asked for, and nothing is halved more than eight times.
    assert_eq!(until(minutes(16)).await, [None, Some(minutes(8)), Some(minutes(4)), Some(minutes(2)), Some(minutes(1))]);
    let halves = until(hours(24) - minutes(16)).await;
    assert_eq!((halves.len(), halves[1], halves[8]), (9, Some(hours(12)), Some(hours(24) / 256)));
}

async fn open_payments_of_the_last_thirty_days_are_asked_about_by_hand(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    order(&shop, &ann, mug).await;
    shop.wait(hours(24 * 30) - minutes(1)).await;
    assert_eq!(shop.store.reconcile(shop.admin()).await.unwrap().payments, 1);
    shop.advance(minutes(1));
    assert_eq!(shop.store.reconcile(shop.admin()).await.unwrap().payments, 0);
}

async fn a_refund_on_its_way_is_asked_about_less_and_less(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = order(&shop, &ann, mug).await;
    shop.bank_tells(&shop.bank.pay(first(&order))).await;
    let request = RefundRequest { amount: Some("10".parse().unwrap()), ..RefundRequest::default() };
    shop.store.order_refund(shop.admin(), order.id, &request).await.unwrap();
    shop.bank.refunds_slowly(first(&order), true);
    shop.store.run_due().await.unwrap();
    shop.bank.goes_away(true);
    for _ in 0..16 {
        shop.wait(minutes(30)).await;
    }
    assert_eq!(shop.bank.count("fetch_refund"), 5, "after half an hour, then after one, two, four and eight");
    // That the bank does not tell does not mean that it will not pay.
    shop.bank.goes_away(false);
    shop.bank.fail_next(&[Fault::Refused]);
    shop.wait(hours(6)).await;
    assert_eq!(lines(&shop.reload(&order).await), [line(RefundReason::Requested, RefundStatus::Pending, "10.00")]);
    shop.bank.refunds_slowly(first(&order), false);
    shop.wait(hours(6)).await;
    assert_eq!(lines(&shop.reload(&order).await), [line(RefundReason::Requested, RefundStatus::Succeeded, "10.00")]);
    assert_eq!(shop.bank.count("refund"), 1);
}

async fn more_may_be_due_than_one_statement_answers(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let paid = order(&shop, &ann, mug).await;
    shop.bank_tells(&shop.bank.pay(first(&paid))).await;
    // Attempts that nobody was ever sent to, refunds of a cent, and orders of nothing whose time is up.
    let many = "with recursive numbers(number) as (select 1 union all select number + 1 from numbers where number < 101)";
    shop.execute(&format!(
        "insert into payments (order_id, provider, status, amount, currency, nonce, call_at, created_at)
         {many}
         select order_id, provider, 'failed', amount, currency, 'n', created_at, created_at from payments, numbers;
         insert into refunds (payment_id, reason, status, asked, amount, currency, call_at, created_at)
         {many}
         select id, 'requested', 'queued', 1, 1, currency, created_at, created_at
         from payments, numbers
         where status = 'succeeded';
         insert into orders
             (user_id, cart_generation, status, total, currency, reserved_until, expires_at, created_at, updated_at)
         {many}
         select user_id, 1000 + number, 'pending_payment', 0, currency, created_at, created_at, created_at, created_at
         from orders, numbers;
         insert into order_events (order_id, event, at)
         select id, 'placed', created_at from orders where status = 'pending_payment';
         update carts set generation = generation + 101"
    ))
    .await;
    shop.store.run_due().await.unwrap();
    assert_eq!(shop.texts("select status from payments where status = 'failed' and call_at is not null").await, [""; 0]);
    assert_eq!((shop.bank.count("refund"), shop.reload(&paid).await.refunded_total), (101, money("1.01")));
    assert_eq!(shop.texts("select status from orders where status <> 'expired'").await, ["paid"]);
}
