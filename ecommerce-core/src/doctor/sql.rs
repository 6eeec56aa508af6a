//! Where the audit looks. A statement walks along one table, works out what its rows should say from what other rows say, and
//! answers those that say something else.

use sqlx::{ColumnIndex, Decode, FromRow, Type};

use super::Check;
use crate::{
    StoreError,
    db::{Sql, Tx, statements},
};

/// Where a slice of a table ends, and how many rows it has.
macro_rules! slice {
    ($table:literal by $id:literal) => {
        concat!(
            "select max(",
            $id,
            ") as until, count(*) as seen
             from (select ",
            $id,
            " from ",
            $table,
            " where ",
            $id,
            " > $1 order by ",
            $id,
            " limit $2 + 0) slice"
        )
    };
}

// A range that stands on both sides of a join is there for PostgreSQL, which cannot tell that one follows from the other.
statements! {
    NEXT_PRODUCTS = (slice!("products" by "id"));

    FOR_SALE =
        "select id, for_sale, seen
         from (
             select id, for_sale, (select count(*) from products where deleted_at is null and is_available) as seen
             from product_counts
         ) c
         where for_sale <> seen";

    NEXT_CATEGORIES = (slice!("categories" by "id"));

    NEXT_ORDERS = (slice!("orders" by "id"));

    NEXT_MOVEMENTS = (slice!("stock_movements" by "id"));

    NEXT_PAYMENTS = (slice!("payments" by "id"));

    NEXT_REFUNDS = (slice!("refunds" by "id"));

    NEXT_CARTS = (slice!("carts" by "user_id"));

    PRODUCTS =
        "select id, reserved, reservable, stock, moved, sold, moved_by_orders
         from (
             select p.id, p.reserved, p.stock, p.sold,
                 case when p.reserved > p.stock then p.stock when p.reserved < 0 then 0 else p.reserved end as reservable,
                 coalesce(m.moved, 0) as moved, coalesce(m.moved_by_orders, 0) as moved_by_orders
             from products p
                 left join (
                     select product_id, cast(sum(change) as bigint) as moved,
                         cast(sum(case when reason in ('sold', 'returned') then -change else 0 end) as bigint) as moved_by_orders
                     from stock_movements
                     where product_id > $1 and product_id <= $2
                     group by product_id
                 ) m on m.product_id = p.id
             where p.id > $1 and p.id <= $2
         ) p
         where (reserved, stock, sold) <> (reservable, moved, moved_by_orders)";

    /// Once each, as it is shown and priced; a deleted one not at all.
    INDEXED = {
        sqlite:
            "select id, entries, due
             from (
                 select p.id, cast(case when p.deleted_at is null then 1 else 0 end as bigint) as due,
                     case when i.product_id is null or not exists (select 1 from product_words w where w.rowid = p.id) then 0
                         when i.price_scaled = p.price_scaled and i.category_id is p.category_id then 1
                         else 2 end as entries
                 from products p left join product_cards i on i.product_id = p.id
                 where p.id > $1 and p.id <= $2
             ) p
             where entries <> due",
        postgres:
            "select id, entries, due
             from (
                 select p.id, cast(case when p.deleted_at is null then 1 else 0 end as bigint) as due,
                     cast(case when i.product_id is null then 0
                         when i.price_scaled = p.price_scaled and i.category_id is not distinct from p.category_id then 1
                         else 2 end as bigint) as entries
                 from products p left join product_index i on i.product_id = p.id
                 where p.id > $1 and p.id <= $2
             ) p
             where entries <> due",
    };

    /// All that wait for payment, by their products: few orders, but of any age.
    RESERVED =
        "select p.id, p.reserved, coalesce(held.quantity, 0) as held
         from products p
             left join (
                 select i.product_id, cast(sum(i.quantity) as bigint) as quantity
                 from orders o join order_items i on i.order_id = o.id
                 where o.status = 'pending_payment'
                 group by i.product_id
             ) held on held.product_id = p.id
         where p.reserved <> coalesce(held.quantity, 0)
         limit $1 + 0";

    /// The movements are counted here and not read: that each is of a line is looked at along their own table.
    /// Materialized, or SQLite would count anew for every comparison.
    ORDERS =
        "with told as materialized (
             select o.id, o.status, o.total, cast(case when o.restocked then 1 else 0 end as bigint) as restocked,
                 cast(coalesce(sum(i.unit_price * i.quantity), 0) as bigint) as worth, count(i.product_id) as lines,
                 (select count(*) from payments p where p.order_id = o.id and p.outcome = 'applied') as applied,
                 (select count(*) from stock_movements m where m.order_id = o.id) as moved
             from orders o left join order_items i on i.order_id = o.id and i.order_id > $1 and i.order_id <= $2
             where o.id > $1 and o.id <= $2
             group by o.id
         )
         select id, total, worth, applied, payable, restocked, returnable, moved, movable
         from (
             select id, total, worth, applied, restocked, moved,
                 cast(case status when 'paid' then 1 when 'cancelled' then applied else 0 end as bigint) as payable,
                 cast(case when applied = 0 then 0 when status = 'cancelled' then 1 else restocked end as bigint) as returnable,
                 lines * (applied + restocked) as movable
             from told
         ) o
         where (total, applied, restocked, moved) <> (worth, payable, returnable, movable)";

    /// Each step is a digit of a number, so that one sum tells of all. An order that is paid may have expired before.
    HISTORIES =
        "select id, steps, steps_taken
         from (
             select o.id,
                 (select cast(coalesce(sum(case e.event when 'placed' then 1 when 'paid' then 100 when 'processing' then 1000
                      when 'shipped' then 10000 when 'delivered' then 100000 when 'cancelled' then 1000000
                      when 'expired' then case when o.status in ('paid', 'cancelled') then 0 else 10 end
                      else 0 end), 0) as bigint)
                  from order_events e where e.order_id = o.id) as steps,
                 cast(1 + case o.status when 'expired' then 10 when 'cancelled' then 1000000 else 0 end
                     + case when o.status = 'paid' or o.restocked then 100 else 0 end
                     + case o.fulfillment when 'unfulfilled' then 0 when 'processing' then 1000 when 'shipped' then 11000
                         else 111000 end as bigint) as steps_taken
             from orders o
             where o.id > $1 and o.id <= $2
         ) o
         where steps <> steps_taken";

    /// What is above a category is itself and what is above its parent. In a circle that cannot be true of all.
    CATEGORIES =
        "select id, above, expected, strays, none
         from (
             select c.id, cast(0 as bigint) as none,
                 (select count(*) from category_ancestors a where a.category_id = c.id) as above,
                 1 + (select count(*) from category_ancestors a where a.category_id = c.parent_id) as expected,
                 (select count(*) from category_ancestors a
                  where a.category_id = c.id and a.ancestor_id <> c.id and not exists (
                      select 1 from category_ancestors p where p.category_id = c.parent_id and p.ancestor_id = a.ancestor_id
                  )) as strays
             from categories c
             where c.id > $1 and c.id <= $2
         ) c
         where (above, strays) <> (expected, none)";

    /// What an order moved is of its lines, by their quantities: at most once each way, as the index sees to.
    MOVEMENTS =
        "select id, change, expected
         from (
             select m.id, m.change,
                 cast(case m.reason
                     when 'sold' then coalesce((
                         select -i.quantity from order_items i
                         where i.order_id = m.order_id and i.product_id = m.product_id
                     ), 0)
                     when 'returned' then coalesce((
                         select i.quantity from order_items i join orders o on o.id = i.order_id
                         where i.order_id = m.order_id and i.product_id = m.product_id and o.restocked
                     ), 0)
                     else case when m.order_id is null then m.change else 0 end end as bigint) as expected
             from stock_movements m
             where m.id > $1 and m.id <= $2
         ) m
         where change <> expected";

    /// What the provider's dashboard has not paid back yet does not count as owed: the shop does not owe it. What a lost
    /// dispute took may count once more, as the refund that it overtook: then what has gone back lies between bounds.
    PAYMENTS =
        "select id, amount, total, to_apply, total, foreign_currencies, none, contradictions, none,
             back_or_owed, to_go_back, back_or_owed, at_most, refunded, known_refunded, charged_back, lost
         from (
             select p.id, p.amount, p.total, p.refunded, p.charged_back, p.lost, cast(0 as bigint) as none,
                 case when p.outcome = 'applied' then p.captured else p.total end as to_apply,
                 cast(case when p.currency = p.order_currency
                         and coalesce(p.captured_currency = p.order_currency or p.outcome <> 'applied', true)
                     then 0 else 1 end as bigint) as foreign_currencies,
                 cast(case when (p.status = 'succeeded') = (p.captured is not null)
                         and (p.captured is null) = (p.outcome is null)
                         and (p.captured is null) = (p.captured_currency is null)
                         and (p.captured is not null or not (p.capture_is_exact or p.capture_is_believed))
                     then 0 else 1 end as bigint) as contradictions,
                 p.refunded + p.owed as back_or_owed,
                 case when p.outcome <> 'applied' or (p.outcome = 'applied' and p.order_status = 'cancelled') then p.captured
                     else p.refunded + p.owed end as to_go_back,
                 case when p.refunded + p.owed > coalesce(p.captured, 0) then coalesce(p.captured, 0)
                     else p.refunded + p.owed end as at_most,
                 case when p.refunded < p.paid_back and p.refunded < p.captured then p.paid_back
                     when p.refunded < p.charged_back and p.refunded < p.captured then p.charged_back
                     when p.refunded > p.paid_back + p.charged_back then p.paid_back + p.charged_back
                     else p.refunded end as known_refunded
             from (
                 select p.id, p.status, p.outcome, p.amount, p.currency, p.captured, p.captured_currency, p.capture_is_exact,
                     p.capture_is_believed, p.refunded, p.charged_back, o.total, o.currency as order_currency,
                     o.status as order_status, coalesce(r.owed, 0) as owed, coalesce(r.paid_back, 0) as paid_back,
                     coalesce(d.lost, 0) as lost
                 from payments p
                     join orders o on o.id = p.order_id
                     left join (
                         select payment_id, cast(sum(case status when 'succeeded' then amount else 0 end) as bigint) as paid_back,
                             cast(sum(case when status in ('queued', 'sent')
                                 or (status in ('pending', 'needs_attention') and reason <> 'external')
                                 then amount else 0 end) as bigint) as owed
                         from refunds
                         where payment_id > $1 and payment_id <= $2
                         group by payment_id
                     ) r on r.payment_id = p.id
                     left join (
                         select payment_id, cast(sum(amount) as bigint) as lost
                         from disputes
                         where status = 'lost' and payment_id > $1 and payment_id <= $2
                         group by payment_id
                     ) d on d.payment_id = p.id
                 where p.id > $1 and p.id <= $2
             ) p
         ) p
         where (amount, to_apply, foreign_currencies, contradictions, back_or_owed, back_or_owed, refunded, charged_back)
             <> (total, total, none, none, to_go_back, at_most, known_refunded, lost)";

    /// A refund that was heard of before its payment comes to nothing until then. The remainder of what the provider told in
    /// all was asked for by nobody.
    REFUNDS =
        "select id, contradictions, cast(0 as bigint) as none
         from (
             select r.id,
                 cast(case r.status
                     when 'queued' then case when r.amount = 0
                         or (r.reason <> 'external' and r.reported is null and r.done_at is null) then 0 else 1 end
                     when 'sent' then case when r.reason <> 'external' and r.reported is null and r.done_at is null
                         and r.sent_at is not null then 0 else 1 end
                     when 'pending' then case when r.reported = 'pending' and r.done_at is null then 0 else 1 end
                     when 'needs_attention' then case when r.reported = 'needs_attention' and r.done_at is null then 0 else 1 end
                     when 'failed' then case when r.amount = 0 then 0 else 1 end
                     else 0 end
                 + case when r.amount > 0 and p.captured is null then 1 else 0 end
                 + case when r.amount > r.asked and not (r.reason = 'external' and r.reported is null) then 1 else 0 end
                 as bigint) as contradictions
             from refunds r join payments p on p.id = r.payment_id
             where r.id > $1 and r.id <= $2
         ) r
         where contradictions <> 0";

    /// A cart's generation counts its checkouts.
    CARTS =
        "select user_id as id, orders, checkouts
         from (
             select c.user_id, c.generation - 1 as checkouts,
                 (select count(*) from orders o where o.user_id = c.user_id) as orders
             from carts c
             where c.user_id > $1 and c.user_id <= $2
         ) c
         where orders <> checkouts";

    KEYS =
        "select k.order_id as id, cast(0 as bigint) as orders, cast(1 as bigint) as one
         from idempotency_keys k
         where not exists (select 1 from orders o where o.user_id = k.user_id and o.id = k.order_id)
         limit $1 + 0";

    NOTICES = {
        sqlite:
            "select id, sum(notices) as notices, sum(applied) as applied
             from (
                 select order_id as id, 0 as notices, 1 as applied from payments where outcome = 'applied'
                 union all
                 select cast(payload ->> 'order' as integer), 1, 0 from outbox where topic = 'order.paid'
             ) told
             group by id
             having sum(notices) <> sum(applied)
             limit $1 + 0",
        postgres:
            "select id, sum(notices) as notices, sum(applied) as applied
             from (
                 select order_id as id, 0 as notices, 1 as applied from payments where outcome = 'applied'
                 union all
                 select cast(cast(payload as json) ->> 'order' as bigint), 1, 0 from outbox where topic = 'order.paid'
             ) told
             group by id
             having sum(notices) <> sum(applied)
             limit $1 + 0",
    };

    /// Whatever waits for something to become known is an event that found nothing.
    WAITING =
        "select u.event as id, cast(0 as bigint) as unmatched, cast(1 as bigint) as one
         from unmatched_references u
         where not exists (select 1 from payment_events e where e.id = u.event and e.status = 'unmatched')
         limit $1 + 0";
}

