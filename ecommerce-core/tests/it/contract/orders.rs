//! What was bought: a snapshot that only its owner and admins see, and the steps that it takes.

use ecommerce_core::{
    CatalogError, EventName, Fulfillment, FulfillmentStep, Order, OrderError, OrderFilter, OrderId, OrderStatus, PageRequest,
    Party, PaymentError, PaymentState, PaymentStatus, ProductChange, ProviderName, RefundReason, RefundStatus,
};

use crate::{
    bank::bank,
    events::Attempt,
    shop::{Shop, minutes, money, note},
};

stories![
    an_order_is_a_snapshot,
    orders_are_listed_newest_first_and_narrowed,
    goods_take_one_step_at_a_time,
    only_paid_goods_move,
    goods_rest_while_a_dispute_is_open,
    a_customer_cancels_while_the_order_waits,
    an_admin_cancels_until_the_order_is_shipped,
    a_cancelled_sale_gives_its_units_back_once,
    another_attempt_to_pay_stands_last,
    only_a_waiting_order_can_be_paid,
    attempts_to_pay_have_a_cap,
    the_history_tells_what_happened,
    every_deed_leaves_a_notice,
];

fn step(status: Fulfillment) -> FulfillmentStep {
    FulfillmentStep { status, tracking_number: None, note: None }
}

async fn fulfill(shop: &Shop, order: &Order, status: Fulfillment) -> Result<Order, OrderError> {
    shop.store.order_fulfill(shop.admin(), order.id, &step(status)).await
}

async fn an_order_is_a_snapshot(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "12.50", 10).await;
    let order = shop.order(&ann, &[(mug, 2)]).await;
    let change = ProductChange {
        name: Some("Cup".parse().unwrap()),
        price: Some(money("99 EUR")),
        is_available: Some(false),
        ..Default::default()
    };
    shop.change(mug, change).await;
    assert_eq!(shop.reload(&order).await, order);
    shop.store.product_delete(shop.admin(), mug, &Default::default()).await.unwrap();
    assert_eq!(shop.reload(&order).await, order);
    refused!(shop.store.product(mug, Some(shop.admin())), CatalogError::UnknownProduct(_));
}

async fn orders_are_listed_newest_first_and_narrowed(shop: Shop) {
    let (ann, bob) = (shop.customer("ann").await, shop.customer("bob").await);
    let mug = shop.product("Mug", "10", 10).await;
    let first = shop.order(&ann, &[(mug, 1)]).await;
    let second = shop.paid_order(&bob, &[(mug, 1)]).await;
    let third = shop.paid_order(&ann, &[(mug, 1)]).await;
    let list = async |party: Party<'_>, filter: OrderFilter| -> Vec<OrderId> {
        let page = shop.store.order_list(party, &filter, PageRequest::default()).await.unwrap();
        page.results.iter().map(|order| order.id).collect()
    };
    let all = OrderFilter::default();
    let paid = OrderFilter { status: Some(OrderStatus::Paid), ..all };
    let admin = Party::Admin(shop.admin());
    assert_eq!(list(Party::Owner(&ann), all).await, [third.id, first.id]);
    assert_eq!(list(Party::Owner(&ann), paid).await, [third.id]);
    assert_eq!(list(admin, all).await, [third.id, second.id, first.id]);
    assert_eq!(list(admin, paid).await, [third.id, second.id]);
    assert_eq!(list(admin, OrderFilter { user: Some(second.customer.id), ..all }).await, [second.id]);

    let page = shop.store.order_list(shop.admin(), &all, PageRequest::new(2, 2).unwrap()).await.unwrap();
    assert_eq!((page.count, page.results.as_slice(), page.next()), (3, [first].as_slice(), None));
}

