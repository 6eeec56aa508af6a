//! The database is away for a while: it refuses, or it says nothing.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::proxy::Proxy;
use crate::{
    bank::Bank,
    program::{Answer, Place, Server, login, wait_until},
};

/// More than one process has connections to the database.
const CLIENTS: usize = 20;

#[test]
fn a_database_that_is_away_is_told_and_waited_for() {
    let Some(mut place) = Place::postgres("away") else { return };
    let (proxy, url) = behind_proxy(&place.url);
    // The bounds of the server decide how long its silence is waited for: these are short ones.
    place.url = format!("{url}?options=-c%20statement_timeout%3D3s%20-c%20idle_in_transaction_session_timeout%3D3s");
    let bank = Bank::open();
    let server = bank.serve(&place);
    let (admin, customer) = (login(&server, "admin"), login(&server, "customer"));
    server.post("/create-cart/", Some(&customer), &json!({ "product": 1, "quantity": 2 }));
    let (status, order) = server.post("/checkout/", Some(&customer), &json!({ "provider": "manual" }));
    assert_eq!((status, order["id"].as_i64()), (201, Some(1)), "{order}");

    for cut in [Proxy::refuse, Proxy::fall_silent] {
        nobody_waits_for_ever(&server, &customer, || cut(&proxy));
        proxy.open();
        wait_until("the database", || (server.get("/readyz").0 == 200).then_some(()));
        // Every connection that is lost has its successor.
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    let answer = server.call("GET /orders/1/", Some(&customer), &[], None).unwrap();
                    assert_eq!((answer.status, &answer.json()["total"]), (200, &order["total"]), "{}", answer.body);
                });
            }
        });
        // What the lost connections had locked is free again.
        wait_until("the cart", || {
            let line = json!({ "product": 2, "quantity": 1 });
            (server.post("/create-cart/", Some(&customer), &line).0 == 200).then_some(())
        });
    }

    // The background tasks are alive: what is asked for is sent by them.
    let (_, order) = server.post("/checkout/", Some(&customer), &json!({ "provider": "stripe" }));
    bank.sandbox.act(order["payments"][0]["reference"].as_str().unwrap(), ecommerce_warp::sandbox::Act::Pay).unwrap();
    let show = || server.call("GET /orders/2/", Some(&customer), &[], None).unwrap().json();
    wait_until("the payment", || (show()["status"] == "paid").then_some(()));
    assert_eq!(server.post("/orders/2/refund/", Some(&admin), &json!({ "amount": "1" })).0, 202);
    wait_until("the refund", || (show()["payment_status"] == "partially_refunded").then_some(()));
    assert_eq!(server.stop("-TERM"), 0);
    place.ok(&["doctor"]);
}

/// While many are busy the database goes away: each of them, and whoever comes then, is told so in bounded time.
fn nobody_waits_for_ever(server: &Server, customer: &str, cut: impl FnOnce()) {
    let is_away = AtomicBool::new(false);
    let served = AtomicUsize::new(0);
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (is_away, served) = (&is_away, &served);
            scope.spawn(move || {
                let start = Instant::now();
                loop {
                    let line = json!({ "product": 2, "quantity": 1 });
                    let (request, body) =
                        if client == 0 { ("POST /create-cart/", Some(&line)) } else { ("GET /orders/1/", None) };
                    let asked = Instant::now();
                    let answer = server.call(request, Some(customer), &[], body).expect("an answer in time");
                    if answer.status != 200 {
                        assert!(is_away.load(Ordering::SeqCst), "{}", answer.body);
                        is_unavailable(&answer);
                        assert!(asked.elapsed() < Duration::from_secs(25), "{:?}", asked.elapsed());
                        return;
                    }
                    served.fetch_add(1, Ordering::SeqCst);
                    assert!(start.elapsed() < Duration::from_secs(60), "the database did not go away");
                }
            });
        }
        wait_until("everybody to be busy", || (served.load(Ordering::SeqCst) > CLIENTS).then_some(()));
        is_away.store(true, Ordering::SeqCst);
        cut();
        assert_eq!(server.get("/healthz").0, 200);
        for path in ["/readyz", "/product/", "/cart/"] {
            scope.spawn(move || is_unavailable(&server.call(&format!("GET {path}"), Some(customer), &[], None).unwrap()));
        }
    });
    assert_eq!(server.get("/healthz").0, 200);
}

fn is_unavailable(answer: &Answer) {
    let problem = answer.json();
    assert_eq!((answer.status, &problem["code"]), (503, &json!("unavailable")), "{}", answer.body);
    assert_eq!(problem["detail"], "try again in a moment");
}

/// A proxy before the server of this URL, and the URL that leads through it.
fn behind_proxy(url: &str) -> (Proxy, String) {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, database) = rest.split_once('/').unwrap();
    let (login, host) =
        authority.rsplit_once('@').map_or((String::new(), authority), |(login, host)| (format!("{login}@"), host));
    let target = if host.contains(':') { host.to_owned() } else { format!("{host}:5432") };
    let proxy = Proxy::start(&target);
    let url = format!("{scheme}://{login}{}/{database}", proxy.address);
    (proxy, url)
}
