//! Pages of a list.

use crate::Invalid;

/// So many rows of a list are counted, as a number that statements can hold. Counting all would take the longer the larger a shop
/// is, for a figure that nobody reads to its last digit.
macro_rules! counted {
    () => {
        10_000
    };
}
pub(crate) use counted;

const COUNTED: i64 = counted!();
/// One row more shows that there are more.
pub(crate) const COUNTED_TO: i64 = COUNTED + 1;

/// Which page is wanted, and how many rows it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    number: u32,
    size: u32,
}

impl PageRequest {
    /// The rows of a page when nobody says otherwise.
    pub const DEFAULT_SIZE: u32 = 20;
    /// The most rows of a page.
    pub const MAX_SIZE: u32 = 100;
    /// The last page that may be asked for: what lies behind is found by filtering, and a deep page costs.
    pub const MAX_NUMBER: u32 = 100_000;

    /// Page `number`, counted from 1, of `size` rows.
    ///
    /// # Errors
    /// When either is zero or above its bound.
    pub fn new(number: u32, size: u32) -> Result<Self, Invalid> {
        Self::first(size)?.at(number)
    }

    /// The first page, of `size` rows.
    ///
    /// # Errors
    /// When `size` is not 1 to [`Self::MAX_SIZE`].
    pub fn first(size: u32) -> Result<Self, Invalid> {
        match size {
            1..=Self::MAX_SIZE => Ok(Self { number: 1, size }),
            _ => Err(Invalid::new(format!("must be 1 to {}", Self::MAX_SIZE))),
        }
    }

    /// The same list at another page.
    ///
    /// # Errors
    /// When `number` is not 1 to [`Self::MAX_NUMBER`].
    pub fn at(self, number: u32) -> Result<Self, Invalid> {
        match number {
            1..=Self::MAX_NUMBER => Ok(Self { number, ..self }),
            _ => Err(Invalid::new(format!("must be 1 to {}", Self::MAX_NUMBER))),
        }
    }

    /// The page's number, from 1.
    pub const fn number(self) -> u32 {
        self.number
    }

    /// The rows a page has.
    pub const fn size(self) -> u32 {
        self.size
    }

    /// So many rows are read: one more than the page has shows whether another follows.
    pub(crate) fn limit(self) -> i64 {
        i64::from(self.size) + 1
    }

    pub(crate) fn offset(self) -> i64 {
        i64::from(self.number - 1) * i64::from(self.size)
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { number: 1, size: Self::DEFAULT_SIZE }
    }
}

/// One page of a list, and how long the whole list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// How many rows the whole list has; of one of more than 10,000, perhaps only that it has at least so many.
    pub count: u64,
    /// Whether the list has just so many rows, or at least so many.
    pub count_is: CountIs,
    /// The rows of this page.
    pub results: Vec<T>,
    /// What was asked for.
    pub request: PageRequest,
    has_next: bool,
}

crate::text::words! {
    /// What a count says.
    pub enum CountIs {
        /// There are just so many.
        Exact = "exact",
        /// There are so many, and perhaps more.
        AtLeast = "at_least",
    }
}

/// How many rows a list has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count {
    pub(crate) rows: i64,
    pub(crate) is: CountIs,
}

impl Count {
    /// Just so many.
    pub(crate) const fn exact(rows: i64) -> Self {
        Self { rows, is: CountIs::Exact }
    }

    /// So many rows of a list that was counted no further than [`COUNTED_TO`].
    pub(crate) const fn bounded(rows: i64) -> Self {
        if rows > COUNTED { Self { rows: COUNTED, is: CountIs::AtLeast } } else { Self::exact(rows) }
    }
}

impl<T> Page<T> {
    /// A page of an empty list.
    pub(crate) fn empty(request: PageRequest) -> Self {
        Self::of(Count::exact(0), Vec::new(), request)
    }

    /// A page of a list, of which [`PageRequest::limit`] rows were read.
    pub(crate) fn of(count: Count, mut rows: Vec<T>, request: PageRequest) -> Self {
        let size = usize::try_from(request.size).unwrap_or(usize::MAX);
        let has_next = rows.len() > size;
        rows.truncate(size);
        Self::seen(count, rows, request, has_next)
    }

    /// A page of which was seen whether another follows.
    pub(crate) fn seen(Count { rows, is }: Count, results: Vec<T>, request: PageRequest, has_next: bool) -> Self {
        Self { count: u64::try_from(rows).unwrap_or(0), count_is: is, results, request, has_next }
    }

    /// The same page with what its rows were made into.
    pub(crate) fn with<U>(self, results: Vec<U>) -> Page<U> {
        let Self { count, count_is, request, has_next, .. } = self;
        Page { count, count_is, results, request, has_next }
    }

    /// The page behind this one, where there is one.
    pub fn next(&self) -> Option<PageRequest> {
        self.has_next.then(|| self.request.at(self.request.number + 1).ok()).flatten()
    }

    /// The page before this one, where there is one.
    pub fn previous(&self) -> Option<PageRequest> {
        self.request.at(self.request.number - 1).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows: i64, read: usize) -> Page<()> {
        Page::of(Count::bounded(rows), vec![(); read], PageRequest::first(2).unwrap())
    }

    #[test]
    fn a_row_more_shows_that_another_page_follows() {
        for (rows, read, results, has_next) in [(0, 0, 0, false), (2, 2, 2, false), (3, 3, 2, true)] {
            let page = page(rows, read);
            assert_eq!((page.results.len(), page.next().is_some()), (results, has_next), "{rows}");
        }
    }

    #[test]
    fn of_very_many_it_is_said_that_there_are_more() {
        for (rows, count, count_is) in
            [(9_999, 9_999, CountIs::Exact), (10_000, 10_000, CountIs::Exact), (COUNTED_TO, 10_000, CountIs::AtLeast)]
        {
            let page = page(rows, 3);
            assert_eq!((page.count, page.count_is), (count, count_is));
        }
    }
}
