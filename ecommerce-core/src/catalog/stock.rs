use serde::Serialize;

use super::{CatalogError, MAX_STOCK};
use crate::{InvalidField, MovementId, OrderId, ProductId, Timestamp, text};

text::words! {
    /// Why a product's stock changed.
    pub enum MovementReason {
        /// The product was made with it.
        Initial = "initial",
        /// An admin set the stock.
        Edited = "edited",
        /// An admin counted, lost or received pieces.
        Adjusted = "adjusted",
        /// A bulk import set the stock.
        Imported = "imported",
        /// An order was paid.
        Sold = "sold",
        /// A paid order was cancelled or refunded with its pieces.
        Returned = "returned",
    }
}

/// One change of a product's stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Movement {
    /// The movement's id.
    pub id: MovementId,
    /// By how much.
    pub change: i64,
    /// Why.
    pub reason: MovementReason,
    /// The order that took or gave the pieces.
    pub order: Option<OrderId>,
    /// What was said about it.
    pub note: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// How many pieces there are of a product, and how that came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StockReport {
    /// The product.
    pub product: ProductId,
    /// How many are on hand: the sum of the movements.
    pub stock: i64,
    /// How many of them open orders have reserved.
    pub reserved: i64,
    /// The latest changes, newest first, at most 1,000.
    pub movements: Vec<Movement>,
}

/// The stock after `by` pieces came or went.
pub(super) fn adjusted(stock: i64, reserved: i64, by: i64) -> Result<i64, CatalogError> {
    let refuse = |reason: String| Err(InvalidField::new("by", reason).into());
    match stock.saturating_add(by) {
        _ if by == 0 => refuse("must not be zero".to_owned()),
        ..0 => refuse(format!("takes more than the {stock} pieces on hand")),
        new if new > MAX_STOCK => refuse(format!("would make the stock more than {MAX_STOCK}")),
        new if new < reserved => Err(CatalogError::StockReserved { reserved }),
        new => Ok(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stock_stays_between_what_is_reserved_and_the_bound() {
        assert_eq!(adjusted(10, 3, -7).unwrap(), 3);
        assert_eq!(adjusted(10, 3, MAX_STOCK - 10).unwrap(), MAX_STOCK);
        assert!(matches!(adjusted(10, 3, -8), Err(CatalogError::StockReserved { reserved: 3 })));
        for by in [0, -11, i64::MIN, i64::MAX, MAX_STOCK] {
            assert!(
                matches!(adjusted(10, 3, by), Err(CatalogError::Invalid(InvalidField { field: "by", .. }))),
                "{by} was taken"
            );
        }
    }
}
