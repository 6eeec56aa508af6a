//! People who use a shop while it crashes, and remember what they were told.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use ecommerce_warp::sandbox::{Act, Sandbox};
use serde_json::{Value, json};

use crate::program::{Answer, Server};

/// A customer who buys one thing after the other, and what they know of their cart and their orders.
pub(super) struct Shopper {
    number: usize,
    token: String,
    product: Value,
    /// Pieces in the cart, as it was last told.
    pieces: i64,
    doubt: Doubt,
    pub(super) orders: Vec<Placed>,
}

/// An order that was answered.
pub(super) struct Placed {
    pub(super) key: String,
    pub(super) id: i64,
    pub(super) total: Value,
    reference: Option<String>,
}

/// A request that got no answer: it was done as a whole, or not at all.
enum Doubt {
    None,
    Add,
    Checkout { key: String },
}

impl Shopper {
    pub(super) fn register(server: &Server, number: usize, product: &Value) -> Self {
        let account = json!({ "email": format!("shopper{number}@example.com"), "password": "correct horse" });
        let (status, answer) = server.post("/register/", None, &account);
        assert_eq!(status, 201, "{answer}");
        let token = answer["token"].as_str().unwrap().to_owned();
        Self { number, token, product: product.clone(), pieces: 0, doubt: Doubt::None, orders: Vec::new() }
    }

    /// Buys and pays until the server is gone or the time is up. Where the database may be away for a moment, 503 is an answer.
    pub(super) fn shop(&mut self, server: &Server, bank: &Sandbox, is_over: &AtomicBool) {
        while !is_over.load(Ordering::Relaxed) {
            let Some(()) = self.add(server) else { return };
            if self.pieces == 0 {
                continue;
            }
            let Some(()) = self.check_out(server) else { return };
            let Some(reference) = self.orders.last().and_then(|placed| placed.reference.as_deref()) else { continue };
            // Now and then somebody pays twice, and is paid back.
            let act = if self.orders.len().is_multiple_of(5) { Act::PayTwice } else { Act::Pay };
            let _ = bank.act(reference, act);
        }
    }

    fn add(&mut self, server: &Server) -> Option<()> {
        self.doubt = Doubt::Add;
        let line = json!({ "product": self.product, "quantity": 1 });
        let answer = server.call("POST /create-cart/", Some(&self.token), &[], Some(&line))?;
        if answer.status == 503 {
            return self.settle(server);
        }
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.doubt = Doubt::None;
        self.pieces += 1;
        assert_eq!(pieces(&answer.json()), self.pieces);
        Some(())
    }

    fn check_out(&mut self, server: &Server) -> Option<()> {
        let key = format!("shopper-{}-{}", self.number, self.orders.len());
        self.doubt = Doubt::Checkout { key: key.clone() };
        let answer = self.submit(server, &key)?;
        if answer.status == 503 {
            return self.settle(server);
        }
        self.keep(key, &answer);
        Some(())
    }

    fn submit(&self, server: &Server, key: &str) -> Option<Answer> {
        // The provider follows from the key, so that the same key is the same request.
        let provider = if key.ends_with(['0', '2', '4', '6', '8']) { "stripe" } else { "paystack" };
        let key = format!("Idempotency-Key: {key}");
        server.call("POST /checkout/", Some(&self.token), &[&key], Some(&json!({ "provider": provider })))
    }

    fn keep(&mut self, key: String, answer: &Answer) {
        assert_eq!(answer.status, 201, "{}", answer.body);
        let order = answer.json();
        self.orders.push(Placed {
            key,
            id: order["id"].as_i64().unwrap(),
            total: order["total"].clone(),
            reference: order["payments"][0]["reference"].as_str().map(str::to_owned),
        });
        self.doubt = Doubt::None;
        self.pieces = 0;
    }

    /// The cart is as it was last told; what was not answered was done or not, and nothing between.
    pub(super) fn settle(&mut self, server: &Server) -> Option<()> {
        let there = pieces(&self.see(server, "/cart/")?);
        match &self.doubt {
            Doubt::None => assert_eq!(there, self.pieces, "the cart of shopper {}", self.number),
            Doubt::Add => {
                assert!(there == self.pieces || there == self.pieces + 1, "{there} pieces, not {} or one more", self.pieces);
                self.pieces = there;
            }
            Doubt::Checkout { key } => {
                assert!(there == 0 || there == self.pieces, "{there} of {} pieces are left", self.pieces);
                // Where the server is gone by now, the doubt stays.
                let answer = patient(|| self.submit(server, key))?;
                // An empty cart is one that became an order.
                assert_eq!(is_replayed(&answer), there == 0, "{}", answer.body);
                self.keep(key.clone(), &answer);
            }
        }
        self.doubt = Doubt::None;
        Some(())
    }

    /// Each of these orders is answered as before under its key, and there is no other.
    pub(super) fn ask_again(&self, server: &Server, orders: &[Placed]) {
        for placed in orders {
            let answer = self.submit(server, &placed.key).expect("the server answers");
            let order = answer.json();
            assert!(answer.status == 201 && is_replayed(&answer), "{}: {}", placed.key, answer.body);
            assert_eq!((order["id"].as_i64(), &order["total"]), (Some(placed.id), &placed.total), "{}", placed.key);
        }
        let list = self.see(server, "/orders/?page_size=1").expect("the server answers");
        assert_eq!(list["count"], self.orders.len(), "the orders of shopper {}", self.number);
    }

    /// What is at an address, for a customer whose token goes on working.
    fn see(&self, server: &Server, path: &str) -> Option<Value> {
        let answer = patient(|| server.call(&format!("GET {path}"), Some(&self.token), &[], None))?;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        Some(answer.json())
    }
}

/// An answer other than that the database is away for a moment.
fn patient(mut ask: impl FnMut() -> Option<Answer>) -> Option<Answer> {
    for _ in 0..100 {
        match ask() {
            Some(answer) if answer.status == 503 => thread::sleep(Duration::from_millis(50)),
            answer => return answer,
        }
    }
    panic!("the database stays away");
}

fn pieces(cart: &Value) -> i64 {
    cart["items"].as_array().unwrap().iter().map(|line| line["quantity"].as_i64().unwrap()).sum()
}

fn is_replayed(answer: &Answer) -> bool {
    answer.head.to_ascii_lowercase().contains("idempotent-replayed: true")
}
