-- When the account was disabled; null: it may sign in.
alter table users add column disabled_at bigint;

-- All sessions of an account end at once when it is disabled.
create index sessions_by_user on sessions (user_id);

-- Failed log-ins are counted by e-mail, by address, and by both together.
alter table login_failures rename column email_key to key;

-- From where an account has signed in: from there the right password is taken also while the e-mail or the address is shut.
create table sign_in_places (
    user_id bigint not null references users (id),
    place   text not null, -- an IPv4 address, or the /64 of an IPv6 address
    last_at bigint not null,
    primary key (user_id, place)
);

create index sign_in_places_by_time on sign_in_places (last_at);
