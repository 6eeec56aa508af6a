//! Events that contradict each other, come nameless or out of turn: what was once got wrong.

use ecommerce_core::{
    DisputeStatus, OrderStatus, PageRequest, PaymentEventStatus, PaymentState, PaymentStatus, ProviderName, RefundReason,
    RefundRequest, RefundStatus,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    events::{Attempt, stripe_event},
    shop::{Shop, money},
};

stories![
    paystack_names_a_refund_only_later,
    a_refund_of_ours_is_first_taken_for_the_dashboards,
    an_event_that_waited_does_not_block_those_behind_it,
    a_session_is_paid_only_when_it_says_so,
    a_refund_of_the_dashboards_that_fails_leaves_the_debt,
    a_provider_pays_back_less_than_it_was_asked_for,
    nothing_is_owed_any_more_once_the_money_was_right,
    a_dispute_counts_with_the_amount_that_was_lost,
    an_event_waits_for_the_order_that_it_names,
    two_events_name_a_payment_at_the_same_moment,
    one_event_arrives_many_times_at_the_same_moment,
];

fn paystack_refund(attempt: &Attempt, what: &str, reference: Option<&str>) -> Value {
    let transaction = attempt.charge_success()["data"]["reference"].clone();
    json!({ "event": format!("refund.{what}"), "data": {
        "status": what, "transaction_reference": transaction, "refund_reference": reference, "amount": "10000", "currency": "NGN" } })
}

async fn paystack_names_a_refund_only_later(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "300.50 NGN", 50).await;
    let tales = [("pending", None), ("processing", None), ("processed", Some("R1"))];
    for turn in [[0, 1, 2], [2, 1, 0], [0, 2, 1]] {
        let order = shop.order_by(&ann, &[(mug, 1)], ProviderName::Paystack).await;
        let attempt = Attempt::of(&order);
        shop.paystack(&attempt.charge_success()).await;
        for (what, reference) in turn.map(|index| tales[index]) {
            shop.paystack(&paystack_refund(&attempt, what, reference)).await;
        }
        let order = shop.reload(&order).await;
        assert_eq!((order.refunds.len(), order.refunded_total), (1, money("100.00 NGN")), "{turn:?}: {:?}", order.refunds);
        let rest = shop.store.order_refund(shop.admin(), order.id, &RefundRequest::default()).await.unwrap();
        assert_eq!(rest.refunds[1].amount, money("200.50 NGN"));
    }
}

async fn a_refund_of_ours_is_first_taken_for_the_dashboards(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.paid_order(&ann, &[(mug, 1)]).await;
    let attempt = Attempt::of(&order);
    let ours = shop.store.order_refund(shop.admin(), order.id, &RefundRequest::default()).await.unwrap().refunds[0].id;
    shop.stripe(&attempt.refund("re_1", "created", "pending", 1000, None)).await;
    shop.stripe(&attempt.refund("re_1", "updated", "succeeded", 1000, Some(ours))).await;
    let order = shop.reload(&order).await;
    let refunds: Vec<_> = order.refunds.iter().map(|refund| (refund.id, refund.reason, refund.status)).collect();
    assert_eq!(refunds, [(ours, RefundReason::Requested, RefundStatus::Succeeded)]);
    assert_eq!(order.payment_status, PaymentStatus::Refunded);
}

async fn an_event_that_waited_does_not_block_those_behind_it(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    let attempt = Attempt::of(&order);
    let mut completed = attempt.session_completed();
    completed["data"]["object"]["payment_intent"] = Value::Null;
    shop.stripe(&completed).await;
    let request = RefundRequest { amount: "1".parse().ok(), ..RefundRequest::default() };
    let ours = shop.store.order_refund(shop.admin(), order.id, &request).await.unwrap().refunds[0].id;
    for (what, status, id) in [("created", "pending", None), ("updated", "succeeded", Some(ours))] {
        let mut event = attempt.refund("re_1", what, status, 100, id);
        event["data"]["object"]["charge"] = Value::Null;
        assert_eq!(shop.stripe(&event).await, PaymentEventStatus::Unmatched);
    }
    assert_eq!(shop.stripe(&attempt.intent_succeeded()).await, PaymentEventStatus::Processed);
    assert_eq!(shop.reload(&order).await.refunded_total, money("1"));
}

