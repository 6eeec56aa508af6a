//! From a request to its handler and back: the one filter that all routes are.

use std::{
    future::ready,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes};
use ecommerce_core::Store;
use futures_util::{FutureExt, Stream};
use tracing::{Instrument, Span, field::display};
use warp::{
    Filter, Rejection,
    filters::path::{FullPath, Peek},
    http::{
        self, HeaderMap, HeaderName, HeaderValue, Method,
        header::{CACHE_CONTROL, CONTENT_LENGTH, X_CONTENT_TYPE_OPTIONS},
    },
    hyper::body::Body,
    reply::Response,
};

use crate::{
    Config, call,
    call::{Answer, Call},
    cors, endpoints,
    metrics::Metrics,
    origin::{self, Peer},
    problem::Problem,
    table::{Argument, Resource, Table},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A shop that is open to the web, and all that is made once for it.
pub(crate) struct Shop {
    pub(crate) store: Store,
    pub(crate) config: Config,
    pub(crate) metrics: Metrics,
    /// The OpenAPI document as JSON.
    pub(crate) document: Bytes,
    table: Table,
    run: u64,
    requests: AtomicU64,
}

impl Shop {
    pub(crate) fn new(store: Store, config: Config) -> Self {
        let document = endpoints::document();
        Self {
            store,
            config,
            metrics: Metrics::new(),
            table: Table::new(&document, endpoints::handler),
            document: document.to_json().unwrap_or_default().into(),
            // Tells the requests of this process from those of others: the standard library seeds each state with chance.
            run: RandomState::new().hash_one(0),
            requests: AtomicU64::new(0),
        }
    }

    /// What is said where a request does not come as far as an address of the shop.
    pub(crate) fn turn_away(&self, problem: Problem, client: Option<IpAddr>) -> http::Response<Vec<u8>> {
        let id = self.request_id();
        let response = finished(problem.into_response(&id), &id);
        let (status, from) = (response.status().as_u16(), client.map(display));
        self.metrics.count_unknown(status);
        if status == 404 {
            tracing::debug!(%id, from, status, "nothing is there");
        } else {
            tracing::info!(%id, from, status, "turned away");
        }
        response
    }

    fn request_id(&self) -> String {
        format!("{:016x}-{:x}", self.run, self.requests.fetch_add(1, Ordering::Relaxed))
    }
}

/// Every route of the shop. A path that is none of them is rejected as not found.
pub(crate) fn filter(shop: Arc<Shop>) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + Send + Sync + 'static {
    // The body is taken only once the path is known, so that another route may still have it.
    warp::path::peek()
        .and_then(move |path: Peek| ready(find(&shop, &path).ok_or_else(warp::reject::not_found)))
        .and(warp::method())
        .and(warp::path::full())
        .and(warp::query::raw().or_else(|_| ready(Ok::<_, Rejection>((String::new(),)))))
        .and(warp::header::headers_cloned())
        .and(origin::peer())
        .and(warp::body::stream())
        .then(answer)
}

/// An address of the shop, with the number or word that the path gives.
struct Found {
    shop: Arc<Shop>,
    resource: Arc<Resource>,
    argument: Argument,
    /// How long the path is behind the point where the routes are mounted.
    length: usize,
}

fn find(shop: &Arc<Shop>, path: &Peek) -> Option<Found> {
    let (resource, argument) = shop.table.find(path.as_str())?;
    Some(Found { shop: shop.clone(), resource, argument, length: path.as_str().len() })
}

async fn answer(
    found: Found,
    method: Method,
    path: FullPath,
    query: String,
    headers: HeaderMap,
    peer: Option<Peer>,
    stream: impl Stream<Item = Result<impl Buf, warp::Error>> + Send + Sync + 'static,
) -> Response {
    let start = Instant::now();
    let Found { shop, resource, argument, length } = found;
    let id = shop.request_id();
    let name = known(&method);
    let client = origin::client(peer, &headers, &shop.config.trusted_proxies);
    let from = client.map(display);
    let span = tracing::info_span!("request", %id, method = name, path = path.as_str(), from, user = tracing::field::Empty);
    let body = (!method.is_safe()).then(|| call::body(stream));
    let root = path.as_str().len().saturating_sub(length);
    let mut call = Call { shop, headers, client, path, root, argument, query, body };
    let answered = match cors::preflight(&call.shop.config.cors_origins, &method, &call.headers, &resource.allow) {
        Some(permission) => Ok(permission),
        None => handle(&mut call, &resource, &method).instrument(span.clone()).await,
    };
    let mut response = answered.unwrap_or_else(|problem| problem.into_response(&id).map(Into::into));
    cors::mark(&call.shop.config.cors_origins, &call.headers, &mut response);
    let elapsed = start.elapsed();
    call.shop.metrics.count(name, &resource.template, response.status().as_u16(), elapsed);
    tell(&span, &method, &response, elapsed);
    let response = finished(response, &id);
    if method == Method::HEAD { without_body(response) } else { response }
}

async fn handle(call: &mut Call, resource: &Resource, method: &Method) -> Answer {
    let answer = match resource.handler(method) {
        // What somebody panicked over is gone with the call: its transaction is undone, and others go on.
        Some(handler) => AssertUnwindSafe(handler(call)).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!("a handler panicked");
            Err(Problem::internal())
        }),
        None => Err(Problem::method_not_allowed(resource.allow.clone())),
    };
    if answer.is_err() {
        call.drain().await;
    }
    answer
}

/// What every answer says.
fn finished<B>(mut response: http::Response<B>, id: &str) -> http::Response<B> {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

fn without_body(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(head, Response::default().into_body())
}

/// Logs what somebody did or was refused; reading is worth a line only to whoever looks for a fault.
fn tell(span: &Span, method: &Method, response: &Response, elapsed: Duration) {
    let status = response.status().as_u16();
    let milliseconds = elapsed.as_millis();
    span.in_scope(|| {
        if method.is_safe() && !matches!(status, 401 | 403 | 500..) {
            tracing::debug!(status, milliseconds, "answered");
        } else {
            tracing::info!(status, milliseconds, "answered");
        }
    });
}

/// The method's name where it is one that is counted by name.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|name| *name == method.as_str()).unwrap_or("OTHER")
}

#[cfg(test)]
mod tests {
    use futures_util::future::BoxFuture;

    use super::*;

    fn panics(_: &mut Call) -> BoxFuture<'_, Answer> {
        Box::pin(async { panic!("select password_hash from users") })
    }

    #[tokio::test]
    async fn s23_a_panic_is_an_answer_like_any_other_and_others_go_on() {
        let store = Store::builder().background(false).open("sqlite::memory:").await.unwrap();
        let mut shop = Shop::new(store, Config::default());
        let handlers = |id: &str| if id == "me" { Some(panics as _) } else { endpoints::handler(id) };
        shop.table = Table::new(&endpoints::document(), handlers);
        let routes = filter(Arc::new(shop));
        for _ in 0..3 {
            let reply = warp::test::request().path("/me/").reply(&routes).await;
            let told = String::from_utf8_lossy(reply.body());
            assert_eq!(
                (reply.status().as_u16(), reply.headers()["content-type"].as_bytes()),
                (500, &b"application/problem+json"[..])
            );
            assert!(told.contains("\"internal\"") && !told.contains("select") && !told.contains("panic"), "{told}");
            assert_eq!(warp::test::request().path("/readyz").reply(&routes).await.status(), 200);
        }
    }
}
