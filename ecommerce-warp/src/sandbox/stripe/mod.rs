//! Stripe's API, as far as the shop uses it (docs.stripe.com/api).

mod form;
mod lists;
pub(super) mod objects;
mod payments;
mod refunds;

use std::time::Duration;

use serde_json::{Value, json};
use warp::http::Method;

use self::form::Form;
use super::{
    api::pause,
    books::Books,
    call::{Call, Reply},
    house::House,
    keys::Known,
};

/// The longest idempotency key.
const LONGEST_KEY: usize = 255;

/// Answers a call whose key was good. One that changes something does so once for each idempotency key.
pub(super) async fn answer(house: &House, call: &Call, span: Duration) -> Reply {
    let key = call.header("idempotency-key").filter(|_| call.method == Method::POST);
    let Some(key) = key else {
        pause(span).await;
        return house.with(|books| work(books, house.url(), call).map_or_else(Refusal::into_reply, |body| Reply::new(200, body)));
    };
    if key.len() > LONGEST_KEY {
        return Refusal::parameter(400, None, "Idempotency-Key", "Keys have at most 255 characters.").into_reply();
    }
    let request = format!("{} {}\n{}", call.method, call.path, String::from_utf8_lossy(&call.body));
    match house.with(|books| books.keys.begin(key, &request, books.desk.now)) {
        Known::Reply(reply) => return Reply { is_replayed: true, ..reply },
        Known::OtherRequest => return key_was_used(),
        Known::InUse => return broken(409),
        Known::Nothing => {}
    }
    let _in_use = InUse { house, key };
    pause(span).await;
    house.with(|books| {
        let (reply, is_kept) = match work(books, house.url(), call) {
            Ok(body) => (Reply::new(200, body), true),
            Err(refusal) => {
                let is_kept = refusal.is_kept();
                (refusal.into_reply(), is_kept)
            }
        };
        if is_kept {
            books.keys.keep(key, reply.clone());
        }
        reply
    })
}

pub(super) fn unauthorized() -> Reply {
    Refusal { status: 401, ..Refusal::state(None, "Invalid API Key provided.") }.into_reply()
}

/// An answer that says nothing of what was done.
pub(super) fn broken(status: u16) -> Reply {
    let (kind, code, message) = match status {
        409 => (
            "idempotency_error",
            Some("idempotency_key_in_use"),
            "There is currently another in-progress request using this Idempotency Key.",
        ),
        429 => ("invalid_request_error", Some("rate_limit"), "Request rate limit exceeded."),
        _ => ("api_error", None, "An unknown error occurred."),
    };
    Refusal { status, kind, ..Refusal::state(code, message) }.into_reply()
}

/// Why a call was refused (docs.stripe.com/api/errors).
struct Refusal {
    status: u16,
    kind: &'static str,
    code: Option<&'static str>,
    param: Option<String>,
    message: String,
}

impl Refusal {
    /// A parameter is wrong.
    fn parameter(status: u16, code: Option<&'static str>, param: &str, message: impl Into<String>) -> Self {
        Self { status, kind: "invalid_request_error", code, param: Some(param.to_owned()), message: message.into() }
    }

    /// Things stand otherwise than they would have to.
    fn state(code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { status: 400, kind: "invalid_request_error", code, param: None, message: message.into() }
    }

    /// There is nothing with this name.
    fn missing(what: &str, param: &str, name: &str) -> Self {
        let status = if param == "id" { 404 } else { 400 };
        Self::parameter(status, Some("resource_missing"), param, format!("No such {what}: '{name}'"))
    }

    /// What is refused for its parameters was not begun, and is not kept under its idempotency key.
    fn is_kept(&self) -> bool {
        self.param.is_none() && self.status == 400
    }

    fn into_reply(self) -> Reply {
        let Self { status, kind, code, param, message } = self;
        Reply::new(status, json!({ "error": { "type": kind, "code": code, "param": param, "message": message } }))
    }
}

fn key_was_used() -> Reply {
    let message = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
    Refusal { kind: "idempotency_error", ..Refusal::state(None, message) }.into_reply()
}

fn work(books: &mut Books, url: &str, call: &Call) -> Result<Value, Refusal> {
    let path: Vec<_> = call.path.trim_end_matches('/').split('/').skip(2).collect();
    let form = Form::of(call.fields());
    match (call.method.as_str(), path.as_slice()) {
        ("POST", ["checkout", "sessions"]) => payments::create_session(books, url, form),
        ("GET", ["checkout", "sessions", id]) => payments::session(books, url, id),
        ("POST", ["checkout", "sessions", id, "expire"]) => payments::expire_session(books, url, id),
        ("POST", ["payment_intents"]) => payments::create_intent(books, form),
        ("GET", ["payment_intents", id]) => payments::intent(books, id),
        ("POST", ["payment_intents", id, "cancel"]) => payments::cancel_intent(books, id),
        ("POST", ["refunds"]) => refunds::create(books, form),
        ("GET", ["refunds"]) => lists::refunds(books, form),
        ("GET", ["refunds", id]) => refunds::refund(books, id),
        ("GET", ["events"]) => lists::events(books, form),
        (method, _) => {
            let message = format!("Unrecognized request URL ({method}: {}).", call.path);
            Err(Refusal { status: 404, ..Refusal::state(None, message) })
        }
    }
}

/// A key whose request is being worked on; released when the caller goes away before it is answered.
struct InUse<'h> {
    house: &'h House,
    key: &'h str,
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        self.house.with(|books| books.keys.release(self.key));
    }
}
