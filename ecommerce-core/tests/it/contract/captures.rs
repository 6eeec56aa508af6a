//! How much was captured: what tells of it, what is believed of it, and what becomes of money that does not fit.

use ecommerce_core::{
    EventName, Order, OrderStatus, Outcome, PaymentState, PaymentStatus, ProviderName, RefundReason, RefundRequest, RefundStatus,
};
use serde_json::{Value, json};

use super::{
    calls::{first, order, stage},
    refunds::{line, lines, refund, sale},
};
use crate::{
    events::Attempt,
    shop::{Shop, hours, money},
};

stories![
    what_is_known_from_disputes_grows_until_the_success_is_heard_of,
    the_first_success_is_the_last_word,
    a_success_that_contradicts_leaves_the_order_paid,
    a_capture_is_certain_once_the_success_is_heard_of,
    an_order_waits_no_longer_for_money_that_does_not_fit,
    what_was_owed_before_is_owed_for_the_latest_reason,
    nothing_is_not_given_back,
    the_provider_says_how_much_went_back,
    the_first_name_of_its_kind_is_shown,
];

fn captured(order: &Order) -> (OrderStatus, Option<Outcome>, Option<String>) {
    let payment = &order.payments[0];
    (order.status, payment.outcome, payment.captured.map(|captured| captured.to_string()))
}

/// A dispute about a part of the payment, of a name of its own.
fn dispute_about(attempt: &Attempt, amount: i64) -> Value {
    let mut event = attempt.clone().amounting_to(amount).dispute_opened();
    event["data"]["object"]["id"] = json!(format!("dp_{amount}"));
    event
}

/// An order of 10.00 USD that waits for Stripe, which cannot be asked and has named the attempt.
async fn begun(shop: &Shop) -> (Order, Attempt) {
    let (ann, mug) = (shop.customer("ann").await, shop.product("Mug", "10", 10).await);
    let order = shop.order(&ann, &[(mug, 1)]).await;
    let attempt = Attempt::of(&order);
    shop.stripe(&attempt.session_completed_unpaid()).await;
    (order, attempt)
}

async fn what_is_known_from_disputes_grows_until_the_success_is_heard_of(shop: Shop) {
    let (order, attempt) = begun(&shop).await;
    for (disputed, known) in [(400, "4.00"), (700, "7.00"), (500, "7.00")] {
        shop.stripe(&dispute_about(&attempt, disputed)).await;
        let told = shop.reload(&order).await;
        assert_eq!(captured(&told), (OrderStatus::PendingPayment, Some(Outcome::Mismatch), Some(known.to_owned())));
        assert_eq!(lines(&told), [line(RefundReason::Mismatch, RefundStatus::Queued, known)]);
    }
    assert_eq!(shop.texts("select status from payments where call_at is not null").await, [""; 0], "nobody can be asked");
    shop.stripe(&attempt.session_async_succeeded()).await;
    let paid = shop.reload(&order).await;
    assert_eq!(captured(&paid), (OrderStatus::Paid, Some(Outcome::Applied), Some("10.00".to_owned())));
    assert_eq!(lines(&paid), [], "nothing is owed any more");
}

async fn the_first_success_is_the_last_word(shop: Shop) {
    let (order, attempt) = begun(&shop).await;
    shop.stripe(&attempt.clone().amounting_to(900).session_async_succeeded()).await;
    let told = shop.reload(&order).await;
    assert_eq!(captured(&told), (OrderStatus::PendingPayment, Some(Outcome::Mismatch), Some("9.00".to_owned())));
    for another in [attempt.session_completed(), dispute_about(&attempt, 1000)] {
        shop.stripe(&another).await;
        assert_eq!(captured(&shop.reload(&order).await), captured(&told), "{another}");
    }
}

async fn a_success_that_contradicts_leaves_the_order_paid(shop: Shop) {
    let (order, attempt) = begun(&shop).await;
    shop.stripe(&dispute_about(&attempt, 1000)).await;
    let paid = shop.reload(&order).await;
    assert_eq!(captured(&paid), (OrderStatus::Paid, Some(Outcome::Applied), Some("10.00".to_owned())));
    shop.stripe(&attempt.amounting_to(800).session_async_succeeded()).await;
    let still = shop.reload(&order).await;
    assert_eq!((captured(&still), still.refunds), (captured(&paid), vec![]));
}

