//! `/search/suggest/`.

use ecommerce_core::Suggestions;

use crate::{
    call::{Answer, Call},
    etag::IfNoneMatch,
    reply,
};

/// What may be meant by what was typed so far: the five best products, and five categories by name.
#[utoipa::path(get, path = "/search/suggest/", tag = "catalog", security((), ("bearer" = [])), params(
    ("q" = Option<String>, Query, description = "What was typed so far", example = "cer"),
    IfNoneMatch,
), responses(
    (status = 200, description = "What may be meant", body = Suggestions, headers(("ETag", description = "Names this state"))),
    (status = 304, description = "Not changed since the state in `If-None-Match`"),
))]
pub(crate) async fn search_suggest(call: &mut Call) -> Answer {
    let session = call.visitor().await?;
    let admin = session.as_ref().and_then(|session| session.admin().ok());
    let mut query = call.query();
    let typed = query.text("q");
    query.check()?;
    let suggestions = call.store().search_suggest(typed.as_deref().unwrap_or_default(), admin).await?;
    reply::fresh_list(&call.headers, &suggestions)
}
