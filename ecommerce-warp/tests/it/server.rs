//! The server on a real socket: what is slow, silent or too much, and how it stops.

use std::{net::SocketAddr, time::Duration};

use ecommerce_core::{Registration, Store};
use ecommerce_warp::{Config, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, timeout},
};

struct Server {
    address: SocketAddr,
    store: Store,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Server {
    async fn start(config: Config) -> Self {
        let store = Store::builder().background(false).open("sqlite::memory:").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(serve(store.clone(), config, listener, async { drop(stopped.await) }));
        Self { address, store, stop, running }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A connection with a request that the server has begun to work on, and whose body is still to come.
    async fn begin(&self, length: usize) -> TcpStream {
        let mut stream = self.connect().await;
        let head = "POST /register/ HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\nexpect: 100-continue";
        stream.write_all(format!("{head}\r\ncontent-length: {length}\r\n\r\n").as_bytes()).await.unwrap();
        let mut heard = [0; 25];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream
    }

    /// What comes back for these bytes until the server closes.
    async fn answer(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        rest(&mut stream).await
    }
}

/// All that comes until the server closes, which must be soon.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is a close as well.
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await.expect("the server did not close");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn quick() -> Config {
    let mut config = Config::default();
    config.header_timeout = Duration::from_millis(200);
    config.body_timeout = Duration::from_millis(200);
    config.write_timeout = Duration::from_millis(200);
    config.stop_timeout = Duration::from_millis(500);
    config
}

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn an_unknown_address_is_a_problem_too() {
    let server = Server::start(Config::default()).await;
    let answer = server.answer(b"GET /nothing?x=1 HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert!(
        answer.contains("application/problem+json") && answer.contains("\"not_found\"") && answer.contains("x-request-id"),
        "{answer}"
    );
    assert!(!answer.to_lowercase().contains("\r\nserver:"), "{answer}");
    let metrics = server.answer(b"GET /metrics HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n").await;
    assert!(metrics.contains("ecommerce_http_requests_total{method=\"OTHER\",path=\"unknown\",status=\"404\"} 1"), "{metrics}");
}

#[tokio::test]
async fn silence_half_a_header_and_idling_are_closed() {
    let server = Server::start(quick()).await;
    assert_eq!(server.answer(b"").await, "");
    server.answer(b"GET /healthz HTTP/1.1\r\nhost: sh").await;
    let kept = server.answer(b"GET /healthz HTTP/1.1\r\nhost: shop\r\n\r\n").await;
    assert!(kept.starts_with("HTTP/1.1 200 "), "answered, then closed for being idle: {kept}");
}

#[tokio::test]
async fn a_slow_body_is_given_up() {
    let server = Server::start(quick()).await;
    let head = "POST /register/ HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{";
    let answer = server.answer(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request_timeout"), "{answer}");
}

#[tokio::test]
async fn a_reader_who_does_not_read_is_given_up() {
    let server = Server::start(quick()).await;
    let mut stream = server.connect().await;
    let ask = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: shop\r\n\r\n".repeat(20);
    stream.write_all(&ask).await.unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    let read = rest(&mut stream).await;
    assert!(read.matches("HTTP/1.1 200 ").count() < 20, "the server went on to send what nobody read");
}

#[tokio::test]
async fn a_chunked_body_is_counted_as_it_comes() {
    let server = Server::start(Config::default()).await;
    let mut stream = server.connect().await;
    let head = b"POST /register/ HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..20 {
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_body_that_is_declared_too_long_is_not_asked_for() {
    let server = Server::start(Config::default()).await;
    let head = "POST /register/ HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 2000000\r\n\r\n";
    let answer = server.answer(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let server = Server::start(Config::default()).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"POST /product/ HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ncontent-length: 500000\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    stream.write_all(&[b'x'; 500_000]).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[tokio::test]
async fn what_is_not_http_gets_400() {
    let server = Server::start(quick()).await;
    for request in [
        "nonsense\r\n\r\n",
        "GET /product/ HTTP/1.1\r\nhost: shop\r\nno colon\r\n\r\n",
        "POST /register/ HTTP/1.1\r\nhost: shop\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "POST /register/ HTTP/1.1\r\nhost: shop\r\ncontent-length: -1\r\n\r\n",
        "POST /register/ HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: gzip\r\n\r\n",
        "GET /pro duct/ HTTP/1.1\r\nhost: shop\r\n\r\n",
    ] {
        let answer = server.answer(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request:?}: {answer}");
    }
    let large = format!("GET /product/ HTTP/1.1\r\nhost: shop\r\nx: {}\r\n\r\n", "x".repeat(100_000));
    let answer = server.answer(large.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn a_header_that_counts_comes_once() {
    let server = Server::start(Config::default()).await;
    let ann = Registration { email: "ann@example.com".parse().unwrap(), password: "correct horse".parse().unwrap(), name: None };
    let token = server.store.register(ann).await.unwrap().token;
    let key = format!("authorization: Token {}\r\n", token.reveal());
    let ask = async |line: &str, headers: &str| {
        let request = format!("{line} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n{headers}\r\n");
        server.answer(request.as_bytes()).await
    };
    assert!(ask("GET /me/", &key).await.starts_with("HTTP/1.1 200 "));
    assert!(ask("GET /me/", &format!("{key}{key}")).await.starts_with("HTTP/1.1 401 "));
    let once = "idempotency-key: a\r\n";
    assert!(ask("POST /checkout/", &format!("{key}{once}")).await.starts_with("HTTP/1.1 409 "));
    let twice = ask("POST /checkout/", &format!("{key}{once}{once}")).await;
    assert!(twice.starts_with("HTTP/1.1 422 ") && twice.contains("\"Idempotency-Key\":[\"is given twice\"]"), "{twice}");
}

#[tokio::test]
async fn the_server_knows_from_where_it_is_asked() {
    let mut config = Config::default();
    config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    let (open, behind_a_proxy) = (Server::start(Config::default()).await, Server::start(config).await);
    for (server, expected) in [(open, "127.0.0.1"), (behind_a_proxy, "203.0.113.7")] {
        let system = server.store.system();
        let eve =
            Registration { email: "eve@example.com".parse().unwrap(), password: "correct horse".parse().unwrap(), name: None };
        server.store.user_create_admin(system.admin(), eve).await.unwrap();
        let token = server.store.login("eve@example.com", "correct horse").await.unwrap().token;
        let (body, forwarded) = (r#"{"name": "Kitchen"}"#, "x-forwarded-for: 198.51.100.1\r\nx-forwarded-for: 203.0.113.7");
        let answer = server
            .answer(
                format!(
                    "POST /category/ HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ncontent-type: application/json\r\n\
                     {forwarded}\r\nauthorization: Token {}\r\ncontent-length: {}\r\n\r\n{body}",
                    token.reveal(),
                    body.len()
                )
                .as_bytes(),
            )
            .await;
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        let log = server.store.audit_log(system.admin(), &Default::default(), Default::default()).await.unwrap();
        assert_eq!(log.results[0].from.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn two_lengths_are_one_request_and_never_two() {
    let server = Server::start(quick()).await;
    let smuggled = "POST /register/ HTTP/1.1\r\nhost: shop\r\ncontent-length: 60\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: shop\r\n\r\n";
    let answer = server.answer(smuggled.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[tokio::test]
async fn where_the_house_is_full_the_longest_silent_leaves() {
    let mut config = Config::default();
    config.max_connections = 2;
    let server = Server::start(config).await;
    let (mut silent, mut idle) = (server.connect().await, server.connect().await);
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: shop\r\n\r\n").await.unwrap();
    idle.read_exact(&mut [0; 12]).await.unwrap();

    let start = Instant::now();
    assert!(server.answer(HEALTH).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(rest(&mut silent).await, "", "silent from the start");
    let _second = server.connect().await;
    assert!(server.answer(HEALTH).await.starts_with("HTTP/1.1 200 "));
    rest(&mut idle).await;
    assert!(start.elapsed() < Duration::from_secs(2), "nobody had to wait for a time limit");
}

#[tokio::test]
async fn where_all_are_busy_the_next_waits() {
    let mut config = quick();
    config.max_connections = 1;
    let server = Server::start(config).await;
    let mut busy = server.begin(9).await;
    let start = Instant::now();
    assert!(server.answer(HEALTH).await.starts_with("HTTP/1.1 200 "));
    assert!(start.elapsed() > Duration::from_millis(100), "the slow body had to be given up first");
    assert!(rest(&mut busy).await.starts_with("HTTP/1.1 4"));
}

#[tokio::test]
async fn stopping_lets_what_is_running_end() {
    let server = Server::start(Config::default()).await;
    let body = r#"{"email": "ann@example.com", "password": "correct horse"}"#;
    let mut running = server.begin(body.len()).await;
    let mut silent = server.connect().await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: shop\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();

    server.stop.send(()).unwrap();
    rest(&mut idle).await;
    rest(&mut silent).await;
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody new gets in");
    running.write_all(body.as_bytes()).await.unwrap();
    let answer = rest(&mut running).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    timeout(Duration::from_secs(5), server.running).await.expect("the server did not stop").unwrap();
}

#[tokio::test]
async fn stopping_waits_for_nobody_for_ever() {
    let mut config = quick();
    config.body_timeout = Duration::from_secs(60);
    let server = Server::start(config).await;
    let mut stuck = server.begin(9).await;
    server.stop.send(()).unwrap();
    timeout(Duration::from_secs(5), server.running).await.expect("the server did not stop").unwrap();
    rest(&mut stuck).await;
}

#[tokio::test]
async fn a_database_that_is_gone_is_503_and_nothing_more_is_told() {
    let server = Server::start(Config::default()).await;
    server.store.close().await;
    for path in ["/product/", "/product/1/", "/readyz"] {
        let answer = server.answer(format!("GET {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n").as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1") && answer.contains("\"unavailable\""),
            "{answer}"
        );
        assert!(!answer.contains("select") && !answer.contains("sqlx") && !answer.contains("pool"), "{answer}");
    }
    assert!(server.answer(HEALTH).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn every_request_is_counted_once_under_its_template() {
    let server = Server::start(Config::default()).await;
    for id in 1..=3 {
        server.answer(format!("GET /product/{id}/ HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n").as_bytes()).await;
    }
    let metrics = server.answer(b"GET /metrics HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n").await;
    assert!(
        metrics.contains("ecommerce_http_requests_total{method=\"GET\",path=\"/product/{id}/\",status=\"404\"} 3"),
        "{metrics}"
    );
    assert!(metrics.contains("ecommerce_http_request_duration_seconds_bucket"), "{metrics}");
}
