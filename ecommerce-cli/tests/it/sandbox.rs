//! Payments from clone to paid order: in the sandbox, by hand, and with a server that is killed over it.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use ecommerce_core::SystemClock;
use ecommerce_warp::sandbox::{Act, Faults, HeldState, PAYSTACK_KEY, STRIPE_KEY, STRIPE_WEBHOOK_SECRET, Sandbox};
use serde_json::{Value, json};

use crate::program::{Place, Run, Server, Starting, on_both};

/// Waits until something holds, and looks often; whoever waits for a minute waits for ever.
fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(100), "{what} never came");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A token of the demo's.
fn login(server: &Server, who: &str) -> String {
    let account = json!({ "email": format!("{who}@example.com"), "password": format!("demo-{who}") });
    server.post("/login/", None, &account).1["token"].as_str().unwrap().to_owned()
}

/// Presses a button of a payment page.
fn press(page: &str, button: &str) -> String {
    let (host, path) = page.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let request = format!("POST /{path}/{button} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_newcomer_pays_in_the_browser() {
    on_both("sandbox", |place| {
        let server = Server::start(place, &["--demo", "--sandbox"]);
        let token = login(&server, "customer");
        for provider in ["stripe", "paystack"] {
            server.post("/create-cart/", Some(&token), &json!({ "product": 1, "quantity": 2 }));
            let (status, order) = server.post("/checkout/", Some(&token), &json!({ "provider": provider }));
            assert_eq!(status, 201, "{order}");
            let page = order["payments"][0]["checkout_url"].as_str().unwrap();
            assert!(page.starts_with("http://127.0.0.1:"), "{page}");
            assert!(press(page, "pay").starts_with("HTTP/1.1 303"), "{provider}");
            let id = order["id"].to_string();
            wait_until("the payment", || (place.json(&["order", "show", &id])["status"] == "paid").then_some(()));
        }
        // A refund that is asked for is sent by the server itself.
        let admin = login(&server, "admin");
        assert_eq!(server.post("/orders/1/refund/", Some(&admin), &json!({ "amount": "10" })).0, 202);
        wait_until("the refund", || {
            (place.json(&["order", "show", "1"])["payment_status"] == "partially_refunded").then_some(())
        });
        place.ok(&["doctor"]);
    });
}

#[test]
fn real_keys_and_the_sandbox_do_not_meet() {
    let place = Place::sqlite();
    for name in ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "PAYSTACK_SECRET_KEY", "STRIPE_API_BASE", "PAYSTACK_API_BASE"] {
        let mut command = place.command(&["serve", "--sandbox", "--listen", "127.0.0.1:0"]);
        let run = Run::of(command.env(name, "http://127.0.0.1:1"));
        assert!(run.code == 2 && run.err.contains(name), "{name}: {} {}", run.code, run.err);
    }
    let run = place.run(&["serve", "--sandbox", "--sandbox-listen", "0.0.0.0:0", "--listen", "127.0.0.1:0"]);
    assert!(run.code == 2 && run.err.contains("loopback"), "{}", run.err);
    for (name, value) in [("STRIPE_SECRET_KEY", "sk_test 1"), ("STRIPE_API_BASE", "ftp://x"), ("ECOMMERCE_PUBLIC_URL", "shop")] {
        let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
        let run = Run::of(command.env("STRIPE_SECRET_KEY", "sk_test_1").env(name, value));
        assert!(run.code == 2 && run.err.starts_with("error: "), "{name}: {} {}", run.code, run.err);
    }
}

/// A sandbox of the test's own, which outlives the servers that call it.
struct Bank {
    sandbox: Sandbox,
    shop: String,
    _runtime: tokio::runtime::Runtime,
}

impl Bank {
    fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let shop = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let sandbox = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            Sandbox::start(listener, &format!("http://{shop}"), SystemClock).unwrap()
        });
        Self { sandbox, shop, _runtime: runtime }
    }

    /// The program, with the keys and addresses of this bank.
    fn command(&self, place: &Place, words: &[&str]) -> Command {
        let mut command = place.command(words);
        command.env("STRIPE_SECRET_KEY", STRIPE_KEY).env("STRIPE_WEBHOOK_SECRET", STRIPE_WEBHOOK_SECRET);
        command.env("PAYSTACK_SECRET_KEY", PAYSTACK_KEY);
        command.env("STRIPE_API_BASE", self.sandbox.url()).env("PAYSTACK_API_BASE", self.sandbox.url());
        command
    }

    fn serve(&self, place: &Place) -> Server {
        Starting::from(self.command(place, &["serve", "--demo", "--listen", &self.shop])).listening()
    }

    fn json(&self, place: &Place, words: &[&str]) -> Value {
        let run = Run::of(&mut self.command(place, &[words, &["--json"]].concat()));
        assert_eq!(run.code, 0, "{words:?}: {}", run.err);
        serde_json::from_str(&run.out).unwrap()
    }
}

