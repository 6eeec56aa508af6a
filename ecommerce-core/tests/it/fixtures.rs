//! Stripe's events as its documents show them, whole, in any order. They are looked for beside the repository, or where
//! `STRIPE_FIXTURES` says; without them the test says that it skips.

use std::{env, fs, io::Write as _, path::PathBuf};

use ecommerce_core::{Order, OrderStatus, PaymentEventStatus, PaymentStatus};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::{
    database::{Database, Engine},
    properties::config,
    shop::{Shop, runtime},
};

#[test]
fn documented_events_are_understood_in_any_order_on_sqlite() {
    deliver_all(Engine::Sqlite);
}

#[test]
fn documented_events_are_understood_in_any_order_on_postgres() {
    deliver_all(Engine::Postgres);
}

fn deliver_all(engine: Engine) {
    let Some(events) = fixtures() else { return };
    let runtime = runtime();
    let Some(database) = runtime.block_on(Database::create(engine)) else { return };
    let shop = runtime.block_on(Shop::open(&database.url));
    let customer = runtime.block_on(shop.customer("ann"));
    let mug = runtime.block_on(shop.product("Mug", "25.99", 1_000));
    let ran = TestRunner::new(config(10)).run(&Just(events).prop_shuffle(), |events| {
        runtime.block_on(async {
            let order = shop.order(&customer, &[(mug, 1)]).await;
            for event in &events {
                let status = shop.stripe_text(&of(&order, event)).await.unwrap();
                assert_ne!(status, PaymentEventStatus::Failed, "{event}");
            }
            let order = shop.reload(&order).await;
            let standing = (order.status, order.payment_status, order.disputed, order.payments.len());
            assert_eq!(standing, (OrderStatus::Paid, PaymentStatus::ChargedBack, false, 1), "{order:#?}");
            assert_eq!(order.refunded_total, order.total);
            shop.healthy().await;
        });
        Ok(())
    });
    runtime.block_on(async {
        shop.store.close().await;
        database.remove().await;
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
}

fn fixtures() -> Option<Vec<String>> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures/stripe");
    let directory = env::var_os("STRIPE_FIXTURES").map_or_else(beside, PathBuf::from);
    let Ok(entries) = fs::read_dir(&directory) else {
        // Straight to standard error: what a passing test prints is not shown.
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: Stripe's documented events, which are not in {}\n", directory.display());
        return None;
    };
    let events: Vec<_> = entries.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    assert!(!events.is_empty(), "{} is empty", directory.display());
    Some(events)
}

/// The event as if it were about this order: with our ids, and the provider's own ids made the order's.
fn of(order: &Order, event: &str) -> String {
    let event = event.replace("PAYMENT_ID", &order.payments[0].id.to_string()).replace("ORDER_ID", &order.id.to_string());
    event.replace("_A1\"", &format!("_A1-{}\"", order.id)).replace("\"evt_", &format!("\"evt_{}_", order.id))
}
