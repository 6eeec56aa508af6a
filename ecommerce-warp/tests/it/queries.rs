//! Pages, filters and search.

use serde_json::{Value, json};

use crate::support::Shop;

#[tokio::test]
async fn pages_lead_to_each_other_and_keep_the_query() {
    let shop = Shop::open().await;
    for number in 1..=5 {
        shop.product(&format!("Tea & cake {number}"), "5.00", 1).await;
    }
    let first = shop.get("/product/?search=tea+%26&page_size=2&utm_source=x").send().await.is(200);
    assert_eq!((&first["count"], &first["previous"]), (&json!(5), &Value::Null));
    assert_eq!(first["next"], "/product/?search=tea+%26&page_size=2&utm_source=x&page=2");

    let (mut page, mut names) = (first, Vec::new());
    loop {
        names.extend(page["results"].as_array().unwrap().iter().map(|product| product["name"].clone()));
        let Some(next) = page["next"].as_str().map(ToOwned::to_owned) else { break };
        page = shop.get(&next).send().await.is(200);
        let back = shop.get(page["previous"].as_str().unwrap()).send().await.is(200);
        assert_eq!(back["next"], json!(next));
    }
    assert_eq!(names.len(), 5);
    let behind = shop.get("/product/?page=4&page_size=2").send().await.is(200);
    assert_eq!((&behind["results"], &behind["next"], &behind["count"]), (&json!([]), &Value::Null, &json!(5)));
}

#[tokio::test]
async fn a_hidden_product_is_there_for_admins_only() {
    let shop = Shop::open().await;
    let hidden = json!({"name": "Secret", "price": "5", "stock": 9, "is_available": false});
    let id = shop.post("/product/").by(&shop.admin).json(&hidden).await.is(201)["id"].clone();
    let ann = shop.customer().await;
    let path = format!("/product/{id}/");
    shop.get(&path).send().await.refused(404, "not_found");
    shop.get(&path).by(&ann).send().await.refused(404, "not_found");
    shop.get(&path).by(&shop.admin).send().await.is(200);
    assert_eq!(shop.get("/product/").by(&ann).send().await.is(200)["count"], 0);
    assert_eq!(shop.get("/product/").by(&shop.admin).send().await.is(200)["count"], 1);
    shop.post("/create-cart/").by(&ann).json(&json!({"product": id, "quantity": 1})).await.refused(404, "not_found");
}
