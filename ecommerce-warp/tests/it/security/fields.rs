//! What may stand in a request and what stands in an answer, read off the document; each test shows the point of its number.

use ecommerce_core::PageRequest;
use serde_json::{Map, Value, json};

use crate::support::Shop;

/// What nobody may set by slipping it into a body.
const SLIPPED_IN: &[&str] = &["role", "price", "total", "status", "user_id", "id", "created_at", "is_admin", "paid"];

struct Operation {
    method: String,
    path: String,
    by_admin: bool,
    /// The schema of its JSON, where it takes any.
    takes: Option<Value>,
    /// The schemas of its answers.
    answers: Vec<Value>,
}

fn document() -> Value {
    serde_json::from_str(&ecommerce_warp::openapi().to_json().unwrap()).unwrap()
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let json = |body: &Value| body.pointer("/content/application~1json/schema").cloned();
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                by_admin: operation["security"][0]["bearer"][0] == "admin",
                takes: json(&operation["requestBody"]),
                answers: operation["responses"].as_object().unwrap().values().filter_map(json).collect(),
            });
        }
    }
    operations
}

/// The schema that is meant; of several ways the first.
fn meant<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match (&schema["$ref"], &schema["oneOf"]) {
        (Value::String(reference), _) => meant(document, document.pointer(&reference[1..]).unwrap()),
        (_, Value::Array(ways)) => meant(document, &ways[0]),
        _ => schema,
    }
}

fn example(document: &Value, schema: &Value) -> Value {
    let shown = |schema: &Value| schema.get("example").or_else(|| schema["examples"].get(0)).cloned();
    shown(schema).or_else(|| shown(meant(document, schema))).unwrap_or_else(|| panic!("no example: {schema}"))
}

/// As little as a call takes, by the document's examples, and the names of all fields that it knows.
fn smallest(document: &Value, schema: &Value) -> (Map<String, Value>, Vec<String>) {
    let schema = meant(document, schema);
    let known = schema["properties"].as_object().cloned().unwrap_or_default();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let body = required.iter().map(|name| name.as_str().unwrap()).map(|name| (name.to_owned(), example(document, &known[name])));
    (body.collect(), known.keys().cloned().collect())
}

/// All that anybody can see of the shop.
async fn everything(shop: &Shop, ann: &str) -> Vec<String> {
    let mut seen =
        vec![format!("{:?}", shop.store.user_list(shop.store.system().admin(), PageRequest::default()).await.unwrap())];
    for path in ["/product/", "/category/", "/orders/", "/audit-log/"] {
        seen.push(shop.get(path).by(&shop.admin).send().await.text);
    }
    for path in ["/cart/", "/me/", "/orders/"] {
        seen.push(shop.get(path).by(ann).send().await.text);
    }
    seen
}

#[tokio::test]
async fn s03_no_call_takes_a_field_that_it_does_not_know() {
    let shop = Shop::open().await;
    let document = document();
    let ann = shop.customer().await;
    let mug = shop.product("Mug", "5.00", 9).await;
    shop.post("/category/").by(&shop.admin).json(&json!({"name": "Kitchen"})).await.is(201);
    let line = json!({"product": mug, "quantity": 1});
    shop.post("/create-cart/").by(&ann).json(&line).await.is(200);
    shop.post("/checkout/").by(&ann).send().await.is(201);
    shop.post("/create-cart/").by(&ann).json(&line).await.is(200);

    let before = everything(&shop, &ann).await;
    let writes: Vec<_> = operations(&document).into_iter().filter(|operation| operation.takes.is_some()).collect();
    assert!(writes.len() >= 20, "{}", writes.len());
    let ask = |write: &Operation| {
        let token = if write.by_admin { &shop.admin } else { &ann };
        shop.ask(&write.method, &write.path.replace("{id}", "1")).by(token)
    };
    for write in &writes {
        let (body, known) = smallest(&document, write.takes.as_ref().unwrap());
        for field in SLIPPED_IN.iter().filter(|field| !known.iter().any(|known| known == *field)) {
            let mut body = body.clone();
            body.insert((*field).to_owned(), json!("admin"));
            let reply = ask(write).json(&Value::Object(body)).await;
            assert_eq!(reply.status, 422, "{} {} {field}: {}", write.method, write.path, reply.text);
            reply.blames(&[field]);
        }
    }
    assert_eq!(everything(&shop, &ann).await, before);

    // It was the field: without it each is taken, or refused for what the shop is like.
    let unknown = "is not a field of this call";
    for write in writes.iter().filter(|write| write.path != "/logout/") {
        let (body, _) = smallest(&document, write.takes.as_ref().unwrap());
        let reply = ask(write).json(&Value::Object(body)).await;
        assert!(
            !matches!(reply.status, 400 | 403) && !reply.text.contains(unknown),
            "{} {}: {}",
            write.method,
            write.path,
            reply.text
        );
    }
    assert_ne!(everything(&shop, &ann).await, before);
}

