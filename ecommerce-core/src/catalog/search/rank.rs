//! How good a hit is: one whole number, the same on both databases, the best hit having the least.

use super::{
    card::{Card, GAP},
    meaning::{Meaning, Meant},
};

/// Behind every hit that was looked at.
pub(super) const UNRANKED: i64 = i64::MAX;

/// What a term is worth by where it stands: a step for the place, and half a step for whole words.
const NAME: i64 = 10;
const SKU: i64 = 8;
const ATTRIBUTES: i64 = 6;
const DESCRIPTION: i64 = 4;
const CATEGORY: i64 = 2;

/// Ranks a product that is known to be a hit, exactly as the search is written or with forgiven slips. What decides, in this
/// order:
///
/// 1. how many terms are found only as words that are one slip away: the fewer the better, exact hits before all others;
/// 2. whether the search is the whole name or the whole SKU;
/// 3. where the terms stand: name, SKU, attributes, description, category;
/// 4. how early the first stands in the name, and how few words the name has.
pub(super) fn rank(card: &Card<'_>, meaning: &Meaning, is_exact: bool) -> i64 {
    let (mut slips, mut worth, mut first) = (0, 0, LARGEST);
    for meant in &meaning.wanted {
        let found = find(card, meant, is_exact);
        slips += i64::from(found.is_slip);
        worth += found.worth;
        first = found.at.map_or(first, |at| first.min(at));
    }
    let most = i64::try_from(meaning.wanted.len()).unwrap_or(LARGEST) * (NAME + 1) * 2;
    let missed = (most - worth).max(0);
    let length = i64::try_from(card.name.split(' ').count()).unwrap_or(LARGEST);
    // A slip in the description is not seen here.
    let slips = if is_exact { 0 } else { slips.max(1) };
    [slips, i64::from(!is_whole(card, meaning)), missed, first, length]
        .into_iter()
        .fold(0, |rank, part| rank << BITS | part.min(LARGEST))
}

/// So many bits of the rank belong to each part.
const BITS: u32 = 12;
const LARGEST: i64 = (1 << BITS) - 1;

struct Found {
    worth: i64,
    is_slip: bool,
    /// Where in the name.
    at: Option<i64>,
}

fn find(card: &Card<'_>, meant: &Meant, is_exact: bool) -> Found {
    let fields = [(card.name, NAME), (card.sku, SKU), (card.attributes, ATTRIBUTES), (card.category, CATEGORY)];
    for (words, worth) in fields {
        if let Some(place) = meant.place_in(words) {
            let at = (worth == NAME).then(|| i64::try_from(place.at).unwrap_or(LARGEST));
            return Found { worth: worth * 2 + i64::from(place.is_whole), is_slip: false, at };
        }
    }
    if let Some((_, worth)) = fields.into_iter().find(|(words, _)| !is_exact && meant.slip_in(words)) {
        return Found { worth: worth * 2, is_slip: true, at: None };
    }
    // The card does not hold the description. A hit that is nowhere else is there.
    Found { worth: DESCRIPTION * 2, is_slip: false, at: None }
}

/// Is what is searched for all of the name, or all of the SKU?
fn is_whole(card: &Card<'_>, meaning: &Meaning) -> bool {
    let is_all_of = |words: &str| meaning.typed.iter().eq(words.split(' ').filter(|word| !word.is_empty()));
    is_all_of(card.name) || (!card.sku.is_empty() && card.sku.split(GAP).any(is_all_of))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::search::{card, query::Query};

    /// The texts of a name, a SKU, an attribute and a category.
    type Shown<'a> = (&'a str, &'a str, &'a str, &'a str);

    fn meaning(text: &str) -> Meaning {
        let mut meaning = Meaning::literal(Query::parse(text));
        meaning.note_known("sencha");
        meaning
    }

    fn ranked((name, sku, attributes, category): Shown<'_>, search: &str, is_exact: bool) -> i64 {
        let text = format!("1\u{1f}0\u{1f}5\u{1f}{}", card::write(name, &card::sku_words(sku), attributes, category, &[]));
        rank(&Card::all_of(&text).next().unwrap(), &meaning(search), is_exact)
    }

    #[test]
    fn better_hits_have_smaller_numbers() {
        for (search, from_best_to_worst) in [
            (
                "mug",
                &[
                    ("mug", "", "", ""),
                    ("mug rack", "", "", ""),
                    ("red mug", "", "", ""),
                    ("a red mug", "", "", ""),
                    ("mugs", "", "", ""),
                    ("cup", "MUG-1", "", ""),
                    ("cup", "", "kind mug", ""),
                    ("cup", "", "", ""),
                    ("cup", "", "", "mug racks"),
                ][..],
            ),
            ("duran duran", &[("duran duran", "", "", ""), ("duran", "", "", "")]),
            ("mug-300", &[("cup", "MUG-300", "", ""), ("mug 300 ml", "", "", ""), ("mug", "A-300", "", ""), ("mug", "", "", "")]),
            ("mug300", &[("cup", "MUG-300", "", ""), ("mug300 x", "", "", "")]),
            (
                "red mug",
                &[
                    ("red mug", "", "", ""),
                    ("red mug rack", "", "", ""),
                    ("big mug red", "", "", ""),
                    ("mug", "", "color red", ""),
                ],
            ),
        ] {
            for pair in from_best_to_worst.windows(2) {
                let [better, worse] = [pair[0], pair[1]].map(|shown| ranked(shown, search, true));
                assert!(better < worse, "{search}: {:?} before {:?}", pair[0], pair[1]);
            }
        }
    }

    #[test]
    fn forgiven_hits_come_behind_every_exact_one() {
        let by_name = ("sencah tea", "", "", "");
        let by_description = ("tea", "", "", "");
        let by_name_forgiven = ("sencha", "", "", "");
        let exact = [by_name, by_description].map(|shown| ranked(shown, "sencah", true));
        let forgiven =
            [by_name_forgiven, ("tea", "", "kind sencha", ""), by_description].map(|shown| ranked(shown, "sencah", false));
        let all = [exact.as_slice(), &forgiven].concat();
        assert!(all.is_sorted_by(|better, worse| better < worse), "{all:?}");
    }

    proptest! {
        #[test]
        fn every_rank_is_before_the_unranked(name in "([a-c]{1,3} ){1,30}[a-c]", search in "([a-c]{1,2} ){1,12}") {
            let rank = ranked((name.as_str(), "", "", ""), &search, false);
            prop_assert!((0..UNRANKED).contains(&rank));
        }
    }
}
