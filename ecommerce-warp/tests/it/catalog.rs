//! What products are like, and categories in categories, as they come in and go out.

use serde_json::{Value, json};

use crate::support::Shop;

impl Shop {
    /// The id of a new category.
    async fn category(&self, name: &str, parent: Option<i64>) -> i64 {
        let category = json!({"name": name, "parent": parent});
        self.post("/category/").by(&self.admin).json(&category).await.is(201)["id"].as_i64().unwrap()
    }
}

#[tokio::test]
async fn attributes_are_replaced_as_a_whole_or_left_alone() {
    let shop = Shop::open().await;
    let mug = json!({"name": "Mug", "price": "5", "stock": 1, "attributes": {"size": "M", "Color": " red "}});
    let made = shop.post("/product/").by(&shop.admin).json(&mug).await;
    let first_tag = made.header("etag").to_owned();
    let made = made.is(201);
    assert_eq!(made["attributes"], json!({"Color": "red", "size": "M"}));
    let path = format!("/product/{}/", made["id"]);
    let read = shop.get(&path).send().await;
    assert_eq!((read.header("etag"), read.is(200)), (first_tag.as_str(), made.clone()));
    assert!(read.text.contains(r#""attributes":{"Color":"red","size":"M"}"#), "in one order: {}", read.text);
    assert_eq!(shop.get("/product/").send().await.is(200)["results"], json!([made]));

    let patch = async |body: Value| shop.patch(&path).by(&shop.admin).json(&body).await.is(200)["attributes"].clone();
    assert_eq!(patch(json!({"stock": 2})).await, made["attributes"]);
    assert_eq!(patch(json!({"attributes": {"size": "L"}})).await, json!({"size": "L"}));
    let stale = shop.patch(&path).by(&shop.admin).header("if-match", &first_tag).json(&json!({"attributes": {}})).await;
    stale.refused(412, "precondition_failed");
    let put = json!({"name": "Mug", "price": "5", "stock": 2});
    assert_eq!(shop.put(&path).by(&shop.admin).json(&put).await.is(200)["attributes"], json!({"size": "L"}));
    assert_eq!(patch(json!({"attributes": {}})).await, json!({}));
    let plain = shop.product("Plate", "5", 1).await;
    assert_eq!(shop.get(&format!("/product/{plain}/")).send().await.is(200)["attributes"], json!({}));
}

#[tokio::test]
async fn bad_attributes_are_named() {
    let shop = Shop::open().await;
    let id = shop.product("Mug", "5", 1).await;
    let many: Vec<_> = (0..31).map(|number| format!(r#""n{number}": "x""#)).collect();
    for (attributes, field, reason) in [
        (r#"{"": "red"}"#, "attributes", "a name must not be blank"),
        (r#"{"color": ""}"#, "attributes", "the value of \"color\" must not be blank"),
        (r#"{"color": "dark\nred"}"#, "attributes", "the value of \"color\" must not contain control characters"),
        (r#"{"a=b": "red"}"#, "attributes", "the name \"a=b\" must not contain ="),
        (r#"{"color": "red", "color": "blue"}"#, "attributes", "must not name \"color\" twice"),
        (r#"{"color": "red", "COLOR": "blue"}"#, "attributes", "must not name \"COLOR\" twice"),
        (&*format!("{{{}}}", many.join(",")), "attributes", "must be at most 30"),
        (&*format!(r#"{{"{}": "red"}}"#, "x".repeat(41)), "attributes", "a name must have 1 to 40 characters, not 41"),
        (&*format!(r#"{{"color": "{}"}}"#, "x".repeat(201)), "attributes", "must have 1 to 200 characters, not 201"),
        (r#"{"color": null}"#, "attributes.color", "must be text"),
        (r#"{"color": 7}"#, "attributes.color", "must be text"),
        (r#"{"color": {"dark": "red"}}"#, "attributes.color", "must be text"),
        ("null", "attributes", "must be an object"),
        ("[]", "attributes", "must be an object"),
        ("\"color\"", "attributes", "must be an object"),
    ] {
        let whole = format!(r#"{{"name": "Mug", "price": "5", "stock": 1, "attributes": {attributes}}}"#);
        let part = format!(r#"{{"attributes": {attributes}}}"#);
        let path = format!("/product/{id}/");
        for reply in [
            shop.post("/product/").by(&shop.admin).text(&whole).await,
            shop.put(&path).by(&shop.admin).text(&whole).await,
            shop.patch(&path).by(&shop.admin).text(&part).await,
        ] {
            reply.blames(&[field]);
            assert!(reply.is(422)["errors"][field][0].as_str().unwrap().contains(reason), "{attributes}: {}", reply.text);
        }
    }
    assert_eq!(shop.get("/product/").send().await.is(200)["count"], 1);
}

#[tokio::test]
async fn a_category_is_found_with_all_that_is_below_it() {
    let shop = Shop::open().await;
    let home = shop.category("Home", None).await;
    let kitchen = shop.category("Kitchen", Some(home)).await;
    let mug = json!({"name": "Mug", "price": "5", "stock": 1, "category": kitchen});
    let mug = shop.post("/product/").by(&shop.admin).json(&mug).await.is(201);
    assert_eq!(mug["category"], json!({"id": kitchen, "name": "Kitchen"}));
    let found = async |category: i64| shop.get(&format!("/product/?category={category}")).send().await.is(200)["results"].clone();
    assert_eq!(found(home).await, json!([mug]));

    let path = format!("/category/{kitchen}/");
    assert_eq!(shop.get(&path).send().await.is(200)["parent"], home);
    let put = shop.put(&path).by(&shop.admin).json(&json!({"name": "Kitchen"})).await.is(200);
    assert_eq!(put["parent"], home, "what is left out stays");
    shop.delete(&format!("/category/{home}/")).by(&shop.admin).send().await.refused(409, "category_in_use");
    let top = shop.patch(&path).by(&shop.admin).json(&json!({"parent": null})).await.is(200);
    assert_eq!(top["parent"], Value::Null);
    assert_eq!((found(home).await, found(kitchen).await[0]["id"].clone()), (json!([]), mug["id"].clone()));
    shop.delete(&format!("/category/{home}/")).by(&shop.admin).send().await.is(204);
}

#[tokio::test]
async fn a_bad_parent_is_named() {
    let shop = Shop::open().await;
    let home = shop.category("Home", None).await;
    let kitchen = shop.category("Kitchen", Some(home)).await;
    for parent in [json!(kitchen), json!(home), json!(4711), json!(0), json!(-1), json!("1"), json!(1.5), json!([])] {
        let path = format!("/category/{home}/");
        shop.patch(&path).by(&shop.admin).json(&json!({"parent": parent})).await.blames(&["parent"]);
        shop.put(&path).by(&shop.admin).json(&json!({"name": "Home", "parent": parent})).await.blames(&["parent"]);
    }
    for parent in [json!(4711), json!(0), json!("1")] {
        shop.post("/category/").by(&shop.admin).json(&json!({"name": "New", "parent": parent})).await.blames(&["parent"]);
    }
    let mut lowest = kitchen;
    for level in 3..=10 {
        lowest = shop.category(&format!("Level {level}"), Some(lowest)).await;
    }
    shop.post("/category/").by(&shop.admin).json(&json!({"name": "Level 11", "parent": lowest})).await.blames(&["parent"]);
}
