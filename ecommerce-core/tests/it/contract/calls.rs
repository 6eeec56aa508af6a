//! Payments go out, and come back by whatever way: what the shop asks its providers, and what it does without an answer.

use std::time::Duration;

use ecommerce_core::{
    CheckoutError, CheckoutRequest, Customer, EventName, Order, OrderStatus, Outcome, PaymentId, PaymentState, PaymentStatus,
    ProductId, ProviderName, RefundReason, RefundRequest, RefundStatus,
};
use serde_json::json;

use crate::{
    bank::{BankState, Fault, bank},
    shop::{Shop, hours, minutes, money},
};

stories![
    a_checkout_says_where_to_pay,
    the_same_checkout_again_says_the_same,
    a_bank_that_is_away_loses_no_order,
    a_lost_answer_is_found_again,
    money_that_names_the_order_alone_is_not_taken_for_an_attempt_s,
    a_checkout_that_died_is_begun_for_whoever_asks_again,
    a_refused_payment_may_be_tried_again,
    a_name_that_was_used_before,
    only_the_latest_attempt_is_begun_late,
    nobody_takes_what_the_shop_does_not_have,
    a_payment_that_nobody_told_of_is_found,
    an_order_ends_after_its_payment_is_closed,
    an_order_that_was_paid_at_the_last_moment_does_not_end,
    an_order_waits_a_day_for_a_bank_that_is_silent,
    an_order_waits_while_its_payment_is_processed,
    an_attempt_begun_while_the_order_ends,
    what_is_paid_or_cancelled_cannot_be_paid_again,
    a_refund_is_sent_once,
    a_refund_whose_answer_is_lost_is_sent_once,
    a_refused_refund_waits_for_a_person,
    a_slow_refund_is_asked_about,
    a_dispute_holds_refunds_back,
    a_dispute_before_the_payment,
    a_refund_in_the_dashboard_before_the_payment,
    what_the_bank_does_not_tell_is_believed_until_it_does,
    a_question_without_an_answer_is_asked_again_however_old,
    a_bank_that_hangs_holds_up_nobody_else,
    what_is_paid_by_hand_cannot_be_paid_again,
    events_that_never_arrived_are_read,
    what_is_too_long_for_one_answer_is_read_in_parts,
    two_processes_ask_once,
];

pub(super) async fn order(shop: &Shop, customer: &Customer, mug: ProductId) -> Order {
    shop.order_by(customer, &[(mug, 2)], bank()).await
}

pub(super) async fn stage(shop: &Shop) -> (Customer, ProductId) {
    (shop.customer("ann").await, shop.product("Mug", "12.50", 10).await)
}

pub(super) fn first(order: &Order) -> PaymentId {
    order.payments[0].id
}

async fn a_checkout_says_where_to_pay(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = order(&shop, &ann, mug).await;
    let payment = &order.payments[0];
    assert_eq!(payment.checkout_url.as_deref(), Some(format!("https://bank.example/{}", payment.id).as_str()));
    assert!(payment.reference.as_ref().is_some_and(|name| name.starts_with(&format!("bank-{}-", payment.id))), "{payment:?}");
    assert_eq!((payment.status, order.status), (PaymentState::Created, OrderStatus::PendingPayment));
    assert_eq!(shop.bank.payment(payment.id).amount, money("25"));

    shop.bank_tells(&shop.bank.pay(payment.id)).await;
    assert_eq!(shop.reload(&order).await.status, OrderStatus::Paid);
    assert_eq!(shop.bank.count("begin"), 1);
}

