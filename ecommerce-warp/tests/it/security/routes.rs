//! S28: the document and the routes are one.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::Shop;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

#[tokio::test]
async fn s28_every_documented_method_is_there_and_no_other() {
    let shop = Shop::open().await;
    let document: Value = serde_json::from_str(&ecommerce_warp::openapi().to_json().unwrap()).unwrap();
    for (template, item) in document["paths"].as_object().unwrap() {
        let documented: BTreeSet<_> = item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        assert!(documented.iter().all(|method| METHODS.contains(&method.as_str())), "{template}: {documented:?}");
        let path = template.replace("{id}", "999999").replace("{file}", "swagger-ui.css").replace("{provider}", "bank");
        for method in METHODS {
            let reply = shop.ask(method, &path).send().await;
            assert_eq!(reply.status != 405, documented.contains(method), "{method} {path}: {}", reply.status);
            if reply.status == 405 {
                let allowed = reply.header("allow").split(", ").map(ToOwned::to_owned).collect::<BTreeSet<_>>();
                let head = documented.contains("GET").then(|| "HEAD".to_owned());
                assert_eq!(allowed, documented.iter().cloned().chain(head).collect(), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn s28_every_status_of_an_operation_is_documented() {
    let shop = Shop::open().await;
    let ann = shop.customer().await;
    let document: Value = serde_json::from_str(&ecommerce_warp::openapi().to_json().unwrap()).unwrap();
    for (template, item) in document["paths"].as_object().unwrap() {
        let path = template.replace("{id}", "999999").replace("{file}", "nothing.css").replace("{provider}", "bank");
        for (method, operation) in item.as_object().unwrap() {
            let ask = || shop.ask(&method.to_uppercase(), &path);
            for reply in [
                ask().send().await,
                ask().by(&ann).send().await,
                ask().by(&shop.admin).text("{").await,
                ask().by(&shop.admin).bytes(b"{}").await,
                ask().by(&shop.admin).text(r#"{"unknown": 1}"#).await,
                ask().by(&shop.admin).text(&" ".repeat(2_000_000)).await,
            ] {
                let status = reply.status.to_string();
                assert!(operation["responses"][&status].is_object(), "{method} {path} answers {status}: {}", reply.text);
            }
        }
    }
}
