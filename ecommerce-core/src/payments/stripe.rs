//! Stripe's events (docs.stripe.com/api/events/types), read tolerantly: unknown types, fields and versions are no error.

use serde_json::Value;

use super::{
    WebhookError,
    event::{Content, DisputeNews, Event, News, RefundNews, ReportedRefund, Subject, money, text, units},
};
use crate::{DisputeStatus, Money, ProviderName::Stripe};

/// Reads a signed body.
pub(super) fn parse(body: &str) -> Result<Event, WebhookError> {
    let event: Value = serde_json::from_str(body).map_err(|_| WebhookError::NotAnEvent("it is not JSON"))?;
    if text(&event, "object").as_deref() != Some("event") {
        return Err(WebhookError::NotAnEvent("its object is not \"event\""));
    }
    let id = text(&event, "id").ok_or(WebhookError::NotAnEvent("it has no id"))?;
    let kind = text(&event, "type").unwrap_or_default();
    let content = match event.pointer("/data/object") {
        Some(object) => content(&kind, object),
        None => Ok(Content::Unused),
    };
    Ok(Event { id, kind, content })
}

fn content(kind: &str, object: &Value) -> Result<Content, &'static str> {
    let amount = |key| money(Stripe, units(object, key), text(object, "currency"));
    let news = match kind {
        "checkout.session.completed" => match text(object, "payment_status").as_deref() {
            Some("paid" | "no_payment_required") => News::Succeeded(amount("amount_total")?),
            // A delayed method: the money comes, or not, with a later event.
            _ => News::Processing,
        },
        "checkout.session.async_payment_succeeded" => News::Succeeded(amount("amount_total")?),
        "checkout.session.async_payment_failed" | "checkout.session.expired" => News::Failed,
        "payment_intent.succeeded" => News::Succeeded(amount("amount_received")?),
        "payment_intent.processing" => News::Processing,
        "payment_intent.payment_failed" | "payment_intent.canceled" => News::Failed,
        "charge.succeeded" if object.get("paid") == Some(&Value::Bool(true)) && captured(object) => {
            News::Succeeded(amount(if units(object, "amount_captured").is_some() { "amount_captured" } else { "amount" })?)
        }
        "charge.refunded" => News::RefundedInAll {
            total: amount("amount_refunded")?,
            captured: amount(if units(object, "amount_captured").is_some() { "amount_captured" } else { "amount" })?,
        },
        "refund.created" | "refund.updated" | "refund.failed" => News::Refund(refund(kind, object, amount("amount")?)?),
        "charge.dispute.created" | "charge.dispute.updated" | "charge.dispute.closed" => {
            News::Dispute(dispute(object, amount("amount")?)?)
        }
        _ => return Ok(Content::Unused),
    };
    Ok(Content::News(subject(object), news))
}

/// An authorization alone is no payment.
fn captured(charge: &Value) -> bool {
    charge.get("captured") != Some(&Value::Bool(false))
}

fn refund(kind: &str, object: &Value, amount: Money) -> Result<RefundNews, &'static str> {
    let status = match text(object, "status").as_deref() {
        _ if kind == "refund.failed" => ReportedRefund::NeedsAttention,
        Some("failed" | "canceled") => ReportedRefund::NeedsAttention,
        Some("succeeded") => ReportedRefund::Succeeded,
        _ => ReportedRefund::Pending,
    };
    let reference = text(object, "id").ok_or("the refund has no id")?;
    Ok(RefundNews { id: ours(object, "refund_id"), reference: Some(reference), amount, status })
}

fn dispute(object: &Value, amount: Money) -> Result<DisputeNews, &'static str> {
    let status = match text(object, "status").as_deref() {
        Some("lost") => DisputeStatus::Lost,
        // An inquiry that ends and a dispute that is held off leave the money where it is.
        Some("won" | "warning_closed" | "prevented") => DisputeStatus::Won,
        _ => DisputeStatus::Open,
    };
    let reference = text(object, "id").ok_or("the dispute has no id")?;
    Ok(DisputeNews { reference, amount, status })
}

