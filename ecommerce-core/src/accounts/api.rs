use std::{slice, time::Duration};

use serde_json::json;

use super::{AccountError, Registration, Role, Session, User, sql, token};
use crate::{Admin, AuditAction, Email, Page, PageRequest, Store, StoreError, System, audit, db::retry};

/// How long it is remembered from where an account has signed in.
const PLACES_REMEMBERED: Duration = Duration::from_secs(90 * 24 * 3600);

impl Store {
    /// Whose token this is. Asked at every request, so that a log-out, a lost role or a disabled account counts at once, on
    /// every process.
    ///
    /// # Errors
    /// [`AccountError::Unauthenticated`] for a token that is unknown, expired or logged out, or whose account is disabled.
    pub async fn authenticate(&self, token: &str) -> Result<Session, AccountError> {
        let hash = token::hash(token);
        let store = self.clone();
        let look_up = move |hashes: Vec<String>| {
            let store = store.clone();
            async move { store.users_by_session(&hashes).await.ok() }
        };
        let user = match self.sessions().ask(hash.clone(), look_up).await {
            Some(user) => user,
            // Those who shared it shall not share why it failed.
            None => self.users_by_session(slice::from_ref(&hash)).await?.pop().flatten(),
        };
        Ok(Session::new(user.ok_or(AccountError::Unauthenticated)?, hash))
    }

    async fn users_by_session(&self, hashes: &[String]) -> Result<Vec<Option<User>>, StoreError> {
        sql::users_by_session(&mut self.read().await?, hashes, self.now()).await
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
    /// [`AccountError::EmailTaken`]; [`AccountError::PasswordIsEmail`]; [`AccountError::Busy`].
    pub async fn user_create_admin(&self, admin: &Admin, registration: Registration) -> Result<User, AccountError> {
        let hash = self.hash(&registration).await?;
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
        let found = sql::user(&mut self.read().await?, email).await?;
        found.ok_or_else(|| AccountError::UnknownUser(email.clone()))
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
                tx.commit().await?;
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

    /// Disables an account, or lets it sign in again. All its sessions end at once, on every process, and log-ins are refused
    /// like those of an unknown e-mail; its orders and its cart stay as they are. What is so already stays so.
    ///
    /// # Errors
    /// [`AccountError::UnknownUser`].
    pub async fn user_set_disabled(&self, admin: &Admin, email: &Email, disabled: bool) -> Result<User, AccountError> {
        retry(async || {
            let mut tx = self.write().await?;
            let before = sql::user_locked(&mut tx, email).await?;
            let before = before.ok_or_else(|| AccountError::UnknownUser(email.clone()))?;
            if before.disabled == disabled {
                tx.commit().await?;
                return Ok(before);
            }
            let user = sql::set_disabled(&mut tx, before.id, disabled.then(|| self.now())).await?;
            // Also when it is enabled: somebody may have been signing in while it was disabled.
            sql::delete_sessions(&mut tx, user.id).await?;
            let action = if disabled { AuditAction::UserDisabled } else { AuditAction::UserEnabled };
            let detail = json!({ "email": user.email });
            audit::record(&mut tx, admin, action, Some(user.id.into()), detail, self.now()).await?;
            tx.commit().await?;
            tracing::info!(user = %user.id, disabled, "account disabled or enabled");
            Ok(user)
        })
        .await
    }

    pub(crate) async fn delete_ended_sessions(&self) -> Result<(), StoreError> {
        retry(async || {
            let mut tx = self.write().await?;
            sql::delete_ended(&mut tx, self.now(), self.now().before(PLACES_REMEMBERED)).await?;
            tx.commit().await
        })
        .await
    }
}
