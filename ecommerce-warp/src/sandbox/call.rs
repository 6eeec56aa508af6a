//! A request as the sandbox reads it, and an answer as it writes it.

use bytes::Bytes;
use serde_json::Value;
use warp::{
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE},
    },
    reply::Response,
};

/// A request, whole.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    /// A header that is text and comes once.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    }

    /// Does it carry this key?
    pub(super) fn has_key(&self, key: &str) -> bool {
        let given = self.header(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
        given == Some(key)
    }

    pub(super) fn is_json(&self) -> bool {
        self.header(CONTENT_TYPE.as_str()).is_some_and(|kind| kind.starts_with("application/json"))
    }

    /// The body as JSON; null where it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What was said: in the query, in a form or in JSON.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        let form = |bytes: &[u8]| form_urlencoded::parse(bytes).into_owned().collect();
        if self.method == Method::GET {
            form(self.query.as_bytes())
        } else if self.is_json() {
            let mut fields = Vec::new();
            flatten("", &self.json(), &mut fields);
            fields
        } else {
            form(&self.body)
        }
    }
}

/// An answer of the API.
#[derive(Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
    /// Whether it was given before.
    pub(super) is_replayed: bool,
}

impl Reply {
    pub(super) fn new(status: u16, body: Value) -> Self {
        Self { status, body, is_replayed: false }
    }

    pub(super) fn into_response(self) -> Response {
        let mut response = Response::new(self.body.to_string().into());
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.is_replayed {
            headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        response
    }
}

/// Nested names are written as Stripe's forms write them: `metadata[order_id]`.
fn flatten(name: &str, value: &Value, fields: &mut Vec<(String, String)>) {
    let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}[{key}]") };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| flatten(&inner(key), value, fields)),
        Value::Array(list) => list.iter().enumerate().for_each(|(key, value)| flatten(&inner(&key.to_string()), value, fields)),
        Value::String(text) => fields.push((name.to_owned(), text.clone())),
        other => fields.push((name.to_owned(), other.to_string())),
    }
}
