//! S18 to S20: money, quantities and text that nobody may send.

use serde_json::{Value, json};

use crate::support::Shop;

#[tokio::test]
async fn s18_money_is_exact_or_refused() {
    let shop = Shop::open().await;
    for price in [
        r#""1e-28""#,
        r#""0.001""#,
        r#""-1""#,
        r#""NaN""#,
        r#""1e400""#,
        r#""99999999999999999999999999999""#,
        r#""1_000""#,
        r#""+5""#,
        r#"" 5""#,
        r#""5 ""#,
        r#""""#,
        r#""5.""#,
        r#"".5""#,
        r#""1,5""#,
        r#""0x10""#,
        r#""٣""#,
        r#""1\u00005""#,
        "1e-28",
        "0.001",
        "-1",
        "1e400",
        "1e3",
        "1E0",
        "-0",
        "99999999999999999999999999999",
        "12.345",
        "true",
        "null",
        "[]",
        "{}",
        r#"["5"]"#,
        "10000000000000.00",
    ] {
        let product = format!(r#"{{"name": "Mug", "price": {price}, "stock": 1}}"#);
        let reply = shop.post("/product/").by(&shop.admin).text(&product).await;
        assert_eq!(reply.status, 422, "{price}: {}", reply.text);
        reply.blames(&["price"]);
    }
    for (price, currency, shown) in [
        ("12.5", "USD", "12.50"),
        (r#""12.5""#, "USD", "12.50"),
        ("0.1", "USD", "0.10"),
        ("9007199254740.99", "USD", "9007199254740.99"),
        (r#""\u0035""#, "USD", "5.00"),
        ("500", "JPY", "500"),
        (r#""1.25""#, "KWD", "1.250"),
        ("9999999999999.99", "USD", "9999999999999.99"),
        ("0", "USD", "0.00"),
    ] {
        let product = format!(r#"{{"name": "Mug", "price": {price}, "currency": "{currency}", "stock": 1}}"#);
        let product = shop.post("/product/").by(&shop.admin).text(&product).await.is(201);
        assert_eq!((&product["price"], &product["currency"]), (&json!(shown), &json!(currency)));
    }
    let yen = json!({"name": "Mug", "price": "1.5", "currency": "JPY", "stock": 1});
    shop.post("/product/").by(&shop.admin).json(&yen).await.blames(&["price"]);
    for currency in ["", "usd", "XXX", "US", "EURO", "€"] {
        let product = json!({"name": "Mug", "price": "1", "currency": currency, "stock": 1});
        shop.post("/product/").by(&shop.admin).json(&product).await.blames(&["currency"]);
    }
}

#[tokio::test]
async fn s18_a_price_is_in_the_product_s_own_currency() {
    let shop = Shop::open().await;
    let yen = json!({"name": "Tea", "price": 500, "currency": "JPY", "stock": 1});
    let id = shop.post("/product/").by(&shop.admin).json(&yen).await.is(201)["id"].as_i64().unwrap();
    let path = format!("/product/{id}/");
    let patch = async |body: Value| shop.patch(&path).by(&shop.admin).json(&body).await;

    assert_eq!(patch(json!({"price": "600"})).await.is(200)["price"], "600");
    patch(json!({"price": "6.50"})).await.blames(&["price"]);
    patch(json!({"currency": "USD"})).await.blames(&["price"]);
    assert_eq!(patch(json!({"currency": "JPY"})).await.is(200)["price"], "600");
    let both = patch(json!({"currency": "USD", "price": "6.50"})).await.is(200);
    assert_eq!((&both["price"], &both["currency"]), (&json!("6.50"), &json!("USD")));
    let replaced = shop.put(&path).by(&shop.admin).json(&json!({"name": "Green tea", "price": "7", "stock": 2})).await.is(200);
    assert_eq!(
        (&replaced["price"], &replaced["currency"], &replaced["name"]),
        (&json!("7.00"), &json!("USD"), &json!("Green tea"))
    );
    // A writer who saw an older state is refused, although only the price needs the currency.
    let stale = shop.patch(&path).by(&shop.admin).header("if-match", "\"1\"").json(&json!({"price": "8"})).await;
    stale.refused(412, "precondition_failed");
}

#[tokio::test]
async fn a_replaced_product_keeps_what_need_not_be_given() {
    let shop = Shop::open().await;
    let category = shop.post("/category/").by(&shop.admin).json(&json!({"name": "Kitchen"})).await.is(201)["id"].clone();
    let whole = json!({"name": "Mug", "price": "5", "stock": 1, "category": category, "description": "Blue", "sku": "M1", "is_available": false});
    let made = shop.post("/product/").by(&shop.admin).json(&whole).await.is(201);
    let path = format!("/product/{}/", made["id"]);
    let replaced = shop.put(&path).by(&shop.admin).json(&json!({"name": "Cup", "price": "6", "stock": 3})).await.is(200);
    for field in ["description", "category", "sku", "is_available", "currency"] {
        assert_eq!(replaced[field], made[field], "{field}");
    }
    let bare = shop.patch(&path).by(&shop.admin).json(&json!({"category": null, "sku": null})).await.is(200);
    assert_eq!((&bare["category"], &bare["sku"]), (&Value::Null, &Value::Null));
    for field in ["name", "price", "stock", "description", "currency", "is_available"] {
        shop.patch(&path).by(&shop.admin).json(&json!({ field: null })).await.blames(&[field]);
    }
    shop.put(&path).by(&shop.admin).json(&json!({"name": "Cup", "stock": 3})).await.blames(&["price"]);
    shop.patch(&path).by(&shop.admin).json(&json!({"category": 999})).await.blames(&["category"]);
    shop.post("/product/")
        .by(&shop.admin)
        .json(&json!({"name": "X", "price": "1", "stock": 1, "category": 999}))
        .await
        .blames(&["category"]);
}

#[tokio::test]
async fn s19_quantities_are_whole_and_bounded() {
    let shop = Shop::open().await;
    let id = shop.product("Mug", "5.00", 1_000_000).await;
    let ann = shop.customer().await;
    for quantity in [
        "0",
        "-1",
        "1000001",
        "2147483648",
        "9223372036854775807",
        "9223372036854775808",
        "1.5",
        "1.0",
        "1e2",
        "1e400",
        "\"3\"",
        "null",
        "true",
        "[]",
        "{}",
    ] {
        let line = format!(r#"{{"product": {id}, "quantity": {quantity}}}"#);
        for path in ["/create-cart/", "/reduce-cart/"] {
            let reply = shop.post(path).by(&ann).text(&line).await;
            assert_eq!(reply.status, 422, "{quantity}: {}", reply.text);
            reply.blames(&["quantity"]);
        }
        if quantity != "0" {
            let set = format!(r#"{{"quantity": {quantity}}}"#);
            shop.put(&format!("/cart/items/{id}/")).by(&ann).text(&set).await.blames(&["quantity"]);
        }
    }
    for product in ["0", "-1", "\"1\"", "null", "1.0", "9223372036854775808"] {
        let line = format!(r#"{{"product": {product}, "quantity": 1}}"#);
        shop.post("/create-cart/").by(&ann).text(&line).await.blames(&["product"]);
    }
    for stock in ["-1", "1.5", "\"3\"", "null", "1000000001", "9223372036854775808"] {
        let product = format!(r#"{{"name": "Mug", "price": "5", "stock": {stock}}}"#);
        shop.post("/product/").by(&shop.admin).text(&product).await.blames(&["stock"]);
    }
    let lines = Value::from(vec![json!({"product": id, "quantity": 1}); 101]);
    shop.post("/create-cart/").by(&ann).json(&lines).await.blames(&["body"]);
    assert_eq!(shop.get("/cart/").by(&ann).send().await.is(200)["items"], json!([]), "nothing of it was done");
}

#[tokio::test]
async fn s20_text_is_kept_as_it_is_or_refused() {
    let shop = Shop::open().await;
    for name in ["Café ☕", "\u{202e}gum", "a\"b\\c", "<script>alert(1)</script>", "'; drop table products; --", &"ß".repeat(200)]
    {
        let product = json!({"name": name, "price": "1", "stock": 0, "description": "one\r\ntwo"});
        let made = shop.post("/product/").by(&shop.admin).json(&product).await.is(201);
        let read = shop.get(&format!("/product/{}/", made["id"])).send().await.is(200);
        assert_eq!((&read["name"], &read["description"]), (&json!(name), &json!("one\r\ntwo")));
    }
    for name in ["", " ", "a\u{0}b", "a\r\nb", "\u{200b}", "\u{feff}\u{2060}", "\u{202e}", &"x".repeat(201), &"x".repeat(500_000)]
    {
        shop.post("/product/").by(&shop.admin).json(&json!({"name": name, "price": "1", "stock": 0})).await.blames(&["name"]);
        shop.post("/category/").by(&shop.admin).json(&json!({"name": name})).await.blames(&["name"]);
    }
    for description in ["\u{0}", "\u{7}", &"x".repeat(10_001)] {
        shop.post("/category/")
            .by(&shop.admin)
            .json(&json!({"name": "A", "description": description}))
            .await
            .blames(&["description"]);
    }
    for email in [
        "a@b.com\r\nBcc: x@y.z",
        "caf\u{e9}@b.com",
        "cafe\u{301}@b.com",
        "a@b.com\u{0}",
        "a@@b.com",
        &format!("{}@b.com", "x".repeat(1_000)),
    ] {
        shop.post("/register/").json(&json!({"email": email, "password": "correct horse"})).await.blames(&["email"]);
        let login = shop.post("/login/").json(&json!({"email": email, "password": "correct horse"})).await;
        login.refused(401, "invalid_credentials");
    }
}

#[tokio::test]
async fn a_key_has_1_to_255_characters() {
    let shop = Shop::open().await;
    let ann = shop.customer().await;
    for key in ["", " ", &"x".repeat(256)] {
        shop.post("/checkout/").by(&ann).header("idempotency-key", key).send().await.blames(&["Idempotency-Key"]);
    }
    shop.post("/checkout/").by(&ann).header("idempotency-key", &"x".repeat(255)).send().await.refused(409, "cart_empty");
}