#[test]
fn the_books_are_reconciled_by_hand() {
    on_both("reconcile", |place| {
        let bank = Bank::open();
        let server = bank.serve(place);
        let token = login(&server, "customer");
        server.post("/create-cart/", Some(&token), &json!({ "product": 1, "quantity": 1 }));
        let order = server.post("/checkout/", Some(&token), &json!({})).1;
        // The server is gone when the money comes, and twice.
        assert_eq!(server.stop("-TERM"), 0);
        bank.sandbox.act(order["payments"][0]["reference"].as_str().unwrap(), Act::PayTwice).unwrap();

        let report = bank.json(place, &["payment", "reconcile"]);
        assert_eq!((&report["unanswered"], &report["silent_providers"]), (&json!(0), &json!(0)), "{report}");
        assert!(report["events"].as_u64().unwrap() > 0, "{report}");
        assert_eq!(place.json(&["order", "show", "1"])["status"], "paid");
        let refunds = bank.json(place, &["payment", "refunds", "--run"]);
        assert_eq!((&refunds[0]["reason"], &refunds[0]["status"]), (&json!("duplicate"), &json!("succeeded")), "{refunds}");
        let twice = bank.sandbox.payments();
        assert_eq!(twice.iter().map(|held| held.captured - held.refunded).filter(|kept| *kept > 0).count(), 1);
        place.ok(&["doctor"]);
    });
}

#[test]
fn a_server_that_is_killed_finishes_its_work() {
    let (place, bank) = (Place::sqlite(), Bank::open());
    let mut faults = Faults::default();
    faults.lose_answers = 15;
    faults.lose_requests = 5;
    faults.drop_events = 10;
    faults.slow_answers = Duration::from_millis(30);
    bank.sandbox.set_faults(faults);
    let mut server = bank.serve(&place);
    let mug = place.json(&["product", "create", "--name", "Mug", "--price", "10", "--stock", "100000"])["id"].clone();
    let account = |buyer| json!({ "email": format!("buyer{buyer}@example.com"), "password": "correct horse" });
    let buyers: Vec<_> = (0..4).map(|buyer| server.post("/register/", None, &account(buyer)).1["token"].clone()).collect();
    let mut placed = BTreeMap::new();
    for round in 0..8_u64 {
        let is_over = AtomicBool::new(false);
        let orders = thread::scope(|scope| {
            let buy = |token| buy(&bank, &server, token, &mug, &is_over);
            let buyers: Vec<_> = buyers.iter().map(|token| scope.spawn(move || buy(token.as_str().unwrap()))).collect();
            thread::sleep(Duration::from_millis(150 + round * 70));
            assert!(Command::new("kill").args(["-9", &server.id()]).status().unwrap().success());
            is_over.store(true, Ordering::Relaxed);
            buyers.into_iter().flat_map(|buyer| buyer.join().unwrap()).collect::<Vec<_>>()
        });
        server.wait();
        placed.extend(orders);
        server = bank.serve(&place);
    }
    assert!(placed.len() > 20, "only {} orders", placed.len());

    // Everything works again, and whoever has not paid yet does.
    bank.sandbox.set_faults(Faults::default());
    let orders = wait_until("the end of it", || {
        for held in bank.sandbox.payments().iter().filter(|held| held.state == HeldState::Open) {
            let _ = bank.sandbox.act(&held.id, Act::Pay);
        }
        let orders = place.json(&["order", "list"]);
        let is_open = |order: &Value| {
            let refunds = order["refunds"].as_array().unwrap();
            order["status"] == "pending_payment" || refunds.iter().any(|refund| refund["status"] != "succeeded")
        };
        (!orders.as_array().unwrap().iter().any(is_open)).then_some(orders)
    });
    drop(server);
    place.ok(&["doctor"]);

    let total = |id: &i64| orders.as_array().unwrap().iter().find(|order| order["id"] == *id).map(|order| order["total"].clone());
    for (id, answered) in &placed {
        assert_eq!(total(id).as_ref(), Some(answered), "order {id} was answered, and is lost");
    }
    let mut kept = BTreeMap::<_, i64>::new();
    for held in bank.sandbox.payments() {
        assert!(held.refunded <= held.captured, "more went back than came: {held:?}");
        *kept.entry(held.order).or_default() += held.captured - held.refunded;
    }
    for order in orders.as_array().unwrap() {
        let total = order["total"].as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
        let paid = if order["status"] == "paid" { total } else { 0 };
        let id = ecommerce_core::OrderId::new(order["id"].as_i64().unwrap());
        assert_eq!(kept.get(&id).copied().unwrap_or(0), paid, "{order}");
    }
}

/// Buys and pays until the server is gone; answers the orders that were answered.
fn buy(bank: &Bank, server: &Server, token: &str, mug: &Value, is_over: &AtomicBool) -> Vec<(i64, Value)> {
    let mut orders = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let line = json!({ "product": mug, "quantity": 1 });
        let provider = if orders.len() % 2 == 0 { "stripe" } else { "paystack" };
        let added = server.try_post("/create-cart/", Some(token), &line);
        let order = added.and_then(|_| server.try_post("/checkout/", Some(token), &json!({ "provider": provider })));
        let Some((status, order)) = order else { break };
        if status == 201 {
            orders.push((order["id"].as_i64().unwrap(), order["total"].clone()));
            if let Some(reference) = order["payments"][0]["reference"].as_str() {
                let act = if orders.len() % 5 == 0 { Act::PayTwice } else { Act::Pay };
                let _ = bank.sandbox.act(reference, act);
            }
        }
    }
    orders
}
