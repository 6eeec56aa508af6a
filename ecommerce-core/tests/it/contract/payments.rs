//! Money that comes: what becomes of an order and its units when Stripe says that it was paid.

use ecommerce_core::{
    EventName, Order, OrderStatus, Outcome, PaymentEventStatus, PaymentState, PaymentStatus, ProviderName, RefundReason,
    RefundStatus,
};

use crate::{
    events::Attempt,
    shop::{Shop, hours, minutes, money},
};

stories![
    an_order_is_paid_once_whichever_event_tells,
    another_amount_or_currency_does_not_pay,
    a_mismatch_leaves_room_for_a_good_payment,
    processing_puts_the_expiry_off,
    processing_that_fails_brings_the_expiry_back,
    a_failure_is_not_final,
    late_money_pays_where_the_units_are_there,
    late_money_goes_back_where_one_unit_is_gone,
    late_money_for_a_deleted_product_goes_back,
    money_for_a_cancelled_order_goes_back,
    money_for_a_sale_that_was_cancelled_is_paid_back_once,
    a_second_payment_goes_back,
    failures_do_not_touch_a_paid_order,
    an_unknown_attempt_of_an_order_is_another_payment,
    an_attempt_is_known_by_the_providers_names,
    our_payment_id_beats_every_other_name,
];

/// What an order is, what became of its last payment, and why its money goes back.
pub(super) async fn money_of(
    shop: &Shop,
    order: &Order,
) -> (OrderStatus, Option<Outcome>, Vec<(RefundReason, RefundStatus, String)>) {
    let order = shop.reload(order).await;
    let refunds = order.refunds.iter().map(|refund| (refund.reason, refund.status, format!("{:?}", refund.amount)));
    (order.status, order.payments.last().unwrap().outcome, refunds.collect())
}

fn queued(reason: RefundReason, amount: &str) -> Vec<(RefundReason, RefundStatus, String)> {
    vec![(reason, RefundStatus::Queued, amount.to_owned())]
}

async fn an_order_is_paid_once_whichever_event_tells(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    for (sold, first) in (1..).zip([0, 1, 2]) {
        let order = shop.order(&ann, &[(mug, 1)]).await;
        let attempt = Attempt::of(&order);
        let mut events = [attempt.session_completed(), attempt.intent_succeeded(), attempt.session_async_succeeded()];
        events.rotate_left(first);
        for event in events.iter().chain(&events).chain(&[attempt.intent_succeeded(), attempt.session_completed()]) {
            assert_eq!(shop.stripe(event).await, PaymentEventStatus::Processed);
        }
        let paid = shop.reload(&order).await;
        assert_eq!((paid.status, paid.payment_status), (OrderStatus::Paid, PaymentStatus::Paid));
        assert_eq!((paid.reserved_until, paid.refunds.len(), paid.payments.len()), (None, 0, 1));
        let payment = &paid.payments[0];
        assert_eq!((payment.status, payment.outcome), (PaymentState::Succeeded, Some(Outcome::Applied)));
        assert_eq!((payment.captured, payment.captured_currency), (Some(money("10")), Some(money("10").currency())));
        assert_eq!(payment.reference.as_deref(), Some(attempt.session().as_str()), "the session's is the name to look for");
        assert_eq!(paid.history.iter().filter(|event| event.event == EventName::Paid).count(), 1);
        assert_eq!(shop.stock(mug).await, (10 - sold, 0));
    }
}

async fn another_amount_or_currency_does_not_pay(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    for (amount, currency, goes_back) in
        [(999, "USD", "9.99 USD"), (1001, "USD", "10.01 USD"), (1000, "EUR", "10.00 EUR"), (1, "USD", "0.01 USD")]
    {
        let order = shop.order(&ann, &[(mug, 1)]).await;
        shop.stripe(&Attempt::of(&order).amounting_to(amount).in_currency(currency).session_completed()).await;
        let expected = (OrderStatus::PendingPayment, Some(Outcome::Mismatch), queued(RefundReason::Mismatch, goes_back));
        assert_eq!(money_of(&shop, &order).await, expected);
        let order = shop.reload(&order).await;
        assert_eq!(order.payments[0].captured_currency.unwrap().as_str(), currency);
        assert_eq!((order.payment_status, order.refunded_total), (PaymentStatus::Unpaid, money("0")));
        assert_eq!(shop.stock(mug).await, (10, 1), "the reservation stays");
        shop.wait(minutes(35)).await;
        assert_eq!((shop.reload(&order).await.status, shop.stock(mug).await), (OrderStatus::Expired, (10, 0)));
    }
}

