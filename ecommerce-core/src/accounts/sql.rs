use super::{Role, User};
use crate::{
    Email, Name, Page, PageRequest, StoreError, Timestamp, UserId,
    db::{Tx, statements},
};

statements! {
    INSERT_USER =
        "insert into users (email, email_key, name, role, password_hash, created_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (email_key) do nothing
         returning id, email, name, role, created_at";

    /// Every user has a cart, so that there is always a row to lock.
    INSERT_CART = "insert into carts (user_id) values ($1)";

    USER_BY_KEY =
        "select id, email, name, role, created_at, password_hash
         from users
         where email_key = $1";

    USERS =
        "select id, email, name, role, created_at
         from users
         order by id
         limit $1 offset $2";

    COUNT_USERS = "select count(*) from users";

    LOCK_USER = {
        sqlite: "select id, email, name, role, created_at from users where email_key = $1",
        postgres: "select id, email, name, role, created_at from users where email_key = $1 for no key update",
    };

    SET_ROLE =
        "update users set role = $2
         where id = $1
         returning id, email, name, role, created_at";

    INSERT_SESSION =
        "insert into sessions (token_hash, user_id, expires_at, created_at)
         values ($1, $2, $3, $4)";

    USER_BY_SESSION =
        "select u.id, u.email, u.name, u.role, u.created_at
         from sessions s join users u on u.id = s.user_id
         where s.token_hash = $1 and s.expires_at > $2";

    DELETE_SESSION = "delete from sessions where token_hash = $1";

    DELETE_ENDED_SESSIONS = "delete from sessions where expires_at <= $1";

    /// Counts an attempt before it is checked, so that many at once are counted too. A window that has ended begins anew.
    COUNT_ATTEMPT =
        "insert into login_failures (email_key, failures, window_ends)
         values ($1, 1, $3)
         on conflict (email_key) do update set
             failures = case when login_failures.window_ends <= $2 then 1 else login_failures.failures + 1 end,
             window_ends = case when login_failures.window_ends <= $2 then excluded.window_ends else login_failures.window_ends end
         returning failures, window_ends";

    FORGET_ATTEMPTS = "delete from login_failures where email_key = $1";

    DELETE_ENDED_WINDOWS = "delete from login_failures where window_ends <= $1";
}

#[derive(sqlx::FromRow)]
pub(super) struct UserRow {
    id: UserId,
    email: Email,
    name: String,
    role: Role,
    created_at: Timestamp,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let UserRow { id, email, name, role, created_at } = row;
        Self { id, email, name, role, created_at }
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct CredentialsRow {
    #[sqlx(flatten)]
    pub(super) user: UserRow,
    pub(super) password_hash: String,
}

/// A new user with an empty cart; `None` when the e-mail is taken.
pub(super) async fn insert_user(
    tx: &mut Tx,
    email: &Email,
    name: Option<&Name>,
    role: Role,
    password_hash: String,
    now: Timestamp,
) -> Result<Option<User>, StoreError> {
    let name = name.map_or("", Name::as_str).to_owned();
    let args = (email.clone(), email.key(), name, role, password_hash, now);
    let Some(user) = tx.optional::<UserRow>(INSERT_USER, args).await? else { return Ok(None) };
    tx.execute(INSERT_CART, (user.id,)).await?;
    Ok(Some(user.into()))
}

pub(super) async fn credentials(tx: &mut Tx, email_key: String) -> Result<Option<CredentialsRow>, StoreError> {
    tx.optional(USER_BY_KEY, (email_key,)).await
}

pub(super) async fn users(tx: &mut Tx, page: PageRequest) -> Result<Page<User>, StoreError> {
    let count = tx.scalar(COUNT_USERS, ()).await?;
    let rows = tx.all::<UserRow>(USERS, (page.limit(), page.offset())).await?;
    Ok(Page::new(count, rows.into_iter().map(User::from).collect(), page))
}

/// The account, locked until the transaction ends.
pub(super) async fn user_locked(tx: &mut Tx, email: &Email) -> Result<Option<User>, StoreError> {
    Ok(tx.optional::<UserRow>(LOCK_USER, (email.key(),)).await?.map(User::from))
}

pub(super) async fn set_role(tx: &mut Tx, id: UserId, role: Role) -> Result<User, StoreError> {
    Ok(tx.one::<UserRow>(SET_ROLE, (id, role)).await?.into())
}

pub(super) async fn insert_session(
    tx: &mut Tx,
    token_hash: String,
    user: UserId,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(INSERT_SESSION, (token_hash, user, expires_at, now)).await.map(drop)
}

pub(super) async fn user_by_session(tx: &mut Tx, token_hash: String, now: Timestamp) -> Result<Option<User>, StoreError> {
    Ok(tx.optional::<UserRow>(USER_BY_SESSION, (token_hash, now)).await?.map(User::from))
}

pub(super) async fn delete_session(tx: &mut Tx, token_hash: String) -> Result<(), StoreError> {
    tx.execute(DELETE_SESSION, (token_hash,)).await.map(drop)
}

/// How many attempts this makes in the present window, and when the window ends.
pub(super) async fn count_attempt(
    tx: &mut Tx,
    email_key: String,
    now: Timestamp,
    window_ends: Timestamp,
) -> Result<(i64, Timestamp), StoreError> {
    tx.one(COUNT_ATTEMPT, (email_key, now, window_ends)).await
}

pub(super) async fn forget_attempts(tx: &mut Tx, email_key: String) -> Result<(), StoreError> {
    tx.execute(FORGET_ATTEMPTS, (email_key,)).await.map(drop)
}

/// Removes what nobody can use any more.
pub(super) async fn delete_ended(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(DELETE_ENDED_SESSIONS, (now,)).await?;
    tx.execute(DELETE_ENDED_WINDOWS, (now,)).await.map(drop)
}
