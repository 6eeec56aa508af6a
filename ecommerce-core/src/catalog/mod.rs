//! What the shop sells: products in categories, how to find them, and how many there are.

mod api;
mod attributes;
pub(crate) mod categories;
mod import;
mod lists;
pub(crate) mod search;
pub(crate) mod sql;
mod stock;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{CategoryId, Currency, Description, Invalid, InvalidField, Money, Name, ProductId, Sku, StoreError, Timestamp, db};
pub use attributes::Attributes;
pub use categories::{Category, CategoryChange, CategoryRef, NewCategory};
pub use import::{ImportReport, ImportRow};
pub(crate) use search::build_index;
pub use search::{
    CategoryCount, FacetName, Facets, Found, Look, Ordering, PriceRange, ProductFilter, SuggestedProduct, Suggestions, ValueCount,
};
pub use stock::{Movement, MovementReason, StockReport};

/// Something to sell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Product {
    /// The product's id.
    pub id: ProductId,
    /// What it is called.
    #[cfg_attr(feature = "openapi", schema(example = "Ceramic mug"))]
    pub name: String,
    /// What it is like; may be empty.
    #[cfg_attr(feature = "openapi", schema(example = "Holds 300 ml."))]
    pub description: String,
    /// The price of one piece.
    pub price: Money,
    /// The currency of the price.
    pub currency: Currency,
    /// How many are on hand, those in open orders included.
    #[cfg_attr(feature = "openapi", schema(example = 12))]
    pub stock: i64,
    /// Whether customers see and may buy it.
    pub is_available: bool,
    /// The shop's own name for it, unique among products.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "MUG-300"))]
    pub sku: Option<Sku>,
    /// What it is like, by name, in the order of the names.
    pub attributes: Attributes,
    /// The category it is in.
    pub category: Option<CategoryRef>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Which state of it this is.
    #[serde(skip)]
    pub revision: Revision,
}

/// What a new product is made from.
#[derive(Debug, Clone)]
pub struct NewProduct {
    /// What it is called.
    pub name: Name,
    /// What it is like.
    pub description: Description,
    /// The price of one piece.
    pub price: Money,
    /// How many are on hand: 0 to [`MAX_STOCK`].
    pub stock: i64,
    /// Whether customers see and may buy it.
    pub is_available: bool,
    /// The shop's own name for it.
    pub sku: Option<Sku>,
    /// What it is like, by name.
    pub attributes: Attributes,
    /// The category it is in.
    pub category: Option<CategoryId>,
}

impl NewProduct {
    /// A product for sale, with nothing said but what must be.
    pub fn new(name: Name, price: Money, stock: i64) -> Self {
        Self {
            name,
            price,
            stock,
            description: Description::default(),
            is_available: true,
            sku: None,
            attributes: Attributes::default(),
            category: None,
        }
    }
}

/// What to change of a product; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ProductChange {
    /// A new name.
    pub name: Option<Name>,
    /// A new description.
    pub description: Option<Description>,
    /// A new price, possibly in another currency. Orders keep theirs.
    pub price: Option<Money>,
    /// How many are on hand: not below what open orders have reserved.
    pub stock: Option<i64>,
    /// Whether customers see and may buy it.
    pub is_available: Option<bool>,
    /// A new SKU, or none.
    pub sku: Option<Option<Sku>>,
    /// All attributes in place of those that it has.
    pub attributes: Option<Attributes>,
    /// Another category, or none.
    pub category: Option<Option<CategoryId>>,
}

impl ProductChange {
    /// The product as it will be. `category` is the one that the change names.
    fn apply(&self, product: &Product, category: Option<&CategoryRef>) -> Product {
        let mut changed = product.clone();
        if let Some(name) = &self.name {
            changed.name = name.to_string();
        }
        if let Some(description) = &self.description {
            changed.description = description.to_string();
        }
        if let Some(price) = self.price {
            changed.price = price;
            changed.currency = price.currency();
        }
        if let Some(sku) = &self.sku {
            changed.sku.clone_from(sku);
        }
        if let Some(attributes) = &self.attributes {
            changed.attributes.clone_from(attributes);
        }
        if self.category.is_some() {
            changed.category = category.cloned();
        }
        changed.stock = self.stock.unwrap_or(product.stock);
        changed.is_available = self.is_available.unwrap_or(product.is_available);
        changed
    }
}

