//! Money that the customer's bank asks back: while it asks, and when it has decided.

use ecommerce_core::{
    EventName, Fulfillment, FulfillmentStep, OrderStatus, PageRequest, PaymentError, PaymentEventStatus, PaymentStatus,
    ProviderName, RefundReason, RefundStatus,
};

use super::refunds::{line, lines, refund, sale};
use crate::{
    events::Attempt,
    shop::{Shop, money},
};

stories![
    an_open_dispute_stops_refunds,
    a_lost_dispute_is_charged_back,
    the_last_word_on_a_dispute_stays,
    an_order_is_cancelled_while_disputed,
    a_dispute_of_nothing_known_is_taken_up_later,
    paystack_disputes,
    a_dispute_stays_with_its_payment,
    a_dispute_that_comes_first_is_told_of_every_time,
];

async fn an_open_dispute_stops_refunds(shop: Shop) {
    let (_, _, order, attempt) = sale(&shop).await;
    refund(&shop, &order, Some("1")).await.unwrap();
    shop.stripe(&attempt.dispute_opened()).await;
    let disputed = shop.reload(&order).await;
    assert_eq!((disputed.disputed, disputed.status, disputed.payment_status), (true, OrderStatus::Paid, PaymentStatus::Paid));
    refused!(refund(&shop, &order, Some("1")), PaymentError::Disputed);
    shop.stripe(&attempt.dispute("updated", "under_review")).await;
    refused!(refund(&shop, &order, None), PaymentError::Disputed);
    shop.stripe(&attempt.dispute_won()).await;
    assert!(!shop.reload(&order).await.disputed);
    assert_eq!(refund(&shop, &order, None).await.unwrap().refunds[1].amount, money("9"));
}

async fn a_lost_dispute_is_charged_back(shop: Shop) {
    let (_, mug, order, attempt) = sale(&shop).await;
    refund(&shop, &order, Some("4")).await.unwrap();
    shop.stripe(&attempt.dispute_opened()).await;
    shop.stripe(&attempt.dispute_lost()).await;
    let lost = shop.reload(&order).await;
    assert_eq!((lost.disputed, lost.payment_status, lost.refunded_total), (false, PaymentStatus::ChargedBack, money("10")));
    assert_eq!((lost.status, shop.stock(mug).await), (OrderStatus::Paid, (9, 0)));
    shop.stripe(&attempt.dispute_lost()).await;
    let told: Vec<_> = shop.reload(&order).await.history.iter().map(|event| event.event).collect();
    assert!(told.ends_with(&[EventName::DisputeOpened, EventName::DisputeLost, EventName::Refunded]), "each once: {told:?}");
    assert!(
        lost.refunds.iter().all(|refund| refund.status == RefundStatus::Succeeded),
        "nothing is owed any more: {:?}",
        lost.refunds
    );
    refused!(refund(&shop, &order, None), PaymentError::Invalid(_));
    let step = FulfillmentStep { status: Fulfillment::Processing, tracking_number: None, note: None };
    shop.store.order_fulfill(shop.admin(), order.id, &step).await.unwrap();
}

async fn the_last_word_on_a_dispute_stays(shop: Shop) {
    let (_, _, order, attempt) = sale(&shop).await;
    for event in [attempt.dispute_won(), attempt.dispute_opened(), attempt.dispute("updated", "needs_response")] {
        shop.stripe(&event).await;
        let order = shop.reload(&order).await;
        assert_eq!((order.disputed, order.payment_status), (false, PaymentStatus::Paid));
    }
    for event in [attempt.dispute_lost(), attempt.dispute_won(), attempt.dispute_opened()] {
        shop.stripe(&event).await;
        let order = shop.reload(&order).await;
        assert_eq!((order.disputed, order.payment_status), (false, PaymentStatus::ChargedBack));
    }
}

