use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::Stdio,
};

use serde_json::{Value, json};

use crate::program::{Place, Server, Starting, on_both};

#[test]
fn a_server_answers_until_it_is_asked_to_stop() {
    on_both("serve", |place| {
        for signal in ["-TERM", "-INT"] {
            let server = Server::start(place, &[]);
            assert_eq!(server.get("/healthz").0, 200);
            assert_eq!(server.get("/readyz").0, 200);
            assert_eq!(server.get("/product/").0, 200);
            assert_eq!(server.stop(signal), 0);
        }
    });
}

#[test]
fn a_demo_sells_something_at_once() {
    on_both("demo", |place| {
        let server = Server::start(place, &["--demo"]);
        let (status, page) = server.get("/product/?page_size=100");
        let page: Value = serde_json::from_str(&page).unwrap();
        assert_eq!((status, &page["count"]), (200, &json!(12)));

        let login = |email: &str, password: &str| {
            let (status, answer) = server.post("/login/", None, &json!({"email": email, "password": password}));
            assert_eq!(status, 200, "{answer}");
            answer["token"].as_str().unwrap().to_owned()
        };
        let customer = login("customer@example.com", "demo-customer");
        let admin = login("admin@example.com", "demo-admin");
        assert_eq!(server.post("/create-cart/", Some(&customer), &json!({"product": 1, "quantity": 2})).0, 200);
        let (status, order) = server.post("/checkout/", Some(&customer), &json!({}));
        assert_eq!((status, &order["total"]), (201, &json!("25.00")), "{order}");
        let path = format!("/orders/{}/confirm-payment/", order["id"]);
        assert_eq!(server.post(&path, Some(&admin), &json!({})).1["status"], "paid");
        assert_eq!(server.stop("-TERM"), 0);

        // What happened is seen by the command line, and nothing is filled a second time.
        assert_eq!(place.json(&["stock", "show", "1"])["stock"], 38);
        let server = Server::start(place, &["--demo"]);
        assert_eq!(server.stop("-TERM"), 0);
        assert_eq!(place.json(&["product", "list"]).as_array().unwrap().len(), 12);
        place.ok(&["doctor"]);
    });
}

#[test]
fn s29_no_account_is_there_without_a_demo() {
    on_both("nobody", |place| {
        let server = Server::start(place, &[]);
        for (email, password) in [("admin@example.com", "demo-admin"), ("customer@example.com", "demo-customer")] {
            assert_eq!(server.post("/login/", None, &json!({"email": email, "password": password})).0, 401);
        }
        let ann = json!({"email": "ann@example.com", "password": "correct horse"});
        assert_eq!(server.post("/register/", None, &ann).1["user"]["role"], "customer");
        assert_eq!(server.stop("-TERM"), 0);
        assert_eq!(place.json(&["user", "list"]).as_array().unwrap().len(), 1);
    });
}

#[test]
fn a_demo_says_how_to_sign_in_or_why_it_does_not() {
    let place = Place::sqlite();
    for part in ["customer@example.com", "not empty"] {
        let mut command = place.command(&["serve", "--demo", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains(part)), "it did not say {part}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn four_servers_start_on_one_empty_database_at_once() {
    on_both("four", |place| {
        let starting: Vec<_> = (0..4).map(|_| Server::spawn(place, &["--demo"])).collect();
        let servers: Vec<_> = starting.into_iter().map(Starting::listening).collect();
        for server in &servers {
            assert_eq!(server.get("/product/").0, 200);
        }
        for server in servers {
            assert_eq!(server.stop("-TERM"), 0);
        }
        assert_eq!(place.json(&["user", "list"]).as_array().unwrap().len(), 2);
        place.ok(&["doctor"]);
    });
}

#[test]
fn a_port_in_use_is_named_before_the_database_is_touched() {
    let place = Place::sqlite();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = place.fails(&["serve", "--listen", &address]);
    assert!(error.contains(&format!("cannot listen on {address}")) && error.contains("--listen"), "{error}");
    assert!(!place.file("shop.db").exists());
}

#[test]
fn a_live_store_is_copied_whole() {
    let place = Place::sqlite();
    let server = Server::start(&place, &["--demo"]);
    let copy = place.file("copy.db");
    let report = place.json(&["backup", &copy.display().to_string()]);
    assert_eq!(report["file"], copy.display().to_string());
    let url = format!("sqlite:{}", copy.display());
    assert_eq!(place.json(&["product", "list", "--database-url", &url]), place.json(&["product", "list"]));
    place.ok(&["doctor", "--database-url", &url]);
    assert_eq!(server.get("/healthz").0, 200);
}

#[test]
fn webhooks_are_believed_only_with_a_secret() {
    let place = Place::sqlite();
    let server = Server::start(&place, &[]);
    assert_eq!(server.post("/webhooks/stripe/", None, &json!({})).0, 404);
    drop(server);
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("STRIPE_WEBHOOK_SECRET", "whsec_old,whsec_new").env("PAYSTACK_SECRET_KEY", "sk_test_abc");
    let server = Starting::from(command).listening();
    assert_eq!(server.post("/webhooks/stripe/", None, &json!({})).0, 400);
    assert_eq!(server.post("/webhooks/paystack/", None, &json!({})).0, 400);
}
