//! Money that comes by other ways than Stripe's: Paystack's, by hand, or several at once.

use ecommerce_core::{
    OrderError, OrderId, OrderStatus, Outcome, PaymentError, PaymentEventStatus, PaymentState, PaymentStatus, ProviderName,
};

use super::payments::money_of;
use crate::{
    events::Attempt,
    shop::{Shop, hours, money, note},
};

stories![
    each_provider_signs_in_a_header_of_its_own,
    paystack_pays,
    providers_count_in_their_own_units,
    money_from_two_providers,
    an_admin_confirms_by_hand,
    confirming_an_order_that_waits_for_nothing,
    confirming_late,
];

async fn each_provider_signs_in_a_header_of_its_own(shop: Shop) {
    let header = |provider: &str| shop.store.signature_header(provider.parse().unwrap());
    let (ours, others) = (["stripe", "paystack", "bank"].map(header), ["manual", "nobody"].map(header));
    assert_eq!(ours, [Some("stripe-signature"), Some("x-paystack-signature"), Some("x-bank")]);
    assert_eq!(others, [None, None]);
}

async fn paystack_pays(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "500 NGN", 10).await;
    let order = shop.order_by(&ann, &[(mug, 1)], ProviderName::Paystack).await;
    let charge = Attempt::of(&order).charge_success();
    for _ in 0..3 {
        assert_eq!(shop.paystack(&charge).await, PaymentEventStatus::Processed);
    }
    let paid = shop.reload(&order).await;
    assert_eq!((paid.status, paid.payments[0].captured), (OrderStatus::Paid, Some(money("500 NGN"))));
    assert_eq!(paid.payments[0].reference.as_deref(), Some(Attempt::of(&order).name.as_str()));

    // Where the customer bears the fee, the amount has it on top.
    let order = shop.order_by(&ann, &[(mug, 1)], ProviderName::Paystack).await;
    let mut charge = Attempt::of(&order).amounting_to(51_000).charge_success();
    charge["data"]["requested_amount"] = 50_000.into();
    charge["data"]["metadata"] = charge["data"]["metadata"].to_string().into();
    shop.paystack(&charge).await;
    assert_eq!(money_of(&shop, &order).await, (OrderStatus::Paid, Some(Outcome::Applied), vec![]));
}

async fn providers_count_in_their_own_units(shop: Shop) {
    let ann = shop.customer("ann").await;
    for (price, provider, units) in [
        ("500 JPY", ProviderName::Stripe, 500),
        ("1.250 KWD", ProviderName::Stripe, 1250),
        ("500 ISK", ProviderName::Stripe, 50_000),
        ("500 XOF", ProviderName::Paystack, 50_000),
        ("500 XOF", ProviderName::Stripe, 500),
    ] {
        let product = shop.product("Mug", price, 10).await;
        let order = shop.order_by(&ann, &[(product, 1)], provider).await;
        let attempt = Attempt::of(&order).amounting_to(units);
        match provider {
            ProviderName::Paystack => shop.paystack(&attempt.charge_success()).await,
            _ => shop.stripe(&attempt.session_completed()).await,
        };
        let order = shop.reload(&order).await;
        assert_eq!((order.status, order.payments[0].captured), (OrderStatus::Paid, Some(money(price))), "{price} {provider}");
    }
}

async fn money_from_two_providers(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "50 NGN", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    shop.store.order_confirm_payment(shop.admin(), order.id, None).await.unwrap();
    shop.stripe(&Attempt::of(&order).session_completed()).await;
    shop.paystack(&Attempt::another(&order, "r-1").charge_success()).await;
    let order = shop.reload(&order).await;
    let mut outcomes: Vec<_> = order.payments.iter().map(|payment| (payment.provider, payment.outcome.unwrap())).collect();
    outcomes.sort_unstable();
    let expected = [
        (ProviderName::Stripe, Outcome::Duplicate),
        (ProviderName::Paystack, Outcome::Duplicate),
        (ProviderName::Manual, Outcome::Applied),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!((order.refunds.len(), shop.stock(mug).await), (2, (9, 0)));
}

async fn an_admin_confirms_by_hand(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let reference = note("bank statement 7");
    for (provider, payments) in [(ProviderName::Manual, 1), (ProviderName::Stripe, 2)] {
        let order = shop.order_by(&ann, &[(mug, 1)], provider).await;
        let paid = shop.store.order_confirm_payment(shop.admin(), order.id, Some(&reference)).await.unwrap();
        assert_eq!((paid.status, paid.payment_status), (OrderStatus::Paid, PaymentStatus::Paid));
        assert_eq!(paid.payments.len(), payments, "an attempt that began by hand is the one that is paid");
        let payment = paid.payments.last().unwrap();
        assert_eq!((payment.provider, payment.reference.as_deref()), (ProviderName::Manual, Some("bank statement 7")));
        assert_eq!((payment.outcome, payment.captured), (Some(Outcome::Applied), Some(money("10"))));
        let again = shop.store.order_confirm_payment(shop.admin(), order.id, None).await.unwrap();
        assert_eq!(again, paid, "twice is once");
    }
    assert_eq!(shop.stock(mug).await, (8, 0));
}

async fn confirming_an_order_that_waits_for_nothing(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    shop.store.order_cancel(&ann, order.id).await.unwrap();
    let confirm = async |id| shop.store.order_confirm_payment(shop.admin(), id, None).await;
    refused!(confirm(order.id), PaymentError::Order(OrderError::InvalidTransition(_)));
    let by_stripe = shop.paid_order(&ann, &[(mug, 1)]).await;
    refused!(confirm(by_stripe.id), PaymentError::Order(OrderError::InvalidTransition(_)));
    assert_eq!(shop.reload(&by_stripe).await, by_stripe);
    let nowhere = OrderId::new(4711).unwrap();
    refused!(confirm(nowhere), PaymentError::Order(OrderError::Unknown(_)));
    assert_eq!(shop.reload(&order).await.payments.len(), 1);
}

async fn confirming_late(shop: Shop) {
    let (ann, bob) = (shop.customer("ann").await, shop.customer("bob").await);
    let mug = shop.product("Mug", "10", 2).await;
    let order = shop.order_by(&ann, &[(mug, 2)], ProviderName::Manual).await;
    shop.wait(hours(72)).await;
    let other = shop.order(&bob, &[(mug, 1)]).await;
    let confirm = async || shop.store.order_confirm_payment(shop.admin(), order.id, None).await;
    refused!(confirm(), PaymentError::InsufficientStock(id, short) if id == order.id && short[0].available == 1);
    let untouched = shop.reload(&order).await;
    assert_eq!((untouched.status, untouched.payments[0].status), (OrderStatus::Expired, PaymentState::Created));

    shop.store.order_cancel(&bob, other.id).await.unwrap();
    assert_eq!((confirm().await.unwrap().status, shop.stock(mug).await), (OrderStatus::Paid, (0, 0)));
}
