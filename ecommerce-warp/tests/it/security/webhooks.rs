//! S13 and S14: who may say that an order is paid, and what comes of it. The whole table is the core's, on both databases.

use std::sync::Arc;

use ecommerce_core::{ManualClock, Store, Stripe, Timestamp};
use ecommerce_warp::Config;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    socket::Server,
    stripe::{self, SECRET, v1},
    support::Shop,
};

/// A second of 2023, at which all this happens.
const NOW: i64 = 1_700_000_000;

fn open() -> ecommerce_core::StoreBuilder {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(NOW * 1_000_000)));
    let stripe = Stripe::new().webhook_secrets(&["whsec_new", SECRET]).unwrap();
    Store::builder().clock(clock).provider(stripe)
}

/// An order of one mug for 5.00 that waits for payment, and whose it is.
async fn order(shop: &Shop) -> (Value, String) {
    let ann = shop.customer().await;
    let mug = shop.product("Mug", "5.00", 3).await;
    shop.post("/create-cart/").by(&ann).json(&json!({"product": mug, "quantity": 1})).await.is(200);
    (shop.post("/checkout/").by(&ann).json(&json!({"provider": "stripe"})).await.is(201), ann)
}

#[tokio::test]
async fn s13_only_what_is_signed_now_and_by_a_secret_of_ours_is_believed() {
    let shop = Shop::with(open(), Config::default()).await;
    let (order, ann) = order(&shop).await;
    let (path, body) = (format!("/orders/{}/", order["id"]), stripe::paid("evt_1", &order, "pi_1", 500, "usd").to_string());
    let good = v1(SECRET, NOW, body.as_bytes());
    let flipped = if good.starts_with('0') { good.replacen('0', "1", 1) } else { format!("0{}", &good[1..]) };
    let other_body = body.replace("500", "501");
    let refused = [
        ("empty", String::new(), &body),
        ("no time", format!("v1={good}"), &body),
        ("no signature", format!("t={NOW}"), &body),
        ("the wrong one", format!("t={NOW},v1={flipped}"), &body),
        ("another secret's", format!("t={NOW},v1={}", v1("whsec_other", NOW, body.as_bytes())), &body),
        ("another body's", format!("t={NOW},v1={good}"), &other_body),
        ("of no body", format!("t={NOW},v1={}", v1(SECRET, NOW, b"")), &body),
        ("another second's", format!("t={},v1={good}", NOW + 1), &body),
        ("v0 only", format!("t={NOW},v0={good}"), &body),
        ("upper case", format!("t={NOW},v1={}", good.to_uppercase()), &body),
        ("cut off", format!("t={NOW},v1={}", &good[..62]), &body),
        ("301 s old", format!("t={},v1={}", NOW - 301, v1(SECRET, NOW - 301, body.as_bytes())), &body),
        ("two times", format!("t={},t={NOW},v1={good}", NOW - 1), &body),
    ];
    for (what, signature, body) in refused {
        let reply = shop.post("/webhooks/stripe/").header("stripe-signature", &signature).bytes(body.as_bytes()).await;
        assert_eq!(reply.refused(400, "invalid_signature")["errors"], Value::Null, "{what}");
    }
    shop.post("/webhooks/stripe/").bytes(body.as_bytes()).await.refused(400, "invalid_signature");
    let empty = format!("t={NOW},v1={}", v1(SECRET, NOW, b""));
    shop.post("/webhooks/stripe/").header("stripe-signature", &empty).bytes(b"").await.refused(400, "invalid_event");
    assert_eq!(shop.get(&path).by(&ann).send().await.is(200), order, "nothing of it was done");

    for (what, signature) in [
        ("299 s old", format!("t={},v1={}", NOW - 299, v1(SECRET, NOW - 299, body.as_bytes()))),
        ("300 s old", format!("t={},v1={}", NOW - 300, v1(SECRET, NOW - 300, body.as_bytes()))),
        ("of the future", format!("t={},v1={}", NOW + 900, v1(SECRET, NOW + 900, body.as_bytes()))),
        ("by the other secret", format!("t={NOW},v1={}", v1("whsec_new", NOW, body.as_bytes()))),
        ("rotated", format!("t={NOW},v1={},v1={good},v0=x", v1("whsec_next", NOW, body.as_bytes()))),
    ] {
        let reply = shop.post("/webhooks/stripe/").header("stripe-signature", &signature).bytes(body.as_bytes()).await;
        assert_eq!(reply.is(200), json!({"status": "processed"}), "{what}");
    }
    assert_eq!(shop.get(&path).by(&ann).send().await.is(200)["status"], "paid");
}

