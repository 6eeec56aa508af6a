-- What a past is written on top of: {products} products and {customers} customers. One text for both databases.

insert into categories (name, name_key, name_words, description, created_at, updated_at)
with recursive n (i) as (select cast(1 as bigint) union all select i + 1 from n where i < 100)
select 'Category ' || i, 'category ' || i, ' category ' || i, '', {now}, {now} from n order by i;

insert into category_ancestors (category_id, ancestor_id)
select id, id from categories;

insert into products (name, name_key, description, sku, price, price_scaled, currency, stock,
    is_available, category_id, created_at, updated_at)
with recursive n (i) as (select cast(1 as bigint) union all select i + 1 from n where i < {products})
select 'Product ' || i, 'product ' || i, 'A thing that people buy, described in a sentence or two.',
    'SKU-' || i, 500 + i % 100 * 25, (500 + i % 100 * 25) * 100,
    'USD', 0, i > 0, 1 + i % 100, {now}, {now}
from n order by i;

insert into users (email, email_key, name, role, password_hash, created_at)
with recursive n (i) as (select cast(1 as bigint) union all select i + 1 from n where i < {customers})
select 'customer' || i || '@example.com', 'customer' || i || '@example.com', 'Customer ' || i, 'customer',
    '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNoc29tZWhhc2g', {now}
from n order by i;

insert into sessions (token_hash, user_id, expires_at, created_at)
select (id * 2654435761 % 4294967296) || '-' || id, id, {now} + 2592000000000, {now} from users;

insert into carts (user_id)
select id from users;

insert into cart_items (user_id, product_id, quantity, added_at)
select id, 1 + id % {products}, 1, {now} from users where id % 10 = 0;

-- Whoever opens the shop next builds the index of its products.
update search_state set rules = 0;
