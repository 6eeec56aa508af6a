//! A server that is killed over its work, again and again: whatever a client has read is there afterwards.

use std::{
    collections::BTreeMap,
    env,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use ecommerce_warp::sandbox::{Act, Faults, HeldState};
use serde_json::{Value, json};

use super::shopper::Shopper;
use crate::{
    bank::Bank,
    program::{Place, Server, login, say, wait_until},
};

/// How often it is killed: `CRASHES=50 cargo test -p ecommerce-cli --test it crashes::kills`.
fn crashes() -> usize {
    env::var("CRASHES").map_or(8, |number| number.parse().unwrap())
}

#[test]
fn a_server_that_is_killed_loses_nothing_that_it_answered() {
    let (place, bank) = (Place::sqlite(), Bank::open());
    let mut faults = Faults::default();
    faults.lose_answers = 15;
    faults.lose_requests = 5;
    faults.drop_events = 10;
    faults.slow_answers = Duration::from_millis(30);
    bank.sandbox.set_faults(faults);
    let mut town = Town::open(&place, &bank, vec![bank.serve(&place)]);
    for round in 0..crashes() {
        town.live_through(0, Duration::from_millis(150 + (round as u64 * 70) % 500), || {});
    }
    town.tell();
    balance_the_books(&place, &bank, town);
}

#[test]
fn of_two_servers_on_one_database_one_is_killed_and_the_other_goes_on() {
    let Some(place) = Place::postgres("kills") else { return };
    let bank = Bank::open();
    let servers = vec![bank.serve(&place), bank.serve_at(&place, "127.0.0.1:0")];
    let mut town = Town::open(&place, &bank, servers);
    for round in 0..crashes() {
        let middle = || {
            if round % 2 == 1 {
                // Every connection of both servers is cut, in the middle of whatever they do.
                place.sql(
                    "select pg_terminate_backend(pid) from pg_stat_activity
                     where datname = current_database() and pid <> pg_backend_pid()",
                );
            }
        };
        town.live_through(round % 2, Duration::from_millis(150 + (round as u64 * 70) % 500), middle);
    }
    town.tell();
}

/// A shop with one or two servers, its customers, and somebody who registers accounts and products.
struct Town<'a> {
    place: &'a Place,
    bank: &'a Bank,
    servers: Vec<Option<Server>>,
    shoppers: Vec<Shopper>,
    clerk: Clerk,
    /// How many deliveries of the bank's were looked at.
    delivered: usize,
    /// How long each start took, until the first answer that needs the database.
    starts: Vec<Duration>,
}

impl<'a> Town<'a> {
    fn open(place: &'a Place, bank: &'a Bank, servers: Vec<Server>) -> Self {
        let product = place.json(&["product", "create", "--name", "Mug", "--price", "10", "--stock", "1000000"])["id"].clone();
        let shoppers = (0..4).map(|number| Shopper::register(&servers[0], number, &product)).collect();
        let clerk = Clerk { admin: login(&servers[0], "admin"), number: 0, told: Vec::new() };
        let servers = servers.into_iter().map(Some).collect();
        Self { place, bank, servers, shoppers, clerk, delivered: 0, starts: Vec::new() }
    }

    /// Everybody is busy until one server is killed. It starts again, and all is as it was told.
    fn live_through(&mut self, victim: usize, after: Duration, middle: impl FnOnce()) {
        let is_over = AtomicBool::new(false);
        let counts: Vec<_> = self.shoppers.iter().map(|shopper| shopper.orders.len()).collect();
        let killed = self.servers[victim].take().unwrap();
        thread::scope(|scope| {
            let (killed, is_over, servers, bank) = (&killed, &is_over, &self.servers, &self.bank.sandbox);
            let server_of = |number: usize| servers[number % servers.len()].as_ref().unwrap_or(killed);
            for (number, shopper) in self.shoppers.iter_mut().enumerate() {
                scope.spawn(move || shopper.shop(server_of(number), bank, is_over));
            }
            let clerk = &mut self.clerk;
            scope.spawn(move || clerk.work(killed, is_over));
            thread::sleep(after / 2);
            middle();
            thread::sleep(after / 2);
            killed.kill();
            is_over.store(true, Ordering::Relaxed);
        });
        let address = killed.address.clone();
        drop(killed);

        let start = Instant::now();
        let server = self.bank.serve_at(self.place, &address);
        let (status, answer) = server.get("/product/");
        assert_eq!(status, 200, "{answer}");
        self.starts.push(start.elapsed());
        assert!(start.elapsed() < Duration::from_secs(30), "the start took {:?}", start.elapsed());

        self.place.ok(&["doctor"]);
        thread::scope(|scope| {
            for (shopper, count) in self.shoppers.iter_mut().zip(counts) {
                let server = &server;
                scope.spawn(move || {
                    shopper.settle(server).expect("the server answers");
                    shopper.ask_again(server, &shopper.orders[count..]);
                });
            }
        });
        self.clerk.look_after(&server);
        self.look_after_webhooks(&server);
        self.servers[victim] = Some(server);
    }

