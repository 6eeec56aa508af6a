//! What the hits of a search have in common: counted from their cards.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    fmt,
    str::FromStr,
};

use serde::Serialize;

use super::{card::Card, prices::unscaled, words::key};
use crate::{CategoryId, Currency};

/// Of a facet, so many values are told: those with the most products.
const MOST_VALUES: usize = 100;

/// What to count beside a page of products. Anything that can be written is one: what nothing is known by is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FacetName {
    /// `category`: the categories, each with the products of its whole tree.
    Category,
    /// `price`: the least and the greatest.
    Price,
    /// `attr.<name>`: the values of an attribute.
    Attribute(String),
    /// Any other word, which no product has.
    Other(String),
}

impl FromStr for FacetName {
    type Err = Infallible;

    fn from_str(word: &str) -> Result<Self, Infallible> {
        Ok(match word {
            "category" => Self::Category,
            "price" => Self::Price,
            _ => match word.strip_prefix("attr.") {
                Some(name) => Self::Attribute(name.to_owned()),
                None => Self::Other(word.to_owned()),
            },
        })
    }
}

impl fmt::Display for FacetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Category => f.write_str("category"),
            Self::Price => f.write_str("price"),
            Self::Attribute(name) => write!(f, "attr.{name}"),
            Self::Other(word) => f.write_str(word),
        }
    }
}

/// The facets that were asked for, each counted as if its own filter was not set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Facets {
    /// The categories with the most products, those with most first.
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Vec<CategoryCount>>,
    /// The least and the greatest price.
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceRange>,
    /// Every other, by the word that asked for it: the values with the most products, those with most first.
    #[serde(flatten)]
    pub values: BTreeMap<String, Vec<ValueCount>>,
}

/// How many products of the hits are in a category, or below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CategoryCount {
    /// The category's id.
    pub id: CategoryId,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "Kitchen"))]
    pub name: String,
    /// How many products.
    #[cfg_attr(feature = "openapi", schema(example = 12))]
    pub count: u64,
}

/// How many products of the hits have a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ValueCount {
    /// The value, as most products write it.
    #[cfg_attr(feature = "openapi", schema(example = "red"))]
    pub value: String,
    /// How many products.
    #[cfg_attr(feature = "openapi", schema(example = 12))]
    pub count: u64,
}

/// From the cheapest to the dearest hit, as plain numbers in their own currencies; null where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PriceRange {
    /// The least price.
    #[cfg_attr(feature = "openapi", schema(example = "9.99"))]
    pub min: Option<String>,
    /// The greatest price.
    #[cfg_attr(feature = "openapi", schema(example = "25.00"))]
    pub max: Option<String>,
}

/// The range of the prices.
pub(super) fn price<'c>(cards: impl Iterator<Item = Card<'c>> + Clone, currency: Currency) -> PriceRange {
    let write = |price: Option<i64>| price.map(|price| unscaled(price, currency));
    let prices = cards.map(|card| card.price_scaled);
    PriceRange { min: write(prices.clone().min()), max: write(prices.max()) }
}

/// The values of an attribute. Spellings that differ in their capitals are one value, shown as most write it.
pub(super) fn values<'c>(cards: impl Iterator<Item = Card<'c>>, name: &str) -> Vec<ValueCount> {
    let name = key(name.trim());
    // The same few names and values come again and again: each is put into lower case once.
    let mut is_it: HashMap<&str, bool> = HashMap::new();
    let mut spellings: HashMap<&str, u64> = HashMap::new();
    for (written, value) in cards.flat_map(|card| card.pairs()) {
        if *is_it.entry(written).or_insert_with(|| key(written) == name) {
            *spellings.entry(value).or_default() += 1;
        }
    }
    let mut values: BTreeMap<String, Vec<(u64, &str)>> = BTreeMap::new();
    for (value, count) in spellings {
        values.entry(key(value)).or_default().push((count, value));
    }
    let values = values.into_values().filter_map(|spellings| {
        let (_, value) = spellings.iter().max_by(|one, other| one.0.cmp(&other.0).then_with(|| other.1.cmp(one.1)))?;
        Some(ValueCount { value: (*value).to_owned(), count: spellings.iter().map(|(count, _)| count).sum() })
    });
    let mut values: Vec<_> = values.collect();
    values.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| key(&one.value).cmp(&key(&other.value))));
    values.truncate(MOST_VALUES);
    values
}

