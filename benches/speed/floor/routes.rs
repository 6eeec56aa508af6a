//! The handlers.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use warp::{
    Filter, Rejection,
    filters::BoxedFilter,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    reply::Response,
};

use super::{
    Done, Fault, Shop,
    answers::{Page, cart, order},
    login, stripe,
};
use crate::shop::hex;

/// As long as a cursor of ours.
const CURSOR: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[derive(Deserialize)]
struct Search {
    search: Option<String>,
    page_size: Option<i64>,
}

#[derive(Deserialize)]
struct Line {
    product: i64,
    quantity: i64,
}

/// Boxed once for reads and once for writes: dispatch costs more than a box where many filters are tried one after the other.
pub fn routes<S: Shop>(shop: Arc<S>) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + Send + Sync + 'static {
    let turns = Arc::new(login::turns());
    reads(shop.clone()).or(writes(shop, turns)).unify()
}

fn reads<S: Shop>(shop: Arc<S>) -> BoxedFilter<(Response,)> {
    let shop = with(shop);
    let product = warp::path!("product" / i64).and(shop.clone()).then(async |id, shop: Arc<S>| {
        let product = shop.product(id).await;
        answer(StatusCode::OK, product.and_then(|product| json(&product)))
    });
    let list = warp::path!("product")
        .and(warp::query())
        .and(shop)
        .then(async |asked: Search, shop: Arc<S>| answer(StatusCode::OK, list(&*shop, asked).await));
    warp::get().and(product.or(list).unify()).boxed()
}

fn writes<S: Shop>(shop: Arc<S>, turns: Arc<Semaphore>) -> BoxedFilter<(Response,)> {
    let shop = with(shop);
    let body = warp::body::content_length_limit(1 << 20).and(warp::body::bytes());
    let token = warp::header::<String>("authorization");
    let add = warp::path!("create-cart").and(warp::post()).and(token).and(body).and(shop.clone());
    let add =
        add.then(async |token: String, body: Bytes, shop: Arc<S>| answer(StatusCode::OK, add_line(&*shop, &token, &body).await));
    let checkout = warp::path!("checkout").and(warp::post()).and(token).and(warp::header::<String>("idempotency-key"));
    let checkout = checkout.and(body).and(shop.clone()).then(async |token: String, key: String, body: Bytes, shop: Arc<S>| {
        answer(StatusCode::CREATED, check_out(&*shop, &token, key, &body).await)
    });
    let webhook = warp::path!("webhooks" / "stripe").and(warp::post()).and(warp::header::<String>("stripe-signature"));
    let webhook = webhook.and(body).and(shop.clone()).then(async |signature: String, body: Bytes, shop: Arc<S>| {
        answer(StatusCode::OK, take_in(&*shop, &signature, &body).await)
    });
    let login = warp::path!("login").and(warp::post()).and(body).and(shop.clone()).then(move |body: Bytes, shop: Arc<S>| {
        let turns = turns.clone();
        async move { answer(StatusCode::OK, login::login(&*shop, &turns, &body).await) }
    });
    let clear = warp::path!("cart").and(warp::delete()).and(token).and(shop).then(async |token: String, shop: Arc<S>| {
        let done = match token_hash(&token) {
            Ok(token_hash) => shop.clear(token_hash).await,
            Err(fault) => Err(fault),
        };
        answer(StatusCode::OK, done.map(|()| br#"{"items":[],"total":"0.00","currency":"USD"}"#.to_vec()))
    });
    add.or(checkout).unify().or(webhook).unify().or(login).unify().or(clear).unify().boxed()
}

fn with<S: Shop>(shop: Arc<S>) -> impl Filter<Extract = (Arc<S>,), Error = Infallible> + Clone + Send + Sync + 'static {
    warp::any().map(move || shop.clone())
}

async fn list(shop: &impl Shop, asked: Search) -> Done<Vec<u8>> {
    let is_search = asked.search.is_some();
    let (count, results) = match &asked.search {
        Some(word) if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            shop.search(&word.to_ascii_lowercase()).await?
        }
        Some(_) => return Err(Fault(StatusCode::BAD_REQUEST)),
        None => shop.page(asked.page_size.unwrap_or(20).clamp(1, 100)).await?,
    };
    let has_next = count > i64::try_from(results.len()).unwrap_or(i64::MAX);
    let next = if is_search { "/product/?search=rare&page=2" } else { "/product/?page_size=20&page=2" };
    json(&Page {
        count,
        count_is: "exact",
        next: has_next.then_some(next),
        previous: None,
        next_cursor: has_next.then_some(CURSOR),
        results,
    })
}

async fn add_line(shop: &impl Shop, token: &str, body: &[u8]) -> Done<Vec<u8>> {
    let Line { product, quantity } = serde_json::from_slice(body).map_err(|_| Fault(StatusCode::BAD_REQUEST))?;
    if !(1..=1_000_000).contains(&quantity) {
        return Err(Fault(StatusCode::UNPROCESSABLE_ENTITY));
    }
    let lines = shop.add(token_hash(token)?, product, quantity).await?;
    cart(&lines).ok_or(Fault(StatusCode::UNPROCESSABLE_ENTITY))
}

/// It knows no other provider.
async fn check_out(shop: &impl Shop, token: &str, key: String, body: &[u8]) -> Done<Vec<u8>> {
    if body != br#"{"provider":"stripe"}"# || key.len() > 255 {
        return Err(Fault(StatusCode::UNPROCESSABLE_ENTITY));
    }
    let lines = shop.checkout(token_hash(token)?, key).await?;
    order(&lines).ok_or(Fault(StatusCode::CONFLICT))
}

async fn take_in(shop: &impl Shop, signature: &str, body: &[u8]) -> Done<Vec<u8>> {
    if !stripe::is_signed(signature, body) {
        return Err(Fault(StatusCode::BAD_REQUEST));
    }
    let body = std::str::from_utf8(body).map_err(|_| Fault(StatusCode::BAD_REQUEST))?;
    let paid = stripe::read(body).ok_or(Fault(StatusCode::BAD_REQUEST))?;
    shop.paid(paid, body.to_owned()).await?;
    Ok(br#"{"status":"processed"}"#.to_vec())
}

fn token_hash(header: &str) -> Done<String> {
    let token = header.strip_prefix("Bearer ").or_else(|| header.strip_prefix("Token "));
    token.map(hashed).ok_or(Fault(StatusCode::UNAUTHORIZED))
}

/// What is stored of a token.
pub fn hashed(token: &str) -> String {
    hex(&Sha256::digest(token))
}

fn json(value: &impl serde::Serialize) -> Done<Vec<u8>> {
    serde_json::to_vec(value).map_err(|_| Fault(StatusCode::INTERNAL_SERVER_ERROR))
}

fn answer(success: StatusCode, done: Done<Vec<u8>>) -> Response {
    let (status, body) = match done {
        Ok(body) => (success, body),
        Err(Fault(status)) => (status, br#"{"title":"refused"}"#.to_vec()),
    };
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
