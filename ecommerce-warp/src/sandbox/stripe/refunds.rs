//! Refunds: no more goes back than came, and nothing that a bank is asking for.

use serde_json::Value;

use super::{Refusal, form::Form, objects};
use crate::sandbox::{
    acts::NewRefund,
    books::Books,
    held::{Held, HeldDispute, HeldState},
};

pub(super) fn create(books: &mut Books, mut form: Form) -> Result<Value, Refusal> {
    let (intent, charge) = (form.take("payment_intent")?, form.take("charge")?);
    let amount = form.number("amount")?;
    let metadata = form.metadata("metadata")?;
    form.finish()?;
    let (param, id) = match (intent, charge) {
        (Some(id), None) => ("payment_intent", id),
        (None, Some(id)) => ("charge", id),
        _ => return Err(Refusal::state(None, "One of the following params should be provided: payment_intent or charge.")),
    };
    let is_meant = |held: &&Held| if param == "charge" { held.charge() == id } else { held.intent() == id };
    let held = books.get(&id).filter(is_meant).ok_or_else(|| Refusal::missing(param, param, &id))?;
    let amount = refundable(held, amount)?;
    let made = books.pay_back(&id, NewRefund { amount, metadata, note: None });
    let (held, refund) = made.ok_or_else(|| Refusal::missing(param, param, &id))?;
    Ok(objects::refund(&held, &refund))
}

pub(super) fn refund(books: &Books, id: &str) -> Result<Value, Refusal> {
    let found = books.refund(id).filter(|(_, refund)| refund.id.starts_with("re_"));
    found.map(|(held, refund)| objects::refund(held, refund)).ok_or_else(|| Refusal::missing("refund", "id", id))
}

/// How much may go back of what is asked for.
fn refundable(held: &Held, asked: Option<i64>) -> Result<i64, Refusal> {
    if held.state.is != HeldState::Paid {
        return Err(Refusal::state(None, "This PaymentIntent does not have a successful charge to refund."));
    }
    if held.dispute.is_some_and(|dispute| dispute.is != HeldDispute::Won) {
        return Err(Refusal::state(Some("charge_disputed"), "The charge has been charged back; cannot issue a refund."));
    }
    let left = held.left();
    if left == 0 {
        return Err(Refusal::state(Some("charge_already_refunded"), "The charge has already been refunded."));
    }
    let amount = asked.unwrap_or(left);
    if amount < 1 {
        let message = "This value must be greater than or equal to 1.";
        return Err(Refusal::parameter(400, Some("parameter_invalid_integer"), "amount", message));
    }
    if amount > left {
        let message = format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).");
        return Err(Refusal::state(None, message));
    }
    Ok(amount)
}
