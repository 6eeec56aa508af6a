//! Money that goes back: asked for, owed, or made in the provider's dashboard.

use ecommerce_core::{
    Customer, InvalidField, Order, OrderError, OrderStatus, PageRequest, PaymentError, PaymentEventStatus, PaymentStatus,
    ProductId, ProviderName, Refund, RefundId, RefundReason, RefundRequest, RefundStatus,
};

use crate::{
    events::Attempt,
    shop::{Shop, money, note},
};

stories![
    a_refund_is_queued_until_all_is_asked_back,
    what_was_not_captured_is_not_asked_back,
    units_go_back_with_all_the_money_only,
    a_total_told_by_the_provider_only_grows,
    queued_refunds_shrink_to_what_is_left,
    a_refund_of_ours_moves_with_the_news,
    the_worst_news_of_a_refund_counts,
    a_refund_from_the_dashboard_is_external,
    a_total_and_its_parts_are_not_counted_twice,
    a_refund_by_hand_is_said_to_be_done,
    only_a_refund_that_waits_for_a_person_is_done_by_hand,
    refunds_are_listed_newest_first,
    paystack_tells_of_refunds_one_by_one,
    a_refund_or_a_dispute_proves_the_payment,
];

/// A paid order of 10.00 USD, and how Stripe knows its payment.
pub(super) async fn sale(shop: &Shop) -> (Customer, ProductId, Order, Attempt) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.paid_order(&ann, &[(mug, 1)]).await;
    let attempt = Attempt::of(&order);
    (ann, mug, order, attempt)
}

pub(super) async fn refund(shop: &Shop, order: &Order, amount: Option<&str>) -> Result<Order, PaymentError> {
    let amount = amount.map(|amount| amount.parse().unwrap());
    let request = RefundRequest { amount, reason: Some(note("a crack")), restock: false };
    shop.store.order_refund(shop.admin(), order.id, &request).await
}

pub(super) type Line = (RefundReason, RefundStatus, String);

pub(super) fn lines(order: &Order) -> Vec<Line> {
    order.refunds.iter().map(|Refund { reason, status, amount, .. }| (*reason, *status, amount.to_string())).collect()
}

pub(super) fn line(reason: RefundReason, status: RefundStatus, amount: &str) -> Line {
    (reason, status, amount.to_owned())
}

/// How the money of the order stands: its status, what is known to be paid back, and the refunds.
async fn standing(shop: &Shop, order: &Order) -> (PaymentStatus, String, Vec<Line>) {
    let order = shop.reload(order).await;
    (order.payment_status, order.refunded_total.to_string(), lines(&order))
}

async fn a_refund_is_queued_until_all_is_asked_back(shop: Shop) {
    let (_, mug, order, _) = sale(&shop).await;
    let first = refund(&shop, &order, Some("3")).await.unwrap();
    assert_eq!(lines(&first), [line(RefundReason::Requested, RefundStatus::Queued, "3.00")]);
    assert_eq!((first.payment_status, first.refunded_total), (PaymentStatus::Paid, money("0")), "queued does not count yet");
    for too_much in ["7.01", "0", "0.00", "3.001", "1000000000000", "7.000000001"] {
        refused!(refund(&shop, &order, Some(too_much)), PaymentError::Invalid(InvalidField { field: "amount", .. }));
    }
    let rest = refund(&shop, &order, None).await.unwrap();
    assert_eq!(lines(&rest)[1..], [line(RefundReason::Requested, RefundStatus::Queued, "7.00")]);
    for more in [None, Some("0.01"), Some("0")] {
        let said = refund(&shop, &order, more).await.unwrap_err().to_string();
        assert_eq!(said, "amount cannot be paid back: nothing is left");
    }
    assert_eq!((shop.stock(mug).await, rest.refunds[0].payment_id), ((9, 0), order.payments[0].id));
}

async fn what_was_not_captured_is_not_asked_back(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    for amount in [None, Some("1")] {
        refused!(refund(&shop, &order, amount), PaymentError::Invalid(_));
    }
    // What was captured but not applied is owed already, and not asked back again.
    shop.stripe(&Attempt::of(&order).amounting_to(900).session_completed()).await;
    refused!(refund(&shop, &order, None), PaymentError::Invalid(_));
    let nowhere = ecommerce_core::OrderId::new(4711).unwrap();
    let request = RefundRequest::default();
    refused!(shop.store.order_refund(shop.admin(), nowhere, &request), PaymentError::Order(OrderError::Unknown(_)));
}