#[tokio::test]
async fn s13_a_header_that_is_no_text_or_has_no_end_or_comes_twice_is_no_signature() {
    let server = Server::with(open(), Config::default()).await;
    let head = b"POST /webhooks/stripe/ HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ncontent-length: 2\r\nstripe-signature: ";
    let ask = async |signature: &[u8]| server.reply(&[head, signature, b"\r\n\r\n{}"].concat()).await;
    let good = format!("t={NOW},v1={}", v1(SECRET, NOW, b"{}")).into_bytes();
    ask(&good).await.refused(400, "invalid_event");
    ask(&[&good[..], b"\r\nstripe-signature: ", &good].concat()).await.refused(400, "invalid_signature");
    ask(&[&good[..], b",\xff"].concat()).await.refused(400, "invalid_signature");
    ask("t=1700000000,v1=\u{2603}".as_bytes()).await.refused(400, "invalid_signature");
    ask(&[&b"t=1,v1="[..], &[b'0'; 30_000]].concat()).await.refused(400, "invalid_signature");
    ask(&b"v1=00,".repeat(5_000)).await.refused(400, "invalid_signature");
    ask(&[b'0'; 100_000]).await.refused(431, "header_too_large");
}

#[tokio::test]
async fn s13_without_a_secret_there_is_no_door() {
    let shop = Shop::open().await;
    for provider in ["stripe", "paystack", "manual", "bank"] {
        let signature = format!("t={NOW},v1={}", v1("", NOW, b"{}"));
        let ask = shop.post(&format!("/webhooks/{provider}/")).header("stripe-signature", &signature);
        ask.header("x-paystack-signature", "").bytes(b"{}").await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn s14_one_event_many_times_at_once_pays_once() {
    let shop = Shop::with(Store::builder().provider(Stripe::new().webhook_secrets(&[SECRET]).unwrap()), Config::default()).await;
    let (order, ann) = order(&shop).await;
    let event = stripe::paid("evt_1", &order, "pi_1", 500, "usd");
    for reply in join_all((0..20).map(|_| stripe::sends(&shop, &event))).await {
        assert_eq!(reply.is(200), json!({"status": "processed"}));
    }
    let paid = shop.get(&format!("/orders/{}/", order["id"])).by(&ann).send().await.is(200);
    assert_eq!((&paid["status"], &paid["refunds"]), (&json!("paid"), &json!([])));
    let told = paid["history"].as_array().unwrap().iter().filter(|entry| entry["event"] == "paid").count();
    assert_eq!(told, 1, "{paid}");
    let mug = &order["items"][0]["product_id"];
    assert_eq!(shop.get(&format!("/product/{mug}/")).send().await.is(200)["stock"], 2);
}

#[tokio::test]
async fn s14_a_second_payment_a_wrong_sum_and_a_wrong_currency_are_owed_back() {
    let shop = Shop::with(Store::builder().provider(Stripe::new().webhook_secrets(&[SECRET]).unwrap()), Config::default()).await;
    let (order, ann) = order(&shop).await;
    for (event, intent, cents, currency) in [
        ("evt_1", "pi_1", 499, "usd"),
        ("evt_2", "pi_2", 500, "eur"),
        ("evt_3", "pi_3", 500, "usd"),
        ("evt_4", "pi_4", 500, "usd"),
    ] {
        stripe::sends(&shop, &stripe::paid(event, &order, intent, cents, currency)).await.is(200);
    }
    let nobody = stripe::paid("evt_5", &json!({"id": 4711}), "pi_5", 500, "usd");
    assert_eq!(stripe::sends(&shop, &nobody).await.is(200), json!({"status": "unmatched"}));
    let paid = shop.get(&format!("/orders/{}/", order["id"])).by(&ann).send().await.is(200);
    assert_eq!(paid["status"], "paid");
    let outcomes: Vec<_> = paid["payments"].as_array().unwrap().iter().map(|payment| &payment["outcome"]).collect();
    assert_eq!(outcomes, ["mismatch", "mismatch", "applied", "duplicate"]);
    let mut owed: Vec<_> = paid["refunds"].as_array().unwrap().iter().map(|refund| refund["reason"].to_string()).collect();
    owed.sort();
    assert_eq!(owed, ["\"duplicate\"", "\"mismatch\"", "\"mismatch\""]);
}
