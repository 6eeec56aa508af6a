use std::time::Duration;

use serde_json::json;

use super::{AccountError, Registration, Role, Session, SignedIn, Token, User, sql, token};
use crate::{
    Admin, AuditAction, Email, Page, PageRequest, Store, StoreError, System, audit,
    db::{Tx, retry},
    outbox,
};

/// After this many failures within [`WINDOW`], log-ins for an e-mail are refused until the window has ended.
const MAX_FAILURES: i64 = 10;
/// How long failures are remembered, and so the longest wait.
const WINDOW: Duration = Duration::from_secs(15 * 60);

impl Store {
    /// Makes a customer's account and signs it in.
    ///
    /// # Errors
    /// [`AccountError::EmailTaken`].
    pub async fn register(&self, registration: Registration) -> Result<SignedIn, AccountError> {
        let hash = self.hasher().hash(&registration.password).await?;
        retry(async || {
            let mut tx = self.write().await?;
            let user = self.insert_user(&mut tx, &registration, Role::Customer, hash.clone()).await?;
            let signed_in = self.start_session(&mut tx, user).await?;
            tx.commit().await?;
            tracing::info!(user = %signed_in.user.id, "registered");
            Ok(signed_in)
        })
        .await
    }

    /// Signs somebody in by e-mail and password. Takes as long for an e-mail that nobody has as for a wrong password.
    ///
    /// # Errors
    /// [`AccountError::InvalidCredentials`]; [`AccountError::TooManyFailures`] after ten failures in 15 minutes.
    pub async fn login(&self, email: &str, password: &str) -> Result<SignedIn, AccountError> {
        // Text that is no address at all belongs to nobody, and takes the same way.
        let key = email.parse::<Email>().map_or_else(|_| token::hash(email), |email| email.key());
        let hash = retry(async || self.begin_attempt(&key).await).await?;
        if !self.hasher().verify(password, hash).await? {
            tracing::info!("log-in refused");
            return Err(AccountError::InvalidCredentials);
        }
        retry(async || {
            let mut tx = self.write().await?;
            sql::forget_attempts(&mut tx, key.clone()).await?;
            let found = sql::credentials(&mut tx, key.clone()).await?.ok_or(AccountError::InvalidCredentials)?;
            let signed_in = self.start_session(&mut tx, found.user.into()).await?;
            tx.commit().await?;
            tracing::info!(user = %signed_in.user.id, "signed in");
            Ok(signed_in)
        })
        .await
    }

    /// Whose token this is. Asked at every request, so that a log-out or a lost role counts at once, on every process.
    ///
    /// # Errors
    /// [`AccountError::Unauthenticated`] for a token that is unknown, expired or logged out.
    pub async fn authenticate(&self, token: &str) -> Result<Session, AccountError> {
        let hash = token::hash(token);
        let user = sql::user_by_session(&mut self.read().await?, hash.clone(), self.now()).await?;
        Ok(Session::new(user.ok_or(AccountError::Unauthenticated)?, hash))
    }

    /// Ends this session; others of the same user live on.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn logout(&self, session: &Session) -> Result<(), AccountError> {
        retry(async || {
            let mut tx = self.write().await?;
            sql::delete_session(&mut tx, session.token_hash.clone()).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    /// The trust of the program itself, for command lines, migrations and tests. Never hand it to a request.
    /// [`System::came_from`] tells the audit log where the program acts.
    pub const fn system(&self) -> System {
        System::new()
    }

    /// Makes an admin's account.
    ///
    /// # Errors
    /// [`AccountError::EmailTaken`].
    pub async fn user_create_admin(&self, admin: &Admin, registration: Registration) -> Result<User, AccountError> {
        let hash = self.hasher().hash(&registration.password).await?;
        retry(async || {
            let mut tx = self.write().await?;
            let user = self.insert_user(&mut tx, &registration, Role::Admin, hash.clone()).await?;
            let detail = json!({ "email": user.email, "name": user.name });
            audit::record(&mut tx, admin, AuditAction::AdminCreated, Some(user.id.into()), detail, self.now()).await?;
            tx.commit().await?;
            tracing::info!(user = %user.id, "admin created");
            Ok(user)
        })
        .await
    }

    /// All accounts, oldest first.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn user_list(&self, _: &Admin, page: PageRequest) -> Result<Page<User>, AccountError> {
        Ok(sql::users(&mut self.read().await?, page).await?)
    }

    /// The account with this e-mail, in any capitals.
    ///
    /// # Errors
    /// [`AccountError::UnknownUser`].
    pub async fn user_by_email(&self, _: &Admin, email: &Email) -> Result<User, AccountError> {
        let found = sql::credentials(&mut self.read().await?, email.key()).await?;
        Ok(found.ok_or_else(|| AccountError::UnknownUser(email.clone()))?.user.into())
    }

    /// Gives an account another role, from its next request on. Giving it the one that it has changes nothing.
    ///
    /// # Errors
    /// [`AccountError::UnknownUser`].
    pub async fn user_set_role(&self, admin: &Admin, email: &Email, role: Role) -> Result<User, AccountError> {
        retry(async || {
            let mut tx = self.write().await?;
            let before = sql::user_locked(&mut tx, email).await?;
            let before = before.ok_or_else(|| AccountError::UnknownUser(email.clone()))?;
            if before.role == role {
                return Ok(before);
            }
            let user = sql::set_role(&mut tx, before.id, role).await?;
            let detail = audit::changes(&before, &user);
            audit::record(&mut tx, admin, AuditAction::RoleChanged, Some(user.id.into()), detail, self.now()).await?;
            tx.commit().await?;
            tracing::info!(user = %user.id, %role, "role set");
            Ok(user)
        })
        .await
    }

    pub(crate) async fn delete_ended_sessions(&self) -> Result<(), StoreError> {
        retry(async || {
            let mut tx = self.write().await?;
            sql::delete_ended(&mut tx, self.now()).await?;
            tx.commit().await
        })
        .await
    }

    async fn insert_user(
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

    async fn start_session(&self, tx: &mut Tx, user: User) -> Result<SignedIn, StoreError> {
        let token = Token::generate(self.tokens())?;
        let expires_at = self.now().after(self.limits().session_lifetime);
        sql::insert_session(tx, token::hash(token.reveal()), user.id, expires_at, self.now()).await?;
        Ok(SignedIn { token, expires_at, user })
    }

    /// Counts an attempt and answers the hash to check it against.
    async fn begin_attempt(&self, key: &str) -> Result<Option<String>, AccountError> {
        let now = self.now();
        let mut tx = self.write().await?;
        let (attempts, window_ends) = sql::count_attempt(&mut tx, key.to_owned(), now, now.after(WINDOW)).await?;
        let found = sql::credentials(&mut tx, key.to_owned()).await?;
        tx.commit().await?;
        if attempts > MAX_FAILURES {
            tracing::warn!("too many failed log-ins for one e-mail");
            return Err(AccountError::TooManyFailures { retry_after: window_ends.since(now) });
        }
        Ok(found.map(|found| found.password_hash))
    }
}
