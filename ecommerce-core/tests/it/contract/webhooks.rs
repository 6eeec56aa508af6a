//! The door for providers: who is believed, what is stored, what is only tolerated.

use std::sync::Arc;

use ecommerce_core::{
    Clock, ManualClock, OrderStatus, Outcome, PageRequest, PaymentEventStatus, Paystack, ProviderName, Store, Stripe, Timestamp,
    WebhookError,
};
use serde_json::{Value, json};

use crate::{
    events::{Attempt, paystack_signature, stripe_event, stripe_signature, stripe_v1},
    shop::{PAYSTACK_SECRET, STRIPE_SECRET, Shop, minutes},
};

stories![
    stripe_is_known_by_its_signature,
    stripes_signature_grows_old,
    a_secret_is_rotated,
    paystack_is_known_by_its_signature,
    a_provider_without_a_secret_is_not_believed,
    a_body_that_is_no_event_is_refused,
    an_event_is_stored_once,
    what_is_not_used_is_ignored,
    what_names_nothing_known_is_kept,
    what_waits_is_found_behind_another_shop_s_events,
    values_that_no_provider_sends_break_nothing,
    an_event_that_makes_no_sense_waits_for_a_person,
    events_are_listed_newest_first,
];

/// The vector of Stripe's signature: this body, at 2023-11-14T22:13:20Z, under `whsec_test_secret`.
const STRIPE_BODY: &str = r#"{"id":"evt_test_webhook","object":"event"}"#;
const STRIPE_SECOND: i64 = 1_700_000_000;
const STRIPE_V1: &str = "d95c6b7477fbd7e9f90b1b0ef5f9c7ac25abca5382460e0d988c2b2a5b71b990";

const PAYSTACK_BODY: &str = r#"{"event":"charge.success","data":{"id":302961,"domain":"test","status":"success","reference":"ord-42-1","amount":10000,"currency":"NGN"}}"#;
const PAYSTACK_SIGNATURE: &str = "cede13533e5d6ae1038c54228507119e10469b90b4bae0a7a0dcbcd7bdde19d7437ade9e29b1d8938fe42e50d85adf605c7a0dd16881383166d3a1393e319c0f";

/// The shop in 2023, with these secrets of Stripe's.
async fn shop_of_2023(shop: &Shop, secrets: &[&str]) -> (Store, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(STRIPE_SECOND * 1_000_000)));
    let stripe = Stripe::new().webhook_secrets(secrets).unwrap();
    let builder = Store::builder().clock(clock.clone()).provider(stripe).background(false);
    (builder.open(shop.url()).await.unwrap(), clock)
}

async fn stripe_is_known_by_its_signature(shop: Shop) {
    let (store, _) = shop_of_2023(&shop, &["whsec_test_secret"]).await;
    let receive = async |header: &str| store.webhook_receive(ProviderName::Stripe, &[header], STRIPE_BODY.as_bytes()).await;
    let (t, v1) = (format!("t={STRIPE_SECOND}"), format!("v1={STRIPE_V1}"));
    let bad = format!("v1={}", STRIPE_V1.replace('d', "e"));
    for accepted in [
        format!("{t},{v1}"),
        format!("{v1},{t}"),
        format!("{t},{v1},v0={}", &v1[3..]),
        format!("{t},v2=whatever,{v1}"),
        format!("{t},junk,{v1}"),
        format!("{t},{bad},{v1}"),
        format!("{t},{v1},{bad}"),
    ] {
        assert_eq!(receive(&accepted).await.unwrap(), PaymentEventStatus::Ignored, "{accepted}");
    }
    for rejected in [
        String::new(),
        t.clone(),
        v1.clone(),
        bad.clone(),
        format!("{t},{bad}"),
        format!("{t},v0={}", &v1[3..]),
        format!("t=,{v1}"),
        format!("t={},{v1}", STRIPE_SECOND + 1),
        format!("t=-{STRIPE_SECOND},{v1}"),
        format!("t=99999999999999999999,{v1}"),
        format!("{t},{}", &v1[..40]),
        format!("{t},v1={}", v1[3..].to_uppercase()),
        format!("{t}, {v1}"),
        format!("{t},v1="),
        format!("{t};{v1}"),
        "\u{0}ü,=,=,,".to_owned(),
        format!("{t},v1=☃{}", "0".repeat(61)),
    ] {
        refused!(receive(&rejected), WebhookError::Signature(_));
    }
    let good = format!("{t},{v1}");
    let store = &store;
    for headers in [vec![], vec![good.as_str(), good.as_str()], vec!["", &good]] {
        refused!(store.webhook_receive(ProviderName::Stripe, &headers, STRIPE_BODY.as_bytes()), WebhookError::Signature(_));
    }
    for body in [&STRIPE_BODY[1..], "", &format!("{STRIPE_BODY}\n"), &STRIPE_BODY.replace("event", "Event")] {
        refused!(store.webhook_receive(ProviderName::Stripe, &[&good], body.as_bytes()), WebhookError::Signature(_));
    }
    store.close().await;
}

