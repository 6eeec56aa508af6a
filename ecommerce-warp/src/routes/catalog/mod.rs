//! `/category/`, `/product/` and `/search/suggest/`.

pub(crate) mod categories;
mod product_body;
pub(crate) mod products;
pub(crate) mod suggestions;