/// One way along a table: what is looked at there together.
pub(super) struct Walk {
    /// The table whose rows are named.
    pub(super) table: &'static str,
    /// Answers the id at which a slice of the table ends; `None` where the table cannot be looked at in slices.
    next: Option<Sql>,
    /// Answers an id, and for every check in turn what was found and what was expected.
    statement: Sql,
    pub(super) checks: &'static [Check],
}

const fn check(name: &'static str, counts: &'static str) -> Check {
    Check { name, counts }
}

pub(super) const WALKS: &[Walk] = &[
    Walk {
        table: "products",
        next: Some(NEXT_PRODUCTS),
        statement: PRODUCTS,
        checks: &[
            check("stock_bounds", "reserved units, within the stock"),
            check("stock_ledger", "units in stock, by its movements"),
            check("units_sold", "units sold, by its movements"),
        ],
    },
    Walk {
        table: "products",
        next: Some(NEXT_PRODUCTS),
        statement: INDEXED,
        checks: &[check("indexed", "entries in the index of searches, as the product is now")],
    },
    Walk {
        table: "products",
        next: None,
        statement: RESERVED,
        checks: &[check("reserved", "reserved units, by the orders that wait")],
    },
    Walk {
        table: "product_counts",
        next: None,
        statement: FOR_SALE,
        checks: &[check("for_sale", "products for sale, as many as there are")],
    },
    Walk {
        table: "categories",
        next: Some(NEXT_CATEGORIES),
        statement: CATEGORIES,
        checks: &[
            check("category_tree", "categories above it and itself, by its parent"),
            check("category_strays", "categories above it that are not above its parent"),
        ],
    },
    Walk {
        table: "orders",
        next: Some(NEXT_ORDERS),
        statement: ORDERS,
        checks: &[
            check("order_total", "minor units in total"),
            check("order_paid", "applied payments"),
            check("units_returned", "times that its units went back"),
            check("units_moved", "lines taken out of stock or put back"),
        ],
    },
    Walk {
        table: "orders",
        next: Some(NEXT_ORDERS),
        statement: HISTORIES,
        checks: &[check(
            "order_history",
            "steps in its history, a digit each (cancelled, delivered, shipped, processing, paid, expired, placed)",
        )],
    },
    Walk { table: "orders", next: None, statement: NOTICES, checks: &[check("one_notice", "notices that it was paid")] },
    Walk {
        table: "stock_movements",
        next: Some(NEXT_MOVEMENTS),
        statement: MOVEMENTS,
        checks: &[check("movement_line", "units moved, by the order's line")],
    },
    Walk {
        table: "payments",
        next: Some(NEXT_PAYMENTS),
        statement: PAYMENTS,
        checks: &[
            check("payment_amount", "minor units asked for"),
            check("applied_amount", "captured minor units"),
            check("payment_currency", "currencies beside the order's"),
            check("payment_status", "contradictions between its status and its fields"),
            check("money_goes_back", "minor units paid back or owed"),
            check("refunds_bounded", "minor units paid back or owed, at most"),
            check("refunded", "minor units paid back, by its refunds and disputes"),
            check("charged_back", "minor units charged back, by its lost disputes"),
        ],
    },
    Walk {
        table: "refunds",
        next: Some(NEXT_REFUNDS),
        statement: REFUNDS,
        checks: &[check("refund_status", "contradictions between its status, its fields and its payment")],
    },
    Walk {
        table: "carts",
        next: Some(NEXT_CARTS),
        statement: CARTS,
        checks: &[check("one_order_a_cart", "orders, by the checkouts of the cart")],
    },
    Walk { table: "orders", next: None, statement: KEYS, checks: &[check("idempotency_key", "orders of its key's customer")] },
    Walk {
        table: "payment_events",
        next: None,
        statement: WAITING,
        checks: &[check("event_waits", "unmatched events behind a reference that waits")],
    },
];

