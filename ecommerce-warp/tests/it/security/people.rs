//! What is tried against people over HTTP; each test shows the point of the same number.

use std::time::Duration;

use ecommerce_core::{Limits, Store};
use ecommerce_warp::Config;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Reply, Shop};

/// Who may call an operation, as the document declares it.
#[derive(Debug, PartialEq, Eq)]
enum Right {
    Anyone,
    SignedIn,
    Admin,
}

fn operations() -> Vec<(String, String, Right)> {
    let document: Value = serde_json::from_str(&ecommerce_warp::openapi().to_json().unwrap()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let ways = operation["security"].as_array().unwrap_or_else(|| panic!("{method} {path} declares no right"));
            let right = match &ways.iter().map(|way| &way["bearer"]).collect::<Vec<_>>()[..] {
                [Value::Null] | [Value::Null, Value::Array(_)] => Right::Anyone,
                [Value::Array(roles)] if roles.is_empty() => Right::SignedIn,
                [Value::Array(roles)] if *roles == ["admin"] => Right::Admin,
                other => panic!("{method} {path}: {other:?}"),
            };
            let path = path.replace("{id}", "999999").replace("{file}", "swagger-ui.css").replace("{provider}", "nobody");
            operations.push((method.to_uppercase(), path, right));
        }
    }
    operations
}

#[tokio::test]
async fn s01_somebody_else_s_order_is_as_unknown_as_none() {
    let shop = Shop::open().await;
    let id = shop.product("Mug", "5.00", 3).await;
    let (ann, bob) = (shop.customer().await, shop.customer().await);
    shop.post("/create-cart/").by(&ann).json(&json!({"product": id, "quantity": 1})).await.is(200);
    let order = shop.post("/checkout/").by(&ann).send().await.is(201)["id"].clone();
    for path in ["", "cancel/", "pay/"] {
        let method = if path.is_empty() { "GET" } else { "POST" };
        let theirs = shop.ask(method, &format!("/orders/{order}/{path}")).by(&bob).send().await.refused(404, "not_found");
        let none = shop.ask(method, &format!("/orders/999/{path}")).by(&bob).send().await.refused(404, "not_found");
        let same = |problem: &Value| problem["detail"].as_str().unwrap().replace(&order.to_string(), "#").replace("999", "#");
        assert_eq!(same(&theirs), same(&none));
    }
    assert_eq!(shop.get("/orders/").by(&bob).send().await.is(200)["count"], 0);
    assert_eq!(shop.get("/orders/?user=2").by(&bob).send().await.is(200)["count"], 0);
    assert_eq!(shop.get("/orders/").by(&shop.admin).send().await.is(200)["count"], 1);
    shop.get(&format!("/orders/{order}/")).by(&shop.admin).send().await.is(200);
}

