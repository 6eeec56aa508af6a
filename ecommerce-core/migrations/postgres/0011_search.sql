-- Words are made by the store, the same for both databases: here is only where they lie. Products that were there before are
-- indexed when the store is opened.
alter table products drop column name_words;
alter table products drop column description_words;

-- Units of paid orders, less those that came back.
alter table products add column sold bigint not null default 0;
update products set sold = coalesce((
    select -sum(m.change) from stock_movements m where m.product_id = products.id and m.reason in ('sold', 'returned')
), 0);
create index products_by_sales on products (sold, id) where deleted_at is null;

-- What ranking and counting need to know of a product, in one short row, and all of its words.
create table product_index (
    product_id   bigint primary key references products (id),
    category_id  bigint,
    price_scaled bigint not null,
    card         text not null, -- its words and attributes between control characters: see catalog/search/card.rs
    lexemes      tsvector not null,
    names        tsvector not null -- those of the name and the SKU: the index does not know which they are
);

-- Written at once: what waits in a list to be written is read by every search.
create index product_index_lexemes on product_index using gin (lexemes) with (fastupdate = off);
create index product_index_names on product_index using gin (names) with (fastupdate = off);

-- The words that may be meant by one that nothing has: each under itself, and under itself without each of its letters.
create table search_forms (
    form text collate "C" not null,
    word text collate "C" not null,
    primary key (form, word)
);

-- How far the index is built, by which rules, and the key of the cursors.
create table search_state (
    id         bigint primary key check (id = 1),
    rules      bigint not null,
    built_to   bigint not null, -- products up to this id are indexed by these rules
    cursor_key text not null
);

insert into search_state (id, rules, built_to, cursor_key)
values (1, 0, 0, cast(gen_random_uuid() as text) || cast(gen_random_uuid() as text));
