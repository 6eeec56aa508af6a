-- Counts the changes of a cart: whoever changes it says which version they have seen.
alter table carts add column version bigint not null default 1;
