//! Answers.

use ecommerce_core::Revision;
use serde::Serialize;
use warp::{
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, VARY},
    },
    reply::Response,
};

use crate::{call::Answer, etag, problem::Problem};

const JSON: &str = "application/json";

/// A status and a value as JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    Ok(bytes(status, JSON, written(value)?))
}

/// 200 with a value.
pub(crate) fn ok(value: &impl Serialize) -> Answer {
    json(StatusCode::OK, value)
}

/// 201 with a value that has an address of its own.
pub(crate) fn created(address: String, value: &impl Serialize) -> Answer {
    let mut response = json(StatusCode::CREATED, value)?;
    set(&mut response, LOCATION, HeaderValue::try_from(address).ok());
    Ok(response)
}

/// 204.
pub(crate) fn nothing() -> Answer {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// A part of the catalog, or 304 where the reader has it already.
pub(crate) fn fresh(headers: &HeaderMap, revision: &Revision, value: &impl Serialize) -> Answer {
    let etag = etag::of_revision(revision);
    let response = if knows(headers, etag.as_ref()) { not_modified() } else { ok(value)? };
    Ok(cacheable(response, etag))
}

/// A list from the catalog, or 304 where the reader has it already.
pub(crate) fn fresh_list(headers: &HeaderMap, value: &impl Serialize) -> Answer {
    let body = written(value)?;
    let etag = etag::of_body(&body);
    let response = if knows(headers, etag.as_ref()) { not_modified() } else { bytes(StatusCode::OK, JSON, body) };
    Ok(cacheable(response, etag))
}

/// What was just written, with the tag that the next write may ask for.
pub(crate) fn tagged(mut response: Response, revision: &Revision) -> Answer {
    set(&mut response, ETAG, etag::of_revision(revision));
    Ok(response)
}

/// A status and bytes of a media type.
pub(crate) fn bytes(status: StatusCode, media_type: &'static str, body: impl Into<bytes::Bytes>) -> Response {
    let mut response = Response::new(body.into().into());
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, Some(HeaderValue::from_static(media_type)));
    response
}

fn written(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        Problem::internal()
    })
}

fn knows(headers: &HeaderMap, etag: Option<&HeaderValue>) -> bool {
    etag.is_some_and(|etag| etag::is_known(headers, etag))
}

fn not_modified() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response
}

/// May be kept, but is asked for again each time; an admin may see more than others.
fn cacheable(mut response: Response, etag: Option<HeaderValue>) -> Response {
    set(&mut response, ETAG, etag);
    set(&mut response, CACHE_CONTROL, Some(HeaderValue::from_static("no-cache")));
    set(&mut response, VARY, Some(HeaderValue::from_static("authorization")));
    response
}

fn set(response: &mut Response, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        response.headers_mut().insert(name, value);
    }
}
