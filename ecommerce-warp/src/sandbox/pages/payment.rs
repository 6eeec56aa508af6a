//! The page of a payment: what is bought, how it stands, and a button for all that may happen to it.

use ecommerce_core::ProviderName;
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::{Escaped, overview::deliveries};
use crate::sandbox::{
    acts::Act,
    books::Books,
    held::{Held, HeldDispute, HeldState, Line},
};

/// Currencies that Stripe counts in whole units, and in thousandths (docs.stripe.com/currencies).
const WHOLE: &[&str] = &["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];
const THOUSANDTHS: &[&str] = &["BHD", "JOD", "KWD", "OMR", "TND"];

/// The buttons: what the address says, what the button says, and what is done. The refund has a form of its own.
const BUTTONS: &[(&str, &str, Act)] = &[
    ("pay", "Pay", Act::Pay),
    ("decline", "Decline", Act::Decline),
    ("pay-late", "Pay by a method that takes its time", Act::PayLate),
    ("money-arrives", "The money arrives", Act::FinishLate { ok: true }),
    ("money-stays-away", "The money does not come", Act::FinishLate { ok: false }),
    ("pay-twice", "Pay twice", Act::PayTwice),
    ("dispute", "Dispute", Act::Dispute),
    ("win-dispute", "The shop wins the dispute", Act::WinDispute),
    ("lose-dispute", "The shop loses the dispute", Act::LoseDispute),
    ("expire", "Let it expire", Act::Expire),
];

pub(super) fn body(books: &Books, url: &str, id: &str) -> Option<String> {
    let held = books.get(id)?;
    let buttons = BUTTONS.iter().filter(|(.., act)| act.is_possible(held));
    let buttons: String = buttons.map(|(word, label, _)| button(held, word, label, "")).collect();
    let deliveries = deliveries(books.deliveries.iter().rev().filter(|delivery| delivery.payment == held.id));
    Some(format!(
        "<p class=\"note\">A sandbox: no money moves. This page stands for {}'s.</p><h1>{}</h1>\
        <table>{}<tr><th colspan=\"3\">Total</th><th class=\"sum\">{}</th></tr></table>\
        <p>{}.</p>{buttons}{}{}<h2>Events</h2>{deliveries}<p><a href=\"/\">What the sandbox holds</a></p>",
        label(held.provider()),
        heading(held),
        held.lines.iter().map(|line| row(held, line)).collect::<String>(),
        amount(held, held.amount),
        standing(held),
        refund_form(held),
        links(held, url),
    ))
}

/// What the last word of an address asks for.
pub(super) fn act_named(word: &str, held: &Held, fields: &[(String, String)]) -> Option<Act> {
    if word == "refund" {
        let (_, text) = fields.iter().find(|(name, _)| name == "amount")?;
        return units(held, text).map(Act::RefundInDashboard);
    }
    BUTTONS.iter().find(|(known, ..)| *known == word).map(|(.., act)| *act)
}

/// Where the customer goes after the payment; `None` where the shop has no page of its own for that.
pub(super) fn way_back(held: &Held, url: &str) -> Option<String> {
    let back = held.success_url.clone()?;
    if back.strip_prefix(url).is_some_and(|path| path.starts_with("/done")) {
        return None;
    }
    Some(match held.provider() {
        ProviderName::Paystack => {
            let joint = if back.contains('?') { '&' } else { '?' };
            format!("{back}{joint}trxref={id}&reference={id}", id = held.id)
        }
        _ => back,
    })
}

/// How the payment stands, in words.
pub(super) fn standing(held: &Held) -> String {
    let mut words = vec![
        match held.state.is {
            HeldState::Open => "Not paid yet",
            HeldState::Declined => "Declined, and not paid yet",
            HeldState::Underway => "The money is on its way",
            HeldState::Bounced => "The money did not come",
            HeldState::Paid => "Paid",
            HeldState::Closed => "Closed: nobody can pay it any more",
        }
        .to_owned(),
    ];
    if held.refunded() > 0 {
        words.push(format!("paid back {}", amount(held, held.refunded())));
    }
    words.extend(held.dispute.map(|dispute| {
        match dispute.is {
            HeldDispute::Open => "disputed",
            HeldDispute::Won => "a dispute was won",
            HeldDispute::Lost => "a dispute was lost",
        }
        .to_owned()
    }));
    words.join(", ")
}

/// What people call the provider.
pub(super) fn label(provider: ProviderName) -> &'static str {
    if provider == ProviderName::Paystack { "Paystack" } else { "Stripe" }
}

/// An amount of the payment, as people write it.
pub(super) fn amount(held: &Held, units: i64) -> String {
    format!("{} {}", Decimal::new(units, digits(held)), Escaped(&held.currency))
}

/// An amount as people write it, in the provider's units.
fn units(held: &Held, text: &str) -> Option<i64> {
    let unit = Decimal::from(10_i64.checked_pow(digits(held))?);
    let units = text.trim().parse::<Decimal>().ok()?.checked_mul(unit)?;
    units.fract().is_zero().then(|| units.to_i64())?
}

fn digits(held: &Held) -> u32 {
    let is_among = |codes: &[&str]| held.provider() == ProviderName::Stripe && codes.contains(&held.currency.as_str());
    match () {
        () if is_among(WHOLE) => 0,
        () if is_among(THOUSANDTHS) => 3,
        () => 2,
    }
}

fn heading(held: &Held) -> String {
    held.told().order.map_or_else(|| "Payment".to_owned(), |order| format!("Order {order}"))
}

fn row(held: &Held, line: &Line) -> String {
    format!(
        "<tr><td>{}</td><td>{}</td><td class=\"sum\">{}</td><td class=\"sum\">{}</td></tr>",
        Escaped(&line.name),
        line.quantity,
        amount(held, line.unit_amount),
        amount(held, line.quantity.saturating_mul(line.unit_amount))
    )
}

fn button(held: &Held, word: &str, label: &str, input: &str) -> String {
    let id = Escaped(&held.id);
    format!("<form method=\"post\" action=\"/pay/{id}/{word}\">{input}<button>{label}</button></form>")
}

fn refund_form(held: &Held) -> String {
    if !Act::RefundInDashboard(held.left()).is_possible(held) {
        return String::new();
    }
    let input = format!(
        "<input type=\"text\" name=\"amount\" aria-label=\"amount\" inputmode=\"decimal\" value=\"{}\"> ",
        Decimal::new(held.left(), digits(held))
    );
    button(held, "refund", "Refund in the dashboard", &input)
}

fn links(held: &Held, url: &str) -> String {
    let link = |url: &str, label: &str| format!("<p><a href=\"{}\">{label}</a></p>", Escaped(url));
    match (held.state.is, &held.success_url, &held.cancel_url) {
        (HeldState::Open | HeldState::Declined, _, Some(cancel)) => link(cancel, "Cancel, and go back to the shop"),
        (HeldState::Paid | HeldState::Underway, Some(success), _) => {
            link(&way_back(held, url).unwrap_or_else(|| success.clone()), "Go on to the shop")
        }
        _ => String::new(),
    }
}
