//! How somebody comes in: by registering, or by e-mail and password.

use std::{net::IpAddr, time::Duration};

use serde_json::json;

use super::{
    AccountError, Registration, Role, SignedIn, Token, User,
    password::Verdict,
    sql::{self, Credentials},
    throttle::{self, Attempt, Door, Tried, WINDOW},
    token,
};
use crate::{
    Store, StoreError,
    db::{Tx, retry},
    outbox,
};

impl Store {
    /// Makes a customer's account and signs it in.
    ///
    /// # Errors
    /// [`AccountError::EmailTaken`]; [`AccountError::PasswordIsEmail`]; [`AccountError::Busy`] when too many passwords are
    /// being hashed.
    pub async fn register(&self, registration: Registration) -> Result<SignedIn, AccountError> {
        self.register_from(registration, None).await
    }

    /// The same, for a client at this address, where it is known.
    ///
    /// # Errors
    /// See [`Store::register`].
    pub async fn register_from(&self, registration: Registration, from: Option<IpAddr>) -> Result<SignedIn, AccountError> {
        let hash = self.hash(&registration).await?;
        retry(async || {
            let mut tx = self.write().await?;
            let user = self.insert_user(&mut tx, &registration, Role::Customer, hash.clone()).await?;
            let signed_in = self.start_session(&mut tx, user, from.map(throttle::place)).await?;
            tx.commit().await?;
            tracing::info!(user = %signed_in.user.id, "registered");
            Ok(signed_in)
        })
        .await
    }

    /// Signs somebody in by e-mail and password. Takes as long for an e-mail that nobody has as for a wrong password.
    ///
    /// # Errors
    /// [`AccountError::InvalidCredentials`]; [`AccountError::TooManyFailures`] after ten failures in 15 minutes;
    /// [`AccountError::Busy`] when too many passwords are being hashed.
    pub async fn login(&self, email: &str, password: &str) -> Result<SignedIn, AccountError> {
        self.login_from(email, password, None).await
    }

    /// The same, for a client at this address, where it is known. Failures are counted by e-mail at this address (ten shut
    /// it), by e-mail (20) and by address ([`crate::Limits::failed_logins_per_address`]), each within 15 minutes. Of an IPv6
    /// address only its network of 64 bits counts. Where the e-mail or the address has too many, the right password is let
    /// in all the same from where this account has signed in within the last 90 days.
    ///
    /// # Errors
    /// See [`Store::login`].
    pub async fn login_from(&self, email: &str, password: &str, from: Option<IpAddr>) -> Result<SignedIn, AccountError> {
        let attempt = Attempt::new(email, from, self.limits().failed_logins_per_address);
        let turn = match self.door(&attempt).await? {
            Door::Open => self.hasher().turn().await.ok_or(AccountError::Busy)?,
            // A flood of those who will be refused anyway keeps nobody else waiting.
            door @ Door::Shut(_) => self.hasher().idle_turn().ok_or_else(|| self.refusal(&door))?,
            door @ Door::Locked(_) => return Err(self.refusal(&door)),
        };
        let (door, found) = retry(async || self.begin_attempt(&attempt).await).await?;
        if let Door::Locked(_) = door {
            return Err(self.refusal(&door));
        }
        let hash = found.as_ref().map(|found| found.password_hash.clone());
        let verdict = turn.verify(password, hash).await?;
        let may_enter = |found: &Credentials| verdict.is_right && (door == Door::Open || found.knows_place);
        let found = found.filter(may_enter).ok_or_else(|| self.refusal(&door))?;
        // The verdict keeps its turn to the end, so that only few right attempts at a time are counted and not yet forgiven.
        self.let_in(&attempt, &found.password_hash, &verdict).await
    }

    /// What the attempt would find if it were counted now. Asked first, so that a flood is refused by reading alone.
    async fn door(&self, attempt: &Attempt) -> Result<Door, StoreError> {
        let place = attempt.counted_place().unwrap_or_default();
        let tried = sql::tried(&mut self.read().await?, [&attempt.at_place, &attempt.email, place], self.now()).await?;
        let [at_place, email, place] = tried.map(|tried| tried.map(Tried::once_more));
        Ok(attempt.door(at_place, email, place))
    }

