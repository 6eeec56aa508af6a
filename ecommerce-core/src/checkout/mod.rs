//! From a cart to an order: prices of now, units reserved, all or nothing, once.

mod api;
mod draft;
pub(crate) mod sql;

use rust_decimal::Decimal;

use crate::{
    InvalidField, Money, Order, ProductId, ProviderName, Shortage, StoreError, db,
    text::{checked_text, line},
};

checked_text! {
    /// Names one intention of one customer: the same key again answers the same order (1 to 255 characters on one line).
    ///
    /// After the IETF draft "The Idempotency-Key HTTP Header Field" and Stripe's API.
    IdempotencyKey = |text| line(text, 1, 255);
}

/// What a checkout asks for. The default: the cart as it is, with the provider that the store prefers.
#[derive(Debug, Clone, Default)]
pub struct CheckoutRequest {
    /// Who shall take the money: `None` for the first that is configured of Stripe and Paystack, else `manual`.
    pub provider: Option<ProviderName>,
    /// What the customer was shown, as a plain number: refused when prices have moved.
    pub expected_total: Option<Decimal>,
    /// Makes a repeated request harmless.
    pub idempotency_key: Option<IdempotencyKey>,
}

impl CheckoutRequest {
    /// The same text for the same request, whatever its key.
    pub(crate) fn fingerprint(&self) -> String {
        let provider = self.provider.as_ref().map_or("-", ProviderName::as_str);
        let total = self.expected_total.map_or_else(|| "-".to_owned(), |total| total.normalize().to_string());
        format!("{provider} {total}")
    }
}

/// An order that was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The order, as it was placed.
    pub order: Order,
    /// Whether an earlier request with the same key had placed it.
    pub replayed: bool,
}

/// Why a checkout was refused. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckoutError {
    /// There is nothing in the cart.
    #[error("the cart is empty")]
    CartEmpty,
    /// The cart holds more than there is.
    #[error("not enough in stock")]
    InsufficientStock(Vec<Shortage>),
    /// The cart holds products that are not for sale any more.
    #[error("some products are not for sale any more")]
    ProductUnavailable(Vec<ProductId>),
    /// The products of the cart have several currencies.
    #[error("the products in the cart have several currencies")]
    MixedCurrencies,
    /// The total is not the one that was expected.
    #[error("the total is now {0:?}")]
    TotalChanged(Money),
    /// The provider does not take this currency.
    #[error("{0} does not take this currency")]
    CurrencyNotAccepted(ProviderName),
    /// The provider does not take such a small or large amount.
    #[error("{0} does not take this amount")]
    AmountNotAccepted(ProviderName),
    /// The customer has too many orders that wait for payment.
    #[error("at most {0} orders may wait for payment")]
    TooManyOpenOrders(u32),
    /// The key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    IdempotencyKeyReused,
    /// A field cannot be taken.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl db::AsStoreError for CheckoutError {
    fn as_store_error(&self) -> Option<&StoreError> {
        if let Self::Store(error) = self { Some(error) } else { None }
    }
}
