//! The query of a request, and pages of a list.

use std::{borrow::Cow, collections::BTreeMap, fmt::Display, str::FromStr};

use ecommerce_core::{CountIs, FacetName, Facets, Found, Page, PageRequest, Product};
use form_urlencoded::Serializer;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::{faults::Faults, problem::Problem};

/// What stands behind the question mark. Keys that nobody asks for are ignored, empty values count as left out.
pub(crate) struct Query<'c> {
    path: &'c str,
    pairs: Vec<(Cow<'c, str>, Cow<'c, str>)>,
    faults: Faults,
}

/// Which page of a list is wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Query::page` reads")]
pub(crate) struct Paging {
    /// The page, counted from 1.
    #[param(nullable = false, minimum = 1, maximum = 100_000, default = 1, example = 1)]
    page: Option<u32>,
    /// The rows of a page.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 20, example = 20)]
    page_size: Option<u32>,
}

/// How long a value of an attribute may be.
const LONGEST_VALUE: usize = 200;

impl<'c> Query<'c> {
    pub(crate) fn parse(path: &'c str, query: &'c str) -> Self {
        Self { path, pairs: form_urlencoded::parse(query.as_bytes()).collect(), faults: Faults::default() }
    }

    /// The text of a key.
    pub(crate) fn text(&mut self, key: &str) -> Option<String> {
        let mut values = self.pairs.iter().filter(|(name, _)| name == key).map(|(_, value)| value);
        let value = values.next()?;
        if values.next().is_some() {
            self.faults.note(key, "is given twice");
        }
        (!value.is_empty()).then(|| value.to_string())
    }

    /// The value of a key.
    pub(crate) fn value<T: FromStr<Err: Display>>(&mut self, key: &str) -> Option<T> {
        self.with(key, |text| text.parse())
    }

    /// The value of a key that is read in its own way.
    pub(crate) fn with<T, E: Display>(&mut self, key: &str, read: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let text = self.text(key)?;
        self.faults.take(key, read(&text))
    }

    /// `page` and `page_size`.
    pub(crate) fn page(&mut self) -> PageRequest {
        let size = self.with("page_size", |text| PageRequest::first(number(text))).unwrap_or_default();
        self.with("page", |text| size.at(number(text))).unwrap_or(size)
    }

    /// Every `attr.<name>`, which may be given several times, with its values.
    pub(crate) fn attributes(&mut self) -> BTreeMap<String, Vec<String>> {
        let mut attributes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, value) in self.pairs.iter().filter(|(_, value)| !value.is_empty()) {
            let Some(name) = key.strip_prefix("attr.") else { continue };
            if value.chars().count() > LONGEST_VALUE {
                self.faults.note(key, format_args!("must have 1 to {LONGEST_VALUE} characters"));
            }
            attributes.entry(name.to_owned()).or_default().push(value.to_string());
        }
        attributes
    }

    /// The words of `facets`, each once.
    pub(crate) fn facets(&mut self) -> Vec<FacetName> {
        let mut facets = Vec::new();
        for word in self.text("facets").unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty()) {
            // Any word is one, though nothing may be known by it.
            facets.extend(word.parse().ok().filter(|name| !facets.contains(name)));
        }
        facets
    }

    /// `cursor`, which stands in the place of `page`.
    pub(crate) fn cursor(&mut self) -> Option<String> {
        let cursor = self.text("cursor")?;
        if self.pairs.iter().any(|(key, value)| key == "page" && !value.is_empty()) {
            self.faults.note("cursor", "must not be given beside page");
        }
        Some(cursor)
    }

    /// Goes on only where every value was taken.
    pub(crate) fn check(&mut self) -> Result<(), Problem> {
        std::mem::take(&mut self.faults).check()
    }

    /// A page of results with the addresses of its neighbours, which keep the rest of the query.
    pub(crate) fn listed<T>(&self, page: Page<T>) -> Listed<T> {
        let (next, previous) = (page.next(), page.previous());
        Listed {
            count: page.count,
            count_is: page.count_is,
            next: next.map(|page| self.at(page)),
            previous: previous.map(|page| self.at(page)),
            results: page.results,
        }
    }

    /// A page of products, from page to page or, for whoever began so, from cursor to cursor.
    pub(crate) fn found(&self, found: Found) -> FoundProducts {
        let Found { page, next_cursor, facets, facets_are, ranked } = found;
        let was_asked = |name: &str| self.pairs.iter().any(|(key, value)| key == name && !value.is_empty());
        let by_cursor = was_asked("cursor");
        let next = match &next_cursor {
            Some(cursor) if by_cursor => Some(self.with_pair("cursor", cursor)),
            _ => page.next().filter(|_| !by_cursor).map(|page| self.at(page)),
        };
        let previous = page.previous().filter(|_| !by_cursor).map(|page| self.at(page));
        let facets = was_asked("facets").then_some(facets);
        let facets_are = facets.is_some().then_some(facets_are);
        FoundProducts {
            count: page.count,
            count_is: page.count_is,
            next,
            previous,
            next_cursor,
            ranked,
            facets,
            facets_are,
            results: page.results,
        }
    }

    fn at(&self, page: PageRequest) -> String {
        self.with_pair("page", &page.number().to_string())
    }

    /// The address of this request with another value of a key.
    fn with_pair(&self, key: &str, value: &str) -> String {
        let kept = self.pairs.iter().filter(|(known, _)| known != key);
        let query = Serializer::new(String::new()).extend_pairs(kept).append_pair(key, value).finish();
        format!("{}?{query}", self.path)
    }
}

/// A page of products, and what they have in common.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FoundProducts {
    /// How many there are on all pages; where counting them all would be slow, how many there are at least.
    #[schema(example = 41)]
    count: u64,
    /// Whether there are just so many, or at least so many.
    count_is: CountIs,
    /// Where the page behind this one is; null on the last.
    #[schema(example = "/product/?page=3")]
    next: Option<String>,
    /// Where the page before this one is; null on the first, and on one that was asked for by a cursor.
    #[schema(example = "/product/?page=1")]
    previous: Option<String>,
    /// As `cursor`, goes on behind the last product of this page, whatever is added or removed meanwhile; null on the last page.
    next_cursor: Option<String>,
    /// Where a search has more hits than are put in order by how good they are: how many are. The rest comes behind these.
    #[schema(example = 1000)]
    ranked: Option<u64>,
    /// What was asked for by `facets`, each counted without its own filter; null where nothing was.
    facets: Option<Facets>,
    /// Whether the facets count every hit, or only the first of very many.
    facets_are: Option<CountIs>,
    /// What is on this page.
    results: Vec<Product>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Page)]
pub(crate) struct Listed<T> {
    /// How many there are on all pages; of a list of more than 10,000, how many there are at least.
    #[schema(example = 41)]
    count: u64,
    /// Whether there are just so many, or at least so many.
    count_is: CountIs,
    /// Where the page behind this one is; null on the last.
    #[schema(example = "/product/?page=3")]
    next: Option<String>,
    /// Where the page before this one is; null on the first.
    #[schema(example = "/product/?page=1")]
    previous: Option<String>,
    /// What is on this page.
    results: Vec<T>,
}

/// The number that plain digits stand for; 0, which no page has, for anything else.
fn number(text: &str) -> u32 {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().unwrap_or_default() } else { 0 }
}