fn subject(object: &Value) -> Subject {
    // A reference may come expanded: the whole object in place of its id.
    let reference = |key| text(object, key).or_else(|| object.get(key).and_then(|whole| text(whole, "id")));
    let references = match text(object, "object").as_deref() {
        Some("checkout.session") => vec![text(object, "id"), reference("payment_intent")],
        Some("payment_intent") => vec![text(object, "id"), reference("latest_charge")],
        Some("charge") => vec![reference("payment_intent"), text(object, "id")],
        _ => vec![reference("payment_intent"), reference("charge")],
    };
    let order = ours(object, "order_id").or_else(|| text(object, "client_reference_id")?.parse().ok());
    Subject { payment: ours(object, "payment_id"), order, references: references.into_iter().flatten().collect() }
}

/// One of our own ids, as we put it into the metadata.
fn ours<T: std::str::FromStr>(object: &Value, key: &str) -> Option<T> {
    text(object.get("metadata")?, key)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{OrderId, PaymentId, RefundId};

    fn read(kind: &str, object: Value) -> Result<Content, &'static str> {
        let body = json!({ "id": "evt_1", "object": "event", "type": kind, "data": { "object": object }, "unheard_of": [1] });
        parse(&body.to_string()).unwrap().content
    }

    fn usd(minor: i64) -> Money {
        Money::new(minor, "USD".parse().unwrap()).unwrap()
    }

    #[test]
    fn a_session_names_everything() {
        let session = json!({ "id": "cs_1", "object": "checkout.session", "payment_intent": { "id": "pi_1" }, "amount_total": 1050,
            "currency": "usd", "payment_status": "paid", "client_reference_id": "42", "metadata": { "payment_id": "7" } });
        let subject = Subject {
            payment: PaymentId::new(7),
            order: OrderId::new(42),
            references: vec!["cs_1".to_owned(), "pi_1".to_owned()],
        };
        assert_eq!(read("checkout.session.completed", session), Ok(Content::News(subject, News::Succeeded(usd(1050)))));
    }

    #[test]
    fn unpaid_is_not_paid() {
        let session = json!({ "id": "cs_1", "object": "checkout.session", "payment_status": "unpaid", "amount_total": null });
        assert!(matches!(read("checkout.session.completed", session), Ok(Content::News(_, News::Processing))));
        let held = json!({ "id": "ch_1", "object": "charge", "paid": true, "captured": false, "amount": 5, "currency": "usd" });
        assert_eq!(read("charge.succeeded", held), Ok(Content::Unused));
    }

    #[test]
    fn a_refund_of_ours_is_known_again() {
        let refund = json!({ "id": "re_1", "object": "refund", "payment_intent": "pi_1", "charge": null, "amount": 500, "currency": "usd",
            "status": "succeeded", "metadata": { "refund_id": "9" } });
        let Ok(Content::News(subject, News::Refund(news))) = read("refund.updated", refund) else { panic!("no refund") };
        assert_eq!(subject.references, ["pi_1"]);
        assert_eq!((news.id, news.status), (RefundId::new(9), ReportedRefund::Succeeded));
    }

    #[test]
    fn nonsense_is_a_reason_and_never_a_panic() {
        for amount in [json!(null), json!("x"), json!(-1), json!(1.5), json!([]), json!(u64::MAX), json!(i64::MAX)] {
            let intent = json!({ "id": "pi_1", "object": "payment_intent", "amount_received": amount, "currency": "usd" });
            assert!(read("payment_intent.succeeded", intent).is_err(), "{amount} was taken");
        }
        assert_eq!(read("product.created", json!({})), Ok(Content::Unused));
        for body in [
            "",
            "[]",
            "null",
            "7",
            r#"{"object":"v2.core.event","id":"evt_1","type":"x"}"#,
            r#"{"object":"event"}"#,
            r#"{"object":"event","id":"a\u0000b","type":"x"}"#,
        ] {
            assert!(parse(body).is_err(), "{body}");
        }
    }
}
