//! A text for each deed: `$1` and so on are the same for all of its statements, and `job` is where one leaves something for the
//! next. A statement writes nothing where what it needs is not there.

/// Who is signed in by the token $1 at the time $2, with the cart as it is.
macro_rules! signed_in {
    () => {
        "savepoint job;
         update job set order_id = null, payment_id = null, is_new = 0, changed = 0, (user_id, generation) = (
             select c.user_id, c.generation
             from sessions s join users u on u.id = s.user_id join carts c on c.user_id = u.id
             where s.token_hash = $1 and s.expires_at > $2 and u.disabled_at is null
         );"
    };
}

/// $3 the product, $4 the quantity.
pub const ADD: &str = concat!(
    signed_in!(),
    "insert into cart_items (user_id, product_id, quantity, added_at)
     select j.user_id, p.id, $4, $2
     from job j
         cross join products p on p.id = $3 and p.deleted_at is null and p.is_available
         left join cart_items i on i.user_id = j.user_id and i.product_id = p.id
     where j.id = 1 and j.user_id is not null and p.stock - p.reserved >= coalesce(i.quantity, 0) + $4
         and coalesce(i.quantity, 0) + $4 <= 1000000
         and (select count(*) from cart_items where user_id = j.user_id) < 100
     on conflict (user_id, product_id) do update set quantity = excluded.quantity + cart_items.quantity;
     update job set changed = changes();
     select j.user_id, j.changed, i.product_id, p.name, p.price, p.currency, i.quantity,
         p.is_available and p.deleted_at is null as is_available
     from job j
         left join cart_items i on i.user_id = j.user_id
         left join products p on p.id = i.product_id
     where j.id = 1
     order by i.added_at, i.product_id;
     release job"
);

pub const CLEAR: &str = concat!(
    signed_in!(),
    "delete from cart_items where user_id = (select user_id from job);
     select user_id from job;
     release job"
);

/// $3 until when the units are kept, $4 the key. The first condition of products lets nobody buy what is not there; a key that
/// was used makes no other order.
pub const CHECKOUT: &str = concat!(
    signed_in!(),
    "insert into orders (user_id, cart_generation, status, total, currency, reserved_until, expires_at, created_at, updated_at)
     select j.user_id, j.generation, 'pending_payment', sum(p.price * i.quantity), min(p.currency), $3, $3, $2, $2
     from job j cross join cart_items i on i.user_id = j.user_id cross join products p on p.id = i.product_id
     where j.id = 1
         and not exists (select 1 from idempotency_keys k where k.user_id = j.user_id and k.key = $4)
         and (select count(*) from orders o where o.user_id = j.user_id and o.status = 'pending_payment') < 1000000
     group by j.user_id, j.generation
     having min(p.stock - p.reserved >= i.quantity and p.is_available and p.deleted_at is null)
         and min(p.currency) = 'USD' and max(p.currency) = 'USD'
         and sum(p.price * i.quantity) between 50 and 99999999;
     update job set order_id = case changes() when 1 then last_insert_rowid() end;
     insert into order_items (order_id, product_id, name, unit_price, quantity)
     select j.order_id, p.id, p.name, p.price, i.quantity
     from job j cross join cart_items i on i.user_id = j.user_id cross join products p on p.id = i.product_id
     where j.id = 1 and j.order_id is not null;
     update products set reserved = reserved + i.quantity
     from order_items i
     where i.order_id = (select order_id from job) and products.id = i.product_id;
     insert into payments (order_id, provider, status, amount, currency, nonce, call_at, created_at)
     select o.id, 'stripe', 'created', o.total, o.currency, '', null, $2
     from job j cross join orders o on o.id = j.order_id
     where j.id = 1;
     update job set payment_id = case when order_id is not null then last_insert_rowid() end;
     insert into order_events (order_id, event, note, at)
     select order_id, 'placed', null, $2 from job where order_id is not null;
     delete from cart_items where user_id = (select user_id from job where order_id is not null);
     update carts set generation = generation + 1 where user_id = (select user_id from job where order_id is not null);
     insert into idempotency_keys (user_id, key, fingerprint, order_id, created_at)
     select user_id, $4, 'stripe -', order_id, $2 from job where order_id is not null;
     insert into outbox (topic, payload, created_at)
     select 'order.placed', json_object('order', order_id, 'user', user_id), $2 from job where order_id is not null;
     select j.user_id, j.order_id as changed, o.id, o.total, o.currency, o.created_at, o.reserved_until, u.email, j.payment_id,
         i.product_id, i.name, i.unit_price, i.quantity
     from job j
         left join orders o on o.id = j.order_id
         left join users u on u.id = j.user_id
         left join order_items i on i.order_id = o.id
     where j.id = 1
     order by i.product_id;
     release job"
);

