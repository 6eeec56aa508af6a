use serde::Serialize;

use super::{
    COUNTED, FacetName, Facets, NAMED, OrderKey, Ordering, Position, ProductFilter, RANKED,
    card::Card,
    cursor::Cursors,
    facets,
    find::{Searched, Window},
    lists::{self, Among, Asked, Hits},
    prices::price_scaled,
    query::Query,
    sql,
    words::key,
};
use crate::{
    Admin, CatalogError, CategoryRef, CountIs, InvalidField, Page, PageRequest, Product, ProductId, Store, StoreError, db::Tx,
};

/// So many facets may be asked for at once.
const MOST_FACETS: usize = 10;
/// So many products and so many categories are suggested.
const SUGGESTED: u32 = 5;

/// Which part of a list of products is looked at, and what is counted beside it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look<'l> {
    /// Which page, and how many rows a page has.
    pub page: PageRequest,
    /// Behind which product: [`Found::next_cursor`] of the page before. Then the page's number counts for nothing.
    pub cursor: Option<&'l str>,
    /// What to count beside the page.
    pub facets: &'l [FacetName],
}

/// A page of products, and what was counted beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The page.
    pub page: Page<Product>,
    /// Goes on behind this page, whatever was added or removed meanwhile; `None` on the last.
    pub next_cursor: Option<String>,
    /// What the hits have in common.
    pub facets: Facets,
    /// Whether the facets count every hit, or only the first of so many that counting all would be slow.
    pub facets_are: CountIs,
    /// How many hits were put in the order of how good they are, where it is not all of them: the rest comes behind these.
    pub ranked: Option<u64>,
}

/// What somebody may mean who is still typing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Suggestions {
    /// The five best hits.
    pub products: Vec<SuggestedProduct>,
    /// Five categories with such names.
    pub categories: Vec<CategoryRef>,
}

/// A product as it is suggested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SuggestedProduct {
    /// The product's id.
    pub id: ProductId,
    /// What it is called.
    #[cfg_attr(feature = "openapi", schema(example = "Ceramic mug"))]
    pub name: String,
}

impl Store {
    /// The products that are wanted. Hidden ones are seen only with an admin's proof.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] when more attributes are asked for than are looked at. Bounds that no price can reach find
    /// nothing, or everything.
    pub async fn product_list(
        &self,
        filter: &ProductFilter,
        page: PageRequest,
        admin: Option<&Admin>,
    ) -> Result<Page<Product>, CatalogError> {
        filter.check()?;
        let list = List { filter, page, behind: None, facets: &[], hidden_too: admin.is_some() };
        Ok(list.read(self, &mut self.read().await?).await?.page)
    }

    /// The products that are wanted, page by page or from cursor to cursor, with what they have in common.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use ecommerce_core::{Look, Money, NewProduct, ProductFilter, Store};
    /// let store = Store::open("sqlite::memory:").await?;
    /// for name in ["Green tea", "Teapot", "Steam iron"] {
    ///     let new = NewProduct::new(name.parse()?, Money::parse("9.99", store.currency())?, 5);
    ///     store.product_create(store.system().admin(), new).await?;
    /// }
    /// let tea = ProductFilter { search: Some("tea".to_owned()), ..ProductFilter::default() };
    /// let found = store.product_search(&tea, &Look { facets: &["price".parse()?], ..Look::default() }, None).await?;
    /// let names: Vec<_> = found.page.results.iter().map(|product| product.name.as_str()).collect();
    /// assert_eq!(names, ["Green tea", "Teapot"]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] on a cursor that is not of this list, and when more is asked for than is looked at.
    pub async fn product_search(
        &self,
        filter: &ProductFilter,
        look: &Look<'_>,
        admin: Option<&Admin>,
    ) -> Result<Found, CatalogError> {
        filter.check()?;
        if look.facets.len() > MOST_FACETS {
            return Err(InvalidField::new("facets", format!("must be at most {MOST_FACETS}, not {}", look.facets.len())).into());
        }
        let ordering = filter.ordering.unwrap_or(Ordering::Relevance).to_string();
        let search = filter.search.as_deref().unwrap_or_default().trim().to_owned();
        let cursors = Cursors::of(self.cursor_key(), [ordering, search, filter.narrowed_by()]);
        let behind = look.cursor.map(|cursor| cursors.read(cursor)).transpose();
        let behind = behind.map_err(|reason| InvalidField { field: "cursor", reason })?;
        let page = if behind.is_some() { look.page.at(1).unwrap_or_default() } else { look.page };
        let list = List { filter, page, behind, facets: look.facets, hidden_too: admin.is_some() };
        let read = list.read(self, &mut self.read().await?).await?;
        let next_cursor = read.last.map(|last| cursors.write(&last));
        Ok(Found { page: read.page, next_cursor, facets: read.facets, facets_are: read.facets_are, ranked: read.ranked })
    }

