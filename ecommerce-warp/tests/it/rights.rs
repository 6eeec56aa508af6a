//! Every documented operation is tried by a stranger and by a customer, and answers as its right is declared.

use serde_json::Value;

use crate::support::Shop;

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
            let path = path.replace("{id}", "999999").replace("{file}", "swagger-ui.css");
            operations.push((method.to_uppercase(), path, right));
        }
    }
    operations
}

#[tokio::test]
async fn a_stranger_gets_in_only_where_anyone_may() {
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
async fn a_customer_is_no_admin() {
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
async fn rights_are_looked_at_before_the_body() {
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
async fn a_key_is_a_key_in_both_spellings_and_only_alone() {
    let shop = Shop::open().await;
    let ann = shop.customer().await;
    for good in [format!("Token {ann}"), format!("Bearer {ann}"), format!("bearer {ann}"), format!("TOKEN {ann}")] {
        shop.get("/me/").header("authorization", &good).send().await.is(200);
    }
    let (short, longer) = (&ann[1..], format!("{ann}0"));
    for bad in [
        "",
        "Token",
        "Token ",
        &ann,
        &format!("Basic {ann}"),
        &format!("Token {short}"),
        &format!("Token {longer}"),
        &format!("Token {}", ann.to_uppercase()),
    ] {
        shop.get("/me/").header("authorization", bad).send().await.refused(401, "unauthenticated");
        // What is open to strangers is not open to a key that is none: whoever sends one shall hear that it is dead.
        shop.get("/product/").header("authorization", bad).send().await.refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_key_that_was_logged_out_is_dead_and_others_live_on() {
    let shop = Shop::open().await;
    let account = serde_json::json!({"email": "ann@example.com", "password": "correct horse"});
    let first = shop.post("/register/").json(&account).await.is(201)["token"].as_str().unwrap().to_owned();
    let second = shop.post("/login/").json(&account).await.is(200)["token"].as_str().unwrap().to_owned();
    shop.post("/logout/").by(&first).send().await.is(204);
    shop.get("/me/").by(&first).send().await.refused(401, "unauthenticated");
    assert_eq!(shop.get("/me/").by(&second).send().await.is(200)["email"], "ann@example.com");
    shop.post("/register/")
        .json(&serde_json::json!({"email": "ANN@example.com", "password": "correct horse"}))
        .await
        .refused(409, "email_taken");
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let shop = Shop::open().await;
    shop.customer().await;
    let wrong = serde_json::json!({"email": "customer1@example.com", "password": "wrong horse"});
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
async fn somebody_else_s_order_is_as_unknown_as_none() {
    let shop = Shop::open().await;
    let id = shop.product("Mug", "5.00", 3).await;
    let (ann, bob) = (shop.customer().await, shop.customer().await);
    shop.post("/create-cart/").by(&ann).json(&serde_json::json!({"product": id, "quantity": 1})).await.is(200);
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