#[test]
fn s04_answers_are_closed_and_have_no_place_for_secrets() {
    let document = document();
    let mut seen = Vec::new();
    let mut open = Vec::new();
    for operation in operations(&document) {
        for answer in &operation.answers {
            fields(&document, answer, "", &mut seen, &mut open);
        }
    }
    let is_secret =
        |name: &String| ["password", "hash", "token", "secret", "nonce", "key", "session"].iter().any(|word| name.contains(word));
    let mut secrets: Vec<_> = seen.iter().filter(|name| is_secret(name)).map(String::as_str).collect();
    secrets.sort_unstable();
    secrets.dedup();
    // A session's key for whoever signs in, and what Stripe's script in a buyer's browser needs to show the form.
    assert_eq!(secrets, ["client_secret", "token"]);
    open.sort_unstable();
    open.dedup();
    assert_eq!(open, ["attributes", "detail", "facets"], "only what is said of products or of a deed has names of its own");
    assert!(seen.len() > 100, "{}", seen.len());
}

/// The names of all fields below a schema, and of those whose own fields are not named.
fn fields(document: &Value, schema: &Value, place: &str, seen: &mut Vec<String>, open: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return fields(document, document.pointer(&reference[1..]).unwrap(), place, seen, open);
    }
    for ways in ["oneOf", "anyOf", "allOf"] {
        schema[ways].as_array().into_iter().flatten().for_each(|way| fields(document, way, place, seen, open));
    }
    if schema["items"].is_object() {
        fields(document, &schema["items"], place, seen, open);
    }
    let properties = schema["properties"].as_object();
    if schema["type"] == "object" && (properties.is_none() || schema["additionalProperties"].is_object()) {
        open.push(place.to_owned());
    }
    for (name, schema) in properties.into_iter().flatten() {
        seen.push(name.clone());
        fields(document, schema, name, seen, open);
    }
}

#[tokio::test]
async fn s04_no_answer_holds_what_is_somebody_else_s() {
    let shop = Shop::open().await;
    let account = json!({"email": "zenobia@example.com", "password": "correct horse", "name": "Zenobia"});
    let ann = shop.post("/register/").json(&account).await.is(201)["token"].as_str().unwrap().to_owned();
    let bob = shop.customer().await;
    let mug = shop.product("Mug", "5.00", 9).await;
    for token in [&ann, &bob] {
        shop.post("/create-cart/").by(token).json(&json!({"product": mug, "quantity": 1})).await.is(200);
        shop.post("/checkout/").by(token).send().await.is(201);
    }
    let mut answers = 0;
    for operation in operations(&document()) {
        // Ann's order is the first, and so is the product.
        let path = operation.path.replace("{id}", "1").replace("{file}", "index.css");
        let method = if operation.path == "/logout/" { "GET" } else { &operation.method };
        for reply in [shop.ask(method, &path).by(&bob).send().await, shop.ask(method, &path).send().await] {
            for told in ["zenobia", "Zenobia", "argon2", &ann, &bob] {
                assert!(!reply.text.contains(told), "{method} {path} tells {told}");
            }
            answers += usize::from(reply.status == 200);
        }
    }
    assert!(answers > 15, "{answers}");
    // Ann herself and whoever manages the shop read it.
    assert_eq!(shop.get("/orders/1/").by(&ann).send().await.is(200)["customer"]["email"], "zenobia@example.com");
    assert!(shop.get("/orders/").by(&shop.admin).send().await.text.contains("zenobia@example.com"));
}

/// S15: where the shop calls, and where a provider sends a buyer back to, only its operator says.
#[test]
fn s15_no_call_takes_an_address() {
    let document = document();
    let mut taken = Vec::new();
    for takes in operations(&document).iter().filter_map(|operation| operation.takes.as_ref()) {
        fields(&document, takes, "", &mut taken, &mut Vec::new());
    }
    assert!(taken.len() > 20, "{taken:?}");
    let is_address =
        |name: &&String| ["url", "uri", "host", "callback", "redirect", "webhook"].iter().any(|word| name.contains(word));
    assert_eq!(taken.iter().find(is_address), None);
}
