//! S16 (and S3): what is not JSON, not of the right shape, or too much.

use ecommerce_warp::Config;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::{
    socket::{Server, read, rest},
    support::Shop,
};

const GOOD: &str = r#"{"email": "ann@example.com", "password": "correct horse"}"#;

#[tokio::test]
async fn s16_only_json_is_json() {
    let shop = Shop::open().await;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin1",
        "json",
        "",
    ] {
        shop.post("/register/").header("content-type", kind).bytes(GOOD.as_bytes()).await.refused(415, "unsupported_media_type");
    }
    shop.post("/register/").bytes(GOOD.as_bytes()).await.refused(415, "unsupported_media_type");
    for (number, kind) in
        ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=\"UTF-8\""]
            .iter()
            .enumerate()
    {
        let account = json!({"email": format!("a{number}@example.com"), "password": "correct horse"});
        shop.post("/register/").header("content-type", kind).bytes(account.to_string().as_bytes()).await.is(201);
    }
}

#[tokio::test]
async fn s16_what_cannot_be_parsed_is_400() {
    let shop = Shop::open().await;
    let deep = format!("{{\"email\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let unfinished = "[".repeat(100_000);
    for body in
        ["", "{", "nonsense", "{\"email\": }", "{'email': 1}", &format!("{GOOD} {GOOD}"), "\u{feff}{}", "NaN", &deep, &unfinished]
    {
        shop.post("/register/").text(body).await.refused(400, "invalid_json");
    }
    let latin1 = b"{\"email\": \"\xe9@example.com\", \"password\": \"correct horse\"}";
    shop.post("/register/").header("content-type", "application/json").bytes(latin1).await.refused(400, "invalid_json");
    let raw_nul = b"{\"email\": \"a\0@example.com\", \"password\": \"correct horse\"}";
    shop.post("/register/").header("content-type", "application/json").bytes(raw_nul).await.refused(400, "invalid_json");
    let utf16 = GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    shop.post("/register/").header("content-type", "application/json").bytes(&utf16).await.refused(400, "invalid_json");
}

#[tokio::test]
async fn s16_nothing_is_unpacked() {
    let shop = Shop::open().await;
    for coding in ["gzip", "deflate", "br", "zstd", "GZIP", "gzip, identity", "whatever", ""] {
        let reply = shop.post("/register/").header("content-encoding", coding).text(GOOD).await;
        reply.refused(415, "unsupported_media_type");
        assert_eq!(reply.header("accept-encoding"), "identity", "{coding:?}");
    }
    shop.post("/register/").header("content-encoding", "identity").text(GOOD).await.is(201);
}

#[tokio::test]
async fn s16_what_is_of_the_wrong_shape_names_its_field() {
    let shop = Shop::open().await;
    for (body, field, reason) in [
        ("[]", "body", "must be an object"),
        ("null", "body", "must be an object"),
        ("\"text\"", "body", "must be an object"),
        (r#"["ann@example.com", "correct horse"]"#, "body", "must be an object"),
        (r#"{"email": "ann@example.com"}"#, "password", "is required"),
        (r#"{"email": null, "password": "correct horse"}"#, "email", "must be text"),
        (r#"{"email": 7, "password": "correct horse"}"#, "email", "must be text"),
        (r#"{"email": "a@b.com", "email": "c@d.com", "password": "correct horse"}"#, "email", "is given twice"),
        (r#"{"email": "\ud800", "password": "correct horse"}"#, "email", "must be Unicode text"),
        (r#"{"email": "a@b.com", "password": "correct horse", "name": null}"#, "name", "must be text"),
        (r#"{"email": "a@b.com", "password": "correct horse", "role": "admin"}"#, "role", "is not a field of this call"),
    ] {
        let problem = shop.post("/register/").text(body).await.refused(422, "invalid_request");
        assert_eq!(problem["errors"], json!({ field: [reason] }), "{body}");
    }
    let ann = shop.customer().await;
    for (body, field) in [
        (r#"[{"product": 1, "quantity": 1}, {"product": 1, "quantity": "3"}]"#, "1.quantity"),
        (r#"[{"product": 1, "quantity": 1}, [1, 1]]"#, "1"),
        (r#"[{"product": 1, "quantity": 1, "price": "0.01"}]"#, "0.price"),
        (r#"{"product": 1, "quantity": 1, "price": "0.01"}"#, "price"),
        ("7", "body"),
        ("[]", "body"),
    ] {
        shop.post("/create-cart/").by(&ann).text(body).await.blames(&[field]);
    }
}

#[tokio::test]
async fn all_faults_of_a_body_are_told_at_once() {
    let shop = Shop::open().await;
    let account = json!({"email": "nobody", "password": "short", "name": " "});
    shop.post("/register/").json(&account).await.blames(&["email", "name", "password"]);
    let product =
        json!({"name": "", "price": "-1", "stock": 1, "currency": "usd", "category": 0, "sku": "a\nb", "description": "\u{0}"});
    shop.post("/product/").by(&shop.admin).json(&product).await.blames(&[
        "category",
        "currency",
        "description",
        "name",
        "price",
        "sku",
    ]);
}

#[tokio::test]
async fn s03_fields_that_nobody_may_set_are_refused_and_change_nothing() {
    let shop = Shop::open().await;
    let id = shop.product("Mug", "5.00", 1).await;
    let before = shop.get(&format!("/product/{id}/")).send().await.is(200);
    for field in ["id", "created_at", "updated_at", "reserved", "revision", "vendor"] {
        let patch = json!({ "name": "Cup", field: 1 });
        shop.patch(&format!("/product/{id}/")).by(&shop.admin).json(&patch).await.blames(&[field]);
    }
    assert_eq!(shop.get(&format!("/product/{id}/")).send().await.is(200), before);
    let ann = shop.customer().await;
    for field in ["price", "total", "status", "user_id", "currency"] {
        shop.post("/checkout/").by(&ann).json(&json!({ field: 1 })).await.blames(&[field]);
    }
    shop.post("/orders/1/cancel/").by(&ann).json(&json!({"status": "paid"})).await.blames(&["status"]);
}

#[tokio::test]
async fn where_all_fields_may_be_left_out_the_body_may_be_too() {
    let shop = Shop::open().await;
    let ann = shop.customer().await;
    for path in ["/checkout/", "/orders/1/pay/", "/orders/1/cancel/"] {
        let statuses = [
            shop.post(path).by(&ann).send().await.status,
            shop.post(path).by(&ann).text("").await.status,
            shop.post(path).by(&ann).text("{}").await.status,
        ];
        assert!(statuses.iter().all(|status| matches!(status, 404 | 409)), "{path}: {statuses:?}");
        shop.post(path).by(&ann).bytes(b"{}").await.refused(415, "unsupported_media_type");
        shop.post(path).by(&ann).text("null").await.blames(&["body"]);
    }
    shop.post("/logout/").by(&ann).send().await.is(204);
}

#[tokio::test]
async fn s16_a_body_has_a_limit() {
    let mut config = Config::default();
    config.body_limit = 1000;
    let shop = Shop::with(ecommerce_core::Store::builder(), config).await;
    let fits = format!("{{\"email\": \"ann@example.com\", \"password\": \"{}\"}}", "x".repeat(100));
    shop.post("/register/").text(&fits).await.is(201);
    let reply = shop.post("/register/").text(&"x".repeat(1001)).await;
    reply.refused(413, "payload_too_large");
    assert_eq!(reply.header("connection"), "close");
    shop.post("/webhooks/stripe/").bytes(&[b'x'; 1001]).await.refused(413, "payload_too_large");
}

#[tokio::test]
async fn s16_a_million_keys_and_lines_are_one_refusal() {
    let shop = Shop::open().await;
    let ann = shop.customer().await;
    let keys = (0..100_000).map(|number| format!("\"{number}\":0")).collect::<Vec<_>>().join(",");
    shop.post("/checkout/").by(&ann).text(&format!("{{{keys}}}")).await.blames(&["0"]);
    let lines = Value::from(vec![json!({"product": 1, "quantity": 1}); 20_000]);
    shop.post("/create-cart/").by(&ann).json(&lines).await.blames(&["body"]);
}

#[tokio::test]
async fn s16_a_chunked_body_is_counted_as_it_comes() {
    let server = Server::start(Config::default()).await;
    let mut stream = server.connect().await;
    let head = b"POST /register/ HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..20 {
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    read(&rest(&mut stream).await).refused(413, "payload_too_large");
}

#[tokio::test]
async fn s16_a_body_that_is_declared_too_long_is_not_asked_for() {
    let server = Server::start(Config::default()).await;
    let head = "POST /register/ HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 2000000\r\n\r\n";
    server.reply(head.as_bytes()).await.refused(413, "payload_too_large");
}
