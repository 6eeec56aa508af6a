//! What is wrong with the values of a request: all of it is collected and told in one answer.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use crate::problem::Problem;

/// Faults by field.
#[derive(Debug, Default)]
pub(crate) struct Faults(BTreeMap<String, Vec<String>>);

impl Faults {
    /// Notes what is wrong with a field.
    pub(crate) fn note(&mut self, field: &str, reason: impl Display) {
        self.0.entry(field.to_owned()).or_default().push(reason.to_string());
    }

    /// The value, unless it is refused: then that is noted.
    pub(crate) fn take<T>(&mut self, field: &str, value: Result<T, impl Display>) -> Option<T> {
        value.map_err(|reason| self.note(field, reason)).ok()
    }

    /// The value that the text stands for, unless it is refused: then that is noted.
    pub(crate) fn parse<T: FromStr<Err: Display>>(&mut self, field: &str, text: &str) -> Option<T> {
        self.take(field, text.parse())
    }

    /// The same for a field that may be left out.
    pub(crate) fn parse_given<T: FromStr<Err: Display>>(&mut self, field: &str, text: Option<&str>) -> Option<T> {
        text.and_then(|text| self.parse(field, text))
    }

    /// The id with this number, unless there can be none: then that is noted.
    pub(crate) fn id<T>(&mut self, field: &str, number: i64, id: fn(i64) -> Option<T>) -> Option<T> {
        self.take(field, id(number).ok_or("must be a positive whole number"))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Goes on only where nothing was noted.
    pub(crate) fn check(self) -> Result<(), Problem> {
        if self.is_empty() { Ok(()) } else { Err(self.into()) }
    }
}

impl From<Faults> for Problem {
    fn from(faults: Faults) -> Self {
        Self::invalid(faults.0)
    }
}
