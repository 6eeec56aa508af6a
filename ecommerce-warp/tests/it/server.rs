//! The server on a real socket: how it is filled, and how it stops.

use std::time::Duration;

use ecommerce_core::Registration;
use ecommerce_warp::Config;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::socket::{HEALTH, Server, quick, rest};

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