/// How many products are in each category itself.
pub(super) fn per_category<'c>(cards: impl Iterator<Item = Card<'c>>) -> BTreeMap<i64, u64> {
    let mut counts = BTreeMap::new();
    for card in cards.filter(|card| card.category_id != 0) {
        *counts.entry(card.category_id).or_default() += 1;
    }
    counts
}

/// The categories with the products of their trees. `above` names for each category itself and all above it.
pub(super) fn categories(counts: &BTreeMap<i64, u64>, above: Vec<(CategoryId, CategoryId, String)>) -> Vec<CategoryCount> {
    let mut trees: BTreeMap<CategoryId, CategoryCount> = BTreeMap::new();
    for (category, id, name) in above {
        let tree = trees.entry(id).or_insert(CategoryCount { id, name, count: 0 });
        tree.count += counts.get(&category.get()).copied().unwrap_or(0);
    }
    let mut trees: Vec<_> = trees.into_values().collect();
    trees.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.name.cmp(&other.name)));
    trees.truncate(MOST_VALUES);
    trees
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::search::card;

    fn cards() -> String {
        let card = |product: i64, category: i64, price: i64, pairs: &[(&str, &str)]| {
            format!("{product}\u{1f}{category}\u{1f}{price}\u{1f}{}", card::write("mug", "", "", "", pairs))
        };
        [
            card(1, 1, 125_000, &[("color", "Red"), ("size", "M")]),
            card(2, 2, 90_000, &[("Color", "red")]),
            card(3, 2, 99_900, &[("color", "Red")]),
            card(4, 0, 100_000, &[("color", "blue")]),
        ]
        .join(&card::BETWEEN_CARDS.to_string())
    }

    #[test]
    fn values_are_counted_whatever_their_capitals() {
        let cards = cards();
        let value = |value: &str, count| ValueCount { value: value.to_owned(), count };
        assert_eq!(values(Card::all_of(&cards), "COLOR"), vec![value("Red", 3), value("blue", 1)]);
        assert_eq!(values(Card::all_of(&cards), "taste"), []);
    }

    #[test]
    fn prices_are_a_range_and_categories_are_trees() {
        let cards: Vec<_> = cards().leak().split('\n').flat_map(Card::all_of).collect();
        let range = PriceRange { min: Some("9.00".to_owned()), max: Some("12.50".to_owned()) };
        assert_eq!(price(cards.iter().copied(), "USD".parse().unwrap()), range);
        assert_eq!(price([].into_iter(), "USD".parse().unwrap()), PriceRange::default());

        let id = |number| CategoryId::new(number).unwrap();
        let above =
            vec![(id(1), id(1), "Kitchen".to_owned()), (id(2), id(2), "Mugs".to_owned()), (id(2), id(1), "Kitchen".to_owned())];
        let count = |number, name: &str, count| CategoryCount { id: id(number), name: name.to_owned(), count };
        let counted = categories(&per_category(cards.iter().copied()), above);
        assert_eq!(counted, [count(1, "Kitchen", 3), count(2, "Mugs", 2)]);
    }

    #[test]
    fn facets_are_an_object_of_what_was_asked_for() {
        let values = [("attr.color".to_owned(), Vec::new())].into();
        let facets = Facets { price: Some(PriceRange::default()), values, ..Facets::default() };
        assert_eq!(serde_json::to_string(&facets).unwrap(), r#"{"price":{"min":null,"max":null},"attr.color":[]}"#);
    }
}
