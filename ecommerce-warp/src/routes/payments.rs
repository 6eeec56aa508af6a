//! Paying orders, paying back, and what providers tell.

use ecommerce_core::{Note, Order, OrderId, PaymentEventStatus, ProviderName, Refund, RefundId, RefundRequest, WebhookError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::http::{HeaderName, StatusCode};

use crate::{
    call::{Answer, Call},
    faults::Faults,
    json::{Amount, present},
    problem::Problem,
    reply,
};

/// Another attempt to pay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPayment {
    /// Who takes the money; left out, the first that is configured of `stripe` and `paystack`, else `manual`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = ProviderName)]
    provider: Option<String>,
}

/// Money that came or went by hand.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ByHand {
    /// What to look for in the books.
    #[serde(default, deserialize_with = "present")]
    #[schema(example = "bank statement 2026-11, line 7", nullable = false, min_length = 1, max_length = 500)]
    reference: Option<String>,
}

/// Money that shall go back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRefund {
    /// How much; left out, all that is left.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Amount)]
    amount: Option<Amount>,
    /// Why, for people.
    #[serde(default, deserialize_with = "present")]
    #[schema(example = "arrived broken", nullable = false, min_length = 1, max_length = 500)]
    reason: Option<String>,
    /// Whether the units go back into stock: only with all that is left.
    #[serde(default)]
    #[schema(example = false)]
    restock: bool,
}

/// What became of an event.
#[derive(Serialize, ToSchema)]
pub(crate) struct Received {
    /// Stored, and acted upon or not.
    status: PaymentEventStatus,
}

/// Begins another attempt to pay an order that waits for payment.
#[utoipa::path(post, path = "/orders/{id}/pay/", tag = "payments", security(("bearer" = [])), params(
    ("id" = OrderId, Path, description = "The order"),
), request_body = Option<NewPayment>, responses(
    (status = 201, description = "The order, with the new payment last", body = Order),
    (status = 409, description = "`invalid_transition`: it does not wait for payment; `too_many_payments`: it has had too many"),
    (status = 422, description = "`invalid_request`, `currency_not_accepted`, `amount_not_accepted`, with `errors` by field"),
))]
pub(crate) async fn order_pay(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let provider = call.json_or_nothing::<NewPayment>().await?.checked()?;
    let order = call.store().order_pay(session.customer(), call.id(OrderId::new)?, provider).await?;
    reply::created(call.address("orders", order.id), &order)
}

/// Says that the money of an order has come by bank transfer or cash. Saying it twice is saying it once.
#[utoipa::path(post, path = "/orders/{id}/confirm-payment/", tag = "payments", security(("bearer" = ["admin"])), params(
    ("id" = OrderId, Path, description = "The order"),
), request_body = Option<ByHand>, responses(
    (status = 200, description = "The order, paid", body = Order),
    (status = 409, description = "`invalid_transition`; `insufficient_stock` where it had expired and its units are gone, with `items`"),
))]
pub(crate) async fn order_confirm_payment(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let admin = session.admin()?;
    let reference = call.json_or_nothing::<ByHand>().await?.checked()?;
    reply::ok(&call.store().order_confirm_payment(admin, call.id(OrderId::new)?, reference.as_ref()).await?)
}

/// Queues a refund of the payment that paid the order.
#[utoipa::path(post, path = "/orders/{id}/refund/", tag = "payments", security(("bearer" = ["admin"])), params(
    ("id" = OrderId, Path, description = "The order"),
), request_body = Option<NewRefund>, responses(
    (status = 202, description = "The order, with the refund queued", body = Order),
    (status = 409, description = "`disputed`: the customer's bank may pay it back already"),
))]
pub(crate) async fn order_refund(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let admin = session.admin()?;
    let request = call.json_or_nothing::<NewRefund>().await?.checked()?;
    let order = call.store().order_refund(admin, call.id(OrderId::new)?, &request).await?;
    reply::json(StatusCode::ACCEPTED, &order)
}

