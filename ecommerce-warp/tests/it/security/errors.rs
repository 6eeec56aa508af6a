//! S23: every refusal there is has one shape, with the id of its request, and tells nothing of how the shop is made.

use ecommerce_core::{Store, Stripe};
use ecommerce_warp::Config;
use serde_json::json;

use crate::{
    socket::{HEALTH, Server, quick, read},
    support::Shop,
};

/// What a body must not tell.
const INSIDES: &[&str] =
    &["select ", "insert ", "sqlx", "sqlite", "postgres", "pool", "serde", "panic", "src/", ".rs", "`", "Error("];

fn tells_nothing(text: &str) {
    for word in INSIDES {
        assert!(!text.contains(word), "{word:?} is told: {text}");
    }
}

#[tokio::test]
async fn s23_an_unknown_address_is_a_problem_too() {
    let server = Server::start(Config::default()).await;
    let reply = server.ask(&["GET /nothing?x=1 HTTP/1.1", "host: shop"], "").await;
    reply.refused(404, "not_found");
    let metrics = server.ask(&["GET /metrics HTTP/1.1", "host: shop"], "").await.text;
    assert!(metrics.contains("ecommerce_http_requests_total{method=\"OTHER\",path=\"unknown\",status=\"404\"} 1"), "{metrics}");
}

#[tokio::test]
async fn s23_what_is_not_http_is_refused_in_the_same_shape() {
    let server = Server::start(quick()).await;
    for request in [
        "nonsense\r\n\r\n",
        "GET /product/\r\n\r\n",
        "GET /product/ HTTP/3.0\r\nhost: shop\r\n\r\n",
        "GE{T /product/ HTTP/1.1\r\nhost: shop\r\n\r\n",
        "GET /product/ HTTP/1.1\r\nhost: shop\r\nno colon\r\n\r\n",
        "GET /product/ HTTP/1.1\r\nhost: shop\r\nspace : 1\r\n\r\n",
        "GET /product/ HTTP/1.1\r\nhost: shop\r\nnul: \0\r\n\r\n",
        "POST /register/ HTTP/1.1\r\nhost: shop\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "POST /register/ HTTP/1.1\r\nhost: shop\r\ncontent-length: -1\r\n\r\n",
        "POST /register/ HTTP/1.1\r\nhost: shop\r\ncontent-length: 1, 1\r\n\r\n",
        "POST /register/ HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: gzip\r\n\r\n",
        "POST /register/ HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked, gzip\r\n\r\n",
        "POST /register/ HTTP/1.0\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n",
        "GET /pro duct/ HTTP/1.1\r\nhost: shop\r\n\r\n",
        // The first message of a TLS client.
        "\u{16}\u{3}\u{1}\0\u{5}\u{1}\0\0\u{1}\0",
    ] {
        let reply = server.reply(request.as_bytes()).await;
        reply.refused(400, "invalid_http");
        assert_eq!(reply.header("connection"), "close", "{request:?}");
        assert!(reply.header("date").ends_with("GMT"), "{request:?}");
        tells_nothing(&reply.text);
    }
    let large = format!("GET /product/ HTTP/1.1\r\nhost: shop\r\nx: {}\r\n\r\n", "x".repeat(100_000));
    server.reply(large.as_bytes()).await.refused(431, "header_too_large");
    let many = format!("GET /product/ HTTP/1.1\r\nhost: shop\r\n{}\r\n", "x: y\r\n".repeat(1_000));
    server.reply(many.as_bytes()).await.refused(431, "header_too_large");
    let long = format!("GET /product/?{} HTTP/1.1\r\nhost: shop\r\n\r\n", "x".repeat(100_000));
    server.reply(long.as_bytes()).await.refused(431, "header_too_large");
    let metrics = server.ask(&["GET /metrics HTTP/1.1", "host: shop"], "").await.text;
    assert!(metrics.contains("path=\"unknown\",status=\"431\"} 3"), "{metrics}");
}

