//! Checkout Sessions and PaymentIntents.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::{Refusal, form::Form, objects};
use crate::sandbox::{
    acts,
    books::Books,
    held::{Held, HeldState, Kind, Line, State},
};

/// How far ahead a session may end, in seconds.
const LIFETIME: RangeInclusive<i64> = 30 * 60..=24 * 3600;
/// The most that is taken, in Stripe's units.
const LARGEST: i64 = 99_999_999;
/// The least that is taken in dollars. Other currencies have their own, of which this knows nothing.
const SMALLEST_USD: i64 = 50;

pub(super) fn create_session(books: &mut Books, url: &str, mut form: Form) -> Result<Value, Refusal> {
    if form.must("mode")? != "payment" {
        return Err(Refusal::parameter(400, None, "mode", "The sandbox knows the mode payment alone."));
    }
    let now = books.desk.now;
    let expires_at = form.number("expires_at")?.unwrap_or(now.as_seconds() + LIFETIME.end());
    if !LIFETIME.contains(&(expires_at - now.as_seconds())) {
        let message =
            "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session creation.";
        return Err(Refusal::parameter(400, None, "expires_at", message));
    }
    // The customer pays in the shop's currency here, whatever is said of others.
    form.take("adaptive_pricing[enabled]")?;
    let (lines, currency) = form.lines()?;
    let (email, client_reference_id) = (form.take("customer_email")?, form.take("client_reference_id")?);
    if email.as_ref().is_some_and(|email| !email.contains('@')) {
        return Err(Refusal::parameter(400, Some("email_invalid"), "customer_email", "Invalid email address."));
    }
    let success_url = form.url("success_url")?;
    if success_url.is_none() {
        form.must("success_url")?;
    }
    let cancel_url = form.url("cancel_url")?;
    let intent_metadata = form.metadata("payment_intent_data[metadata]")?;
    let metadata = form.metadata("metadata")?;
    form.finish()?;
    let tag = books.desk.tag();
    let id = format!("cs_test_{tag}");
    let held = Held {
        kind: Kind::Session,
        number: books.desk.number(),
        amount: total(&lines, &currency)?,
        currency,
        email,
        lines,
        metadata,
        intent_metadata,
        client_reference_id,
        success_url: success_url.map(|url| url.replace("{CHECKOUT_SESSION_ID}", &id)),
        cancel_url,
        created: now,
        expires_at: Some(expires_at),
        state: State::OPEN,
        refunds: Vec::new(),
        dispute: None,
        tag,
        id,
    };
    let answer = objects::session_at(url, &held);
    books.insert(held);
    Ok(answer)
}

pub(super) fn session(books: &Books, url: &str, id: &str) -> Result<Value, Refusal> {
    of_kind(books, Kind::Session, id).map(|held| objects::session_at(url, held))
}

pub(super) fn expire_session(books: &mut Books, url: &str, id: &str) -> Result<Value, Refusal> {
    let held = of_kind(books, Kind::Session, id)?;
    if !matches!(held.state.is, HeldState::Open | HeldState::Declined) {
        let message = "Only Checkout Sessions with a status in [\"open\"] can be expired.";
        return Err(Refusal::state(None, message));
    }
    close(books, id);
    session(books, url, id)
}

pub(super) fn create_intent(books: &mut Books, mut form: Form) -> Result<Value, Refusal> {
    let amount = form.must_number("amount", 0)?;
    let currency = form.currency("currency")?;
    form.take("automatic_payment_methods[enabled]")?;
    let metadata = form.metadata("metadata")?;
    form.finish()?;
    let tag = books.desk.tag();
    let held = Held {
        kind: Kind::Intent,
        number: books.desk.number(),
        id: format!("pi_{tag}"),
        amount: taken(amount, &currency)?,
        currency,
        email: None,
        lines: Vec::new(),
        intent_metadata: metadata.clone(),
        metadata,
        client_reference_id: None,
        success_url: None,
        cancel_url: None,
        created: books.desk.now,
        expires_at: None,
        state: State::OPEN,
        refunds: Vec::new(),
        dispute: None,
        tag,
    };
    let answer = objects::intent(&held);
    books.insert(held);
    Ok(answer)
}

pub(super) fn intent(books: &Books, id: &str) -> Result<Value, Refusal> {
    any_intent(books, id).map(objects::intent)
}

pub(super) fn cancel_intent(books: &mut Books, id: &str) -> Result<Value, Refusal> {
    let held = any_intent(books, id)?;
    if held.kind == Kind::Session {
        return Err(Refusal::state(None, "This PaymentIntent belongs to a Checkout Session: expire that."));
    }
    if !matches!(held.state.is, HeldState::Open | HeldState::Declined) {
        let message = "You cannot cancel this PaymentIntent because of its status.";
        return Err(Refusal::state(Some("payment_intent_unexpected_state"), message));
    }
    close(books, id);
    intent(books, id)
}

fn of_kind<'b>(books: &'b Books, kind: Kind, id: &str) -> Result<&'b Held, Refusal> {
    let what = if kind == Kind::Session { "checkout.session" } else { "payment_intent" };
    books.get(id).filter(|held| held.kind == kind && held.id == id).ok_or_else(|| Refusal::missing(what, "id", id))
}

/// An intent, also one that a session made.
fn any_intent<'b>(books: &'b Books, id: &str) -> Result<&'b Held, Refusal> {
    let of_session = |held: &&Held| held.kind == Kind::Session && held.state.was_tried && held.intent() == id;
    books.get(id).filter(of_session).map_or_else(|| of_kind(books, Kind::Intent, id), Ok)
}

fn close(books: &mut Books, id: &str) {
    if let Some((held, desk)) = books.find(id) {
        acts::close(held, desk);
    }
}

fn total(lines: &[Line], currency: &str) -> Result<i64, Refusal> {
    let sum = lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.quantity.checked_mul(line.unit_amount)?));
    taken(sum.unwrap_or(i64::MAX), currency)
}

/// The amount, where Stripe takes so much.
fn taken(amount: i64, currency: &str) -> Result<i64, Refusal> {
    if amount > LARGEST {
        return Err(Refusal::parameter(400, Some("amount_too_large"), "amount", "The amount is too large."));
    }
    let smallest = if currency == "USD" { SMALLEST_USD } else { 1 };
    if amount < smallest {
        return Err(Refusal::parameter(400, Some("amount_too_small"), "amount", "The amount is too small."));
    }
    Ok(amount)
}