async fn the_same_checkout_again_says_the_same(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    shop.fill(&ann, &[(mug, 1)]).await;
    let request =
        CheckoutRequest { provider: Some(bank()), idempotency_key: Some("k".parse().unwrap()), ..CheckoutRequest::default() };
    let placed = shop.store.checkout(&ann, &request).await.unwrap();
    shop.advance(minutes(5));
    assert_eq!(shop.store.checkout(&ann, &request).await.unwrap().order, placed.order);
    assert_eq!(shop.bank.count("begin"), 1, "what has begun is not begun again");

    // It is paid since, and the customer's bank has taken the money back.
    let payment = first(&placed.order);
    shop.bank_tells(&shop.bank.pay(payment)).await;
    let lost = json!({ "id": "d", "kind": "dispute", "reference": "d", "status": "lost", "payment": payment, "amount": 1250, "currency": "USD" });
    shop.bank_tells(&lost).await;
    assert_eq!(shop.reload(&placed.order).await.payment_status, PaymentStatus::ChargedBack);
    let again = shop.store.checkout(&ann, &request).await.unwrap();
    assert!(again.replayed && !placed.replayed);
    assert_eq!((again.order, shop.bank.count("begin")), (placed.order, 1));
}

async fn a_bank_that_is_away_loses_no_order(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    shop.bank.goes_away(true);
    let placed = order(&shop, &ann, mug).await;
    assert_eq!((placed.payments[0].status, &placed.payments[0].checkout_url), (PaymentState::Created, &None));
    assert_eq!(placed.status, OrderStatus::PendingPayment);
    shop.wait(minutes(1)).await;
    assert_eq!(shop.reload(&placed).await.payments[0].checkout_url, None);

    shop.bank.goes_away(false);
    shop.wait(minutes(2)).await;
    let order = shop.reload(&placed).await;
    assert!(order.payments[0].checkout_url.is_some(), "the shop went on asking: {order:?}");
    assert_eq!(order.payments.len(), 1);
}

async fn money_that_names_the_order_alone_is_not_taken_for_an_attempt_s(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    // The attempt has begun, and the shop does not know what the bank calls it.
    shop.bank.fail_next(&[Fault::Unanswered]);
    let order = order(&shop, &ann, mug).await;
    let otherwise = json!({ "id": "otherwise", "kind": "paid", "order": order.id, "amount": 2500, "currency": "USD" });
    shop.bank_tells(&otherwise).await;
    shop.bank_tells(&shop.bank.pay(first(&order))).await;

    let paid = shop.reload(&order).await;
    let outcomes: Vec<_> = paid.payments.iter().map(|payment| (payment.id == first(&order), payment.outcome)).collect();
    assert_eq!(outcomes, [(true, Some(Outcome::Duplicate)), (false, Some(Outcome::Applied))], "both came: {paid:?}");
    assert_eq!((paid.status, paid.refunds.len(), paid.refunds[0].amount), (OrderStatus::Paid, 1, money("25")));
}

async fn a_lost_answer_is_found_again(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    shop.bank.fail_next(&[Fault::Unanswered]);
    let placed = order(&shop, &ann, mug).await;
    assert_eq!(placed.payments[0].checkout_url, None);
    shop.wait(minutes(1)).await;
    let order = shop.reload(&placed).await;
    assert!(order.payments[0].checkout_url.is_some());
    assert_eq!((order.payments.len(), shop.bank.books().payments.len()), (1, 1), "one attempt, one payment at the bank");
}

async fn a_checkout_that_died_is_begun_for_whoever_asks_again(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    for fault in [Fault::HangsUnheard, Fault::HangsUnanswered] {
        shop.fill(&ann, &[(mug, 1)]).await;
        shop.bank.fail_next(&[fault]);
        let key = Some(format!("{fault:?}").parse().unwrap());
        let request = CheckoutRequest { provider: Some(bank()), idempotency_key: key, ..CheckoutRequest::default() };
        let (store, customer, asked) = (shop.store.clone(), ann.clone(), request.clone());
        let dies = tokio::spawn(async move { store.checkout(&customer, &asked).await });
        shop.bank.hangs().await;
        dies.abort();
        shop.advance(minutes(1));
        let again = shop.second_process().await.store.checkout(&ann, &request).await.unwrap();
        assert!(again.replayed && again.order.payments[0].checkout_url.is_some(), "{fault:?}: {again:?}");
    }
    assert_eq!(shop.bank.books().payments.len(), 2);
}

