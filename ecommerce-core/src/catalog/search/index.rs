//! The index is written in the transaction that writes the product.

use std::collections::{BTreeSet, HashMap};

use super::{
    card::GAP,
    document::{Document, Texts, meant_words},
    lists, sql, typo,
    words::words,
};
use crate::{
    CategoryId, Product, ProductId, StoreError,
    catalog::sql::recount_for_sale,
    db::{Db, Tx, retry},
};

/// A larger number makes every store build its index anew when it is opened: for when words or cards are made in another way.
const RULES: i64 = 1;
/// The index is built for so many products at a time; others write between.
const BATCH: i64 = 500;
/// Behind the last product.
const ALL: i64 = i64::MAX;

/// Indexes products as they are now. Their words are to be taken up by [`learn`] when everything else is done.
pub(in crate::catalog) async fn index(tx: &mut Tx, products: impl Iterator<Item = Texts<'_>> + Clone) -> Result<(), StoreError> {
    let in_categories: BTreeSet<_> = products.clone().filter_map(|texts| texts.category).collect();
    let mut categories: HashMap<i64, String> = HashMap::new();
    if !in_categories.is_empty() {
        for (category, words) in sql::category_words(tx, in_categories.into_iter()).await? {
            let all = categories.entry(category).or_default();
            if !all.is_empty() {
                all.extend([" ", GAP, " "]);
            }
            all.push_str(words.trim());
        }
    }
    let words = |texts: &Texts<'_>| texts.category.and_then(|category| categories.get(&category)).map_or("", String::as_str);
    let documents: Vec<_> = products.map(|texts| Document::of(&texts, words(&texts))).collect();
    if documents.is_empty() { Ok(()) } else { sql::index(tx, &documents).await }
}

/// Indexes the products of a category and of all below it anew: it has another name or another place.
pub(in crate::catalog) async fn index_below(tx: &mut Tx, category: CategoryId) -> Result<(), StoreError> {
    let mut behind = 0;
    loop {
        let ids = sql::products_below(tx, category, behind, BATCH).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        behind = *last;
        let products = lists::products(tx, &ids, true).await?;
        index(tx, products.iter().map(Texts::from)).await?;
    }
}

/// What searches have to be told of a change: nothing, where the index says the same of both states, as after most changes, which
/// are to the stock alone; else the words that the product did not have.
pub(in crate::catalog) fn news(before: &Product, after: &Product) -> Option<BTreeSet<String>> {
    let (before, after) = (Texts::from(before), Texts::from(after));
    (before != after).then(|| meant_words(&after).difference(&meant_words(&before)).cloned().collect())
}

/// Takes a product out of the index.
pub(in crate::catalog) async fn unindex(tx: &mut Tx, product: ProductId) -> Result<(), StoreError> {
    sql::unindex(tx, product).await
}

/// Takes up words that may be meant by mistyped ones. Others who write the same new words wait for the end of the transaction,
/// so it should be near.
pub(in crate::catalog) async fn learn(tx: &mut Tx, words: &BTreeSet<String>) -> Result<(), StoreError> {
    if words.is_empty() {
        return Ok(());
    }
    let new = sql::learn(tx, words).await?;
    let forms: Vec<_> =
        new.iter().flat_map(|word| typo::forms(word).into_iter().map(move |form| (form, word.as_str()))).collect();
    if forms.is_empty() { Ok(()) } else { sql::learn_forms(tx, &forms).await }
}

/// Takes up the words of a category's name.
pub(in crate::catalog) async fn learn_name(tx: &mut Tx, name: &str) -> Result<(), StoreError> {
    learn(tx, &name_words(name)).await
}

/// The words of a name that may be meant by mistyped ones.
pub(in crate::catalog) fn name_words(name: &str) -> BTreeSet<String> {
    words(name).into_iter().filter(|word| typo::may_be_meant(word)).collect()
}

/// Indexes what was there before there was an index, or before its rules changed. Several processes may do so at once: they
/// take turns, and go on where the last one stopped. Answers the key of the cursors.
pub(crate) async fn build_index(db: &Db) -> Result<String, StoreError> {
    let (rules, built_to, cursor_key) = sql::state(&mut db.read().await?).await?;
    if rules < RULES || built_to != ALL {
        while !retry(async || build_some(db).await).await? {}
    }
    Ok(cursor_key)
}

/// Indexes the next products; says whether they were the last.
async fn build_some(db: &Db) -> Result<bool, StoreError> {
    let mut tx = db.write().await?;
    let (rules, built_to) = sql::take_state(&mut tx, RULES).await?;
    if rules > RULES || built_to == ALL {
        tx.commit().await?;
        return Ok(true);
    }
    if built_to == 0 {
        for (id, name) in sql::category_names(&mut tx).await? {
            sql::set_category_words(&mut tx, id, &name).await?;
            learn_name(&mut tx, &name).await?;
        }
    }
    let ids = sql::next_products(&mut tx, built_to, BATCH).await?;
    let products = lists::products(&mut tx, &ids, true).await?;
    index(&mut tx, products.iter().map(Texts::from)).await?;
    let words = products.iter().flat_map(|product| meant_words(&Texts::from(product))).collect();
    let last = ids.last().copied().unwrap_or(ALL);
    sql::set_built_to(&mut tx, last).await?;
    learn(&mut tx, &words).await?;
    if built_to == 0 {
        recount_for_sale(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(last == ALL)
}