    /// A payment of which an event was answered with 200 has succeeded.
    fn look_after_webhooks(&mut self, server: &Server) {
        let deliveries = self.bank.sandbox.deliveries();
        let held: BTreeMap<_, _> = self.bank.sandbox.payments().into_iter().map(|held| (held.id.clone(), held)).collect();
        for delivery in deliveries.iter().skip(self.delivered) {
            let tells_of_money = ["checkout.session.completed", "charge.success"].contains(&delivery.kind.as_str());
            // Whoever pays twice pays once past the shop.
            let (true, Some(200), Some(held)) = (tells_of_money, delivery.status, held.get(&delivery.payment)) else { continue };
            let (Some(order), Some(payment)) = (held.order, held.payment) else { continue };
            let answer = server.call(&format!("GET /orders/{order}/"), Some(&self.clerk.admin), &[], None).unwrap().json();
            let payments = answer["payments"].as_array().unwrap();
            let found = payments.iter().find(|found| found["id"] == payment.get());
            assert_eq!(found.unwrap()["status"], "succeeded", "{delivery:?}: {answer}");
        }
        self.delivered = deliveries.len();
    }

    /// All that was ever told holds still; and says how much that was.
    fn tell(&mut self) {
        let server = self.servers[0].as_ref().unwrap();
        for shopper in &mut self.shoppers {
            shopper.settle(server).expect("the server answers");
            shopper.ask_again(server, &shopper.orders);
        }
        let orders: usize = self.shoppers.iter().map(|shopper| shopper.orders.len()).sum();
        assert!(orders > self.starts.len(), "only {orders} orders");
        self.starts.sort();
        let (median, longest) = (self.starts[self.starts.len() / 2], self.starts[self.starts.len() - 1]);
        if env::var_os("CRASHES").is_some() {
            let (kills, url) = (self.starts.len(), &self.place.url);
            let told = self.clerk.number;
            say(&format!(
                "kill -9 at {url}: {kills} of {kills} lost nothing of {orders} orders and {told} accounts and products; \
                 first answer after {median:?} (median), {longest:?} (longest)"
            ));
        }
    }
}

/// Registers accounts and products, and remembers each until it was seen after the crash.
struct Clerk {
    admin: String,
    number: usize,
    told: Vec<Told>,
}

enum Told {
    Account { token: String, email: String },
    Product { id: Value, name: String },
}

impl Clerk {
    fn work(&mut self, server: &Server, is_over: &AtomicBool) {
        while !is_over.load(Ordering::Relaxed) {
            self.number += 1;
            let number = self.number;
            let (email, name) = (format!("guest{number}@example.com"), format!("Plate {number}"));
            let account = json!({ "email": email, "password": "correct horse" });
            let product = json!({ "name": name, "price": "3.50", "stock": 5 });
            let Some((status, answer)) = server.try_post("/register/", None, &account) else { return };
            assert!([201, 503].contains(&status), "{answer}");
            if status == 201 {
                self.told.push(Told::Account { token: answer["token"].as_str().unwrap().to_owned(), email });
            }
            let Some((status, answer)) = server.try_post("/product/", Some(&self.admin), &product) else { return };
            assert!([201, 503].contains(&status), "{answer}");
            if status == 201 {
                self.told.push(Told::Product { id: answer["id"].clone(), name });
            }
        }
    }

    fn look_after(&mut self, server: &Server) {
        for told in self.told.drain(..) {
            match told {
                Told::Account { token, email } => {
                    let answer = server.call("GET /me/", Some(&token), &[], None).unwrap();
                    assert_eq!((answer.status, &answer.json()["email"]), (200, &json!(email)), "{}", answer.body);
                }
                Told::Product { id, name } => {
                    let (status, answer) = server.get(&format!("/product/{id}/"));
                    assert!(status == 200 && answer.contains(&name), "{name}: {status} {answer}");
                }
            }
        }
    }
}

/// Whoever has not paid yet does, and then the shop's books are the bank's, to the cent. An event that never came, of somebody
/// who paid twice for instance, is looked for here: by itself the server does so only now and then.
fn balance_the_books(place: &Place, bank: &Bank, town: Town) {
    bank.sandbox.set_faults(Faults::default());
    let orders = wait_until("the day on which the books agree", || {
        for held in bank.sandbox.payments().iter().filter(|held| held.state == HeldState::Open) {
            let _ = bank.sandbox.act(&held.id, Act::Pay);
        }
        bank.json(place, &["payment", "reconcile"]);
        let orders = place.json(&["order", "list"]).as_array().unwrap().clone();
        let kept = kept(bank);
        let is_settled = |order: &Value| {
            let refunds = order["refunds"].as_array().unwrap();
            let paid = if order["status"] == "paid" { cents(&order["total"]) } else { 0 };
            order["status"] != "pending_payment"
                && refunds.iter().all(|refund| refund["status"] == "succeeded")
                && kept.get(&order["id"].as_i64().unwrap()).copied().unwrap_or(0) == paid
        };
        orders.iter().all(is_settled).then_some(orders)
    });
    drop(town.servers);
    place.ok(&["doctor"]);

    let totals: BTreeMap<_, _> = orders.iter().map(|order| (order["id"].as_i64(), &order["total"])).collect();
    for placed in town.shoppers.iter().flat_map(|shopper| &shopper.orders) {
        assert_eq!(totals.get(&Some(placed.id)), Some(&&placed.total), "order {} was answered, and is lost", placed.id);
    }
}

/// What the bank has kept for each order.
fn kept(bank: &Bank) -> BTreeMap<i64, i64> {
    let mut kept = BTreeMap::new();
    for held in bank.sandbox.payments() {
        assert!(held.refunded <= held.captured, "more went back than came: {held:?}");
        let order = held.order.expect("every payment says for which order it is");
        *kept.entry(order.get()).or_default() += held.captured - held.refunded;
    }
    kept
}

fn cents(amount: &Value) -> i64 {
    amount.as_str().unwrap().replace('.', "").parse().unwrap()
}