async fn a_session_is_paid_only_when_it_says_so(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    for unheard_of in [json!("partially_paid"), Value::Null] {
        let order = shop.order(&ann, &[(mug, 1)]).await;
        let mut event = Attempt::of(&order).session_completed();
        event["data"]["object"]["payment_status"] = unheard_of;
        shop.stripe(&event).await;
        let order = shop.reload(&order).await;
        assert_eq!((order.status, order.payments[0].status), (OrderStatus::PendingPayment, PaymentState::Processing));
    }
}

async fn a_refund_of_the_dashboards_that_fails_leaves_the_debt(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    let attempt = Attempt::of(&order);
    shop.store.order_cancel(&ann, order.id).await.unwrap();
    shop.stripe(&attempt.session_completed()).await;
    for (what, status) in [("created", "pending"), ("failed", "failed")] {
        shop.stripe(&attempt.refund("re_1", what, status, 1000, None)).await;
        let owed = &shop.reload(&order).await.refunds[0];
        assert_eq!((owed.status, owed.amount, owed.reason), (RefundStatus::Queued, money("10"), RefundReason::OrderCancelled));
    }
    let failed = shop.reload(&order).await.refunds[1].clone();
    assert_eq!((failed.reason, failed.status), (RefundReason::External, RefundStatus::NeedsAttention));
    let done = shop.store.refund_done(shop.admin(), failed.id, None).await.unwrap();
    assert_eq!((done.status, done.amount), (RefundStatus::Succeeded, money("10")));
    assert_eq!(shop.reload(&order).await.payments[0].refunded, money("10"));

    // On a paid order it does not stand in the way of giving the money back.
    let order = shop.paid_order(&ann, &[(mug, 1)]).await;
    let attempt = Attempt::of(&order);
    for (what, status) in [("created", "pending"), ("failed", "failed")] {
        shop.stripe(&attempt.refund("re_2", what, status, 1000, None)).await;
    }
    let cancelled = shop.store.order_cancel(shop.admin(), order.id).await.unwrap();
    assert!(cancelled.refunds.iter().any(|refund| refund.reason == RefundReason::OrderCancelled && refund.amount == money("10")));
}

async fn a_provider_pays_back_less_than_it_was_asked_for(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let called_off = shop.order(&ann, &[(mug, 1)]).await;
    shop.store.order_cancel(&ann, called_off.id).await.unwrap();
    shop.stripe(&Attempt::of(&called_off).session_completed()).await;
    let taken_back = shop.paid_order(&ann, &[(mug, 1)]).await;
    shop.store.order_cancel(shop.admin(), taken_back.id).await.unwrap();

    for (name, order) in [("re_1", called_off), ("re_2", taken_back)] {
        let attempt = Attempt::of(&order);
        let ours = shop.reload(&order).await.refunds[0].id;
        let owed_too = [(400, RefundStatus::Pending), (600, RefundStatus::Queued)];
        for (told, owed) in [(400, &owed_too[..]), (1000, &[(1000, RefundStatus::Pending)])] {
            shop.stripe(&attempt.refund(name, "updated", "pending", told, Some(ours))).await;
            let refunds = shop.reload(&order).await.refunds;
            let found: Vec<_> = refunds.iter().map(|refund| (refund.amount.minor(), refund.status)).collect();
            assert_eq!(found, owed, "{name}");
            shop.healthy().await;
        }
    }
}

async fn nothing_is_owed_any_more_once_the_money_was_right(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    let attempt = Attempt::of(&order);
    // Only a refund is heard of, so that no more than it seems to have been captured, which is too little and goes back.
    shop.stripe(&attempt.intent_processing()).await;
    shop.stripe(&attempt.refund("re_1", "created", "pending", 400, None)).await;
    let ours = shop.reload(&order).await.refunds.into_iter().find(|refund| refund.reason == RefundReason::Mismatch).unwrap();
    // Of it, two parts are told of, one after the other.
    for told in [300, 200] {
        shop.stripe(&attempt.refund("re_2", "updated", "pending", told, Some(ours.id))).await;
    }
    let owed = |refunds: &[ecommerce_core::Refund]| refunds.iter().filter(|refund| refund.status == RefundStatus::Queued).count();
    assert_eq!(owed(&shop.reload(&order).await.refunds), 2);
    shop.stripe(&attempt.session_completed()).await;
    let order = shop.reload(&order).await;
    assert_eq!((order.status, owed(&order.refunds)), (OrderStatus::Paid, 0), "{:?}", order.refunds);
}