async fn a_mismatch_leaves_room_for_a_good_payment(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    shop.stripe(&Attempt::of(&order).amounting_to(900).session_completed()).await;
    let order = shop.store.order_pay(&ann, order.id, Some(ProviderName::Stripe)).await.unwrap();
    shop.stripe(&Attempt::of(&order).session_completed()).await;
    let expected = (OrderStatus::Paid, Some(Outcome::Applied), queued(RefundReason::Mismatch, "9.00 USD"));
    assert_eq!(money_of(&shop, &order).await, expected);
    assert_eq!(shop.stock(mug).await, (9, 0));
}

async fn processing_puts_the_expiry_off(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let (settles, never_settles) = (shop.order(&ann, &[(mug, 1)]).await, shop.order(&ann, &[(mug, 1)]).await);
    shop.stripe(&Attempt::of(&settles).intent_processing()).await;
    shop.stripe(&Attempt::of(&never_settles).session_completed_unpaid()).await;
    for order in [&settles, &never_settles] {
        assert_eq!(shop.reload(order).await.payments[0].status, PaymentState::Processing);
    }
    shop.wait(hours(24)).await;
    assert_eq!((shop.reload(&settles).await.status, shop.stock(mug).await), (OrderStatus::PendingPayment, (10, 2)));
    shop.stripe(&Attempt::of(&settles).session_async_succeeded()).await;
    assert_eq!((shop.reload(&settles).await.status, shop.stock(mug).await), (OrderStatus::Paid, (9, 1)));

    // Word that it is processed may come again, but it does not keep the units for ever.
    shop.stripe(&Attempt::of(&never_settles).intent_processing()).await;
    shop.wait(hours(6 * 24)).await;
    assert_eq!((shop.reload(&never_settles).await.status, shop.stock(mug).await), (OrderStatus::Expired, (9, 0)));
}

async fn processing_that_fails_brings_the_expiry_back(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    shop.stripe(&Attempt::of(&order).intent_processing()).await;
    shop.stripe(&Attempt::of(&order).session_async_failed()).await;
    let failed = shop.reload(&order).await;
    assert_eq!((failed.payments[0].status, failed.reserved_until), (PaymentState::Failed, order.reserved_until));
    shop.wait(minutes(35)).await;
    assert_eq!((shop.reload(&order).await.status, shop.stock(mug).await), (OrderStatus::Expired, (10, 0)));
}

async fn a_failure_is_not_final(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    let attempt = Attempt::of(&order);
    for event in [attempt.intent_failed(), attempt.intent_processing(), attempt.intent_canceled(), attempt.session_expired()] {
        shop.stripe(&event).await;
        let order = shop.reload(&order).await;
        assert_eq!((order.status, order.payments[0].status), (OrderStatus::PendingPayment, PaymentState::Failed));
        assert_eq!(shop.stock(mug).await, (10, 1));
    }
    shop.stripe(&attempt.intent_succeeded()).await;
    assert_eq!(money_of(&shop, &order).await, (OrderStatus::Paid, Some(Outcome::Applied), vec![]));
}

async fn late_money_pays_where_the_units_are_there(shop: Shop) {
    let ann = shop.customer("ann").await;
    let (mug, plate) = (shop.product("Mug", "10", 2).await, shop.product("Plate", "1", 1).await);
    let order = shop.order(&ann, &[(mug, 2), (plate, 1)]).await;
    shop.wait(hours(100)).await;
    assert_eq!((shop.reload(&order).await.status, shop.stock(mug).await), (OrderStatus::Expired, (2, 0)));
    shop.stripe(&Attempt::of(&order).session_completed()).await;
    assert_eq!(money_of(&shop, &order).await, (OrderStatus::Paid, Some(Outcome::Applied), vec![]));
    assert_eq!((shop.stock(mug).await, shop.stock(plate).await), ((0, 0), (0, 0)));
}

