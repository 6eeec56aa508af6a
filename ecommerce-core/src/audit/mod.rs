//! Who did what to the shop, when and from where. An entry is written in the transaction of the deed: there is never one
//! without the other.

mod api;
mod changes;
pub(crate) mod sql;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{AuditEntryId, CategoryId, Email, OrderId, ProductId, RefundId, Timestamp, UserId, text};
pub(crate) use changes::changes;
pub(crate) use sql::record;

text::words! {
    /// What an admin, or the program itself, can do to a shop.
    pub enum AuditAction {
        /// Made a category.
        CategoryCreated = "category.created",
        /// Changed a category.
        CategoryUpdated = "category.updated",
        /// Deleted a category.
        CategoryDeleted = "category.deleted",
        /// Made a product.
        ProductCreated = "product.created",
        /// Changed a product.
        ProductUpdated = "product.updated",
        /// Deleted a product.
        ProductDeleted = "product.deleted",
        /// Made or changed products by the thousand.
        ProductsImported = "products.imported",
        /// Corrected a product's stock.
        StockAdjusted = "stock.adjusted",
        /// Made an admin's account.
        AdminCreated = "user.admin_created",
        /// Gave an account another role.
        RoleChanged = "user.role_changed",
        /// Disabled an account, and ended its sessions.
        UserDisabled = "user.disabled",
        /// Let a disabled account sign in again.
        UserEnabled = "user.enabled",
        /// Took the goods of an order one step further.
        OrderFulfilled = "order.fulfilled",
        /// Called an order off by the right of an admin.
        OrderCancelled = "order.cancelled",
        /// Said that the money of an order has come by hand.
        PaymentConfirmed = "order.payment_confirmed",
        /// Ordered that money goes back.
        RefundRequested = "refund.requested",
        /// Said that a refund was paid back by hand.
        RefundDone = "refund.done",
    }
}

text::words! {
    /// What something can be done to.
    pub enum AuditKind {
        /// A category.
        Category = "category",
        /// A product.
        Product = "product",
        /// An account.
        User = "user",
        /// An order.
        Order = "order",
        /// A refund.
        Refund = "refund",
    }
}

/// What something was done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditSubject {
    /// What it is.
    pub kind: AuditKind,
    /// Its id among its kind.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, example = 7))]
    pub id: i64,
}

macro_rules! subjects {
    ($($id:ident = $kind:ident,)+) => {$(
        impl From<$id> for AuditSubject {
            fn from(id: $id) -> Self {
                Self { kind: AuditKind::$kind, id: id.get() }
            }
        }
    )+};
}

subjects! {
    CategoryId = Category,
    ProductId = Product,
    UserId = User,
    OrderId = Order,
    RefundId = Refund,
}

/// One deed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// The entry's id.
    pub id: AuditEntryId,
    /// When it was done.
    pub at: Timestamp,
    /// Who did it; null for the program itself, such as its command line.
    pub user: Option<AuditUser>,
    /// From where: the address of the client, or what the program calls the place; null where nobody said.
    #[cfg_attr(feature = "openapi", schema(example = "203.0.113.7"))]
    pub from: Option<String>,
    /// What was done, in one stable word.
    pub action: AuditAction,
    /// What it was done to; null where that is no single thing.
    pub subject: Option<AuditSubject>,
    /// What there is to say about it. What was changed stands by its name, as `{"from": ..., "to": ...}`.
    #[cfg_attr(feature = "openapi", schema(example = json!({"price": {"from": "12.50", "to": "13.00"}})))]
    pub detail: BTreeMap<String, serde_json::Value>,
}

/// An account as the audit log shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditUser {
    /// The account's id.
    pub id: UserId,
    /// The account's e-mail when it was done.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "ann@example.com"))]
    pub email: Email,
}

/// Which entries are wanted. The default wants all.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditFilter {
    /// Only deeds of this account.
    pub user: Option<UserId>,
    /// Only what was done at this moment or later.
    pub from: Option<Timestamp>,
}
