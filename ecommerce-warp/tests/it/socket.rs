//! The server on a real socket, and what it says to bytes.

use std::{net::SocketAddr, time::Duration};

use ecommerce_core::{Store, StoreBuilder};
use ecommerce_warp::{Config, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};
use warp::http::{HeaderMap, HeaderName};

use crate::support::Reply;

pub struct Server {
    pub address: SocketAddr,
    pub store: Store,
    pub stop: oneshot::Sender<()>,
    pub running: JoinHandle<()>,
}

impl Server {
    pub async fn start(config: Config) -> Self {
        Self::with(Store::builder(), config).await
    }

    pub async fn with(builder: StoreBuilder, config: Config) -> Self {
        let store = builder.background(false).open("sqlite::memory:").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(serve(store.clone(), config, listener, async { drop(stopped.await) }));
        Self { address, store, stop, running }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A connection with a request that the server has begun to work on, and whose body is still to come.
    pub async fn begin(&self, length: usize) -> TcpStream {
        let mut stream = self.connect().await;
        let head = "POST /register/ HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\nexpect: 100-continue";
        stream.write_all(format!("{head}\r\ncontent-length: {length}\r\n\r\n").as_bytes()).await.unwrap();
        let mut heard = [0; 25];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream
    }

    /// What comes back for these bytes until the server closes.
    pub async fn answer(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        rest(&mut stream).await
    }

    /// The one answer to a request on a connection of its own, which these lines begin.
    pub async fn ask(&self, lines: &[&str], body: &str) -> Reply {
        let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        let head = lines.join("\r\n");
        self.reply(format!("{head}\r\nconnection: close\r\n{length}\r\n{body}").as_bytes()).await
    }

    /// The one answer to these bytes.
    pub async fn reply(&self, bytes: &[u8]) -> Reply {
        read(&self.answer(bytes).await)
    }
}

/// An answer as it came over the wire, which must be the only one.
pub fn read(answer: &str) -> Reply {
    let (head, text) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in lines.map(|line| line.split_once(": ").unwrap()) {
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    if let Some(length) = headers.get("content-length") {
        assert_eq!(length.to_str().unwrap(), text.len().to_string(), "more than one answer: {answer}");
    }
    Reply { status, headers, text: text.to_owned() }
}

/// All that comes until the server closes, which must be soon.
pub async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is a close as well.
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await.expect("the server did not close");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Limits that a test can wait for.
pub fn quick() -> Config {
    let mut config = Config::default();
    config.header_timeout = Duration::from_millis(200);
    config.idle_timeout = Duration::from_millis(200);
    config.body_timeout = Duration::from_millis(200);
    config.write_timeout = Duration::from_millis(200);
    config.stop_timeout = Duration::from_millis(500);
    config
}

/// A request that is answered at once.
pub const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n";
