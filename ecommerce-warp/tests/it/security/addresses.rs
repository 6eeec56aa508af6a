//! S26: one address for one thing, and one request where one was sent.

use ecommerce_core::Registration;
use ecommerce_warp::Config;

use crate::{
    socket::{Server, quick},
    support::Shop,
};

#[tokio::test]
async fn s26_both_slash_forms_answer_without_a_redirect() {
    let shop = Shop::open().await;
    let id = shop.product("Mug", "5.00", 1).await;
    for path in ["/product/", "/product", "/category/", "/category", "/healthz", "/healthz/", "/openapi.json", "/openapi.json/"] {
        assert_eq!(shop.get(path).send().await.status, 200, "{path}");
    }
    let (with, without) = (format!("/product/{id}/"), format!("/product/{id}"));
    assert_eq!(shop.get(&with).send().await.text, shop.get(&without).send().await.text);
    assert_eq!(shop.get("/me").by(&shop.admin).send().await.status, 200);
}

#[tokio::test]
async fn s26_what_only_looks_like_an_address_is_not_found() {
    let shop = Shop::open().await;
    shop.product("Mug", "5.00", 1).await;
    for path in [
        "/",
        "//product/",
        "/product//",
        "/product//1/",
        "/product/1//",
        "/Product/",
        "/PRODUCT/1/",
        "/product/+1/",
        "/product/01/",
        "/product/0/",
        "/product/-1/",
        "/product/1.0/",
        "/product/1e0/",
        "/product/%31/",
        "/product%2F1/",
        "/product/1%2F",
        "/product/%2e%2e/product/",
        "/product/../product/",
        "/product/./1/",
        "/product/1;x=1/",
        "/product/9223372036854775808/",
        "/product/1/x/",
        "/products/",
        "/api/product/",
        "/docs/../product/",
        "/docs/nothing.css",
        "/orders/1/pay/x/",
        "/.env",
    ] {
        assert_eq!(shop.get(path).send().await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn s26_a_wrong_method_hears_which_are_right() {
    let shop = Shop::open().await;
    for (method, path, allow) in [
        ("POST", "/me/", "GET, HEAD"),
        ("GET", "/register/", "POST"),
        ("HEAD", "/register/", "POST"),
        ("PUT", "/product/", "GET, HEAD, POST"),
        ("POST", "/product/1/", "GET, HEAD, PUT, PATCH, DELETE"),
        ("OPTIONS", "/cart/", "GET, HEAD, DELETE"),
        ("TRACE", "/cart/", "GET, HEAD, DELETE"),
        ("PROPFIND", "/healthz", "GET, HEAD"),
    ] {
        let reply = shop.ask(method, path).by(&shop.admin).send().await;
        assert_eq!((reply.status, reply.header("allow")), (405, allow), "{method} {path}");
        if method != "HEAD" {
            reply.refused(405, "method_not_allowed");
        }
    }
}

#[tokio::test]
async fn s26_a_header_is_no_method_and_no_address() {
    let shop = Shop::open().await;
    let path = format!("/product/{}/", shop.product("Mug", "5.00", 1).await);
    for header in ["x-http-method-override", "x-http-method", "x-method-override"] {
        shop.post(&path).by(&shop.admin).header(header, "DELETE").send().await.refused(405, "method_not_allowed");
    }
    for header in ["x-original-url", "x-rewrite-url"] {
        assert_eq!(shop.get(&path).header(header, "/audit-log/").send().await.is(200)["name"], "Mug");
    }
    assert_eq!(shop.post(&format!("{path}?_method=DELETE")).by(&shop.admin).send().await.status, 405);
    shop.get(&path).send().await.is(200);
}

#[tokio::test]
async fn s26_the_whole_address_is_one_address_too() {
    let server = Server::start(Config::default()).await;
    for target in ["/healthz", "http://shop/healthz", "http://other:8000/healthz", "HTTP://shop/healthz?x"] {
        let reply = server.ask(&[&format!("GET {target} HTTP/1.1"), "host: shop"], "").await;
        assert_eq!(reply.status, 200, "{target}: {}", reply.text);
    }
    for target in ["*", "http://shop", "//shop/healthz", "/\\healthz", "/HEALTHZ", "/health%7a"] {
        let reply = server.ask(&[&format!("GET {target} HTTP/1.1"), "host: shop"], "").await;
        assert!(matches!(reply.status, 400 | 404), "{target}: {}", reply.status);
    }
    for line in ["CONNECT shop:80 HTTP/1.1", "CONNECT /healthz HTTP/1.1", "GET shop:80 HTTP/1.1", "GET shop HTTP/1.1"] {
        let reply = server.ask(&[line, "host: shop:80"], "").await;
        assert!(matches!(reply.status, 400 | 404 | 405), "{line}: {} {}", reply.status, reply.text);
    }
}

#[tokio::test]
async fn s26_a_request_says_once_for_whom_it_is() {
    let server = Server::start(Config::default()).await;
    for hosts in
        [&[][..], &["host: "], &["host: shop", "host: shop"], &["host: shop/product"], &["host: ann@shop"], &["host: a b"]]
    {
        for path in ["/healthz", "/nothing"] {
            let reply = server.ask(&[&[format!("GET {path} HTTP/1.1").as_str()], hosts].concat(), "").await;
            reply.refused(400, "invalid_host");
            assert_eq!(reply.header("connection"), "close", "{hosts:?}");
        }
    }
    assert_eq!(server.ask(&["GET /healthz HTTP/1.0"], "").await.status, 200, "an old client names none");
}

#[tokio::test]
async fn s26_only_hosts_that_are_named_are_served_where_any_are() {
    let mut config = Config::default();
    config.allowed_hosts = vec!["shop.example".parse().unwrap(), "127.0.0.1".parse().unwrap()];
    let server = Server::start(config).await;
    for host in ["shop.example", "SHOP.example:8000", "127.0.0.1:8000"] {
        assert_eq!(server.ask(&["GET /product/ HTTP/1.1", &format!("host: {host}")], "").await.status, 200, "{host}");
    }
    for host in ["evil.example", "shop.example.evil.example", "localhost", "[::1]"] {
        let lines = &["GET /product/ HTTP/1.1", &format!("host: {host}"), "x-forwarded-host: shop.example"];
        server.ask(lines, "").await.refused(421, "misdirected_request");
        let probe = &["GET /healthz HTTP/1.1", &format!("host: {host}")];
        assert_eq!(server.ask(probe, "").await.status, 200, "who watches the process asks by its address");
    }
}

#[tokio::test]
async fn head_is_get_without_its_body() {
    let shop = Shop::open().await;
    let id = shop.product("Mug", "5.00", 1).await;
    for path in [format!("/product/{id}/"), "/product/".to_owned(), "/healthz".to_owned(), "/product/99/".to_owned()] {
        let (get, head) = (shop.get(&path).send().await, shop.ask("HEAD", &path).send().await);
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.text, "");
        if get.status == 200 {
            assert_eq!(head.header("content-length"), get.text.len().to_string());
            assert_eq!(head.header("etag"), get.header("etag"));
        }
    }
}

#[tokio::test]
async fn an_application_of_one_s_own_keeps_its_routes() {
    use warp::Filter;
    let store = ecommerce_core::Store::builder().background(false).open("sqlite::memory:").await.unwrap();
    let upload =
        warp::path!("upload").and(warp::post()).and(warp::body::bytes()).map(|body: bytes::Bytes| body.len().to_string());
    let below = warp::path("shop").and(ecommerce_warp::routes(store, ecommerce_warp::Config::default()));
    let app = below.or(upload);

    assert_eq!(warp::test::request().path("/shop/healthz").reply(&app).await.status(), 200);
    assert_eq!(warp::test::request().path("/healthz").reply(&app).await.status(), 404);
    assert_eq!(warp::test::request().method("POST").path("/upload").body("four").reply(&app).await.body(), "4");

    let account = r#"{"email": "ann@example.com", "password": "correct horse"}"#;
    let register = warp::test::request().method("POST").path("/shop/register/").header("content-type", "application/json");
    assert_eq!(register.body(account).reply(&app).await.status(), 201);
    let docs = warp::test::request().path("/shop/docs").reply(&app).await;
    assert!(String::from_utf8_lossy(docs.body()).contains("<base href=\"docs/\">"));
}

#[tokio::test]
async fn s26_a_header_that_counts_comes_once() {
    let server = Server::start(Config::default()).await;
    let ann = Registration { email: "ann@example.com".parse().unwrap(), password: "correct horse".parse().unwrap(), name: None };
    let token = server.store.register(ann).await.unwrap().token;
    let key = format!("authorization: Token {}\r\n", token.reveal());
    let ask = async |line: &str, headers: &str| {
        let request = format!("{line} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n{headers}\r\n");
        server.answer(request.as_bytes()).await
    };
    assert!(ask("GET /me/", &key).await.starts_with("HTTP/1.1 200 "));
    assert!(ask("GET /me/", &format!("{key}{key}")).await.starts_with("HTTP/1.1 401 "));
    let once = "idempotency-key: a\r\n";
    assert!(ask("POST /checkout/", &format!("{key}{once}")).await.starts_with("HTTP/1.1 409 "));
    let twice = ask("POST /checkout/", &format!("{key}{once}{once}")).await;
    assert!(twice.starts_with("HTTP/1.1 422 ") && twice.contains("\"Idempotency-Key\":[\"is given twice\"]"), "{twice}");
}

#[tokio::test]
async fn s26_two_lengths_are_one_request_and_never_two() {
    let server = Server::start(quick()).await;
    for (name, lengths) in
        [("ann", "content-length: 60\r\ntransfer-encoding: chunked"), ("bob", "transfer-encoding: chunked\r\ncontent-length: 60")]
    {
        let account = format!(r#"{{"email": "{name}@example.com", "password": "correct horse"}}"#);
        let smuggled = format!(
            "POST /register/ HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n{lengths}\r\n\r\n\
             {:x}\r\n{account}\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: shop\r\n\r\n",
            account.len()
        );
        // The chunks count (RFC 9112, section 6.3), and what stands behind them is nobody's request: the connection ends.
        let answer = server.answer(smuggled.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 201 ") && answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
}