async fn a_refused_payment_may_be_tried_again(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    shop.bank.fail_next(&[Fault::Refused]);
    let placed = order(&shop, &ann, mug).await;
    assert_eq!((placed.payments[0].status, placed.status), (PaymentState::Failed, OrderStatus::PendingPayment));
    let failed = placed.history.iter().find(|event| event.event == EventName::PaymentFailed).unwrap();
    assert_eq!(failed.note.as_deref(), Some("bank refused: the bank says no"));

    let order = shop.store.order_pay(&ann, placed.id, Some(bank())).await.unwrap();
    assert_eq!(order.payments.len(), 2);
    assert!(order.payments[1].checkout_url.is_some());
    shop.bank_tells(&shop.bank.pay(order.payments[1].id)).await;
    assert_eq!(shop.reload(&order).await.status, OrderStatus::Paid);
}

async fn a_name_that_was_used_before(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    shop.bank.fail_next(&[Fault::NameTaken]);
    let order = order(&shop, &ann, mug).await;
    let states: Vec<_> = order.payments.iter().map(|payment| payment.status).collect();
    assert_eq!(states, [PaymentState::Failed, PaymentState::Created]);
    assert!(order.payments[1].checkout_url.is_some());
    // The lost one may have begun, and is paid all the same.
    let lost = json!({ "id": "lost", "kind": "paid", "payment": first(&order), "amount": 2500, "currency": "USD" });
    shop.bank_tells(&lost).await;
    let paid = shop.reload(&order).await;
    assert_eq!((paid.status, paid.payments[0].outcome), (OrderStatus::Paid, Some(Outcome::Applied)));
}

async fn only_the_latest_attempt_is_begun_late(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    shop.bank.goes_away(true);
    let placed = order(&shop, &ann, mug).await;
    shop.store.order_pay(&ann, placed.id, Some(bank())).await.unwrap();
    shop.bank.goes_away(false);
    shop.wait(minutes(5)).await;
    let urls: Vec<_> = shop.reload(&placed).await.payments.iter().map(|payment| payment.checkout_url.is_some()).collect();
    assert_eq!(urls, [false, true], "nobody was ever sent to the first");
}

async fn nobody_takes_what_the_shop_does_not_have(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let nobody = "nobody".parse::<ProviderName>().unwrap();
    shop.fill(&ann, &[(mug, 1)]).await;
    refused!(shop.try_checkout(&ann, nobody), CheckoutError::Invalid(field) if field.field == "provider");
    let order = shop.try_checkout(&ann, bank()).await.unwrap().order;
    let pay = shop.store.order_pay(&ann, order.id, Some(nobody));
    refused!(pay, ecommerce_core::PaymentError::Invalid(field) if field.field == "provider");
}

async fn a_payment_that_nobody_told_of_is_found(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = order(&shop, &ann, mug).await;
    shop.bank.set(first(&order), BankState::Paid);
    shop.wait(Duration::from_secs(59)).await;
    assert_eq!(shop.reload(&order).await.status, OrderStatus::PendingPayment, "it is not asked about all the time");
    shop.wait(minutes(1)).await;
    assert_eq!(shop.reload(&order).await.status, OrderStatus::Paid);
    let asked = shop.bank.count("fetch");
    shop.wait(hours(1)).await;
    assert_eq!(shop.bank.count("fetch"), asked, "a settled payment is not asked about");
}

async fn an_order_ends_after_its_payment_is_closed(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = order(&shop, &ann, mug).await;
    shop.wait(minutes(35)).await;
    let ended = shop.reload(&order).await;
    assert_eq!((ended.status, shop.stock(mug).await), (OrderStatus::Expired, (10, 0)));
    assert_eq!(shop.bank.payment(first(&order)).state, BankState::Closed);
    assert_eq!(ended.payments[0].status, PaymentState::Created, "an open attempt stays as it is");
    shop.wait(hours(1)).await;
    assert_eq!(shop.bank.count("close"), 1, "what is closed is not asked about");
}

