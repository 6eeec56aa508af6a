//! Who somebody is, and what they may do: accounts, sessions and the proofs that other calls ask for.

mod api;
mod password;
pub(crate) mod sql;
mod token;

use serde::Serialize;

use crate::{Invalid, Name, StoreError, Timestamp, UserId, db, text};
pub(crate) use password::Hasher;
pub use password::Password;
pub(crate) use token::{SystemTokens, nonce};
pub use token::{Token, TokenSource};

text::words! {
    /// What an account may do.
    pub enum Role {
        /// Has a cart and orders.
        Customer = "customer",
        /// Sells; until there are vendors this gives no rights of its own.
        Vendor = "vendor",
        /// Manages the whole shop.
        Admin = "admin",
    }
}

text::checked_text! {
    /// An e-mail address: ASCII, one `@`, a domain with a dot, at most 254 characters (RFC 5321 section 4.5.3.1).
    ///
    /// ```
    /// use ecommerce_core::Email;
    /// assert!("Ann@Example.com".parse::<Email>().is_ok());
    /// assert!("ann@localhost".parse::<Email>().is_err());
    /// ```
    Email = parse_email;
}

impl Email {
    /// The form under which an address is unique: upper and lower case are one.
    pub(crate) fn key(&self) -> String {
        self.as_str().to_ascii_lowercase()
    }
}

fn parse_email(text: &str) -> Result<String, Invalid> {
    let options = email_address::Options::default().with_required_tld().without_display_text().without_domain_literal();
    let plain = text.len() <= 254 && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    match email_address::EmailAddress::parse_with_options(text, options) {
        Ok(_) if plain => Ok(text.to_owned()),
        _ => Err(Invalid::new("must be an e-mail address such as ann@example.com")),
    }
}

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// The account's id.
    pub id: UserId,
    /// The address they sign in with, as they wrote it.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "ann@example.com"))]
    pub email: Email,
    /// What they are called; empty when they did not say.
    #[cfg_attr(feature = "openapi", schema(example = "Ann"))]
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// When they registered.
    pub created_at: Timestamp,
}

/// What a new account is made from.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The address to sign in with.
    pub email: Email,
    /// The password.
    pub password: Password,
    /// What to call them.
    pub name: Option<Name>,
}

/// A fresh session: the token is shown this once and stored only as a hash.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The key to send with every request.
    pub token: Token,
    /// When the key stops working.
    pub expires_at: Timestamp,
    /// Whose it is.
    pub user: User,
}

/// A live session: proof that somebody signed in, and the way to further proofs.
#[derive(Debug, Clone)]
pub struct Session {
    user: User,
    token_hash: String,
    customer: Customer,
    admin: Option<Admin>,
}

impl Session {
    pub(crate) fn new(user: User, token_hash: String) -> Self {
        let customer = Customer { user_id: user.id };
        let admin = (user.role == Role::Admin).then_some(Admin(()));
        Self { user, token_hash, customer, admin }
    }

    /// Whose session it is.
    pub const fn user(&self) -> &User {
        &self.user
    }

    /// Proof for what everybody may do who is signed in: their own cart and orders.
    pub const fn customer(&self) -> &Customer {
        &self.customer
    }

    /// Proof for managing the shop.
    ///
    /// # Errors
    /// [`Forbidden`] unless the account is an admin's.
    pub fn admin(&self) -> Result<&Admin, Forbidden> {
        self.admin.as_ref().ok_or(Forbidden)
    }

    /// The strongest right that the session has over orders: an admin's over all, else a customer's over their own.
    pub fn party(&self) -> Party<'_> {
        self.admin.as_ref().map_or(Party::Owner(&self.customer), Party::Admin)
    }
}

/// Proof that somebody is signed in. Only a [`Session`] or [`crate::Store::system`] gives it.
#[derive(Debug, Clone)]
pub struct Customer {
    pub(crate) user_id: UserId,
}

/// Proof of the right to manage the whole shop. Only a [`Session`] or [`crate::Store::system`] gives it.
#[derive(Debug, Clone)]
pub struct Admin(());

/// The trust of the program that embeds the store: a command line need not sign in.
#[derive(Debug, Clone)]
pub struct System {
    admin: Admin,
}

impl System {
    pub(crate) const fn new() -> Self {
        Self { admin: Admin(()) }
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

/// Why an account could not be made, signed in or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Another account has this e-mail, perhaps in other capitals.
    #[error("an account with this e-mail exists already")]
    EmailTaken,
    /// The e-mail is unknown or the password wrong; which of them is not told.
    #[error("e-mail or password is wrong")]
    InvalidCredentials,
    /// Too many failures for this e-mail: none is checked for a while.
    #[error("too many failed log-ins, try again in {} seconds", .retry_after.as_secs())]
    TooManyFailures {
        /// How long to wait, at most 15 minutes.
        retry_after: std::time::Duration,
    },
    /// The token is missing, unknown, expired or logged out.
    #[error("the token is unknown, expired or logged out")]
    Unauthenticated,
    /// Nobody has this e-mail.
    #[error("nobody has the e-mail {0}")]
    UnknownUser(Email),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl db::AsStoreError for AccountError {
    fn as_store_error(&self) -> Option<&StoreError> {
        if let Self::Store(error) = self { Some(error) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_people_have() {
        for text in ["ann@example.com", "a.b+shop@sub.example.co.uk", "Ann_O'Neil@example.io"] {
            assert!(text.parse::<Email>().is_ok(), "{text} was refused");
        }
        assert_eq!("Ann@Example.com".parse::<Email>().unwrap().key(), "ann@example.com");
    }

    #[test]
    fn addresses_that_nobody_has() {
        let long = format!("{}@example.com", "x".repeat(250));
        for text in [
            "",
            "ann",
            "ann@",
            "@example.com",
            "a@b",
            "a b@c.com",
            "a@b..com",
            "a@b.com\r\nBcc: x@y.z",
            "a@b.com\0",
            "ä@b.com",
            "Ann <a@b.com>",
            "a@[127.0.0.1]",
            "\"a b\"@c.com",
            "a@@b.com",
            &long,
        ] {
            assert!(text.parse::<Email>().is_err(), "{text:?} was taken");
        }
    }
}