    /// Five products and five categories that may be meant by what was typed so far.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn search_suggest(&self, typed: &str, admin: Option<&Admin>) -> Result<Suggestions, CatalogError> {
        if Query::parse(typed).finds_nothing() {
            return Ok(Suggestions::default());
        }
        let some = PageRequest::first(SUGGESTED).unwrap_or_default();
        let filter = ProductFilter { search: Some(typed.to_owned()), ..ProductFilter::default() };
        let products = self.product_list(&filter, some, admin).await?.results;
        let categories = self.category_list(Some(typed), some).await?.results;
        Ok(Suggestions {
            products: products.into_iter().map(|product| SuggestedProduct { id: product.id, name: product.name }).collect(),
            categories: categories.into_iter().map(|category| CategoryRef { id: category.id, name: category.name }).collect(),
        })
    }
}

/// A part of a list, as it was asked for.
struct List<'l> {
    filter: &'l ProductFilter,
    page: PageRequest,
    behind: Option<Position>,
    facets: &'l [FacetName],
    hidden_too: bool,
}

struct Read {
    page: Page<Product>,
    /// Where the page ends, if another follows.
    last: Option<Position>,
    ranked: Option<u64>,
    facets: Facets,
    facets_are: CountIs,
}

/// A page, where it ends if another follows, and how many hits were ranked where it is not all.
type Part = (Page<Product>, Option<Position>, Option<u64>);

/// What the products come from.
enum Source {
    Nothing,
    Everything,
    Search(Box<Searched>, Hits),
}