async fn stripes_signature_grows_old(shop: Shop) {
    let (store, clock) = shop_of_2023(&shop, &["whsec_test_secret"]).await;
    let receive = async |second: i64| {
        let header = stripe_signature("whsec_test_secret", second, STRIPE_BODY.as_bytes());
        store.webhook_receive(ProviderName::Stripe, &[&header], STRIPE_BODY.as_bytes()).await
    };
    let now = clock.now().as_seconds();
    for accepted in [now, now - 300, now + 300, now + 100_000] {
        receive(accepted).await.unwrap();
    }
    for rejected in [now - 301, now - 100_000, 0] {
        refused!(receive(rejected), WebhookError::Signature(_));
    }
    store.close().await;
}

async fn a_secret_is_rotated(shop: Shop) {
    let (store, _) = shop_of_2023(&shop, &["whsec_new", "whsec_old"]).await;
    let v1 = |secret: &str| format!("v1={}", stripe_v1(secret, STRIPE_SECOND, STRIPE_BODY.as_bytes()));
    let receive = async |signatures: String| {
        let header = format!("t={STRIPE_SECOND},{signatures}");
        store.webhook_receive(ProviderName::Stripe, &[&header], STRIPE_BODY.as_bytes()).await
    };
    for accepted in [v1("whsec_new"), v1("whsec_old"), format!("{},{}", v1("whsec_other"), v1("whsec_old"))] {
        receive(accepted).await.unwrap();
    }
    for other in ["whsec_other", "new", "whsec_new,whsec_old", ""] {
        refused!(receive(v1(other)), WebhookError::Signature(_));
    }
    store.close().await;
    for secrets in [&[][..], &[""], &["whsec_a", ""], &[" whsec_a"], &["whsec_a\n"]] {
        assert!(Stripe::new().webhook_secrets(secrets).is_err(), "{secrets:?}");
    }
    assert!(Paystack::new().webhook_key("").is_err() && Paystack::new().webhook_key("sk \t").is_err());
}

async fn paystack_is_known_by_its_signature(shop: Shop) {
    let receive =
        async |headers: &[&str], body: &str| shop.store.webhook_receive(ProviderName::Paystack, headers, body.as_bytes()).await;
    assert_eq!(receive(&[PAYSTACK_SIGNATURE], PAYSTACK_BODY).await.unwrap(), PaymentEventStatus::Unmatched);
    let (upper, other) = (PAYSTACK_SIGNATURE.to_uppercase(), paystack_signature("sk_test_other", PAYSTACK_BODY.as_bytes()));
    for headers in [
        &[][..],
        &[""],
        &[&PAYSTACK_SIGNATURE[..126]],
        &[&upper],
        &[&other],
        &[PAYSTACK_SIGNATURE, PAYSTACK_SIGNATURE],
        &[STRIPE_V1],
    ] {
        refused!(receive(headers, PAYSTACK_BODY), WebhookError::Signature(_));
    }
    refused!(receive(&[PAYSTACK_SIGNATURE], &PAYSTACK_BODY.replace("10000", "10001")), WebhookError::Signature(_));
}

async fn a_provider_without_a_secret_is_not_believed(shop: Shop) {
    let store = Store::builder().background(false).open(shop.url()).await.unwrap();
    let empty = stripe_signature("", shop.now().as_seconds(), STRIPE_BODY.as_bytes());
    for provider in [ProviderName::Stripe, ProviderName::Paystack] {
        let signatures = [empty.as_str()];
        let receive = store.webhook_receive(provider, &signatures, STRIPE_BODY.as_bytes());
        refused!(receive, WebhookError::NotConfigured(by) if by == provider);
    }
    store.close().await;
    refused!(shop.store.webhook_receive(ProviderName::Manual, &[""], b"{}"), WebhookError::NotConfigured(ProviderName::Manual));
}

