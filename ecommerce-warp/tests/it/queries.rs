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
async fn a_value_that_cannot_be_is_named() {
    let shop = Shop::open().await;
    for (query, field) in [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=1000000000000000000", "page"),
        ("page=x", "page"),
        ("page=%2B1", "page"),
        ("page=1.0", "page"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("page_size=1000000000", "page_size"),
        ("page=1&page=2", "page"),
        ("ordering=password", "ordering"),
        ("ordering=name;drop", "ordering"),
        ("ordering=--name", "ordering"),
        ("ordering=Name", "ordering"),
        ("min_price=abc", "min_price"),
        ("max_price=-1", "max_price"),
        ("max_price=1e400", "max_price"),
        ("min_price=NaN", "min_price"),
        ("category=x", "category"),
        ("category=0", "category"),
        ("category=01", "category"),
        ("in_stock=perhaps", "in_stock"),
        ("search=a&search=b", "search"),
    ] {
        shop.get(&format!("/product/?{query}")).send().await.blames(&[field]);
    }
    for query in ["status=sold", "user=0", "page=0", "page_size=0"] {
        let field = query.split('=').next().unwrap();
        shop.get(&format!("/orders/?{query}")).by(&shop.admin).send().await.blames(&[field]);
    }
    for query in ["user=0", "user=eve@example.com", "from=yesterday", "from=2026-01-31", "from=1769851800", "page=0"] {
        let field = query.split('=').next().unwrap();
        shop.get(&format!("/audit-log/?{query}")).by(&shop.admin).send().await.blames(&[field]);
    }
    shop.get("/product/?page=0&ordering=x&in_stock=2").send().await.blames(&["in_stock", "ordering", "page"]);
    assert_eq!(shop.get("/product/?unknown=1&unknown=2&search=&page=").send().await.status, 200);
}

#[tokio::test]
async fn search_takes_everything_literally() {
    let shop = Shop::open().await;
    shop.product("100% wool_scarf", "5.00", 1).await;
    shop.product("Mug", "7.00", 0).await;
    let long = "x".repeat(10_000);
    for search in [
        "%25",
        "_",
        "%5C",
        "%27",
        "%22",
        "%22mug",
        "mug%22+OR+1=1",
        "*",
        "mug*",
        "NEAR(a+b)",
        "a+AND",
        "name:mug",
        "-mug",
        "(",
        "%29",
        "%26%7C!",
        ":*",
        "%00",
        "%F0%9F%98%80",
        "%FF",
        &long,
    ] {
        let reply = shop.get(&format!("/product/?search={search}")).send().await;
        assert!(matches!(reply.status, 200 | 422), "{search}: {}", reply.text);
        let reply = shop.get(&format!("/category/?search={search}")).send().await;
        assert!(matches!(reply.status, 200 | 422), "{search}: {}", reply.text);
    }
    let found = async |query: &str| shop.get(&format!("/product/?{query}")).send().await.is(200)["count"].clone();
    assert_eq!(found("search=MU").await, 1);
    assert_eq!(found("search=wool").await, 1);
    assert_eq!(found("search=nothing").await, 0);
    assert_eq!(found("min_price=5.01").await, 1);
    assert_eq!(found("max_price=5").await, 1);
    assert_eq!(found("in_stock=true").await, 1);
    let dearest = shop.get("/product/?ordering=-price").send().await.is(200);
    assert_eq!(dearest["results"][0]["name"], "Mug");
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
