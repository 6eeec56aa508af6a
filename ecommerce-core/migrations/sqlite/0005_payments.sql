create table payments (
    id                integer primary key autoincrement,
    order_id          integer not null references orders (id),
    provider          text not null,
    status            text not null check (status in ('created', 'processing', 'failed', 'succeeded')),
    outcome           text check (outcome in ('applied', 'duplicate', 'order_cancelled', 'out_of_stock', 'mismatch')),
    reference         text,             -- what people look for: Stripe's session or intent, Paystack's reference, an admin's note
    amount            integer not null, -- what was asked for
    currency          text not null,
    captured          integer,          -- what was paid
    captured_currency text,
    capture_is_exact  integer not null default 0 check (capture_is_exact in (0, 1)), -- 0: only a refund or a dispute told of it
    refunded          integer not null default 0 check (refunded >= 0),
    reported_refunded integer not null default 0, -- the largest total that the provider told
    charged_back      integer not null default 0, -- the sum of lost disputes
    checkout_url      text,
    client_secret     text,
    created_at        integer not null,
    check ((status = 'succeeded') = (outcome is not null)),
    check ((status = 'succeeded') = (captured is not null)),
    check (refunded <= coalesce(captured, 0))
) strict;

create index payments_by_order on payments (order_id, id);
-- An order is paid once.
create unique index payments_applied_once on payments (order_id) where outcome = 'applied';

-- Every name that a provider has for a payment: session, intent, charge, reference.
create table payment_references (
    provider   text not null,
    reference  text not null,
    payment_id integer not null references payments (id),
    primary key (provider, reference)
) strict, without rowid;

create index payment_references_by_payment on payment_references (payment_id);

create table refunds (
    id         integer primary key autoincrement,
    payment_id integer not null references payments (id),
    reason     text not null check (reason in ('requested', 'duplicate', 'order_cancelled', 'out_of_stock', 'mismatch', 'external')),
    status     text not null check (status in ('queued', 'sent', 'pending', 'succeeded', 'failed', 'needs_attention')),
    asked      integer not null check (asked >= 0),  -- what was asked for, or what the provider told of
    amount     integer not null check (amount >= 0), -- what it comes to beside the others; nothing where they cover it
    currency   text not null,
    reported   text check (reported in ('pending', 'succeeded', 'needs_attention')), -- the provider's last word
    reference  text,                                 -- the provider's id of it
    done_at    integer,                              -- paid back by hand
    note       text,
    created_at integer not null
) strict;

create index refunds_by_payment on refunds (payment_id, id);
create index refunds_open on refunds (status, id) where status <> 'succeeded';
create unique index refunds_by_reference on refunds (payment_id, reference);

create table disputes (
    provider   text not null,
    reference  text not null, -- the provider's id of it
    payment_id integer not null references payments (id),
    status     text not null check (status in ('open', 'won', 'lost')),
    amount     integer not null,
    created_at integer not null,
    primary key (provider, reference)
) strict, without rowid;

create index disputes_by_payment on disputes (payment_id);

-- The inbox: what providers sent, once each.
create table payment_events (
    id          integer primary key autoincrement,
    provider    text not null,
    event_id    text not null,
    type        text not null,
    status      text not null check (status in ('processed', 'ignored', 'unmatched', 'failed')),
    detail      text, -- why it was not processed
    payload     text not null,
    received_at integer not null,
    unique (provider, event_id)
) strict;

create index payment_events_open on payment_events (status, id) where status in ('unmatched', 'failed');

-- What an unmatched event names, so that it is taken up again when that becomes known.
-- The provider is 'order' or 'payment' where it names one of our own ids.
create table unmatched_references (
    provider  text not null,
    reference text not null,
    event     integer not null references payment_events (id),
    primary key (provider, reference, event)
) strict, without rowid;

create index unmatched_references_by_event on unmatched_references (event);
