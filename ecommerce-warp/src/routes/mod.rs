//! The handlers, by room. Each is a sentence: take, call the store, show.

pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod cart;
pub(crate) mod catalog;
pub(crate) mod checkout;
pub(crate) mod operations;
pub(crate) mod orders;
pub(crate) mod payments;

use serde::Deserialize;
use utoipa::ToSchema;

/// A body without fields.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}
