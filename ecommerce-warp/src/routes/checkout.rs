//! `/checkout/`.

use ecommerce_core::{CheckoutRequest, IdempotencyKey, Order, ProviderName};
use serde::Deserialize;
use utoipa::ToSchema;
use warp::http::{HeaderName, HeaderValue};

use crate::{
    call::{Answer, Call},
    faults::Faults,
    json::{Amount, present},
    problem::Problem,
    reply,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// How the cart shall be paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckoutBody {
    /// Who takes the money; left out, the first that is configured of `stripe` and `paystack`, else `manual`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = ProviderName)]
    provider: Option<String>,
    /// The total that the customer was shown: refused when prices have moved.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Amount)]
    expected_total: Option<Amount>,
}

/// Turns the cart into an order at the prices of now and reserves its units, all or nothing.
///
/// The same `Idempotency-Key` again answers the same order with the header `Idempotent-Replayed: true`. Only an order
/// uses a key up, a refusal does not.
#[utoipa::path(post, path = "/checkout/", tag = "orders", security(("bearer" = [])), params(
    ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated request harmless: 1 to 255 characters",
        example = "6d9c1f0e-3a5b-4f5e-9a55-0c8f2f0f7c11"),
), request_body = Option<CheckoutBody>, responses(
    (status = 201, description = "The order", body = Order, headers(
        ("Location", description = "Where it is"),
        ("Idempotent-Replayed" = Option<bool>, description = "Whether an earlier request had placed it"),
    )),
    (status = 409, description = "`cart_empty`; `insufficient_stock` and `product_unavailable`, with `items`; `mixed_currencies`; \
        `total_changed`, with `total` and `currency`; `too_many_open_orders`"),
    (status = 422, description = "`invalid_request`, `currency_not_accepted`, `amount_not_accepted`, with `errors` by field; \
        `idempotency_key_reused`: the key was used for another request"),
))]
pub(crate) async fn checkout(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let body = call.json_or_nothing::<CheckoutBody>().await?;
    let request = body.with_keys(&call.header(&IDEMPOTENCY_KEY))?;
    let checkout = call.store().checkout(session.customer(), &request).await?;
    let mut response = reply::created(call.address("orders", checkout.order.id), &checkout.order)?;
    if checkout.replayed {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

impl CheckoutBody {
    fn with_keys(self, keys: &[&str]) -> Result<CheckoutRequest, Problem> {
        let mut faults = Faults::default();
        let provider = faults.parse_given("provider", self.provider.as_deref());
        let expected_total = self.expected_total.and_then(|total| faults.take("expected_total", total.decimal()));
        if keys.len() > 1 {
            faults.note("Idempotency-Key", "is given twice");
        }
        let idempotency_key = faults.parse_given::<IdempotencyKey>("Idempotency-Key", keys.first().copied());
        faults.check()?;
        Ok(CheckoutRequest { provider, expected_total, idempotency_key })
    }
}
