//! A product as the indexes take it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use serde::Serialize;

use super::{
    card::{self, GAP},
    expression::HIDDEN,
    prices::price_scaled,
    typo,
    words::words,
};
use crate::{CategoryId, NewProduct, Product, ProductId, Sku};

/// The texts of a product that searches look in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::catalog) struct Texts<'t> {
    pub(super) product: i64,
    pub(super) name: &'t str,
    pub(super) sku: &'t str,
    /// By name and value, as they are written.
    pub(super) attributes: Vec<(&'t str, &'t str)>,
    pub(super) description: &'t str,
    pub(super) category: Option<i64>,
    pub(super) price_scaled: i64,
    pub(super) is_available: bool,
}

impl<'p> From<&'p Product> for Texts<'p> {
    fn from(product: &'p Product) -> Self {
        let Product { id, name, description, price, sku, attributes, category, is_available, .. } = product;
        Self {
            product: id.get(),
            name,
            sku: sku.as_ref().map(Sku::as_str).unwrap_or_default(),
            attributes: attributes.iter().collect(),
            description,
            category: category.as_ref().map(|category| category.id.get()),
            price_scaled: price_scaled(*price),
            is_available: *is_available,
        }
    }
}

impl<'p> Texts<'p> {
    /// Those of a new product.
    pub(in crate::catalog) fn of_new(id: ProductId, new: &'p NewProduct) -> Self {
        let NewProduct { name, description, price, sku, attributes, category, is_available, stock: _ } = new;
        Self {
            product: id.get(),
            name: name.as_str(),
            sku: sku.as_ref().map(Sku::as_str).unwrap_or_default(),
            attributes: attributes.iter().collect(),
            description: description.as_str(),
            category: category.map(CategoryId::get),
            price_scaled: price_scaled(*price),
            is_available: *is_available,
        }
    }
}

/// One row of the index, as the statements of both databases take it.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    product: i64,
    category_id: Option<i64>,
    price_scaled: i64,
    card: String,
    name: String,
    sku: String,
    attributes: String,
    description: String,
    category: String,
    /// Whether customers see the product: see [`super::expression`].
    marks: &'static str,
    /// All of these words in the form of a `tsvector`, by field and place.
    lexemes: String,
    /// Those of the name and the SKU.
    name_lexemes: String,
}

impl Document {
    /// `category` are the words of the category's name and of all above it.
    pub(super) fn of(texts: &Texts<'_>, category: &str) -> Self {
        let name = words(texts.name).join(" ");
        let sku = card::sku_words(texts.sku);
        let attributes: Vec<_> =
            texts.attributes.iter().map(|(name, value)| words(&format!("{name} {value}")).join(" ")).collect();
        let attributes = attributes.join(&format!(" {GAP} "));
        let description = words(texts.description).join(" ");
        let marks = if texts.is_available { "" } else { HIDDEN };
        Self {
            product: texts.product,
            category_id: texts.category,
            price_scaled: texts.price_scaled,
            card: card::write(&name, &sku, &attributes, &only_there(category, &description), &texts.attributes),
            lexemes: lexemes(&[&name, &sku, &attributes, &description, category, marks]),
            name_lexemes: lexemes(&[&name, &sku, marks]),
            name,
            sku,
            attributes,
            description,
            category: category.to_owned(),
            marks,
        }
    }
}

/// The words of a category that the description does not have. The card is without the description: a word that stands in both is
/// found in the description, which is worth more.
fn only_there(category: &str, description: &str) -> String {
    let described: BTreeSet<_> = description.split(' ').collect();
    category.split(' ').filter(|word| !described.contains(word)).collect::<Vec<_>>().join(" ")
}

/// The words of a product that others may mean who mistype them. Not those of its description: they are too many, and mistyped
/// themselves.
pub(in crate::catalog) fn meant_words(texts: &Texts<'_>) -> BTreeSet<String> {
    let attributes = texts.attributes.iter().flat_map(|(_, value)| words(value));
    let all = words(texts.name).into_iter().chain(words(texts.sku)).chain(attributes);
    all.filter(|word| typo::may_be_meant(word)).collect()
}

/// `'mug':2,9 'red':1`: words with their places, a gap between fields so that no phrase reaches from one into the next.
fn lexemes(fields: &[&str]) -> String {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut place = 0;
    for words in fields {
        place += 1;
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            place += 1;
            if word != GAP {
                places.entry(word).or_default().push(place);
            }
        }
    }
    places.iter().fold(String::new(), |mut text, (word, places)| {
        // Writing to a String cannot fail.
        let _ = write!(text, "'{word}'");
        for (index, place) in places.iter().enumerate() {
            let _ = write!(text, "{}{place}", if index == 0 { ':' } else { ',' });
        }
        text.push(' ');
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_holds_every_word_in_its_field() {
        let texts = Texts {
            product: 7,
            name: "Red Mug",
            sku: "MUG-300",
            attributes: vec![("Color", "Crème"), ("size", "M")],
            description: "A mug.",
            category: Some(3),
            price_scaled: 5,
            is_available: false,
        };
        let document = Document::of(&texts, "mug racks # kitchen");
        assert_eq!((document.name.as_str(), document.sku.as_str()), ("red mug", "mug 300 # mug300"));
        assert_eq!(document.attributes, "color creme # size m");
        assert_eq!(
            (document.description.as_str(), document.category.as_str(), document.marks),
            ("a mug", "mug racks # kitchen", "#off")
        );
        assert_eq!(
            document.lexemes,
            "'#off':24 '300':6 'a':16 'color':10 'creme':11 'kitchen':22 'm':14 'mug':3,5,17,19 'mug300':8 'racks':20 'red':2 'size':13 "
        );
        assert_eq!(document.name_lexemes, "'#off':10 '300':6 'mug':3,5 'mug300':8 'red':2 ");
        assert!(document.card.contains("racks # kitchen") && !document.card.contains("mug racks"), "{}", document.card);
        assert_eq!(meant_words(&texts), ["creme".to_owned()].into());
    }
}
