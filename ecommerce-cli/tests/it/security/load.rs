//! S16 and S17 on the program as it runs: what bad bodies cost in memory, and how many connections it may hold.
#![cfg(target_os = "linux")]

use std::{fs, io::Write, net::TcpStream, process::Command, thread};

use serde_json::json;

use crate::program::{Place, Server, Starting};

const LIMIT: usize = 1024 * 1024;

/// A line of what the system knows of the process, in kB.
fn memory(server: &Server, line: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let value = status.lines().find_map(|entry| entry.strip_prefix(line)).unwrap();
    value.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

/// Bodies as long as one may be, each bad in its own way.
fn bodies() -> Vec<(&'static str, String, Vec<u8>)> {
    let json = "Content-Type: application/json\r\n";
    let filled = |part: &str| part.repeat(LIMIT / part.len());
    let keys: String = (0..LIMIT / 11).map(|number| format!("\"{number:06}\":0,")).collect();
    let known: String = "\"email\":0,".repeat(LIMIT / 10 - 2);
    vec![
        ("/register/", json.to_owned(), filled("[").into_bytes()),
        ("/register/", json.to_owned(), format!("{{\"email\":{}", filled("[")[..LIMIT - 9].to_owned()).into_bytes()),
        ("/register/", json.to_owned(), format!("{{{}\"x\":0}}", &keys[..LIMIT / 11 * 11 - 11]).into_bytes()),
        ("/register/", json.to_owned(), format!("{{{known}\"x\":0}}").into_bytes()),
        ("/register/", json.to_owned(), vec![0xff; LIMIT]),
        ("/register/", json.to_owned(), vec![0; LIMIT]),
        ("/register/", json.to_owned(), format!("{{\"email\":\"{}\"}}", &filled("x")[..LIMIT - 20]).into_bytes()),
        ("/register/", json.to_owned(), format!("{{\"email\":\"{}\"}}", &filled("\\u0041")[..LIMIT / 6 * 6 - 24]).into_bytes()),
        (
            "/create-cart/",
            json.to_owned(),
            format!("[{}{{}}]", &filled("{\"product\":1,\"quantity\":0},")[..LIMIT / 27 * 27 - 27]).into_bytes(),
        ),
        ("/webhooks/stripe/", format!("Stripe-Signature: {}\r\n", "v1=00,".repeat(4_000)), filled("{").into_bytes()),
    ]
}

#[test]
fn s16_bad_bodies_cost_less_than_twice_what_they_weigh() {
    const AT_ONCE: usize = 8;
    let place = Place::sqlite();
    let mut ann = None;
    for (path, headers, body) in bodies() {
        assert!(body.len() > LIMIT / 100 * 95 && body.len() <= LIMIT, "{path}: {}", body.len());
        // A fresh one for each: what an allocator keeps of one body would count as the next one's.
        let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("STRIPE_WEBHOOK_SECRET", "whsec_x");
        let server = Starting::from(command).listening();
        let token = ann.get_or_insert_with(|| {
            let account = json!({"email": "ann@example.com", "password": "correct horse"});
            server.post("/register/", None, &account).1["token"].as_str().unwrap().to_owned()
        });
        send(&server, path, token, "Content-Type: application/json\r\n", b"{}");
        let before = memory(&server, "VmRSS");
        // The highest is counted anew (proc_pid_clear_refs(5)).
        fs::write(format!("/proc/{}/clear_refs", server.id()), "5").unwrap();
        thread::scope(|scope| (0..AT_ONCE).for_each(|_| drop(scope.spawn(|| send(&server, path, token, &headers, &body)))));
        let grown = memory(&server, "VmHWM").saturating_sub(before);
        eprintln!("{path}: {grown} kB for {AT_ONCE} at once of {} bytes", body.len());
        assert!(grown < AT_ONCE * 2 * LIMIT / 1024, "{path}: {grown} kB for {AT_ONCE} bodies");
        assert_eq!(server.get("/healthz").0, 200);
    }
}

/// Sends a bad body, which is refused in few words.
fn send(server: &Server, path: &str, token: &str, headers: &str, body: &[u8]) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nAuthorization: Token {token}\r\n{headers}\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let answer = server.try_answer(&[head.as_bytes(), body].concat()).expect("the server answers");
    assert!(matches!(&answer[9..12], "400" | "422"), "{path}: {answer}");
    assert!(answer.len() < 10_000, "{path}: an answer of {} bytes", answer.len());
}

#[test]
fn s17_the_limit_of_open_files_is_raised_to_the_connections() {
    let place = Place::sqlite();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -Sn 64; exec \"$0\" serve --listen 127.0.0.1:0", env!("CARGO_BIN_EXE_ecommerce")]);
    command.env("ECOMMERCE_DATABASE_URL", &place.url);
    let server = Starting::from(command).listening();
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let numbers: Vec<u64> = files.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert_eq!(numbers[0], numbers[1].min(10_500), "{files}");

    let mut idle: Vec<_> = (0..100).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    assert_eq!(server.get("/healthz").0, 200);
    for stream in &mut idle {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n").expect("none of them was closed");
    }
}
