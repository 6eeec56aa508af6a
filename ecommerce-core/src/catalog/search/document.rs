//! A product as the indexes take it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use serde::Serialize;

use super::{
    card::{self, GAP},
    meaning::{HIDDEN, category_mark},
    typo,
    words::words,
};

/// The texts of a product that searches look in.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts<'t> {
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

/// One row of the index, as the statements of both databases take it.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    product: i64,
    category: Option<i64>,
    price_scaled: i64,
    card: String,
    name: String,
    sku: String,
    attributes: String,
    description: String,
    /// The category and whether customers see the product: see [`super::meaning`].
    marks: String,
    /// All of these words in the form of a `tsvector`, by field and place.
    lexemes: String,
}

impl Document {
    pub(super) fn of(texts: &Texts<'_>) -> Self {
        let name = words(texts.name).join(" ");
        let sku = card::sku_words(texts.sku);
        let attributes: Vec<_> =
            texts.attributes.iter().map(|(name, value)| words(&format!("{name} {value}")).join(" ")).collect();
        let attributes = attributes.join(&format!(" {GAP} "));
        let description = words(texts.description).join(" ");
        let hidden = (!texts.is_available).then(|| HIDDEN.to_owned());
        let marks = texts.category.map(category_mark).into_iter().chain(hidden).collect::<Vec<_>>().join(" ");
        Self {
            product: texts.product,
            category: texts.category,
            price_scaled: texts.price_scaled,
            card: card::write(&name, &sku, &attributes, &texts.attributes),
            lexemes: lexemes(&[(&name, 'A'), (&sku, 'B'), (&attributes, 'C'), (&description, 'D'), (&marks, 'D')]),
            name,
            sku,
            attributes,
            description,
            marks,
        }
    }
}

/// The words of a product that others may mean who mistype them. Not those of its description: they are too many, and mistyped
/// themselves.
pub(super) fn meant_words(texts: &Texts<'_>) -> BTreeSet<String> {
    let attributes = texts.attributes.iter().flat_map(|(_, value)| words(value));
    let all = words(texts.name).into_iter().chain(words(texts.sku)).chain(attributes);
    all.filter(|word| typo::may_be_meant(word)).collect()
}

/// `'mug':2A,9D 'red':1A`: words with their places, a gap between fields so that no phrase reaches from one into the next.
fn lexemes(fields: &[(&str, char)]) -> String {
    let mut places: BTreeMap<&str, Vec<(usize, char)>> = BTreeMap::new();
    let mut place = 0;
    for (words, weight) in fields {
        place += 1;
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            place += 1;
            if word != GAP {
                places.entry(word).or_default().push((place, *weight));
            }
        }
    }
    places.iter().fold(String::new(), |mut text, (word, places)| {
        // Writing to a String cannot fail.
        let _ = write!(text, "'{word}'");
        for (index, (place, weight)) in places.iter().enumerate() {
            let _ = write!(text, "{}{place}{weight}", if index == 0 { ':' } else { ',' });
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
        let document = Document::of(&texts);
        assert_eq!((document.name.as_str(), document.sku.as_str()), ("red mug", "mug 300 # mug300"));
        assert_eq!(document.attributes, "color creme # size m");
        assert_eq!((document.description.as_str(), document.marks.as_str()), ("a mug", "#3 #off"));
        assert_eq!(
            document.lexemes,
            "'#3':19D '#off':20D '300':6B 'a':16D 'color':10C 'creme':11C 'm':14C 'mug':3A,5B,17D 'mug300':8B 'red':2A 'size':13C "
        );
        assert_eq!(meant_words(&texts), ["creme".to_owned()].into());
    }
}
