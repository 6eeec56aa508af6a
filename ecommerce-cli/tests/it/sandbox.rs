//! Payments from clone to paid order: in the sandbox, and by hand.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use ecommerce_warp::sandbox::Act;
use serde_json::json;

use crate::{
    bank::Bank,
    program::{Place, Run, Server, login, on_both, wait_until},
};

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