async fn late_money_goes_back_where_one_unit_is_gone(shop: Shop) {
    let (ann, bob) = (shop.customer("ann").await, shop.customer("bob").await);
    let (mug, plate) = (shop.product("Mug", "10", 2).await, shop.product("Plate", "1", 1).await);
    let order = shop.order(&ann, &[(mug, 2), (plate, 1)]).await;
    shop.wait(minutes(35)).await;
    let other = shop.order(&bob, &[(plate, 1)]).await;
    let attempt = Attempt::of(&order);
    shop.stripe(&attempt.session_completed()).await;
    let expected = (OrderStatus::Expired, Some(Outcome::OutOfStock), queued(RefundReason::OutOfStock, "21.00 USD"));
    assert_eq!(money_of(&shop, &order).await, expected);
    assert_eq!((shop.stock(mug).await, shop.stock(plate).await), ((2, 0), (1, 1)), "all or nothing");

    // What was decided stays decided, though the plate is free again.
    shop.store.order_cancel(&bob, other.id).await.unwrap();
    shop.stripe(&attempt.intent_succeeded()).await;
    assert_eq!(money_of(&shop, &order).await, expected);
}

async fn late_money_for_a_deleted_product_goes_back(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 2).await;
    let order = shop.order(&ann, &[(mug, 2)]).await;
    shop.wait(minutes(35)).await;
    shop.store.product_delete(shop.admin(), mug, &Default::default()).await.unwrap();
    shop.stripe(&Attempt::of(&order).session_completed()).await;
    let expected = (OrderStatus::Expired, Some(Outcome::OutOfStock), queued(RefundReason::OutOfStock, "20.00 USD"));
    assert_eq!(money_of(&shop, &order).await, expected);
}

async fn money_for_a_cancelled_order_goes_back(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    for amount in [1000, 900] {
        let order = shop.order(&ann, &[(mug, 1)]).await;
        shop.store.order_cancel(&ann, order.id).await.unwrap();
        shop.stripe(&Attempt::of(&order).amounting_to(amount).session_completed()).await;
        let (status, outcome, refunds) = money_of(&shop, &order).await;
        let (expected, reason) = match amount {
            1000 => (Outcome::OrderCancelled, RefundReason::OrderCancelled),
            // Whether the amount fits is decided first.
            _ => (Outcome::Mismatch, RefundReason::Mismatch),
        };
        assert_eq!((status, outcome), (OrderStatus::Cancelled, Some(expected)));
        assert_eq!(refunds, queued(reason, &format!("{:?}", money(&format!("{}", amount / 100)))));
        assert_eq!(shop.stock(mug).await, (10, 0));
    }
}

async fn money_for_a_sale_that_was_cancelled_is_paid_back_once(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.paid_order(&ann, &[(mug, 1)]).await;
    shop.store.order_cancel(shop.admin(), order.id).await.unwrap();
    shop.stripe(&Attempt::of(&order).intent_succeeded()).await;
    let expected = (OrderStatus::Cancelled, Some(Outcome::Applied), queued(RefundReason::OrderCancelled, "10.00 USD"));
    assert_eq!(money_of(&shop, &order).await, expected);

    // And a second payment of it goes back as well.
    shop.stripe(&Attempt::another(&order, "late").session_completed()).await;
    let order = shop.reload(&order).await;
    assert_eq!((order.status, order.payments[1].outcome), (OrderStatus::Cancelled, Some(Outcome::OrderCancelled)));
    assert_eq!((order.refunds.len(), order.refunds[1].amount, shop.stock(mug).await), (2, money("10"), (10, 0)));
}

