//! A server that closes what is silent, slow or too much, and stops without cutting anybody off.
//!
//! `warp::serve` has no time limits: half-sent headers, silent connections and readers that do not read stay for ever.
//! On the way of a request lie: the socket, [`Patience`], [`Shaped`], hyper, the check of its host, the routes.

use std::{convert::Infallible, future::ready, io::ErrorKind, sync::Arc, time::Duration};

use ecommerce_core::Store;
use futures_util::future::Either;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};
use warp::{Filter, http::HeaderMap, reply::Response};

use crate::{
    Config, cors,
    dispatch::{self, Shop},
    host,
    lobby::{Guest, Lobby},
    origin::{self, Peer},
    patience::{Limits, Patience},
    problem::Problem,
    shaped::Shaped,
    turn::Turn,
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
    let stop_timeout = config.stop_timeout;
    let shop = Arc::new(Shop::new(store, config));
    let routes = dispatch::filter(shop.clone()).or(nothing_there(shop.clone())).unify();
    let service = TowerToHyperService::new(warp::service(routes));
    let house = House::new(shop);
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
    if tokio::time::timeout(stop_timeout, ended).await.is_err() {
        tracing::warn!("stopped before every connection had ended");
    }
}

/// What is said at an address where nothing is.
fn nothing_there(shop: Arc<Shop>) -> impl Filter<Extract = (Response,), Error = Infallible> + Clone + Send + Sync + 'static {
    origin::peer().and(warp::header::headers_cloned()).map(move |peer: Option<Peer>, headers: HeaderMap| {
        let client = origin::client(peer, &headers, &shop.config.trusted_proxies);
        let mut answer = shop.turn_away(Problem::not_found("there is nothing at this address"), client).map(Into::into);
        cors::mark(&shop.config.cors_origins, &headers, &mut answer);
        answer
    })
}

/// Where connections are let in and told to leave.
struct House {
    shop: Arc<Shop>,
    http: http1::Builder,
    places: Arc<Semaphore>,
    lobby: Arc<Lobby>,
    is_closing: watch::Sender<bool>,
}

impl House {
    fn new(shop: Arc<Shop>) -> Self {
        let mut http = http1::Builder::new();
        http.header_read_timeout(None).max_header_size(MAX_HEADER).max_buf_size(MAX_BUFFER);
        Self {
            http,
            places: Arc::new(Semaphore::new(shop.config.max_connections)),
            shop,
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
        let turn = Arc::new(Turn::default());
        let (speaker, asked, shop) = (guest.clone(), turn.clone(), self.shop.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            speaker.speaks();
            asked.asked();
            request.extensions_mut().insert(peer);
            let answer = match host::check(&request, &shop.config.allowed_hosts) {
                Ok(()) => Either::Left(service.call(request)),
                Err(problem) => {
                    let client = origin::client(Some(peer), request.headers(), &shop.config.trusted_proxies);
                    Either::Right(ready(Ok(shop.turn_away(problem, client).map(Into::into))))
                }
            };
            let (speaker, asked) = (speaker.clone(), asked.clone());
            // Boxed, since a connection keeps room for it also while it is silent.
            Box::pin(async move {
                let answer = answer.await;
                asked.answered();
                speaker.waits();
                answer
            })
        });
        let shop = self.shop.clone();
        let unreadable = move |status| shop.turn_away(Problem::not_http(status), Some(peer.0.to_canonical()));
        let patient = Patience::new(stream, turn.clone(), Limits::new(&self.shop.config));
        let io = TokioIo::new(Shaped::new(patient, turn, unreadable));
        // Boxed, since what is moved into a future and pinned there has its place twice.
        let mut connection = Box::pin(self.http.serve_connection(io, service));
        let mut is_closing = self.is_closing.subscribe();
        async move {
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
