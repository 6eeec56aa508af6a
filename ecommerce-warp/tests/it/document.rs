//! The OpenAPI document and the page that shows it.

use serde_json::Value;

use crate::support::Shop;

const RENEW: &str = "cargo run -- openapi > ecommerce-warp/openapi.json";

#[test]
fn the_committed_document_is_current() {
    let committed: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let current: Value = serde_json::from_str(&ecommerce_warp::openapi().to_json().unwrap()).unwrap();
    assert!(committed == current, "openapi.json is out of date: {RENEW}");
}

#[tokio::test]
async fn what_is_served_is_what_is_committed() {
    let shop = Shop::open().await;
    let reply = shop.get("/openapi.json").send().await;
    assert_eq!(reply.header("content-type"), "application/json");
    let document = reply.is(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let current: Value = serde_json::from_str(&ecommerce_warp::openapi().to_json().unwrap()).unwrap();
    assert_eq!(document, current);
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_says_what_it_answers() {
    let document: Value = serde_json::from_str(&ecommerce_warp::openapi().to_json().unwrap()).unwrap();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].is_string() && operation["operationId"].is_string(), "{method} {path}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let has_schema = response["content"].as_object().is_some_and(|content| !content.is_empty());
                let needs_schema = !matches!(status.as_str(), "204" | "304") && !path.starts_with("/docs");
                assert!(has_schema || !needs_schema, "{method} {path} {status}");
            }
        }
    }
}

#[tokio::test]
async fn s04_what_is_answered_fits_the_document() {
    let shop = Shop::open().await;
    let document: Value = serde_json::from_str(&ecommerce_warp::openapi().to_json().unwrap()).unwrap();
    let id = shop.product("Mug", "5.00", 3).await;
    shop.post("/category/").by(&shop.admin).json(&serde_json::json!({"name": "Kitchen"})).await.is(201);
    let ann = shop.customer().await;
    shop.post("/create-cart/").by(&ann).json(&serde_json::json!({"product": id, "quantity": 1})).await.is(200);
    let cart = shop.get("/cart/").by(&ann).send().await.is(200);
    let order = shop.post("/checkout/").by(&ann).send().await.is(201);
    let path = |path: &str| path.to_owned();
    for (template, asked, answer) in [
        ("/cart/", String::new(), Some(cart)),
        ("/orders/{id}/", format!("/orders/{}/", order["id"]), None),
        ("/orders/", path("/orders/"), None),
        ("/me/", path("/me/"), None),
        ("/audit-log/", String::new(), Some(shop.get("/audit-log/").by(&shop.admin).send().await.is(200))),
        ("/product/{id}/", format!("/product/{id}/"), None),
        ("/product/", path("/product/"), None),
        ("/category/", path("/category/"), None),
    ] {
        let answer = if let Some(answer) = answer { answer } else { shop.get(&asked).by(&ann).send().await.is(200) };
        let schema = &document["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        assert_fits(&document, schema, &answer, template);
    }
}

#[tokio::test]
async fn the_page_needs_no_other_host() {
    let shop = Shop::open().await;
    let beside = shop.get("/docs").send().await;
    assert!(beside.status == 200 && beside.text.contains("<base href=\"docs/\">"), "{}", beside.text);
    let page = shop.get("/docs/").send().await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").contains("default-src 'self'"));
    assert!(!page.text.contains("//"), "{}", page.text);
    for part in page.text.split(['"', '\'']).filter(|part| part.starts_with("./")) {
        let asset = shop.get(&format!("/docs/{}", &part[2..])).send().await;
        assert_eq!(asset.status, 200, "{part}");
    }
    let start = shop.get("/docs/swagger-initializer.js").send().await;
    assert!(start.text.contains("../openapi.json") && !start.text.contains("http"), "{}", start.text);
}

fn collect<'v>(value: &'v Value, references: &mut Vec<&'v str>) {
    match value {
        Value::Object(fields) => {
            references.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| collect(value, references));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

/// As much of JSON Schema as the document uses for answers: every field that is there is described, and the other way round.
fn assert_fits(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        return assert_fits(document, document.pointer(&reference[1..]).unwrap(), value, place);
    }
    if let Some(ways) = schema["oneOf"].as_array() {
        let way = ways.iter().find(|way| (way["type"] == "null") == value.is_null());
        return assert_fits(document, way.unwrap_or_else(|| panic!("{place}: {value}")), value, place);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
    assert!(kinds.contains(&kind.into()), "{place}: {value} is no {kinds:?}");
    match value {
        // A map, whose keys are not known.
        Value::Object(_) if schema["additionalProperties"].is_object() => {}
        Value::Object(fields) => {
            let described = schema["properties"].as_object().unwrap();
            assert_eq!(fields.keys().collect::<Vec<_>>().len(), described.len(), "{place}: {value}");
            for (name, value) in fields {
                let schema = described.get(name).unwrap_or_else(|| panic!("{place}.{name} is not described"));
                assert_fits(document, schema, value, &format!("{place}.{name}"));
            }
            let required = schema["required"].as_array().unwrap();
            assert_eq!(required.len(), described.len(), "{place}: every field is always there");
        }
        Value::Array(values) => values.iter().for_each(|value| assert_fits(document, &schema["items"], value, place)),
        Value::String(word) => {
            if let Some(words) = schema["enum"].as_array() {
                assert!(words.contains(&word.as_str().into()), "{place}: {word}");
            }
        }
        _ => {}
    }
}