async fn an_order_that_was_paid_at_the_last_moment_does_not_end(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = order(&shop, &ann, mug).await;
    shop.bank.pay(first(&order));
    // The asking about open payments would find it, too: only the end of the order asks here.
    shop.execute("update payments set call_at = null").await;
    shop.wait(minutes(35)).await;
    let paid = shop.reload(&order).await;
    assert_eq!((paid.status, shop.stock(mug).await), (OrderStatus::Paid, (8, 0)));
    assert!(!paid.history.iter().any(|event| event.event == EventName::Expired));
    assert_eq!(shop.bank.count("close"), 1);
}

async fn an_order_waits_a_day_for_a_bank_that_is_silent(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let silent = order(&shop, &ann, mug).await;
    shop.bank.goes_away(true);
    for _ in 0..47 {
        shop.wait(minutes(30)).await;
        let order = shop.reload(&silent).await;
        assert_eq!(order.status, OrderStatus::PendingPayment);
        assert!(order.reserved_until.is_some_and(|until| until > shop.now()), "its units are kept: {order:?}");
    }
    shop.wait(hours(2)).await;
    assert_eq!(shop.reload(&silent).await.status, OrderStatus::Expired);

    shop.bank.goes_away(false);
    let back = order(&shop, &ann, mug).await;
    shop.bank.goes_away(true);
    shop.wait(minutes(36)).await;
    shop.bank.goes_away(false);
    shop.wait(minutes(1)).await;
    assert_eq!(shop.reload(&back).await.status, OrderStatus::Expired, "the bank is back, and has closed it");
}

async fn an_order_waits_while_its_payment_is_processed(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = order(&shop, &ann, mug).await;
    shop.bank.set(first(&order), BankState::Processing);
    shop.wait(minutes(35)).await;
    let waits = shop.reload(&order).await;
    assert_eq!((waits.status, waits.payments[0].status), (OrderStatus::PendingPayment, PaymentState::Processing));
    assert_eq!(waits.reserved_until.unwrap().since(order.created_at), hours(7 * 24));
    shop.wait(hours(7 * 24)).await;
    assert_eq!(shop.reload(&order).await.status, OrderStatus::Expired);
}

async fn an_attempt_begun_while_the_order_ends(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = order(&shop, &ann, mug).await;
    shop.advance(minutes(35));
    shop.bank.fail_next(&[Fault::HangsUnanswered]);
    let store = shop.store.clone();
    let ending = tokio::spawn(async move { store.run_due().await });
    shop.bank.hangs().await;
    // While the bank thinks about closing the first attempt, the customer makes another.
    let order = shop.store.order_pay(&ann, order.id, Some(bank())).await.unwrap();
    ending.abort();
    shop.wait(minutes(1)).await;
    shop.wait(minutes(1)).await;
    assert_eq!(shop.reload(&order).await.status, OrderStatus::Expired);
    for payment in &order.payments {
        assert_eq!(shop.bank.payment(payment.id).state, BankState::Closed, "nothing is left to be paid");
    }
}

async fn what_is_paid_or_cancelled_cannot_be_paid_again(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let paid = order(&shop, &ann, mug).await;
    let paid = shop.store.order_pay(&ann, paid.id, Some(bank())).await.unwrap();
    shop.bank_tells(&shop.bank.pay(first(&paid))).await;
    let cancelled = order(&shop, &ann, mug).await;
    shop.store.order_cancel(&ann, cancelled.id).await.unwrap();
    shop.store.run_due().await.unwrap();
    for payment in [paid.payments[1].id, first(&cancelled)] {
        assert_eq!(shop.bank.payment(payment).state, BankState::Closed);
    }
    assert_eq!(shop.reload(&cancelled).await.payments[0].status, PaymentState::Created, "it stays as it is");
    assert_eq!(shop.bank.payment(first(&paid)).state, BankState::Paid);
}