/// $1 the event, $2 now, $3 its type, $4 what was sent, $5 the payment, $6 the session, $7 the intent, $8 the amount, $9 its
/// currency. A new event that pays nothing fails at the first reference, which must name a payment: then nothing is stored.
pub const PAID: &str = "
    savepoint job;
    insert into payment_events (provider, event_id, type, status, payload, received_at)
    values ('stripe', $1, $3, 'processed', $4, $2)
    on conflict (provider, event_id) do nothing;
    update job set is_new = changes();
    update job set (order_id, payment_id) = (
        select o.id, p.id
        from payments p join orders o on o.id = p.order_id
        where p.id = $5 and p.provider = 'stripe' and p.status <> 'succeeded' and o.status = 'pending_payment'
            and o.total = $8 and o.currency = $9
            and not exists (select 1 from unmatched_references u where u.provider = 'stripe' and u.reference in ($6, $7))
    );
    insert into payment_references (provider, reference, payment_id)
    select 'stripe', $6, payment_id from job where is_new
    union all
    select 'stripe', $7, payment_id from job where is_new;
    update payments set status = 'succeeded', outcome = 'applied', captured = $8, captured_currency = $9, capture_is_exact = 1,
        reference = $6
    where id = (select payment_id from job where is_new);
    update products set
        stock = stock - i.quantity, reserved = reserved - i.quantity, sold = sold + i.quantity, version = version + 1,
        updated_at = $2
    from order_items i
    where i.order_id = (select order_id from job where is_new) and products.id = i.product_id;
    insert into stock_movements (product_id, change, reason, order_id, created_at)
    select i.product_id, -i.quantity, 'sold', i.order_id, $2
    from job j cross join order_items i on i.order_id = j.order_id
    where j.id = 1 and j.is_new;
    update orders set status = 'paid', updated_at = $2 where id = (select order_id from job where is_new);
    insert into order_events (order_id, event, note, at)
    select order_id, 'paid', null, $2 from job where is_new;
    insert into outbox (topic, payload, created_at)
    select 'order.paid', json_object('order', order_id), $2 from job where is_new;
    update payments set call_at = $2
    where order_id = (select order_id from job where is_new) and id <> $5 and status <> 'succeeded'
        and exists (select 1 from payment_references r where r.payment_id = payments.id);
    release job";

/// $1 the e-mail at the place, $2 the e-mail, $3 the place, $4 now, $5 when the window ends.
pub const COUNT: &str = "
    savepoint job;
    insert into login_failures (key, failures, window_ends)
    values ($1, 1, $5), ($2, 1, $5), ($3, 1, $5)
    on conflict (key) do update set
        failures = case when window_ends <= $4 then 1 else failures + 1 end,
        window_ends = case when window_ends <= $4 then excluded.window_ends else window_ends end;
    select u.id, u.email, u.name, u.role, u.created_at, u.password_hash,
        exists (select 1 from sign_in_places p where p.user_id = u.id and p.place = $3) as knows_place,
        (select failures from login_failures where key = $1) as at_place,
        (select failures from login_failures where key = $2) as of_email
    from users u
    where u.email_key = $2 and u.disabled_at is null;
    release job";

/// $1 to $3 as above, $4 the token's hash, $5 the user, $6 when the session ends, $7 now.
pub const LET_IN: &str = "
    savepoint job;
    delete from login_failures where key in ($1, $2);
    update login_failures set failures = failures - 1 where key = $3 and failures > 0;
    insert into sessions (token_hash, user_id, expires_at, created_at) values ($4, $5, $6, $7);
    insert into sign_in_places (user_id, place, last_at) values ($5, $3, $7)
    on conflict (user_id, place) do update set last_at = excluded.last_at;
    release job";
