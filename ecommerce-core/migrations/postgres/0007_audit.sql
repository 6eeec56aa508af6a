-- Who did what, when and from where: written in the transaction of the deed, and never changed.
create table audit_log (
    id           bigint generated always as identity primary key,
    at           bigint not null,
    user_id      bigint references users (id), -- null: the program itself
    user_email   text,                         -- as it was then
    place        text,                         -- an address, or what the program calls it; null: nobody said
    action       text not null,
    subject_kind text,
    subject_id   bigint,
    detail       text not null,                -- JSON
    check ((user_id is null) = (user_email is null)),
    check ((subject_kind is null) = (subject_id is null))
);

create index audit_log_by_time on audit_log (at, id);
create index audit_log_by_user on audit_log (user_id, at, id);
