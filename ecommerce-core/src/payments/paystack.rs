//! Paystack's events (paystack.com/docs/payments/webhooks). They have no ids and many shapes: read what is there.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    WebhookError,
    event::{Content, DisputeNews, Event, News, RefundNews, ReportedRefund, Subject, money, text, units},
};
use crate::{DisputeStatus, ProviderName::Paystack, RefundId};

/// Reads a signed body.
pub(super) fn parse(body: &str) -> Result<Event, WebhookError> {
    let event: Value = serde_json::from_str(body).map_err(|_| WebhookError::NotAnEvent("it is not JSON"))?;
    let kind = text(&event, "event").ok_or(WebhookError::NotAnEvent("it has no event"))?;
    let data = event.get("data").unwrap_or(&Value::Null);
    let id = key(&kind, data).filter(|key| key.len() <= 500).unwrap_or_else(|| format!("{kind}:{}", digest(body)));
    let content = content(&kind, data);
    Ok(Event { id, kind, content })
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

fn content(kind: &str, data: &Value) -> Result<Content, &'static str> {
    match kind {
        "charge.success" => {
            let paid = money(Paystack, paid_units(data), text(data, "currency"))?;
            Ok(Content::News(subject(data), News::Succeeded(paid)))
        }
        "refund.pending" | "refund.processing" => refund(data, ReportedRefund::Pending),
        "refund.processed" => refund(data, ReportedRefund::Succeeded),
        "refund.failed" | "refund.needs-attention" => refund(data, ReportedRefund::NeedsAttention),
        "charge.dispute.create" | "charge.dispute.remind" => dispute(data, DisputeStatus::Open),
        "charge.dispute.resolve" => match text(data, "resolution").as_deref() {
            Some("declined") => dispute(data, DisputeStatus::Won),
            Some("merchant-accepted" | "auto-accepted") => dispute(data, DisputeStatus::Lost),
            _ => Err("the dispute ended in a way that is not known"),
        },
        _ => Ok(Content::Unused),
    }
}

/// Where the customer bears the fee, `amount` has it on top of what was asked for.
fn paid_units(data: &Value) -> Option<i64> {
    let amount = units(data, "amount")?;
    Some(units(data, "requested_amount").filter(|requested| (1..=amount).contains(requested)).unwrap_or(amount))
}

fn refund(data: &Value, status: ReportedRefund) -> Result<Content, &'static str> {
    let transaction = text(data, "transaction_reference").or_else(|| text(data.get("transaction")?, "reference"));
    let transaction = transaction.ok_or("the refund names no transaction")?;
    let amount = money(Paystack, units(data, "amount"), text(data, "currency"))?;
    let news = RefundNews { id: our_refund(data), reference: refund_reference(data), amount, status };
    Ok(Content::News(Subject { references: vec![transaction], ..Subject::default() }, News::Refund(news)))
}

fn refund_reference(data: &Value) -> Option<String> {
    text(data, "refund_reference").or_else(|| text(data, "id"))
}

/// Our id of the refund, which we put into the merchant's note.
fn our_refund(data: &Value) -> Option<RefundId> {
    text(data, "merchant_note")?.strip_prefix("refund:")?.parse().ok()
}

fn dispute(data: &Value, status: DisputeStatus) -> Result<Content, &'static str> {
    let transaction = data.get("transaction").unwrap_or(&Value::Null);
    let amount = units(data, "refund_amount").or_else(|| units(transaction, "amount"));
    let currency = text(data, "currency").or_else(|| text(transaction, "currency"));
    let reference = text(data, "id").ok_or("the dispute has no id")?;
    let news = DisputeNews { reference, amount: money(Paystack, amount, currency)?, status };
    Ok(Content::News(subject(transaction), News::Dispute(news)))
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
    use crate::Money;

    fn read(event: Value) -> Event {
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
                Ok(Content::News(_, News::Succeeded(paid))) => paid,
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
