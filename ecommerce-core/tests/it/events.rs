//! What payment providers send, in the shapes that their documents give.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

use ecommerce_core::{Currency, Order, OrderId, PaymentId, RefundId};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::{Sha256, Sha512};

/// `Stripe-Signature` of a body that is sent at this second.
pub(crate) fn stripe_signature(secret: &str, at_second: i64, body: &[u8]) -> String {
    format!("t={at_second},v1={}", stripe_v1(secret, at_second, body))
}

pub(crate) fn stripe_v1(secret: &str, at_second: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at_second}.").as_bytes());
    mac.update(body);
    hex(&mac.finalize().into_bytes())
}

/// `x-paystack-signature` of a body.
pub(crate) fn paystack_signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha512>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    hex(&mac.finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// An attempt to pay as a provider knows it. Its methods tell of it in the provider's words, each time as a new event.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    /// What goes out with the order, and comes back as metadata.
    pub(crate) order: Option<OrderId>,
    pub(crate) payment: Option<PaymentId>,
    /// What the provider calls it: `cs_test_<name>`, `pi_<name>`, `ch_<name>`, or Paystack's reference.
    pub(crate) name: String,
    /// In the provider's units.
    pub(crate) amount: i64,
    pub(crate) currency: String,
}

impl Attempt {
    /// The newest attempt to pay the order, in the full amount.
    pub(crate) fn of(order: &Order) -> Self {
        let payment = order.payments.last().unwrap().id;
        Self { payment: Some(payment), ..Self::another(order, &format!("ours-{payment}")) }
    }

    /// An attempt to pay the order of which the store has not heard.
    pub(crate) fn another(order: &Order, name: &str) -> Self {
        Self {
            order: Some(order.id),
            payment: None,
            name: name.to_owned(),
            amount: order.total.minor(),
            currency: order.currency.to_string(),
        }
    }

    pub(crate) fn amounting_to(self, amount: i64) -> Self {
        Self { amount, ..self }
    }

    pub(crate) fn in_currency(self, currency: &str) -> Self {
        Self { currency: currency.parse::<Currency>().unwrap().to_string(), ..self }
    }

    /// The same attempt, told of without a word of ours.
    pub(crate) fn nameless(self) -> Self {
        Self { order: None, payment: None, ..self }
    }

    fn metadata(&self) -> Value {
        let mut metadata = Map::new();
        if let Some(order) = self.order {
            metadata.insert("order_id".to_owned(), json!(order.to_string()));
        }
        if let Some(payment) = self.payment {
            metadata.insert("payment_id".to_owned(), json!(payment.to_string()));
        }
        Value::Object(metadata)
    }

    pub(crate) fn session(&self) -> String {
        format!("cs_test_{}", self.name)
    }

    pub(crate) fn intent(&self) -> String {
        format!("pi_{}", self.name)
    }

    pub(crate) fn charge(&self) -> String {
        format!("ch_{}", self.name)
    }
}

/// Stripe's events about it.
impl Attempt {
    pub(crate) fn session_completed(&self) -> Value {
        self.checkout_session("completed", "complete", "paid")
    }

    /// A delayed method: the money is still to come.
    pub(crate) fn session_completed_unpaid(&self) -> Value {
        self.checkout_session("completed", "complete", "unpaid")
    }

    pub(crate) fn session_async_succeeded(&self) -> Value {
        self.checkout_session("async_payment_succeeded", "complete", "paid")
    }

    pub(crate) fn session_async_failed(&self) -> Value {
        self.checkout_session("async_payment_failed", "complete", "unpaid")
    }

    pub(crate) fn session_expired(&self) -> Value {
        self.checkout_session("expired", "expired", "unpaid")
    }

    fn checkout_session(&self, what: &str, status: &str, payment_status: &str) -> Value {
        let intent = if status == "expired" { Value::Null } else { json!(self.intent()) };
        stripe_event(
            &format!("checkout.session.{what}"),
            json!({
                "id": self.session(), "object": "checkout.session", "mode": "payment",
                "amount_total": self.amount, "currency": self.currency.to_lowercase(),
                "client_reference_id": self.order.map(|order| order.to_string()), "metadata": self.metadata(),
                "payment_intent": intent, "status": status, "payment_status": payment_status,
            }),
        )
    }

