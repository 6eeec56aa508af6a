//! Signing in: failures are counted as the store counts them, and few passwords are hashed at a time.

use std::thread::available_parallelism;

use argon2::{
    Argon2,
    password_hash::{PasswordVerifier, phc::PasswordHash},
};
use rand::{TryRng, rngs::SysRng};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use tokio::sync::Semaphore;
use warp::http::StatusCode;

use super::{DAY, Done, Fault, Shop, answers::time, now, routes::hashed};
use crate::shop::hex;

/// How many attempts an e-mail may make at one place, and at all places together.
const MOST_AT_PLACE: i64 = 10;
const MOST_OF_EMAIL: i64 = 20;

#[derive(Deserialize)]
pub struct Credentials<'b> {
    email: &'b str,
    password: String,
}

/// What an attempt counts under.
#[derive(Clone)]
pub struct Attempt {
    pub email: String,
    pub place: String,
    pub at_place: String,
}

/// An account, and how many attempts were made.
#[derive(FromRow)]
pub struct Known {
    id: i64,
    email: String,
    name: String,
    role: String,
    created_at: i64,
    password_hash: String,
    knows_place: bool,
    at_place: i64,
    of_email: i64,
}

pub struct NewSession {
    pub token_hash: String,
    pub user: i64,
    pub created_at: i64,
    pub expires_at: i64,
}

#[derive(Serialize)]
struct SignedIn<'k> {
    token: &'k str,
    expires_at: String,
    user: User<'k>,
}

#[derive(Serialize)]
struct User<'k> {
    id: i64,
    email: &'k str,
    name: &'k str,
    role: &'k str,
    created_at: String,
}

/// Lets as many passwords be hashed at once as there are cores.
pub fn turns() -> Semaphore {
    Semaphore::new(available_parallelism().map_or(1, usize::from))
}

pub async fn login(shop: &impl Shop, turns: &Semaphore, body: &[u8]) -> Done<Vec<u8>> {
    let failed = |_| Fault(StatusCode::INTERNAL_SERVER_ERROR);
    let Credentials { email, password } = serde_json::from_slice(body).map_err(|_| Fault(StatusCode::BAD_REQUEST))?;
    let (email, place) = (email.to_lowercase(), "127.0.0.1".to_owned());
    let attempt = Attempt { at_place: format!("{email} {place}"), email, place };
    let _turn = turns.acquire().await.map_err(|_| Fault(StatusCode::SERVICE_UNAVAILABLE))?;
    let known = shop.count(attempt.clone()).await?;
    if known.at_place > MOST_AT_PLACE || (known.of_email > MOST_OF_EMAIL && !known.knows_place) {
        return Err(Fault(StatusCode::TOO_MANY_REQUESTS));
    }
    let hash = known.password_hash.clone();
    let verify =
        move || PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
    let is_right = tokio::task::spawn_blocking(verify).await.map_err(|_| Fault(StatusCode::INTERNAL_SERVER_ERROR))?;
    if !is_right {
        return Err(Fault(StatusCode::UNAUTHORIZED));
    }
    let mut token = [0; 32];
    SysRng.try_fill_bytes(&mut token).map_err(|_| Fault(StatusCode::INTERNAL_SERVER_ERROR))?;
    let (token, created_at) = (hex(&token), now());
    let expires_at = created_at + 30 * DAY;
    let session = NewSession { token_hash: hashed(&token), user: known.id, created_at, expires_at };
    shop.let_in(attempt, session).await?;
    let Known { id, email, name, role, created_at, .. } = &known;
    let user = User { id: *id, email, name, role, created_at: time(*created_at) };
    serde_json::to_vec(&SignedIn { token: &token, expires_at: time(expires_at), user }).map_err(failed)
}