async fn a_second_payment_goes_back(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    let first = Attempt::of(&order);
    let order = shop.store.order_pay(&ann, order.id, Some(ProviderName::Stripe)).await.unwrap();
    let second = Attempt::of(&order);
    for event in [second.session_completed(), first.session_completed(), second.intent_succeeded(), first.intent_succeeded()] {
        shop.stripe(&event).await;
    }
    let order = shop.reload(&order).await;
    let outcomes: Vec<_> = order.payments.iter().map(|payment| payment.outcome.unwrap()).collect();
    assert_eq!(outcomes, [Outcome::Duplicate, Outcome::Applied]);
    assert_eq!((order.refunds.len(), order.refunds[0].payment_id), (1, order.payments[0].id));
    assert_eq!((order.refunds[0].reason, order.refunds[0].amount), (RefundReason::Duplicate, money("10")));
    assert_eq!((order.payment_status, shop.stock(mug).await), (PaymentStatus::Paid, (9, 0)));

    // The duplicate is paid back, and the order does not notice.
    shop.stripe(&first.charge_refunded(1000)).await;
    let order = shop.reload(&order).await;
    assert_eq!((order.payments[0].refunded, order.refunds[0].status), (money("10"), RefundStatus::Succeeded));
    assert_eq!((order.payment_status, order.refunded_total), (PaymentStatus::Paid, money("0")));
}

async fn failures_do_not_touch_a_paid_order(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    let first = Attempt::of(&order);
    let order = shop.store.order_pay(&ann, order.id, Some(ProviderName::Stripe)).await.unwrap();
    let second = Attempt::of(&order);
    shop.stripe(&first.session_completed()).await;
    let paid = shop.reload(&order).await;
    for attempt in [&first, &second] {
        for event in
            [attempt.intent_failed(), attempt.intent_processing(), attempt.session_expired(), attempt.session_async_failed()]
        {
            shop.stripe(&event).await;
            let now = shop.reload(&order).await;
            assert_eq!((now.status, now.payment_status, now.reserved_until), (OrderStatus::Paid, PaymentStatus::Paid, None));
            assert_eq!((&now.payments[0], now.refunds.len(), shop.stock(mug).await), (&paid.payments[0], 0, (9, 0)));
        }
    }
    shop.wait(hours(200)).await;
    assert_eq!(shop.reload(&order).await.status, OrderStatus::Paid);
}

async fn an_unknown_attempt_of_an_order_is_another_payment(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    // The order's own attempt has no name yet, so the first to come is that one.
    shop.stripe(&Attempt::another(&order, "first").intent_failed()).await;
    assert_eq!(shop.reload(&order).await.payments.len(), 1);
    shop.stripe(&Attempt::another(&order, "second").session_completed()).await;
    shop.stripe(&Attempt::another(&order, "third").session_completed()).await;
    shop.stripe(&Attempt::another(&order, "second").intent_succeeded()).await;
    let order = shop.reload(&order).await;
    let payments: Vec<_> = order.payments.iter().map(|p| (p.status, p.outcome, p.reference.as_deref().unwrap())).collect();
    let expected = [
        (PaymentState::Failed, None, "pi_first"),
        (PaymentState::Succeeded, Some(Outcome::Applied), "cs_test_second"),
        (PaymentState::Succeeded, Some(Outcome::Duplicate), "cs_test_third"),
    ];
    assert_eq!(payments, expected);
    assert_eq!(order.payments[1].amount, money("10"));
}

async fn an_attempt_is_known_by_the_providers_names(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    shop.stripe(&Attempt::of(&order).session_completed_unpaid()).await;
    let nameless = Attempt::of(&order).nameless();
    assert_eq!(shop.stripe(&nameless.intent_succeeded()).await, PaymentEventStatus::Processed);
    assert_eq!(money_of(&shop, &order).await, (OrderStatus::Paid, Some(Outcome::Applied), vec![]));
    assert_eq!(shop.stripe(&nameless.charge_refunded(400)).await, PaymentEventStatus::Processed);
    assert_eq!(shop.reload(&order).await.refunded_total, money("4"));
}

async fn our_payment_id_beats_every_other_name(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let (one, other) = (shop.order(&ann, &[(mug, 1)]).await, shop.order(&ann, &[(mug, 1)]).await);
    let attempt = Attempt { order: Some(other.id), ..Attempt::of(&one) };
    shop.stripe(&attempt.session_completed()).await;
    assert_eq!(
        (shop.reload(&one).await.status, shop.reload(&other).await.status),
        (OrderStatus::Paid, OrderStatus::PendingPayment)
    );
}
