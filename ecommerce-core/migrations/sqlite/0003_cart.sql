-- One cart a user. The generation counts its checkouts: an order is made of one generation, once.
create table carts (
    user_id    integer primary key references users (id),
    generation integer not null default 1
) strict;

create table cart_items (
    user_id    integer not null references carts (user_id),
    product_id integer not null references products (id),
    quantity   integer not null check (quantity between 1 and 1000000),
    added_at   integer not null,
    primary key (user_id, product_id)
) strict, without rowid;
