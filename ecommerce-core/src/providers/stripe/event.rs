//! Stripe's events and objects (docs.stripe.com/api/events/types), read tolerantly: unknown types, fields and versions are
//! no error.

use serde_json::Value;

use super::amounts::DIGITS;
use crate::{
    DisputeNews, DisputeStatus, EventContent, Money, News, ProviderEvent, RefundNews, RefundProgress, Report, Subject,
    WebhookError,
    providers::json::{money, text, units},
};

/// The kinds of events that are used.
pub(super) const KINDS: &[&str] = &[
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "payment_intent.processing",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "charge.succeeded",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
];

/// Reads the body of an event.
pub(super) fn parse(body: &str) -> Result<ProviderEvent, WebhookError> {
    let event: Value = serde_json::from_str(body).map_err(|_| WebhookError::NotAnEvent("it is not JSON"))?;
    if text(&event, "object").as_deref() != Some("event") {
        return Err(WebhookError::NotAnEvent("its object is not \"event\""));
    }
    let id = text(&event, "id").ok_or(WebhookError::NotAnEvent("it has no id"))?;
    let kind = text(&event, "type").unwrap_or_default();
    let content = match event.pointer("/data/object") {
        Some(object) => match news(&kind, object) {
            Ok(Some(news)) => EventContent::News(Report { subject: subject(object), news }),
            Ok(None) => EventContent::Unused,
            Err(reason) => EventContent::Unreadable(reason),
        },
        None => EventContent::Unused,
    };
    Ok(ProviderEvent { id, kind, content })
}

/// What an event of this kind says about its object.
fn news(kind: &str, object: &Value) -> Result<Option<News>, &'static str> {
    Ok(Some(match kind {
        "checkout.session.completed" => match text(object, "payment_status").as_deref() {
            Some("paid" | "no_payment_required") => News::Succeeded(amount(object, "amount_total")?),
            // A delayed method: the money comes, or not, with a later event.
            _ => News::Processing,
        },
        "checkout.session.async_payment_succeeded" => News::Succeeded(amount(object, "amount_total")?),
        "checkout.session.async_payment_failed" | "checkout.session.expired" => News::Failed,
        "payment_intent.succeeded" => News::Succeeded(amount(object, "amount_received")?),
        "payment_intent.processing" => News::Processing,
        "payment_intent.payment_failed" | "payment_intent.canceled" => News::Failed,
        "charge.succeeded" if object.get("paid") == Some(&Value::Bool(true)) && is_captured(object) => {
            News::Succeeded(captured(object)?)
        }
        "charge.refunded" => News::RefundedInAll { total: amount(object, "amount_refunded")?, captured: captured(object)? },
        "refund.created" | "refund.updated" => News::Refund(refund(object)?),
        "refund.failed" => News::Refund(RefundNews { status: RefundProgress::NeedsAttention, ..refund(object)? }),
        "charge.dispute.created" | "charge.dispute.updated" | "charge.dispute.closed" => News::Dispute(dispute(object)?),
        _ => return Ok(None),
    }))
}

/// How a session stands that was asked for. "Complete" without money is a delayed method.
pub(super) fn session(session: &Value) -> Result<Report, &'static str> {
    let status = text(session, "status");
    let news = match (status.as_deref(), text(session, "payment_status").as_deref()) {
        (_, Some("paid")) | (Some("complete"), Some("no_payment_required")) => News::Succeeded(amount(session, "amount_total")?),
        (Some("complete"), _) => News::Processing,
        (Some("expired"), _) => News::Failed,
        _ => News::Waiting,
    };
    Ok(Report { subject: subject(session), news })
}

/// How an intent stands that was asked for.
pub(super) fn intent(intent: &Value) -> Result<Report, &'static str> {
    let news = match text(intent, "status").as_deref() {
        Some("succeeded") => News::Succeeded(amount(intent, "amount_received")?),
        Some("processing") => News::Processing,
        Some("canceled") => News::Failed,
        _ => News::Waiting,
    };
    Ok(Report { subject: subject(intent), news })
}

/// What a refund says of itself.
pub(super) fn refund(object: &Value) -> Result<RefundNews, &'static str> {
    let status = match text(object, "status").as_deref() {
        Some("failed" | "canceled") => RefundProgress::NeedsAttention,
        Some("succeeded") => RefundProgress::Succeeded,
        _ => RefundProgress::Pending,
    };
    let reference = text(object, "id").ok_or("the refund has no id")?;
    let amount = amount(object, "amount")?;
    Ok(RefundNews { id: ours(object, "refund_id"), reference: Some(reference), amount, status, may_be_ours: false })
}

fn dispute(object: &Value) -> Result<DisputeNews, &'static str> {
    let status = match text(object, "status").as_deref() {
        Some("lost") => DisputeStatus::Lost,
        // An inquiry that ends and a dispute that is held off leave the money where it is.
        Some("won" | "warning_closed" | "prevented") => DisputeStatus::Won,
        _ => DisputeStatus::Open,
    };
    let reference = text(object, "id").ok_or("the dispute has no id")?;
    Ok(DisputeNews { reference, amount: amount(object, "amount")?, status })
}

fn amount(object: &Value, key: &str) -> Result<Money, &'static str> {
    money(DIGITS, units(object, key), text(object, "currency"))
}

/// An authorization alone is no payment.
fn is_captured(charge: &Value) -> bool {
    charge.get("captured") != Some(&Value::Bool(false))
}

fn captured(charge: &Value) -> Result<Money, &'static str> {
    amount(charge, if units(charge, "amount_captured").is_some() { "amount_captured" } else { "amount" })
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

    fn read(kind: &str, object: Value) -> EventContent {
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
        assert_eq!(
            read("checkout.session.completed", session),
            EventContent::News(Report { subject, news: News::Succeeded(usd(1050)) })
        );
    }

    #[test]
    fn unpaid_is_not_paid() {
        let session = json!({ "id": "cs_1", "object": "checkout.session", "payment_status": "unpaid", "amount_total": null });
        assert!(matches!(read("checkout.session.completed", session), EventContent::News(Report { news: News::Processing, .. })));
        let held = json!({ "id": "ch_1", "object": "charge", "paid": true, "captured": false, "amount": 5, "currency": "usd" });
        assert_eq!(read("charge.succeeded", held), EventContent::Unused);
    }

    #[test]
    fn a_refund_of_ours_is_known_again() {
        let refund = json!({ "id": "re_1", "object": "refund", "payment_intent": "pi_1", "charge": null, "amount": 500, "currency": "usd",
            "status": "succeeded", "metadata": { "refund_id": "9" } });
        let EventContent::News(Report { subject, news: News::Refund(news) }) = read("refund.updated", refund) else {
            panic!("no refund")
        };
        assert_eq!(subject.references, ["pi_1"]);
        assert_eq!((news.id, news.status), (RefundId::new(9), RefundProgress::Succeeded));
    }

    #[test]
    fn nonsense_is_a_reason_and_never_a_panic() {
        for amount in [json!(null), json!("x"), json!(-1), json!(1.5), json!([]), json!(u64::MAX), json!(i64::MAX)] {
            let intent = json!({ "id": "pi_1", "object": "payment_intent", "amount_received": amount, "currency": "usd" });
            assert!(matches!(read("payment_intent.succeeded", intent), EventContent::Unreadable(_)), "{amount} was taken");
        }
        assert_eq!(read("product.created", json!({})), EventContent::Unused);
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
