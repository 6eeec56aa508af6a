//! A product's card: all that ranking and counting need to know of it, in one short line, so that hundreds are read at once.

use super::{prices::price_scaled, words::words};
use crate::Product;

/// Between the cards of a list, the fields of a card, the attributes in a field, and an attribute's name and value: control
/// characters, which no text of a product has.
pub(super) const BETWEEN_CARDS: char = '\u{1e}';
const BETWEEN_FIELDS: char = '\u{1f}';
const BETWEEN_PAIRS: char = '\u{1d}';
const WITHIN_PAIR: char = '\u{1c}';
/// Stands between words that are no neighbours.
pub(super) const GAP: &str = "#";

/// A product as ranking and counting see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Card<'t> {
    pub(super) product: i64,
    /// 0 where it is in none.
    pub(super) category_id: i64,
    pub(super) price_scaled: i64,
    pub(super) name: &'t str,
    /// The words of the SKU, and behind a gap the SKU as one word.
    pub(super) sku: &'t str,
    /// The words of each attribute's name and value, with gaps between them.
    pub(super) attributes: &'t str,
    /// The words of the category's name and of those above it, but for those that the description has too.
    pub(super) category: &'t str,
    pairs: &'t str,
}

impl<'t> Card<'t> {
    /// Reads the cards of a list, as the statements put them together.
    pub(super) fn all_of(text: &'t str) -> impl Iterator<Item = Self> {
        text.split(BETWEEN_CARDS).filter_map(|line| {
            let mut fields = line.split(BETWEEN_FIELDS);
            let mut number = || fields.next().and_then(|field| field.parse().ok());
            let (product, category_id, price_scaled) = (number()?, number()?, number()?);
            let mut text = || fields.next();
            let (name, sku, attributes, category, pairs) = (text()?, text()?, text()?, text()?, text()?);
            Some(Self { product, category_id, price_scaled, name, sku, attributes, category, pairs })
        })
    }

    /// The names and values of the attributes, as they are written.
    pub(super) fn pairs(self) -> impl Iterator<Item = (&'t str, &'t str)> {
        self.pairs.split(BETWEEN_PAIRS).filter_map(|pair| pair.split_once(WITHIN_PAIR))
    }
}

/// The card of a product as one of a list, of what is written on it.
pub(super) fn line(product: &Product, card: &str) -> String {
    let category = product.category.as_ref().map_or(0, |category| category.id.get());
    let numbers = [product.id.get(), category, price_scaled(product.price)];
    numbers.map(|number| format!("{number}{BETWEEN_FIELDS}")).concat() + card
}

/// What stands on a card, but for the numbers that have columns of their own.
pub(super) fn write(name: &str, sku: &str, attributes: &str, category: &str, pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}{WITHIN_PAIR}{value}")).collect();
    [name, sku, attributes, category, &pairs.join(&BETWEEN_PAIRS.to_string())].join(&BETWEEN_FIELDS.to_string())
}

/// The words of a SKU as the index keeps them: apart, and where there are several also as one.
pub(super) fn sku_words(sku: &str) -> String {
    let apart = words(sku);
    match apart.as_slice() {
        [] | [_] => apart.join(" "),
        several => format!("{} {GAP} {}", several.join(" "), words(&several.concat()).join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attributes, CategoryId, CategoryRef, Money, ProductId, Timestamp, catalog::Revision};

    #[test]
    fn the_card_of_a_product_is_read_as_those_of_a_list_are() {
        let now = Timestamp::from_micros(0);
        for (price, currency, scaled, category) in [(1_250, "USD", 125_000, Some(3)), (1_250, "JPY", 12_500_000, None)] {
            let currency = currency.parse().unwrap();
            let product = Product {
                id: ProductId::new(7).unwrap(),
                name: "Red mug".to_owned(),
                description: String::new(),
                price: Money::new(price, currency).unwrap(),
                currency,
                stock: 1,
                is_available: true,
                sku: None,
                attributes: Attributes::default(),
                category: category.map(|id: i64| CategoryRef { id: CategoryId::new(id).unwrap(), name: "Mugs".to_owned() }),
                created_at: now,
                updated_at: now,
                revision: Revision::of_product(1, None),
            };
            let line = line(&product, &write("red mug", "", "color red", "mugs", &[("Color", "Red")]));
            let card = Card::all_of(&line).next().unwrap();
            assert_eq!((card.product, card.category_id, card.price_scaled), (7, category.unwrap_or(0), scaled));
            assert_eq!((card.name, card.attributes, card.category), ("red mug", "color red", "mugs"));
            assert_eq!(card.pairs().collect::<Vec<_>>(), [("Color", "Red")]);
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let cards = format!(
            "7\u{1f}3\u{1f}125000\u{1f}{}\u{1e}8\u{1f}0\u{1f}0\u{1f}{}",
            write("red mug", &sku_words("MUG-300"), "color red # size m", "mugs", &[("Color", "Red"), ("size", "M")]),
            write("vase", "", "", "", &[])
        );
        let cards: Vec<_> = Card::all_of(&cards).collect();
        assert_eq!((cards.len(), cards[0].product, cards[0].category_id, cards[0].price_scaled), (2, 7, 3, 125_000));
        assert_eq!((cards[0].name, cards[0].sku, cards[0].attributes), ("red mug", "mug 300 # mug300", "color red # size m"));
        assert_eq!((cards[0].category, cards[1].category), ("mugs", ""));
        assert_eq!(cards[0].pairs().collect::<Vec<_>>(), [("Color", "Red"), ("size", "M")]);
        assert_eq!((cards[1].category_id, cards[1].pairs().count()), (0, 0));
        assert_eq!(Card::all_of("").count(), 0);
    }
}
