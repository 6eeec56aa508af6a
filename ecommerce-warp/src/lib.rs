//! The HTTP frontend of [`ecommerce_core`]: every call of the shop as a warp route, described by an OpenAPI 3.1 document.
//!
//! [`serve`] runs a server of its own. [`routes`] is a warp filter to mount in an application that you have:
//!
//! ```
//! use ecommerce_core::Store;
//! use ecommerce_warp::{Config, routes};
//! use warp::Filter;
//!
//! # #[tokio::main] async fn main() -> Result<(), ecommerce_core::StoreError> {
//! let store = Store::open("sqlite::memory:").await?;
//! let hello = warp::path!("hello").map(|| "hello");
//! let app = hello.or(routes(store, Config::default()));
//!
//! let answer = warp::test::request().path("/healthz").reply(&app).await;
//! assert_eq!(answer.status(), 200);
//! # Ok(()) }
//! ```

mod call;
mod config;
mod cors;
mod dispatch;
mod endpoints;
mod etag;
mod faults;
mod host;
mod json;
mod lobby;
mod metrics;
mod openapi;
mod origin;
mod patience;
mod problem;
mod query;
mod reply;
mod routes;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod server;
mod shaped;
mod table;
mod turn;

use std::sync::Arc;

use ecommerce_core::Store;
use warp::{Filter, Rejection, reply::Response};

pub use crate::{config::Config, cors::CorsOrigin, host::HostName, origin::Peer, server::serve};

/// Every route of the shop, to be mounted at the root or below a path of any warp application.
///
/// A path that is none of the shop's is rejected as not found, so that `or` and `recover` work as usual.
/// Everything else, refusals included, is an answer.
pub fn routes(
    store: Store,
    config: Config,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + Send + Sync + 'static {
    dispatch::filter(Arc::new(dispatch::Shop::new(store, config)))
}

/// The OpenAPI 3.1 document of the routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    endpoints::document()
}
