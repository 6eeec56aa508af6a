//! Search, facets, cursors and suggestions over HTTP.

use serde_json::{Value, json};

use crate::support::Shop;

async fn filled() -> Shop {
    let shop = Shop::open().await;
    let kitchen = shop.post("/category/").by(&shop.admin).json(&json!({"name": "Kitchen"})).await.is(201)["id"].clone();
    for (name, price, color) in [("Ceramic mug", "12.50", "red"), ("Enamel mug", "9", "blue"), ("Café cup", "7", "red")] {
        let product = json!({"name": name, "price": price, "stock": 5, "category": kitchen, "attributes": {"color": color}});
        shop.post("/product/").by(&shop.admin).json(&product).await.is(201);
    }
    shop
}

fn names(page: &Value) -> Vec<&str> {
    page["results"].as_array().unwrap().iter().map(|product| product["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_page_says_what_its_hits_have_in_common() {
    let shop = filled().await;
    let page = shop.get("/product/?search=mug&attr.color=red&facets=category,attr.color,price,stars").send().await.is(200);
    assert_eq!(names(&page), ["Ceramic mug"]);
    assert_eq!((&page["count"], &page["count_is"], &page["facets_are"]), (&json!(1), &json!("exact"), &json!("exact")));
    let facets = json!({
        "category": [{"id": 1, "name": "Kitchen", "count": 1}],
        "attr.color": [{"value": "blue", "count": 1}, {"value": "red", "count": 1}],
        "price": {"min": "12.50", "max": "12.50"},
        "stars": [],
    });
    assert_eq!(page["facets"], facets);
    let page = shop.get("/product/?attr.color=red&attr.color=blue&attr.size=").send().await.is(200);
    assert_eq!((&page["count"], &page["facets"], &page["next_cursor"]), (&json!(3), &Value::Null, &Value::Null));
    let page = shop.get("/product/?search=cafe&ordering=relevance").send().await.is(200);
    assert_eq!(names(&page), ["Café cup"]);
}

#[tokio::test]
async fn cursors_lead_on_as_pages_do() {
    let shop = filled().await;
    let first = shop.get("/product/?ordering=-best_selling&page_size=2").send().await.is(200);
    assert_eq!(first["next"], "/product/?ordering=-best_selling&page_size=2&page=2");
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = shop.get(&format!("/product/?ordering=-best_selling&page_size=2&cursor={cursor}")).send().await.is(200);
    assert_eq!((&rest["count"], &rest["next"], &rest["previous"]), (&json!(3), &Value::Null, &Value::Null));
    assert_eq!([names(&first), names(&rest)].concat(), ["Café cup", "Enamel mug", "Ceramic mug"]);

    let first = shop.get(&format!("/product/?page_size=1&cursor={}", plain(&shop).await)).send().await.is(200);
    let next = first["next"].as_str().unwrap();
    assert!(next.contains("cursor=") && !next.contains("page="), "{next}");
    assert_eq!(names(&shop.get(next).send().await.is(200)), ["Café cup"]);
}

/// The cursor behind the first product of the whole list.
async fn plain(shop: &Shop) -> String {
    shop.get("/product/?page_size=1").send().await.is(200)["next_cursor"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_nobody_means_well_is_named() {
    let shop = filled().await;
    let cursor = plain(&shop).await;
    let forged = format!("{}0", &cursor[..cursor.len() - 1]);
    let long = "x".repeat(10_000);
    let many: String = (0..200).map(|number| format!("&attr.name{number}=x")).collect();
    let facets: Vec<_> = (0..11).map(|number| format!("attr.{number}")).collect();
    for (query, field) in [
        (format!("cursor={forged}x"), "cursor"),
        (format!("cursor={cursor}&ordering=name"), "cursor"),
        (format!("cursor={cursor}&page=2"), "cursor"),
        (format!("attr.color={long}"), "attr.color"),
        (many, "attr"),
        (format!("facets={}", facets.join(",")), "facets"),
        ("ordering=best_selling".to_owned(), "ordering"),
    ] {
        shop.get(&format!("/product/?{query}")).send().await.blames(&[field]);
    }
    for nothing in ["attr.color=%00", "attr.%00=x", "search=%00", "facets=attr.%00"] {
        shop.get(&format!("/product/?{nothing}")).send().await.is(200);
    }
    for search in [&long, "%22mug", "%22", "-mug", "the+of", "%22%22+-", "attr.color:red"] {
        shop.get(&format!("/product/?search={search}&facets=attr.taste,price")).send().await.is(200);
    }
}

#[tokio::test]
async fn suggestions_are_short() {
    let shop = filled().await;
    let suggested = shop.get("/search/suggest/?q=mu").send().await.is(200);
    assert_eq!(
        suggested,
        json!({"products": [{"id": 1, "name": "Ceramic mug"}, {"id": 2, "name": "Enamel mug"}], "categories": []})
    );
    let suggested = shop.get("/search/suggest?q=kitch").send().await.is(200);
    assert_eq!(suggested["categories"], json!([{"id": 1, "name": "Kitchen"}]));
    assert_eq!(shop.get("/search/suggest/").send().await.is(200), json!({"products": [], "categories": []}));
}
