create table orders (
    id              bigint generated always as identity primary key,
    user_id         bigint not null references users (id),
    cart_generation bigint not null,
    status          text not null check (status in ('pending_payment', 'paid', 'cancelled', 'expired')),
    fulfillment     text not null default 'unfulfilled' check (fulfillment in ('unfulfilled', 'processing', 'shipped', 'delivered')),
    total           bigint not null check (total >= 0),
    currency        text not null,
    reserved_until  bigint not null, -- as promised at checkout
    expires_at      bigint not null, -- later than that while a payment is being processed
    restocked       boolean not null default false,
    tracking_number text,
    created_at      bigint not null,
    updated_at      bigint not null,
    unique (user_id, cart_generation) -- one order, however often a cart is submitted
);

create index orders_by_user on orders (user_id, id);
create index orders_by_status on orders (status, id);
create index orders_waiting on orders (expires_at) where status = 'pending_payment';

-- What was bought, as it was called and priced at checkout.
create table order_items (
    order_id   bigint not null references orders (id),
    product_id bigint not null references products (id),
    name       text not null,
    unit_price bigint not null check (unit_price >= 0),
    quantity   bigint not null check (quantity > 0),
    primary key (order_id, product_id)
);

create table order_events (
    id       bigint generated always as identity primary key,
    order_id bigint not null references orders (id),
    event    text not null,
    note     text,
    at       bigint not null
);

create index order_events_by_order on order_events (order_id, id);

-- A key is used up by the order that it made, in the same transaction.
create table idempotency_keys (
    user_id     bigint not null references users (id),
    key         text not null,
    fingerprint text not null, -- of the request: another one under the same key is refused
    order_id    bigint not null references orders (id),
    created_at  bigint not null,
    primary key (user_id, key)
);