async fn a_body_that_is_no_event_is_refused(shop: Shop) {
    let deep = "[".repeat(100_000);
    for body in [
        "",
        "null",
        "[]",
        "\"event\"",
        "{}",
        "{",
        &deep,
        r#"{"id":"evt_1"}"#,
        r#"{"id":"evt_1","object":"v2.core.event","type":"v1.billing.meter.error_report_triggered"}"#,
        r#"{"object":"event","type":"charge.refunded"}"#,
        r#"{"id":null,"object":"event","type":"charge.refunded"}"#,
        r#"{"id":"","object":"event","type":"charge.refunded"}"#,
    ] {
        refused!(shop.stripe_text(body), WebhookError::NotAnEvent(_));
    }
    for body in ["", "null", "[]", "{}", "{", &deep, r#"{"data":{}}"#, r#"{"event":null,"data":{}}"#] {
        refused!(shop.paystack_text(body), WebhookError::NotAnEvent(_));
    }
    let latin1 = b"{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"\xe9\"}";
    let signature = stripe_signature(STRIPE_SECRET, shop.now().as_seconds(), latin1);
    refused!(shop.store.webhook_receive(ProviderName::Stripe, &[&signature], latin1), WebhookError::NotAnEvent(_));
    let signature = paystack_signature(PAYSTACK_SECRET, latin1);
    refused!(shop.store.webhook_receive(ProviderName::Paystack, &[&signature], latin1), WebhookError::NotAnEvent(_));
    assert_eq!(shop.store.payment_event_list(shop.admin(), PageRequest::default()).await.unwrap().count, 0);
}

async fn an_event_is_stored_once(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    let event = Attempt::of(&order).session_completed();
    for _ in 0..5 {
        assert_eq!(shop.stripe(&event).await, PaymentEventStatus::Processed);
        // Sent again later, with a new signature.
        shop.advance(minutes(7));
    }
    assert_eq!(shop.store.payment_event_list(shop.admin(), PageRequest::default()).await.unwrap().count, 1);
    assert_eq!(shop.stock(mug).await, (9, 0));

    // The same id from another provider is another event.
    let same_id = json!({ "event": event["id"], "data": {} });
    shop.paystack(&same_id).await;
    assert_eq!(shop.store.payment_event_list(shop.admin(), PageRequest::default()).await.unwrap().count, 2);
}

async fn what_is_not_used_is_ignored(shop: Shop) {
    for event in [
        stripe_event("customer.created", json!({ "id": "cus_1", "object": "customer" })),
        stripe_event("payment_intent.created", json!({ "id": "pi_1", "object": "payment_intent" })),
        stripe_event("charge.of_the_light_brigade", json!(null)),
        stripe_event("", json!([])),
    ] {
        assert_eq!(shop.stripe(&event).await, PaymentEventStatus::Ignored, "{event}");
        assert_eq!(shop.stripe(&event).await, PaymentEventStatus::Ignored, "{event}");
    }
    let transfer = json!({ "event": "transfer.success", "data": { "id": 1 } });
    assert_eq!(shop.paystack(&transfer).await, PaymentEventStatus::Ignored);
}

async fn what_names_nothing_known_is_kept(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    let nowhere = Attempt {
        order: ecommerce_core::OrderId::new(4711),
        payment: ecommerce_core::PaymentId::new(4711),
        ..Attempt::of(&order)
    };
    for event in [
        nowhere.session_completed(),
        nowhere.intent_failed(),
        nowhere.charge_refunded(5),
        nowhere.clone().nameless().dispute_opened(),
    ] {
        assert_eq!(shop.stripe(&event).await, PaymentEventStatus::Unmatched, "{event}");
    }
    assert_eq!(shop.paystack(&nowhere.charge_success()).await, PaymentEventStatus::Unmatched);
    shop.store.run_due().await.unwrap();
    assert_eq!(shop.reload(&order).await, order);
}