    pub(crate) fn intent_succeeded(&self) -> Value {
        self.payment_intent("succeeded", "succeeded", self.amount)
    }

    pub(crate) fn intent_processing(&self) -> Value {
        self.payment_intent("processing", "processing", 0)
    }

    pub(crate) fn intent_failed(&self) -> Value {
        self.payment_intent("payment_failed", "requires_payment_method", 0)
    }

    pub(crate) fn intent_canceled(&self) -> Value {
        self.payment_intent("canceled", "canceled", 0)
    }

    fn payment_intent(&self, what: &str, status: &str, received: i64) -> Value {
        let charge = if what == "canceled" { Value::Null } else { json!(self.charge()) };
        stripe_event(
            &format!("payment_intent.{what}"),
            json!({
                "id": self.intent(), "object": "payment_intent", "amount": self.amount, "amount_received": received,
                "currency": self.currency.to_lowercase(), "latest_charge": charge, "metadata": self.metadata(), "status": status,
            }),
        )
    }

    /// So much of the charge has been paid back in all.
    pub(crate) fn charge_refunded(&self, total: i64) -> Value {
        stripe_event(
            "charge.refunded",
            json!({
                "id": self.charge(), "object": "charge", "amount": self.amount, "amount_captured": self.amount,
                "amount_refunded": total, "refunded": total == self.amount, "currency": self.currency.to_lowercase(),
                "payment_intent": self.intent(), "metadata": self.metadata(), "status": "succeeded",
            }),
        )
    }

    /// One refund: `what` is created, updated or failed; `ours` the refund that asked for it.
    pub(crate) fn refund(&self, id: &str, what: &str, status: &str, amount: i64, ours: Option<RefundId>) -> Value {
        let metadata = ours.map_or_else(|| json!({}), |refund| json!({ "refund_id": refund.to_string() }));
        stripe_event(
            &format!("refund.{what}"),
            json!({
                "id": format!("re_{id}"), "object": "refund", "amount": amount, "currency": self.currency.to_lowercase(),
                "payment_intent": self.intent(), "charge": self.charge(), "status": status, "metadata": metadata,
            }),
        )
    }

    pub(crate) fn dispute_opened(&self) -> Value {
        self.dispute("created", "needs_response")
    }

    pub(crate) fn dispute_won(&self) -> Value {
        self.dispute("closed", "won")
    }

    pub(crate) fn dispute_lost(&self) -> Value {
        self.dispute("closed", "lost")
    }

    pub(crate) fn dispute(&self, what: &str, status: &str) -> Value {
        stripe_event(
            &format!("charge.dispute.{what}"),
            json!({
                "id": format!("dp_{}", self.name), "object": "dispute", "amount": self.amount,
                "currency": self.currency.to_lowercase(), "payment_intent": self.intent(), "charge": self.charge(),
                "status": status, "metadata": {},
            }),
        )
    }
}

/// Paystack's events about it.
impl Attempt {
    pub(crate) fn charge_success(&self) -> Value {
        json!({ "event": "charge.success", "data": {
            "id": number(), "domain": "test", "status": "success", "reference": self.name, "amount": self.amount,
            "currency": self.currency, "metadata": self.metadata(), "fees": null, "channel": "card",
        }})
    }

    pub(crate) fn paystack_refund(&self, id: &str, what: &str, amount: i64) -> Value {
        json!({ "event": format!("refund.{what}"), "data": {
            "status": what, "transaction_reference": self.name, "refund_reference": id,
            "amount": amount.to_string(), "currency": self.currency,
        }})
    }

    pub(crate) fn paystack_dispute(&self, what: &str, status: &str, resolution: Option<&str>) -> Value {
        json!({ "event": format!("charge.dispute.{what}"), "data": {
            "id": format!("dispute-{}", self.name), "status": status, "resolution": resolution, "refund_amount": self.amount, "currency": self.currency,
            "transaction": { "reference": self.name, "amount": self.amount, "currency": self.currency },
        }})
    }
}

/// An event of Stripe's with an id that no other has.
pub(crate) fn stripe_event(kind: &str, object: Value) -> Value {
    json!({
        "id": format!("evt_{}", number()), "object": "event", "api_version": "2026-10-28.endive", "created": 1_769_851_800,
        "type": kind, "livemode": false, "request": { "id": null, "idempotency_key": null }, "data": { "object": object },
    })
}

/// A number that no other event has.
pub(crate) fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
