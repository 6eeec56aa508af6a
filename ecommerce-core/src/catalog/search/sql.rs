use std::collections::BTreeSet;

use super::{document::Document, words::spaced};
use crate::{
    CategoryId, ProductId, StoreError,
    db::{Tx, id_list, json, statements},
};

statements! {
    STATE = "select rules, built_to, cursor_key from search_state where id = 1";

    /// Whoever builds the index holds on to this row, and begins anew where the rules are newer.
    TAKE_STATE =
        "update search_state
         set built_to = case when rules < $1 then 0 else built_to end, rules = case when rules < $1 then $1 else rules end
         where id = 1
         returning rules, built_to";

    SET_BUILT_TO = "update search_state set built_to = $1 where id = 1";

    SOLD = "select sold from products where id = $1";

    /// Nobody changes them before they are indexed as they are.
    NEXT_PRODUCTS = {
        sqlite: "select id from products where id > $1 and deleted_at is null order by id limit $2 + 0",
        postgres: "select id from products where id > $1 and deleted_at is null order by id limit $2 + 0 for no key update",
    };

    CATEGORY_NAMES = "select id, name from categories order by id";

    SET_CATEGORY_WORDS = "update categories set name_words = $2 where id = $1";

    INDEX = {
        sqlite:
            "insert into product_index (product_id, category_id, price_scaled, card, name, sku, attributes, description,
                 category, marks)
             select value ->> 'product', value ->> 'category_id', value ->> 'price_scaled', value ->> 'card', value ->> 'name',
                 value ->> 'sku', value ->> 'attributes', value ->> 'description', value ->> 'category', value ->> 'marks'
             from json_each($1)",
        postgres:
            "insert into product_index (product_id, category_id, price_scaled, card, lexemes, names)
             select d.product, d.category_id, d.price_scaled, d.card, cast(d.lexemes as tsvector), cast(d.name_lexemes as tsvector)
             from json_to_recordset(cast(cast($1 as text) as json)) as d (
                 product bigint, category_id bigint, price_scaled bigint, card text, lexemes text, name_lexemes text)
             on conflict (product_id) do update set
                 category_id = excluded.category_id, price_scaled = excluded.price_scaled, card = excluded.card,
                 lexemes = excluded.lexemes, names = excluded.names",
    };

    UNINDEX = "delete from product_index where product_id = $1";

    /// In one order, so that two that learn the same words wait for each other and not in a circle.
    LEARN = {
        sqlite:
            "insert into search_forms (form, word)
             select value, value from json_each($1) where true order by value
             on conflict (form, word) do nothing
             returning word",
        postgres:
            "insert into search_forms (form, word)
             select value, value from json_array_elements_text(cast(cast($1 as text) as json)) order by value collate \"C\"
             on conflict (form, word) do nothing
             returning word",
    };

    LEARN_FORMS = {
        sqlite:
            "insert into search_forms (form, word)
             select value ->> 0, value ->> 1 from json_each($1) where true
             on conflict (form, word) do nothing",
        postgres:
            "insert into search_forms (form, word)
             select value ->> 0, value ->> 1 from json_array_elements(cast(cast($1 as text) as json))
             on conflict (form, word) do nothing",
    };

    KNOWN_WORDS = {
        sqlite:
            "select distinct word from search_forms where form in (select value from json_each($1)) order by word limit 1000",
        postgres:
            "select distinct word from search_forms
             where form in (select value from json_array_elements_text(cast(cast($1 as text) as json)))
             order by word
             limit 1000",
    };

    /// The words in the names of categories and of all above each. Whoever renames or moves one of them comes before or after.
    CATEGORY_WORDS = {
        sqlite:
            "select a.category_id, c.name_words
             from category_ancestors a join categories c on c.id = a.ancestor_id
             where a.category_id in (select value from json_each($1))
             order by a.category_id, c.id",
        postgres:
            "select a.category_id, c.name_words
             from category_ancestors a join categories c on c.id = a.ancestor_id
             where a.category_id = any (translate($1, '[]', '{}')::bigint[])
             order by a.category_id, c.id
             for key share of c",
    };

    /// Those of a category and of all below it. Nobody changes them before they are indexed as they are.
    PRODUCTS_BELOW = {
        sqlite:
            "select id
             from products
             where category_id in (select category_id from category_ancestors where ancestor_id = $1)
                 and id > $2 and deleted_at is null
             order by id
             limit $3 + 0",
        postgres:
            "select id
             from products
             where category_id in (select category_id from category_ancestors where ancestor_id = $1)
                 and id > $2 and deleted_at is null
             order by id
             limit $3 + 0
             for no key update",
    };

    /// Each of the categories with itself and all above it.
    CATEGORIES_ABOVE = {
        sqlite:
            "select a.category_id, c.id, c.name
             from category_ancestors a join categories c on c.id = a.ancestor_id
             where a.category_id in (select value from json_each($1))",
        postgres:
            "select a.category_id, c.id, c.name
             from category_ancestors a join categories c on c.id = a.ancestor_id
             where a.category_id = any (translate($1, '[]', '{}')::bigint[])",
    };
}

