//! Pages of a list.

use crate::Invalid;

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

    pub(crate) fn limit(self) -> i64 {
        i64::from(self.size)
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
    /// How many rows the whole list has; where counting all of it would be slow, how many it has at least.
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

impl<T> Page<T> {
    /// A page of a list of this length.
    pub(crate) fn new(count: i64, results: Vec<T>, request: PageRequest) -> Self {
        let has_next = request.offset() + request.limit() < count;
        Self { count: u64::try_from(count).unwrap_or(0), count_is: CountIs::Exact, results, request, has_next }
    }

    /// A page of a list that was counted no further than to a bound. Whether another page follows was seen.
    pub(crate) const fn counted(count: u64, count_is: CountIs, results: Vec<T>, request: PageRequest, has_next: bool) -> Self {
        Self { count, count_is, results, request, has_next }
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
