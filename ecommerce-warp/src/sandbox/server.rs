//! The sandbox's own server: for this machine only, and able to break a connection off without an answer.

use std::{convert::Infallible, fmt, net::IpAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{net::TcpListener, task::JoinSet};
use warp::{
    Filter, Rejection,
    filters::path::FullPath,
    http::{
        HeaderMap, Method, StatusCode, Uri,
        header::{HOST, ORIGIN},
        uri::Authority,
    },
    hyper::service::Service,
    reply::Response,
};

use super::{
    api,
    call::{Call, Reply},
    house::House,
    pages,
};

/// The most bytes of a request's body.
const LONGEST_BODY: usize = 1024 * 1024;
/// How long to wait before accepting again when the system refused.
const PAUSE: Duration = Duration::from_millis(50);

/// Marks an answer that nobody is to hear.
#[derive(Debug, Clone, Copy)]
struct Lost;

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer is lost on command")
    }
}

impl std::error::Error for Lost {}

/// Serves until it is dropped.
pub(super) async fn serve(house: Arc<House>, listener: TcpListener) {
    let routes = warp::method()
        .and(warp::path::full())
        .and(warp::query::raw().or_else(|_| std::future::ready(Ok::<_, Rejection>((String::new(),)))))
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(move |method, path, query, headers, body| {
            answer(house.clone(), method, path, query, headers, crate::call::body(body))
        });
    let service = TowerToHyperService::new(warp::service(routes));
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        // An answer is written at once: waiting for more to send would only delay it. It fails where the client is gone.
        let _ = stream.set_nodelay(true);
        while connections.try_join_next().is_some() {}
        let service = service.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let answer = service.call(request);
                async move {
                    let response = answer.await.unwrap_or_else(|never: Infallible| match never {});
                    // A service that fails closes its connection.
                    if response.extensions().get::<Lost>().is_some() { Err(Lost) } else { Ok(response) }
                }
            });
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "a connection of the sandbox ended badly");
            }
        });
    }
}

async fn answer(
    house: Arc<House>,
    method: Method,
    path: FullPath,
    query: String,
    headers: HeaderMap,
    body: impl Stream<Item = Result<Bytes, warp::Error>> + Unpin,
) -> Response {
    let Some(body) = read(body).await else { return plain(StatusCode::PAYLOAD_TOO_LARGE, "That is too much.") };
    let call = Call { method, path: path.as_str().to_owned(), query, headers, body };
    if !is_from_here(&call) {
        return plain(StatusCode::FORBIDDEN, "The sandbox is for this machine only: ask for it as 127.0.0.1 or localhost.");
    }
    let Some(provider) = api::provider(&call.path) else { return pages::answer(&house, &call).await };
    api::answer(&house, provider, &call).await.map_or_else(lost, Reply::into_response)
}

/// The whole body, unless it is too long or breaks off.
async fn read(mut body: impl Stream<Item = Result<Bytes, warp::Error>> + Unpin) -> Option<Bytes> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk.ok()?);
        if bytes.len() > LONGEST_BODY {
            return None;
        }
    }
    Some(bytes.freeze())
}

/// Was it asked under a name of this machine, and by none of another's pages?
///
/// A page elsewhere might have its own name lead here, or post a form here; both stand in the headers that browsers send.
fn is_from_here(call: &Call) -> bool {
    let host = call.header(HOST.as_str()).and_then(|host| host.parse::<Authority>().ok());
    let origin_is_here = || {
        let origin = call.header(ORIGIN.as_str()).and_then(|origin| origin.parse::<Uri>().ok());
        origin.and_then(|origin| origin.host().map(is_loopback)).unwrap_or(false)
    };
    host.is_some_and(|host| is_loopback(host.host())) && (!call.headers.contains_key(ORIGIN) || origin_is_here())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn lost() -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(Lost);
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
}
