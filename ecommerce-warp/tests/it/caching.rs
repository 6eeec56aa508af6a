//! What a reader has already, and what a writer saw.

use serde_json::json;

use crate::support::Shop;

#[tokio::test]
async fn a_reader_who_has_it_gets_304() {
    let shop = Shop::open().await;
    let id = shop.product("Mug", "5.00", 3).await;
    for path in [format!("/product/{id}/"), "/product/".to_owned(), "/product/?search=mug".to_owned(), "/category/".to_owned()] {
        let first = shop.get(&path).send().await;
        let etag = first.header("etag").to_owned();
        assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 2, "{path}: {etag}");
        assert_eq!((first.header("cache-control"), first.header("vary")), ("no-cache", "authorization"));

        for known in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
            let again = shop.get(&path).header("if-none-match", &known).send().await;
            assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", etag.as_str()), "{path} {known}");
            assert_eq!((again.header("cache-control"), again.header("vary")), ("no-cache", "authorization"));
        }
        assert_eq!(shop.get(&path).header("if-none-match", "\"other\"").send().await.status, 200);
        assert_eq!(shop.ask("HEAD", &path).header("if-none-match", &etag).send().await.status, 304);
        let admin = shop.get(&path).by(&shop.admin).send().await;
        assert_eq!(admin.header("etag"), etag, "the same for every reader");
    }
}

#[tokio::test]
async fn every_change_that_a_reader_sees_changes_the_tag() {
    let shop = Shop::open().await;
    let category = shop.post("/category/").by(&shop.admin).json(&json!({"name": "Kitchen"})).await.is(201)["id"].clone();
    let product = json!({"name": "Mug", "price": "5", "stock": 3, "category": category});
    let made = shop.post("/product/").by(&shop.admin).json(&product).await;
    let path = made.header("location").to_owned();
    assert_eq!(shop.get(&path).send().await.header("etag"), made.header("etag"));

    let mut seen = vec![made.header("etag").to_owned()];
    for change in [json!({"name": "Cup"}), json!({"price": "6"}), json!({"stock": 4}), json!({"sku": "M1"})] {
        let changed = shop.patch(&path).by(&shop.admin).json(&change).await;
        changed.is(200);
        seen.push(changed.header("etag").to_owned());
    }
    shop.patch(&format!("/category/{category}/")).by(&shop.admin).json(&json!({"name": "Table"})).await.is(200);
    seen.push(shop.get(&path).send().await.header("etag").to_owned());
    let different = seen.iter().collect::<std::collections::HashSet<_>>();
    assert_eq!(different.len(), seen.len(), "{seen:?}");
}

#[tokio::test]
async fn a_writer_who_saw_an_older_state_is_refused() {
    let shop = Shop::open().await;
    let id = shop.product("Mug", "5.00", 3).await;
    let made = shop.post("/category/").by(&shop.admin).json(&json!({"name": "Kitchen"})).await;
    for path in [format!("/product/{id}/"), made.header("location").to_owned()] {
        let seen = shop.get(&path).send().await.header("etag").to_owned();
        let write = |etag: &str, name: &str| {
            let (ask, body) = (shop.patch(&path).by(&shop.admin).header("if-match", etag), json!({ "name": name }));
            async move { ask.json(&body).await }
        };
        let fresh = write(&seen, "First").await;
        fresh.is(200);
        write(&seen, "Second").await.refused(412, "precondition_failed");
        write(&format!("W/{}", fresh.header("etag")), "Second").await.refused(412, "precondition_failed");
        write("nonsense", "Second").await.refused(412, "precondition_failed");
        write(&format!("{seen}, {}", fresh.header("etag")), "Third").await.is(200);
        write("*", "Fourth").await.is(200);

        let gone = shop.delete(&path).by(&shop.admin).header("if-match", &seen).send().await;
        gone.refused(412, "precondition_failed");
        shop.delete(&path).by(&shop.admin).send().await.is(204);
        write("*", "Fifth").await.refused(404, "not_found");
    }
}
