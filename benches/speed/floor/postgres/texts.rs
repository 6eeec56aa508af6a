//! One statement for each deed: what is named in `with` happens in one transaction, each seeing the database as it was before.
//! So what must not happen twice hangs on rows that are changed, which are looked at again where somebody else changed them.

/// Who is signed in by the token $1 at the time $2.
macro_rules! signed_in {
    ($rest:literal) => {
        concat!(
            "with buyer as materialized (
                 select u.id, u.email
                 from sessions s join users u on u.id = s.user_id
                 where s.token_hash = $1 and s.expires_at > $2 and u.disabled_at is null
             ), ",
            $rest
        )
    };
}

/// $3 the product, $4 the quantity. The cart's own row is locked, so that whoever changes or checks out the cart takes turns.
pub const ADD: &str = signed_in!(
    "cart as materialized (
         select c.user_id from carts c join buyer b on b.id = c.user_id for update of c
     ), put as (
         insert into cart_items (user_id, product_id, quantity, added_at)
         select c.user_id, p.id, $4, $2
         from cart c
             join products p on p.id = $3 and p.deleted_at is null and p.is_available
             left join cart_items i on i.user_id = c.user_id and i.product_id = p.id
         where p.stock - p.reserved >= coalesce(i.quantity, 0) + $4
             and coalesce(i.quantity, 0) + $4 <= 1000000
             and (select count(*) from cart_items n where n.user_id = c.user_id) < 100
         on conflict (user_id, product_id) do update set quantity = cart_items.quantity + excluded.quantity
         returning user_id, product_id, quantity, added_at
     ), lines as (
         select i.product_id, i.quantity, i.added_at
         from cart_items i join cart c on c.user_id = i.user_id
         where i.product_id <> $3
         union all
         select product_id, quantity, added_at from put
     )
     select b.id as user_id, (select count(*) from put) as changed, l.product_id, p.name, p.price, p.currency, l.quantity,
         p.is_available and p.deleted_at is null as is_available
     from buyer b
         left join lines l on true
         left join products p on p.id = l.product_id
     order by l.added_at, l.product_id"
);

pub const CLEAR: &str = signed_in!(
    "cart as materialized (
         select c.user_id from carts c join buyer b on b.id = c.user_id for update of c
     ), gone as (
         delete from cart_items i using cart c where i.user_id = c.user_id
     )
     select id as user_id from buyer"
);

/// $3 until when the units are kept, $4 the key. The order is made of the lines that this statement takes out of the cart, so
/// each is bought once. Where a line's units are not there, the total is null, which no order may have, and nothing happens.
/// Products are locked in the order of their ids, so that nobody waits in a circle.
pub const CHECKOUT: &str = signed_in!(
    "cart as materialized (
         update carts c set generation = c.generation + 1
         from buyer b
         where c.user_id = b.id and exists (select 1 from cart_items i where i.user_id = b.id)
         returning c.user_id, c.generation - 1 as generation
     ), taken as materialized (
         delete from cart_items i using cart c
         where i.user_id = c.user_id
         returning i.product_id, i.quantity
     ), locked as materialized (
         select p.id, p.name, p.price, p.currency, t.quantity
         from products p join taken t on t.product_id = p.id
         order by p.id
         for no key update of p
     ), reserved as (
         update products p set reserved = p.reserved + l.quantity
         from locked l
         where p.id = l.id and p.stock - p.reserved >= l.quantity and p.is_available and p.deleted_at is null
         returning p.id
     ), priced as materialized (
         select case
             when (select count(*) from reserved) = count(*) and min(l.currency) = 'USD' and max(l.currency) = 'USD'
                 and sum(l.price * l.quantity) between 50 and 99999999
                 and (select count(*) from orders o join buyer b on b.id = o.user_id where o.status = 'pending_payment') < 1000000
             then cast(sum(l.price * l.quantity) as bigint)
         end as total
         from locked l
         having count(*) > 0
     ), placed as (
         insert into orders
             (user_id, cart_generation, status, total, currency, reserved_until, expires_at, created_at, updated_at)
         select c.user_id, c.generation, 'pending_payment', p.total, 'USD', $3, $3, $2, $2
         from cart c cross join priced p
         returning id, user_id, total, currency, created_at, reserved_until
     ), items as (
         insert into order_items (order_id, product_id, name, unit_price, quantity)
         select o.id, l.id, l.name, l.price, l.quantity from placed o cross join locked l
         returning order_id, product_id, name, unit_price, quantity
     ), paying as (
         insert into payments (order_id, provider, status, amount, currency, nonce, call_at, created_at)
         select id, 'stripe', 'created', total, currency, '', null, $2 from placed
         returning id
     ), event as (
         insert into order_events (order_id, event, note, at) select id, 'placed', null, $2 from placed
     ), key as (
         insert into idempotency_keys (user_id, key, fingerprint, order_id, created_at)
         select user_id, $4, 'stripe -', id, $2 from placed
     ), notice as (
         insert into outbox (topic, payload, created_at)
         select 'order.placed', format('{\"order\":%s,\"user\":%s}', id, user_id), $2 from placed
     )
     select b.id as user_id, o.id as changed, o.id, o.total, o.currency, o.created_at, o.reserved_until, b.email,
         y.id as payment_id, i.product_id, i.name, i.unit_price, i.quantity
     from buyer b
         left join placed o on true
         left join paying y on true
         left join items i on true
     order by i.product_id"
);

