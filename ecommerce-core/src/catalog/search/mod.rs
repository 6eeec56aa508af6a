//! How products are found.
//!
//! A search is read once (`query.rs`), given a meaning (`meaning.rs`: what a mistyped word may be), and asked of an index in its
//! own language (`expression.rs`). The index answers the ids of the hits, and the cards of as
//! many as are looked at; ranking (`rank.rs`) and counting (`facets.rs`) are pure, so that both databases answer the same.

mod api;
mod card;
mod cursor;
mod document;
mod expression;
mod facets;
mod filter;
mod find;
pub(super) mod index;
pub(crate) mod lists;
mod meaning;
pub(super) mod prices;
mod query;
mod rank;
pub(crate) mod sql;
mod typo;
mod words;

pub use api::{Found, Look, SuggestedProduct, Suggestions};
use cursor::{OrderKey, Position};
pub(super) use document::{Texts, meant_words};
use expression::Expression;
pub use facets::{CategoryCount, FacetName, Facets, PriceRange, ValueCount};
pub use filter::{Ordering, ProductFilter};
pub(crate) use index::build_index;
pub(super) use query::patterns;
pub(super) use words::{key, spaced};

use crate::page::counted;

/// So many hits are counted; of more it is said that there are more.
const COUNTED: usize = counted!();
/// Of a search, so many hits are ranked and their facets counted.
const RANKED: usize = 800;
/// Behind these, so many more are ranked that have the words of the search in their names.
const NAMED: usize = 200;