/// An order that the bank was paid for.
async fn paid(shop: &Shop, customer: &Customer, mug: ProductId) -> Order {
    let order = order(shop, customer, mug).await;
    shop.bank_tells(&shop.bank.pay(first(&order))).await;
    shop.reload(&order).await
}

async fn ask_back(shop: &Shop, order: &Order, amount: &str) -> Order {
    let request = RefundRequest { amount: Some(amount.parse().unwrap()), ..RefundRequest::default() };
    shop.store.order_refund(shop.admin(), order.id, &request).await.unwrap()
}

async fn a_refund_is_sent_once(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = paid(&shop, &ann, mug).await;
    let order = ask_back(&shop, &order, "10").await;
    assert_eq!(order.refunds[0].status, RefundStatus::Queued);
    for _ in 0..3 {
        shop.wait(hours(1)).await;
    }
    let order = shop.reload(&order).await;
    assert_eq!((order.refunds[0].status, order.payment_status), (RefundStatus::Succeeded, PaymentStatus::PartiallyRefunded));
    assert_eq!((order.refunded_total, shop.bank.count("refund")), (money("10"), 1));
    assert_eq!(shop.bank.payment(first(&order)).refunds[&order.refunds[0].id], money("10"));
    assert_eq!(shop.texts("select status from refunds where call_at is not null").await, [""; 0], "nothing is left to ask");
}

async fn a_refund_whose_answer_is_lost_is_sent_once(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = paid(&shop, &ann, mug).await;
    let order = ask_back(&shop, &order, "10").await;
    shop.bank.fail_next(&[Fault::Unanswered, Fault::Unheard, Fault::Unanswered]);
    shop.store.run_due().await.unwrap();
    let lost = shop.reload(&order).await;
    assert_eq!((lost.refunds[0].status, lost.refunded_total), (RefundStatus::Sent, money("0")));
    for _ in 0..3 {
        shop.wait(hours(1)).await;
    }
    let order = shop.reload(&order).await;
    assert_eq!((order.refunds.len(), order.refunds[0].status), (1, RefundStatus::Succeeded));
    assert_eq!((shop.bank.count("refund"), shop.bank.payment(first(&order)).refunds.len()), (4, 1));
}

async fn a_refused_refund_waits_for_a_person(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = paid(&shop, &ann, mug).await;
    let order = ask_back(&shop, &order, "10").await;
    shop.bank.fail_next(&[Fault::Refused]);
    for _ in 0..3 {
        shop.wait(hours(1)).await;
    }
    let order = shop.reload(&order).await;
    assert_eq!((order.refunds[0].status, shop.bank.count("refund")), (RefundStatus::NeedsAttention, 1));
    assert_eq!(shop.texts("select note from refunds").await, ["bank refused: the bank says no"], "so the person knows why");
    shop.store.refund_done(shop.admin(), order.refunds[0].id, None).await.unwrap();
    assert_eq!(shop.reload(&order).await.refunded_total, money("10"));
}

async fn a_slow_refund_is_asked_about(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = paid(&shop, &ann, mug).await;
    let order = ask_back(&shop, &order, "10").await;
    shop.bank.refunds_slowly(first(&order), true);
    shop.store.run_due().await.unwrap();
    assert_eq!(shop.reload(&order).await.refunds[0].status, RefundStatus::Pending);
    shop.bank.refunds_slowly(first(&order), false);
    shop.wait(hours(1)).await;
    assert_eq!(shop.reload(&order).await.refunds[0].status, RefundStatus::Succeeded);
    assert_eq!((shop.bank.count("refund"), shop.bank.count("fetch_refund")), (1, 1));
}

