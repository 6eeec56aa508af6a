use serde_json::{Value, json};

use crate::program::{Place, Run, Server, Starting, on_both};

fn create_admin(place: &Place, email: &str) {
    let words = ["user", "create-admin", "--email", email, "--password-stdin"];
    assert_eq!(Run::reading(&mut place.command(&words), b"correct horse").code, 0);
}

fn sign_in(server: &Server, email: &str) -> String {
    let (status, answer) = server.post("/login/", None, &json!({"email": email, "password": "correct horse"}));
    assert_eq!(status, 200, "{answer}");
    answer["token"].as_str().unwrap().to_owned()
}

/// Who did what, and from where, newest first.
fn told(log: &Value) -> Vec<(&str, &str, &str)> {
    let entries = log.as_array().unwrap().iter();
    entries.map(|entry| (text_of(&entry["user"]["email"]), text_of(&entry["action"]), text_of(&entry["from"]))).collect()
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[test]
fn who_did_what_from_where() {
    on_both("audit", |place| {
        place.ok(&["migrate"]);
        assert_eq!(place.ok(&["audit"]), "No entries.\n");
        create_admin(place, "eve@example.com");
        place.ok(&["product", "create", "--name", "Mug", "--price", "12.50", "--stock", "5"]);
        place.fails(&["stock", "adjust", "1", "--by", "-6", "--reason", "lost"]);

        let server = Server::start(place, &[]);
        let token = sign_in(&server, "eve@example.com");
        assert_eq!(server.post("/category/", Some(&token), &json!({"name": "Kitchen"})).0, 201);
        assert_eq!(server.stop("-TERM"), 0);

        let log = place.json(&["audit"]);
        let here = "command line";
        assert_eq!(
            told(&log),
            [
                ("eve@example.com", "category.created", "127.0.0.1"),
                ("", "product.created", here),
                ("", "user.admin_created", here)
            ]
        );
        assert_eq!(log[1]["subject"], json!({"kind": "product", "id": 1}));

        assert_eq!(told(&place.json(&["audit", "--user", "EVE@example.com"])).len(), 1);
        let newest = log[0]["at"].as_str().unwrap();
        assert_eq!(place.json(&["audit", "--from", newest])[0], log[0]);
        assert_eq!(place.json(&["audit", "--from", "9999-01-01T00:00:00Z"]), json!([]));
        assert_eq!(place.json(&["audit", "--page", "2", "--page-size", "1"])[0], log[1]);
        let error = place.fails(&["audit", "--user", "bob@example.com"]);
        assert!(error.contains("bob@example.com") && error.contains("`ecommerce user list`"), "{error}");

        place.ok(&["product", "update", "1", "--price", "13"]);
        let table = place.ok(&["audit"]);
        for part in ["eve@example.com", "the program", "127.0.0.1", "product 1", "price: 12.50 -> 13.00"] {
            assert!(table.contains(part), "no {part} in {table}");
        }
    });
}

#[test]
fn a_trusted_proxy_is_believed() {
    let place = Place::sqlite();
    create_admin(&place, "eve@example.com");
    let seen = |server: Server, name: &str| {
        let (token, body) = (sign_in(&server, "eve@example.com"), json!({"name": name}).to_string());
        let (status, answer) = server.request(&format!(
            "POST /category/ HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Type: application/json\r\n\
             X-Forwarded-For: 203.0.113.7\r\nAuthorization: Token {token}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        assert_eq!(status, 201, "{answer}");
        place.json(&["audit", "--page", "1"])[0]["from"].clone()
    };
    assert_eq!(seen(Server::start(&place, &[]), "Kitchen"), "127.0.0.1");
    let words = ["--trusted-proxy", "10.0.0.1", "--trusted-proxy", "127.0.0.1"];
    assert_eq!(seen(Server::start(&place, &words), "Garden"), "203.0.113.7");

    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("ECOMMERCE_TRUSTED_PROXIES", "10.0.0.1, 127.0.0.1");
    assert_eq!(seen(Starting::from(command).listening(), "Living room"), "203.0.113.7");
}