/// The rules by which the index is built, to which product it is, and the key of the cursors.
pub(super) async fn state(tx: &mut Tx) -> Result<(i64, i64, String), StoreError> {
    tx.one(STATE, &()).await
}

/// The rules and the product, and nobody else builds until the transaction ends. Begins anew where these rules are newer.
pub(super) async fn take_state(tx: &mut Tx, rules: i64) -> Result<(i64, i64), StoreError> {
    tx.one(TAKE_STATE, &(rules,)).await
}

pub(super) async fn set_built_to(tx: &mut Tx, product: i64) -> Result<(), StoreError> {
    tx.later(SET_BUILT_TO, &(product,)).await
}

/// How many units of a product were sold; 0 where it is gone by now.
pub(super) async fn sold(tx: &mut Tx, product: ProductId) -> Result<i64, StoreError> {
    Ok(tx.optional::<(i64,)>(SOLD, &(product,)).await?.map_or(0, |(sold,)| sold))
}

pub(super) async fn next_products(tx: &mut Tx, behind: i64, limit: i64) -> Result<Vec<i64>, StoreError> {
    Ok(tx.all::<(i64,)>(NEXT_PRODUCTS, &(behind, limit)).await?.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn category_names(tx: &mut Tx) -> Result<Vec<(CategoryId, String)>, StoreError> {
    tx.all(CATEGORY_NAMES, &()).await
}

pub(super) async fn set_category_words(tx: &mut Tx, id: CategoryId, name: &str) -> Result<(), StoreError> {
    tx.later(SET_CATEGORY_WORDS, &(id, spaced(name))).await
}

pub(super) async fn index(tx: &mut Tx, documents: &[Document]) -> Result<(), StoreError> {
    tx.later(INDEX, &(json(&documents)?,)).await
}

pub(super) async fn unindex(tx: &mut Tx, product: ProductId) -> Result<(), StoreError> {
    tx.later(UNINDEX, &(product,)).await
}

/// Takes words up among the known ones; answers those that were not.
pub(super) async fn learn(tx: &mut Tx, words: &BTreeSet<String>) -> Result<Vec<String>, StoreError> {
    Ok(tx.all::<(String,)>(LEARN, &(json(words)?,)).await?.into_iter().map(|(word,)| word).collect())
}

/// Takes up the forms of new words, each before its word.
pub(super) async fn learn_forms(tx: &mut Tx, forms: &[(String, &str)]) -> Result<(), StoreError> {
    tx.later(LEARN_FORMS, &(json(&forms)?,)).await
}

/// The known words that have one of these forms.
pub(super) async fn known_words(tx: &mut Tx, forms: &BTreeSet<String>) -> Result<Vec<String>, StoreError> {
    Ok(tx.all::<(String,)>(KNOWN_WORDS, &(json(forms)?,)).await?.into_iter().map(|(word,)| word).collect())
}

/// The words in the names of each of the categories and of all above it.
pub(super) async fn category_words(tx: &mut Tx, categories: impl Iterator<Item = i64>) -> Result<Vec<(i64, String)>, StoreError> {
    tx.all(CATEGORY_WORDS, &(id_list(categories),)).await
}

pub(super) async fn products_below(tx: &mut Tx, category: CategoryId, behind: i64, limit: i64) -> Result<Vec<i64>, StoreError> {
    Ok(tx.all::<(i64,)>(PRODUCTS_BELOW, &(category, behind, limit)).await?.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn categories_above(
    tx: &mut Tx,
    categories: impl Iterator<Item = i64>,
) -> Result<Vec<(CategoryId, CategoryId, String)>, StoreError> {
    tx.all(CATEGORIES_ABOVE, &(id_list(categories),)).await
}