async fn what_waits_is_found_behind_another_shop_s_events(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    let attempt = Attempt::of(&order).nameless();
    assert_eq!(shop.stripe(&attempt.session_completed()).await, PaymentEventStatus::Unmatched);
    shop.execute(
        "insert into payment_events (provider, event_id, type, status, payload, received_at)
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 1200)
         select 'stripe', 'evt_foreign_' || i, 'payment_intent.succeeded', 'unmatched', '{}', 0 from n",
    )
    .await;
    shop.execute(
        "insert into unmatched_references (provider, reference, event)
         select provider, 'pi' || event_id, id from payment_events where event_id like 'evt_foreign_%'",
    )
    .await;
    // Somebody made the name known at the same moment, and neither saw what the other had not committed yet.
    let (session, payment) = (attempt.session(), order.payments[0].id);
    let name =
        format!("insert into payment_references (provider, reference, payment_id) values ('stripe', '{session}', {payment})");
    shop.execute(&name).await;
    shop.store.run_due().await.unwrap();
    assert_eq!(shop.reload(&order).await.status, OrderStatus::Paid);
}

async fn values_that_no_provider_sends_break_nothing(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 1000).await;
    let strange = [
        json!(null),
        json!(""),
        json!(" "),
        json!("x"),
        json!([]),
        json!({}),
        json!(true),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(1e300),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!("9223372036854775808"),
        json!("\u{0}"),
        json!("☕".repeat(10_000)),
    ];
    let order = shop.order(&ann, &[(mug, 1)]).await;
    let attempt = Attempt::of(&order);
    for event in [
        attempt.session_completed(),
        attempt.intent_succeeded(),
        attempt.charge_refunded(5),
        attempt.refund("1", "created", "pending", 5, None),
        attempt.dispute_opened(),
    ] {
        let fields: Vec<String> = event["data"]["object"].as_object().unwrap().keys().cloned().collect();
        for value in &strange {
            let order = shop.order(&ann, &[(mug, 1)]).await;
            for field in &fields {
                let mut event = event.clone();
                event["data"]["object"][field] = value.clone();
                event["id"] =
                    json!(format!("{}-{field}-{}", event["id"], value.to_string().chars().take(20).collect::<String>()));
                shop.try_stripe(&event).await.unwrap_or_else(|error| panic!("{error} at {event}"));
            }
            assert_eq!(shop.reload(&order).await, order, "an order that was not meant");
            shop.store.order_cancel(&ann, order.id).await.unwrap();
        }
    }
    for value in &strange {
        for field in ["id", "reference", "amount", "requested_amount", "currency", "metadata", "status"] {
            let mut event = Attempt::of(&order).charge_success();
            event["data"][field] = value.clone();
            shop.paystack_text(&event.to_string()).await.unwrap_or_else(|error| panic!("{error} at {event}"));
        }
        shop.paystack_text(&json!({ "event": "refund.processed", "data": value }).to_string()).await.unwrap();
    }
}

async fn an_event_that_makes_no_sense_waits_for_a_person(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    for (field, value) in [("amount_total", Value::Null), ("amount_total", json!(-5)), ("currency", json!("doubloons"))] {
        let mut event = Attempt::of(&order).session_completed();
        event["data"]["object"][field] = value;
        assert_eq!(shop.stripe(&event).await, PaymentEventStatus::Failed);
    }
    assert_eq!(shop.reload(&order).await, order);
    let events = shop.store.payment_event_list(shop.admin(), PageRequest::default()).await.unwrap();
    assert!(events.results.iter().all(|event| event.detail.is_some()), "{events:?}");
    shop.stripe(&Attempt::of(&order).session_completed()).await;
    assert_eq!(shop.reload(&order).await.payments[0].outcome, Some(Outcome::Applied));
}

async fn events_are_listed_newest_first(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    let paid = Attempt::of(&order).session_completed();
    shop.stripe(&paid).await;
    shop.advance(minutes(1));
    shop.paystack_text(PAYSTACK_BODY).await.unwrap();
    let page = shop.store.payment_event_list(shop.admin(), PageRequest::first(1).unwrap()).await.unwrap();
    let newest = &page.results[0];
    assert_eq!((page.count, newest.provider, newest.kind.as_str()), (2, ProviderName::Paystack, "charge.success"));
    assert_eq!(
        (newest.event_id.as_str(), newest.status, newest.received_at),
        ("charge.success:302961", PaymentEventStatus::Unmatched, shop.now())
    );
    let page = shop.store.payment_event_list(shop.admin(), page.next().unwrap()).await.unwrap();
    let oldest = &page.results[0];
    assert_eq!(
        (oldest.provider, json!(oldest.event_id), oldest.status),
        (ProviderName::Stripe, paid["id"].clone(), PaymentEventStatus::Processed)
    );
    assert_eq!(shop.reload(&order).await.status, OrderStatus::Paid);
}
