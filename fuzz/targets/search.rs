//! Searches and filters: never an error, the same answer twice, nothing that was not asked for, and what is there is found.
//!
//! The input has four lines: the search, the name of a product, the lowest and the highest price.

#![no_main]

use ecommerce_core::{Expect, Name, Page, PageRequest, Product, ProductChange, ProductFilter, ProductId, Store, parse_decimal};
use ecommerce_fuzz::{Shop, in_shop};
use libfuzzer_sys::fuzz_target;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

fuzz_target!(|input: &str| {
    let mut lines = input.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (search, name, lowest, highest) = (line(), line(), line(), line());
    in_shop(async |shop| {
        finds_what_was_asked_for(shop, search, lowest, highest).await;
        if let Ok(name) = name.parse() {
            finds_every_word_of(shop, name).await;
        }
    });
});

async fn finds_what_was_asked_for(shop: &Shop, search: &str, lowest: &str, highest: &str) {
    let (min_price, max_price) = (parse_decimal(lowest).ok(), parse_decimal(highest).ok());
    let filter = ProductFilter { search: Some(search.to_owned()), min_price, max_price, ..ProductFilter::default() };
    let found = list(&shop.store, &filter).await;
    assert_eq!(list(&shop.store, &filter).await, found);
    assert_eq!(found.count, found.results.len() as u64);
    for price in found.results.iter().map(|product| product.price.to_decimal()) {
        assert!(
            min_price.is_none_or(|least| price >= least) && max_price.is_none_or(|most| price <= most),
            "{filter:?}: {price}"
        );
    }
    let all = list(&shop.store, &ProductFilter { search: None, ..filter.clone() }).await;
    assert!(found.results.iter().all(|product| all.results.contains(product)), "{search:?} finds what is not there");
    // A word that shall not be there only narrows. (One more that shall be may find few, and then what is one letter away.)
    let narrower = list(&shop.store, &ProductFilter { search: Some(format!("{search} -mug")), ..filter }).await;
    let is_search = !search.trim().is_empty();
    assert!(
        !is_search || narrower.results.iter().all(|product| found.results.contains(product)),
        "{search:?} finds less than without \"mug\""
    );
    let categories = shop.store.category_list(Some(search), PageRequest::default()).await;
    categories.expect("categories are found or not");
}

/// A product is found by the beginning of each word of its name, as far as a search is read.
async fn finds_every_word_of(shop: &Shop, name: Name) {
    let product = ProductId::new(3).expect("an id");
    let change = ProductChange { name: Some(name.clone()), ..ProductChange::default() };
    shop.store.product_update(shop.store.system().admin(), product, change, &Expect::Any).await.expect("any name will do");
    // Composed, so that no letter is parted from its mark; what is nothing but marks is no word.
    let composed: String = name.as_str().nfc().collect();
    for word in composed.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let ends = word.char_indices().map(|(start, letter)| start + letter.len_utf8());
        for beginning in ends.map(|end| &word[..end]).filter(|beginning| !beginning.nfkd().all(is_combining_mark)) {
            let found =
                list(&shop.store, &ProductFilter { search: Some(beginning.to_owned()), ..ProductFilter::default() }).await;
            assert!(found.results.iter().any(|found| found.id == product), "{beginning:?} does not find {name:?}");
        }
    }
}

async fn list(store: &Store, filter: &ProductFilter) -> Page<Product> {
    store.product_list(filter, PageRequest::default(), None).await.expect("products are found or not")
}