async fn a_dispute_counts_with_the_amount_that_was_lost(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let tales = [("created", "needs_response", 100), ("updated", "under_review", 1000), ("closed", "lost", 400)];
    for turn in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let order = shop.paid_order(&ann, &[(mug, 1)]).await;
        let attempt = Attempt::of(&order);
        for (what, status, amount) in turn.map(|index| tales[index]) {
            let mut event = attempt.dispute(what, status);
            event["data"]["object"]["amount"] = json!(amount);
            shop.stripe(&event).await;
        }
        let order = shop.reload(&order).await;
        assert_eq!((order.payment_status, order.refunded_total), (PaymentStatus::ChargedBack, money("4")), "{turn:?}");
    }
    assert!(DisputeStatus::Lost > DisputeStatus::Won && DisputeStatus::Won > DisputeStatus::Open);
}

async fn an_event_waits_for_the_order_that_it_names(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let before = shop.order(&ann, &[(mug, 1)]).await;
    let next = before.id.get() + 1;
    let intent = json!({ "id": "pi_early", "object": "payment_intent", "amount_received": 1000, "currency": "usd",
        "metadata": { "order_id": next.to_string() } });
    assert_eq!(shop.stripe(&stripe_event("payment_intent.succeeded", intent)).await, PaymentEventStatus::Unmatched);
    let order = shop.order(&ann, &[(mug, 1)]).await;
    assert_eq!(order.id.get(), next);
    shop.store.run_due().await.unwrap();
    assert_eq!(shop.reload(&order).await.status, OrderStatus::Paid);
    assert_eq!(shop.reload(&before).await.status, OrderStatus::PendingPayment);
}

async fn two_events_name_a_payment_at_the_same_moment(shop: Shop) {
    let (ann, mug) = (shop.customer("ann").await, shop.product("Mug", "10", 10).await);
    let other = shop.second_process().await;
    for _ in 0..5 {
        let order = shop.order(&ann, &[(mug, 1)]).await;
        // Neither says which attempt it is about, and neither sees what the other teaches before it has the order's lock.
        let attempt = Attempt { payment: None, ..Attempt::of(&order) };
        let (completed, succeeded) = (attempt.session_completed(), attempt.intent_succeeded());
        tokio::join!(shop.stripe(&completed), other.stripe(&succeeded));
        let paid = shop.reload(&order).await;
        assert_eq!((paid.status, paid.payments.len()), (OrderStatus::Paid, 1), "{:?}", paid.payments);
    }
    other.store.close().await;
}

async fn one_event_arrives_many_times_at_the_same_moment(shop: Shop) {
    let (ann, mug) = (shop.customer("ann").await, shop.product("Mug", "10", 10).await);
    let order = shop.order(&ann, &[(mug, 1)]).await;
    let foreign = json!({ "id": "pi_foreign", "object": "payment_intent", "amount_received": 1000, "currency": "usd" });
    let events = [
        (Attempt::of(&order).session_completed(), PaymentEventStatus::Processed),
        (stripe_event("payment_intent.succeeded", foreign), PaymentEventStatus::Unmatched),
        (stripe_event("customer.created", json!({})), PaymentEventStatus::Ignored),
    ];
    let other = shop.second_process().await;
    for (event, status) in &events {
        let arrivals = (0..16).map(|number| if number % 2 == 0 { shop.stripe(event) } else { other.stripe(event) });
        assert_eq!(join_all(arrivals).await, [*status; 16]);
    }
    other.store.close().await;
    assert_eq!(shop.store.payment_event_list(shop.admin(), PageRequest::default()).await.unwrap().count, 3);
    assert_eq!(shop.reload(&order).await.status, OrderStatus::Paid);
    assert_eq!(shop.stock(mug).await, (9, 0));
}