async fn goods_take_one_step_at_a_time(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.paid_order(&ann, &[(mug, 1)]).await;
    let steps = [Fulfillment::Unfulfilled, Fulfillment::Processing, Fulfillment::Shipped, Fulfillment::Delivered];
    for (taken, &next) in steps.iter().enumerate().skip(1) {
        for &wrong in steps.iter().filter(|step| **step != next) {
            refused!(fulfill(&shop, &order, wrong), OrderError::InvalidTransition(_));
        }
        shop.advance(minutes(1));
        let tracking_number = (next == Fulfillment::Shipped).then(|| note("1Z999"));
        let step = FulfillmentStep { status: next, tracking_number, note: Some(note("by the back door")) };
        let moved = shop.store.order_fulfill(shop.admin(), order.id, &step).await.unwrap();
        assert_eq!((moved.fulfillment, moved.updated_at), (next, shop.now()));
        let event = moved.history.last().unwrap();
        assert_eq!((event.event.as_str(), event.note.as_deref()), (next.as_str(), Some("by the back door")));
        assert_eq!(moved.tracking_number.as_deref(), (taken >= 2).then_some("1Z999"), "it stays once it is known");
    }
    for &step in &steps {
        refused!(fulfill(&shop, &order, step), OrderError::InvalidTransition(_));
    }
    let nowhere = OrderId::new(4711).unwrap();
    let step = step(Fulfillment::Processing);
    refused!(shop.store.order_fulfill(shop.admin(), nowhere, &step), OrderError::Unknown(id) if id == nowhere);
}

async fn only_paid_goods_move(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let expired = shop.order(&ann, &[(mug, 1)]).await;
    shop.wait(minutes(35)).await;
    let waiting = shop.order(&ann, &[(mug, 1)]).await;
    let cancelled = shop.order(&ann, &[(mug, 1)]).await;
    shop.store.order_cancel(&ann, cancelled.id).await.unwrap();
    let sold_and_cancelled = shop.paid_order(&ann, &[(mug, 1)]).await;
    shop.store.order_cancel(shop.admin(), sold_and_cancelled.id).await.unwrap();
    for order in [expired, waiting, cancelled, sold_and_cancelled] {
        refused!(fulfill(&shop, &order, Fulfillment::Processing), OrderError::InvalidTransition(_));
    }
}

async fn goods_rest_while_a_dispute_is_open(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.paid_order(&ann, &[(mug, 1)]).await;
    shop.stripe(&Attempt::of(&order).dispute_opened()).await;
    assert!(shop.reload(&order).await.disputed);
    refused!(fulfill(&shop, &order, Fulfillment::Processing), OrderError::InvalidTransition(_));
    shop.stripe(&Attempt::of(&order).dispute_won()).await;
    assert_eq!(fulfill(&shop, &order, Fulfillment::Processing).await.unwrap().fulfillment, Fulfillment::Processing);
}

async fn a_customer_cancels_while_the_order_waits(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 2)]).await;
    let cancelled = shop.store.order_cancel(&ann, order.id).await.unwrap();
    assert_eq!((cancelled.status, cancelled.reserved_until), (OrderStatus::Cancelled, None));
    assert_eq!((shop.stock(mug).await, cancelled.refunds.len()), ((10, 0), 0));
    assert_eq!(cancelled.payments[0].status, PaymentState::Created, "an open attempt stays as it is");

    let expired = shop.order(&ann, &[(mug, 2)]).await;
    shop.wait(minutes(35)).await;
    let paid = shop.paid_order(&ann, &[(mug, 2)]).await;
    for order in [cancelled, expired, paid] {
        refused!(shop.store.order_cancel(&ann, order.id), PaymentError::Order(OrderError::InvalidTransition(_)));
    }
    assert_eq!(shop.stock(mug).await, (8, 0));
}

async fn an_admin_cancels_until_the_order_is_shipped(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let waiting = shop.order(&ann, &[(mug, 1)]).await;
    shop.store.order_cancel(shop.admin(), waiting.id).await.unwrap();
    let packed = shop.paid_order(&ann, &[(mug, 1)]).await;
    fulfill(&shop, &packed, Fulfillment::Processing).await.unwrap();
    shop.store.order_cancel(shop.admin(), packed.id).await.unwrap();
    let shipped = shop.paid_order(&ann, &[(mug, 1)]).await;
    for status in [Fulfillment::Processing, Fulfillment::Shipped, Fulfillment::Delivered] {
        fulfill(&shop, &shipped, status).await.unwrap();
        if status != Fulfillment::Processing {
            refused!(shop.store.order_cancel(shop.admin(), shipped.id), PaymentError::Order(OrderError::InvalidTransition(_)));
        }
    }
    assert_eq!(shop.stock(mug).await, (9, 0));
}

