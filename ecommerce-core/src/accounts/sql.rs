use std::collections::HashMap;

use super::{
    Role, User,
    throttle::{Attempt, Tried},
};
use crate::{
    Email, Name, Page, PageRequest, StoreError, Timestamp, UserId,
    db::{Tx, statements},
    page::{COUNTED_TO, Count},
};

statements! {
    INSERT_USER =
        "insert into users (email, email_key, name, role, password_hash, created_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (email_key) do nothing
         returning id, email, name, role, created_at, disabled_at";

    /// Every user has a cart, so that there is always a row that counts its changes.
    INSERT_CART = "insert into carts (user_id) values ($1)";

    USER_BY_KEY =
        "select id, email, name, role, created_at, disabled_at
         from users
         where email_key = $1";

    /// With whether the account has signed in at this place before.
    CREDENTIALS =
        "select u.id, u.email, u.name, u.role, u.created_at, u.disabled_at, u.password_hash,
             exists (select 1 from sign_in_places p where p.user_id = u.id and p.place = $2) as knows_place
         from users u
         where u.email_key = $1";

    USERS =
        "select id, email, name, role, created_at, disabled_at
         from users
         order by id
         limit $1 + 0 offset $2";

    COUNT_USERS = "select count(*) from (select 1 from users limit $1 + 0) counted";

    LOCK_USER = {
        sqlite: "select id, email, name, role, created_at, disabled_at from users where email_key = $1",
        postgres: "select id, email, name, role, created_at, disabled_at from users where email_key = $1 for no key update",
    };

    SET_ROLE =
        "update users set role = $2
         where id = $1
         returning id, email, name, role, created_at, disabled_at";

    SET_DISABLED =
        "update users set disabled_at = $2
         where id = $1
         returning id, email, name, role, created_at, disabled_at";

    /// Unless somebody else has changed it meanwhile.
    RENEW_HASH = "update users set password_hash = $3 where id = $1 and password_hash = $2";

    INSERT_SESSION =
        "insert into sessions (token_hash, user_id, expires_at, created_at)
         values ($1, $2, $3, $4)";

    /// Several sessions at once, with commas between their hashes: many ask at the same time.
    USERS_BY_SESSION = {
        sqlite:
            r#"select s.token_hash, u.id, u.email, u.name, u.role, u.created_at, u.disabled_at
             from sessions s join users u on u.id = s.user_id
             where s.token_hash in (select value from json_each('["' || replace($1, ',', '","') || '"]'))
                 and s.expires_at > $2 and u.disabled_at is null"#,
        postgres:
            "select s.token_hash, u.id, u.email, u.name, u.role, u.created_at, u.disabled_at
             from sessions s join users u on u.id = s.user_id
             where s.token_hash = any (array(select unnest(string_to_array($1, ',')))) and s.expires_at > $2
                 and u.disabled_at is null",
    };

    DELETE_SESSION = "delete from sessions where token_hash = $1";

    DELETE_SESSIONS = "delete from sessions where user_id = $1";

    DELETE_ENDED_SESSIONS = "delete from sessions where expires_at <= $1";

    FAILURES =
        "select key, failures, window_ends
         from login_failures
         where key in ($1, $2, $3) and window_ends > $4";

    /// Counts an attempt before it is checked, so that many at once are counted too. A window that has ended begins anew.
    COUNT_ATTEMPT =
        "insert into login_failures (key, failures, window_ends)
         values ($1, 1, $3)
         on conflict (key) do update set
             failures = case when login_failures.window_ends <= $2 then 1 else login_failures.failures + 1 end,
             window_ends = case when login_failures.window_ends <= $2 then excluded.window_ends else login_failures.window_ends end
         returning failures, window_ends";

    FORGET_FAILURES = "delete from login_failures where key = $1";

    GIVE_BACK_ATTEMPT = "update login_failures set failures = failures - 1 where key = $1 and failures > 0";

    NOTE_PLACE =
        "insert into sign_in_places (user_id, place, last_at)
         values ($1, $2, $3)
         on conflict (user_id, place) do update set last_at = excluded.last_at";

    DELETE_OLD_PLACES = "delete from sign_in_places where last_at <= $1";

    DELETE_ENDED_WINDOWS = "delete from login_failures where window_ends <= $1";
}

#[derive(sqlx::FromRow)]
pub(super) struct UserRow {
    id: UserId,
    email: Email,
    name: String,
    role: Role,
    created_at: Timestamp,
    disabled_at: Option<Timestamp>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let UserRow { id, email, name, role, created_at, disabled_at } = row;
        Self { id, email, name, role, created_at, disabled: disabled_at.is_some() }
    }
}

#[derive(sqlx::FromRow)]
struct CredentialsRow {
    #[sqlx(flatten)]
    user: UserRow,
    password_hash: String,
    knows_place: bool,
}

/// What an attempt to sign in is held against.
pub(super) struct Credentials {
    pub(super) user: User,
    pub(super) password_hash: String,
    /// Whether the account has signed in at the place of the attempt before.
    pub(super) knows_place: bool,
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
    let Some(user) = tx.optional::<UserRow>(INSERT_USER, &args).await? else { return Ok(None) };
    tx.later(INSERT_CART, &(user.id,)).await?;
    Ok(Some(user.into()))
}

pub(super) async fn user(tx: &mut Tx, email: &Email) -> Result<Option<User>, StoreError> {
    Ok(tx.optional::<UserRow>(USER_BY_KEY, &(email.key(),)).await?.map(User::from))
}

