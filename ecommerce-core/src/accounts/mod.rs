//! Who somebody is: accounts and sessions, which give the proofs that other calls ask for.

mod api;
mod common_passwords;
mod password;
mod sign_in;
pub(crate) mod sql;
mod throttle;
mod token;

use std::fmt::Display;

use serde::Serialize;

use crate::{Admin, Customer, Email, Forbidden, Name, Party, StoreError, Timestamp, UserId, db, text};
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
    /// Whether they may not sign in; only the shop's operators see it.
    #[serde(skip)]
    pub disabled: bool,
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
        let admin = (user.role == Role::Admin).then_some(Admin::of(user.id));
        Self { user, token_hash, customer, admin }
    }

    /// The same session, with the place from which its user acts: the address of their connection, mostly.
    /// The audit log shows it, without control characters and at most 100 characters of it.
    #[must_use]
    pub fn came_from(mut self, place: impl Display) -> Self {
        if let Some(admin) = &mut self.admin {
            admin.set_from(place);
        }
        self
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

/// Why an account could not be made, signed in or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Another account has this e-mail, perhaps in other capitals.
    #[error("an account with this e-mail exists already")]
    EmailTaken,
    /// A new account's password is its own e-mail.
    #[error("the password must not be the e-mail")]
    PasswordIsEmail,
    /// The e-mail is unknown or the password wrong, or the account is disabled; which of them is not told.
    #[error("e-mail or password is wrong")]
    InvalidCredentials,
    /// Too many failures for this e-mail or from this address: wait for a while.
    #[error("too many failed log-ins, try again in {} seconds", .retry_after.as_secs())]
    TooManyFailures {
        /// How long to wait: whole seconds, 1 to 900.
        retry_after: std::time::Duration,
    },
    /// So many passwords are being checked that this one's turn did not come in time.
    #[error("too many are signing in at once, try again in a moment")]
    Busy,
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