async fn units_go_back_with_all_the_money_only(shop: Shop) {
    let (_, mug, order, _) = sale(&shop).await;
    let restocking = async |amount: Option<&str>| {
        let amount = amount.map(|amount| amount.parse().unwrap());
        let request = RefundRequest { amount, reason: None, restock: true };
        shop.store.order_refund(shop.admin(), order.id, &request).await
    };
    refused!(restocking(Some("9.99")), PaymentError::Invalid(InvalidField { field: "restock", .. }));
    assert_eq!((shop.stock(mug).await, shop.reload(&order).await.refunds.len()), ((9, 0), 0));

    refund(&shop, &order, Some("4")).await.unwrap();
    let returned = restocking(Some("6.00")).await.unwrap();
    assert_eq!((shop.stock(mug).await, returned.status), ((10, 0), OrderStatus::Paid));
    refused!(restocking(None), PaymentError::Invalid(_));

    // The units came back already: cancelling gives them back no more.
    let cancelled = shop.store.order_cancel(shop.admin(), order.id).await.unwrap();
    assert_eq!((shop.stock(mug).await, cancelled.refunds.len()), ((10, 0), 2));
}

async fn a_total_told_by_the_provider_only_grows(shop: Shop) {
    let (_, _, order, attempt) = sale(&shop).await;
    for (told, status, refunded) in [
        (400, PaymentStatus::PartiallyRefunded, "4.00"),
        (100, PaymentStatus::PartiallyRefunded, "4.00"),
        (400, PaymentStatus::PartiallyRefunded, "4.00"),
        (1000, PaymentStatus::Refunded, "10.00"),
        (400, PaymentStatus::Refunded, "10.00"),
        (5000, PaymentStatus::Refunded, "10.00"),
    ] {
        shop.stripe(&attempt.charge_refunded(told)).await;
        let expected = vec![line(RefundReason::External, RefundStatus::Succeeded, refunded)];
        assert_eq!(standing(&shop, &order).await, (status, refunded.to_owned(), expected), "{told}");
    }
    refused!(refund(&shop, &order, None), PaymentError::Invalid(_));
}

async fn queued_refunds_shrink_to_what_is_left(shop: Shop) {
    let (_, _, order, attempt) = sale(&shop).await;
    refund(&shop, &order, Some("8")).await.unwrap();
    shop.stripe(&attempt.charge_refunded(100)).await;
    let (_, refunded, mut refunds) = standing(&shop, &order).await;
    refunds.sort();
    let external = |amount| line(RefundReason::External, RefundStatus::Succeeded, amount);
    let asked = |status, amount| line(RefundReason::Requested, status, amount);
    assert_eq!((refunded.as_str(), refunds), ("1.00", vec![asked(RefundStatus::Queued, "8.00"), external("1.00")]));

    shop.stripe(&attempt.charge_refunded(500)).await;
    let (_, refunded, mut refunds) = standing(&shop, &order).await;
    refunds.sort();
    assert_eq!((refunded.as_str(), refunds), ("5.00", vec![asked(RefundStatus::Queued, "5.00"), external("5.00")]));

    shop.stripe(&attempt.charge_refunded(1000)).await;
    let (status, refunded, mut refunds) = standing(&shop, &order).await;
    refunds.sort();
    assert_eq!((status, refunded.as_str()), (PaymentStatus::Refunded, "10.00"));
    assert_eq!(refunds, [asked(RefundStatus::Succeeded, "8.00"), external("2.00")], "wholly overtaken");
}

async fn a_refund_of_ours_moves_with_the_news(shop: Shop) {
    let (_, _, order, attempt) = sale(&shop).await;
    let ours = refund(&shop, &order, Some("3")).await.unwrap().refunds[0].id;
    let news = [
        (attempt.refund("1", "created", "pending", 300, Some(ours)), RefundStatus::Pending, "0.00"),
        (attempt.refund("1", "updated", "succeeded", 300, Some(ours)), RefundStatus::Succeeded, "3.00"),
        (attempt.charge_refunded(300), RefundStatus::Succeeded, "3.00"),
        (attempt.refund("1", "updated", "pending", 300, Some(ours)), RefundStatus::Succeeded, "3.00"),
        (attempt.refund("1", "updated", "succeeded", 300, None), RefundStatus::Succeeded, "3.00"),
    ];
    for (event, status, refunded) in news {
        assert_eq!(shop.stripe(&event).await, PaymentEventStatus::Processed);
        let (_, total, refunds) = standing(&shop, &order).await;
        assert_eq!((total.as_str(), refunds), (refunded, vec![line(RefundReason::Requested, status, "3.00")]));
    }
    assert_eq!(refund(&shop, &order, None).await.unwrap().refunds[1].amount, money("7"));
}

