//! Stripe's objects, with the fields that matter to somebody who reads of a payment.

use serde_json::{Value, json};

use crate::sandbox::held::{Dispute, Held, HeldDispute, HeldRefundStatus, HeldState, Refund};

/// A Checkout Session as an answer of the API.
pub(super) fn session_at(url: &str, held: &Held) -> Value {
    let mut session = session(held);
    if matches!(held.state.is, HeldState::Open | HeldState::Declined)
        && let Some(place) = session.get_mut("url")
    {
        *place = json!(format!("{url}/pay/{}", held.id));
    }
    session
}

/// A Checkout Session as an event tells of it.
pub(in crate::sandbox) fn session(held: &Held) -> Value {
    let status = match held.state.is {
        HeldState::Open | HeldState::Declined => "open",
        HeldState::Closed => "expired",
        HeldState::Underway | HeldState::Bounced | HeldState::Paid => "complete",
    };
    json!({
        "id": held.id, "object": "checkout.session", "livemode": false, "mode": "payment", "ui_mode": "hosted",
        "created": held.created.as_seconds(), "expires_at": held.expires_at,
        "status": status, "payment_status": if held.state.is == HeldState::Paid { "paid" } else { "unpaid" },
        "amount_subtotal": held.amount, "amount_total": held.amount, "currency": held.currency.to_lowercase(),
        "client_reference_id": held.client_reference_id, "customer": null, "customer_email": held.email,
        "customer_details": { "email": held.email }, "metadata": held.metadata,
        "payment_intent": held.state.was_tried.then(|| held.intent()), "payment_method_types": ["card"],
        "success_url": held.success_url, "cancel_url": held.cancel_url, "url": null, "client_secret": null,
    })
}

pub(in crate::sandbox) fn intent(held: &Held) -> Value {
    let status = match held.state.is {
        HeldState::Open | HeldState::Declined | HeldState::Bounced => "requires_payment_method",
        HeldState::Underway => "processing",
        HeldState::Paid => "succeeded",
        HeldState::Closed => "canceled",
    };
    let error = matches!(held.state.is, HeldState::Declined | HeldState::Bounced).then(|| {
        json!({ "type": "card_error", "code": "card_declined", "decline_code": "generic_decline", "message": "Your card was declined." })
    });
    json!({
        "id": held.intent(), "object": "payment_intent", "livemode": false, "created": held.created.as_seconds(),
        "amount": held.amount, "amount_capturable": 0, "amount_received": held.captured(),
        "currency": held.currency.to_lowercase(), "capture_method": "automatic", "client_secret": format!("{}_secret_sandbox", held.intent()),
        "last_payment_error": error, "latest_charge": held.state.was_tried.then(|| held.charge()),
        "metadata": held.intent_metadata, "payment_method_types": ["card"], "status": status,
    })
}

pub(in crate::sandbox) fn charge(held: &Held) -> Value {
    let refunded = held.refunded();
    json!({
        "id": held.charge(), "object": "charge", "livemode": false, "created": held.created.as_seconds(),
        "amount": held.amount, "amount_captured": held.captured(), "amount_refunded": refunded, "refunded": refunded == held.amount,
        "captured": true, "paid": true, "currency": held.currency.to_lowercase(), "disputed": held.dispute.is_some(),
        "metadata": held.intent_metadata, "payment_intent": held.intent(), "status": "succeeded",
    })
}

pub(in crate::sandbox) fn refund(held: &Held, refund: &Refund) -> Value {
    let status = match refund.status {
        HeldRefundStatus::Pending => "pending",
        HeldRefundStatus::Succeeded => "succeeded",
        HeldRefundStatus::Failed => "failed",
    };
    json!({
        "id": refund.id, "object": "refund", "created": refund.created.as_seconds(), "amount": refund.amount,
        "currency": held.currency.to_lowercase(), "payment_intent": held.intent(), "charge": held.charge(),
        "metadata": refund.metadata, "reason": null, "status": status,
    })
}

pub(in crate::sandbox) fn dispute(held: &Held, dispute: Dispute) -> Value {
    let status = match dispute.is {
        HeldDispute::Open => "needs_response",
        HeldDispute::Won => "won",
        HeldDispute::Lost => "lost",
    };
    json!({
        "id": format!("dp_{}", held.tag), "object": "dispute", "livemode": false, "amount": dispute.amount,
        "currency": held.currency.to_lowercase(), "payment_intent": held.intent(), "charge": held.charge(),
        "metadata": {}, "reason": "fraudulent", "status": status,
    })
}
