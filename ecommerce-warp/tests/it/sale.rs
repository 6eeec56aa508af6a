//! A whole sale over HTTP.

use ecommerce_core::{Store, Stripe};
use ecommerce_warp::Config;
use serde_json::{Value, json};

use crate::{
    stripe::{self, SECRET},
    support::Shop,
};

async fn shop() -> Shop {
    let stripe = Stripe::new().webhook_secrets(&[SECRET]).unwrap();
    Shop::with(Store::builder().provider(stripe), Config::default()).await
}

#[tokio::test]
async fn from_an_empty_shop_to_a_parcel_at_the_door() {
    let shop = shop().await;
    let admin = &shop.admin;

    let category = shop.post("/category/").by(admin).json(&json!({"name": "Kitchen", "description": "All that cooks."})).await;
    assert_eq!(category.header("location"), format!("/category/{}/", category.is(201)["id"]));
    let mug = json!({"name": "Ceramic mug", "price": "12.5", "stock": 3, "category": category.is(201)["id"], "description": "Holds 300 ml."});
    let made = shop.post("/product/").by(admin).json(&mug).await;
    let mug = made.is(201);
    assert_eq!(made.header("location"), format!("/product/{}/", mug["id"]));
    assert_eq!((&mug["price"], &mug["currency"], &mug["category"]["name"]), (&json!("12.50"), &json!("USD"), &json!("Kitchen")));

    let account = json!({"email": "ann@example.com", "password": "correct horse", "name": "Ann"});
    let registered = shop.post("/register/").json(&account).await.is(201);
    assert_eq!((&registered["user"]["role"], &registered["user"]["name"]), (&json!("customer"), &json!("Ann")));
    let credentials = json!({"email": "Ann@Example.com", "password": "correct horse"});
    let ann = shop.post("/login/").json(&credentials).await.is(200)["token"].as_str().unwrap().to_owned();

    let found = shop.get("/product/?search=ceramic").send().await.is(200);
    assert_eq!(found["results"][0], mug);
    let id = &mug["id"];
    let cart = shop
        .post("/create-cart/")
        .by(&ann)
        .json(&json!([{"product": id, "quantity": 1}, {"product": id, "quantity": 2}]))
        .await
        .is(200);
    assert_eq!((&cart["total"], &cart["items"][0]["quantity"]), (&json!("37.50"), &json!(3)));
    let short =
        shop.post("/create-cart/").by(&ann).json(&json!({"product": id, "quantity": 1})).await.refused(409, "insufficient_stock");
    assert_eq!((&short["available"], &short["items"][0]["requested"]), (&json!(3), &json!(4)));
    let cart = shop.post("/reduce-cart/").by(&ann).json(&json!({"product": id})).await.is(200);
    assert_eq!((&cart["total"], &cart["currency"]), (&json!("25.00"), &json!("USD")));

    let moved = shop.post("/checkout/").by(&ann).json(&json!({"expected_total": 24.99})).await.refused(409, "total_changed");
    assert_eq!((&moved["total"], &moved["currency"]), (&json!("25.00"), &json!("USD")));
    let checkout = || shop.post("/checkout/").by(&ann).header("idempotency-key", "once");
    let placed = checkout().json(&json!({"expected_total": "25"})).await;
    let order = placed.is(201);
    assert_eq!(placed.header("location"), format!("/orders/{}/", order["id"]));
    assert_eq!((&order["status"], &order["payments"][0]["provider"]), (&json!("pending_payment"), &json!("stripe")));
    let again = checkout().json(&json!({"expected_total": "25.00"})).await;
    assert_eq!((again.is(201), again.header("idempotent-replayed")), (order.clone(), "true"));
    let reused = checkout().json(&json!({"expected_total": "26"})).await.refused(422, "idempotency_key_reused");
    assert_eq!(reused["errors"], Value::Null);

    let metadata = json!({"order_id": order["id"].to_string(), "payment_id": order["payments"][0]["id"].to_string()});
    let intent = json!({"object": "payment_intent", "id": "pi_1", "amount": 2500, "amount_received": 2500, "currency": "usd", "status": "succeeded", "metadata": metadata});
    let event =
        json!({"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "created": 1, "data": {"object": intent}});
    assert_eq!(stripe::sends(&shop, &event).await.is(200), json!({"status": "processed"}));
    stripe::sends(&shop, &event).await.is(200);
    let path = format!("/orders/{}/", order["id"]);
    let paid = shop.get(&path).by(&ann).send().await.is(200);
    assert_eq!((&paid["status"], &paid["payment_status"]), (&json!("paid"), &json!("paid")));
    assert_eq!(shop.get(&format!("/product/{id}/")).send().await.is(200)["stock"], 1);

    let step = async |body: Value| shop.post(&format!("{path}fulfillment/")).by(admin).json(&body).await;
    step(json!({"status": "delivered"})).await.refused(409, "invalid_transition");
    step(json!({"status": "unfulfilled"})).await.blames(&["status"]);
    step(json!({"status": "processing"})).await.is(200);
    let shipped = step(json!({"status": "shipped", "tracking_number": "1Z999", "note": "by van"})).await.is(200);
    assert_eq!((&shipped["fulfillment"], &shipped["tracking_number"]), (&json!("shipped"), &json!("1Z999")));
    step(json!({"status": "delivered"})).await.is(200);
    shop.post(&format!("{path}cancel/")).by(admin).send().await.refused(409, "invalid_transition");

    shop.post(&format!("{path}refund/")).by(admin).json(&json!({"amount": "25.01"})).await.blames(&["amount"]);
    shop.post(&format!("{path}refund/")).by(admin).json(&json!({"amount": "1.001"})).await.blames(&["amount"]);
    let refunded = shop.post(&format!("{path}refund/")).by(admin).json(&json!({"amount": 5, "reason": "late"})).await.is(202);
    assert_eq!((&refunded["refunds"][0]["amount"], &refunded["refunds"][0]["status"]), (&json!("5.00"), &json!("queued")));

    let gone = shop.delete(&format!("/product/{id}/")).by(admin).send().await;
    gone.is(204);
    assert_eq!(shop.get(&path).by(&ann).send().await.is(200)["items"][0]["name"], "Ceramic mug", "an order is a snapshot");
    shop.delete(&format!("/category/{}/", category.is(201)["id"])).by(admin).send().await.is(204);
}

#[tokio::test]
async fn paid_by_hand_and_paid_back_by_hand() {
    let shop = shop().await;
    let id = shop.product("Mug", "5.00", 3).await;
    let ann = shop.customer().await;
    shop.put(&format!("/cart/items/{id}/")).by(&ann).json(&json!({"quantity": 2})).await.is(200);
    let order = shop.post("/checkout/").by(&ann).json(&json!({"provider": "manual"})).await.is(201);
    let path = format!("/orders/{}/", order["id"]);

    let paying = shop.post(&format!("{path}pay/")).by(&ann).json(&json!({"provider": "stripe"})).await;
    assert_eq!(paying.is(201)["payments"].as_array().unwrap().len(), 2);
    shop.post(&format!("{path}pay/")).by(&ann).json(&json!({"provider": "paypal"})).await.blames(&["provider"]);
    let refused = shop.post(&format!("{path}pay/")).by(&ann).json(&json!({"provider": "paystack"})).await;
    assert_eq!(refused.status, 201, "paystack takes dollars from two on: {}", refused.text);

    let confirm = format!("{path}confirm-payment/");
    let paid = shop.post(&confirm).by(&shop.admin).json(&json!({"reference": "bank statement 7"})).await.is(200);
    assert_eq!(paid["status"], "paid");
    shop.post(&confirm).by(&shop.admin).send().await.is(200);
    shop.post(&format!("{path}pay/")).by(&ann).send().await.refused(409, "invalid_transition");

    let refund = shop.post(&format!("{path}refund/")).by(&shop.admin).json(&json!({"restock": true})).await.is(202)["refunds"][0]
        ["id"]
        .clone();
    let done = shop.post(&format!("/refunds/{refund}/done/")).by(&shop.admin).json(&json!({"reference": "cash"})).await.is(200);
    assert_eq!((&done["status"], &done["amount"]), (&json!("succeeded"), &json!("10.00")));
    shop.post("/refunds/999/done/").by(&shop.admin).send().await.refused(404, "not_found");
    assert_eq!(shop.get(&path).by(&ann).send().await.is(200)["payment_status"], "refunded");
    assert_eq!(shop.get(&format!("/product/{id}/")).send().await.is(200)["stock"], 3);
}

#[tokio::test]
async fn a_cart_is_filled_reduced_and_emptied() {
    let shop = shop().await;
    let (mug, tea) = (shop.product("Mug", "5.00", 9).await, shop.product("Tea", "3.00", 9).await);
    let ann = shop.customer().await;
    let line = |product: i64| json!({ "product": product });
    shop.post("/remove-product/").by(&ann).json(&line(mug)).await.refused(404, "not_in_cart");
    shop.post("/reduce-cart/").by(&ann).json(&line(mug)).await.refused(404, "not_in_cart");
    shop.post("/create-cart/").by(&ann).json(&json!({"product": 999, "quantity": 1})).await.refused(404, "not_found");
    shop.post("/create-cart/")
        .by(&ann)
        .json(&json!([{"product": mug, "quantity": 2}, {"product": 999, "quantity": 1}]))
        .await
        .refused(404, "not_found");
    assert_eq!(shop.get("/cart/").by(&ann).send().await.is(200)["items"], json!([]));

    shop.post("/create-cart/")
        .by(&ann)
        .json(&json!([{"product": mug, "quantity": 2}, {"product": tea, "quantity": 1}]))
        .await
        .is(200);
    assert_eq!(
        shop.post("/reduce-cart/").by(&ann).json(&json!({"product": mug, "quantity": 5})).await.is(200)["items"][0]["product"]["id"],
        tea
    );
    assert_eq!(shop.put(&format!("/cart/items/{mug}/")).by(&ann).json(&json!({"quantity": 4})).await.is(200)["total"], "23.00");
    assert_eq!(shop.put(&format!("/cart/items/{mug}/")).by(&ann).json(&json!({"quantity": 0})).await.is(200)["total"], "3.00");
    shop.post("/remove-product/").by(&ann).json(&line(tea)).await.is(200);
    shop.post("/checkout/").by(&ann).send().await.refused(409, "cart_empty");

    let yen = json!({"name": "Matcha", "price": 900, "currency": "JPY", "stock": 1});
    let yen = shop.post("/product/").by(&shop.admin).json(&yen).await.is(201)["id"].as_i64().unwrap();
    let cart = shop
        .post("/create-cart/")
        .by(&ann)
        .json(&json!([{"product": mug, "quantity": 1}, {"product": yen, "quantity": 1}]))
        .await
        .is(200);
    assert_eq!((&cart["total"], &cart["currency"]), (&Value::Null, &Value::Null));
    shop.post("/checkout/").by(&ann).send().await.refused(409, "mixed_currencies");
    shop.delete("/cart/").by(&ann).send().await.is(200);

    shop.post("/create-cart/").by(&ann).json(&json!({"product": mug, "quantity": 1})).await.is(200);
    shop.patch(&format!("/product/{mug}/")).by(&shop.admin).json(&json!({"is_available": false})).await.is(200);
    assert_eq!(shop.get("/cart/").by(&ann).send().await.is(200)["items"][0]["is_available"], false);
    let unavailable = shop.post("/checkout/").by(&ann).send().await.refused(409, "product_unavailable");
    assert_eq!(unavailable["items"], json!([{ "product": mug }]));
}

#[tokio::test]
async fn the_catalog_keeps_its_promises() {
    let shop = shop().await;
    let kitchen = shop.post("/category/").by(&shop.admin).json(&json!({"name": "Kitchen"})).await.is(201)["id"].clone();
    shop.post("/category/").by(&shop.admin).json(&json!({"name": "KITCHEN"})).await.refused(409, "name_taken");
    let mug = json!({"name": "Mug", "price": "5", "stock": 2, "category": kitchen, "sku": "M1"});
    let id = shop.post("/product/").by(&shop.admin).json(&mug).await.is(201)["id"].as_i64().unwrap();
    shop.post("/product/").by(&shop.admin).json(&mug).await.refused(409, "sku_taken");
    shop.delete(&format!("/category/{kitchen}/")).by(&shop.admin).send().await.refused(409, "category_in_use");
    let renamed = shop.put(&format!("/category/{kitchen}/")).by(&shop.admin).json(&json!({"name": "Table"})).await.is(200);
    assert_eq!(renamed["name"], "Table");

    let ann = shop.customer().await;
    shop.post("/create-cart/").by(&ann).json(&json!({"product": id, "quantity": 2})).await.is(200);
    shop.post("/checkout/").by(&ann).send().await.is(201);
    shop.patch(&format!("/product/{id}/")).by(&shop.admin).json(&json!({"stock": 1})).await.refused(409, "stock_reserved");
}

#[tokio::test]
async fn an_event_of_no_use_is_taken_and_what_is_no_event_is_not() {
    let shop = shop().await;
    stripe::sends(&shop, &json!({"object": "v2.core.event"})).await.refused(400, "invalid_event");
    let unknown = json!({"id": "evt_9", "object": "event", "type": "customer.created", "created": 1, "data": {"object": {}}});
    assert_eq!(stripe::sends(&shop, &unknown).await.is(200), json!({"status": "ignored"}));
}
