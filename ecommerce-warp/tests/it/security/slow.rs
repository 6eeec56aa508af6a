//! S17: who is slow, silent or many is closed in time, and holds up nobody.

use std::time::Duration;

use ecommerce_warp::Config;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, sleep, timeout},
};

use crate::socket::{HEALTH, Server, quick, read, rest};

const ASK: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: shop\r\n\r\n";

#[tokio::test]
async fn s17_silence_is_closed() {
    let mut config = quick();
    config.idle_timeout = Duration::from_secs(60);
    let server = Server::start(config).await;
    assert_eq!(server.answer(b"").await, "");
}

#[tokio::test]
async fn s17_a_half_sent_header_is_closed() {
    let mut config = quick();
    config.idle_timeout = Duration::from_secs(60);
    let server = Server::start(config).await;
    assert_eq!(server.answer(b"GET /healthz HTTP/1.1\r\nhost: sh").await, "");

    // Also behind an answer, after which silence would have lasted longer.
    let mut stream = server.connect().await;
    stream.write_all(ASK).await.unwrap();
    stream.read_exact(&mut [0; 12]).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: sh").await.unwrap();
    let answers = rest(&mut stream).await;
    assert!(!answers.contains("HTTP/1.1"), "only the rest of the first answer: {answers}");
}

#[tokio::test]
async fn s17_a_header_that_trickles_is_closed() {
    let server = Server::start(quick()).await;
    let mut stream = server.connect().await;
    let start = Instant::now();
    for byte in b"GET /healthz HTTP/1.1\r\nhost: shop\r\nx: ".iter().chain([b'x'; 200].iter()) {
        sleep(Duration::from_millis(20)).await;
        if stream.write_all(&[*byte]).await.is_err() {
            break;
        }
    }
    assert!(start.elapsed() < Duration::from_secs(4), "a byte now and then bought time");
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn s17_an_idle_connection_is_kept_for_longer_than_a_header_may_take() {
    let mut config = quick();
    config.header_timeout = Duration::from_millis(100);
    config.idle_timeout = Duration::from_millis(1_500);
    let server = Server::start(config).await;
    let mut stream = server.connect().await;
    stream.write_all(ASK).await.unwrap();
    sleep(Duration::from_millis(400)).await;
    stream.write_all(ASK).await.unwrap();
    let answers = rest(&mut stream).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "both, and then closed for being idle: {answers}");
}

#[tokio::test]
async fn s17_a_slow_body_is_given_up() {
    let server = Server::start(quick()).await;
    let head = "POST /register/ HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{";
    let answer = server.answer(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request_timeout"), "{answer}");
}

#[tokio::test]
async fn s17_a_body_that_trickles_is_given_up() {
    let server = Server::start(quick()).await;
    let mut stream = server.connect().await;
    let head = "POST /register/ HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let trickle = tokio::spawn(async move {
        while writer.write_all(b" ").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    let mut answer = Vec::new();
    // A reset is a close as well.
    let _ = timeout(Duration::from_secs(5), reader.read_to_end(&mut answer)).await.expect("the server did not close");
    read(&String::from_utf8(answer).unwrap()).refused(408, "request_timeout");
    trickle.abort();
}

#[tokio::test]
async fn s17_a_reader_who_does_not_read_is_given_up() {
    let server = Server::start(quick()).await;
    let mut stream = server.connect().await;
    let ask = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: shop\r\n\r\n".repeat(20);
    stream.write_all(&ask).await.unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    let read = rest(&mut stream).await;
    assert!(read.matches("HTTP/1.1 200 ").count() < 20, "the server went on to send what nobody read");
}

#[tokio::test]
async fn s17_many_idle_connections_hold_up_nobody() {
    let mut config = Config::default();
    config.max_connections = 100;
    let server = Server::start(config).await;
    let mut idle = Vec::new();
    for number in 0..300 {
        let mut stream = server.connect().await;
        match number % 3 {
            0 => {}
            1 => stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: sh").await.unwrap(),
            _ => stream.write_all(ASK).await.unwrap(),
        }
        idle.push(stream);
    }
    for _ in 0..20 {
        let answer = timeout(Duration::from_secs(5), server.answer(HEALTH)).await.expect("an honest client had to wait");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

#[tokio::test]
async fn s17_requests_in_one_go_are_answered_in_their_order() {
    let server = Server::start(quick()).await;
    let all =
        [b"GET /product/1/ HTTP/1.1\r\nhost: shop\r\n\r\n".repeat(50), ASK.repeat(50), HEALTH.to_vec(), ASK.to_vec()].concat();
    let answers = server.answer(&all).await;
    let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, [vec!["404"; 50], vec!["200"; 51]].concat(), "and none behind the last");
}

#[tokio::test]
async fn s17_a_good_request_is_answered_among_slow_ones() {
    let server = Server::start(Config::default()).await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        slow.push(server.begin(500_000).await);
        let mut stream = server.connect().await;
        stream.write_all(&b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: shop\r\n\r\n".repeat(20)).await.unwrap();
        slow.push(stream);
    }
    let answer = timeout(Duration::from_secs(5), server.answer(HEALTH)).await.expect("an honest client had to wait");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn s17_a_refusal_reaches_a_client_that_is_still_sending() {
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
