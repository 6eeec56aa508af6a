//! Requests, straight through every route: never a 5xx, every refusal in the one shape, and the books are right afterwards.
//!
//! The input is a list of requests with a line `---` between them, each written as
//!
//! ```text
//! PATCH /product/1/ admin
//! If-Match: "1"
//!
//! {"price": "13.00"}
//! ```
//!
//! Whoever asks is `admin`, `ann`, `bob`, or nobody. A header whose value is `{signed}` gets the provider's good signature.

#![no_main]

use ecommerce_fuzz::{NOW, STRIPE_SECRETS, Shop, in_shop, key, paystack_signature, stripe_signature};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use warp::{
    http::{HeaderMap, HeaderName, HeaderValue, Method, Response, Uri, header},
    hyper::body::Bytes,
};

/// More requests of one input would only be slower.
const MOST: usize = 6;

fuzz_target!(|input: &[u8]| {
    let requests = separated(input, b"\n---\n").into_iter().take(MOST).filter_map(Request::read).collect::<Vec<_>>();
    in_shop(async |shop| {
        let mut changed = false;
        for request in &requests {
            let answer = request.send(shop).await;
            is_well_formed(request, &answer);
            changed |= !request.method.is_safe() && answer.status().is_success();
        }
        if changed {
            shop.is_sound().await;
        }
    });
});

#[derive(Debug)]
struct Request {
    method: Method,
    uri: String,
    headers: HeaderMap,
    who: String,
    body: Vec<u8>,
}

impl Request {
    fn read(text: &[u8]) -> Option<Self> {
        let head = separated(text, b"\n\n").first().copied()?;
        let body = text.get(head.len() + 2..).unwrap_or_default().to_vec();
        let mut lines = head.split(|byte| *byte == b'\n');
        let mut words = std::str::from_utf8(lines.next()?).ok()?.split(' ');
        let (method, uri, who) =
            (words.next()?.parse().ok()?, words.next()?.to_owned(), words.next().unwrap_or("nobody").to_owned());
        uri.parse::<Uri>().ok().filter(|uri| uri.path().starts_with('/'))?;
        let header = |line: &[u8]| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let value = line[colon + 1..].trim_ascii();
            let value = if value == b"{signed}" { signed(&line[..colon], &body) } else { HeaderValue::from_bytes(value).ok()? };
            Some((HeaderName::from_bytes(&line[..colon]).ok()?, value))
        };
        let headers = lines.filter_map(header).collect();
        Some(Self { method, uri, headers, who, body })
    }

    async fn send(&self, shop: &Shop) -> Response<Bytes> {
        let from = ([127, 0, 0, 1], 4711).into();
        let mut request = warp::test::request().method(self.method.as_str()).path(&self.uri).remote_addr(from);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let account = match self.who.as_str() {
            "admin" => Some(&shop.admin),
            "ann" => Some(&shop.ann),
            "bob" => Some(&shop.bob),
            _ => None,
        };
        if let Some(account) = account {
            request = request.header(header::AUTHORIZATION, key(account));
        }
        if !self.body.is_empty() && !self.headers.contains_key(header::CONTENT_TYPE) {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request.body(&self.body).reply(&shop.routes).await
    }
}

/// The parts of a text between separators.
fn separated<'t>(text: &'t [u8], separator: &[u8]) -> Vec<&'t [u8]> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.windows(separator.len()).position(|window| window == separator) {
        parts.push(&rest[..end]);
        rest = &rest[end + separator.len()..];
    }
    parts.push(rest);
    parts
}

fn signed(name: &[u8], body: &[u8]) -> HeaderValue {
    let time = NOW.to_string();
    let signature = if name.eq_ignore_ascii_case(b"stripe-signature") {
        format!("t={time},v1={}", stripe_signature(STRIPE_SECRETS[0], &time, body))
    } else {
        paystack_signature(body)
    };
    signature.parse().expect("a signature is a good header")
}

fn is_well_formed(request: &Request, answer: &Response<Bytes>) {
    let (status, body) = (answer.status(), answer.body());
    let told = || format!("{request:?}\n{answer:?}");
    assert!(!status.is_server_error(), "{}", told());
    let text = |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().expect("a header of text"));
    let id = text("x-request-id");
    if id.is_empty() {
        // Not ours: warp's own answer where no route fits.
        assert_eq!(status, 404, "{}", told());
        return;
    }
    assert!(text("x-content-type-options") == "nosniff" && !text("cache-control").is_empty(), "{}", told());
    if request.method == Method::HEAD || status == 204 || status == 304 {
        assert!(body.is_empty(), "{}", told());
        return;
    }
    if status.is_success() {
        let is_json = text("content-type") == "application/json";
        assert!(!is_json || serde_json::from_slice::<Value>(body).is_ok(), "{}", told());
        return;
    }
    let problem: Value = serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error}: {}", told()));
    let field = |name: &str| problem[name].as_str().unwrap_or_default();
    assert_eq!(text("content-type"), "application/problem+json", "{}", told());
    assert!(field("type") == "about:blank" && Some(field("title")) == status.canonical_reason(), "{}", told());
    assert!(problem["status"] == status.as_u16() && field("request_id") == id && !field("detail").is_empty(), "{}", told());
    assert!(
        field("code").bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && !field("code").is_empty(),
        "{}",
        told()
    );
    assert_eq!(problem["errors"].is_object(), status == 422 && field("code") != "idempotency_key_reused", "{}", told());
    assert!(status != 401 || !text("www-authenticate").is_empty(), "{}", told());
    assert!(status != 405 || !text("allow").is_empty(), "{}", told());
}
