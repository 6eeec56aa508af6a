//! S25: what headers say, and what they do not.

use ecommerce_core::Store;
use ecommerce_warp::Config;
use serde_json::{Value, json};

use crate::{
    socket::Server,
    support::{Reply, Shop},
};

const ORIGIN: &str = "https://shop.example";

async fn open_to(origins: &[&str]) -> Shop {
    let mut config = Config::default();
    config.cors_origins = origins.iter().map(|origin| origin.parse().unwrap()).collect();
    Shop::with(Store::builder(), config).await
}

/// The headers of CORS in an answer.
fn permissions(reply: &Reply) -> Vec<String> {
    reply.headers.keys().map(ToString::to_string).filter(|name| name.starts_with("access-control-")).collect()
}

#[tokio::test]
async fn s25_every_answer_says_exactly_what_it_is() {
    let shop = Shop::open().await;
    let document: Value = serde_json::from_str(&ecommerce_warp::openapi().to_json().unwrap()).unwrap();
    let id = shop.product("Mug", "5.00", 1).await;
    let mut seen = 0;
    for (template, item) in document["paths"].as_object().unwrap() {
        let described = &item["get"]["responses"]["200"]["content"];
        let Some(kind) = described.as_object().and_then(|content| content.keys().next()) else { continue };
        let path = template.replace("{id}", &id.to_string());
        let reply = shop.get(&path).by(&shop.admin).send().await;
        if reply.status == 404 {
            continue;
        }
        seen += 1;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        assert_eq!(reply.header("content-type").split(';').next().unwrap(), kind, "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        for unsaid in ["server", "x-powered-by", "via", "access-control-allow-origin", "set-cookie"] {
            assert_eq!(reply.header(unsaid), "", "{path}");
        }
        let is_public = ["/product/", "/category/", "/search/", "/docs/"].iter().any(|public| path.starts_with(public));
        assert_eq!(reply.header("cache-control") == "no-store", !is_public, "{path}: {}", reply.header("cache-control"));
    }
    assert!(seen > 10, "only {seen} were looked at");
    for (file, kind) in [
        ("swagger-ui.css", "text/css; charset=utf-8"),
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("favicon-32x32.png", "image/png"),
    ] {
        assert_eq!(shop.get(&format!("/docs/{file}")).send().await.header("content-type"), kind);
    }
}

#[tokio::test]
async fn s25_the_server_does_not_say_what_it_is() {
    let server = Server::start(Config::default()).await;
    for path in ["/healthz", "/nothing", "/me/"] {
        let reply = server.ask(&[&format!("GET {path} HTTP/1.1"), "host: shop"], "").await;
        let said = format!("{:?}", reply.headers).to_lowercase();
        for word in ["\"server\"", "hyper", "warp", "rust", "x-powered-by", env!("CARGO_PKG_VERSION")] {
            assert!(!said.contains(word), "{path}: {said}");
        }
    }
}

