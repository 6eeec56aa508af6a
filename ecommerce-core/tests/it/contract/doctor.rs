//! The audit finds every row that was tampered with, and nothing in a healthy shop.

use std::collections::BTreeSet;

use ecommerce_core::{Fulfillment, FulfillmentStep, PageRequest, RefundRequest};

use crate::{
    events::Attempt,
    shop::{Shop, minutes},
};

stories![
    a_busy_shop_is_healthy,
    every_wound_is_found_and_named,
    stock_below_what_is_reserved_is_found,
    more_wounds_than_are_named_are_told_of,
];

async fn a_busy_shop_is_healthy(shop: Shop) {
    shop.healthy().await;
    let (ann, bob) = (shop.customer("ann").await, shop.customer("bob").await);
    let (mug, plate) = (shop.product("Mug", "10", 10).await, shop.product("Plate", "500 JPY", 10).await);
    shop.order(&ann, &[(plate, 1)]).await;
    shop.wait(minutes(35)).await;
    shop.order(&bob, &[(plate, 3)]).await;
    let order = shop.paid_order(&ann, &[(mug, 2)]).await;
    shop.stripe(&Attempt::another(&order, "again").session_completed()).await;
    let request = RefundRequest { amount: Some("5".parse().unwrap()), ..RefundRequest::default() };
    shop.store.order_refund(shop.admin(), order.id, &request).await.unwrap();
    shop.stripe(&Attempt::of(&order).dispute_opened()).await;
    shop.fill(&ann, &[(mug, 1)]).await;
    let cancelled = shop.paid_order(&ann, &[(mug, 1)]).await;
    shop.store.order_cancel(shop.admin(), cancelled.id).await.unwrap();
    let lost = shop.paid_order(&ann, &[(mug, 1)]).await;
    shop.stripe(&Attempt::of(&lost).dispute_lost()).await;
    shop.stripe(&Attempt::another(&order, "unknown").nameless().dispute_opened()).await;
    let report = shop.store.audit().await.unwrap();
    assert!(report.is_healthy() && report.unnamed.is_empty() && report.checks.len() >= 20, "{report:?}");
}

/// What somebody does to the rows, what undoes it, and the check that names a row for it.
struct Wound {
    check: &'static str,
    row: (&'static str, i64),
    wound: String,
    cure: String,
}

fn wound(check: &'static str, row: (&'static str, i64), wound: impl Into<String>, cure: impl Into<String>) -> Wound {
    Wound { check, row, wound: wound.into(), cure: cure.into() }
}

/// Sets a column of a row to another value, and back.
fn set(check: &'static str, row: (&'static str, i64), column: &str, value: &str, back: &str) -> Wound {
    let (table, id) = row;
    let update = |value: &str| format!("update {table} set {column} = {value} where id = {id}");
    wound(check, row, update(value), update(back))
}

