//! A server that closes what is silent, slow or too much, and stops without cutting anybody off.
//!
//! `warp::serve` has no time limits: half-sent headers, silent connections and readers that do not read stay for ever.

use std::{convert::Infallible, io::ErrorKind, sync::Arc, time::Duration};

use ecommerce_core::Store;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};
use warp::{Filter, Rejection, reply::Response};

use crate::{
    Config,
    dispatch::{self, Shop},
    lobby::{Guest, Lobby},
    origin::Peer,
    patience::Patience,
};

/// The most bytes of a request's header.
const MAX_HEADER: usize = 32 * 1024;
/// The most bytes that are kept of what a client sends before it is asked for more.
const MAX_BUFFER: usize = 64 * 1024;
/// How long to wait before accepting again when the system refused: mostly for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves the shop over HTTP/1.1 until `shutdown` is done, then lets what is running end.
///
/// TLS is the business of a proxy before it.
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ecommerce_core::Store;
/// use ecommerce_warp::{Config, serve};
///
/// let store = Store::open("sqlite:shop.db").await?;
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
/// serve(store, Config::default(), listener, async { tokio::signal::ctrl_c().await.unwrap_or_default() }).await;
/// # Ok(()) }
/// ```
pub async fn serve(store: Store, config: Config, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let shop = Arc::new(Shop::new(store, config.clone()));
    let nothing_there = shop.clone();
    let routes = dispatch::filter(shop).recover(move |_: Rejection| {
        let shop = nothing_there.clone();
        async move { Ok::<_, Rejection>(shop.nothing_there()) }
    });
    let service = TowerToHyperService::new(warp::service(routes));
    let house = House::new(&config);
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (stream, peer, place) = tokio::select! {
            admitted = house.admit(&listener) => admitted,
            () = &mut shutdown => break,
        };
        while connections.try_join_next().is_some() {}
        connections.spawn(house.attend(stream, peer, place, service.clone()));
    }
    drop(listener);
    house.close();
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(config.stop_timeout, ended).await.is_err() {
        tracing::warn!("stopped before every connection had ended");
    }
}

/// Where connections are let in and told to leave.
struct House {
    http: http1::Builder,
    write_timeout: Duration,
    places: Arc<Semaphore>,
    lobby: Arc<Lobby>,
    is_closing: watch::Sender<bool>,
}

impl House {
    fn new(config: &Config) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(config.header_timeout);
        http.max_header_size(MAX_HEADER).max_buf_size(MAX_BUFFER);
        Self {
            http,
            write_timeout: config.write_timeout,
            places: Arc::new(Semaphore::new(config.max_connections)),
            lobby: Arc::default(),
            is_closing: watch::Sender::new(false),
        }
    }

    /// The next connection, once there is a place for it. Where there is none, the longest silent one must leave.
    async fn admit(&self, listener: &TcpListener) -> (TcpStream, Peer, OwnedSemaphorePermit) {
        loop {
            let (stream, peer) = match listener.accept().await {
                Ok((stream, address)) => (stream, Peer(address.ip())),
                // The client went away before it was accepted.
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => continue,
                Err(error) => {
                    tracing::warn!(%error, "no connection can be accepted");
                    self.lobby.dismiss_longest();
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            // An answer is written at once: waiting for more to send would only delay it. It fails where the client is gone.
            let _ = stream.set_nodelay(true);
            if self.places.available_permits() == 0 {
                self.lobby.dismiss_longest();
            }
            if let Ok(place) = self.places.clone().acquire_owned().await {
                return (stream, peer, place);
            }
        }
    }

    /// Serves one connection until its client, its silence or the end of the server closes it.
    fn attend<S>(
        &self,
        stream: TcpStream,
        peer: Peer,
        place: OwnedSemaphorePermit,
        service: S,
    ) -> impl Future<Output = ()> + Send + use<S>
    where
        S: Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Send + 'static,
    {
        let guest = Arc::new(Guest::enter(&self.lobby));
        let speaker = guest.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            speaker.speaks();
            request.extensions_mut().insert(peer);
            let (answer, speaker) = (service.call(request), speaker.clone());
            async move {
                let answer = answer.await;
                speaker.waits();
                answer
            }
        });
        let io = TokioIo::new(Patience::new(stream, self.write_timeout));
        let connection = self.http.serve_connection(io, service);
        let mut is_closing = self.is_closing.subscribe();
        async move {
            let mut connection = std::pin::pin!(connection);
            let leaves = async {
                tokio::select! {
                    () = guest.dismissed() => {}
                    _ = is_closing.wait_for(|closing| *closing) => {}
                }
            };
            let ended = tokio::select! {
                ended = &mut connection => ended,
                () = leaves => {
                    if guest.has_spoken() {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    } else {
                        Ok(())
                    }
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended badly");
            }
            drop(place);
        }
    }

    /// Tells every connection to end after what it is doing.
    fn close(&self) {
        self.is_closing.send_replace(true);
    }
}
