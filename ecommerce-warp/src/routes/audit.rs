//! `/audit-log/`.

use ecommerce_core::{AuditEntry, AuditFilter, Timestamp, UserId};

use crate::{
    call::{Answer, Call},
    query::{Listed, Paging},
    reply,
};

/// Who did what to the shop by the right of an admin, when and from where, newest first.
#[utoipa::path(get, path = "/audit-log/", tag = "audit", security(("bearer" = ["admin"])), params(
    ("user" = Option<UserId>, Query, description = "Only deeds of this account"),
    ("from" = Option<Timestamp>, Query, description = "Only what was done at this moment or later (RFC 3339)"),
    Paging,
), responses(
    (status = 200, description = "A page of deeds", body = Listed<AuditEntry>),
))]
pub(crate) async fn audit_log(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let admin = session.admin()?;
    let mut query = call.query();
    let filter = AuditFilter { user: query.value("user"), from: query.value("from") };
    let page = query.page();
    query.check()?;
    reply::ok(&query.listed(call.store().audit_log(admin, &filter, page).await?))
}