async fn every_wound_is_found_and_named(shop: Shop) {
    let (ann, bob) = (shop.customer("ann").await, shop.register("bob").await.user.id);
    let mug = shop.product("Mug", "10", 10).await;
    let waiting = shop.order(&ann, &[(mug, 1)]).await;
    let sold = shop.paid_order(&ann, &[(mug, 2)]).await;
    shop.stripe(&Attempt::another(&sold, "again").session_completed()).await;
    let step = FulfillmentStep { status: Fulfillment::Processing, tracking_number: None, note: None };
    let sold = shop.store.order_fulfill(shop.admin(), sold.id, &step).await.unwrap();
    let movements = shop.store.stock(shop.admin(), mug).await.unwrap().movements;
    let movement = movements.iter().find(|movement| movement.order == Some(sold.id)).unwrap().id.get();
    let event = shop.store.payment_event_list(shop.admin(), PageRequest::default()).await.unwrap().results[0].id.get();
    shop.healthy().await;

    let product = ("products", mug.get());
    let (open, paid) = (("orders", waiting.id.get()), ("orders", sold.id.get()));
    let asked = ("payments", waiting.payments[0].id.get());
    let (applied, duplicate) = (("payments", sold.payments[0].id.get()), ("payments", sold.payments[1].id.get()));
    let refund = ("refunds", sold.refunds[0].id.get());
    let (open_id, paid_id, user) = (open.1, paid.1, sold.customer.id);
    let kitchen = shop.category("Kitchen", None).await;
    let (mugs, garden) = (shop.category("Mugs", Some(kitchen)).await, shop.category("Garden", None).await);
    shop.healthy().await;
    let mut never_found: BTreeSet<_> = shop.store.audit().await.unwrap().checks.into_iter().collect();
    for Wound { check, row, wound, cure } in [
        // A category that moved without its tree, one that stands in a circle, and one that is found below a stranger.
        set("category_tree", ("categories", garden.get()), "parent_id", &mugs.to_string(), "null"),
        set("category_tree", ("categories", kitchen.get()), "parent_id", &mugs.to_string(), "null"),
        wound(
            "category_tree",
            ("categories", mugs.get()),
            format!("insert into category_ancestors (category_id, ancestor_id) values ({mugs}, {garden})"),
            format!("delete from category_ancestors where category_id = {mugs} and ancestor_id = {garden}"),
        ),
        wound(
            "category_strays",
            ("categories", mugs.get()),
            format!(
                "update category_ancestors set ancestor_id = {garden} where category_id = {mugs} and ancestor_id = {kitchen}"
            ),
            format!(
                "update category_ancestors set ancestor_id = {kitchen} where category_id = {mugs} and ancestor_id = {garden}"
            ),
        ),
        // More reserved than open orders hold; a stock that no movement explains; a movement that is not of its line.
        set("reserved", product, "reserved", "reserved + 1", "reserved - 1"),
        set("stock_ledger", product, "stock", "stock + 1", "stock - 1"),
        set("stock_ledger", product, "stock", "stock - 1", "stock + 1"),
        set("units_sold", product, "sold", "sold + 1", "sold - 1"),
        // A price that the index does not know.
        set("indexed", product, "price_scaled", "price_scaled + 1", "price_scaled - 1"),
        // A page that says that there are more products than it shows.
        set("for_sale", ("product_counts", 1), "for_sale", "for_sale + 1", "for_sale - 1"),
        set("movement_line", ("stock_movements", movement), "change", "change - 1", "change + 1"),
        set("movement_line", ("stock_movements", movement), "order_id", "null", &paid_id.to_string()),
        set("movement_line", ("stock_movements", movement), "order_id", &open_id.to_string(), &paid_id.to_string()),
        set("movement_line", ("stock_movements", movement), "reason", "'returned'", "'sold'"),
        set("units_moved", paid, "restocked", "true", "false"),
        wound(
            "units_moved",
            paid,
            format!("update stock_movements set order_id = null where id = {movement}"),
            format!("update stock_movements set order_id = {paid_id} where id = {movement}"),
        ),
        wound(
            "order_total",
            paid,
            format!("update order_items set unit_price = unit_price + 1 where order_id = {paid_id}"),
            format!("update order_items set unit_price = unit_price - 1 where order_id = {paid_id}"),
        ),
        set("order_total", open, "total", "total + 1", "total - 1"),
        // Paid without a payment, a payment without a paid order, cancelled without its units back.
        set("order_paid", open, "status", "'paid'", "'pending_payment'"),
        set("order_paid", paid, "status", "'expired'", "'paid'"),
        set("units_returned", paid, "status", "'cancelled'", "'paid'"),
        // Steps that the history does not have, or has and the order does not say.
        set("order_history", paid, "fulfillment", "'unfulfilled'", "'processing'"),
        set("order_history", open, "status", "'cancelled'", "'pending_payment'"),
        wound(
            "order_history",
            paid,
            format!("insert into order_events (order_id, event, at) values ({paid_id}, 'paid', 0)"),
            format!("delete from order_events where order_id = {paid_id} and at = 0"),
        ),
        wound(
            "order_history",
            open,
            format!("update order_events set event = 'expired' where order_id = {open_id}"),
            format!("update order_events set event = 'placed' where order_id = {open_id}"),
        ),
        // A notice that goes out twice, one that does not, and one that is not true.
        wound(
            "one_notice",
            paid,
            "update outbox set topic = 'order.paid' where topic = 'order.processing'",
            "update outbox set topic = 'order.processing' where topic = 'order.paid' and id = (select max(id) from outbox)",
        ),
        wound(
            "one_notice",
            paid,
            "update outbox set topic = 'order.forgotten' where topic = 'order.paid'",
            "update outbox set topic = 'order.paid' where topic = 'order.forgotten'",
        ),
        wound(
            "one_notice",
            open,
            format!("insert into outbox (topic, payload, created_at) values ('order.paid', '{{\"order\":{open_id}}}', 0)"),
            "delete from outbox where created_at = 0",
        ),
        // Amounts and currencies beside the order's, and fields that do not fit the status.
        set("payment_amount", asked, "amount", "amount + 1", "amount - 1"),
        set("payment_currency", asked, "currency", "'EUR'", "'USD'"),
        set("payment_currency", applied, "captured_currency", "'EUR'", "'USD'"),
        set("applied_amount", applied, "captured", "captured + 1", "captured - 1"),
        set("payment_status", applied, "captured_currency", "null", "'USD'"),
        set("payment_status", asked, "capture_is_exact", "true", "false"),
        set("payment_status", asked, "capture_is_believed", "true", "false"),
        // Money that is owed to nobody, owed twice, or back without a refund that says so.
        set("money_goes_back", refund, "amount", "amount - 1", "amount + 1").named(duplicate),
        set("money_goes_back", duplicate, "captured", "captured + 1", "captured - 1"),
        set("refunds_bounded", refund, "amount", "amount + 1", "amount - 1").named(duplicate),
        set("refunded", duplicate, "refunded", "1", "0"),
        set("refunded", refund, "status", "'succeeded'", "'queued'").named(duplicate),
        set("charged_back", applied, "charged_back", "1", "0"),
        // Refunds that say that they were sent, heard of or bounced when they were not, and more than was asked for.
        set("refund_status", refund, "status", "'sent'", "'queued'"),
        set("refund_status", refund, "status", "'pending'", "'queued'"),
        set("refund_status", refund, "status", "'needs_attention'", "'queued'"),
        set("refund_status", refund, "status", "'failed'", "'queued'"),
        set("refund_status", refund, "reported", "'pending'", "null"),
        set("refund_status", refund, "done_at", "1", "null"),
        set("refund_status", refund, "asked", "asked - 1", "asked + 1"),
        set("refund_status", refund, "payment_id", &asked.1.to_string(), &duplicate.1.to_string()),
        // A cart that made no order of a checkout, and a key to somebody else's order.
        wound(
            "one_order_a_cart",
            ("carts", user.get()),
            format!("update carts set generation = generation + 1 where user_id = {user}"),
            format!("update carts set generation = generation - 1 where user_id = {user}"),
        ),
        wound(
            "idempotency_key",
            paid,
            format!(
                "insert into idempotency_keys (user_id, key, fingerprint, order_id, created_at) values ({bob}, 'k', '', {paid_id}, 0)"
            ),
            "delete from idempotency_keys",
        ),
        // An event that waits and was acted upon.
        wound(
            "event_waits",
            ("payment_events", event),
            format!("insert into unmatched_references (provider, reference, event) values ('stripe', 'pi_1', {event})"),
            "delete from unmatched_references",
        ),
    ] {
        shop.execute(&wound).await;
        let report = shop.store.audit().await.unwrap();
        let found = report.findings.iter().find(|finding| (finding.check, finding.table, finding.id) == (check, row.0, row.1));
        let found = found.unwrap_or_else(|| panic!("{check} does not name {row:?} after {wound}: {report:#?}"));
        assert!(report.checks.contains(&check) && found.detail.contains(", should be "), "{found:?}");
        never_found.remove(check);
        shop.execute(&cure).await;
        shop.healthy().await;
    }
    assert_eq!(never_found, BTreeSet::from(["stock_bounds"]), "which has a story of its own");
}