/// $1 the event, $2 now, $3 its type, $4 what was sent, $5 the payment, $6 the session, $7 the intent, $8 the amount, $9 its
/// currency. A new event that pays nothing divides by zero at the end: then nothing is stored.
pub const PAID: &str = "
    with event as (
        insert into payment_events (provider, event_id, type, status, payload, received_at)
        values ('stripe', $1, $3, 'processed', $4, $2)
        on conflict (provider, event_id) do nothing
        returning id
    ), paid as (
        update orders o set status = 'paid', updated_at = $2
        from event e, payments p
        where p.id = $5 and p.provider = 'stripe' and p.status <> 'succeeded'
            and o.id = p.order_id and o.status = 'pending_payment' and o.total = $8 and o.currency = $9
            and not exists (select 1 from unmatched_references u where u.provider = 'stripe' and u.reference in ($6, $7))
        returning o.id
    ), captured as (
        update payments p set status = 'succeeded', outcome = 'applied', captured = $8, captured_currency = $9,
            capture_is_exact = true, reference = $6
        from paid o
        where p.id = $5
    ), named as (
        insert into payment_references (provider, reference, payment_id)
        select 'stripe', n.name, $5 from paid o cross join (values ($6), ($7)) n (name)
    ), lines as materialized (
        select p.id, i.quantity, i.order_id
        from paid o join order_items i on i.order_id = o.id join products p on p.id = i.product_id
        order by p.id
        for no key update of p
    ), taken as (
        update products p set
            stock = p.stock - l.quantity, reserved = p.reserved - l.quantity, sold = p.sold + l.quantity,
            version = p.version + 1, updated_at = $2
        from lines l
        where p.id = l.id
    ), moved as (
        insert into stock_movements (product_id, change, reason, order_id, created_at)
        select id, -quantity, 'sold', order_id, $2 from lines
    ), history as (
        insert into order_events (order_id, event, note, at) select id, 'paid', null, $2 from paid
    ), notice as (
        insert into outbox (topic, payload, created_at) select 'order.paid', format('{\"order\":%s}', id), $2 from paid
    ), others as (
        update payments p set call_at = $2
        from paid o
        where p.order_id = o.id and p.id <> $5 and p.status <> 'succeeded'
            and exists (select 1 from payment_references r where r.payment_id = p.id)
    )
    select 1 / (1 - (select count(*) from event) + (select count(*) from paid)) as is_done";

/// $1 the e-mail at the place, $2 the e-mail, $3 the place, $4 now, $5 when the window ends.
pub const COUNT: &str = "
    with tried as (
        insert into login_failures (key, failures, window_ends)
        values ($1, 1, $5), ($2, 1, $5), ($3, 1, $5)
        on conflict (key) do update set
            failures = case when login_failures.window_ends <= $4 then 1 else login_failures.failures + 1 end,
            window_ends = case
                when login_failures.window_ends <= $4 then excluded.window_ends else login_failures.window_ends
            end
        returning key, failures
    )
    select u.id, u.email, u.name, u.role, u.created_at, u.password_hash,
        exists (select 1 from sign_in_places p where p.user_id = u.id and p.place = $3) as knows_place,
        (select failures from tried where key = $1) as at_place,
        (select failures from tried where key = $2) as of_email
    from users u
    where u.email_key = $2 and u.disabled_at is null";

/// $1 to $3 as above, $4 the token's hash, $5 the user, $6 when the session ends, $7 now.
pub const LET_IN: &str = "
    with forgotten as (
        delete from login_failures where key in ($1, $2)
    ), given_back as (
        update login_failures set failures = failures - 1 where key = $3 and failures > 0
    ), session as (
        insert into sessions (token_hash, user_id, expires_at, created_at) values ($4, $5, $6, $7)
    )
    insert into sign_in_places (user_id, place, last_at) values ($5, $3, $7)
    on conflict (user_id, place) do update set last_at = excluded.last_at";