/// A row that breaks something: what it has and what it should have, in the order of the checks.
pub(super) struct Breach {
    pub(super) id: i64,
    pub(super) pairs: Vec<(i64, i64)>,
}

impl<'r, R: sqlx::Row> FromRow<'r, R> for Breach
where
    usize: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let pairs = (1..row.len()).step_by(2).map(|at| Ok((row.try_get(at)?, row.try_get(at + 1)?)));
        Ok(Self { id: row.try_get(0)?, pairs: pairs.collect::<Result<_, sqlx::Error>>()? })
    }
}

impl Walk {
    /// The rows of the next slice that break something, and where it ended; `None` behind the last slice.
    ///
    /// A walk without slices is one slice, and answers at most `most` rows.
    pub(super) async fn step(
        &self,
        tx: &mut Tx,
        behind: i64,
        slice: i64,
        most: i64,
    ) -> Result<Option<(i64, Vec<Breach>)>, StoreError> {
        if behind == i64::MAX {
            return Ok(None);
        }
        let Some(next) = self.next else { return Ok(Some((i64::MAX, tx.all(self.statement, &(most,)).await?))) };
        let until = match tx.one::<(Option<i64>, i64)>(next, &(behind, slice)).await? {
            (Some(until), seen) if seen == slice => until,
            _ => i64::MAX,
        };
        Ok(Some((until, tx.all(self.statement, &(behind, until)).await?)))
    }
}
