//! The proofs that calls ask for. None has a public constructor: only a session or the program's own trust gives one.

use std::fmt::Display;

use crate::UserId;

/// Proof that somebody is signed in. Only a [`crate::Session`] or [`crate::Store::system`] gives it.
#[derive(Debug, Clone)]
pub struct Customer {
    pub(crate) user_id: UserId,
}

/// Proof of the right to manage the whole shop. Only a [`crate::Session`] or [`crate::Store::system`] gives it.
///
/// It carries who answers for what is done with it, and where they are: the audit log says so.
#[derive(Debug, Clone)]
pub struct Admin {
    /// `None` for the program itself.
    pub(crate) user_id: Option<UserId>,
    pub(crate) from: Option<String>,
}

impl Admin {
    pub(crate) const fn of(user_id: UserId) -> Self {
        Self { user_id: Some(user_id), from: None }
    }

    /// Notes where they are.
    pub(crate) fn set_from(&mut self, place: impl Display) {
        self.from = place_name(&place.to_string());
    }
}

/// The trust of the program that embeds the store: a command line need not sign in.
#[derive(Debug, Clone)]
pub struct System {
    admin: Admin,
}

impl System {
    pub(crate) const fn new() -> Self {
        Self { admin: Admin { user_id: None, from: None } }
    }

    /// The same trust, with a name for the place from which the program acts: `command line`, `nightly job`.
    /// The audit log shows it, without control characters and at most 100 characters of it.
    #[must_use]
    pub fn came_from(mut self, place: impl Display) -> Self {
        self.admin.set_from(place);
        self
    }

    /// Proof for managing the shop.
    pub const fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Proof for acting as the customer with this id.
    pub const fn customer(&self, user_id: UserId) -> Customer {
        Customer { user_id }
    }
}

/// By what right somebody looks at an order or cancels it.
#[derive(Debug, Clone, Copy)]
pub enum Party<'a> {
    /// As the one who placed it.
    Owner(&'a Customer),
    /// As one who manages the shop.
    Admin(&'a Admin),
}

impl<'a> From<&'a Customer> for Party<'a> {
    fn from(customer: &'a Customer) -> Self {
        Self::Owner(customer)
    }
}

impl<'a> From<&'a Admin> for Party<'a> {
    fn from(admin: &'a Admin) -> Self {
        Self::Admin(admin)
    }
}

impl Party<'_> {
    /// Whose orders it may see: `None` for all.
    pub(crate) const fn owner(self) -> Option<UserId> {
        match self {
            Self::Owner(customer) => Some(customer.user_id),
            Self::Admin(_) => None,
        }
    }
}

/// The account's role does not allow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this needs the role admin")]
pub struct Forbidden;

/// One short line, whatever a program calls the place: a database takes it, and a terminal shows it as it is.
fn place_name(text: &str) -> Option<String> {
    const CHARACTERS: usize = 100;
    let name: String = text.trim().chars().filter(|letter| !letter.is_control()).take(CHARACTERS).collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_in_one_short_line() {
        assert_eq!(place_name("command line").as_deref(), Some("command line"));
        assert_eq!(place_name(" a\0b\r\nc\u{1b} ").as_deref(), Some("abc"));
        assert_eq!(place_name(&"ß".repeat(1_000)).map(|name| name.chars().count()), Some(100));
        assert_eq!((place_name(""), place_name(" \n")), (None, None));
    }
}
