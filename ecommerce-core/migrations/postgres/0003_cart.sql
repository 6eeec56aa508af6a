-- One cart a user. The generation counts its checkouts: an order is made of one generation, once.
create table carts (
    user_id    bigint primary key references users (id),
    generation bigint not null default 1
);

create table cart_items (
    user_id    bigint not null references carts (user_id),
    product_id bigint not null references products (id),
    quantity   bigint not null check (quantity between 1 and 1000000),
    added_at   bigint not null,
    primary key (user_id, product_id)
);
