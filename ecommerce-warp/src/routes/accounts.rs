//! `/register/`, `/login/`, `/logout/`, `/me/`.

use ecommerce_core::{Registration, SignedIn, Timestamp, User};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::Nothing;
use crate::{
    call::{Answer, Call},
    faults::Faults,
    json::present,
    problem::Problem,
    reply,
};

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccount {
    /// Unique without regard to case.
    #[schema(example = "ann@example.com", max_length = 254)]
    email: String,
    /// Any characters, but none of the most common passwords and not the e-mail.
    #[schema(example = "correct horse battery", min_length = 8, max_length = 128)]
    password: String,
    /// What to call them.
    #[serde(default, deserialize_with = "present")]
    #[schema(example = "Ann", nullable = false, min_length = 1, max_length = 200)]
    name: Option<String>,
}

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    /// The address of the account.
    #[schema(example = "ann@example.com")]
    email: String,
    /// Its password.
    #[schema(example = "correct horse battery")]
    password: String,
}

/// A fresh session.
#[derive(Serialize, ToSchema)]
#[schema(as = SignedIn)]
pub(crate) struct Access {
    /// The key to send with every request; it is shown this once.
    #[schema(example = "6f1c0d5f0b7f4a51a2f6f9a4d9f0c7b1e4a8d2c6b0f3e5a79b1d8c4e2f6a0b35")]
    token: String,
    /// When the key stops working.
    expires_at: Timestamp,
    /// Whose it is.
    user: User,
}

/// Makes a customer's account and signs it in.
#[utoipa::path(post, path = "/register/", tag = "accounts", security(()), request_body = NewAccount, responses(
    (status = 201, description = "The account, signed in", body = Access),
    (status = 409, description = "`email_taken`"),
    (status = 503, description = "`busy`: too many sign in at once; `unavailable`: try again in a moment",
        headers(("Retry-After" = u32, description = "Seconds"))),
))]
pub(crate) async fn register(call: &mut Call) -> Answer {
    let registration = call.json::<NewAccount>().await?.checked()?;
    let signed_in = call.store().register_from(registration, call.client).await?;
    call.is_by(&signed_in.user);
    reply::json(StatusCode::CREATED, &Access::from(signed_in))
}

/// Signs in. An unknown e-mail is answered like a wrong password.
#[utoipa::path(post, path = "/login/", tag = "accounts", security(()), request_body = Credentials, responses(
    (status = 200, description = "A fresh session", body = Access),
    (status = 401, description = "`invalid_credentials`"),
    (status = 429, description = "`too_many_attempts` for this e-mail or from this address: wait as long as `Retry-After` says",
        headers(("Retry-After" = u32, description = "Seconds, at most 900"))),
    (status = 503, description = "`busy`: too many sign in at once; `unavailable`: try again in a moment",
        headers(("Retry-After" = u32, description = "Seconds"))),
))]
pub(crate) async fn login(call: &mut Call) -> Answer {
    let Credentials { email, password } = call.json().await?;
    let signed_in = call.store().login_from(&email, &password, call.client).await?;
    call.is_by(&signed_in.user);
    reply::ok(&Access::from(signed_in))
}

/// Ends this session at once; others of the same user live on.
#[utoipa::path(post, path = "/logout/", tag = "accounts", security(("bearer" = [])), request_body = Option<Nothing>, responses(
    (status = 204, description = "The key is dead"),
))]
pub(crate) async fn logout(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let Nothing {} = call.json_or_nothing().await?;
    call.store().logout(&session).await?;
    reply::nothing()
}

/// Whose session it is.
#[utoipa::path(get, path = "/me/", tag = "accounts", security(("bearer" = [])), responses(
    (status = 200, description = "The account", body = User),
))]
pub(crate) async fn me(call: &mut Call) -> Answer {
    let session = call.session().await?;
    reply::ok(session.user())
}

impl NewAccount {
    fn checked(self) -> Result<Registration, Problem> {
        let mut faults = Faults::default();
        let email = faults.parse("email", &self.email);
        let password = faults.parse("password", &self.password);
        let name = faults.parse_given("name", self.name.as_deref());
        match (email, password) {
            (Some(email), Some(password)) if faults.is_empty() => Ok(Registration { email, password, name }),
            _ => Err(faults.into()),
        }
    }
}

impl From<SignedIn> for Access {
    fn from(SignedIn { token, expires_at, user }: SignedIn) -> Self {
        Self { token: token.reveal().to_owned(), expires_at, user }
    }
}
