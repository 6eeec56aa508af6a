//! A shop with an admin and its customers, and short ways to ask it.

use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicU64, Ordering},
};

use ecommerce_core::{Registration, Store, StoreBuilder};
use ecommerce_warp::{Config, routes};
use serde_json::{Value, json};
use warp::{
    Filter,
    filters::BoxedFilter,
    http::{HeaderMap, StatusCode},
    reply::Response,
};

pub struct Shop {
    pub admin: String,
    pub store: Store,
    routes: BoxedFilter<(Response,)>,
    customers: AtomicU64,
}

pub struct Ask<'s> {
    shop: &'s Shop,
    request: warp::test::RequestBuilder,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Shop {
    pub async fn open() -> Self {
        Self::with(Store::builder(), Config::default()).await
    }

    pub async fn with(builder: StoreBuilder, config: Config) -> Self {
        let store = builder.background(false).open("sqlite::memory:").await.unwrap();
        let registration = Registration {
            email: "admin@example.com".parse().unwrap(),
            password: "admin's password".parse().unwrap(),
            name: None,
        };
        store.user_create_admin(store.system().admin(), registration).await.unwrap();
        let signed_in = store.login("admin@example.com", "admin's password").await.unwrap();
        let (admin, routes) = (signed_in.token.reveal().to_owned(), routes(store.clone(), config).boxed());
        Self { admin, store, routes, customers: AtomicU64::new(1) }
    }

    /// The token of a new customer.
    pub async fn customer(&self) -> String {
        let number = self.customers.fetch_add(1, Ordering::Relaxed);
        let account = json!({"email": format!("customer{number}@example.com"), "password": "correct horse"});
        let reply = self.post("/register/").json(&account).await;
        reply.is(201)["token"].as_str().unwrap().to_owned()
    }

    /// The id of a new product.
    pub async fn product(&self, name: &str, price: &str, stock: i64) -> i64 {
        let product = json!({"name": name, "price": price, "stock": stock});
        self.post("/product/").by(&self.admin).json(&product).await.is(201)["id"].as_i64().unwrap()
    }

    pub fn get(&self, path: &str) -> Ask<'_> {
        self.ask("GET", path)
    }

    pub fn post(&self, path: &str) -> Ask<'_> {
        self.ask("POST", path)
    }

    pub fn put(&self, path: &str) -> Ask<'_> {
        self.ask("PUT", path)
    }

    pub fn patch(&self, path: &str) -> Ask<'_> {
        self.ask("PATCH", path)
    }

    pub fn delete(&self, path: &str) -> Ask<'_> {
        self.ask("DELETE", path)
    }

    pub fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        Ask { shop: self, request: warp::test::request().method(method).path(path) }
    }
}

impl Ask<'_> {
    pub fn by(self, token: &str) -> Self {
        self.header("authorization", &format!("Token {token}"))
    }

    pub fn header(self, name: &str, value: &str) -> Self {
        Self { request: self.request.header(name, value), ..self }
    }

    /// As if it came by a connection from this address.
    pub fn from(self, address: &str) -> Self {
        let address: IpAddr = address.parse().unwrap();
        Self { request: self.request.remote_addr(SocketAddr::new(address, 4711)), ..self }
    }

    pub fn extension(self, extension: impl Clone + Send + Sync + 'static) -> Self {
        Self { request: self.request.extension(extension), ..self }
    }

    /// The answer to this JSON.
    pub async fn json(self, body: &Value) -> Reply {
        self.text(&body.to_string()).await
    }

    /// The answer to this text, which calls itself JSON.
    pub async fn text(self, body: &str) -> Reply {
        self.header("content-type", "application/json").bytes(body.as_bytes()).await
    }

    /// The answer to these bytes, which say nothing of themselves.
    pub async fn bytes(self, body: &[u8]) -> Reply {
        Self { request: self.request.body(body), ..self }.send().await
    }

    /// The answer, without a body.
    pub async fn send(self) -> Reply {
        let reply = self.request.reply(&self.shop.routes).await;
        let text = String::from_utf8_lossy(reply.body()).into_owned();
        Reply { status: reply.status().as_u16(), headers: reply.headers().clone(), text }
    }
}

impl Reply {
    /// The JSON of an answer that must have this status.
    #[track_caller]
    pub fn is(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { serde_json::from_str(&self.text).unwrap() }
    }

    /// The problem with this status and code; its shape is checked.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        let problem = self.is(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], "about:blank");
        assert_eq!(problem["title"], StatusCode::from_u16(status).unwrap().canonical_reason().unwrap());
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("x-request-id"), problem["request_id"]);
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        assert_eq!(problem["errors"].is_object(), status == 422 && code != "idempotency_key_reused", "{problem}");
        problem
    }

    /// The fields of a 422 that names these and no others.
    #[track_caller]
    pub fn blames(&self, fields: &[&str]) {
        assert_eq!(self.status, 422, "{}", self.text);
        let problem: Value = serde_json::from_str(&self.text).unwrap();
        let named = problem["errors"].as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(named, fields, "{problem}");
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
