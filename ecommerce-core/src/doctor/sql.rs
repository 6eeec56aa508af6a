use crate::{
    StoreError,
    db::{Sql, Tx, statements},
};

statements! {
    /// Stock and reservations stay within their bounds.
    STOCK_BOUNDS =
        "select id, reserved as found, stock as expected
         from products
         where stock < 0 or reserved < 0 or reserved > stock
         limit 1000";

    /// The movements of a product add up to its stock.
    STOCK_LEDGER =
        "select p.id, p.stock as found, cast(coalesce(sum(m.change), 0) as bigint) as expected
         from products p left join stock_movements m on m.product_id = p.id
         group by p.id, p.stock
         having p.stock <> coalesce(sum(m.change), 0)
         limit 1000";

    /// What is reserved of a product is what the waiting orders hold.
    RESERVED =
        "select p.id, p.reserved as found, coalesce(held.quantity, 0) as expected
         from products p
             left join (
                 select i.product_id, cast(sum(i.quantity) as bigint) as quantity
                 from orders o join order_items i on i.order_id = o.id
                 where o.status = 'pending_payment'
                 group by i.product_id
             ) held on held.product_id = p.id
         where p.reserved <> coalesce(held.quantity, 0)
         limit 1000";

    /// The lines of an order add up to its total.
    ORDER_TOTAL =
        "select o.id, o.total as found, cast(coalesce(sum(i.unit_price * i.quantity), 0) as bigint) as expected
         from orders o left join order_items i on i.order_id = o.id
         group by o.id, o.total
         having o.total <> coalesce(sum(i.unit_price * i.quantity), 0)
         limit 1000";

    /// A paid order has one applied payment of its amount and currency; one that waits or expired has none.
    ORDER_PAID =
        "select o.id, o.applied as found, o.wanted as expected
         from (
             select o.id, o.status,
                 (select count(*) from payments p
                  where p.order_id = o.id and p.outcome = 'applied' and p.captured = o.total and p.captured_currency = o.currency
                 ) as applied,
                 cast(case o.status when 'paid' then 1 else 0 end as bigint) as wanted
             from orders o
         ) o
         where o.applied <> o.wanted and not (o.status = 'cancelled' and o.applied = 1)
         limit 1000";

    /// No payment was applied with another amount or currency than its order's.
    APPLIED_AMOUNT =
        "select p.id, p.captured as found, o.total as expected
         from payments p join orders o on o.id = p.order_id
         where p.outcome = 'applied' and (p.captured <> o.total or p.captured_currency <> o.currency)
         limit 1000";

    /// Captured money that was not applied, or whose order was cancelled, has gone back or is owed, to the last unit.
    /// What the provider's dashboard has not paid back yet does not count: the shop does not owe it.
    MONEY_GOES_BACK =
        "select p.id, p.refunded + cast(coalesce(sum(r.amount), 0) as bigint) as found, p.captured as expected
         from payments p
             join orders o on o.id = p.order_id
             left join refunds r on r.payment_id = p.id
                 and (r.status in ('queued', 'sent') or (r.status in ('pending', 'needs_attention') and r.reason <> 'external'))
         where p.status = 'succeeded' and (p.outcome <> 'applied' or o.status = 'cancelled')
         group by p.id, p.refunded, p.captured
         having p.refunded + coalesce(sum(r.amount), 0) <> p.captured
         limit 1000";

    /// No more goes back than was captured.
    REFUNDS_BOUNDED =
        "select p.id, p.refunded + cast(coalesce(sum(r.amount), 0) as bigint) as found, coalesce(p.captured, 0) as expected
         from payments p
             join refunds r on r.payment_id = p.id
                 and (r.status in ('queued', 'sent') or (r.status in ('pending', 'needs_attention') and r.reason <> 'external'))
         group by p.id, p.refunded, p.captured
         having p.refunded + coalesce(sum(r.amount), 0) > coalesce(p.captured, 0)
         limit 1000";

    /// The units of an order left the stock exactly when a payment was applied.
    UNITS_TAKEN =
        "select o.id, o.taken as found, o.wanted as expected
         from (
             select o.id,
                 (select cast(coalesce(-sum(m.change), 0) as bigint) from stock_movements m
                  where m.order_id = o.id and m.reason = 'sold') as taken,
                 case when exists (select 1 from payments p where p.order_id = o.id and p.outcome = 'applied')
                     then (select cast(coalesce(sum(i.quantity), 0) as bigint) from order_items i where i.order_id = o.id)
                     else 0 end as wanted
             from orders o
         ) o
         where o.taken <> o.wanted
         limit 1000";

    /// The units of an order went back exactly when it says so, and always when it was cancelled after it was paid.
    UNITS_RETURNED =
        "select o.id, o.returned as found, o.wanted as expected
         from (
             select o.id, o.status, o.restocked,
                 (select cast(coalesce(sum(m.change), 0) as bigint) from stock_movements m
                  where m.order_id = o.id and m.reason = 'returned') as returned,
                 case when o.restocked
                     or (o.status = 'cancelled' and exists (select 1 from payments p where p.order_id = o.id and p.outcome = 'applied'))
                     then (select cast(coalesce(sum(i.quantity), 0) as bigint) from order_items i where i.order_id = o.id)
                     else 0 end as wanted
             from orders o
         ) o
         where o.returned <> o.wanted
         limit 1000";

    /// One notice an order that it was paid.
    ONE_NOTICE = {
        sqlite:
            "select cast(json_extract(payload, '$.order') as integer) as id, count(*) as found, 1 as expected
             from outbox
             where topic = 'order.paid'
             group by json_extract(payload, '$.order')
             having count(*) > 1
             limit 1000",
        postgres:
            "select (payload::json ->> 'order')::bigint as id, count(*) as found, 1::bigint as expected
             from outbox
             where topic = 'order.paid'
             group by payload::json ->> 'order'
             having count(*) > 1
             limit 1000",
    };
}

