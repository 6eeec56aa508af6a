-- What a product is like, by name: color, size, brand.
create table product_attributes (
    product_id bigint not null references products (id),
    name_key   text collate "C" not null, -- the name in lower case
    name       text not null,
    value_key  text collate "C" not null, -- the value in lower case
    value      text not null,
    primary key (product_id, name_key)
);

create index product_attributes_by_value on product_attributes (name_key, value_key, product_id);

-- The category above; null: none.
alter table categories add column parent_id bigint references categories (id);

create index categories_by_parent on categories (parent_id) where parent_id is not null;

-- Every category with itself and each category above it, so that a whole tree is found by its top.
create table category_ancestors (
    category_id bigint not null references categories (id),
    ancestor_id bigint not null references categories (id),
    primary key (category_id, ancestor_id)
);

create index category_ancestors_by_ancestor on category_ancestors (ancestor_id, category_id);

insert into category_ancestors (category_id, ancestor_id)
select id, id
from categories;