    /// Counts the attempt, and answers what it is to be checked against.
    async fn begin_attempt(&self, attempt: &Attempt) -> Result<(Door, Option<Credentials>), StoreError> {
        let (now, mut tx) = (self.now(), self.write().await?);
        let window_ends = now.after(WINDOW);
        let at_place = sql::count_attempt(&mut tx, &attempt.at_place, now, window_ends).await?;
        let email = sql::count_attempt(&mut tx, &attempt.email, now, window_ends).await?;
        let place = match attempt.counted_place() {
            Some(place) => Some(sql::count_attempt(&mut tx, place, now, window_ends).await?),
            None => None,
        };
        let door = attempt.door(Some(at_place), Some(email), place);
        if let Door::Locked(_) = door {
            // What is not checked is not counted.
            return Ok((door, None));
        }
        let found = sql::credentials(&mut tx, attempt).await?;
        tx.commit().await?;
        Ok((door, found))
    }

    async fn let_in(&self, attempt: &Attempt, hash: &str, verdict: &Verdict) -> Result<SignedIn, AccountError> {
        retry(async || {
            let mut tx = self.write().await?;
            sql::forgive(&mut tx, attempt).await?;
            let found = sql::credentials(&mut tx, attempt).await?.ok_or(AccountError::InvalidCredentials)?;
            if let Some(stronger) = &verdict.stronger_hash {
                sql::renew_hash(&mut tx, found.user.id, hash.to_owned(), stronger.clone()).await?;
            }
            let signed_in = self.start_session(&mut tx, found.user, attempt.place.clone()).await?;
            tx.commit().await?;
            tracing::info!(user = %signed_in.user.id, "signed in");
            Ok(signed_in)
        })
        .await
    }

    fn refusal(&self, door: &Door) -> AccountError {
        match door {
            Door::Open => {
                tracing::info!("log-in refused");
                AccountError::InvalidCredentials
            }
            Door::Shut(until) | Door::Locked(until) => {
                tracing::warn!("too many failed log-ins");
                AccountError::TooManyFailures { retry_after: whole_seconds(until.since(self.now())) }
            }
        }
    }

    /// The hash of a new account's password.
    pub(super) async fn hash(&self, registration: &Registration) -> Result<String, AccountError> {
        if registration.password.is(&registration.email) {
            return Err(AccountError::PasswordIsEmail);
        }
        let turn = self.hasher().turn().await.ok_or(AccountError::Busy)?;
        Ok(turn.hash(&registration.password).await?)
    }

    pub(super) async fn insert_user(
        &self,
        tx: &mut Tx,
        registration: &Registration,
        role: Role,
        hash: String,
    ) -> Result<User, AccountError> {
        let Registration { email, name, .. } = registration;
        let user = sql::insert_user(tx, email, name.as_ref(), role, hash, self.now()).await?;
        let user = user.ok_or(AccountError::EmailTaken)?;
        outbox::push(tx, outbox::Topic::UserRegistered, json!({ "user": user.id }), self.now()).await?;
        Ok(user)
    }

    async fn start_session(&self, tx: &mut Tx, user: User, place: Option<String>) -> Result<SignedIn, StoreError> {
        let token = Token::generate(self.tokens())?;
        let expires_at = self.now().after(self.limits().session_lifetime);
        sql::insert_session(tx, token::hash(token.reveal()), user.id, expires_at, self.now()).await?;
        if let Some(place) = place {
            sql::note_place(tx, user.id, place, self.now()).await?;
        }
        Ok(SignedIn { token, expires_at, user })
    }
}

/// A wait, rounded up so that whoever waits that long is let in. The clock of another process may be ahead of ours.
fn whole_seconds(wait: Duration) -> Duration {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    Duration::from_secs(seconds.clamp(1, WINDOW.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_never_too_short_and_never_longer_than_failures_are_remembered() {
        let seconds = |micros| whole_seconds(Duration::from_micros(micros)).as_secs();
        assert_eq!([0, 1, 1_000_000, 1_000_001, 900_000_000].map(seconds), [1, 1, 1, 2, 900]);
        assert_eq!(seconds(u64::MAX), 900);
    }
}
