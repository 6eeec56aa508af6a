//! S25 and S26: whom the program serves, as its flags and its environment say.

use crate::program::{Place, Server, Starting};

fn ask(server: &Server, host: &str, origin: &str) -> String {
    let request = format!("GET /product/ HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n");
    server.try_answer(request.as_bytes()).expect("the server answers")
}

#[test]
fn s25_s26_hosts_and_origins_are_named_by_flags_or_by_the_environment() {
    let place = Place::sqlite();
    let flags = ["--allowed-host", "shop.example", "--allowed-host", "api.example"];
    let flags = [&flags[..], &["--cors-origin", "https://a.example", "--cors-origin", "https://B.example:443"]].concat();
    let by_flags = Server::start(&place, &flags);
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("ECOMMERCE_ALLOWED_HOSTS", "shop.example, api.example");
    command.env("ECOMMERCE_CORS_ORIGINS", "https://a.example, https://b.example");
    let by_environment = Starting::from(command).listening();
    for server in [by_flags, by_environment] {
        for origin in ["https://a.example", "https://b.example"] {
            let answer = ask(&server, "api.example:8000", origin);
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            assert!(answer.contains(&format!("access-control-allow-origin: {origin}\r\n")), "{answer}");
        }
        assert!(!ask(&server, "shop.example", "https://evil.example").contains("access-control-"));
        assert!(ask(&server, &server.address, "https://a.example").starts_with("HTTP/1.1 421 "));
    }
}

#[test]
fn s25_s26_by_default_every_host_is_served_and_no_other_origin_is_let_in() {
    let place = Place::sqlite();
    let server = Server::start(&place, &[]);
    for host in [server.address.as_str(), "shop.example", "evil.example"] {
        let answer = ask(&server, host, "https://shop.example");
        assert!(answer.starts_with("HTTP/1.1 200 ") && !answer.contains("access-control-"), "{answer}");
        assert!(!answer.contains("evil.example"), "nothing in an answer comes from Host");
    }
}
