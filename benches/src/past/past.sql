-- A past, written in bulk on top of {products} products and {customers} customers, whose ids begin with 1: {orders} orders of two
-- lines each. One text for both databases.
--
-- Every row is as the shop's own rules would have left it. What an order is made of hangs on its id: the last twenty-fifth
-- of them wait for payment; of the others, by their id modulo 50, 82 in a hundred were paid, 2 cancelled and given back, 2
-- cancelled while they waited, and 14 expired. Ids are given out in the order in which things happened.

insert into orders (user_id, cart_generation, status, fulfillment, total, currency, reserved_until, expires_at, restocked,
    created_at, updated_at)
with recursive n (i) as (select cast(1 as bigint) union all select i + 1 from n where i < {orders})
select 1 + (i - 1) % {customers}, 1 + (i - 1) / {customers}, status,
    case when status <> 'paid' or i % 50 > 36 then 'unfulfilled' when i % 50 = 36 then 'processing'
        when i % 50 = 35 then 'shipped' else 'delivered' end,
    0, 'USD', placed + 259200000000, placed + 259200000000, status = 'cancelled' and i % 50 = 40, placed, placed
from (
    select i,
        case when i > {orders} - {orders} / 25 then {now} - ({orders} - i) * 1000000
            else {now} - 300000000000 - ({orders} - i) * (31000000000000 / {orders}) end as placed,
        case when i > {orders} - {orders} / 25 then 'pending_payment' when i % 50 < 40 or i % 50 = 49 then 'paid'
            when i % 50 < 42 then 'cancelled' else 'expired' end as status
    from n
) placed
order by i;

insert into carts (user_id, generation)
select id, 1 + ({orders} - id + {customers}) / {customers} from users where id <= {customers}
on conflict (user_id) do update set generation = excluded.generation;

insert into order_items (order_id, product_id, name, unit_price, quantity)
select o.id, p.id, p.name, p.price, case n.i when 0 then 1 + o.id % 3 else 1 end
from orders o
    cross join (select 0 as i union all select 1) n
    join products p on p.id = 1 + (o.id * 7 + n.i * (1 + o.id * 13 % ({products} - 1))) % {products};

update orders set total = (select sum(unit_price * quantity) from order_items where order_id = orders.id);

insert into idempotency_keys (user_id, key, fingerprint, order_id, created_at)
select user_id, (id * 2654435761 % 4294967296) || '-' || id, 'stripe -', id, created_at from orders;

-- One in fifty was paid a second time, at another attempt: the money went back.
insert into payments (order_id, provider, status, outcome, reference, amount, currency, captured, captured_currency,
    capture_is_exact, refunded, nonce, created_at)
select id, provider, case when captured is null then 'created' else 'succeeded' end,
    case when captured is not null then case attempt when 1 then 'applied' else 'duplicate' end end,
    case when provider = 'stripe' then 'cs_live_' || (id * 2654435761 % 4294967296) || '-' || attempt end,
    total, currency, captured, case when captured is not null then currency end, captured is not null,
    case when captured is null then 0 when attempt = 2 or status = 'cancelled' then captured when id % 50 = 38 then captured / 2
        else 0 end,
    '' || (id * 2654435761 % 4294967296), created_at
from (
    select o.id, o.status, o.total, o.currency, o.created_at, attempt,
        case o.status when 'pending_payment' then 'manual' else 'stripe' end as provider,
        case when o.status = 'paid' or o.restocked then o.total end as captured
    from orders o cross join (select 1 as attempt union all select 2) a
    where attempt = 1 or (o.status = 'paid' and o.id % 50 = 39)
) p
order by id, attempt;

insert into payment_references (provider, reference, payment_id)
select provider, reference, id from payments where provider = 'stripe'
union all
select provider, 'pi_' || (id * 2654435761 % 4294967296) || '-' || id, id from payments where status = 'succeeded';

insert into payment_events (provider, event_id, type, status, payload, received_at)
select provider, 'evt_' || (id * 2654435761 % 4294967296) || '-' || id, 'checkout.session.completed', 'processed',
    '{"id":"evt_' || id || '","object":"event","api_version":"2026-10-28.endive","created":1769851800,"type":"checkout.session.'
        || 'completed","livemode":true,"request":{"id":null,"idempotency_key":null},"data":{"object":{"id":"' || reference
        || '","object":"checkout.session","mode":"payment","amount_total":' || captured || ',"currency":"usd","client_reference'
        || '_id":"' || order_id || '","metadata":{"order_id":"' || order_id || '","payment_id":"' || id
        || '"},"payment_intent":"pi_' || id || '","status":"complete","payment_status":"paid"}}}',
    created_at + 300000000
