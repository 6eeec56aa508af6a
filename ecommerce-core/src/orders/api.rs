use serde_json::json;

use super::{Fulfillment, FulfillmentStep, Order, OrderError, OrderFilter, OrderStatus, sql};
use crate::{Admin, AuditAction, OrderId, Page, PageRequest, Party, Store, audit, db::retry, outbox};

impl Store {
    /// A page of the orders that the party may see, newest first.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn order_list(
        &self,
        party: impl Into<Party<'_>>,
        filter: &OrderFilter,
        page: PageRequest,
    ) -> Result<Page<Order>, OrderError> {
        let owner = party.into().owner();
        Ok(sql::list(&mut self.snapshot().await?, owner, filter, page).await?)
    }

    /// An order.
    ///
    /// # Errors
    /// [`OrderError::Unknown`], also for somebody else's.
    pub async fn order(&self, party: impl Into<Party<'_>>, id: OrderId) -> Result<Order, OrderError> {
        let owner = party.into().owner();
        let order = sql::find(&mut self.snapshot().await?, id, owner).await?;
        order.ok_or(OrderError::Unknown(id))
    }

    /// Takes the goods of a paid order one step further.
    ///
    /// # Errors
    /// [`OrderError::InvalidTransition`] when the order is not paid, a dispute is open, or it is not the next step.
    pub async fn order_fulfill(&self, admin: &Admin, id: OrderId, step: &FulfillmentStep) -> Result<Order, OrderError> {
        retry(async || {
            let now = self.now();
            let mut tx = self.write().await?;
            sql::lock(&mut tx, id, None).await?.ok_or(OrderError::Unknown(id))?;
            check_step(&sql::get(&mut tx, id).await?, step.status)?;
            sql::set_fulfillment(&mut tx, id, step, now).await?;
            let topic = match step.status {
                Fulfillment::Delivered => outbox::Topic::OrderDelivered,
                Fulfillment::Shipped => outbox::Topic::OrderShipped,
                Fulfillment::Processing | Fulfillment::Unfulfilled => outbox::Topic::OrderProcessing,
            };
            outbox::push(&mut tx, topic, json!({ "order": id }), now).await?;
            let FulfillmentStep { status, tracking_number, note } = step;
            let detail = json!({ "status": status, "tracking_number": tracking_number, "note": note });
            audit::record(&mut tx, admin, AuditAction::OrderFulfilled, Some(id.into()), detail, now).await?;
            let order = sql::get(&mut tx, id).await?;
            tx.commit().await?;
            Ok(order)
        })
        .await
    }
}

/// May the goods take this step now?
fn check_step(order: &Order, step: Fulfillment) -> Result<(), OrderError> {
    let refuse = |reason: String| Err(OrderError::InvalidTransition(reason));
    if order.status != OrderStatus::Paid {
        return refuse(format!("the order is {}, only a paid one is fulfilled", order.status));
    }
    if order.disputed {
        return refuse("a dispute about its payment is open".to_owned());
    }
    match order.fulfillment.next() {
        Some(next) if next == step => Ok(()),
        Some(next) => refuse(format!("the order is {}, the next step is {next}", order.fulfillment)),
        None => refuse(format!("the order is {} already", order.fulfillment)),
    }
}
