//! `/orders/`.

use ecommerce_core::{Fulfillment, FulfillmentStep, Invalid, Order, OrderFilter, OrderId, OrderStatus, UserId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Nothing;
use crate::{
    call::{Answer, Call},
    faults::Faults,
    json::present,
    problem::Problem,
    query::{Listed, Paging},
    reply,
};

/// The next step of the goods.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// `processing`, `shipped`, `delivered`: the one after the present.
    #[schema(example = "shipped", pattern = "^(processing|shipped|delivered)$")]
    status: String,
    /// Where to follow the parcel.
    #[serde(default, deserialize_with = "present")]
    #[schema(example = "1Z999AA10123456784", nullable = false, min_length = 1, max_length = 500)]
    tracking_number: Option<String>,
    /// What there is to say about it.
    #[serde(default, deserialize_with = "present")]
    #[schema(example = "Left at the door", nullable = false, min_length = 1, max_length = 500)]
    note: Option<String>,
}

/// The caller's orders, newest first; an admin's are those of all.
#[utoipa::path(get, path = "/orders/", tag = "orders", security(("bearer" = [])), params(
    ("status" = Option<OrderStatus>, Query, description = "Only those that have come this far"),
    ("user" = Option<UserId>, Query, description = "Only those of this customer"),
    Paging,
), responses(
    (status = 200, description = "A page of orders", body = Listed<Order>),
))]
pub(crate) async fn order_list(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let mut query = call.query();
    let filter = OrderFilter { status: query.value("status"), user: query.value("user") };
    let page = query.page();
    query.check()?;
    reply::ok(&query.listed(call.store().order_list(session.party(), &filter, page).await?))
}

/// One order.
#[utoipa::path(get, path = "/orders/{id}/", tag = "orders", security(("bearer" = [])), params(
    ("id" = OrderId, Path, description = "The order"),
), responses(
    (status = 200, description = "The order", body = Order),
))]
pub(crate) async fn order(call: &mut Call) -> Answer {
    let session = call.session().await?;
    reply::ok(&call.store().order(session.party(), call.id(OrderId::new)?).await?)
}

/// Calls an order off: its customer while it waits for payment, an admin until it is shipped. What was paid is queued
/// to go back.
#[utoipa::path(post, path = "/orders/{id}/cancel/", tag = "orders", security(("bearer" = [])), params(
    ("id" = OrderId, Path, description = "The order"),
), request_body = Option<Nothing>, responses(
    (status = 200, description = "The order, cancelled", body = Order),
    (status = 409, description = "`invalid_transition`"),
))]
pub(crate) async fn order_cancel(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let Nothing {} = call.json_or_nothing().await?;
    reply::ok(&call.store().order_cancel(session.party(), call.id(OrderId::new)?).await?)
}

/// Takes the goods of a paid order one step further.
#[utoipa::path(post, path = "/orders/{id}/fulfillment/", tag = "orders", security(("bearer" = ["admin"])), params(
    ("id" = OrderId, Path, description = "The order"),
), request_body = Step, responses(
    (status = 200, description = "The order as it is now", body = Order),
    (status = 409, description = "`invalid_transition`"),
))]
pub(crate) async fn order_fulfill(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let admin = session.admin()?;
    let step = call.json::<Step>().await?.checked()?;
    reply::ok(&call.store().order_fulfill(admin, call.id(OrderId::new)?, &step).await?)
}

impl Step {
    fn checked(self) -> Result<FulfillmentStep, Problem> {
        let mut faults = Faults::default();
        let status = faults.take("status", step(&self.status));
        let tracking_number = faults.parse_given("tracking_number", self.tracking_number.as_deref());
        let note = faults.parse_given("note", self.note.as_deref());
        match status {
            Some(status) if faults.is_empty() => Ok(FulfillmentStep { status, tracking_number, note }),
            _ => Err(faults.into()),
        }
    }
}

/// A state that goods can be brought to: every one but the first.
fn step(word: &str) -> Result<Fulfillment, Invalid> {
    let step = word.parse().ok().filter(|step| *step != Fulfillment::Unfulfilled);
    step.ok_or_else(|| Invalid::new("must be one of processing shipped delivered"))
}