/// A product as it will be.
#[derive(Debug, PartialEq, Eq)]
struct ChangedProduct {
    product: Product,
    /// By how much its stock changes.
    moved: i64,
    /// What searches have to be told: see [`search::index::news`].
    news: Option<BTreeSet<String>>,
    /// By how many there are more for sale.
    for_sale: i64,
}

impl ChangedProduct {
    fn new(before: &Product, product: Product) -> Self {
        let moved = product.stock - before.stock;
        let news = search::index::news(before, &product);
        let for_sale = i64::from(product.is_available) - i64::from(before.is_available);
        Self { product, moved, news, for_sale }
    }
}

/// The most pieces of a product that can be on hand.
pub const MAX_STOCK: i64 = 1_000_000_000;

/// Checks a stock that somebody sets.
pub(crate) fn check_stock(stock: i64) -> Result<i64, Invalid> {
    if (0..=MAX_STOCK).contains(&stock) { Ok(stock) } else { Err(Invalid::new(format!("must be 0 to {MAX_STOCK}"))) }
}

/// Names one state of a product or a category: another after every change that a reader can see.
///
/// Hand it to an update so that it fails when somebody wrote between.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision(String);

impl Revision {
    pub(crate) fn of_category(version: i64) -> Self {
        Self(version.to_string())
    }

    /// A product shows its category's name, so it changes when that does.
    pub(crate) fn of_product(version: i64, category_version: Option<i64>) -> Self {
        Self(category_version.map_or_else(|| version.to_string(), |category| format!("{version}.{category}")))
    }

    /// The name of the state: short, ASCII, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a write asks of the state it finds.
#[derive(Debug, Clone, Default)]
pub enum Expect {
    /// Whatever it is.
    #[default]
    Any,
    /// One of these states.
    OneOf(Vec<String>),
}

impl Expect {
    pub(crate) fn check(&self, found: &Revision) -> Result<(), CatalogError> {
        match self {
            Self::OneOf(revisions) if !revisions.iter().any(|revision| revision == found.as_str()) => Err(CatalogError::Changed),
            _ => Ok(()),
        }
    }
}

/// Why the catalog refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// No such product, or none that this reader may see.
    #[error("there is no product {0}")]
    UnknownProduct(ProductId),
    /// No such category.
    #[error("there is no category {0}")]
    UnknownCategory(CategoryId),
    /// Another category has this name, perhaps in other capitals.
    #[error("a category with this name exists already")]
    NameTaken,
    /// Another product has this SKU.
    #[error("a product with this SKU exists already")]
    SkuTaken,
    /// The category still has products, or categories below it.
    #[error("the category still has products or categories below it")]
    CategoryInUse,
    /// Open orders have reserved more than the stock would be.
    #[error("{reserved} pieces are reserved by open orders")]
    StockReserved {
        /// How many pieces are reserved.
        reserved: i64,
    },
    /// Somebody wrote between: see [`Expect`].
    #[error("it was changed meanwhile")]
    Changed,
    /// A field cannot be taken.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// A line of an import cannot be taken; nothing was imported.
    #[error("line {line}, column {column}: {reason}")]
    Import {
        /// The line in the file, its header being line 1.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// What is wrong with it.
        reason: Invalid,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl db::AsStoreError for CatalogError {
    fn as_store_error(&self) -> Option<&StoreError> {
        if let Self::Store(error) = self { Some(error) } else { None }
    }
}

/// Tells the one thing that a unique constraint can mean from a database that fails.
fn taken(error: StoreError, what: CatalogError) -> CatalogError {
    if error.is_unique_violation() { what } else { error.into() }
}

/// A field names a category that is not there.
fn unknown_category(field: &'static str, id: CategoryId) -> InvalidField {
    InvalidField::new(field, format!("there is no category {id}"))
}
