//! The inbox: an event is stored once, finds its payment, and moves it, all in one transaction.

pub(crate) mod sql;
mod take_in;

pub(super) use take_in::{Desk, hear, is_stored, take_in, take_up};
