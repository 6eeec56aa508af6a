create table categories (
    id           bigint generated always as identity primary key,
    name         text not null,
    name_key     text collate "C" not null unique, -- the name in lower case
    name_words   text not null,        -- ' garden tools': what search looks in
    description  text not null,
    version      bigint not null default 1,
    created_at   bigint not null,
    updated_at   bigint not null
);

create table products (
    id                bigint generated always as identity primary key,
    name              text not null,
    name_key          text collate "C" not null,
    name_words        text not null,
    description       text not null,
    description_words text not null,
    sku               text,
    price             bigint not null check (price >= 0),
    price_scaled      bigint not null, -- in ten-thousandths, so that prices of all currencies sort by their number
    currency          text not null,
    stock             bigint not null check (stock >= 0),
    reserved          bigint not null default 0 check (reserved between 0 and stock),
    is_available      boolean not null,
    category_id       bigint references categories (id),
    version           bigint not null default 1,
    created_at        bigint not null,
    updated_at        bigint not null,
    deleted_at        bigint -- orders go on naming a deleted product, so its row stays
);

-- What customers see is counted and walked through without reading the rows.
create index products_for_sale on products (id) where deleted_at is null and is_available;
create unique index products_by_sku on products (sku) where deleted_at is null;
create index products_by_name on products (name_key, id) where deleted_at is null;
create index products_by_price on products (price_scaled, id) where deleted_at is null;
create index products_by_creation on products (created_at, id) where deleted_at is null;
create index products_by_category on products (category_id, id) where deleted_at is null;

-- Every change of a product's stock; their sum is its stock.
create table stock_movements (
    id         bigint generated always as identity primary key,
    product_id bigint not null references products (id),
    change     bigint not null check (change <> 0),
    reason     text not null check (reason in ('initial', 'edited', 'adjusted', 'imported', 'sold', 'returned')),
    order_id   bigint, -- of what was sold or returned
    note       text,
    created_at bigint not null
);

create index stock_movements_by_product on stock_movements (product_id, id);
-- An order takes a product's units once, and gives them back once.
create unique index stock_movements_once on stock_movements (order_id, product_id, reason) where order_id is not null;
