//! What is done in a round, written down before it is measured, and what makes the shop ready for it.

use std::sync::atomic::{AtomicUsize, Ordering};

use clap::ValueEnum;
use ecommerce_benches::{Failure, server::STRIPE_SECRET};
use ecommerce_core::{
    Money, OrderId, PaymentId,
    conformance::{PaidNews, Placed, StripeWebhooks},
};
use serde::{Deserialize, Serialize};

use crate::{
    load,
    server::Server,
    shop::{ADMIN, BUYERS, PASSWORD, email, token},
    wire::{Wire, bearer, delete, get, get_as, patch, post},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Case {
    Product,
    Page,
    Search,
    Login,
    Add,
    Checkout,
    Webhook,
    Purchase,
    /// Purchases of the same two products.
    Crowd,
    /// Purchases while an admin sets new prices all the time.
    Edited,
    /// A page of a customer's own orders.
    OwnOrders,
    /// A page of everybody's orders, for an admin.
    AllOrders,
}

/// One operation of a case, as a client does it.
pub enum Deed {
    /// One request.
    Ask(Vec<u8>),
    /// One request, which must be answered that the event was processed.
    Tell(Vec<u8>),
    /// Two lines into the cart and the checkout; then the webhook that pays the order.
    Buy([Vec<u8>; 3]),
}

impl Deed {
    pub async fn run(&self, wire: &mut Wire) -> Result<(), Failure> {
        match self {
            Self::Ask(request) => wire.ask(request).await.map(drop),
            Self::Tell(request) => {
                let answer = wire.ask(request).await?;
                if answer == br#"{"status":"processed"}"# { Ok(()) } else { Err(String::from_utf8_lossy(answer).into()) }
            }
            Self::Buy([one, other, checkout]) => {
                wire.ask(one).await?;
                wire.ask(other).await?;
                let paid = paid(wire.ask(checkout).await?)?;
                Box::pin(Self::Tell(paid).run(wire)).await
            }
        }
    }
}

impl Case {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Page => "page",
            Self::Search => "search",
            Self::Login => "login",
            Self::Add => "add",
            Self::Checkout => "checkout",
            Self::Webhook => "webhook",
            Self::Purchase => "purchase",
            Self::Crowd => "crowd",
            Self::Edited => "edited",
            Self::OwnOrders => "own orders",
            Self::AllOrders => "all orders",
        }
    }

    /// Can the floor do it?
    pub const fn has_floor(self) -> bool {
        !matches!(self, Self::Edited | Self::OwnOrders | Self::AllOrders)
    }

    /// How many operations tell about how long one takes.
    pub const fn few(self) -> usize {
        match self {
            Self::Login => 16,
            _ => 256,
        }
    }

    /// The most operations of a round.
    pub const fn most(self) -> usize {
        match self {
            Self::Product | Self::Page | Self::Search | Self::OwnOrders | Self::AllOrders => 100_000,
            Self::Add => 2 * BUYERS,
            Self::Login | Self::Checkout | Self::Webhook | Self::Purchase | Self::Crowd | Self::Edited => BUYERS,
        }
    }

    /// Makes the shop ready for so many operations and writes them down.
    pub async fn prepare(self, server: &Server, products: u64, count: usize) -> Result<Vec<Deed>, Failure> {
        let chance = Chance::new(products);
        let ask = |request: &dyn Fn(usize) -> Vec<u8>| (0..count).map(|turn| Deed::Ask(request(turn))).collect::<Vec<_>>();
        Ok(match self {
            Self::Product => ask(&|_| get(&format!("/product/{}/", chance.product()))),
            Self::Page => ask(&|_| get("/product/?page_size=20")),
            Self::Search => ask(&|_| get("/product/?search=rare")),
            Self::Login => ask(&|turn| {
                let account = format!(r#"{{"email":"{}","password":"{PASSWORD}"}}"#, email(turn % BUYERS));
                post("/login/", "", &account)
            }),
            Self::Add => ask(&|turn| add(turn % BUYERS, chance.product())),
            Self::Checkout => {
                fill_carts(server, &chance, count).await?;
                ask(&checkout)
            }
            Self::Webhook => {
                fill_carts(server, &chance, count).await?;
                let webhooks = load::answers(server, ask(&checkout), paid).await?;
                webhooks.into_iter().map(Deed::Tell).collect()
            }
            Self::OwnOrders => ask(&|turn| get_as("/orders/", &token(turn % BUYERS))),
            Self::AllOrders => ask(&|_| get_as("/orders/", ADMIN)),
            Self::Crowd => (0..count).map(|turn| Deed::Buy([add(turn, 1), add(turn, 2), checkout(turn)])).collect(),
            Self::Purchase | Self::Edited => {
                let buy = |turn| {
                    let product = chance.product();
                    Deed::Buy([add(turn, product), add(turn, chance.other_than(product)), checkout(turn)])
                };
                (0..count).map(buy).collect()
            }
        })
    }

    /// Leaves every cart empty.
    pub async fn tidy(self, server: &Server, count: usize) -> Result<(), Failure> {
        if self != Self::Add {
            return Ok(());
        }
        let clear = (0..count.min(BUYERS)).map(|buyer| Deed::Ask(delete("/cart/", &token(buyer))));
        load::answers(server, clear.collect(), |_| Ok(())).await.map(drop)
    }
}

