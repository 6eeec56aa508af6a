//! S24: the log tells who did what and was refused what, and never what would let somebody in.

use serde_json::{Value, json};

use crate::program::{Place, Run, Server, Starting, on_both};

const ADMINS: &str = "eve's-own-passphrase";
const ANNS: &str = "ann's-own-passphrase";
const WRONG: &str = "a-wrong-passphrase";
const STRIPE_KEY: &str = "sk_test_51StripeKey";
const STRIPE_SECRET: &str = "whsec_StripeSecret";
const PAYSTACK_KEY: &str = "sk_test_PaystackKey";

/// One request, and its answer's status, name and body.
fn ask(server: &Server, line: &str, headers: &[&str], body: &Value) -> (u16, String, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers: String = headers.iter().flat_map(|header| [header, "\r\n"]).collect();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = server.try_answer(request.as_bytes()).expect("the server answers");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let id = head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("every answer has a name");
    (head[9..12].parse().unwrap(), id.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

fn start(place: &Place, level: &str) -> Server {
    let words = ["user", "create-admin", "--email", "eve@example.com", "--password-stdin"];
    assert_eq!(Run::reading(&mut place.command(&words), ADMINS.as_bytes()).code, 0);
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("RUST_LOG", level).env("NO_COLOR", "1").env("STRIPE_WEBHOOK_SECRET", STRIPE_SECRET);
    // Nobody answers there, so that failing calls are logged as well.
    command.env("STRIPE_SECRET_KEY", STRIPE_KEY).env("STRIPE_API_BASE", "http://127.0.0.1:9");
    command.env("PAYSTACK_SECRET_KEY", PAYSTACK_KEY).env("PAYSTACK_API_BASE", "http://127.0.0.1:9");
    Starting::from(command).listening()
}

#[test]
fn s24_what_is_done_and_refused_is_logged_and_no_secret_is() {
    on_both("logs", |place| {
        let server = start(place, "trace");
        let mut told = Vec::new();
        let mut tell = |line: &str, headers: &[&str], body: &Value, expected: u16| {
            let (status, id, answer) = ask(&server, line, headers, body);
            assert_eq!(status, expected, "{line}: {answer}");
            told.push((line.to_owned(), id, status));
            answer
        };
        let account = |email: &str, password: &str| json!({"email": email, "password": password});
        let token = |answer: &Value| answer["token"].as_str().unwrap().to_owned();
        let registered = token(&tell("POST /register/", &[], &account("ann@example.com", ANNS), 201));
        let ann = token(&tell("POST /login/", &[], &account("ann@example.com", ANNS), 200));
        let eve = token(&tell("POST /login/", &[], &account("eve@example.com", ADMINS), 200));
        tell("POST /login/", &[], &account("ann@example.com", WRONG), 401);
        tell("POST /login/", &[], &json!({"email": "ann@example.com", "password": ANNS, "role": "admin"}), 422);
        let (anns, eves) = (format!("Authorization: Token {ann}"), format!("Authorization: Bearer {eve}"));
        tell("GET /me/", &[&format!("{anns}0")], &Value::Null, 401);
        tell("POST /category/", &[&anns], &json!({"name": "Kitchen"}), 403);
        tell("GET /audit-log/", &[&anns], &Value::Null, 403);
        let mug = tell("POST /product/", &[&eves], &json!({"name": "Mug", "price": "5", "stock": 3}), 201)["id"].clone();
        tell("POST /create-cart/", &[&anns], &json!({"product": mug, "quantity": 1}), 200);
        let order = tell("POST /checkout/", &[&anns, "Idempotency-Key: once"], &json!({"provider": "stripe"}), 201)["id"].clone();
        tell(&format!("POST /orders/{order}/confirm-payment/"), &[&eves], &Value::Null, 200);
        tell("POST /webhooks/stripe/", &["Stripe-Signature: t=1,v1=00ff"], &json!({"id": "evt_1"}), 400);
        tell("POST /webhooks/paystack/", &["x-paystack-signature: 00ff"], &json!({"event": "x"}), 400);
        tell("DELETE /nothing/", &[&eves], &Value::Null, 404);
        tell("POST /logout/", &[&format!("Authorization: Token {registered}")], &Value::Null, 204);

        let log = server.log();
        for secret in
            [ADMINS, ANNS, WRONG, STRIPE_KEY, STRIPE_SECRET, PAYSTACK_KEY, &ann, &eve, &registered, "ann@example.com", "$argon2"]
        {
            let line = log.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{secret} is logged: {line:?}");
        }
        for (line, id, status) in told.iter().filter(|(line, ..)| !line.contains("/nothing/")) {
            let entry =
                log.lines().find(|entry| entry.contains(&format!("id={id} ")) && entry.contains(&format!("status={status} ")));
            let entry = entry.unwrap_or_else(|| panic!("{line} is not logged"));
            let path = line.split(' ').nth(1).unwrap();
            assert!(entry.contains(&format!("path=\"{path}\"")) && entry.contains("from=127.0.0.1"), "{entry}");
            let is_known = line.starts_with("POST /logout/") || (line.starts_with("POST /login/") && *status == 200);
            assert!(!is_known || entry.contains("user="), "whose was it? {entry}");
        }
    });
}

#[test]
fn s24_sign_ins_refusals_and_deeds_are_logged_without_being_asked_for() {
    let place = Place::sqlite();
    let server = start(&place, "");
    let eve = json!({"email": "eve@example.com", "password": ADMINS});
    let (_, signed_in, answer) = ask(&server, "POST /login/", &[], &eve);
    let (_, refused, _) = ask(&server, "POST /login/", &[], &json!({"email": "eve@example.com", "password": WRONG}));
    let (_, stranger, _) = ask(&server, "GET /audit-log/", &[], &Value::Null);
    let key = format!("Authorization: Token {}", answer["token"].as_str().unwrap());
    let (_, done, _) = ask(&server, "POST /category/", &[&key], &json!({"name": "Kitchen"}));
    let (_, read, _) = ask(&server, "GET /product/", &[&key], &Value::Null);
    let garbage = server.try_answer(b"nonsense\r\n\r\n").unwrap();
    let log = server.log();
    for (id, words) in [(&signed_in, "status=200"), (&refused, "status=401"), (&stranger, "status=401"), (&done, "status=201")] {
        let entry = log.lines().find(|line| line.contains(&format!("id={id} ")) && line.contains(words));
        assert!(entry.is_some(), "{words} of {id}: {log}");
    }
    assert!(log.contains("turned away") && log.contains("status=400") && garbage.contains("invalid_http"), "{log}");
    assert!(!log.contains(&read), "reading is worth no line");
}

#[test]
fn s24_what_somebody_sends_begins_no_line_of_its_own() {
    let place = Place::sqlite();
    let server = start(&place, "trace");
    let forged = "2026-01-31T00:00:00Z  INFO forged";
    for line in ["POST /product/%0d%0aforged/", "GET /product/?search=%0d%0aforged", "GET /\u{1b}[2Jforged"] {
        server.try_answer(format!("{line} HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: \r\nConnection: close\r\n\r\n").as_bytes());
    }
    let name = json!({"email": format!("a\r\n{forged}@example.com"), "password": format!("\r\n{forged}")});
    ask(&server, "POST /login/", &[&format!("Idempotency-Key: \u{1b}[31m{forged}")], &name);
    let log = server.log();
    assert!(!log.lines().any(|line| line.starts_with(forged) || line.starts_with("forged")), "{log}");
    assert!(!log.contains('\u{1b}'), "a terminal would obey it");
}
