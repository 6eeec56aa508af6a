-- Words are made by the store, the same for both databases: here is only where they lie. Products that were there before are
-- indexed when the store is opened.
alter table products drop column name_words;
alter table products drop column description_words;

-- Units of paid orders, less those that came back.
alter table products add column sold integer not null default 0;
update products set sold = coalesce((
    select -sum(m.change) from stock_movements m where m.product_id = products.id and m.reason in ('sold', 'returned')
), 0);
create index products_by_sales on products (sold, id) where deleted_at is null;

-- What ranking and counting need to know of a product, in one short row.
create table product_cards (
    product_id   integer primary key references products (id),
    category_id  integer,
    price_scaled integer not null,
    card         text not null -- its words and attributes between control characters: see catalog/search/card.rs
) strict;

-- Words come ready made, between spaces; a # marks what is none. The category is that of the product and all above it.
create virtual table product_words using fts5 (
    name, sku, attributes, description, category, marks,
    content = '', contentless_delete = 1, prefix = '2 3', tokenize = "ascii tokenchars '#'"
);

-- One product at a time adds many small parts to the index. Merging them half as often as usual costs readers next to nothing.
insert into product_words (product_words, rank) values ('automerge', 8);

-- A product's card and its words are written as one.
create view product_index as
    select product_id, category_id, price_scaled, card, '' as name, '' as sku, '' as attributes, '' as description,
        '' as category, '' as marks
    from product_cards;

create trigger product_index_insert instead of insert on product_index begin
    insert into product_cards (product_id, category_id, price_scaled, card)
    values (new.product_id, new.category_id, new.price_scaled, new.card)
    on conflict (product_id) do update set
        category_id = excluded.category_id, price_scaled = excluded.price_scaled, card = excluded.card;
    insert or replace into product_words (rowid, name, sku, attributes, description, category, marks)
    values (new.product_id, new.name, new.sku, new.attributes, new.description, new.category, new.marks);
end;

create trigger product_index_delete instead of delete on product_index begin
    delete from product_cards where product_id = old.product_id;
    delete from product_words where rowid = old.product_id;
end;

-- The words that may be meant by one that nothing has: each under itself, and under itself without each of its letters.
create table search_forms (
    form text not null,
    word text not null,
    primary key (form, word)
) strict, without rowid;

-- How far the index is built, by which rules, and the key of the cursors.
create table search_state (
    id         integer primary key check (id = 1),
    rules      integer not null,
    built_to   integer not null, -- products up to this id are indexed by these rules
    cursor_key text not null
) strict;

insert into search_state (id, rules, built_to, cursor_key) values (1, 0, 0, lower(hex(randomblob(32))));