/// Sets a new price again and again, for ever.
pub async fn edit(server: &Server, products: u64) -> Result<(), Failure> {
    let mut wire = Wire::open(server.port).await?;
    let chance = Chance::new(products);
    for price in (5..50).cycle() {
        let path = format!("/product/{}/", chance.product());
        wire.ask(&patch(&path, &bearer(ADMIN), &format!(r#"{{"price":"{price}.00"}}"#))).await?;
    }
    Ok(())
}

/// Two lines into each of so many carts.
async fn fill_carts(server: &Server, chance: &Chance, count: usize) -> Result<(), Failure> {
    let lines = (0..count).map(|buyer| {
        let product = chance.product();
        [Deed::Ask(add(buyer, product)), Deed::Ask(add(buyer, chance.other_than(product)))]
    });
    let (one, other): (Vec<_>, Vec<_>) = lines.map(|[one, other]| (one, other)).unzip();
    load::answers(server, one, |_| Ok(())).await?;
    load::answers(server, other, |_| Ok(())).await.map(drop)
}

fn add(buyer: usize, product: u64) -> Vec<u8> {
    post("/create-cart/", &bearer(&token(buyer)), &format!(r#"{{"product":{product},"quantity":1}}"#))
}

/// Every checkout has a key that was never used.
fn checkout(buyer: usize) -> Vec<u8> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let key = NEXT.fetch_add(1, Ordering::Relaxed);
    let headers = format!("{}idempotency-key: 6d9c1f0e-3a5b-4f5e-9a55-{key:012}\r\n", bearer(&token(buyer)));
    post("/checkout/", &headers, r#"{"provider":"stripe"}"#)
}

/// What is read of an order that was answered.
#[derive(Deserialize)]
struct Order {
    id: i64,
    total: String,
    currency: String,
    payments: Vec<Payment>,
}

#[derive(Deserialize)]
struct Payment {
    id: i64,
}

/// The webhook that tells that an order, as it was answered, is paid.
pub fn paid(order: &[u8]) -> Result<Vec<u8>, Failure> {
    let order: Order = serde_json::from_slice(order)?;
    let placed = Placed {
        order: OrderId::new(order.id).ok_or("an order without an id")?,
        payment: order.payments.first().and_then(|payment| PaymentId::new(payment.id)),
        total: Money::parse(&order.total, order.currency.parse()?)?,
        replayed: false,
    };
    let webhook = StripeWebhooks::new(STRIPE_SECRET).webhook(&placed, PaidNews::FIRST)?;
    Ok(post("/webhooks/stripe/", &format!("stripe-signature: {}\r\n", webhook.signature), &webhook.body))
}

/// Products all over the place.
pub struct Chance {
    products: u64,
    turn: AtomicUsize,
}

impl Chance {
    pub fn new(products: u64) -> Self {
        static SEED: AtomicUsize = AtomicUsize::new(1);
        Self { products, turn: AtomicUsize::new(SEED.fetch_add(1_000_003, Ordering::Relaxed)) }
    }

    pub fn product(&self) -> u64 {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) as u64;
        (turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) % self.products + 1
    }

    pub fn other_than(&self, product: u64) -> u64 {
        let other = self.product();
        if other == product { product % self.products + 1 } else { other }
    }
}
