//! The bounds of the server, and whom it listens to.

use std::{net::IpAddr, time::Duration};

use crate::{cors::CorsOrigin, host::HostName};

/// What the server allows its clients. Start from the default and change what you need:
///
/// ```
/// let mut config = ecommerce_warp::Config::default();
/// config.max_connections = 500;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The most bytes of a request's body. Default: 1 MiB.
    pub body_limit: usize,
    /// How long a request's body may take to arrive. Default: 30 seconds.
    pub body_timeout: Duration,
    /// How long a request's header may take to arrive, counted from its first byte, and on a new connection from the
    /// beginning. Only [`crate::serve`] heeds it. Default: 10 seconds.
    pub header_timeout: Duration,
    /// How long a connection may be silent after an answer. Only [`crate::serve`] heeds it. Default: 60 seconds.
    pub idle_timeout: Duration,
    /// How long a client may take to read an answer. Only [`crate::serve`] heeds it. Default: 60 seconds.
    pub write_timeout: Duration,
    /// How many connections may be open; each needs a file descriptor. For a further one, the one that has been silent
    /// longest is closed; where all are busy, it waits. Only [`crate::serve`] heeds it. Default: 10,000.
    pub max_connections: usize,
    /// The proxies before the server, by their addresses. Whoever connects from one is believed that the last address of
    /// its `X-Forwarded-For` which is none of these is the client's. Default: none, and the header is not read.
    pub trusted_proxies: Vec<IpAddr>,
    /// The hosts that are served; a request for any other is answered 421, but for `/healthz` and `/readyz`. Default: none are
    /// named, and all are served. Only [`crate::serve`] heeds it.
    pub allowed_hosts: Vec<HostName>,
    /// The origins whose pages may call the shop from a browser (CORS), with a token but never with credentials of the
    /// browser's own. Default: none, so that only pages of the shop's own origin may.
    pub cors_origins: Vec<CorsOrigin>,
    /// How long running requests may take to end once the server shall stop. Only [`crate::serve`] heeds it.
    /// Default: 10 seconds.
    pub stop_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            body_limit: 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            max_connections: 10_000,
            trusted_proxies: Vec::new(),
            allowed_hosts: Vec::new(),
            cors_origins: Vec::new(),
            stop_timeout: Duration::from_secs(10),
        }
    }
}
