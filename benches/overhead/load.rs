//! The load: keep-alive connections that each ask again as soon as they were answered.

use std::error::Error;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::child::Child;

/// The server's processor time for one request.
pub async fn microseconds_per_request(
    server: &Child,
    path: &str,
    connections: usize,
    requests: usize,
) -> Result<f64, Box<dyn Error>> {
    let before = server.processor_seconds()?;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (port, path) = (server.port, path.to_owned());
        clients.spawn(async move {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
            for _ in 0..requests / connections {
                get(&mut stream, &path).await?;
            }
            Ok::<_, std::io::Error>(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok((server.processor_seconds()? - before) * 1e6 / requests as f64)
}

/// Asks once, on a connection of its own.
pub async fn get_once(port: u16, path: &str) -> std::io::Result<()> {
    get(&mut TcpStream::connect(("127.0.0.1", port)).await?, path).await
}

async fn get(stream: &mut TcpStream, path: &str) -> std::io::Result<()> {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::with_capacity(16 * 1024);
    loop {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).and_then(|length| length.parse().ok());
        if answer.len() >= end + 4 + length.unwrap_or(0) {
            return Ok(());
        }
    }
}
