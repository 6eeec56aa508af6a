//! The API of both providers: who may call, what goes wrong on command, and what is noted of it.

use std::time::Duration;

use ecommerce_core::ProviderName;
use warp::http::Method;

use super::{
    PAYSTACK_KEY, STRIPE_KEY,
    books::Heard,
    call::{Call, Reply},
    faults::Fault,
    house::House,
    paystack, stripe,
};

/// Is this a path of the API, and whose?
pub(super) fn provider(path: &str) -> Option<ProviderName> {
    let is_below = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if is_below("/v1") {
        Some(ProviderName::Stripe)
    } else if ["/transaction", "/refund", "/dispute"].into_iter().any(is_below) {
        Some(ProviderName::Paystack)
    } else {
        None
    }
}

/// Answers a call; `None` when the connection shall be closed instead.
pub(super) async fn answer(house: &House, provider: ProviderName, call: &Call) -> Option<Reply> {
    let reply = heard(house, provider, call).await;
    let heard = Heard {
        provider,
        method: call.method.to_string(),
        path: call.path.clone(),
        idempotency_key: call.header("idempotency-key").map(str::to_owned),
        fields: call.fields(),
        status: reply.as_ref().map(|reply| reply.status),
    };
    house.with(|books| books.hear(heard));
    reply
}

async fn heard(house: &House, provider: ProviderName, call: &Call) -> Option<Reply> {
    let is_stripe = provider == ProviderName::Stripe;
    if !call.has_key(if is_stripe { STRIPE_KEY } else { PAYSTACK_KEY }) {
        return Some(if is_stripe { stripe::unauthorized() } else { paystack::unauthorized() });
    }
    let fate = house.with(|books| books.desk.chance.fate(call.method == Method::POST));
    let broken = |fault| match fault {
        Fault::Lost => None,
        Fault::Status(status) if is_stripe => Some(stripe::broken(status)),
        Fault::Status(status) => Some(paystack::broken(status)),
    };
    if let Some(fault) = fate.before {
        return broken(fault);
    }
    let reply = if is_stripe {
        stripe::answer(house, call, fate.pause).await
    } else {
        pause(fate.pause).await;
        house.with(|books| paystack::answer(books, house.url(), call))
    };
    fate.after.map_or(Some(reply), broken)
}

pub(super) async fn pause(span: Duration) {
    if !span.is_zero() {
        tokio::time::sleep(span).await;
    }
}
