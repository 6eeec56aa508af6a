//! Paystack's objects, with the fields that matter to somebody who reads of a payment.

use serde_json::{Value, json};

use crate::sandbox::held::{Dispute, Held, HeldDispute, HeldRefundStatus, HeldState, Refund};

/// A transaction, in answers and in `charge.success`.
pub(in crate::sandbox) fn transaction(held: &Held) -> Value {
    let (status, said) = match held.state.is {
        // So every transaction begins.
        HeldState::Open | HeldState::Closed => ("abandoned", "The transaction was not completed"),
        HeldState::Declined | HeldState::Bounced => ("failed", "Declined"),
        HeldState::Underway => ("pending", "The payment is being processed"),
        HeldState::Paid if is_gone(held) => ("reversed", "Reversed"),
        HeldState::Paid => ("success", "Successful"),
    };
    json!({
        "id": held.number, "domain": "test", "status": status, "reference": held.id, "receipt_number": null,
        "amount": held.amount, "requested_amount": held.amount, "message": null, "gateway_response": said,
        "created_at": held.created, "channel": if held.state.is_delayed { "bank_transfer" } else { "card" },
        "currency": held.currency, "metadata": held.metadata, "fees": null, "customer": { "email": held.email },
    })
}

/// A refund in answers: a number as its id, and the note.
pub(in crate::sandbox) fn refund(held: &Held, refund: &Refund) -> Value {
    json!({
        "id": refund.id.parse::<u64>().ok(), "transaction": held.number, "domain": "test", "amount": refund.amount,
        "currency": held.currency, "status": status(refund), "channel": "migs", "merchant_note": refund.note,
        "customer_note": null, "refunded_by": "sandbox", "createdAt": refund.created,
    })
}

/// A refund in events: another number, amounts as text, no note; and no number at all until it is done.
pub(in crate::sandbox) fn refund_event(held: &Held, refund: &Refund) -> Value {
    let reference = (refund.status != HeldRefundStatus::Pending).then(|| refund.reference.to_string());
    json!({
        "status": status(refund), "transaction_reference": held.id, "refund_reference": reference,
        "amount": refund.amount.to_string(), "currency": held.currency, "processor": "sandbox", "domain": "test",
        "customer": { "email": held.email },
    })
}

pub(in crate::sandbox) fn dispute(held: &Held, dispute: Dispute) -> Value {
    let (status, resolution) = match dispute.is {
        HeldDispute::Open => ("awaiting-merchant-feedback", None),
        HeldDispute::Won => ("resolved", Some("declined")),
        HeldDispute::Lost => ("resolved", Some("merchant-accepted")),
    };
    json!({
        "id": dispute.number, "refund_amount": dispute.amount, "currency": held.currency, "status": status,
        "resolution": resolution, "domain": "test", "transaction": transaction(held), "category": "chargeback",
    })
}

/// Has all of it gone back, by refunds or to the customer's bank?
fn is_gone(held: &Held) -> bool {
    held.refunded() == held.amount || held.dispute.is_some_and(|dispute| dispute.is == HeldDispute::Lost)
}

fn status(refund: &Refund) -> &'static str {
    match refund.status {
        HeldRefundStatus::Pending => "pending",
        HeldRefundStatus::Succeeded => "processed",
        HeldRefundStatus::Failed => "failed",
    }
}
