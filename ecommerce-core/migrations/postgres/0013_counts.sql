-- What grows with the shop is not to make each look at it slower.

-- How many products everybody sees, kept by whoever changes that.
create table product_counts (
    id       bigint primary key check (id = 1),
    for_sale bigint not null
);

-- Whoever is changing products comes before.
lock table products in share mode;
insert into product_counts (id, for_sale) select 1, count(*) from products where deleted_at is null and is_available;

-- The orders of a customer that wait, of which only so many may.
create index orders_open on orders (user_id) where status = 'pending_payment';
