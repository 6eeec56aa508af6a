//! The outbox: what happened, written in the transaction in which it happened, for whoever sends notices.

use serde_json::Value;

use crate::{
    StoreError, Timestamp,
    db::{Tx, statements},
    text,
};

text::words! {
    /// What a notice is about.
    pub(crate) enum Topic {
        UserRegistered = "user.registered",
        OrderPlaced = "order.placed",
        OrderPaid = "order.paid",
        OrderCancelled = "order.cancelled",
        OrderExpired = "order.expired",
        OrderProcessing = "order.processing",
        OrderShipped = "order.shipped",
        OrderDelivered = "order.delivered",
        RefundQueued = "refund.queued",
    }
}

statements! {
    INSERT =
        "insert into outbox (topic, payload, created_at)
         values ($1, $2, $3)";
}

/// Notes that something happened. The payload names it by id: the reader looks the rest up.
pub(crate) async fn push(tx: &mut Tx, topic: Topic, payload: Value, now: Timestamp) -> Result<(), StoreError> {
    tx.later(INSERT, &(topic, payload.to_string(), now)).await
}
