//! Lists, newest first, page by page.

use serde_json::{Value, json};

use super::{Refusal, form::Form, objects};
use crate::sandbox::books::Books;

/// How long a page is where nobody says, and at most.
const PAGE: i64 = 10;
const LONGEST_PAGE: i64 = 100;

pub(super) fn refunds(books: &Books, mut form: Form) -> Result<Value, Refusal> {
    let (intent, charge) = (form.take("payment_intent")?, form.take("charge")?);
    let page = Page::take(&mut form)?;
    form.finish()?;
    let mut all = Vec::new();
    for held in books.payments().filter(|held| held.provider() == ecommerce_core::ProviderName::Stripe) {
        let is_meant =
            intent.as_ref().is_none_or(|id| held.intent() == *id) && charge.as_ref().is_none_or(|id| held.charge() == *id);
        let told = held.refunds.iter().filter(|_| is_meant).map(|refund| (refund.created, objects::refund(held, refund)));
        all.extend(told);
    }
    all.sort_by_key(|(created, _)| *created);
    page.of("/v1/refunds", all.into_iter().rev().map(|(_, refund)| refund))
}

pub(super) fn events(books: &Books, mut form: Form) -> Result<Value, Refusal> {
    let kind = form.take("type")?;
    let since = form.number("created[gte]")?.unwrap_or(0);
    let until = form.number("created[lte]")?.unwrap_or(i64::MAX);
    let page = Page::take(&mut form)?;
    form.finish()?;
    let events = books.desk.events.iter().rev();
    let wanted =
        events.filter(|event| (since..=until).contains(&event.created) && kind.as_ref().is_none_or(|kind| event.kind == kind));
    page.of("/v1/events", wanted.map(|event| event.body.clone()))
}

struct Page {
    limit: usize,
    starting_after: Option<String>,
}

impl Page {
    fn take(form: &mut Form) -> Result<Self, Refusal> {
        let limit = form.number("limit")?.unwrap_or(PAGE);
        if !(1..=LONGEST_PAGE).contains(&limit) {
            return Err(Refusal::parameter(400, None, "limit", "The limit must be 1 to 100."));
        }
        Ok(Self { limit: usize::try_from(limit).unwrap_or_default(), starting_after: form.take("starting_after")? })
    }

    fn of(&self, url: &str, all: impl Iterator<Item = Value>) -> Result<Value, Refusal> {
        let mut all = all.peekable();
        if let Some(last) = &self.starting_after
            && !all.any(|item| item.get("id").and_then(Value::as_str) == Some(last))
        {
            return Err(Refusal::missing("object", "starting_after", last));
        }
        let data: Vec<_> = all.by_ref().take(self.limit).collect();
        Ok(json!({ "object": "list", "url": url, "has_more": all.peek().is_some(), "data": data }))
    }
}