async fn the_worst_news_of_a_refund_counts(shop: Shop) {
    let (_, _, order, attempt) = sale(&shop).await;
    let ours = refund(&shop, &order, None).await.unwrap().refunds[0].id;
    for (what, status) in [("updated", "succeeded"), ("failed", "failed"), ("updated", "succeeded"), ("created", "pending")] {
        shop.stripe(&attempt.refund("1", what, status, 1000, Some(ours))).await;
    }
    let expected = vec![line(RefundReason::Requested, RefundStatus::NeedsAttention, "10.00")];
    assert_eq!(standing(&shop, &order).await, (PaymentStatus::Paid, "0.00".to_owned(), expected));
    // It is still owed, so there is nothing more to ask back.
    refused!(refund(&shop, &order, None), PaymentError::Invalid(_));

    let done = shop.store.refund_done(shop.admin(), ours, Some(&note("bank transfer 9"))).await.unwrap();
    assert_eq!((done.status, done.amount), (RefundStatus::Succeeded, money("10")));
    let expected = vec![line(RefundReason::Requested, RefundStatus::Succeeded, "10.00")];
    assert_eq!(standing(&shop, &order).await, (PaymentStatus::Refunded, "10.00".to_owned(), expected));
}

async fn a_refund_from_the_dashboard_is_external(shop: Shop) {
    let (_, mug, order, attempt) = sale(&shop).await;
    shop.stripe(&attempt.refund("1", "created", "pending", 300, None)).await;
    let pending = vec![line(RefundReason::External, RefundStatus::Pending, "3.00")];
    assert_eq!(standing(&shop, &order).await, (PaymentStatus::Paid, "0.00".to_owned(), pending));
    refused!(refund(&shop, &order, Some("7.01")), PaymentError::Invalid(_));

    shop.stripe(&attempt.refund("1", "updated", "succeeded", 300, None)).await;
    let succeeded = vec![line(RefundReason::External, RefundStatus::Succeeded, "3.00")];
    assert_eq!(standing(&shop, &order).await, (PaymentStatus::PartiallyRefunded, "3.00".to_owned(), succeeded));

    shop.stripe(&attempt.refund("2", "failed", "failed", 200, None)).await;
    let (_, refunded, refunds) = standing(&shop, &order).await;
    assert_eq!(
        (refunded.as_str(), refunds[1].clone()),
        ("3.00", line(RefundReason::External, RefundStatus::NeedsAttention, "2.00"))
    );
    assert_eq!(shop.stock(mug).await, (9, 0), "nothing is restocked by itself");
}

async fn a_total_and_its_parts_are_not_counted_twice(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    for shift in 0..4 {
        let order = shop.paid_order(&ann, &[(mug, 1)]).await;
        let attempt = Attempt::of(&order);
        let (one, other) = (format!("{shift}a"), format!("{shift}b"));
        let mut events = [
            attempt.refund(&one, "created", "succeeded", 300, None),
            attempt.charge_refunded(300),
            attempt.refund(&other, "created", "succeeded", 200, None),
            attempt.charge_refunded(500),
        ];
        events.rotate_left(shift);
        for event in &events {
            shop.stripe(event).await;
        }
        let (status, refunded, mut refunds) = standing(&shop, &order).await;
        refunds.sort();
        let external = |amount| line(RefundReason::External, RefundStatus::Succeeded, amount);
        assert_eq!((status, refunded.as_str()), (PaymentStatus::PartiallyRefunded, "5.00"), "begun with {shift}");
        assert_eq!(refunds, [external("2.00"), external("3.00")], "begun with {shift}");
    }
}

async fn a_refund_by_hand_is_said_to_be_done(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order_by(&ann, &[(mug, 1)], ProviderName::Manual).await;
    shop.store.order_confirm_payment(shop.admin(), order.id, None).await.unwrap();
    let queued = refund(&shop, &order, Some("4")).await.unwrap().refunds[0].clone();
    let done = shop.store.refund_done(shop.admin(), queued.id, None).await.unwrap();
    assert_eq!(done, Refund { status: RefundStatus::Succeeded, ..queued.clone() });
    assert_eq!(shop.store.refund_done(shop.admin(), queued.id, None).await.unwrap(), done, "twice is once");
    let expected = vec![line(RefundReason::Requested, RefundStatus::Succeeded, "4.00")];
    assert_eq!(standing(&shop, &order).await, (PaymentStatus::PartiallyRefunded, "4.00".to_owned(), expected));
    let rest = refund(&shop, &order, None).await.unwrap().refunds[1].clone();
    assert_eq!(rest.amount, money("6"));
    shop.store.refund_done(shop.admin(), rest.id, None).await.unwrap();
    assert_eq!(shop.reload(&order).await.payment_status, PaymentStatus::Refunded);
}

