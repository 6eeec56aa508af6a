//! S21 and S22: queries that nobody means well with.

use ecommerce_core::PageRequest;
use serde_json::json;

use crate::support::Shop;

#[tokio::test]
async fn s21_search_takes_everything_literally() {
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
async fn s21_s22_a_value_that_cannot_be_is_named() {
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
async fn s22_the_last_page_that_may_be_asked_for_is_empty_and_the_next_is_refused() {
    let shop = Shop::open().await;
    shop.product("Mug", "5.00", 1).await;
    for path in ["/product/", "/category/", "/orders/", "/audit-log/"] {
        let last = PageRequest::MAX_NUMBER;
        let page = shop.get(&format!("{path}?page_size=100&page={last}")).by(&shop.admin).send().await.is(200);
        assert_eq!((&page["results"], &page["next"]), (&json!([]), &json!(null)), "{path}");
        shop.get(&format!("{path}?page={}", last + 1)).by(&shop.admin).send().await.blames(&["page"]);
    }
}
