-- Times are microseconds since 1970-01-01T00:00:00Z everywhere; amounts of money are minor units of the currency beside them.

create table users (
    id            integer primary key autoincrement,
    email         text not null,
    email_key     text not null unique, -- the e-mail in lower case: one account each
    name          text not null,
    role          text not null check (role in ('customer', 'vendor', 'admin')),
    password_hash text not null,        -- a PHC string
    created_at    integer not null
) strict;

create table sessions (
    token_hash text primary key, -- SHA-256: the token itself is known to its holder only
    user_id    integer not null references users (id),
    expires_at integer not null,
    created_at integer not null
) strict, without rowid;

create index sessions_by_expiry on sessions (expires_at);

-- Failed log-ins by e-mail, whether anybody has that e-mail or not.
create table login_failures (
    email_key    text primary key,
    failures     integer not null,
    window_ends  integer not null
) strict, without rowid;

create index login_failures_by_end on login_failures (window_ends);

-- Written in the transaction of what it tells of; read by whoever sends notices.
create table outbox (
    id         integer primary key autoincrement,
    topic      text not null,
    payload    text not null, -- JSON
    created_at integer not null
) strict;
