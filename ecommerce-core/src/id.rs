//! Ids: positive whole numbers, one type for each kind of thing, never reused.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type, serde::Serialize)]
        #[sqlx(transparent)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// The id with this number; `None` unless it is positive.
            pub const fn new(number: i64) -> Option<Self> {
                if number > 0 { Some(Self(number)) } else { None }
            }

            /// The number.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        /// Only the canonical form: `7`, not `+7`, `07` or ` 7`.
        impl std::str::FromStr for $name {
            type Err = crate::Invalid;

            fn from_str(text: &str) -> Result<Self, crate::Invalid> {
                text.parse().ok().and_then(Self::new).filter(|id| id.to_string() == text)
                    .ok_or_else(|| crate::Invalid::new("must be a positive whole number"))
            }
        }
    )*};
}

ids! {
    /// Names an account.
    UserId
    /// Names a category.
    CategoryId
    /// Names a product, for ever: the id of a deleted product is not used again.
    ProductId
    /// Names an order.
    OrderId
    /// Names one attempt to pay an order.
    PaymentId
    /// Names one refund.
    RefundId
    /// Names one stored event of a payment provider.
    PaymentEventId
    /// Names one change of a product's stock.
    MovementId
    /// Names one entry of the audit log.
    AuditEntryId
}

#[cfg(test)]
mod tests {
    use super::OrderId;

    #[test]
    fn only_canonical_positive_numbers() {
        assert_eq!("7".parse::<OrderId>().ok(), OrderId::new(7));
        for text in ["", "0", "-1", "+1", "01", " 1", "1.0", "9223372036854775808", "x"] {
            assert!(text.parse::<OrderId>().is_err(), "{text:?} was taken");
        }
    }
}
