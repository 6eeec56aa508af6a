//! The index is written in the transaction that writes the product.

use std::collections::BTreeSet;

use super::{
    document::{Document, Texts, meant_words},
    prices::price_scaled,
    sql::{self, TextRow},
    typo,
    words::words,
};
use crate::{
    CategoryRef, Product, ProductId, StoreError,
    db::{Db, Tx, retry},
};

/// A larger number makes every store build its index anew when it is opened: for when words or cards are made in another way.
const RULES: i64 = 1;
/// The index is built for so many products at a time; others write between.
const BATCH: i64 = 500;
/// Behind the last product.
const ALL: i64 = i64::MAX;

/// Indexes products as they are now. Answers the words to be taken up by [`learn`] when everything else is done.
pub(in crate::catalog) async fn index(tx: &mut Tx, products: &[ProductId]) -> Result<BTreeSet<String>, StoreError> {
    if products.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows = sql::texts(tx, products).await?;
    let texts: Vec<_> = rows.iter().map(Texts::from).collect();
    let documents: Vec<_> = texts.iter().map(Document::of).collect();
    sql::index(tx, &documents).await?;
    Ok(texts.iter().flat_map(meant_words).collect())
}

/// Does the index say the same of two states of a product? Most changes are to its stock alone.
pub(in crate::catalog) fn is_same(one: &Product, other: &Product) -> bool {
    let Product { name, description, sku, attributes, category, price, is_available, .. } = one;
    let id = |category: &Option<CategoryRef>| category.as_ref().map(|category| category.id);
    (name, description, sku, attributes) == (&other.name, &other.description, &other.sku, &other.attributes)
        && (id(category), price_scaled(*price), *is_available)
            == (id(&other.category), price_scaled(other.price), other.is_available)
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
    let products = sql::next_products(&mut tx, built_to, BATCH).await?;
    let words = index(&mut tx, &products).await?;
    let last = products.last().map_or(ALL, |last| last.get());
    sql::set_built_to(&mut tx, last).await?;
    learn(&mut tx, &words).await?;
    tx.commit().await?;
    Ok(last == ALL)
}

impl<'r> From<&'r TextRow> for Texts<'r> {
    fn from(row: &'r TextRow) -> Self {
        let attributes = row.attributes.as_deref().unwrap_or_default();
        Self {
            product: row.id,
            name: &row.name,
            sku: row.sku.as_deref().unwrap_or_default(),
            attributes: attributes.split('\n').filter_map(|line| line.split_once('=')).collect(),
            description: &row.description,
            category: row.category_id,
            price_scaled: row.price_scaled,
            is_available: row.is_available,
        }
    }
}