from payments where status = 'succeeded'
order by id;

-- Events of another shop that shares the account.
insert into payment_events (provider, event_id, type, status, detail, payload, received_at)
with recursive n (i) as (select cast(1 as bigint) union all select i + 1 from n where i < {foreign_events})
select 'stripe', 'evt_foreign_' || i, 'payment_intent.payment_failed', 'unmatched', 'it names no payment or order that is known',
    '{"id":"evt_foreign_' || i || '","object":"event","type":"payment_intent.payment_failed","data":{"object":{"id":"pi_foreign_'
        || i || '","object":"payment_intent","latest_charge":"ch_foreign_' || i || '"}}}', {now}
from n order by i;

insert into unmatched_references (provider, reference, event)
select provider, prefix || substr(event_id, 5), id
from payment_events cross join (select 'pi_' as prefix union all select 'ch_') p
where status = 'unmatched';

insert into refunds (payment_id, reason, status, asked, amount, currency, reported, reference, sent_at, created_at)
select p.id, case when p.outcome = 'duplicate' then 'duplicate' when o.status = 'cancelled' then 'order_cancelled'
        else 'requested' end,
    'succeeded', p.refunded, p.refunded, p.currency, 'succeeded', 're_' || p.id, p.created_at + 600000000,
    p.created_at + 600000000
from payments p join orders o on o.id = p.order_id
where p.refunded > 0
order by p.id;

insert into stock_movements (product_id, change, reason, created_at)
select id, 1000000, 'initial', {now} - 32000000000000 from products order by id;

insert into stock_movements (product_id, change, reason, order_id, created_at)
select product_id, change, reason, order_id, at
from (
    select i.product_id, -i.quantity as change, 'sold' as reason, i.order_id, o.created_at + 300000000 as at
    from orders o join order_items i on i.order_id = o.id
    where o.status = 'paid' or o.restocked
    union all
    select i.product_id, i.quantity, 'returned', i.order_id, o.created_at + 7200000000
    from orders o join order_items i on i.order_id = o.id
    where o.restocked
) moved
order by at, order_id, product_id;

update products set stock = moved.units, sold = moved.sold, reserved = coalesce(held.units, 0)
from (
        select product_id, cast(sum(change) as bigint) as units,
            cast(sum(case when reason in ('sold', 'returned') then -change else 0 end) as bigint) as sold
        from stock_movements
        group by product_id
    ) moved
    left join (
        select i.product_id, cast(sum(i.quantity) as bigint) as units
        from orders o join order_items i on i.order_id = o.id
        where o.status = 'pending_payment'
        group by i.product_id
    ) held on held.product_id = moved.product_id
where products.id = moved.product_id;

insert into order_events (order_id, event, at)
select id, event, created_at + late * 1000000
from orders o
    join (
        select cast(0 as bigint) as late, 'placed' as event union all select 300, 'paid' union all select 7200, 'cancelled'
        union all select 259200, 'expired' union all select 14400, 'processing' union all select 86400, 'shipped'
        union all select 250000, 'delivered'
    ) e on case event
        when 'placed' then status <> ''
        when 'paid' then status = 'paid' or restocked
        when 'cancelled' then status = 'cancelled'
        when 'expired' then status = 'expired'
        when 'processing' then fulfillment <> 'unfulfilled'
        when 'shipped' then fulfillment in ('shipped', 'delivered')
        else fulfillment = 'delivered' end
order by created_at + late * 1000000, id;

insert into outbox (topic, payload, created_at)
select 'order.' || e.event, case e.event when 'placed' then '{"order":' || e.order_id || ',"user":' || o.user_id || '}'
    else '{"order":' || e.order_id || '}' end, e.at
from order_events e join orders o on o.id = e.order_id
order by e.id;

insert into audit_log (at, place, action, subject_kind, subject_id, detail)
select at, 'back office', 'order.fulfilled', 'order', order_id,
    '{"status":"' || event || '","tracking_number":null,"note":null}'
from order_events
where event in ('processing', 'shipped', 'delivered')
order by id;