async fn a_capture_is_certain_once_the_success_is_heard_of(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = order(&shop, &ann, mug).await;
    let dispute = |id: &str, status: &str| json!({ "id": id, "kind": "dispute", "reference": "d", "status": status, "payment": first(&order), "amount": 2500, "currency": "USD" });
    shop.bank_tells(&dispute("d1", "open")).await;
    assert_eq!(shop.reload(&order).await.status, OrderStatus::Paid);
    shop.bank_tells(&shop.bank.pay(first(&order))).await;
    shop.bank_tells(&dispute("d2", "won")).await;
    let request = RefundRequest { amount: Some("10".parse().unwrap()), ..RefundRequest::default() };
    shop.store.order_refund(shop.admin(), order.id, &request).await.unwrap();
    // No refund is sent of an amount that is only believed.
    shop.store.run_due().await.unwrap();
    assert_eq!(shop.reload(&order).await.refunded_total, money("10"));
}

async fn an_order_waits_no_longer_for_money_that_does_not_fit(shop: Shop) {
    let (order, attempt) = begun(&shop).await;
    let promised = order.reserved_until;
    let waits = shop.reload(&order).await;
    assert_eq!(waits.payments[0].status, PaymentState::Processing);
    assert_eq!(waits.reserved_until, Some(order.created_at.after(hours(7 * 24))));
    shop.stripe(&attempt.amounting_to(900).session_async_succeeded()).await;
    assert_eq!(shop.reload(&order).await.reserved_until, promised);
}

async fn what_was_owed_before_is_owed_for_the_latest_reason(shop: Shop) {
    let (order, attempt) = begun(&shop).await;
    shop.stripe(&dispute_about(&attempt, 400)).await;
    shop.store.order_cancel(shop.admin(), order.id).await.unwrap();
    shop.stripe(&attempt.session_async_succeeded()).await;
    let told = shop.reload(&order).await;
    assert_eq!(captured(&told), (OrderStatus::Cancelled, Some(Outcome::OrderCancelled), Some("10.00".to_owned())));
    assert_eq!(lines(&told), [line(RefundReason::OrderCancelled, RefundStatus::Queued, "10.00")]);
}

async fn nothing_is_not_given_back(shop: Shop) {
    let (order, attempt) = begun(&shop).await;
    shop.stripe(&attempt.amounting_to(0).session_async_succeeded()).await;
    let told = shop.reload(&order).await;
    assert_eq!(captured(&told), (OrderStatus::PendingPayment, Some(Outcome::Mismatch), Some("0.00".to_owned())));
    assert!(!told.history.iter().any(|event| event.event == EventName::RefundQueued), "{told:?}");
}

async fn the_provider_says_how_much_went_back(shop: Shop) {
    let (_, _, order, attempt) = sale(&shop).await;
    let ours = refund(&shop, &order, Some("3")).await.unwrap().refunds[0].id;
    for _ in 0..2 {
        shop.stripe(&attempt.refund("1", "created", "succeeded", 250, Some(ours))).await;
    }
    let told = shop.reload(&order).await;
    assert_eq!(lines(&told), [line(RefundReason::Requested, RefundStatus::Succeeded, "2.50")]);
    let notes: Vec<_> = told.history.iter().filter(|event| event.event == EventName::Refunded).map(|event| &event.note).collect();
    assert_eq!(notes, [&Some("2.50 USD in all".to_owned())], "told once");

    // What goes back of a payment that paid nothing is no news of the order's own money.
    let another = Attempt::another(&order, "again");
    shop.stripe(&another.session_completed()).await;
    shop.stripe(&another.charge_refunded(1000)).await;
    let told = shop.reload(&order).await;
    assert_eq!((told.refunded_total, told.payment_status), (money("2.50"), PaymentStatus::PartiallyRefunded));
    assert_eq!(told.history.iter().filter(|event| event.event == EventName::Refunded).count(), 1);
    assert_eq!(told.payments[1].provider, ProviderName::Stripe);
}

async fn the_first_name_of_its_kind_is_shown(shop: Shop) {
    let (order, attempt) = begun(&shop).await;
    // The customer begins anew on the provider's page: the payment has another session.
    let other = Attempt { name: "later".to_owned(), ..attempt.clone() };
    shop.stripe(&other.session_completed()).await;
    let paid = shop.reload(&order).await;
    assert_eq!((paid.status, paid.payments[0].reference.clone()), (OrderStatus::Paid, Some(attempt.session())));
}
