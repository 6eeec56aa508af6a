//! One address for one thing.

use crate::support::Shop;

#[tokio::test]
async fn both_slash_forms_answer_without_a_redirect() {
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
async fn what_only_looks_like_an_address_is_not_found() {
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
async fn a_wrong_method_hears_which_are_right() {
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
    let overridden = shop.post("/product/1/").by(&shop.admin).header("x-http-method-override", "DELETE").send().await;
    assert_eq!(overridden.status, 405, "a header is not a method");
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