#[tokio::test]
async fn s23_what_is_not_http_behind_a_request_leaves_its_answer_whole() {
    let server = Server::start(quick()).await;
    for request in [HEALTH.strip_suffix(b"connection: close\r\n\r\n").unwrap(), b"GET /nothing HTTP/1.1\r\nhost: shop\r\n"] {
        let answers = server.answer(&[request, b"\r\nnonsense\r\n\r\n"].concat()).await;
        let second = answers.rfind("HTTP/1.1 ").unwrap();
        read(&answers[..second]);
        read(&answers[second..]).refused(400, "invalid_http");
    }
}

#[tokio::test]
async fn s23_http_2_is_not_spoken() {
    let server = Server::start(quick()).await;
    assert_eq!(server.answer(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await, "", "closed, as its client would read no answer");
}

#[tokio::test]
async fn s23_a_database_that_is_gone_is_503_and_nothing_more_is_told() {
    let server = Server::start(Config::default()).await;
    server.store.close().await;
    for (line, body) in [
        ("GET /product/", ""),
        ("GET /product/1/", ""),
        ("GET /readyz", ""),
        ("GET /me/", ""),
        ("POST /checkout/", ""),
        ("POST /login/", r#"{"email": "ann@example.com", "password": "correct horse"}"#),
        ("POST /register/", r#"{"email": "ann@example.com", "password": "correct horse"}"#),
    ] {
        let key = format!("authorization: Token {}", "0".repeat(64));
        let key = if line.ends_with("/me/") || line.ends_with("/checkout/") { key.as_str() } else { "x: y" };
        let first = format!("{line} HTTP/1.1");
        let reply = server.ask(&[&first, "host: shop", "content-type: application/json", key], body).await;
        reply.refused(503, "unavailable");
        assert_eq!(reply.header("retry-after"), "1", "{line}");
        tells_nothing(&reply.text);
    }
    assert!(server.answer(HEALTH).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn s23_every_status_has_the_one_shape() {
    let mut config = Config::default();
    config.body_limit = 1_000;
    let stripe = Stripe::new().webhook_secrets(&["whsec_test_secret"]).unwrap();
    let shop = Shop::with(Store::builder().provider(stripe), config).await;
    let id = shop.product("Mug", "5.00", 1).await;
    let (path, ann) = (format!("/product/{id}/"), shop.customer().await);
    let too_many = json!({"product": id, "quantity": 2});
    let replies = [
        (400, "invalid_json", shop.post("/login/").text("{").await),
        (400, "invalid_signature", shop.post("/webhooks/stripe/").bytes(b"{}").await),
        (401, "unauthenticated", shop.get("/me/").send().await),
        (401, "invalid_credentials", shop.post("/login/").json(&json!({"email": "a@b.com", "password": "x"})).await),
        (403, "forbidden", shop.delete(&path).by(&ann).send().await),
        (404, "not_found", shop.get("/product/999/").send().await),
        (405, "method_not_allowed", shop.post(&path).send().await),
        (409, "insufficient_stock", shop.post("/create-cart/").by(&ann).json(&too_many).await),
        (412, "precondition_failed", shop.delete(&path).by(&shop.admin).header("if-match", "\"no\"").send().await),
        (413, "payload_too_large", shop.post("/login/").text(&"x".repeat(1_001)).await),
        (415, "unsupported_media_type", shop.post("/login/").bytes(b"{}").await),
        (422, "invalid_request", shop.post("/login/").json(&json!({"email": 1, "select": "\u{0}'\""})).await),
    ];
    let mut ids = std::collections::BTreeSet::new();
    for (status, code, reply) in replies {
        let problem = reply.refused(status, code);
        tells_nothing(&reply.text);
        assert!(ids.insert(problem["request_id"].to_string()), "two requests of one name");
    }
}
