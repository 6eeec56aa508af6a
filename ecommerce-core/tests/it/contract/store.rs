//! The store as a whole: opened, opened again, opened by many at once, copied.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use ecommerce_core::{Fulfillment, FulfillmentStep, PageRequest, ProductFilter, ProviderName, Quantity, Store};

use crate::{
    database::{Database, Engine},
    events::Attempt,
    shop::{Shop, hours, money, runtime, tell},
};

stories![
    a_shop_that_was_closed_is_there_again,
    two_processes_see_one_shop,
    a_copy_is_a_whole_shop_or_refused,
    a_closed_store_answers_with_errors,
    what_has_ended_is_not_kept,
    whoever_goes_away_leaves_nothing_open,
];

async fn a_shop_that_was_closed_is_there_again(shop: Shop) {
    let first = shop.second_process().await;
    let ann = first.customer("ann").await;
    let mug = first.product("Mug", "10", 10).await;
    let order = first.paid_order(&ann, &[(mug, 1)]).await;
    first.store.close().await;
    let again = shop.second_process().await;
    assert_eq!(again.reload(&order).await, order);
    assert_eq!(again.stock(mug).await, (9, 0));
    again.store.close().await;
}

/// The call is dropped after so many looks at how far it has come.
async fn looked_at(call: impl Future, times: u32) {
    let (mut call, mut left) = (pin!(call), times);
    poll_fn(|context| {
        let is_over = left == 0 || call.as_mut().poll(context).is_ready();
        left = left.saturating_sub(1);
        if is_over { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// In the middle of whatever call, that of the beginning of a transaction too.
async fn whoever_goes_away_leaves_nothing_open(shop: Shop) {
    let (ann, mug) = (shop.customer("ann").await, shop.product("Mug", "10", 1_000).await);
    let order = shop.order_by(&ann, &[(mug, 1)], ProviderName::Manual).await;
    let other = shop.second_process().await;
    for number in 1..=150 {
        looked_at(shop.store.order_cancel(&ann, order.id), number % 15).await;
        // Their connection comes back, and is the first to be lent again.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let quantity = Quantity::new(number.into()).unwrap();
        shop.store.cart_set(&ann, mug, Some(quantity)).await.unwrap();
        let cart = other.store.cart(&ann).await.unwrap();
        assert_eq!(cart.items[0].quantity, quantity, "it was answered, and is not there");
    }
    other.store.close().await;
}

async fn two_processes_see_one_shop(shop: Shop) {
    let other = shop.second_process().await;
    let ann = shop.customer("ann").await;
    let mug = other.product("Mug", "10", 10).await;
    other.fill(&ann, &[(mug, 1)]).await;
    let order = shop.try_checkout(&ann, ProviderName::Stripe).await.unwrap().order;
    other.stripe(&Attempt::of(&order).session_completed()).await;
    assert_eq!((shop.reload(&order).await.status.as_str(), shop.stock(mug).await), ("paid", (9, 0)));
    let signed_in = shop.store.login("ann@example.com", crate::shop::PASSWORD).await.unwrap();
    let session = other.store.authenticate(signed_in.token.reveal()).await.unwrap();
    shop.store.logout(&session).await.unwrap();
    assert!(other.store.authenticate(signed_in.token.reveal()).await.is_err(), "logged out on every process");
    other.store.close().await;
}

async fn a_copy_is_a_whole_shop_or_refused(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.paid_order(&ann, &[(mug, 1)]).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("copy.db");
    let copied = shop.store.backup(&file).await;
    if shop.url().starts_with("postgres") {
        assert!(copied.is_err() && !file.exists());
        return;
    }
    copied.unwrap();
    assert!(shop.store.backup(&file).await.is_err(), "a copy does not overwrite");
    shop.product("Plate", "10", 10).await;
    let copy = Shop::open(&format!("sqlite:{}", file.display())).await;
    assert_eq!(copy.reload(&order).await, order);
    let list = copy.store.product_list(&ProductFilter::default(), PageRequest::default(), None).await.unwrap();
    assert_eq!(list.results.iter().map(|product| product.price).collect::<Vec<_>>(), [money("10")]);
    copy.healthy().await;
    copy.store.close().await;
}

async fn a_closed_store_answers_with_errors(shop: Shop) {
    let other = shop.second_process().await;
    other.store.ping().await.unwrap();
    other.store.close().await;
    assert!(other.store.ping().await.unwrap_err().is_unavailable());
    assert!(other.store.run_due().await.unwrap_err().is_unavailable());
    shop.store.ping().await.unwrap();
}

async fn what_has_ended_is_not_kept(shop: Shop) {
    shop.register("ann").await;
    shop.wait(hours(24)).await;
    let bob = shop.register("bob").await;
    assert_eq!(shop.texts("select token_hash from sessions").await.len(), 2);
    shop.wait(hours(29 * 24)).await;
    assert_eq!(shop.texts("select token_hash from sessions").await.len(), 1);
    assert_eq!(shop.store.authenticate(bob.token.reveal()).await.unwrap().user().id, bob.user.id);
}

#[test]
fn whoever_loses_a_race_tries_again_in_every_room() {
    tell(Engine::Postgres, every_room_loses_a_race);
}

/// Lets the first write to a table fail as if another had won. What a trigger writes goes with the transaction that it
/// undoes, but a sequence counts on: so the second write is let through.
const LOSE_ONE: &str = "
    create sequence races;
    create function lose_one() returns trigger language plpgsql as $$
    begin
        if nextval('races') = 1 then
            raise exception 'another was faster' using errcode = 'serialization_failure';
        end if;
        return null;
    end $$";

async fn every_room_loses_a_race(shop: Shop) {
    shop.execute(LOSE_ONE).await;
    let (ann, mug) = (shop.customer("ann").await, shop.product("Mug", "10", 10).await);
    lose_one(&shop, "users", async { _ = shop.register("bob").await }).await;
    lose_one(&shop, "products", async { _ = shop.product("Plate", "10", 10).await }).await;
    lose_one(&shop, "cart_items", shop.fill(&ann, &[(mug, 1)])).await;
    let mut order = None;
    lose_one(&shop, "orders", async { order = shop.try_checkout(&ann, ProviderName::Manual).await.ok() }).await;
    let order = order.unwrap().order.id;
    let confirmed = async { _ = shop.store.order_confirm_payment(shop.admin(), order, None).await.unwrap() };
    lose_one(&shop, "payments", confirmed).await;
    let step = FulfillmentStep { status: Fulfillment::Processing, tracking_number: None, note: None };
    let packed = async { _ = shop.store.order_fulfill(shop.admin(), order, &step).await.unwrap() };
    lose_one(&shop, "orders", packed).await;
    shop.execute("drop function lose_one; drop sequence races").await;
}

/// Does a deed of which the first write to the table fails.
async fn lose_one(shop: &Shop, table: &str, deed: impl Future<Output = ()>) {
    let trigger = format!("create trigger lose_one after insert or update on {table} execute function lose_one()");
    shop.execute(&format!("select setval('races', 1, false); {trigger}")).await;
    deed.await;
    let lost = "do $$ begin assert (select is_called from races), 'there was no race'; end $$";
    shop.execute(&format!("{lost}; drop trigger lose_one on {table}")).await;
}

#[test]
fn an_empty_database_is_opened_by_many_at_once() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        runtime().block_on(async {
            let Some(database) = Database::create(engine).await else { return };
            let openings = (0..4).map(|_| {
                let url = database.url.clone();
                tokio::spawn(async move { Shop::open(&url).await })
            });
            let mut shops = Vec::new();
            for opening in openings.collect::<Vec<_>>() {
                shops.push(opening.await.unwrap());
            }
            let mug = shops[0].product("Mug", "10", 10).await;
            for shop in &shops {
                assert_eq!(shop.stock(mug).await, (10, 0));
                shop.store.close().await;
            }
            database.remove().await;
        });
    }
}

#[test]
fn a_shop_fits_in_memory() {
    runtime().block_on(async {
        let shop = Shop::open("sqlite::memory:").await;
        let ann = shop.customer("ann").await;
        let mug = shop.product("Mug", "10", 10).await;
        shop.paid_order(&ann, &[(mug, 1)]).await;
        shop.healthy().await;
        shop.store.close().await;
    });
}

#[test]
fn what_is_no_database_is_refused() {
    runtime().block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let no_database = directory.path().join("letter.txt");
        std::fs::write(&no_database, "Dear Sir or Madam, ".repeat(500)).unwrap();
        let letter = format!("sqlite:{}", no_database.display());
        for url in ["", "shop.db", "mysql://root@localhost/shop", "sqlite:/no/such/directory/shop.db", "postgres://:::/", &letter]
        {
            assert!(Store::open(url).await.is_err(), "{url:?} was opened");
        }
    });
}
