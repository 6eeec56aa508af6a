//! Paystack's events (paystack.com/docs/payments/webhooks). They have no ids and many shapes: read what is there.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::amounts::DIGITS;
use crate::{
    DisputeNews, DisputeStatus, EventContent, Money, News, ProviderEvent, RefundId, RefundNews, RefundProgress, Report, Subject,
    WebhookError,
    providers::json::{money, text, units},
};

/// Reads the body of an event.
pub(super) fn parse(body: &str) -> Result<ProviderEvent, WebhookError> {
    let event: Value = serde_json::from_str(body).map_err(|_| WebhookError::NotAnEvent("it is not JSON"))?;
    let kind = text(&event, "event").ok_or(WebhookError::NotAnEvent("it has no event"))?;
    let data = event.get("data").unwrap_or(&Value::Null);
    let id = key(&kind, data).filter(|key| key.len() <= 500).unwrap_or_else(|| format!("{kind}:{}", digest(body)));
    let content = match report(&kind, data) {
        Ok(Some(report)) => EventContent::News(report),
        Ok(None) => EventContent::Unused,
        Err(reason) => EventContent::Unreadable(reason),
    };
    Ok(ProviderEvent { id, kind, content })
}

/// What stands for the id that Paystack does not send.
fn key(kind: &str, data: &Value) -> Option<String> {
    if kind.starts_with("refund.") {
        let parts = [refund_reference(data), text(data, "transaction_reference"), text(data, "amount"), text(data, "status")];
        // Without any reference two refunds could not be told apart.
        parts.iter().take(2).any(Option::is_some).then(|| format!("{kind}:{}", parts.map(Option::unwrap_or_default).join(":")))
    } else if kind.starts_with("charge.dispute.") {
        Some(format!("{kind}:{}:{}", text(data, "id")?, text(data, "status").unwrap_or_default()))
    } else {
        Some(format!("{kind}:{}", text(data, "id")?))
    }
}

fn digest(body: &str) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn report(kind: &str, data: &Value) -> Result<Option<Report>, &'static str> {
    let report = match kind {
        "charge.success" => Report { subject: subject(data), news: News::Succeeded(paid(data)?) },
        "refund.pending" | "refund.processing" => told_refund(data, RefundProgress::Pending)?,
        "refund.processed" => told_refund(data, RefundProgress::Succeeded)?,
        "refund.failed" | "refund.needs-attention" => told_refund(data, RefundProgress::NeedsAttention)?,
        "charge.dispute.create" | "charge.dispute.remind" => dispute(data, DisputeStatus::Open)?,
        "charge.dispute.resolve" => match text(data, "resolution").as_deref() {
            Some("declined") => dispute(data, DisputeStatus::Won)?,
            Some("merchant-accepted" | "auto-accepted") => dispute(data, DisputeStatus::Lost)?,
            _ => return Err("the dispute ended in a way that is not known"),
        },
        _ => return Ok(None),
    };
    Ok(Some(report))
}

/// How a transaction stands that was asked for.
///
/// "abandoned" says that the customer has not paid yet: so every transaction begins, and it can still be paid.
pub(super) fn transaction(data: &Value) -> Result<Report, &'static str> {
    let news = match text(data, "status").as_deref() {
        Some("success") => News::Succeeded(paid(data)?),
        // It went back, by a refund or to the customer's bank, so it had been paid.
        Some("reversed") => News::RefundedInAll { total: paid(data)?, captured: paid(data)? },
        Some("failed") => News::Failed,
        Some("pending" | "processing" | "queued") => News::Processing,
        _ => News::Waiting,
    };
    Ok(Report { subject: subject(data), news })
}

/// What a refund says of itself that was asked for. Its id in answers is another than its reference in events.
pub(super) fn refund(data: &Value) -> Result<RefundNews, &'static str> {
    let status = match text(data, "status").as_deref() {
        Some("processed") => RefundProgress::Succeeded,
        Some("failed" | "needs-attention") => RefundProgress::NeedsAttention,
        _ => RefundProgress::Pending,
    };
    let amount = money(DIGITS, units(data, "amount"), text(data, "currency"))?;
    Ok(RefundNews { id: our_refund(data), reference: None, amount, status, may_be_ours: true })
}

/// What the customer paid of what was asked for. Where they bear the fee, `amount` has it on top.
fn paid(data: &Value) -> Result<Money, &'static str> {
    let asked_of = |amount: i64| units(data, "requested_amount").filter(|requested| (1..=amount).contains(requested));
    let paid = units(data, "amount").map(|amount| asked_of(amount).unwrap_or(amount));
    money(DIGITS, paid, text(data, "currency"))
}