/// Says that a refund which waits for a person was paid back by hand.
#[utoipa::path(post, path = "/refunds/{id}/done/", tag = "payments", security(("bearer" = ["admin"])), params(
    ("id" = RefundId, Path, description = "The refund"),
), request_body = Option<ByHand>, responses(
    (status = 200, description = "The refund, done", body = Refund),
    (status = 409, description = "`invalid_transition`: it does not wait for a person"),
))]
pub(crate) async fn refund_done(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let admin = session.admin()?;
    let reference = call.json_or_nothing::<ByHand>().await?.checked()?;
    reply::ok(&call.store().refund_done(admin, call.id(RefundId::new)?, reference.as_ref()).await?)
}

/// Takes in what Stripe sends. 200 once the event is stored.
#[utoipa::path(post, path = "/webhooks/stripe/", tag = "payments", security(()), params(
    ("Stripe-Signature" = String, Header, description = "`t=<seconds>,v1=<HMAC-SHA256>` over the raw body"),
), request_body(content = String, content_type = "*/*", description = "An event of Stripe's, as it is sent"), responses(
    (status = 200, description = "Stored", body = Received),
    (status = 400, description = "`invalid_signature`; `invalid_event`: signed, but no event"),
    (status = 404, description = "`not_found`: no secret is configured for it"),
))]
pub(crate) async fn webhook_stripe(call: &mut Call) -> Answer {
    webhook(call, ProviderName::Stripe).await
}

/// Takes in what Paystack sends. 200 once the event is stored.
#[utoipa::path(post, path = "/webhooks/paystack/", tag = "payments", security(()), params(
    ("x-paystack-signature" = String, Header, description = "HMAC-SHA512 over the raw body"),
), request_body(content = String, content_type = "*/*", description = "An event of Paystack's, as it is sent"), responses(
    (status = 200, description = "Stored", body = Received),
    (status = 400, description = "`invalid_signature`; `invalid_event`: signed, but no event"),
    (status = 404, description = "`not_found`: no key is configured for it"),
))]
pub(crate) async fn webhook_paystack(call: &mut Call) -> Answer {
    webhook(call, ProviderName::Paystack).await
}

/// Takes in what a provider of the shop's own sends. 200 once the event is stored.
#[utoipa::path(post, path = "/webhooks/{provider}/", tag = "payments", security(()), params(
    ("provider" = ProviderName, Path, description = "The provider, signing in the header that it names"),
), request_body(content = String, content_type = "*/*", description = "An event, as it is sent"), responses(
    (status = 200, description = "Stored", body = Received),
    (status = 400, description = "`invalid_signature`; `invalid_event`: signed, but no event"),
    (status = 404, description = "`not_found`: there is no such provider, or it has no secret"),
))]
pub(crate) async fn webhook_other(call: &mut Call) -> Answer {
    let provider = call.word().parse().map_err(|_| Problem::not_found("there is no such provider"))?;
    webhook(call, provider).await
}

async fn webhook(call: &mut Call, provider: ProviderName) -> Answer {
    let header = call.store().signature_header(provider).and_then(|name| HeaderName::try_from(name).ok());
    let header = header.ok_or(WebhookError::NotConfigured(provider))?;
    let body = call.bytes().await?;
    let status = call.store().webhook_receive(provider, &call.header(&header), &body).await?;
    reply::ok(&Received { status })
}

impl NewPayment {
    fn checked(self) -> Result<Option<ProviderName>, Problem> {
        let mut faults = Faults::default();
        let provider = faults.parse_given("provider", self.provider.as_deref());
        faults.check()?;
        Ok(provider)
    }
}

impl ByHand {
    fn checked(self) -> Result<Option<Note>, Problem> {
        let mut faults = Faults::default();
        let reference = faults.parse_given("reference", self.reference.as_deref());
        faults.check()?;
        Ok(reference)
    }
}

impl NewRefund {
    fn checked(self) -> Result<RefundRequest, Problem> {
        let mut faults = Faults::default();
        let amount = self.amount.and_then(|amount| faults.take("amount", amount.decimal()));
        let reason = faults.parse_given("reason", self.reason.as_deref());
        faults.check()?;
        Ok(RefundRequest { amount, reason, restock: self.restock })
    }
}