async fn an_order_is_cancelled_while_disputed(shop: Shop) {
    let (_, mug, order, attempt) = sale(&shop).await;
    shop.stripe(&attempt.dispute_opened()).await;
    let cancelled = shop.store.order_cancel(shop.admin(), order.id).await.unwrap();
    assert_eq!(lines(&cancelled), [line(RefundReason::OrderCancelled, RefundStatus::Queued, "10.00")]);
    assert_eq!(shop.stock(mug).await, (10, 0));
    shop.stripe(&attempt.dispute_lost()).await;
    assert_eq!(shop.reload(&order).await.payment_status, PaymentStatus::ChargedBack);
}

async fn a_dispute_of_nothing_known_is_taken_up_later(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    let attempt = Attempt::of(&order);
    let dispute = attempt.dispute_opened();
    for _ in 0..2 {
        assert_eq!(shop.stripe(&dispute).await, PaymentEventStatus::Unmatched);
    }
    assert!(!shop.reload(&order).await.disputed);
    shop.stripe(&attempt.session_completed()).await;
    shop.store.run_due().await.unwrap();
    let order = shop.reload(&order).await;
    assert_eq!((order.status, order.disputed), (OrderStatus::Paid, true));
    assert_eq!(shop.texts("select reference from unmatched_references").await, [""; 0], "nothing is waited for any more");
    let events = shop.store.payment_event_list(shop.admin(), PageRequest::default()).await.unwrap();
    assert!(events.results.iter().all(|event| event.status == PaymentEventStatus::Processed), "{events:?}");
    assert_eq!(shop.stripe(&dispute).await, PaymentEventStatus::Processed);
}

async fn a_dispute_stays_with_its_payment(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "100 NGN", 10).await;
    let order = shop.order_by(&ann, &[(mug, 1)], ProviderName::Paystack).await;
    let attempt = Attempt::of(&order);
    shop.paystack(&attempt.charge_success()).await;
    // It names the order and another transaction, and our payment only when it is lost.
    let mut opened = attempt.paystack_dispute("create", "awaiting-merchant-feedback", None);
    let transaction = &mut opened["data"]["transaction"];
    transaction["reference"] = "another".into();
    transaction["metadata"] = serde_json::json!({ "order_id": order.id });
    shop.paystack(&opened).await;
    let mut lost = attempt.paystack_dispute("resolve", "resolved", Some("merchant-accepted"));
    lost["data"]["transaction"]["metadata"] = attempt.charge_success()["data"]["metadata"].clone();
    shop.paystack(&lost).await;
    let payments = shop.reload(&order).await.payments;
    let refunded: Vec<_> = payments.iter().map(|payment| payment.refunded).collect();
    assert_eq!(refunded, [money("0 NGN"), money("100 NGN")]);
}

async fn paystack_disputes(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "100 NGN", 10).await;
    let order = shop.order_by(&ann, &[(mug, 1)], ProviderName::Paystack).await;
    let attempt = Attempt::of(&order);
    shop.paystack(&attempt.charge_success()).await;
    shop.paystack(&attempt.paystack_dispute("create", "awaiting-merchant-feedback", None)).await;
    assert!(shop.reload(&order).await.disputed);
    shop.paystack(&attempt.paystack_dispute("remind", "awaiting-merchant-feedback", None)).await;
    refused!(refund(&shop, &order, None), PaymentError::Disputed);
    shop.paystack(&attempt.paystack_dispute("resolve", "resolved", Some("merchant-accepted"))).await;
    let order = shop.reload(&order).await;
    assert_eq!(
        (order.disputed, order.payment_status, order.refunded_total),
        (false, PaymentStatus::ChargedBack, money("100 NGN"))
    );
}

async fn a_dispute_that_comes_first_is_told_of_every_time(shop: Shop) {
    let (ann, mug) = (shop.customer("ann").await, shop.product("Mug", "10", 10).await);
    // What the first writes in many statements is one from the second on.
    for _ in 0..3 {
        let order = shop.order(&ann, &[(mug, 1)]).await;
        let attempt = Attempt::of(&order);
        shop.stripe(&attempt.intent_processing()).await;
        shop.stripe(&attempt.dispute_opened()).await;
        let order = shop.reload(&order).await;
        let told = order.history.iter().filter(|step| step.event == EventName::DisputeOpened).count();
        assert_eq!((order.status, order.disputed, told), (OrderStatus::Paid, true, 1), "{:?}", order.history);
    }
}