#[tokio::test]
async fn s25_private_data_is_not_stored() {
    let shop = Shop::open().await;
    let ann = shop.customer().await;
    for path in ["/me/", "/cart/", "/orders/", "/orders/1/"] {
        let reply = shop.get(path).by(&ann).send().await;
        assert_eq!((reply.header("cache-control"), reply.header("x-content-type-options")), ("no-store", "nosniff"), "{path}");
    }
    let account = json!({"email": "bob@example.com", "password": "correct horse"});
    assert_eq!(shop.post("/register/").json(&account).await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn s25_a_page_is_framed_by_nobody_and_takes_nothing_from_elsewhere() {
    let shop = Shop::open().await;
    for path in ["/docs", "/docs/", "/docs/swagger-ui.css"] {
        let reply = shop.get(path).send().await;
        let policy = reply.header("content-security-policy");
        for rule in ["default-src 'self'", "object-src 'none'", "frame-ancestors 'none'", "base-uri 'self'"] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("http") && !policy.contains('*') && !policy.contains("script-src"), "{policy}");
        assert_eq!((reply.header("x-frame-options"), reply.header("referrer-policy")), ("DENY", "same-origin"), "{path}");
    }
}

#[tokio::test]
async fn s25_without_configuration_no_other_origin_is_let_in() {
    let shop = Shop::open().await;
    for origin in [ORIGIN, "null", "*", "http://127.0.0.1:8000"] {
        let reply = shop.get("/product/").header("origin", origin).send().await;
        assert_eq!((reply.status, permissions(&reply), reply.header("vary")), (200, Vec::new(), "authorization"), "{origin}");
        let asked = shop.ask("OPTIONS", "/product/").header("origin", origin).header("access-control-request-method", "POST");
        let reply = asked.send().await;
        reply.refused(405, "method_not_allowed");
        assert_eq!(permissions(&reply), Vec::<String>::new(), "{origin}");
    }
}

#[tokio::test]
async fn s25_an_origin_that_is_named_may_call_with_a_token_and_without_credentials() {
    let shop = open_to(&[ORIGIN, "http://localhost:3000"]).await;
    let ann = shop.customer().await;
    for origin in [ORIGIN, "http://localhost:3000"] {
        let ask = |method: &str, path: &str| shop.ask(method, path).header("origin", origin);
        for reply in [
            ask("GET", "/cart/").by(&ann).send().await,
            ask("GET", "/me/").send().await,
            ask("POST", "/login/").text("{").await,
            ask("PUT", "/product/").send().await,
        ] {
            assert_eq!(reply.header("access-control-allow-origin"), origin);
            assert_eq!(reply.header("vary"), "origin");
            assert_eq!(permissions(&reply), ["access-control-allow-origin", "access-control-expose-headers"]);
            for readable in ["etag", "location", "retry-after", "idempotent-replayed", "x-request-id"] {
                assert!(reply.header("access-control-expose-headers").split(", ").any(|name| name == readable), "{readable}");
            }
        }
    }
}

#[tokio::test]
async fn s25_a_browser_that_asks_beforehand_hears_what_an_address_takes() {
    let shop = open_to(&[ORIGIN]).await;
    for (path, methods) in [
        ("/product/", "GET, HEAD, POST"),
        ("/product/999/", "GET, HEAD, PUT, PATCH, DELETE"),
        ("/checkout/", "POST"),
        ("/cart", "GET, HEAD, DELETE"),
    ] {
        let asked = shop.ask("OPTIONS", path).header("origin", ORIGIN).header("access-control-request-method", "POST");
        let asked = asked.header("access-control-request-headers", "authorization, content-type");
        let reply = asked.send().await;
        assert_eq!((reply.status, reply.text.as_str()), (204, ""), "no token is needed to ask");
        assert_eq!(reply.header("access-control-allow-origin"), ORIGIN);
        assert_eq!(reply.header("access-control-allow-methods"), methods, "{path}");
        assert_eq!((reply.header("access-control-max-age"), reply.header("vary")), ("7200", "origin"));
        assert_eq!(reply.header("access-control-allow-credentials"), "");
        for header in ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match"] {
            assert!(reply.header("access-control-allow-headers").split(", ").any(|name| name == header), "{header}");
        }
    }
    let nowhere = shop.ask("OPTIONS", "/nothing/").header("origin", ORIGIN).header("access-control-request-method", "GET");
    assert_eq!(nowhere.send().await.status, 404);
    shop.ask("OPTIONS", "/cart/").header("origin", ORIGIN).send().await.refused(405, "method_not_allowed");
}

#[tokio::test]
async fn s25_an_origin_that_is_not_named_is_answered_as_everybody_but_may_not_read_it() {
    let shop = open_to(&[ORIGIN]).await;
    for origin in [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://shop.example.evil.example",
        "https://a.shop.example",
        "https://SHOP.example",
        "null",
        "",
    ] {
        let reply = shop.get("/product/").header("origin", origin).send().await;
        assert_eq!((reply.status, permissions(&reply)), (200, Vec::new()), "{origin}");
        let vary: Vec<_> = reply.headers.get_all("vary").iter().collect();
        assert_eq!(vary, ["authorization", "origin"], "{origin}");
        let asked = shop.ask("OPTIONS", "/product/").header("origin", origin).header("access-control-request-method", "POST");
        let reply = asked.send().await;
        reply.refused(405, "method_not_allowed");
        assert_eq!(permissions(&reply), Vec::<String>::new(), "{origin}");
    }
    let same = shop.get("/product/").send().await;
    assert_eq!(same.headers.get_all("vary").iter().count(), 2, "what is kept of it depends on who asks all the same");
}

#[tokio::test]
async fn s25_who_names_two_origins_is_of_neither() {
    let mut config = Config::default();
    config.cors_origins = vec![ORIGIN.parse().unwrap()];
    let server = Server::start(config).await;
    let (first, named, other) = ("GET /product/ HTTP/1.1", format!("origin: {ORIGIN}"), "origin: https://evil.example");
    assert_eq!(server.ask(&[first, "host: shop", &named], "").await.header("access-control-allow-origin"), ORIGIN);
    for origins in [[named.as_str(), other], [other, &named]] {
        let reply = server.ask(&[&[first, "host: shop"], &origins[..]].concat(), "").await;
        assert_eq!((reply.status, permissions(&reply)), (200, Vec::new()));
    }
}
