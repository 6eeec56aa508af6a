//! Who did what, when and from where.

use ecommerce_core::Store;
use ecommerce_warp::{Config, Peer};
use serde_json::{Value, json};

use crate::support::Shop;

/// From where the newest entry says that it was done.
async fn newest_from(shop: &Shop) -> Value {
    shop.get("/audit-log/?page_size=1").by(&shop.admin).send().await.is(200)["results"][0]["from"].clone()
}

/// Makes a category by a request with this peer and this `X-Forwarded-For`, and answers from where the log says it came.
async fn seen(shop: &Shop, number: usize, peer: &str, forwarded: &str) -> Value {
    let ask = shop.post("/category/").by(&shop.admin).from(peer).header("x-forwarded-for", forwarded);
    ask.json(&json!({"name": format!("Category {number}")})).await.is(201);
    newest_from(shop).await
}

#[tokio::test]
async fn a_deed_stands_in_the_log_and_a_refused_one_does_not() {
    let shop = Shop::open().await;
    let mug = json!({"name": "Mug", "price": "12.50", "stock": 3});
    let id = shop.post("/product/").by(&shop.admin).from("203.0.113.7").json(&mug).await.is(201)["id"].clone();
    let ann = shop.customer().await;
    let path = format!("/product/{id}/");
    shop.patch(&path).by(&ann).json(&json!({"price": "1"})).await.refused(403, "forbidden");
    shop.patch(&path).by(&shop.admin).json(&json!({"price": "-1"})).await.refused(422, "invalid_request");
    shop.patch(&path).by(&shop.admin).from("2001:db8::7").json(&json!({"price": "13"})).await.is(200);

    let log = shop.get("/audit-log").by(&shop.admin).send().await.is(200);
    assert_eq!((&log["count"], &log["next"]), (&json!(3), &Value::Null), "the admin's own account is the first entry");
    let me = shop.get("/me/").by(&shop.admin).send().await.is(200);
    let (newest, before) = (&log["results"][0], &log["results"][1]);
    assert_eq!(newest["user"], json!({"id": me["id"], "email": "admin@example.com"}));
    assert_eq!((&newest["from"], &newest["action"]), (&json!("2001:db8::7"), &json!("product.updated")));
    assert_eq!(newest["subject"], json!({"kind": "product", "id": id}));
    assert_eq!(newest["detail"], json!({"price": {"from": "12.50", "to": "13.00"}}));
    assert_eq!((&before["from"], &before["action"]), (&json!("203.0.113.7"), &json!("product.created")));
}

#[tokio::test]
async fn the_log_is_for_admins() {
    let shop = Shop::open().await;
    let ann = shop.customer().await;
    shop.get("/audit-log/").send().await.refused(401, "unauthenticated");
    shop.get("/audit-log/").by(&ann).send().await.refused(403, "forbidden");
    shop.delete("/audit-log/").by(&shop.admin).send().await.refused(405, "method_not_allowed");
}

#[tokio::test]
async fn the_log_is_narrowed_and_paged() {
    let shop = Shop::open().await;
    for name in ["Kitchen", "Garden"] {
        shop.post("/category/").by(&shop.admin).json(&json!({"name": name})).await.is(201);
    }
    let ask = async |query: &str| shop.get(&format!("/audit-log/?{query}")).by(&shop.admin).send().await.is(200);
    let all = ask("").await;
    assert_eq!((&all["count"], &all["results"][0]["detail"]["name"]), (&json!(3), &json!("Garden")));
    assert_eq!(ask("user=1").await["count"], 2, "the admin's own account was made by the program");
    assert_eq!(ask("user=999").await["count"], 0);
    let newest = all["results"][0]["at"].as_str().unwrap();
    assert_eq!(ask(&format!("from={newest}")).await["results"][0], all["results"][0]);
    assert_eq!(ask("from=9999-01-01T00:00:00Z").await["count"], 0);
    assert_eq!(ask("from=2020-01-01T00:00:00%2B01:00&user=1").await["count"], 2);
    let page = ask("user=1&page_size=1").await;
    assert_eq!(page["next"], "/audit-log/?user=1&page_size=1&page=2");
}

#[tokio::test]
async fn a_stranger_s_header_is_not_believed() {
    let shop = Shop::open().await;
    assert_eq!(seen(&shop, 1, "203.0.113.7", "").await, "203.0.113.7");
    assert_eq!(seen(&shop, 2, "203.0.113.7", "198.51.100.1").await, "203.0.113.7");
    assert_eq!(seen(&shop, 3, "127.0.0.1", "198.51.100.1").await, "127.0.0.1", "nobody is trusted by default");
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_about_whom_it_heard_itself() {
    let mut config = Config::default();
    config.trusted_proxies = vec!["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
    let shop = Shop::with(Store::builder(), config).await;
    assert_eq!(seen(&shop, 1, "10.0.0.1", "203.0.113.7").await, "203.0.113.7");
    assert_eq!(seen(&shop, 2, "10.0.0.1", "198.51.100.1, 203.0.113.7").await, "203.0.113.7", "a forged beginning");
    assert_eq!(seen(&shop, 3, "10.0.0.1", "198.51.100.1, 203.0.113.7, 10.0.0.2").await, "203.0.113.7");
    assert_eq!(seen(&shop, 4, "203.0.113.7", "10.0.0.1").await, "203.0.113.7", "a stranger who names a proxy");
    assert_eq!(seen(&shop, 5, "10.0.0.1", "").await, "10.0.0.1");
}

#[tokio::test]
async fn where_nobody_says_where_a_request_comes_from_it_is_unknown() {
    let shop = Shop::open().await;
    let kitchen = json!({"name": "Kitchen"});
    shop.post("/category/").by(&shop.admin).header("x-forwarded-for", "203.0.113.7").json(&kitchen).await.is(201);
    assert_eq!(newest_from(&shop).await, Value::Null);

    // A server of another kind puts it into the extensions.
    let peer = Peer("203.0.113.8".parse().unwrap());
    shop.post("/category/").by(&shop.admin).extension(peer).json(&json!({"name": "Garden"})).await.is(201);
    assert_eq!(newest_from(&shop).await, "203.0.113.8");
}
