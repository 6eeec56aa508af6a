//! Which products are wanted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{FacetName, words::key};
use crate::{CategoryId, InvalidField};

/// So many attributes, and so many of their values, may be asked for at once.
const MOST_NAMES: usize = 20;
const MOST_VALUES: usize = 50;

/// Which products are wanted. The default wants all.
#[derive(Debug, Clone, Default)]
pub struct ProductFilter {
    /// What is searched for in names, SKUs, attributes, descriptions and the names of categories: words or their beginnings,
    /// `"phrases in quotes"`, `-words` that shall not be there.
    pub search: Option<String>,
    /// Only products of this category or one below it.
    pub category: Option<CategoryId>,
    /// Only products that have, of each of these attributes, one of the values. Capitals make no difference.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// Only products that cost at least this, as a plain number in their own currency.
    pub min_price: Option<rust_decimal::Decimal>,
    /// Only products that cost at most this, as a plain number in their own currency.
    pub max_price: Option<rust_decimal::Decimal>,
    /// Only products that can (or cannot) be bought now.
    pub in_stock: Option<bool>,
    /// In which order; without one the best hits of a search, else the oldest, come first.
    pub ordering: Option<Ordering>,
}

crate::text::words! {
    /// The order of a list of products.
    pub enum Ordering {
        /// The best hits of the search; without a search, the oldest first.
        Relevance = "relevance",
        /// By name.
        Name = "name",
        /// By name, backwards.
        NameDescending = "-name",
        /// The cheapest first, by the number of the price.
        Price = "price",
        /// The dearest first, by the number of the price.
        PriceDescending = "-price",
        /// The oldest first.
        CreatedAt = "created_at",
        /// The newest first.
        CreatedAtDescending = "-created_at",
        /// Those first of which the most units were sold.
        BestSelling = "-best_selling",
    }
}

impl ProductFilter {
    /// Refuses to look for too much at once.
    pub(super) fn check(&self) -> Result<(), InvalidField> {
        if self.attributes.len() > MOST_NAMES {
            return Err(InvalidField::new(
                "attr",
                format!("must be at most {MOST_NAMES} attributes, not {}", self.attributes.len()),
            ));
        }
        let values: usize = self.attributes.values().map(|values| values.len().max(1)).sum();
        if values > MOST_VALUES {
            return Err(InvalidField::new("attr", format!("must be at most {MOST_VALUES} values, not {values}")));
        }
        Ok(())
    }

    /// Is a search listed in the order of its hits?
    pub(super) const fn is_by_rank(&self) -> bool {
        matches!(self.ordering, None | Some(Ordering::Relevance))
    }

    /// The values that are asked for of each attribute, by the keys of both: spellings are one that differ in their capitals or in
    /// spaces around them.
    pub(super) fn wanted_attributes(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut wanted: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (name, values) in &self.attributes {
            // No text of a product has a control character, and no database looks for all of them. No name has a =.
            let name = key(name.trim()).replace(char::is_control, "=");
            let values = values.iter().map(|value| key(value.trim())).filter(|value| !value.contains(char::is_control));
            wanted.entry(name).or_default().extend(values);
        }
        wanted
    }

    /// What makes the list, but for the order and the search: the same text for the same products.
    pub(super) fn narrowed_by(&self) -> String {
        let Self { search: _, category, attributes: _, min_price, max_price, in_stock, ordering: _ } = self;
        let prices = [min_price, max_price].map(|price| price.map(|price| price.normalize().to_string()));
        json!([category, self.wanted_attributes(), prices, in_stock]).to_string()
    }

    /// Does it leave any product out, but for the search?
    pub(super) fn is_narrow(&self) -> bool {
        let Self { search: _, category, attributes, min_price, max_price, in_stock, ordering: _ } = self;
        category.is_some() || !attributes.is_empty() || min_price.is_some() || max_price.is_some() || in_stock.is_some()
    }

    /// The filter without what it says of a facet; `None` where it says nothing of it.
    pub(super) fn without(&self, facet: &FacetName) -> Option<Self> {
        let mut wider = self.clone();
        match facet {
            FacetName::Category => wider.category = None,
            FacetName::Price => (wider.min_price, wider.max_price) = (None, None),
            FacetName::Attribute(name) => wider.attributes.retain(|known, _| key(known.trim()) != key(name.trim())),
            FacetName::Other(_) => {}
        }
        let is_wider = self.category != wider.category
            || (self.min_price, self.max_price) != (wider.min_price, wider.max_price)
            || self.attributes.len() != wider.attributes.len();
        is_wider.then_some(wider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_facet_leaves_out_its_own_filter_alone() {
        let filter = ProductFilter {
            category: CategoryId::new(7),
            attributes: [("Color".to_owned(), vec!["red".to_owned()])].into(),
            min_price: Some(5.into()),
            ..ProductFilter::default()
        };
        let without = |facet: &str| filter.without(&facet.parse().unwrap());
        assert_eq!(without("category").unwrap().category, None);
        assert!(without("attr.color").unwrap().attributes.is_empty());
        let wider = without("price").unwrap();
        assert_eq!((wider.min_price, wider.category), (None, filter.category));
        assert!(without("attr.size").is_none() && without("stars").is_none());
    }

    #[test]
    fn names_and_values_have_a_bound() {
        let of = |names: usize, values: usize| ProductFilter {
            attributes: (0..names).map(|number| (number.to_string(), vec![String::new(); values])).collect(),
            ..ProductFilter::default()
        };
        assert!(of(MOST_NAMES, 2).check().is_ok());
        assert_eq!(of(200, 1).check().unwrap_err().to_string(), "attr must be at most 20 attributes, not 200");
        assert_eq!(of(1, 51).check().unwrap_err().to_string(), "attr must be at most 50 values, not 51");
    }

    #[test]
    fn spellings_of_one_attribute_are_one() {
        let values = |all: &[&str]| all.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        let attributes = [
            ("color".to_owned(), values(&["red"])),
            (" Color".to_owned(), values(&["BLUE ", "a\0b"])),
            ("a\0b".to_owned(), values(&["x"])),
        ];
        let filter = ProductFilter { attributes: attributes.into(), ..ProductFilter::default() };
        let wanted = filter.wanted_attributes();
        assert_eq!(wanted["color"], ["blue", "red"].map(str::to_owned).into());
        assert!(wanted.contains_key("a=b"), "which nothing is called");
        assert!(filter.without(&"attr.COLOR".parse().unwrap()).unwrap().wanted_attributes().contains_key("a=b"));
    }
}
