-- What providers are asked, and when they are asked again.

alter table payments add column nonce text not null default ''; -- chance, for names that were never used before
alter table payments add column call_at integer;                 -- when its provider is to be asked about it; null: not any more
alter table payments add column capture_is_believed integer not null default 0 check (capture_is_believed in (0, 1)); -- the provider does not tell more

create index payments_call on payments (call_at) where call_at is not null;

alter table refunds add column handle text;    -- what to ask the provider for it by
alter table refunds add column sent_at integer; -- when the provider was ordered to make it first
alter table refunds add column call_at integer; -- when the provider is to be asked about it; null: not any more

create index refunds_call on refunds (call_at) where call_at is not null;

update refunds set call_at = created_at
where status = 'queued' and reason <> 'external'
    and exists (select 1 from payments p where p.id = refunds.payment_id and p.provider <> 'manual');

-- Until when the events of a provider were read, for those that it keeps and may have failed to send.
create table event_readings (
    provider   text primary key,
    read_until integer not null,
    call_at    integer not null -- when to read on
) strict, without rowid;
