//! The doctor finds every row that was tampered with, and nothing in a healthy shop.

use ecommerce_core::{FulfillmentStep, RefundRequest};

use crate::{
    events::Attempt,
    shop::{Shop, minutes},
};

stories![a_busy_shop_is_healthy, every_wound_is_found_and_named];

async fn a_busy_shop_is_healthy(shop: Shop) {
    shop.healthy().await;
    let (ann, bob) = (shop.customer("ann").await, shop.customer("bob").await);
    let (mug, plate) = (shop.product("Mug", "10", 10).await, shop.product("Plate", "500 JPY", 10).await);
    shop.order(&ann, &[(plate, 1)]).await;
    shop.wait(minutes(35)).await;
    shop.order(&bob, &[(plate, 3)]).await;
    let order = shop.paid_order(&ann, &[(mug, 2)]).await;
    shop.stripe(&Attempt::another(&order, "again").session_completed()).await;
    let request = RefundRequest { amount: Some("5".parse().unwrap()), ..RefundRequest::default() };
    shop.store.order_refund(shop.admin(), order.id, &request).await.unwrap();
    shop.stripe(&Attempt::of(&order).dispute_opened()).await;
    shop.fill(&ann, &[(mug, 1)]).await;
    let diagnosis = shop.store.doctor().await.unwrap();
    assert!(diagnosis.is_healthy() && diagnosis.checks.len() >= 8, "{diagnosis:?}");
}

async fn every_wound_is_found_and_named(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let waiting = shop.order(&ann, &[(mug, 1)]).await.id;
    let sold = shop.paid_order(&ann, &[(mug, 2)]).await;
    shop.stripe(&Attempt::another(&sold, "again").session_completed()).await;
    let sold = sold.id;
    let step = FulfillmentStep { status: ecommerce_core::Fulfillment::Processing, tracking_number: None, note: None };
    shop.store.order_fulfill(shop.admin(), sold, &step).await.unwrap();
    shop.healthy().await;
    for (wound, cure) in [
        // More reserved than open orders hold.
        ("update products set reserved = reserved + 1".to_owned(), "update products set reserved = reserved - 1".to_owned()),
        // A stock that no movement explains.
        ("update products set stock = stock + 1".to_owned(), "update products set stock = stock - 1".to_owned()),
        (
            format!("update stock_movements set change = change - 1 where order_id = {sold}"),
            format!("update stock_movements set change = change + 1 where order_id = {sold}"),
        ),
        // A total that is not the sum of the lines.
        (
            format!("update orders set total = total + 1 where id = {waiting}"),
            format!("update orders set total = total - 1 where id = {waiting}"),
        ),
        // Paid without a payment, and a payment without a paid order.
        (
            format!("update orders set status = 'paid' where id = {waiting}"),
            format!("update orders set status = 'pending_payment' where id = {waiting}"),
        ),
        (
            format!("update orders set status = 'expired' where id = {sold}"),
            format!("update orders set status = 'paid' where id = {sold}"),
        ),
        // Captured money that is owed to nobody.
        (
            "update refunds set amount = amount - 1".to_owned(),
            "update refunds set amount = amount + 1".to_owned(),
        ),
        (
            "update payments set captured = captured + 1 where outcome = 'duplicate'".to_owned(),
            "update payments set captured = captured - 1 where outcome = 'duplicate'".to_owned(),
        ),
        // A notice that goes out twice.
        (
            "update outbox set topic = 'order.paid' where topic = 'order.processing'".to_owned(),
            "update outbox set topic = 'order.processing' where topic = 'order.paid' and id = (select max(id) from outbox where topic = 'order.paid')".to_owned(),
        ),
    ] {
        shop.execute(&wound).await;
        let diagnosis = shop.store.doctor().await.unwrap();
        assert!(!diagnosis.is_healthy(), "not found: {wound}");
        for finding in &diagnosis.findings {
            assert!(diagnosis.checks.contains(&finding.check) && finding.id > 0 && !finding.detail.is_empty(), "{finding:?}");
        }
        shop.execute(&cure).await;
        shop.healthy().await;
    }
}
