//! Headers that hold lists or secrets: whatever stands beside what counts changes nothing of it.

#![no_main]

use std::net::IpAddr;

use ecommerce_core::{AuditFilter, PageRequest, ProductId, Quantity};
use ecommerce_fuzz::{Shop, in_shop, key};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use warp::{
    http::{HeaderValue, Response},
    hyper::body::Bytes,
    test::RequestBuilder,
};

fuzz_target!(|input: &[u8]| {
    if HeaderValue::from_bytes(input).is_ok() {
        in_shop(async |shop| {
            tags_of_readers(shop, input).await;
            tags_of_writers(shop, input).await;
            addresses(shop, input).await;
            tokens(shop, input).await;
            keys(shop, input).await;
        });
    }
});

/// A state that the reader has is known again, whatever else they have; and nothing but 200 or 304 is answered.
async fn tags_of_readers(shop: &Shop, input: &[u8]) {
    let read = async |known: &[u8]| send(shop, ask("GET", "/category/1/").header("if-none-match", known)).await;
    let answer = read(input).await;
    assert!(answer.status() == 200 || answer.status() == 304, "{answer:?}");
    assert_eq!(read(&beside(&tag(&answer), input)).await.status(), 304);
}

/// A state that the writer saw is found among others, and nothing is written on a state that was not named.
async fn tags_of_writers(shop: &Shop, input: &[u8]) {
    let tag = tag(&send(shop, ask("GET", "/category/1/")).await);
    let write = async |seen: &[u8]| send(shop, json(shop, "PATCH", "/category/1/", "{}").header("if-match", seen)).await;
    let is_named = input.contains(&b'*') || input.windows(tag.len()).any(|part| part == tag);
    let answer = write(input).await;
    assert!(answer.status() == 412 || (answer.status() == 200 && is_named), "{answer:?}");
    assert_eq!(write(&beside(&tag, input)).await.status(), 200);
}

/// Whom a trusted proxy names last stands in the audit log, whatever stands before; a stranger is not believed.
async fn addresses(shop: &Shop, input: &[u8]) {
    let deed = async |forwarded: &[u8], peer: [u8; 4]| {
        for description in ["A shelf", ""] {
            let body = format!(r#"{{"description": "{description}"}}"#);
            let request = json(shop, "PATCH", "/category/1/", &body).header("x-forwarded-for", forwarded);
            assert_eq!(send(shop, request.remote_addr((peer, 4711).into())).await.status(), 200);
        }
        let log = shop.store.audit_log(shop.store.system().admin(), &AuditFilter::default(), PageRequest::default()).await;
        log.expect("the log can be read").results[0].from.clone().unwrap_or_default()
    };
    let (proxy, stranger) = ([127, 0, 0, 1], [198, 51, 100, 1]);
    assert_eq!(deed(&[input, b", 203.0.113.7"].concat(), proxy).await, "203.0.113.7");
    assert_eq!(deed(input, stranger).await, "198.51.100.1");
    let from = deed(input, proxy).await;
    assert!(from.parse::<IpAddr>().is_ok(), "{from:?} is no address");
}

/// Nobody gets in by a header that does not hold a key, nor by one that holds more.
async fn tokens(shop: &Shop, input: &[u8]) {
    let status = async |key: &[u8]| send(shop, ask("GET", "/me/").header("authorization", key)).await.status();
    assert_eq!(status(input).await, 401);
    let more = status(&[key(&shop.bob).as_bytes(), input].concat()).await;
    assert_eq!(more, if input.is_empty() { 200 } else { 401 });
}

/// What is a key means one order, and the same the second time.
async fn keys(shop: &Shop, input: &[u8]) {
    let (bob, product) = (shop.store.system().customer(shop.bob.user.id), ProductId::new(1).expect("an id"));
    shop.store.cart_set(&bob, product, Some(Quantity::ONE)).await.expect("a line in the cart");
    let checkout = async || {
        let request = ask("POST", "/checkout/").header("authorization", key(&shop.bob)).header("idempotency-key", input);
        let answer = send(shop, request).await;
        let order = serde_json::from_slice::<Value>(answer.body()).expect("an order or a problem")["id"].as_i64();
        (answer.status().as_u16(), answer.headers().contains_key("idempotent-replayed"), order)
    };
    let is_key = std::str::from_utf8(input).is_ok_and(|text| {
        let text = text.trim();
        (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
    });
    let (status, _, order) = checkout().await;
    if !is_key {
        return assert_eq!((status, order), (422, None));
    }
    assert!(status == 201 && order.is_some(), "{status}");
    assert_eq!(checkout().await, (201, true, order));
    // An order that was cancelled after an earlier input with this key stays so.
    let cancel = format!("/orders/{}/cancel/", order.unwrap_or_default());
    send(shop, ask("POST", &cancel).header("authorization", key(&shop.bob))).await;
}

fn ask(method: &str, path: &str) -> RequestBuilder {
    warp::test::request().method(method).path(path)
}

fn json(shop: &Shop, method: &str, path: &str, body: &str) -> RequestBuilder {
    ask(method, path).header("authorization", key(&shop.admin)).header("content-type", "application/json").body(body)
}

async fn send(shop: &Shop, request: RequestBuilder) -> Response<Bytes> {
    request.reply(&shop.routes).await
}

fn tag(answer: &Response<Bytes>) -> Vec<u8> {
    answer.headers().get("etag").expect("what is read has a tag").as_bytes().to_vec()
}

fn beside(tag: &[u8], input: &[u8]) -> Vec<u8> {
    [tag, b", ", input].concat()
}
