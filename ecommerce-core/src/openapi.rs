//! How the words of the store look in an OpenAPI document.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Type, schema::Schema},
};

use crate::{
    AuditEntryId, CategoryId, Currency, Money, MovementId, OrderId, PaymentEventId, PaymentId, ProductId, ProviderName, Quantity,
    RefundId, Timestamp, UserId,
};

macro_rules! schema {
    ($($name:ty => $schema:expr;)*) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

fn text(format: &str, example: &str, description: &str) -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String).examples([example]).description(Some(description));
    if format.is_empty() { text } else { text.pattern(Some(format)) }
}

fn id() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).examples([7])
}

schema! {
    Money => text(r"^\d+(\.\d+)?$", "19.99", "An amount of money: a decimal in the currency's own number of digits.");
    Currency => text("^[A-Z]{3}$", "USD", "A currency code of ISO 4217.");
    Timestamp => text("", "2026-01-31T09:30:00.123456Z", "A moment in UTC (RFC 3339).")
        .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::DateTime)));
    ProviderName => text("^[a-z][a-z0-9_]{0,23}$", "stripe", "Who takes the money: `stripe`, `paystack`, `manual`, or a provider of the shop's own.");
    Quantity => ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(Quantity::MAX)).examples([2]);
    UserId => id();
    CategoryId => id();
    ProductId => id();
    OrderId => id();
    PaymentId => id();
    RefundId => id();
    PaymentEventId => id();
    MovementId => id();
    AuditEntryId => id();
}