/// An invariant: its name, the table whose rows may break it, what the numbers count, and the statement that finds them.
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) table: &'static str,
    pub(super) counts: &'static str,
    statement: Sql,
}

pub(super) const CHECKS: &[Check] = &[
    Check { name: "stock_bounds", table: "products", counts: "reserved units, within the stock", statement: STOCK_BOUNDS },
    Check { name: "stock_ledger", table: "products", counts: "units in stock", statement: STOCK_LEDGER },
    Check { name: "reserved", table: "products", counts: "reserved units", statement: RESERVED },
    Check { name: "order_total", table: "orders", counts: "minor units in total", statement: ORDER_TOTAL },
    Check { name: "order_paid", table: "orders", counts: "applied payments", statement: ORDER_PAID },
    Check { name: "applied_amount", table: "payments", counts: "captured minor units", statement: APPLIED_AMOUNT },
    Check { name: "money_goes_back", table: "payments", counts: "minor units paid back or owed", statement: MONEY_GOES_BACK },
    Check {
        name: "refunds_bounded",
        table: "payments",
        counts: "minor units paid back or owed, at most",
        statement: REFUNDS_BOUNDED,
    },
    Check { name: "units_taken", table: "orders", counts: "units sold", statement: UNITS_TAKEN },
    Check { name: "units_returned", table: "orders", counts: "units returned", statement: UNITS_RETURNED },
    Check { name: "one_notice", table: "orders", counts: "notices that it was paid", statement: ONE_NOTICE },
];

/// A row that breaks an invariant, with what it has and what it should have.
#[derive(sqlx::FromRow)]
pub(super) struct Breach {
    pub(super) id: i64,
    pub(super) found: i64,
    pub(super) expected: i64,
}

/// The rows that break an invariant, at most 1,000.
pub(super) async fn breaches(tx: &mut Tx, check: &Check) -> Result<Vec<Breach>, StoreError> {
    tx.all(check.statement, ()).await
}
