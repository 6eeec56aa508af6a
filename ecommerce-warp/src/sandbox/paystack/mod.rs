//! Paystack's API, as far as the shop uses it (paystack.com/docs/api). It knows no idempotency.

pub(super) mod objects;

use serde_json::{Map, Value, json};

use super::{
    acts::NewRefund,
    books::Books,
    call::{Call, Reply},
    held::{Held, HeldState, Kind, State},
};

/// What is taken, and the least of each in hundredths (paystack.com/docs/api, "supported currency").
const SMALLEST: &[(&str, i64)] = &[("NGN", 5_000), ("USD", 200), ("GHS", 10), ("ZAR", 100), ("KES", 300), ("XOF", 100)];

/// Answers a call whose key was good.
pub(super) fn answer(books: &mut Books, url: &str, call: &Call) -> Reply {
    let path: Vec<_> = call.path.trim_matches('/').split('/').collect();
    let answer = match (call.method.as_str(), path.as_slice()) {
        ("POST", ["transaction", "initialize"]) => initialize(books, url, &call.json()),
        ("GET", ["transaction", "verify", reference]) => verify(books, reference),
        ("POST", ["refund"]) => refund(books, &call.json()),
        ("GET", ["refund"]) => Ok(refunds(books, &call.fields())),
        ("GET", ["transaction"]) => Ok(transactions(books, &call.fields())),
        ("GET", ["dispute"]) => Ok(disputes(books, &call.fields())),
        ("GET", ["refund", id]) => one_refund(books, id),
        _ => Err(Refusal(404, "unknown_endpoint", "There is nothing at this address")),
    };
    answer.map_or_else(Refusal::into_reply, |body| Reply::new(200, body))
}

pub(super) fn unauthorized() -> Reply {
    Refusal(401, "invalid_key", "Invalid key").into_reply()
}

/// An answer that says nothing of what was done.
pub(super) fn broken(status: u16) -> Reply {
    match status {
        409 => Refusal(409, "conflict", "Another request is being worked on"),
        429 => Refusal(429, "rate_limited", "Too many requests"),
        _ => Refusal(status, "unknown", "An error occurred"),
    }
    .into_reply()
}

/// Why a call was refused: the status, the code, and a message.
struct Refusal(u16, &'static str, &'static str);

impl Refusal {
    fn invalid(message: &'static str) -> Self {
        Self(400, "invalid_params", message)
    }

    fn into_reply(self) -> Reply {
        let Self(status, code, message) = self;
        Reply::new(status, json!({ "status": false, "message": message, "type": "validation_error", "code": code }))
    }
}

fn initialize(books: &mut Books, url: &str, body: &Value) -> Result<Value, Refusal> {
    let email = text(body, "email").filter(|email| email.contains('@'));
    let email = email.ok_or(Refusal::invalid("Invalid Email Address Passed"))?;
    let currency = text(body, "currency").unwrap_or_else(|| "NGN".to_owned());
    let known = SMALLEST.iter().find(|(code, _)| *code == currency);
    let (_, smallest) = known.ok_or(Refusal(403, "unsupported_currency", "Currency not supported by merchant"))?;
    let amount = whole(body, "amount").filter(|amount| amount >= smallest).ok_or(Refusal::invalid("Invalid Amount Sent"))?;
    let callback_url = text(body, "callback_url");
    if callback_url.as_ref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
        return Err(Refusal::invalid("callback_url must be a valid URL"));
    }
    let tag = books.desk.tag();
    let reference = text(body, "reference").unwrap_or_else(|| tag.clone());
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'=' | b'-');
    if !reference.bytes().all(is_plain) {
        return Err(Refusal::invalid("Invalid transaction reference"));
    }
    if books.get(&reference).is_some() {
        return Err(Refusal(400, "duplicate_reference", "Duplicate Transaction Reference"));
    }
    let data = json!({ "authorization_url": format!("{url}/pay/{reference}"), "access_code": tag, "reference": reference });
    let held = Held {
        kind: Kind::Transaction,
        number: books.desk.number(),
        tag,
        id: reference,
        amount,
        currency,
        email: Some(email),
        lines: Vec::new(),
        metadata: metadata(body),
        intent_metadata: Map::new(),
        client_reference_id: None,
        success_url: callback_url,
        cancel_url: None,
        created: books.desk.now,
        expires_at: None,
        state: State::OPEN,
        refunds: Vec::new(),
        dispute: None,
    };
    books.insert(held);
    Ok(done("Authorization URL created", data))
}

fn verify(books: &Books, reference: &str) -> Result<Value, Refusal> {
    let held = books.get(reference).filter(|held| held.kind == Kind::Transaction && held.id == reference);
    let held = held.ok_or(Refusal(404, "transaction_not_found", "Transaction reference not found."))?;
    Ok(done("Verification successful", objects::transaction(held)))
}