#[tokio::test]
async fn s02_a_stranger_gets_in_only_where_anyone_may() {
    let shop = Shop::open().await;
    for (method, path, right) in operations() {
        let reply = shop.ask(&method, &path).send().await;
        assert_eq!(reply.status == 401, right != Right::Anyone, "{method} {path}: {} {}", reply.status, reply.text);
        if reply.status == 401 {
            reply.refused(401, "unauthenticated");
            assert!(reply.header("www-authenticate").contains("Token"), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn s02_a_customer_is_no_admin() {
    let shop = Shop::open().await;
    for (method, path, right) in operations() {
        let ann = shop.customer().await;
        let reply = shop.ask(&method, &path).by(&ann).send().await;
        assert_eq!(reply.status == 403, right == Right::Admin, "{method} {path}: {} {}", reply.status, reply.text);
        assert_ne!(reply.status, 401, "{method} {path}");
        if reply.status == 403 {
            reply.refused(403, "forbidden");
        }
    }
}

#[tokio::test]
async fn s02_rights_are_looked_at_before_the_body() {
    let shop = Shop::open().await;
    let ann = shop.customer().await;
    for (method, path, right) in operations() {
        if right == Right::Admin && method != "DELETE" {
            assert_eq!(shop.ask(&method, &path).text("nonsense").await.status, 401, "{method} {path}");
            assert_eq!(shop.ask(&method, &path).by(&ann).text("nonsense").await.status, 403, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn s02_no_path_has_a_method_that_is_not_documented() {
    let shop = Shop::open().await;
    let operations = operations();
    for (_, path, _) in &operations {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if !operations.iter().any(|(known, at, _)| known == method && at == path) {
                shop.ask(method, path).send().await.refused(405, "method_not_allowed");
            }
        }
    }
}

#[tokio::test]
async fn s06_a_common_password_is_refused_on_its_field() {
    let shop = Shop::open().await;
    for password in ["password1", "PASSWORD", "ann@example.com", "Ann@Example.COM"] {
        let account = json!({"email": "ann@example.com", "password": password});
        shop.post("/register/").json(&account).await.blames(&["password"]);
    }
    for (number, password) in ["correct horse", "demo-customer", "a long secret 42", "пароль-это"].iter().enumerate() {
        let account = json!({"email": format!("ann{number}@example.com"), "password": password});
        shop.post("/register/").json(&account).await.is(201);
        shop.post("/login/").json(&account).await.is(200);
    }
}

/// The answer to a wrong password.
async fn guess(shop: &Shop, email: &str, from: &str) -> Reply {
    shop.post("/login/").from(from).json(&json!({"email": email, "password": "wrong horse"})).await
}

#[tokio::test]
async fn s07_an_unknown_e_mail_is_answered_like_a_wrong_password() {
    let shop = Shop::open().await;
    shop.customer().await;
    let stripped = |reply: &Reply| {
        let mut problem: Value = serde_json::from_str(&reply.text).unwrap();
        problem["request_id"] = Value::Null;
        let names: Vec<_> = reply.headers.keys().map(ToString::to_string).collect();
        // How long to wait is told to the second.
        (reply.status, problem["code"].clone(), problem["title"].clone(), names)
    };
    for _ in 0..12 {
        let known = guess(&shop, "customer1@example.com", "203.0.113.7").await;
        let unknown = guess(&shop, "nobody@example.com", "203.0.113.7").await;
        assert_eq!(stripped(&known), stripped(&unknown));
        if known.status == 401 {
            assert_eq!(known.is(401)["detail"], unknown.is(401)["detail"]);
        }
    }
}

#[tokio::test]
async fn s08_guessing_is_slowed_down() {
    let shop = Shop::open().await;
    shop.customer().await;
    let wrong = json!({"email": "customer1@example.com", "password": "wrong horse"});
    let mut failures = 0;
    let refused = loop {
        let reply = shop.post("/login/").json(&wrong).await;
        if reply.status == 429 {
            break reply;
        }
        reply.refused(401, "invalid_credentials");
        failures += 1;
        assert!(failures <= 20);
    };
    assert!(failures >= 5, "{failures}");
    refused.refused(429, "too_many_attempts");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=900).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn s08_many_wrong_passwords_from_one_address() {
    let shop = Shop::open().await;
    let account = json!({"email": "ann@example.com", "password": "correct horse"});
    shop.post("/register/").from("203.0.113.7").json(&account).await.is(201);
    let mut checked = 0;
    let mut refused = None;
    for number in 0..60 {
        let reply = guess(&shop, &format!("customer{number}@example.com"), "203.0.113.7").await;
        if reply.status == 401 { checked += 1 } else { refused = Some(reply) }
    }
    assert_eq!(checked, Limits::default().failed_logins_per_address);
    let refused = refused.unwrap();
    refused.refused(429, "too_many_attempts");
    assert!((1..=900).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    // Others are not concerned, nor is whoever signed in from there before.
    shop.post("/login/").from("203.0.113.8").json(&account).await.is(200);
    shop.post("/login/").from("203.0.113.7").json(&account).await.is(200);
}

#[tokio::test]
async fn s08_behind_a_named_proxy_each_client_has_an_address_of_its_own() {
    let mut config = Config::default();
    config.trusted_proxies = vec!["10.0.0.1".parse().unwrap()];
    let mut limits = Limits::default();
    limits.failed_logins_per_address = 2;
    let shop = Shop::with(Store::builder().limits(limits), config).await;
    let guess = async |number: u32, client: &str| {
        let wrong = json!({"email": format!("customer{number}@example.com"), "password": "wrong horse"});
        shop.post("/login/").from("10.0.0.1").header("x-forwarded-for", client).json(&wrong).await.status
    };
    let statuses = [guess(1, "203.0.113.7").await, guess(2, "203.0.113.7").await, guess(3, "203.0.113.7").await];
    assert_eq!((statuses, guess(4, "203.0.113.8").await), ([401, 401, 429], 401));
    assert_eq!(guess(5, "198.51.100.1, 203.0.113.7").await, 429, "what the client wrote itself counts for nothing");
}

#[tokio::test]
async fn s09_who_cannot_be_looked_at_in_time_is_told_so_and_others_go_on() {
    let mut limits = Limits::default();
    limits.hashing_wait = Duration::ZERO;
    let shop = Shop::with(Store::builder().limits(limits), Config::default()).await;
    let account = json!({"email": "ann@example.com", "password": "correct horse"});
    shop.post("/register/").json(&account).await.is(201);
    let log_ins = join_all((0..30).map(|_| shop.post("/login/").json(&account)));
    let browsing = join_all((0..30).map(|_| shop.get("/product/").send()));
    let (log_ins, browsing) = tokio::join!(log_ins, browsing);
    let busy: Vec<_> = log_ins.iter().filter(|reply| reply.status != 200).collect();
    assert!(!busy.is_empty() && busy.len() < log_ins.len(), "{} of {}", busy.len(), log_ins.len());
    for reply in busy {
        reply.refused(503, "busy");
        assert!(reply.header("retry-after").parse::<u64>().unwrap() > 0);
    }
    assert!(browsing.iter().all(|reply| reply.status == 200));
}

#[tokio::test]
async fn s11_a_key_that_was_logged_out_is_dead_and_others_live_on() {
    let shop = Shop::open().await;
    let account = json!({"email": "ann@example.com", "password": "correct horse"});
    let first = shop.post("/register/").json(&account).await.is(201)["token"].as_str().unwrap().to_owned();
    let second = shop.post("/login/").json(&account).await.is(200)["token"].as_str().unwrap().to_owned();
    shop.post("/logout/").by(&first).send().await.is(204);
    shop.get("/me/").by(&first).send().await.refused(401, "unauthenticated");
    assert_eq!(shop.get("/me/").by(&second).send().await.is(200)["email"], "ann@example.com");
    shop.post("/register/")
        .json(&json!({"email": "ANN@example.com", "password": "correct horse"}))
        .await
        .refused(409, "email_taken");
}

#[tokio::test]
async fn s11_a_disabled_account_is_answered_like_an_unknown_one() {
    let shop = Shop::open().await;
    let ann = shop.customer().await;
    let email = "customer1@example.com".parse().unwrap();
    shop.store.user_set_disabled(shop.store.system().admin(), &email, true).await.unwrap();
    shop.get("/me/").by(&ann).send().await.refused(401, "unauthenticated");
    let right = json!({"email": "customer1@example.com", "password": "correct horse"});
    let unknown = json!({"email": "nobody@example.com", "password": "correct horse"});
    let (theirs, none) = (shop.post("/login/").json(&right).await, shop.post("/login/").json(&unknown).await);
    assert_eq!(theirs.refused(401, "invalid_credentials")["detail"], none.refused(401, "invalid_credentials")["detail"]);
}
