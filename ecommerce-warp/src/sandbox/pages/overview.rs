//! The front page: what the sandbox is, what it holds, and what goes wrong.

use std::fmt::Display;

use serde_json::Value;

use super::{
    Escaped,
    payment::{amount, label, standing},
};
use crate::sandbox::{
    books::{Books, Delivery},
    held::Held,
};

/// How many payments and deliveries are shown.
const SHOWN: usize = 100;

pub(super) fn body(books: &Books) -> String {
    let payments: String = books.payments().rev().take(SHOWN).map(row).collect();
    let payments = if payments.is_empty() { "<tr><td>None yet.</td></tr>".to_owned() } else { payments };
    format!(
        "<h1>Sandbox</h1>\
        <p class=\"note\">A sandbox: no money moves. It stands in for Stripe and Paystack, on this machine only, \
        and forgets everything when it ends.</p>\
        <h2>Payments</h2><table>{payments}</table>\
        <h2>Events</h2>{}\
        <h2>Faults</h2><p>What shall go wrong from now on, and how often.</p>{}",
        deliveries(books.deliveries.iter().rev()),
        faults(books)
    )
}

/// What was sent to the shop, as a table.
pub(super) fn deliveries<'d>(deliveries: impl Iterator<Item = &'d Delivery>) -> String {
    let row = |Delivery { provider, kind, payment, status }: &Delivery| {
        let answered = status.map_or_else(|| "gave no answer".to_owned(), |status| format!("answered {status}"));
        format!(
            "<tr><td>{}</td><td><a href=\"/pay/{}\">{}</a></td><td>the shop {answered}</td></tr>",
            label(*provider),
            Escaped(payment),
            Escaped(kind)
        )
    };
    let rows: String = deliveries.take(SHOWN).map(row).collect();
    if rows.is_empty() { "<p>None yet.</p>".to_owned() } else { format!("<table>{rows}</table>") }
}

fn row(held: &Held) -> String {
    let told = held.told();
    let order = told.order.map_or_else(|| "an order unknown".to_owned(), |order| format!("order {order}"));
    format!(
        "<tr><td><a href=\"/pay/{}\">{order}</a></td><td>{}</td><td class=\"sum\">{}</td><td>{}</td></tr>",
        Escaped(&held.id),
        label(held.provider()),
        amount(held, held.amount),
        standing(held)
    )
}

fn faults(books: &Books) -> String {
    let field = |(name, value): (String, Value)| {
        let input = match &value {
            Value::Bool(is_on) => tick(&name, *is_on),
            value => format!("<input type=\"number\" min=\"0\" name=\"{name}\" id=\"{name}\" value=\"{value}\">"),
        };
        format!("<label for=\"{name}\">{}</label>{input}<br>", words(&name))
    };
    let fields: String = books.desk.chance.faults().fields().into_iter().map(field).collect();
    format!("<form method=\"post\" action=\"/faults\">{fields}<button>Set</button></form>")
}

fn tick(name: &str, is_on: bool) -> String {
    let checked = if is_on { " checked" } else { "" };
    format!("<input type=\"checkbox\" name=\"{name}\" id=\"{name}\"{checked}>")
}

/// The name of a fault, in words, with its unit.
fn words(name: &str) -> impl Display {
    match name.strip_suffix("_ms") {
        Some(name) => format!("{}, up to so many milliseconds", name.replace('_', " ")),
        None if name == "seed" || name.starts_with("shuffle") || name.starts_with("parallel") => name.replace('_', " "),
        None => format!("{}, in percent", name.replace('_', " ")),
    }
}