impl List<'_> {
    async fn read(&self, store: &Store, tx: &mut Tx) -> Result<Read, StoreError> {
        let mut source = self.source(tx).await?;
        let (page, last, ranked) = self.page(tx, &mut source).await?;
        let (facets, facets_are) = self.facets(store, tx, &source).await?;
        Ok(Read { page, last, ranked, facets, facets_are })
    }

    async fn source(&self, tx: &mut Tx) -> Result<Source, StoreError> {
        let text = self.filter.search.as_deref().unwrap_or_default().trim();
        if text.is_empty() {
            return Ok(Source::Everything);
        }
        let query = Query::parse(text);
        if query.finds_nothing() {
            return Ok(Source::Nothing);
        }
        // A few more than a new window has, for what came into an old one.
        let looked_at = if self.behind.is_some() { RANKED + NAMED } else { RANKED };
        let window = self.behind_hit().map(|(_, window)| window);
        let (searched, hits) = Searched::find(tx, query, self.filter, self.hidden_too, looked_at, window).await?;
        Ok(Source::Search(Box::new(searched), hits))
    }

    async fn page(&self, tx: &mut Tx, source: &mut Source) -> Result<Part, StoreError> {
        let among = match source {
            Source::Nothing => Among::Hits(&[]),
            Source::Everything => Among::Everything,
            Source::Search(searched, hits) if self.filter.is_by_rank() => return self.ranked(tx, searched, hits).await,
            // The first of them in the order of the list may be any of them.
            Source::Search(searched, hits) if hits.ids.len() > COUNTED => Among::Called(searched.beginnings()),
            Source::Search(_, hits) => Among::Hits(&hits.ids),
        };
        let page = lists::page(tx, self.filter, among, self.hidden_too, self.page, self.behind.as_ref()).await?;
        let last = match (page.next(), page.results.last()) {
            (Some(_), Some(last)) => Some(Position { last: self.order_key(tx, last).await?, product: last.id.get() }),
            _ => None,
        };
        Ok((page, last, None))
    }

    /// The ranked hit that the page comes behind, and the window of the list.
    const fn behind_hit(&self) -> Option<((i64, i64), Window)> {
        match &self.behind {
            Some(Position { last: OrderKey::Rank(rank, window), product }) => Some(((*rank, *product), *window)),
            _ => None,
        }
    }

    async fn ranked(&self, tx: &mut Tx, searched: &Searched, hits: &mut Hits) -> Result<Part, StoreError> {
        let behind = self.behind_hit();
        let ranked = searched.ranked(tx, hits, self.filter, behind.map(|(_, window)| window)).await?;
        let start = match behind {
            Some((last, _)) => ranked.hits.partition_point(|hit| *hit <= last),
            None => usize::try_from(self.page.offset()).unwrap_or(usize::MAX),
        };
        let size = usize::try_from(self.page.size()).unwrap_or(usize::MAX);
        let ids: Vec<_> = ranked.hits.iter().skip(start).take(size).map(|(_, product)| *product).collect();
        let end = start.saturating_add(size);
        let has_next = end < ranked.hits.len();
        let products = hits.products(tx, &ids, self.hidden_too).await?;
        let last = has_next.then(|| ranked.hits.get(end.saturating_sub(1))).flatten();
        let last = last.map(|(rank, product)| Position { last: OrderKey::Rank(*rank, ranked.window), product: *product });
        let bounded = (ranked.count < ranked.hits.len()).then(|| u64::try_from(ranked.count).unwrap_or(u64::MAX));
        Ok((Page::seen(lists::count_of(&hits.ids), products, self.page, has_next), last, bounded))
    }

    /// What the order of the list sees in a product.
    async fn order_key(&self, tx: &mut Tx, product: &Product) -> Result<OrderKey, StoreError> {
        Ok(match self.filter.ordering {
            None | Some(Ordering::Relevance) => OrderKey::Number(product.id.get()),
            Some(Ordering::Name | Ordering::NameDescending) => OrderKey::Text(key(&product.name)),
            Some(Ordering::Price | Ordering::PriceDescending) => OrderKey::Number(price_scaled(product.price)),
            Some(Ordering::CreatedAt | Ordering::CreatedAtDescending) => OrderKey::Number(product.created_at.as_micros()),
            Some(Ordering::BestSelling) => OrderKey::Number(sql::sold(tx, product.id).await?),
        })
    }

    /// Counts every facet over the first hits, found without the facet's own filter.
    async fn facets(&self, store: &Store, tx: &mut Tx, source: &Source) -> Result<(Facets, CountIs), StoreError> {
        let mut facets = Facets::default();
        let mut facets_are = CountIs::Exact;
        let mut own: Option<Hits> = None;
        for name in self.facets {
            let wider = match self.filter.without(name) {
                Some(wider) => Some(hits(tx, source, &wider, self.hidden_too).await?),
                None => None,
            };
            let found = match (&wider, source) {
                (Some(wider), _) => wider,
                (None, Source::Search(_, hits)) => hits,
                (None, _) => match own.take() {
                    Some(known) => own.insert(known),
                    None => own.insert(hits(tx, source, self.filter, self.hidden_too).await?),
                },
            };
            let cards: Vec<_> = Card::all_of(&found.cards).collect();
            if cards.len() < found.ids.len() {
                facets_are = CountIs::AtLeast;
            }
            count(store, tx, name, &cards, &mut facets).await?;
        }
        Ok((facets, facets_are))
    }
}

async fn hits(tx: &mut Tx, source: &Source, wanted: &ProductFilter, hidden_too: bool) -> Result<Hits, StoreError> {
    match source {
        Source::Nothing => Ok(Hits::default()),
        Source::Everything => lists::hits(tx, Asked::Everything, wanted, hidden_too, COUNTED, COUNTED).await,
        Source::Search(searched, _) => searched.hits(tx, wanted, RANKED).await,
    }
}

async fn count(store: &Store, tx: &mut Tx, name: &FacetName, cards: &[Card<'_>], facets: &mut Facets) -> Result<(), StoreError> {
    let cards = cards.iter().copied();
    match name {
        FacetName::Price => facets.price = Some(facets::price(cards, store.currency())),
        FacetName::Attribute(attribute) => drop(facets.values.insert(name.to_string(), facets::values(cards, attribute))),
        FacetName::Other(_) => drop(facets.values.insert(name.to_string(), Vec::new())),
        FacetName::Category => {
            let counts = facets::per_category(cards);
            let above = sql::categories_above(tx, counts.keys().copied()).await?;
            facets.category = Some(facets::categories(&counts, above));
        }
    }
    Ok(())
}
