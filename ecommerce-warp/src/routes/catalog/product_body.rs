//! What a product is made from and changed to, as it comes in.

use ecommerce_core::{Attributes, CategoryId, Currency, Invalid, InvalidField, Money, NewProduct, ProductChange};
use rust_decimal::Decimal;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    faults::Faults,
    json::{Amount, Texts, present},
    problem::Problem,
};

/// A product as a whole. On a change, what need not be given stays as it is where it is left out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductBody {
    /// What it is called.
    #[schema(example = "Ceramic mug", min_length = 1, max_length = 200)]
    name: String,
    /// The price of one piece.
    price: Amount,
    /// How many are on hand, those in open orders included.
    #[schema(example = 12, minimum = 0, maximum = 1_000_000_000)]
    stock: i64,
    /// The category it is in, or none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<CategoryId>)]
    category: Option<Option<i64>>,
    /// What it is like.
    #[serde(default, deserialize_with = "present")]
    #[schema(example = "Holds 300 ml.", nullable = false, max_length = 10_000)]
    description: Option<String>,
    /// The currency of the price; left out, that of the shop for a new product and the product's own for a change.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Currency)]
    currency: Option<String>,
    /// Whether customers see and may buy it; true for a new product that does not say.
    #[serde(default, deserialize_with = "present")]
    #[schema(example = true, nullable = false)]
    is_available: Option<bool>,
    /// The shop's own name for it, unique among products, or none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "MUG-300", min_length = 1, max_length = 100)]
    sku: Option<Option<String>>,
    /// What it is like, by name: all of it, in place of what it has so far.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Attributes)]
    attributes: Option<Texts>,
}

/// What to change of a product.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductPatch {
    /// A new name.
    #[serde(default, deserialize_with = "present")]
    #[schema(example = "Ceramic mug", nullable = false, min_length = 1, max_length = 200)]
    name: Option<String>,
    /// A new price.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Amount)]
    price: Option<Amount>,
    /// How many are on hand: not below what open orders have reserved.
    #[serde(default, deserialize_with = "present")]
    #[schema(example = 12, nullable = false, minimum = 0, maximum = 1_000_000_000)]
    stock: Option<i64>,
    /// Another category, or none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<CategoryId>)]
    category: Option<Option<i64>>,
    /// A new description.
    #[serde(default, deserialize_with = "present")]
    #[schema(example = "Holds 300 ml.", nullable = false, max_length = 10_000)]
    description: Option<String>,
    /// A new currency, which needs a price beside it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Currency)]
    currency: Option<String>,
    /// Whether customers see and may buy it.
    #[serde(default, deserialize_with = "present")]
    #[schema(example = true, nullable = false)]
    is_available: Option<bool>,
    /// A new SKU, or none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "MUG-300", min_length = 1, max_length = 100)]
    sku: Option<Option<String>>,
    /// What it is like, by name: all of it, in place of what it has so far.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Attributes)]
    attributes: Option<Texts>,
}

/// A change that was checked, but for a price that may need the product's own currency to be understood.
pub(super) struct Wanted {
    change: ProductChange,
    open: Option<OpenPrice>,
}

#[derive(Clone, Copy)]
enum OpenPrice {
    InOwnCurrency(Decimal),
    CurrencyAlone(Currency),
}

impl ProductBody {
    /// A new product, in this currency where it names none.
    pub(super) fn into_new(self, currency: Currency) -> Result<NewProduct, Problem> {
        let mut faults = Faults::default();
        let currency = self.currency.map_or(Some(currency), |code| faults.parse("currency", &code));
        let amount = faults.take("price", self.price.decimal());
        let price =
            amount.zip(currency).and_then(|(amount, currency)| faults.take("price", Money::from_decimal(amount, currency)));
        let name = faults.parse("name", &self.name);
        let description = faults.parse_given("description", self.description.as_deref()).unwrap_or_default();
        let sku = faults.parse_given("sku", self.sku.flatten().as_deref());
        let attributes = self.attributes.and_then(|texts| faults.take("attributes", texts.attributes())).unwrap_or_default();
        let category = self.category.flatten().and_then(|number| faults.id("category", number, CategoryId::new));
        let is_available = self.is_available.unwrap_or(true);
        match (name, price) {
            (Some(name), Some(price)) if faults.is_empty() => {
                Ok(NewProduct { name, description, price, stock: self.stock, is_available, sku, attributes, category })
            }
            _ => Err(faults.into()),
        }
    }

    /// The same as a change.
    pub(super) fn into_change(self) -> Result<Wanted, Problem> {
        let Self { name, price, stock, category, description, currency, is_available, sku, attributes } = self;
        let (name, price, stock) = (Some(name), Some(price), Some(stock));
        ProductPatch { name, price, stock, category, description, currency, is_available, sku, attributes }.into_change()
    }
}

impl ProductPatch {
    /// What it asks for, checked.
    pub(super) fn into_change(self) -> Result<Wanted, Problem> {
        let mut faults = Faults::default();
        let currency = faults.parse_given("currency", self.currency.as_deref());
        let amount = self.price.and_then(|price| faults.take("price", price.decimal()));
        let (price, open) = match (amount, currency) {
            (None, None) => (None, None),
            (Some(amount), Some(currency)) => (faults.take("price", Money::from_decimal(amount, currency)), None),
            (Some(amount), None) => (None, Some(OpenPrice::InOwnCurrency(amount))),
            (None, Some(currency)) => (None, Some(OpenPrice::CurrencyAlone(currency))),
        };
        let change = ProductChange {
            name: faults.parse_given("name", self.name.as_deref()),
            description: faults.parse_given("description", self.description.as_deref()),
            price,
            stock: self.stock,
            is_available: self.is_available,
            sku: self.sku.map(|sku| faults.parse_given("sku", sku.as_deref())),
            attributes: self.attributes.and_then(|texts| faults.take("attributes", texts.attributes())),
            category: self.category.map(|id| id.and_then(|number| faults.id("category", number, CategoryId::new))),
        };
        faults.check()?;
        Ok(Wanted { change, open })
    }
}

impl Wanted {
    /// The change, where it says all by itself.
    pub(super) fn settled(&self) -> Option<&ProductChange> {
        self.open.is_none().then_some(&self.change)
    }

    /// The change, for a product in this currency.
    pub(super) fn in_currency(&self, own: Currency) -> Result<ProductChange, InvalidField> {
        let price = match self.open {
            None => self.change.price,
            Some(OpenPrice::InOwnCurrency(amount)) => {
                Some(Money::from_decimal(amount, own).map_err(|error| refused(error.into()))?)
            }
            Some(OpenPrice::CurrencyAlone(currency)) if currency == own => None,
            Some(OpenPrice::CurrencyAlone(_)) => return Err(refused(Invalid::new("is required beside a new currency"))),
        };
        Ok(ProductChange { price, ..self.change.clone() })
    }
}

fn refused(reason: Invalid) -> InvalidField {
    InvalidField { field: "price", reason }
}