async fn a_cancelled_sale_gives_its_units_back_once(shop: Shop) {
    let ann = shop.customer("ann").await;
    let (mug, plate) = (shop.product("Mug", "10", 10).await, shop.product("Plate", "1", 5).await);
    let order = shop.paid_order(&ann, &[(mug, 2), (plate, 5)]).await;
    assert_eq!((shop.stock(mug).await, shop.stock(plate).await), ((8, 0), (0, 0)));
    let cancelled = shop.store.order_cancel(shop.admin(), order.id).await.unwrap();
    assert_eq!((shop.stock(mug).await, shop.stock(plate).await), ((10, 0), (5, 0)));
    assert_eq!((cancelled.status, cancelled.payment_status), (OrderStatus::Cancelled, PaymentStatus::Paid));
    let refund = &cancelled.refunds[0];
    assert_eq!((cancelled.refunds.len(), refund.amount, refund.payment_id), (1, money("25"), order.payments[0].id));
    assert_eq!((refund.status, refund.reason), (RefundStatus::Queued, RefundReason::OrderCancelled));
    refused!(shop.store.order_cancel(shop.admin(), order.id), PaymentError::Order(OrderError::InvalidTransition(_)));

    // The money is paid back, and that restocks nothing.
    shop.stripe(&Attempt::of(&order).charge_refunded(2500)).await;
    assert_eq!((shop.stock(mug).await, shop.reload(&order).await.payment_status), ((10, 0), PaymentStatus::Refunded));
}

async fn another_attempt_to_pay_stands_last(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10 NGN", 10).await;
    let order = shop.order_by(&ann, &[(mug, 5)], ProviderName::Manual).await;
    let providers = |order: &Order| order.payments.iter().map(|payment| payment.provider).collect::<Vec<_>>();
    let chosen = shop.store.order_pay(&ann, order.id, Some(ProviderName::Paystack)).await.unwrap();
    assert_eq!(providers(&chosen), [ProviderName::Manual, ProviderName::Paystack]);
    let preferred = shop.store.order_pay(&ann, order.id, None).await.unwrap();
    assert_eq!(providers(&preferred), [ProviderName::Manual, ProviderName::Paystack, ProviderName::Stripe]);
    assert_eq!((preferred.payments[2].amount, preferred.payments[2].status), (money("50 NGN"), PaymentState::Created));
    assert_eq!((preferred.status, shop.stock(mug).await), (OrderStatus::PendingPayment, (10, 5)));

    let cheap = shop.product("Pin", "0.49", 10).await;
    let order = shop.order_by(&ann, &[(cheap, 1)], ProviderName::Manual).await;
    let pay = async |provider| shop.store.order_pay(&ann, order.id, Some(provider)).await;
    refused!(pay(ProviderName::Stripe), PaymentError::AmountNotAccepted(ProviderName::Stripe));
    let euro = shop.product("Pen", "5 EUR", 10).await;
    let order = shop.order_by(&ann, &[(euro, 1)], ProviderName::Manual).await;
    let pay = async |provider| shop.store.order_pay(&ann, order.id, Some(provider)).await;
    refused!(pay(ProviderName::Paystack), PaymentError::CurrencyNotAccepted(ProviderName::Paystack));
    assert_eq!(shop.reload(&order).await.payments.len(), 1);
}