async fn only_a_refund_that_waits_for_a_person_is_done_by_hand(shop: Shop) {
    let (_, _, order, attempt) = sale(&shop).await;
    let done = async |id| shop.store.refund_done(shop.admin(), id, None).await;
    let nowhere = RefundId::new(4711).unwrap();
    refused!(done(nowhere), PaymentError::UnknownRefund(id) if id == nowhere);
    let ours = refund(&shop, &order, Some("3")).await.unwrap().refunds[0].id;
    refused!(done(ours), PaymentError::Order(OrderError::InvalidTransition(_)));
    shop.stripe(&attempt.refund("1", "created", "pending", 300, Some(ours))).await;
    refused!(done(ours), PaymentError::Order(OrderError::InvalidTransition(_)));
}

async fn refunds_are_listed_newest_first(shop: Shop) {
    let (_, _, order, attempt) = sale(&shop).await;
    refund(&shop, &order, Some("1")).await.unwrap();
    let ours = refund(&shop, &order, Some("2")).await.unwrap().refunds[1].id;
    shop.stripe(&attempt.refund("1", "updated", "succeeded", 200, Some(ours))).await;
    let list = async |status| {
        let page = shop.store.refund_list(shop.admin(), status, PageRequest::default()).await.unwrap();
        assert_eq!(page.count, u64::try_from(page.results.len()).unwrap());
        page.results.iter().map(|refund| refund.amount.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list(None).await, ["2.00", "1.00"]);
    assert_eq!(list(Some(RefundStatus::Queued)).await, ["1.00"]);
    assert_eq!(list(Some(RefundStatus::Succeeded)).await, ["2.00"]);
    assert!(list(Some(RefundStatus::NeedsAttention)).await.is_empty());
}

async fn paystack_tells_of_refunds_one_by_one(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "100 NGN", 10).await;
    let order = shop.order_by(&ann, &[(mug, 1)], ProviderName::Paystack).await;
    let attempt = Attempt::of(&order);
    shop.paystack(&attempt.charge_success()).await;
    for (id, what, amount, refunded) in [
        ("r1", "pending", 3000, "0.00"),
        ("r1", "processed", 3000, "30.00"),
        ("r1", "processed", 3000, "30.00"),
        ("r1", "processing", 3000, "30.00"),
        ("r2", "processed", 2000, "50.00"),
        ("r3", "failed", 1000, "50.00"),
        ("r4", "needs-attention", 1000, "50.00"),
        ("r5", "processed", 9000, "100.00"),
    ] {
        let event = attempt.paystack_refund(id, what, amount);
        assert_eq!(shop.paystack(&event).await, PaymentEventStatus::Processed);
        assert_eq!(shop.reload(&order).await.refunded_total.to_string(), refunded, "{id} {what}");
    }
}

async fn a_refund_or_a_dispute_proves_the_payment(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    for proof in 0..3 {
        let order = shop.order(&ann, &[(mug, 1)]).await;
        let attempt = Attempt::of(&order);
        // The provider's name for the attempt is known, its success is not.
        shop.stripe(&attempt.session_completed_unpaid()).await;
        let (event, payment_status, disputed) = match proof {
            0 => (attempt.charge_refunded(400), PaymentStatus::PartiallyRefunded, false),
            1 => (attempt.refund(&attempt.name, "created", "succeeded", 1000, None), PaymentStatus::Refunded, false),
            _ => (attempt.dispute_opened(), PaymentStatus::Paid, true),
        };
        shop.stripe(&event).await;
        let paid = shop.reload(&order).await;
        assert_eq!((paid.status, paid.payment_status, paid.disputed), (OrderStatus::Paid, payment_status, disputed));
        shop.stripe(&attempt.session_async_succeeded()).await;
        let told_again = shop.reload(&order).await;
        assert_eq!((told_again.payments, told_again.refunds), (paid.payments, paid.refunds));
    }
    assert_eq!(shop.stock(mug).await, (7, 0));
}
