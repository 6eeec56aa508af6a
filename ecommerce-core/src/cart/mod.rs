//! What a customer means to buy: lines of a product and a quantity, priced from the catalog as it is now.

mod api;
mod lines;
pub(crate) mod sql;

use serde::Serialize;

use crate::{Currency, InvalidField, Money, MoneyError, ProductId, Quantity, StoreError, db};

/// The most lines of a cart.
pub const MAX_LINES: usize = 100;

/// A customer's cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cart {
    /// The lines, in the order in which they were added.
    pub items: Vec<CartItem>,
    /// The sum of the lines; null while they have several currencies.
    pub total: Option<Money>,
    /// The currency of every amount; null while there are several.
    pub currency: Option<Currency>,
}

/// A line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CartItem {
    /// What is wanted.
    pub product: ProductRef,
    /// How many of it.
    pub quantity: Quantity,
    /// The price of one piece, now.
    pub unit_price: Money,
    /// The price of all pieces of the line, now.
    pub line_total: Money,
    /// Whether the product is still for sale.
    pub is_available: bool,
}

/// A product as a cart shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProductRef {
    /// The product's id.
    pub id: ProductId,
    /// What it is called now.
    #[cfg_attr(feature = "openapi", schema(example = "Ceramic mug"))]
    pub name: String,
}

/// So many pieces of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CartLine {
    /// The product.
    pub product: ProductId,
    /// How many.
    pub quantity: Quantity,
}

/// A line that asks for more than there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Shortage {
    /// The product.
    pub product: ProductId,
    /// What it is called.
    #[cfg_attr(feature = "openapi", schema(example = "Ceramic mug"))]
    pub name: String,
    /// How many are wanted.
    #[cfg_attr(feature = "openapi", schema(example = 3))]
    pub requested: u32,
    /// How many can be bought now: those on hand less those reserved.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub available: i64,
}

/// A line of a cart beside what the catalog says of its product: what carts and checkout decide on.
#[derive(Debug, Clone)]
pub(crate) struct PricedLine {
    pub(crate) product: ProductId,
    pub(crate) name: String,
    pub(crate) unit_price: Money,
    pub(crate) quantity: Quantity,
    pub(crate) is_available: bool,
    /// How many can be bought now.
    pub(crate) in_stock: i64,
}

impl PricedLine {
    pub(crate) fn total(&self) -> Result<Money, MoneyError> {
        self.unit_price.times(self.quantity.get())
    }

    pub(crate) fn shortage(&self) -> Option<Shortage> {
        (i64::from(self.quantity.get()) > self.in_stock).then(|| Shortage {
            product: self.product,
            name: self.name.clone(),
            requested: self.quantity.get(),
            available: self.in_stock,
        })
    }
}

/// The lines as a cart, with their total where there is one. Without a line it is nothing in the shop's `own` currency.
///
/// # Errors
/// [`MoneyError::TooLarge`] when a line or the total is more than [`Money`] holds.
pub(crate) fn price(lines: &[PricedLine], own: Currency) -> Result<Cart, MoneyError> {
    let cart = price_capped(lines, own);
    let totals = lines.iter().map(PricedLine::total).collect::<Result<Vec<_>, _>>()?;
    if let Some(currency) = cart.currency {
        totals.into_iter().try_fold(Money::zero(currency), Money::plus)?;
    }
    Ok(cart)
}

/// The lines as a cart to look at: a line or a total that became more than [`Money`] holds, since a price was raised later,
/// shows the largest amount there is. It cannot be checked out, but its lines can be seen and taken out.
pub(crate) fn price_capped(lines: &[PricedLine], own: Currency) -> Cart {
    let item = |line: &PricedLine| CartItem {
        product: ProductRef { id: line.product, name: line.name.clone() },
        quantity: line.quantity,
        unit_price: line.unit_price,
        line_total: line.total().unwrap_or(Money::largest(line.unit_price.currency())),
        is_available: line.is_available,
    };
    let items: Vec<_> = lines.iter().map(item).collect();
    let currency = lines.first().map_or(own, |line| line.unit_price.currency());
    let currency = lines.iter().all(|line| line.unit_price.currency() == currency).then_some(currency);
    let total = currency.map(|currency| {
        let sum = items.iter().try_fold(Money::zero(currency), |sum, item| sum.plus(item.line_total));
        sum.unwrap_or(Money::largest(currency))
    });
    Cart { items, total, currency }
}

/// Why a cart could not be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CartError {
    /// No such product, or none that is for sale.
    #[error("there is no product {0}")]
    UnknownProduct(ProductId),
    /// The product is not in the cart.
    #[error("product {0} is not in the cart")]
    NotInCart(ProductId),
    /// The cart would hold more than there is.
    #[error("not enough in stock")]
    InsufficientStock(Vec<Shortage>),
    /// A field cannot be taken.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl db::AsStoreError for CartError {
    fn as_store_error(&self) -> Option<&StoreError> {
        if let Self::Store(error) = self { Some(error) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(price: i64, quantity: i64, currency: &str) -> PricedLine {
        PricedLine {
            product: ProductId::new(1).unwrap(),
            name: "Mug".to_owned(),
            unit_price: Money::new(price, currency.parse().unwrap()).unwrap(),
            quantity: Quantity::new(quantity).unwrap(),
            is_available: true,
            in_stock: 0,
        }
    }

    #[test]
    fn a_cart_has_a_total_while_it_has_one_currency() {
        let euro = "EUR".parse().unwrap();
        let cart = price(&[line(1250, 2, "USD"), line(1, 3, "USD")], euro).unwrap();
        assert_eq!(cart.total.map(|total| total.to_string()).as_deref(), Some("25.03"));
        let mixed = price(&[line(1250, 2, "USD"), line(1, 3, "EUR")], euro).unwrap();
        assert_eq!((mixed.total, mixed.currency, mixed.items.len()), (None, None, 2));
        assert_eq!(price(&[], euro).unwrap(), Cart { items: vec![], total: Some(Money::zero(euro)), currency: Some(euro) });
    }

    #[test]
    fn a_total_that_outgrew_money_can_be_seen_but_not_counted_on() {
        let largest = Money::largest("USD".parse().unwrap());
        for lines in [vec![line(Money::MAX_MINOR, 2, "USD")], vec![line(Money::MAX_MINOR, 1, "USD"), line(1, 1, "USD")]] {
            assert_eq!(price(&lines, largest.currency()), Err(MoneyError::TooLarge));
            assert_eq!(price_capped(&lines, largest.currency()).total, Some(largest));
        }
    }
}