async fn only_a_waiting_order_can_be_paid(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let expired = shop.order(&ann, &[(mug, 1)]).await;
    shop.wait(minutes(35)).await;
    let cancelled = shop.order(&ann, &[(mug, 1)]).await;
    shop.store.order_cancel(&ann, cancelled.id).await.unwrap();
    let paid = shop.paid_order(&ann, &[(mug, 1)]).await;
    for order in [expired, cancelled, paid] {
        refused!(shop.store.order_pay(&ann, order.id, None), PaymentError::Order(OrderError::InvalidTransition(_)));
        assert_eq!(shop.reload(&order).await.payments.len(), 1);
    }
}

async fn attempts_to_pay_have_a_cap(shop: Shop) {
    let capped = shop.within(|limits| limits.payments_per_order = 3).await;
    let (ann, mug) = (shop.customer("ann").await, shop.product("Mug", "10", 10).await);
    let order = shop.order_by(&ann, &[(mug, 1)], bank()).await.id;
    for _ in 1..3 {
        capped.order_pay(&ann, order, Some(bank())).await.unwrap();
    }
    refused!(capped.order_pay(&ann, order, Some(bank())), PaymentError::TooManyPayments(3));
    assert_eq!(shop.store.order(&ann, order).await.unwrap().payments.len(), 3);
    assert_eq!(shop.bank.books().calls, ["begin"; 3], "what is refused is no session at the provider");

    // Another order has attempts of its own, and the last attempt still pays this one.
    let other = shop.order_by(&ann, &[(mug, 1)], bank()).await.id;
    capped.order_pay(&ann, other, None).await.unwrap();
    let last = shop.store.order(&ann, order).await.unwrap().payments[2].id;
    shop.bank_tells(&shop.bank.pay(last)).await;
    assert_eq!(shop.store.order(&ann, order).await.unwrap().status, OrderStatus::Paid);
    capped.close().await;
}

async fn the_history_tells_what_happened(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    shop.advance(minutes(1));
    shop.stripe(&Attempt::of(&order).intent_failed()).await;
    shop.advance(minutes(1));
    let order = shop.store.order_pay(&ann, order.id, None).await.unwrap();
    shop.advance(minutes(1));
    shop.stripe(&Attempt::of(&order).session_completed()).await;
    shop.advance(minutes(1));
    fulfill(&shop, &order, Fulfillment::Processing).await.unwrap();
    shop.store.order_cancel(shop.admin(), order.id).await.unwrap();
    let order = shop.reload(&order).await;
    let happened: Vec<_> = order.history.iter().map(|event| event.event).collect();
    let mut expected = vec![
        EventName::Placed,
        EventName::PaymentFailed,
        EventName::PaymentStarted,
        EventName::Paid,
        EventName::Processing,
        EventName::RefundQueued,
        EventName::Cancelled,
    ];
    let mut told = happened.clone();
    assert_eq!(told.drain(..5).collect::<Vec<_>>(), expected.drain(..5).collect::<Vec<_>>());
    assert!(expected.iter().all(|event| told.contains(event)), "{happened:?}");
    assert!(order.history.is_sorted_by_key(|event| event.at));
    assert_eq!(order.updated_at, shop.now());
}

async fn every_deed_leaves_a_notice(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    for event in
        [Attempt::of(&order).intent_failed(), Attempt::of(&order).session_completed(), Attempt::of(&order).intent_succeeded()]
    {
        shop.stripe(&event).await;
    }
    for status in [Fulfillment::Processing, Fulfillment::Shipped, Fulfillment::Delivered] {
        fulfill(&shop, &order, status).await.unwrap();
    }
    shop.store.order_refund(shop.admin(), order.id, &Default::default()).await.unwrap();
    let other = shop.order(&ann, &[(mug, 1)]).await;
    shop.store.order_cancel(&ann, other.id).await.unwrap();
    shop.order(&ann, &[(mug, 1)]).await;
    shop.wait(minutes(35)).await;
    let expected = [
        "user.registered",
        "order.placed",
        "order.paid",
        "order.processing",
        "order.shipped",
        "order.delivered",
        "refund.queued",
        "order.placed",
        "order.cancelled",
        "order.placed",
        "order.expired",
    ];
    assert_eq!(shop.notices().await, expected);
}