async fn a_dispute_holds_refunds_back(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = paid(&shop, &ann, mug).await;
    let order = ask_back(&shop, &order, "10").await;
    let dispute = |id: &str, status: &str| json!({ "id": id, "kind": "dispute", "reference": "d", "status": status, "payment": first(&order), "amount": 2500, "currency": "USD" });
    shop.bank_tells(&dispute("d1", "open")).await;
    shop.wait(hours(1)).await;
    assert_eq!((shop.reload(&order).await.refunds[0].status, shop.bank.count("refund")), (RefundStatus::Queued, 0));
    assert_eq!(shop.bank.count("fetch"), 0, "how much was captured is known");
    shop.bank_tells(&dispute("d2", "won")).await;
    shop.wait(minutes(1)).await;
    assert_eq!(shop.reload(&order).await.refunds[0].status, RefundStatus::Succeeded);
}

async fn a_dispute_before_the_payment(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    // Of a part of it: what was captured only the bank knows.
    let order = order(&shop, &ann, mug).await;
    shop.bank.pay(first(&order));
    let dispute = json!({ "id": "d1", "kind": "dispute", "reference": "d", "status": "open", "payment": first(&order), "amount": 700, "currency": "USD" });
    shop.bank_tells(&dispute).await;
    let told = shop.reload(&order).await;
    assert!(told.disputed && told.status == OrderStatus::PendingPayment, "{told:?}");
    assert_eq!(told.payments[0].captured, None, "the bank is asked before anything is believed");
    shop.store.run_due().await.unwrap();
    let paid = shop.reload(&order).await;
    assert_eq!((paid.status, paid.payments[0].captured, paid.refunds.len()), (OrderStatus::Paid, Some(money("25")), 0));
}

async fn a_refund_in_the_dashboard_before_the_payment(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = order(&shop, &ann, mug).await;
    shop.bank.pay(first(&order));
    let refund = json!({ "id": "r1", "kind": "refund", "reference": "r", "status": "succeeded", "payment": first(&order), "amount": 700, "currency": "USD" });
    shop.bank_tells(&refund).await;
    shop.store.run_due().await.unwrap();
    let paid = shop.reload(&order).await;
    assert_eq!((paid.status, paid.refunded_total), (OrderStatus::Paid, money("7")));
    assert_eq!(paid.refunds.iter().map(|refund| refund.reason).collect::<Vec<_>>(), [RefundReason::External]);
    assert_eq!(shop.bank.count("refund"), 0, "nothing was owed");
}

async fn what_the_bank_does_not_tell_is_believed_until_it_does(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = order(&shop, &ann, mug).await;
    shop.bank.fail_next(&[Fault::Refused]);
    let refund = json!({ "id": "r1", "kind": "refund", "reference": "r", "status": "succeeded", "payment": first(&order), "amount": 700, "currency": "USD" });
    shop.bank_tells(&refund).await;
    shop.store.run_due().await.unwrap();
    let told = shop.reload(&order).await;
    assert_eq!((told.status, told.payments[0].outcome), (OrderStatus::PendingPayment, Some(Outcome::Mismatch)));
    assert_eq!(told.payments[0].captured, Some(money("7")));

    // The success itself knows better.
    shop.bank_tells(&shop.bank.pay(first(&order))).await;
    let paid = shop.reload(&order).await;
    assert_eq!((paid.status, paid.payments[0].captured), (OrderStatus::Paid, Some(money("25"))));
    assert_eq!((paid.refunded_total, shop.bank.count("refund")), (money("7"), 0));
}

async fn a_question_without_an_answer_is_asked_again_however_old(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = order(&shop, &ann, mug).await;
    shop.wait(hours(24 * 20)).await;
    shop.bank.set(first(&order), BankState::Paid);
    shop.bank.goes_away(true);
    let dispute = json!({ "id": "d1", "kind": "dispute", "reference": "d", "status": "won", "payment": first(&order), "amount": 700, "currency": "USD" });
    shop.bank_tells(&dispute).await;
    shop.store.run_due().await.unwrap();
    shop.bank.goes_away(false);
    shop.wait(hours(7)).await;
    assert_eq!(shop.reload(&order).await.payments[0].captured, Some(money("25")));
}

