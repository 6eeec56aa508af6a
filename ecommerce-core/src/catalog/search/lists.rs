//! The statements of a search, put together from what was asked for.

use std::mem;

use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};

use super::{
    Expression, OrderKey, Ordering, Position, ProductFilter,
    card::{self, BETWEEN_CARDS},
    prices::{highest_scaled, lowest_scaled},
};
use crate::{
    CountIs, Page, PageRequest, Product, StoreError,
    catalog::{
        lists::{ProductRow, products_of, select_products},
        sql::for_sale,
    },
    db::{Filter, Sql, Tx, id_list, statements},
    page::{COUNTED_TO, Count, counted},
};

/// What a search asks the index for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked<'e> {
    /// All products.
    Everything,
    /// What has these words.
    Words(&'e Expression),
    /// What has these words in its name or SKU, of the products behind an id; and whether very many have them anywhere.
    Named { words: &'e Expression, behind: i64, are_many: bool },
    /// What has these words, or as soon as they are in as many products as are counted, only what has them as whole words: very
    /// many products with a beginning in common are slow to put together.
    Beginnings { whole: &'e Expression, beginnings: &'e Expression },
}

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Hits {
    /// The first hits by their ids, one more than were to be counted where there are more.
    pub(super) ids: Vec<i64>,
    /// The cards of the first of these.
    pub(super) cards: String,
    /// All of them, where they are few.
    products: Vec<Product>,
}

/// Which products a page shows some of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Among<'h> {
    /// All that the filter wants.
    Everything,
    /// The hits of a search, already narrowed.
    Hits(&'h [i64]),
    /// More hits than are counted: what has these words, and is wanted by the filter.
    Called(&'h Expression),
}

/// Of so few hits the products are told, which saves another way to the database: as many as a page has when nobody says otherwise.
macro_rules! few {
    () => {
        20
    };
}

/// Few hits are told as rows, each its product and what is written on its card. Of more, one row tells the ids and the cards of
/// the first.
///
/// The second limit tells the planner of PostgreSQL how few they are.
macro_rules! told {
    ($looked_at:literal) => {
        concat!(
            "select told.ids, told.cards, few.*
             from (
                 select case when sized.hits > ",
            few!(),
            " then (select string_agg(cast(id as text), ',') from hits) end as ids,
                     case when sized.hits > ",
            few!(),
            " then (
                         select string_agg(
                             cast(i.product_id as text) || '\u{1f}' || cast(coalesce(i.category_id, 0) as text) || '\u{1f}'
                             || cast(i.price_scaled as text) || '\u{1f}' || i.card,
                             '\u{1e}')
                         from (select id from hits order by id limit ",
            $looked_at,
            " + 0) h cross join product_index i
                         where i.product_id = h.id
                     ) end as cards
                 from (select count(*) as hits from hits) sized
             ) told left join (
                 ",
            select_products!(
                "i.card, ",
                concat!(
                    "(select id from hits where (select count(*) from hits) <= ",
                    few!(),
                    " limit ",
                    few!(),
                    ") h cross join product_index i cross join "
                )
            ),
            "
                 where i.product_id = h.id and p.id = h.id and p.deleted_at is null
             ) few on true"
        )
    };
}

statements! {
    /// What has the beginnings $2 or, where very many products have the whole words $1, what has those: very many products with
    /// a beginning in common are slow to put together.
    ///
    /// PostgreSQL goes along the ids where nearly every product is a hit. Else it must not, since it would read all: the sum
    /// keeps it from that.
    /// The words are selected, so that it cannot see them: else it plans for these alone, which takes longer than to find them.
    HITS = {
        sqlite: (concat!(
            "with hits as materialized (
                 select rowid as id
                 from product_words
                 where product_words match case when (
                     select count(*) from (select rowid from product_words where product_words match $1 limit ", counted!(), ") few
                 ) = ", counted!(), " then $1 else $2 end
                 order by 1
                 limit $3 + 0
             )
             ", told!("$4"))),
        postgres: (concat!(
            "with words as materialized (
                 select count(*) = ", counted!(), " as are_common
                 from (select 1 from product_index where lexemes @@ (select cast($1 as tsquery)) limit ", counted!(), ") few
             ), hits as materialized (
                 (select product_id as id
                  from product_index
                  where (select are_common from words) and lexemes @@ (select cast($1 as tsquery))
                  order by product_id
                  limit $3 + 0)
                 union all
                 (select product_id as id
                  from product_index
                  where not (select are_common from words) and lexemes @@ (select cast($2 as tsquery))
                  order by product_id + 0
                  limit $3 + 0)
             )
             ", told!("$4"))),
    };

    /// What has the words $1 in its name or SKU, of the products behind an id.
    NAMED = {
        sqlite: (concat!(
            "with hits as materialized (
                 select rowid as id from product_words where product_words match $1 and rowid > $2 order by 1 limit $3 + 0
             )
             ", told!("$4"))),
        postgres: (concat!(
            "with hits as materialized (
                 select product_id as id
                 from product_index
                 where names @@ cast($1 as tsquery) and product_id > $2
                 order by product_id + 0
                 limit $3 + 0
             )
             ", told!("$4"))),
    };

    /// The same where so many products have the words anywhere that many may have them in their names: see [`HITS`].
    NAMED_OF_MANY = {
        sqlite: (concat!(
            "with hits as materialized (
                 select rowid as id from product_words where product_words match $1 and rowid > $2 order by 1 limit $3 + 0
             )
             ", told!("$4"))),
        postgres: (concat!(
            "with words as materialized (
                 select count(*) = ", counted!(), " as are_common
                 from (select 1 from product_index where names @@ cast($1 as tsquery) limit ", counted!(), ") few
             ), hits as materialized (
                 (select product_id as id
                  from product_index
                  where (select are_common from words) and names @@ cast($1 as tsquery) and product_id > $2
                  order by product_id
                  limit $3 + 0)
                 union all
                 (select product_id as id
                  from product_index
                  where not (select are_common from words) and names @@ cast($1 as tsquery) and product_id > $2
                  order by product_id + 0
                  limit $3 + 0)
             )
             ", told!("$4"))),
    };
}

/// SQLite gets to know that the index comes first: any other way would ask it once for every product.
const WORDS: Sql = Sql {
    name: "catalog::search::lists::WORDS",
    sqlite: "with hits as materialized (select rowid as id from product_words",
    postgres: "with hits as materialized (select product_id as id from product_index",
};
const NARROW: Sql = Sql {
    name: "catalog::search::lists::NARROW",
    sqlite: "with hits as materialized (select p.id from product_words cross join products p on p.id = product_words.rowid",
    postgres: "with hits as materialized (select p.id from product_index join products p on p.id = product_id",
};

/// The first products that are asked for and wanted, one more than are `counted`, with the cards of the first `looked_at`; few
/// hits all with their cards.
pub(super) async fn hits(
    tx: &mut Tx,
    asked: Asked<'_>,
    wanted: &ProductFilter,
    hidden_too: bool,
    counted: usize,
    looked_at: usize,
) -> Result<Hits, StoreError> {
    let (most, looked_at) = (bound(counted.saturating_add(1)), bound(looked_at));
    let is_narrow = wanted.is_narrow();
    let mut list = match asked {
        Asked::Everything => Filter::new("catalog::search::lists::ALL", "with hits as materialized (select p.id from products p"),
        Asked::Beginnings { whole, beginnings } if !is_narrow => {
            let args = (whole.clone(), beginnings.clone(), most, looked_at);
            return Hits::of(tx.all(HITS, &args).await?);
        }
        Asked::Named { words, behind, are_many } if !is_narrow => {
            let named = if are_many { NAMED_OF_MANY } else { NAMED };
            return Hits::of(tx.all(named, &(words.clone(), behind, most, looked_at)).await?);
        }
        _ if is_narrow => Filter::of(NARROW),
        _ => Filter::of(WORDS),
    };
    match asked {
        Asked::Everything => {}
        Asked::Beginnings { beginnings: words, .. } => has(&mut list, words),
        Asked::Words(words) => has(&mut list, words),
        Asked::Named { words, behind, .. } => {
            list.and_either(("product_words match ?", words.clone()), ("names @@ cast(? as tsquery)", words.clone()));
            list.and_with("p.id > ?", behind);
        }
    }
    if matches!(asked, Asked::Everything) || is_narrow {
        narrow(&mut list, wanted, hidden_too);
    }
    // As above: PostgreSQL must not read all in the order of the ids.
    list.push_either(
        ("\norder by 1 limit ? + 0) ", most),
        (
            match asked {
                Asked::Everything => "\norder by 1 limit ? + 0) ",
                _ if is_narrow => "\norder by p.id + 0 limit ? + 0) ",
                _ => "\norder by product_id + 0 limit ? + 0) ",
            },
            most,
        ),
    );
    list.push_with(told!("?"), looked_at);
    Hits::of(tx.filtered(list).await?)
}

/// Hits as the statements tell them.
#[derive(sqlx::FromRow)]
struct Told {
    ids: Option<String>,
    cards: Option<String>,
    card: Option<String>,
    #[sqlx(flatten)]
    product: OneOfFew,
}

/// Nothing, where the hits are many or none.
struct OneOfFew(Option<ProductRow>);

impl<'r, R: Row> FromRow<'r, R> for OneOfFew
where
    ProductRow: FromRow<'r, R>,
    &'static str: ColumnIndex<R>,
    Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let id: Option<i64> = row.try_get("id")?;
        id.map(|_| ProductRow::from_row(row)).transpose().map(Self)
    }
}

impl Hits {
    fn of(told: Vec<Told>) -> Result<Self, StoreError> {
        let mut hits = Self::default();
        let mut cards = Vec::new();
        for Told { ids, cards: many, card, product: OneOfFew(product) } in told {
            hits.ids.extend(ids.iter().flat_map(|ids| ids.split(',')).filter_map(|id| id.parse::<i64>().ok()));
            cards.extend(many);
            if let Some((product, card)) = product.zip(card) {
                let product = Product::try_from(product)?;
                cards.push(card::line(&product, &card));
                hits.products.push(product);
            }
        }
        hits.ids.extend(hits.products.iter().map(|product| product.id.get()));
        hits.ids.sort_unstable();
        hits.cards = cards.join(&BETWEEN_CARDS.to_string());
        Ok(hits)
    }

    /// Those of these ids, in their order. What was told already is told once.
    pub(super) async fn products(&mut self, tx: &mut Tx, ids: &[i64], hidden_too: bool) -> Result<Vec<Product>, StoreError> {
        if !ids.iter().all(|id| self.products.iter().any(|product| product.id.get() == *id)) {
            return products(tx, ids, hidden_too).await;
        }
        let is_shown = |product: &Product| ids.contains(&product.id.get()) && (hidden_too || product.is_available);
        Ok(in_order(mem::take(&mut self.products).into_iter().filter(is_shown).collect(), ids))
    }
}

fn has(list: &mut Filter, words: &Expression) {
    list.and_either(("product_words match ?", words.clone()), ("lexemes @@ cast(? as tsquery)", words.clone()));
}

/// A page of the products that are wanted, by the order of the database.
pub(super) async fn page(
    tx: &mut Tx,
    wanted: &ProductFilter,
    among: Among<'_>,
    hidden_too: bool,
    request: PageRequest,
    behind: Option<&Position>,
) -> Result<Page<Product>, StoreError> {
    let count = match among {
        Among::Everything => count_all(tx, wanted, hidden_too).await?,
        Among::Hits(hits) => count_of(hits),
        Among::Called(_) => Count::bounded(COUNTED_TO),
    };
    if count.is == CountIs::Exact && count.rows <= request.offset() {
        return Ok(Page::of(count, Vec::new(), request));
    }
    let mut list = Filter::new("catalog::search::lists::PRODUCTS", select_products!());
    match among {
        Among::Hits(hits) => {
            visible(&mut list, hidden_too);
            one_of(&mut list, hits);
        }
        _ => narrow(&mut list, wanted, hidden_too),
    }
    if let Among::Called(words) = among {
        // The plus keeps SQLite from beginning with the words: nearly every product has them, so the order comes first.
        list.and_either(
            ("+p.id in (select rowid from product_words where product_words match ?)", words.clone()),
            ("p.id in (select product_id from product_index where lexemes @@ cast(? as tsquery))", words.clone()),
        );
    }
    if let Some(position) = behind {
        go_on(&mut list, wanted.ordering, position);
    }
    order(&mut list, wanted.ordering);
    list.push_with("\nlimit ? + 0", request.limit());
    list.push_with(" offset ?", if behind.is_some() { 0 } else { request.offset() });
    Ok(Page::of(count, products_of(tx, list).await?, request))
}

/// Products in the order of these ids, as far as they are still there.
pub(super) async fn products(tx: &mut Tx, ids: &[i64], hidden_too: bool) -> Result<Vec<Product>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut list = Filter::new("catalog::search::lists::RANKED", select_products!());
    one_of(&mut list, ids);
    visible(&mut list, hidden_too);
    Ok(in_order(products_of(tx, list).await?, ids))
}

fn in_order(mut products: Vec<Product>, ids: &[i64]) -> Vec<Product> {
    products.sort_by_cached_key(|product| ids.iter().position(|id| *id == product.id.get()));
    products
}

/// The number of hits as it is told.
pub(super) fn count_of(hits: &[i64]) -> Count {
    Count::bounded(bound(hits.len()))
}

/// Without a filter, what everybody sees is counted already.
async fn count_all(tx: &mut Tx, wanted: &ProductFilter, hidden_too: bool) -> Result<Count, StoreError> {
    if !wanted.is_narrow() && !hidden_too {
        return Ok(Count::exact(for_sale(tx).await?));
    }
    let mut some = Filter::new("catalog::search::lists::COUNT", "select count(*) from (select 1 from products p");
    narrow(&mut some, wanted, hidden_too);
    Ok(Count::bounded(tx.count_to(COUNTED_TO, some).await?))
}

fn narrow(list: &mut Filter, wanted: &ProductFilter, hidden_too: bool) {
    visible(list, hidden_too);
    if let Some(category) = wanted.category {
        list.and_with("p.category_id in (select category_id from category_ancestors where ancestor_id = ?)", category);
    }
    if let Some(price) = wanted.min_price {
        list.and_with("p.price_scaled >= ?", lowest_scaled(price));
    }
    if let Some(price) = wanted.max_price {
        list.and_with("p.price_scaled <= ?", highest_scaled(price));
    }
    match wanted.in_stock {
        Some(true) => list.and("p.stock > p.reserved"),
        Some(false) => list.and("p.stock <= p.reserved"),
        None => {}
    }
    for (name, values) in wanted.wanted_attributes() {
        list.and_with("p.id in (select product_id from product_attributes where name_key = ?", name);
        let values = serde_json::Value::from_iter(values).to_string();
        list.push_either(
            (" and value_key in (select value from json_each(?)))", values.clone()),
            (" and value_key in (select value from json_array_elements_text(cast(cast(? as text) as json))))", values),
        );
    }
}

fn visible(list: &mut Filter, hidden_too: bool) {
    list.and("p.deleted_at is null");
    if !hidden_too {
        list.and("p.is_available");
    }
}

fn one_of(list: &mut Filter, ids: &[i64]) {
    let ids = id_list(ids.iter().copied());
    list.and_either(
        ("p.id in (select value from json_each(?))", ids.clone()),
        // Selected, so that the list is read once and not for every row.
        ("p.id in (select unnest(translate(?, '[]', '{}')::bigint[]))", ids),
    );
}

fn order(list: &mut Filter, ordering: Option<Ordering>) {
    list.push(match ordering {
        None | Some(Ordering::Relevance) => "\norder by p.id",
        Some(Ordering::Name) => "\norder by p.name_key, p.id",
        Some(Ordering::NameDescending) => "\norder by p.name_key desc, p.id desc",
        Some(Ordering::Price) => "\norder by p.price_scaled, p.id",
        Some(Ordering::PriceDescending) => "\norder by p.price_scaled desc, p.id desc",
        Some(Ordering::CreatedAt) => "\norder by p.created_at, p.id",
        Some(Ordering::CreatedAtDescending) => "\norder by p.created_at desc, p.id desc",
        Some(Ordering::BestSelling) => "\norder by p.sold desc, p.id desc",
    });
}

/// Only what comes behind a position in the same order.
fn go_on(list: &mut Filter, ordering: Option<Ordering>, position: &Position) {
    let behind = match ordering {
        None | Some(Ordering::Relevance) => "(p.id, p.id) > (?",
        Some(Ordering::Name) => "(p.name_key, p.id) > (?",
        Some(Ordering::NameDescending) => "(p.name_key, p.id) < (?",
        Some(Ordering::Price) => "(p.price_scaled, p.id) > (?",
        Some(Ordering::PriceDescending) => "(p.price_scaled, p.id) < (?",
        Some(Ordering::CreatedAt) => "(p.created_at, p.id) > (?",
        Some(Ordering::CreatedAtDescending) => "(p.created_at, p.id) < (?",
        Some(Ordering::BestSelling) => "(p.sold, p.id) < (?",
    };
    match &position.last {
        OrderKey::Number(number) => list.and_with(behind, *number),
        OrderKey::Text(text) => list.and_with(behind, text.clone()),
        // Hits are put into their order elsewhere.
        OrderKey::Rank(rank, _) => list.and_with(behind, *rank),
    }
    list.push_with(", ?)", position.product);
}

fn bound(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
