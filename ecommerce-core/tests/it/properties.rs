//! Random sales: whatever is bought, paid, called off or left to expire, stock and prices add up after every step.

use ecommerce_core::{Customer, Money, Order, OrderStatus, ProductChange, ProductId, ProviderName};
use proptest::test_runner::{TestCaseError, TestRunner};
use proptest::{prelude::*, test_runner::Config};

use crate::{
    database::Engine,
    events::Attempt,
    shop::{Shop, minutes, tell},
};

const PRODUCTS: usize = 3;
/// Cents. An order of less than half a dollar is none that Stripe takes.
const PRICES: std::ops::Range<i64> = 50..5000;

/// What happens in the shop.
#[derive(Debug, Clone)]
enum Happening {
    /// Somebody orders pieces of some products, and this becomes of the order.
    Order(Vec<(usize, i64)>, End),
    Reprice(usize, i64),
}

#[derive(Debug, Clone, Copy)]
enum End {
    Waits,
    IsPaid,
    IsCalledOff,
    IsPaidAndCalledOff,
    Expires,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    use End::{Expires, IsCalledOff, IsPaid, IsPaidAndCalledOff, Waits};
    let lines = prop::collection::btree_map(0..PRODUCTS, 1..6_i64, 1..=PRODUCTS);
    let lines = lines.prop_map(|lines| lines.into_iter().collect());
    let end = prop::sample::select(vec![Waits, Waits, IsPaid, IsPaid, IsPaid, IsCalledOff, IsPaidAndCalledOff, Expires]);
    let happening = prop_oneof![
        6 => (lines, end).prop_map(|(lines, end)| Happening::Order(lines, end)),
        1 => (0..PRODUCTS, PRICES).prop_map(|(product, price)| Happening::Reprice(product, price)),
    ];
    prop::collection::vec(happening, 1..20)
}

#[test]
fn stock_and_prices_add_up_on_sqlite() {
    check(Engine::Sqlite, 24);
}

#[test]
fn stock_and_prices_add_up_on_postgres() {
    check(Engine::Postgres, 8);
}

fn check(engine: Engine, cases: u32) {
    let products = prop::collection::vec((PRICES, 0..15_i64), PRODUCTS);
    let checked = TestRunner::new(config(cases)).run(&(products, happenings()), |(products, happenings)| {
        let told = std::panic::catch_unwind(|| tell(engine, move |shop| live(shop, products, happenings)));
        told.map_err(|_| TestCaseError::fail("something does not add up"))
    });
    checked.unwrap_or_else(|failure| panic!("{failure}"));
}

/// So many random cases, or as many as `PROPTEST_CASES` says.
pub(crate) fn config(cases: u32) -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
    Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() }
}

/// A product: its price of now, and how many there were in the beginning.
struct Product {
    id: ProductId,
    price: i64,
    stock: i64,
}

async fn live(shop: Shop, products: Vec<(i64, i64)>, happenings: Vec<Happening>) {
    let ann = shop.customer("ann").await;
    let mut shelf = Vec::new();
    for (price, stock) in products {
        shelf.push(Product { id: shop.product("Thing", &cents(price).to_string(), stock).await, price, stock });
    }
    let mut orders = Vec::new();
    for happening in happenings {
        match happening {
            Happening::Reprice(product, price) => {
                shelf[product].price = price;
                let change = ProductChange { price: Some(cents(price)), ..ProductChange::default() };
                shop.change(shelf[product].id, change).await;
            }
            Happening::Order(lines, end) => orders.extend(order(&shop, &ann, &shelf, &lines, end).await),
        }
        adds_up(&shop, &shelf, &orders).await;
    }
}

/// An order at the prices of now, where there is enough of everything; else the cart is as it was.
async fn order(shop: &Shop, ann: &Customer, shelf: &[Product], lines: &[(usize, i64)], end: End) -> Option<Order> {
    let total = cents(lines.iter().map(|(product, count)| shelf[*product].price * count).sum());
    let mut are_there = true;
    for (product, count) in lines {
        let (stock, reserved) = shop.stock(shelf[*product].id).await;
        are_there &= *count <= stock - reserved;
    }
    let lines: Vec<_> = lines.iter().map(|(product, count)| (shelf[*product].id, *count)).collect();
    let added = shop.store.cart_add(ann, &crate::shop::cart_lines(&lines)).await;
    assert_eq!(added.is_ok(), are_there, "{added:?}");
    assert_eq!(added.ok()?.total, Some(total));
    let order = shop.try_checkout(ann, ProviderName::Stripe).await.unwrap().order;
    assert_eq!(order.total, total);
    if matches!(end, End::IsPaid | End::IsPaidAndCalledOff) {
        shop.stripe(&Attempt::of(&order).session_completed()).await;
    }
    match end {
        End::IsCalledOff => drop(shop.store.order_cancel(ann, order.id).await.unwrap()),
        End::IsPaidAndCalledOff => drop(shop.store.order_cancel(shop.admin(), order.id).await.unwrap()),
        End::Expires => shop.wait(minutes(36)).await,
        End::Waits | End::IsPaid => {}
    }
    Some(order)
}

/// What was sold is gone, what waits is reserved, and the rest is there; an order costs what it cost when it was placed.
async fn adds_up(shop: &Shop, shelf: &[Product], placed: &[Order]) {
    let mut orders = Vec::new();
    for placed in placed {
        let order = shop.reload(placed).await;
        assert_eq!((order.total, &order.items), (placed.total, &placed.items));
        let sum: i64 = order.items.iter().map(|item| item.unit_price.minor() * i64::from(item.quantity.get())).sum();
        assert_eq!(order.total.minor(), sum);
        orders.push(order);
    }
    for product in shelf {
        let of_status = |status: OrderStatus| -> i64 {
            let items = orders.iter().filter(|order| order.status == status).flat_map(|order| &order.items);
            items.filter(|item| item.product_id == product.id).map(|item| i64::from(item.quantity.get())).sum()
        };
        let (sold, reserved) = (of_status(OrderStatus::Paid), of_status(OrderStatus::PendingPayment));
        assert_eq!(shop.stock(product.id).await, (product.stock - sold, reserved));
    }
    shop.healthy().await;
}

fn cents(amount: i64) -> Money {
    Money::new(amount, "USD".parse().unwrap()).unwrap()
}