/// What the account has to show whose e-mail this is; a disabled one is as good as none.
pub(super) async fn credentials(tx: &mut Tx, attempt: &Attempt) -> Result<Option<Credentials>, StoreError> {
    let found = tx.optional::<CredentialsRow>(CREDENTIALS, &(attempt.email.clone(), attempt.place.clone())).await?;
    let found = found.map(|CredentialsRow { user, password_hash, knows_place }| Credentials {
        user: user.into(),
        password_hash,
        knows_place,
    });
    Ok(found.filter(|found| !found.user.disabled))
}

pub(super) async fn users(tx: &mut Tx, page: PageRequest) -> Result<Page<User>, StoreError> {
    let count = tx.scalar(COUNT_USERS, &(COUNTED_TO,)).await?;
    let rows = tx.all::<UserRow>(USERS, &(page.limit(), page.offset())).await?;
    Ok(Page::of(Count::bounded(count), rows.into_iter().map(User::from).collect(), page))
}

/// The account, locked until the transaction ends.
pub(super) async fn user_locked(tx: &mut Tx, email: &Email) -> Result<Option<User>, StoreError> {
    Ok(tx.optional::<UserRow>(LOCK_USER, &(email.key(),)).await?.map(User::from))
}

pub(super) async fn set_role(tx: &mut Tx, id: UserId, role: Role) -> Result<User, StoreError> {
    Ok(tx.one::<UserRow>(SET_ROLE, &(id, role)).await?.into())
}

/// Disables the account since then, or lets it sign in again.
pub(super) async fn set_disabled(tx: &mut Tx, id: UserId, since: Option<Timestamp>) -> Result<User, StoreError> {
    Ok(tx.one::<UserRow>(SET_DISABLED, &(id, since)).await?.into())
}

pub(super) async fn insert_session(
    tx: &mut Tx,
    token_hash: String,
    user: UserId,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.later(INSERT_SESSION, &(token_hash, user, expires_at, now)).await
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    token_hash: String,
    #[sqlx(flatten)]
    user: UserRow,
}

/// Whose sessions these are, in their order.
pub(super) async fn users_by_session(tx: &mut Tx, hashes: &[String], now: Timestamp) -> Result<Vec<Option<User>>, StoreError> {
    let rows = tx.all::<SessionRow>(USERS_BY_SESSION, &(hashes.join(","), now)).await?;
    let users: HashMap<_, _> = rows.into_iter().map(|row| (row.token_hash, User::from(row.user))).collect();
    Ok(hashes.iter().map(|hash| users.get(hash).cloned()).collect())
}

pub(super) async fn delete_session(tx: &mut Tx, token_hash: String) -> Result<(), StoreError> {
    tx.later(DELETE_SESSION, &(token_hash,)).await
}

pub(super) async fn delete_sessions(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    tx.later(DELETE_SESSIONS, &(user,)).await
}

/// What was tried already of these three, in windows that have not ended.
pub(super) async fn tried(tx: &mut Tx, keys: [&str; 3], now: Timestamp) -> Result<[Option<Tried>; 3], StoreError> {
    let [a, b, c] = keys.map(str::to_owned);
    let rows = tx.all::<(String, i64, Timestamp)>(FAILURES, &(a, b, c, now)).await?;
    Ok(keys.map(|key| {
        let row = rows.iter().find(|(found, ..)| found == key);
        row.map(|&(_, times, window_ends)| Tried { times, window_ends })
    }))
}

/// How many attempts this makes in the present window, and when the window ends.
pub(super) async fn count_attempt(tx: &mut Tx, key: &str, now: Timestamp, window_ends: Timestamp) -> Result<Tried, StoreError> {
    let (times, window_ends) = tx.one::<(i64, Timestamp)>(COUNT_ATTEMPT, &(key.to_owned(), now, window_ends)).await?;
    Ok(Tried { times, window_ends })
}

/// An attempt that was right: the e-mail begins anew, and the place gets back this one.
pub(super) async fn forgive(tx: &mut Tx, attempt: &Attempt) -> Result<(), StoreError> {
    // In the order in which they were counted, so that nobody waits in a circle.
    for key in [&attempt.at_place, &attempt.email] {
        tx.later(FORGET_FAILURES, &(key.clone(),)).await?;
    }
    if let Some(place) = attempt.counted_place() {
        tx.later(GIVE_BACK_ATTEMPT, &(place.to_owned(),)).await?;
    }
    Ok(())
}

/// Remembers that the account has signed in there.
pub(super) async fn note_place(tx: &mut Tx, user: UserId, place: String, now: Timestamp) -> Result<(), StoreError> {
    tx.later(NOTE_PLACE, &(user, place, now)).await
}

/// Puts another hash of the same password in the place of this one.
pub(super) async fn renew_hash(tx: &mut Tx, user: UserId, old: String, new: String) -> Result<(), StoreError> {
    tx.later(RENEW_HASH, &(user, old, new)).await
}

/// Removes what nobody can use any more, and places that are not used any more since then: each by itself, since of each there may
/// be much.
pub(super) async fn delete_ended(tx: &mut Tx, now: Timestamp, places_before: Timestamp) -> Result<(), StoreError> {
    tx.execute(DELETE_ENDED_SESSIONS, &(now,)).await?;
    tx.execute(DELETE_OLD_PLACES, &(places_before,)).await?;
    tx.execute(DELETE_ENDED_WINDOWS, &(now,)).await.map(drop)
}
