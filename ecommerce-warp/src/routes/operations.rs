//! The document, the page to read it, and how the server does.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use utoipa_swagger_ui::{Config, SwaggerFile};
use warp::{
    http::{
        HeaderValue, StatusCode,
        header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS},
    },
    reply::Response,
};

use crate::{
    call::{Answer, Call},
    problem::Problem,
    reply,
};

/// The OpenAPI 3.1 document.
#[utoipa::path(get, path = "/openapi.json", tag = "operations", security(()), responses(
    (status = 200, description = "This document", content_type = "application/json"),
))]
pub(crate) async fn openapi_json(call: &mut Call) -> Answer {
    Ok(reply::bytes(StatusCode::OK, "application/json", call.shop.document.clone()))
}

/// A page to read the document and to try it.
#[utoipa::path(get, path = "/docs/", tag = "operations", security(()), responses(
    (status = 200, description = "The page", content_type = "text/html"),
))]
pub(crate) async fn docs(call: &mut Call) -> Answer {
    let mut page = docs_asset("index.html")?;
    if call.path.as_str().ends_with('/') {
        return Ok(docs_answer(page));
    }
    // Without its last slash the page lies beside the folder of what it needs.
    let text = String::from_utf8_lossy(&page.bytes).replacen("<head>", "<head><base href=\"docs/\">", 1);
    page.bytes = text.into_bytes().into();
    Ok(docs_answer(page))
}

/// What the page needs.
#[utoipa::path(get, path = "/docs/{file}", tag = "operations", security(()), params(
    ("file" = String, Path, description = "The name of a file", example = "swagger-ui.css"),
), responses(
    (status = 200, description = "The file"),
))]
pub(crate) async fn docs_file(call: &mut Call) -> Answer {
    Ok(docs_answer(docs_asset(call.word())?))
}

/// Is the process alive?
#[utoipa::path(get, path = "/healthz", tag = "operations", security(()), responses(
    (status = 200, description = "It is", content_type = "text/plain"),
))]
pub(crate) async fn healthz(_: &mut Call) -> Answer {
    Ok(reply::bytes(StatusCode::OK, TEXT, "ok\n"))
}

/// Does the database answer?
#[utoipa::path(get, path = "/readyz", tag = "operations", security(()), responses(
    (status = 200, description = "It does", content_type = "text/plain"),
))]
pub(crate) async fn readyz(call: &mut Call) -> Answer {
    call.store().ping().await?;
    Ok(reply::bytes(StatusCode::OK, TEXT, "ok\n"))
}

/// Numbers about requests, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operations", security(()), responses(
    (status = 200, description = "Prometheus text", content_type = "text/plain"),
))]
pub(crate) async fn metrics(call: &mut Call) -> Answer {
    let text = call.shop.metrics.text();
    // OpenMetrics for whoever asks for it; as the older text format it reads the same.
    let wants_open_metrics = call.header(&ACCEPT).iter().any(|accept| accept.contains("application/openmetrics-text"));
    let kind = if wants_open_metrics {
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    } else {
        "text/plain; version=0.0.4; charset=utf-8"
    };
    Ok(reply::bytes(StatusCode::OK, kind, text))
}

/// The page's own scripts and styles write into the page, and nothing comes from elsewhere.
const OWN_HOST_ONLY: &str = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; \
    object-src 'none'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";
const TEXT: &str = "text/plain; charset=utf-8";

/// The page asks no other host: not even for a verdict on the document.
static SWAGGER: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(Config::from("../openapi.json").use_base_layout().validator_url("none")));

fn docs_asset(name: &str) -> Result<SwaggerFile<'static>, Problem> {
    let file = utoipa_swagger_ui::serve(name, SWAGGER.clone()).map_err(|error| {
        tracing::error!(%error, "the docs page could not be made");
        Problem::internal()
    })?;
    file.ok_or_else(|| Problem::not_found("there is nothing at this address"))
}

fn docs_answer(file: SwaggerFile<'static>) -> Response {
    let bytes = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    let mut kind = file.content_type;
    if kind.starts_with("text/") {
        kind.push_str("; charset=utf-8");
    }
    let mut response = Response::new(bytes.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::try_from(kind).unwrap_or(HeaderValue::from_static(TEXT)));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(OWN_HOST_ONLY));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
    response
}