async fn a_bank_that_hangs_holds_up_nobody_else(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let other = shop.order(&ann, &[(mug, 1)]).await;
    let order = order(&shop, &ann, mug).await;
    shop.advance(minutes(36));
    shop.bank.fail_next(&[Fault::HangsUnheard]);
    let store = shop.store.clone();
    let doing = tokio::spawn(async move { store.run_due().await });
    shop.bank.hangs().await;
    assert_eq!(shop.reload(&other).await.status, OrderStatus::Expired);
    assert_eq!(shop.reload(&order).await.status, OrderStatus::PendingPayment);
    doing.abort();
}

async fn what_is_paid_by_hand_cannot_be_paid_again(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = order(&shop, &ann, mug).await;
    shop.store.order_confirm_payment(shop.admin(), order.id, None).await.unwrap();
    shop.store.run_due().await.unwrap();
    assert_eq!(shop.bank.payment(first(&order)).state, BankState::Closed);
}

async fn events_that_never_arrived_are_read(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = paid(&shop, &ann, mug).await;
    shop.bank.event(json!({ "kind": "dispute", "reference": "d", "status": "open", "payment": first(&order), "amount": 2500, "currency": "USD" }));
    shop.bank.event(json!({ "kind": "paid", "payment": 4711, "amount": 2500, "currency": "USD" }));
    let report = shop.store.reconcile(shop.admin()).await.unwrap();
    assert_eq!((report.events, report.silent_providers), (1, 0), "one was known, and one is about another shop");
    assert!(shop.reload(&order).await.disputed);
    assert_eq!(shop.store.reconcile(shop.admin()).await.unwrap().events, 0);

    shop.bank.event(json!({ "kind": "dispute", "reference": "d", "status": "won", "payment": first(&order), "amount": 2500, "currency": "USD" }));
    shop.wait(minutes(11)).await;
    assert!(!shop.reload(&order).await.disputed, "the store reads them by itself, too");
}

async fn what_is_too_long_for_one_answer_is_read_in_parts(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = paid(&shop, &ann, mug).await;
    shop.bank.event(json!({ "kind": "dispute", "reference": "d", "status": "open", "payment": first(&order), "amount": 2500, "currency": "USD" }));
    shop.bank.books().longest_reading = Some((shop.now(), hours(3)));
    let report = shop.store.reconcile(shop.admin()).await.unwrap();
    assert_eq!((report.events, report.silent_providers), (1, 0));
    shop.bank.books().longest_reading = Some((shop.now(), Duration::ZERO));
    assert_eq!(shop.store.reconcile(shop.admin()).await.unwrap().silent_providers, 1, "it must tell something");
}

async fn two_processes_ask_once(shop: Shop) {
    let (ann, mug) = stage(&shop).await;
    let order = paid(&shop, &ann, mug).await;
    for _ in 0..5 {
        ask_back(&shop, &order, "1").await;
    }
    let other = shop.second_process().await;
    let both = async || {
        let (one, two) = tokio::join!(shop.store.run_due(), other.store.run_due());
        one.and(two).unwrap();
    };
    both().await;
    assert_eq!(shop.bank.count("refund"), 5);
    assert_eq!(shop.reload(&order).await.refunded_total, money("5"));

    for _ in 0..4 {
        shop.order_by(&ann, &[(mug, 2)], bank()).await;
    }
    shop.advance(minutes(2));
    both().await;
    assert_eq!(shop.bank.count("fetch"), 4);
    // The asking about payments of ended orders would close them, too: only the end of the orders asks here.
    shop.execute("update payments set call_at = null").await;
    shop.advance(minutes(36));
    both().await;
    assert_eq!((shop.bank.count("close"), shop.stock(mug).await), (4, (8, 0)));
    other.store.close().await;
}