fn refund(books: &mut Books, body: &Value) -> Result<Value, Refusal> {
    let unknown = || Refusal(404, "transaction_not_found", "Transaction not found");
    let name = text(body, "transaction").ok_or(Refusal::invalid("Transaction is required"))?;
    let held = books.get(&name).filter(|held| held.kind == Kind::Transaction).ok_or_else(unknown)?;
    if held.state.is != HeldState::Paid {
        return Err(Refusal::invalid("Transaction has not been paid"));
    }
    if held.left() == 0 {
        return Err(Refusal(400, "transaction_reversed", "Transaction has been fully reversed"));
    }
    let amount = if body.get("amount").is_some() { whole(body, "amount") } else { Some(held.left()) };
    let amount = amount.filter(|amount| (1..=held.left()).contains(amount));
    let amount = amount.ok_or(Refusal::invalid("Refund amount cannot be more than what is left of the transaction"))?;
    let new = NewRefund { amount, note: text(body, "merchant_note"), ..NewRefund::default() };
    let (held, refund) = books.pay_back(&name, new).ok_or_else(unknown)?;
    Ok(done("Refund has been queued for processing", objects::refund(&held, &refund)))
}

/// Every refund, newest first.
fn refunds(books: &Books, fields: &[(String, String)]) -> Value {
    let payments = books.payments().filter(|held| held.kind == Kind::Transaction);
    let mut all: Vec<_> = payments.flat_map(|held| held.refunds.iter().map(move |refund| (held, refund))).collect();
    all.sort_by_key(|(_, refund)| std::cmp::Reverse(refund.reference));
    page(all.into_iter().map(|(held, refund)| objects::refund(held, refund)).collect(), fields)
}

/// The transactions with a status, made since then, newest first.
fn transactions(books: &Books, fields: &[(String, String)]) -> Value {
    let payments = books.payments().filter(|held| held.kind == Kind::Transaction && is_since(held, fields));
    let mut all: Vec<_> = payments.map(objects::transaction).collect();
    if let Some(wanted) = field(fields, "status") {
        all.retain(|transaction| transaction.get("status").and_then(Value::as_str) == Some(wanted));
    }
    all.reverse();
    page(all, fields)
}

/// The disputes about transactions made since then, newest first.
fn disputes(books: &Books, fields: &[(String, String)]) -> Value {
    let payments = books.payments().filter(|held| held.kind == Kind::Transaction && is_since(held, fields));
    let mut all: Vec<_> = payments.filter_map(|held| Some(objects::dispute(held, held.dispute?))).collect();
    all.reverse();
    page(all, fields)
}

fn is_since(held: &Held, fields: &[(String, String)]) -> bool {
    field(fields, "from").is_none_or(|from| *held.created.to_string() >= *from)
}

fn field<'f>(fields: &'f [(String, String)], name: &str) -> Option<&'f str> {
    fields.iter().find(|(given, _)| given == name).map(|(_, text)| text.as_str())
}

/// A part of a list, and how much there is of it.
fn page(all: Vec<Value>, fields: &[(String, String)]) -> Value {
    let number = |name: &str| field(fields, name)?.parse::<usize>().ok().filter(|number| *number > 0);
    let (length, page) = (number("perPage").unwrap_or(50), number("page").unwrap_or(1));
    let total = all.len();
    let data: Vec<_> = all.into_iter().skip((page - 1).saturating_mul(length)).take(length).collect();
    let mut answer = done("Retrieved", Value::Array(data));
    if let Value::Object(answer) = &mut answer {
        let meta = json!({ "total": total, "perPage": length, "page": page, "pageCount": total.div_ceil(length) });
        answer.insert("meta".to_owned(), meta);
    }
    answer
}

fn one_refund(books: &Books, id: &str) -> Result<Value, Refusal> {
    let found = books.refund(id).filter(|(held, _)| held.kind == Kind::Transaction);
    let (held, refund) = found.ok_or(Refusal(404, "refund_not_found", "Refund not found"))?;
    Ok(done("Refund retrieved", objects::refund(held, refund)))
}

fn done(message: &str, data: Value) -> Value {
    json!({ "status": true, "message": message, "data": data })
}

/// A text that is not empty, or a number as its digits.
fn text(body: &Value, name: &str) -> Option<String> {
    match body.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number, written as a number or as text.
fn whole(body: &Value, name: &str) -> Option<i64> {
    text(body, name)?.parse().ok()
}

/// An object, or the same as JSON text.
fn metadata(body: &Value) -> Map<String, Value> {
    match body.get("metadata") {
        Some(Value::Object(metadata)) => metadata.clone(),
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        _ => Map::new(),
    }
}
