//! What goes wrong on command, and what the shop makes of it.

use std::time::Duration;

use ecommerce_core::{Order, OrderStatus, PaymentStatus, ProviderName, RefundReason, RefundRequest, RefundStatus};
use ecommerce_warp::sandbox::{Act, Faults, HeldState};
use serde_json::{Value, json};

use super::{Shop, minutes};

#[tokio::test]
async fn every_fault_of_a_call_is_seen_by_the_caller() {
    let shop = Shop::open().await;
    let form = "amount=2100&currency=usd";
    let call = async |set: fn(&mut Faults)| {
        shop.faults(set);
        let answer = shop.stripe("POST", "/v1/payment_intents", None, form).await.map(|answer| answer.status);
        (answer, shop.sandbox.payments().len())
    };
    assert_eq!(call(|faults| faults.lose_requests = 100).await, (None, 0));
    assert_eq!(call(|faults| faults.too_many_429 = 100).await, (Some(429), 0));
    assert_eq!(call(|faults| faults.conflict_409 = 100).await, (Some(409), 0));
    assert_eq!(call(|faults| faults.error_500 = 100).await, (Some(500), 0));
    assert_eq!(call(|faults| faults.error_500_after = 100).await, (Some(500), 1), "all was done");
    assert_eq!(call(|faults| faults.lose_answers = 100).await, (None, 2), "all was done");
    assert_eq!(call(|faults| faults.slow_answers = Duration::from_millis(50)).await, (Some(200), 3));
    let statuses: Vec<_> = shop.sandbox.requests().into_iter().map(|heard| heard.status).collect();
    assert_eq!(statuses, [None, Some(429), Some(409), Some(500), Some(500), None, Some(200)]);

    shop.faults(|faults| faults.too_many_429 = 100);
    let refused = shop.paystack("GET", "/refund", &Value::Null).await.unwrap().json(429);
    assert_eq!(refused["status"], json!(false), "each provider refuses in its own words");
    shop.get("/").await.shows(200, &["A sandbox"]);
}

#[tokio::test]
async fn a_payment_whose_answer_was_lost_is_begun_once() {
    let shop = Shop::open().await;
    shop.faults(|faults| faults.lose_answers = 100);
    let order = shop.order(ProviderName::Stripe).await;
    assert_eq!(order.payments[0].checkout_url, None, "nobody heard where the page is");
    let held = shop.held(&order);
    shop.faults(|_| ());
    shop.wait(minutes(1)).await;
    let begun = shop.reload(&order).await;
    assert_eq!(begun.payments[0].reference, Some(held.id));
    assert_eq!((begun.payments.len(), shop.sandbox.payments().len()), (1, 1), "the same key is the same page");
}

#[tokio::test]
async fn a_refund_whose_answer_was_lost_is_paid_once() {
    let shop = Shop::open().await;
    for provider in [ProviderName::Stripe, ProviderName::Paystack] {
        let order = shop.order(provider).await;
        shop.act(&order, Act::Pay).await;
        shop.faults(|faults| {
            faults.lose_answers = 100;
            faults.drop_events = 100;
        });
        shop.store.order_refund(shop.admin(), order.id, &RefundRequest::default()).await.unwrap();
        shop.wait(minutes(1)).await;
        assert_eq!(shop.reload(&order).await.refunds[0].status, RefundStatus::Sent, "{provider}: nobody heard of it");
        shop.faults(|_| ());
        shop.wait(minutes(5)).await;
        shop.wait(minutes(5)).await;
        assert_eq!(shop.reload(&order).await.refunds[0].status, RefundStatus::Succeeded, "{provider}");
        assert_eq!((shop.held(&order).refunded, shop.held(&order).refunds.len()), (2100, 1), "{provider}");
    }
    shop.healthy().await;
}

#[tokio::test]
async fn a_refund_that_fails_waits_for_a_person() {
    let shop = Shop::open().await;
    for provider in [ProviderName::Stripe, ProviderName::Paystack] {
        let order = shop.order(provider).await;
        shop.act(&order, Act::Pay).await;
        shop.faults(|faults| faults.fail_refunds = 100);
        shop.store.order_refund(shop.admin(), order.id, &RefundRequest::default()).await.unwrap();
        shop.wait(minutes(1)).await;
        assert_eq!(shop.reload(&order).await.refunds[0].status, RefundStatus::NeedsAttention, "{provider}");
        assert_eq!(shop.held(&order).refunded, 0);
        shop.faults(|_| ());
    }
    shop.healthy().await;
}

#[tokio::test]
async fn events_come_twice_in_any_order_late_and_at_once() {
    let shop = Shop::open().await;
    let order = shop.order(ProviderName::Stripe).await;
    shop.faults(|faults| {
        faults.duplicate_events = 100;
        faults.shuffle_events = true;
        faults.parallel_events = true;
        faults.late_events = Duration::from_millis(30);
        faults.seed = 3;
    });
    shop.act(&order, Act::PayTwice).await;
    assert_eq!(shop.sandbox.deliveries().len(), 12, "three events of two payments, each twice");
    let paid = shop.reload(&order).await;
    assert_eq!((paid.status, paid.payment_status, paid.refunds.len()), (OrderStatus::Paid, PaymentStatus::Paid, 1));
    shop.healthy().await;
}