fn told_refund(data: &Value, status: RefundProgress) -> Result<Report, &'static str> {
    let transaction = text(data, "transaction_reference").or_else(|| text(data.get("transaction")?, "reference"));
    let transaction = transaction.ok_or("the refund names no transaction")?;
    let amount = money(DIGITS, units(data, "amount"), text(data, "currency"))?;
    let news = RefundNews { id: our_refund(data), reference: refund_reference(data), amount, status, may_be_ours: true };
    Ok(Report { subject: Subject { references: vec![transaction], ..Subject::default() }, news: News::Refund(news) })
}

fn refund_reference(data: &Value) -> Option<String> {
    text(data, "refund_reference").or_else(|| text(data, "id"))
}

/// Our id of the refund, which we put into the merchant's note.
pub(super) fn our_refund(data: &Value) -> Option<RefundId> {
    text(data, "merchant_note")?.strip_prefix("refund:")?.parse().ok()
}

fn dispute(data: &Value, status: DisputeStatus) -> Result<Report, &'static str> {
    let transaction = data.get("transaction").unwrap_or(&Value::Null);
    let amount = units(data, "refund_amount").or_else(|| units(transaction, "amount"));
    let currency = text(data, "currency").or_else(|| text(transaction, "currency"));
    let reference = text(data, "id").ok_or("the dispute has no id")?;
    let news = DisputeNews { reference, amount: money(DIGITS, amount, currency)?, status };
    Ok(Report { subject: subject(transaction), news: News::Dispute(news) })
}

fn subject(transaction: &Value) -> Subject {
    // An object, or the same as JSON text, or nothing in many ways.
    let metadata = match transaction.get("metadata") {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
        Some(metadata) => metadata.clone(),
        None => Value::Null,
    };
    Subject {
        payment: text(&metadata, "payment_id").and_then(|id| id.parse().ok()),
        order: text(&metadata, "order_id").and_then(|id| id.parse().ok()),
        references: text(transaction, "reference").into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(event: Value) -> ProviderEvent {
        parse(&event.to_string()).unwrap()
    }

    fn ngn(minor: i64) -> Money {
        Money::new(minor, "NGN".parse().unwrap()).unwrap()
    }

    #[test]
    fn the_fee_that_the_customer_bears_is_not_what_was_asked_for() {
        let charge = |amount: Value, requested: Value| {
            let data = json!({ "id": 1, "reference": "r", "amount": amount, "requested_amount": requested, "currency": "NGN" });
            match read(json!({ "event": "charge.success", "data": data })).content {
                EventContent::News(Report { news: News::Succeeded(paid), .. }) => paid,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(charge(json!(40_333), json!(30_050)), ngn(30_050));
        assert_eq!(charge(json!(40_333), json!(null)), ngn(40_333));
        assert_eq!(charge(json!("40333"), json!(50_000)), ngn(40_333), "less than asked for is what was paid");
    }

    #[test]
    fn metadata_comes_in_many_shapes() {
        for metadata in [json!({ "order_id": 42, "payment_id": "7" }), json!("{\"order_id\":\"42\",\"payment_id\":7}")] {
            let subject = subject(&json!({ "reference": "r", "metadata": metadata }));
            assert_eq!((subject.order.map(crate::OrderId::get), subject.payment.map(crate::PaymentId::get)), (Some(42), Some(7)));
        }
        for metadata in [json!(""), json!(0), json!(null), json!("not json"), json!([])] {
            assert_eq!(subject(&json!({ "reference": "r", "metadata": metadata })).order, None);
        }
    }

    #[test]
    fn events_without_ids_get_one() {
        let refund = |kind: &str, id: Value| {
            read(json!({ "event": kind, "data": { "id": id, "transaction_reference": "r", "amount": "500", "currency": "NGN", "status": "x" } })).id
        };
        assert_eq!(refund("refund.processed", json!(null)), "refund.processed::r:500:x");
        assert_ne!(refund("refund.processed", json!(1)), refund("refund.processed", json!(2)));
        assert_eq!(read(json!({ "event": "charge.success", "data": { "id": 302_961 } })).id, "charge.success:302961");
        assert!(read(json!({ "event": "charge.success", "data": null })).id.starts_with("charge.success:"));
    }
}
