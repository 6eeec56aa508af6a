-- Times are microseconds since 1970-01-01T00:00:00Z everywhere; amounts of money are minor units of the currency beside them.

create table users (
    id            bigint generated always as identity primary key,
    email         text not null,
    email_key     text not null unique, -- the e-mail in lower case: one account each
    name          text not null,
    role          text not null check (role in ('customer', 'vendor', 'admin')),
    password_hash text not null,        -- a PHC string
    created_at    bigint not null
);

create table sessions (
    token_hash text primary key, -- SHA-256: the token itself is known to its holder only
    user_id    bigint not null references users (id),
    expires_at bigint not null,
    created_at bigint not null
);

create index sessions_by_expiry on sessions (expires_at);

-- Failed log-ins by e-mail, whether anybody has that e-mail or not.
create table login_failures (
    email_key    text primary key,
    failures     bigint not null,
    window_ends  bigint not null
);

create index login_failures_by_end on login_failures (window_ends);

-- Written in the transaction of what it tells of; read by whoever sends notices.
create table outbox (
    id         bigint generated always as identity primary key,
    topic      text not null,
    payload    text not null, -- JSON
    created_at bigint not null
);