#[tokio::test]
async fn shuffled_events_leave_in_another_order() {
    let shop = Shop::open().await;
    let plain = ["checkout.session.completed", "payment_intent.succeeded", "charge.succeeded"];
    let mut orders_seen = Vec::new();
    for seed in 0..8 {
        let order = shop.order(ProviderName::Stripe).await;
        shop.faults(|faults| {
            faults.shuffle_events = true;
            faults.seed = seed;
        });
        shop.act(&order, Act::Pay).await;
        let id = shop.held(&order).id;
        let kinds = shop.sandbox.deliveries().into_iter().filter(|sent| sent.payment == id).map(|sent| sent.kind);
        orders_seen.push(kinds.collect::<Vec<_>>());
        assert_eq!(shop.reload(&order).await.status, OrderStatus::Paid);
    }
    assert!(orders_seen.iter().any(|kinds| kinds != &plain), "{orders_seen:?}");
}

#[tokio::test]
async fn dropped_events_are_found_by_asking() {
    let shop = Shop::open().await;
    let (stripe, paystack) = (shop.order(ProviderName::Stripe).await, shop.order(ProviderName::Paystack).await);
    shop.faults(|faults| faults.drop_events = 100);
    shop.act(&stripe, Act::Pay).await;
    shop.act(&paystack, Act::Pay).await;
    assert_eq!(shop.sandbox.deliveries(), []);
    assert_eq!(shop.reload(&stripe).await.status, OrderStatus::PendingPayment);
    let listed = shop.stripe("GET", "/v1/events", None, "").await.unwrap().json(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 3, "Stripe lists them all the same");
    shop.store.reconcile(shop.admin()).await.unwrap();
    assert_eq!(shop.reload(&stripe).await.status, OrderStatus::Paid);
    assert_eq!(shop.reload(&paystack).await.status, OrderStatus::Paid);
}

#[tokio::test]
async fn an_event_that_the_shop_does_not_take_is_sent_again() {
    let shop = Shop::open().await;
    let order = shop.order(ProviderName::Paystack).await;
    shop.store.close().await;
    shop.sandbox.act(&shop.held(&order).id, Act::Pay).unwrap();
    assert!(shop.sandbox.settled().await, "it is given up in the end");
    let statuses: Vec<_> = shop.sandbox.deliveries().into_iter().map(|delivery| delivery.status).collect();
    assert_eq!(statuses, [Some(503); 7]);
}

/// Much goes wrong at once; when it is over, every order stands as its payments do, to the last unit.
#[tokio::test]
async fn a_bad_day_ends_well() {
    let shop = Shop::open().await;
    shop.faults(|faults| {
        faults.seed = 11;
        faults.lose_requests = 5;
        faults.lose_answers = 10;
        faults.error_500 = 5;
        faults.error_500_after = 5;
        faults.too_many_429 = 5;
        faults.conflict_409 = 5;
        faults.duplicate_events = 30;
        faults.drop_events = 20;
        faults.shuffle_events = true;
        faults.parallel_events = true;
        faults.late_events = Duration::from_millis(20);
    });
    let mut orders: Vec<Order> = Vec::new();
    for number in 0..8 {
        let provider = [ProviderName::Stripe, ProviderName::Paystack][number % 2];
        orders.push(shop.order(provider).await);
    }
    // Whoever heard of no page comes again.
    shop.wait(minutes(1)).await;
    for (number, order) in orders.iter().enumerate() {
        let held = shop.sandbox.payments().into_iter().rfind(|held| held.order == Some(order.id));
        // Paystack lists no events: what it never told of a page that the shop does not know, nobody will ever know.
        let twice = if number % 2 == 0 { Act::PayTwice } else { Act::Pay };
        let act = [Act::Pay, twice, Act::PayLate][number % 3];
        if let Some(held) = held.filter(|held| held.state == HeldState::Open) {
            shop.sandbox.act(&held.id, act).unwrap();
        }
    }
    shop.wait(minutes(2)).await;
    shop.faults(|_| ());
    for held in shop.sandbox.payments().into_iter().filter(|held| held.state == HeldState::Underway) {
        shop.sandbox.act(&held.id, Act::FinishLate { ok: true }).unwrap();
    }
    for _ in 0..4 {
        shop.wait(minutes(15)).await;
    }
    for order in &orders {
        let order = shop.reload(order).await;
        let held = shop.sandbox.payments().into_iter().filter(|held| held.order == Some(order.id));
        let kept: i64 = held.map(|held| held.captured - held.refunded).sum();
        let wanted = if order.status == OrderStatus::Paid { 2100 } else { 0 };
        assert_eq!(kept, wanted, "{order:#?}");
        assert!(order.refunds.iter().all(|refund| refund.status == RefundStatus::Succeeded), "{order:#?}");
        assert!(order.refunds.iter().all(|refund| refund.reason != RefundReason::External), "{order:#?}");
    }
    shop.healthy().await;
}
