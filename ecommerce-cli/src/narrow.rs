//! Which products a command is about.

use std::collections::BTreeMap;

use clap::Args;
use ecommerce_core::{CategoryId, Ordering, ProductFilter, parse_decimal};
use rust_decimal::Decimal;

use crate::args::{attribute, one_of};

#[derive(Debug, Args)]
pub(crate) struct NarrowArgs {
    /// Only those of this category or one below it.
    #[arg(long, value_name = "ID")]
    category: Option<CategoryId>,
    /// Only those with this attribute; the same name again means one value or the other.
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    attributes: Vec<(String, String)>,
    /// Only those that cost at least this.
    #[arg(long, value_name = "PRICE", value_parser = parse_decimal)]
    min_price: Option<Decimal>,
    /// Only those that cost at most this.
    #[arg(long, value_name = "PRICE", value_parser = parse_decimal)]
    max_price: Option<Decimal>,
    /// Only those that can be bought now, or with `false` those that cannot.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    in_stock: Option<bool>,
    /// In which order; - means descending.
    #[arg(long, allow_hyphen_values = true, value_parser = one_of(Ordering::ALL, Ordering::as_str))]
    ordering: Option<Ordering>,
}

impl NarrowArgs {
    /// The products that are meant, and found by these words.
    pub(crate) fn filter(self, search: Option<String>) -> ProductFilter {
        let Self { category, attributes: pairs, min_price, max_price, in_stock, ordering } = self;
        let mut attributes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in pairs {
            attributes.entry(name).or_default().push(value);
        }
        ProductFilter { search, category, attributes, min_price, max_price, in_stock, ordering }
    }
}
