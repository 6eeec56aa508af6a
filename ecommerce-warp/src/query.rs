//! The query of a request, and pages of a list.

use std::{borrow::Cow, fmt::Display, str::FromStr};

use ecommerce_core::{Page, PageRequest};
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

    /// Goes on only where every value was taken.
    pub(crate) fn check(&mut self) -> Result<(), Problem> {
        std::mem::take(&mut self.faults).check()
    }

    /// A page of results with the addresses of its neighbours, which keep the rest of the query.
    pub(crate) fn listed<T>(&self, page: Page<T>) -> Listed<T> {
        let (next, previous) = (page.next(), page.previous());
        Listed {
            count: page.count,
            next: next.map(|page| self.at(page)),
            previous: previous.map(|page| self.at(page)),
            results: page.results,
        }
    }

    fn at(&self, page: PageRequest) -> String {
        let kept = self.pairs.iter().filter(|(key, _)| key != "page");
        let query = Serializer::new(String::new()).extend_pairs(kept).append_pair("page", &page.number().to_string()).finish();
        format!("{}?{query}", self.path)
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Page)]
pub(crate) struct Listed<T> {
    /// How many there are on all pages.
    #[schema(example = 41)]
    count: u64,
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