impl Wound {
    /// The same, and another row is named for it.
    fn named(self, row: (&'static str, i64)) -> Self {
        Self { row, ..self }
    }
}

/// The database itself refuses such a row, until somebody takes its check away.
async fn stock_below_what_is_reserved_is_found(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    shop.order(&ann, &[(mug, 2)]).await;
    let is_sqlite = shop.url().starts_with("sqlite:");
    let (off, on) = match is_sqlite {
        true => ("pragma ignore_check_constraints = on", "select 1"),
        false => (
            "alter table products drop constraint products_check",
            "alter table products add constraint products_check check (reserved between 0 and stock)",
        ),
    };
    for (wound, cure) in [("reserved = 11", "reserved = 2"), ("reserved = -1", "reserved = 2"), ("stock = 1", "stock = 10")] {
        shop.execute(&format!("{off}; update products set {wound}")).await;
        let findings = shop.store.audit().await.unwrap().findings;
        let found = findings.iter().any(|finding| (finding.check, finding.id) == ("stock_bounds", mug.get()));
        assert!(found, "{wound}: {findings:?}");
        shop.execute(&format!("update products set {cure}; {on}")).await;
        shop.healthy().await;
    }
}

async fn more_wounds_than_are_named_are_told_of(shop: Shop) {
    let products =
        "insert into products (name, name_key, description, price, price_scaled, currency, stock, is_available, created_at,
             updated_at, deleted_at)
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 101)
         select 'p' || i, 'p' || i, '', 1, 100, 'USD', 3, i > 0, 0, 0, 0 from n order by i";
    shop.execute(products).await;
    let report = shop.store.audit().await.unwrap();
    assert_eq!((report.findings.len(), report.unnamed.as_slice()), (100, &["stock_ledger"][..]));
    shop.execute("update products set stock = 0 where name = 'p101'").await;
    let report = shop.store.audit().await.unwrap();
    assert_eq!((report.findings.len(), report.unnamed.len()), (100, 0));
    shop.execute("update products set stock = 0").await;
}
