//! From a cart to an order: once, whole, at the prices that the customer saw.

use ecommerce_core::{
    CheckoutError, CheckoutRequest, EventName, IdempotencyKey, OrderFilter, OrderStatus, PageRequest, PaymentState,
    PaymentStatus, ProductChange, ProviderName, Store,
};

use crate::{
    events::Attempt,
    shop::{Shop, hours, minutes, money},
};

stories![
    a_checkout_reserves_what_it_sells,
    an_empty_cart_is_no_order,
    a_refused_checkout_changes_nothing,
    what_is_not_for_sale_any_more_is_named,
    currencies_do_not_mix_in_one_order,
    a_total_that_moved_is_told,
    a_provider_is_asked_for_what_it_takes_only,
    without_a_provider_one_is_chosen,
    each_provider_has_its_time,
    the_same_key_answers_the_same_order,
    a_key_belongs_to_one_request_of_one_customer,
    a_refusal_does_not_use_up_its_key,
    an_order_of_nothing_to_pay_is_confirmed_by_hand,
];

fn keyed(key: &str) -> CheckoutRequest {
    let idempotency_key = Some(key.parse::<IdempotencyKey>().unwrap());
    CheckoutRequest { idempotency_key, provider: Some(ProviderName::Stripe), ..CheckoutRequest::default() }
}

async fn orders(shop: &Shop) -> u64 {
    shop.store.order_list(shop.admin(), &OrderFilter::default(), PageRequest::default()).await.unwrap().count
}

async fn a_checkout_reserves_what_it_sells(shop: Shop) {
    let ann = shop.customer("ann").await;
    let (mug, plate) = (shop.product("Mug", "12.50", 10).await, shop.product("Plate", "0.99", 5).await);
    let order = shop.order(&ann, &[(mug, 2), (plate, 5)]).await;
    assert_eq!((order.status, order.payment_status), (OrderStatus::PendingPayment, PaymentStatus::Unpaid));
    assert_eq!((order.total, order.currency.as_str(), order.refunded_total), (money("29.95"), "USD", money("0")));
    assert_eq!((order.created_at, order.reserved_until), (shop.now(), Some(shop.now().after(minutes(35)))));
    assert_eq!(order.customer.email.as_str(), "ann@example.com");
    let items: Vec<_> = order.items.iter().map(|i| (i.product_id, i.name.as_str(), i.quantity.get(), i.line_total)).collect();
    assert_eq!(items, [(mug, "Mug", 2, money("25")), (plate, "Plate", 5, money("4.95"))]);
    let payment = &order.payments[0];
    assert_eq!((order.payments.len(), payment.provider, payment.status), (1, ProviderName::Stripe, PaymentState::Created));
    assert_eq!((payment.amount, payment.captured, payment.outcome), (money("29.95"), None, None));
    assert_eq!((payment.checkout_url.as_ref(), payment.refunded), (None, money("0")));
    assert_eq!(order.history.iter().map(|event| event.event).collect::<Vec<_>>(), [EventName::Placed]);
    assert_eq!((order.disputed, order.refunds.len(), order.tracking_number.as_ref()), (false, 0, None));

    assert_eq!((shop.stock(mug).await, shop.stock(plate).await), ((10, 2), (5, 5)));
    assert_eq!(shop.store.cart(&ann).await.unwrap().items, []);
    assert_eq!(shop.reload(&order).await, order);
}

async fn an_empty_cart_is_no_order(shop: Shop) {
    let ann = shop.customer("ann").await;
    refused!(shop.try_checkout(&ann, ProviderName::Manual), CheckoutError::CartEmpty);
    let mug = shop.product("Mug", "10", 10).await;
    shop.order(&ann, &[(mug, 1)]).await;
    refused!(shop.try_checkout(&ann, ProviderName::Manual), CheckoutError::CartEmpty);
}

