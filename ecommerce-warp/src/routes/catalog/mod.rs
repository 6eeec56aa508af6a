//! `/category/` and `/product/`.

pub(crate) mod categories;
mod product_body;
pub(crate) mod products;