async fn a_refused_checkout_changes_nothing(shop: Shop) {
    let (ann, bob) = (shop.customer("ann").await, shop.customer("bob").await);
    let (mug, plate) = (shop.product("Mug", "10", 10).await, shop.product("Plate", "10", 5).await);
    shop.fill(&ann, &[(mug, 2), (plate, 4)]).await;
    shop.order(&bob, &[(plate, 3)]).await;
    let cart = shop.store.cart(&ann).await.unwrap();
    match shop.try_checkout(&ann, ProviderName::Stripe).await {
        Err(CheckoutError::InsufficientStock(short)) => {
            assert_eq!((short.len(), short[0].product, short[0].name.as_str()), (1, plate, "Plate"));
            assert_eq!((short[0].requested, short[0].available), (4, 2));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(shop.store.cart(&ann).await.unwrap(), cart);
    assert_eq!((orders(&shop).await, shop.stock(mug).await, shop.stock(plate).await), (1, (10, 0), (5, 3)));
}

async fn what_is_not_for_sale_any_more_is_named(shop: Shop) {
    let ann = shop.customer("ann").await;
    let (hidden, deleted, mug) =
        (shop.product("Hidden", "10", 5).await, shop.product("Deleted", "10", 5).await, shop.product("Mug", "10", 5).await);
    shop.fill(&ann, &[(hidden, 1), (deleted, 1), (mug, 1)]).await;
    shop.change(hidden, ProductChange { is_available: Some(false), ..ProductChange::default() }).await;
    shop.store.product_delete(shop.admin(), deleted, &Default::default()).await.unwrap();
    match shop.try_checkout(&ann, ProviderName::Stripe).await {
        Err(CheckoutError::ProductUnavailable(mut products)) => {
            products.sort_unstable();
            assert_eq!(products, [hidden, deleted]);
        }
        other => panic!("{other:?}"),
    }
    for gone in [hidden, deleted] {
        shop.store.cart_remove(&ann, gone).await.unwrap();
    }
    shop.try_checkout(&ann, ProviderName::Stripe).await.unwrap();
}

async fn currencies_do_not_mix_in_one_order(shop: Shop) {
    let ann = shop.customer("ann").await;
    let (dollars, yen) = (shop.product("Mug", "10", 10).await, shop.product("Cup", "500 JPY", 10).await);
    shop.fill(&ann, &[(dollars, 1), (yen, 1)]).await;
    refused!(shop.try_checkout(&ann, ProviderName::Stripe), CheckoutError::MixedCurrencies);
    shop.store.cart_remove(&ann, dollars).await.unwrap();
    let order = shop.try_checkout(&ann, ProviderName::Stripe).await.unwrap().order;
    assert_eq!((order.total, order.payments[0].currency.as_str()), (money("500 JPY"), "JPY"));
}

async fn a_total_that_moved_is_told(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    shop.fill(&ann, &[(mug, 2)]).await;
    shop.change(mug, ProductChange { price: Some(money("11")), ..ProductChange::default() }).await;
    let expecting = |total: &str| CheckoutRequest { expected_total: Some(total.parse().unwrap()), ..CheckoutRequest::default() };
    refused!(shop.store.checkout(&ann, &expecting("20.00")), CheckoutError::TotalChanged(total) if total == money("22"));
    refused!(shop.store.checkout(&ann, &expecting("22.001")), CheckoutError::TotalChanged(_) | CheckoutError::Invalid(_));
    let placed = shop.store.checkout(&ann, &expecting("22")).await.unwrap();
    assert_eq!(placed.order.total, money("22.00"));
}

async fn a_provider_is_asked_for_what_it_takes_only(shop: Shop) {
    let ann = shop.customer("ann").await;
    for (price, provider, taken) in [
        ("10 EUR", ProviderName::Paystack, "currency"),
        ("0.49", ProviderName::Stripe, "amount"),
        ("1000000", ProviderName::Stripe, "amount"),
        ("1.255 KWD", ProviderName::Stripe, "amount"),
        ("49.99 NGN", ProviderName::Paystack, "amount"),
        ("1.99", ProviderName::Paystack, "amount"),
        ("0.50", ProviderName::Stripe, "yes"),
        ("50 NGN", ProviderName::Paystack, "yes"),
        ("1.250 KWD", ProviderName::Stripe, "yes"),
        ("1.255 KWD", ProviderName::Manual, "yes"),
    ] {
        let product = shop.product("Mug", price, 10).await;
        shop.fill(&ann, &[(product, 1)]).await;
        match (shop.try_checkout(&ann, provider).await, taken) {
            (Err(CheckoutError::CurrencyNotAccepted(by)), "currency") | (Err(CheckoutError::AmountNotAccepted(by)), "amount") => {
                assert_eq!(by, provider);
                assert_eq!(shop.stock(product).await, (10, 0));
                shop.store.cart_clear(&ann).await.unwrap();
            }
            (Ok(placed), "yes") => assert_eq!(placed.order.payments[0].provider, provider),
            (answer, _) => panic!("{price} by {provider}: {answer:?}"),
        }
    }
}

/// Which providers count as configured is the store's affair; an unconfigured store has only `manual`.
async fn without_a_provider_one_is_chosen(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let builder = Store::builder().clock(shop.clock()).background(false);
    let unconfigured = builder.open(shop.url()).await.unwrap();
    for (store, expected) in [(&unconfigured, ProviderName::Manual), (&shop.store, ProviderName::Stripe)] {
        shop.fill(&ann, &[(mug, 1)]).await;
        let placed = store.checkout(&ann, &CheckoutRequest::default()).await.unwrap();
        assert_eq!(placed.order.payments[0].provider, expected);
    }
    unconfigured.close().await;
}

async fn each_provider_has_its_time(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let stripe = shop.order_by(&ann, &[(mug, 1)], ProviderName::Stripe).await;
    let manual = shop.order_by(&ann, &[(mug, 2)], ProviderName::Manual).await;
    assert_eq!(stripe.reserved_until, Some(shop.now().after(minutes(35))));
    assert_eq!(manual.reserved_until, Some(shop.now().after(hours(72))));

    shop.wait(minutes(35) - std::time::Duration::from_micros(1)).await;
    assert_eq!((shop.reload(&stripe).await.status, shop.stock(mug).await), (OrderStatus::PendingPayment, (10, 3)));
    shop.wait(std::time::Duration::from_micros(1)).await;
    let expired = shop.reload(&stripe).await;
    assert_eq!((expired.status, expired.reserved_until, shop.stock(mug).await), (OrderStatus::Expired, None, (10, 2)));
    shop.wait(hours(72)).await;
    assert_eq!((shop.reload(&manual).await.status, shop.stock(mug).await), (OrderStatus::Expired, (10, 0)));
}

async fn the_same_key_answers_the_same_order(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    shop.fill(&ann, &[(mug, 2)]).await;
    let first = shop.store.checkout(&ann, &keyed("once")).await.unwrap();
    assert!(!first.replayed);

    // The cart is full again, time has passed and the order is paid: the first answer is the answer.
    shop.stripe(&Attempt::of(&first.order).session_completed()).await;
    shop.fill(&ann, &[(mug, 1)]).await;
    shop.advance(minutes(10));
    let again = shop.store.checkout(&ann, &keyed("once")).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.order, first.order);
    assert_eq!((orders(&shop).await, shop.store.cart(&ann).await.unwrap().items.len()), (1, 1));

    let other = shop.store.checkout(&ann, &keyed("twice")).await.unwrap();
    assert!(!other.replayed && other.order.id != first.order.id);
}

async fn a_key_belongs_to_one_request_of_one_customer(shop: Shop) {
    let (ann, bob) = (shop.customer("ann").await, shop.customer("bob").await);
    let mug = shop.product("Mug", "10", 10).await;
    let key = keyed(&"k".repeat(255));
    for customer in [&ann, &bob] {
        shop.fill(customer, &[(mug, 2)]).await;
        assert!(!shop.store.checkout(customer, &key).await.unwrap().replayed);
    }
    let changed = [
        CheckoutRequest { provider: Some(ProviderName::Manual), ..key.clone() },
        CheckoutRequest { provider: None, ..key.clone() },
        CheckoutRequest { expected_total: Some("20".parse().unwrap()), ..key.clone() },
    ];
    for changed in changed {
        refused!(shop.store.checkout(&ann, &changed), CheckoutError::IdempotencyKeyReused);
    }
    assert!(shop.store.checkout(&ann, &key).await.unwrap().replayed);
    assert_eq!(orders(&shop).await, 2);
}

async fn a_refusal_does_not_use_up_its_key(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 1).await;
    refused!(shop.store.checkout(&ann, &keyed("once")), CheckoutError::CartEmpty);
    shop.fill(&ann, &[(mug, 1)]).await;
    shop.change(mug, ProductChange { stock: Some(0), ..ProductChange::default() }).await;
    refused!(shop.store.checkout(&ann, &keyed("once")), CheckoutError::InsufficientStock(_));
    shop.change(mug, ProductChange { stock: Some(1), ..ProductChange::default() }).await;
    assert!(!shop.store.checkout(&ann, &keyed("once")).await.unwrap().replayed);
}

async fn an_order_of_nothing_to_pay_is_confirmed_by_hand(shop: Shop) {
    let ann = shop.customer("ann").await;
    let sample = shop.product("Sample", "0", 10).await;
    let order = shop.order_by(&ann, &[(sample, 1)], ProviderName::Manual).await;
    let paid = shop.store.order_confirm_payment(shop.admin(), order.id, None).await.unwrap();
    assert_eq!((paid.status, paid.total, shop.stock(sample).await), (OrderStatus::Paid, money("0"), (9, 0)));
    assert_eq!(paid.payment_status, PaymentStatus::Paid);
}
