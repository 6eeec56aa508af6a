//! The floor: what a good engineer would write by hand for speed on the same stack with the same durability, for these few
//! requests only. Bare warp handlers, bare sqlx, one statement or one text of statements for each deed.

mod answers;
mod http;
mod login;
mod postgres;
mod routes;
mod sqlite;
mod stripe;

use std::sync::Arc;

use answers::{CartLine, OrderLine, Product};
use ecommerce_benches::Failure;
use ecommerce_core::{Clock, SystemClock};
use login::{Attempt, Known, NewSession};
use stripe::Paid;
use warp::http::StatusCode;

/// Serves a database, and prints the port.
pub async fn serve(url: &str) -> Result<(), Failure> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    if url.starts_with("sqlite:") {
        let shop = Arc::new(sqlite::Shop::open(url).await?);
        println!("{port}");
        http::serve(listener, routes::routes(shop)).await
    } else {
        let shop = Arc::new(postgres::Shop::open(url).await?);
        println!("{port}");
        http::serve(listener, routes::routes(shop)).await
    }
}

/// What the handlers ask of a database. Whoever is named by a token hash must be signed in.
trait Shop: Send + Sync + 'static {
    fn product(&self, id: i64) -> impl Future<Output = Done<Product>> + Send;
    /// The first products, and how many there are.
    fn page(&self, size: i64) -> impl Future<Output = Done<(i64, Vec<Product>)>> + Send;
    /// The best products that have a word, or a word that begins with it, and how many do.
    fn search(&self, word: &str) -> impl Future<Output = Done<(i64, Vec<Product>)>> + Send;
    fn add(&self, token_hash: String, product: i64, quantity: i64) -> impl Future<Output = Done<Vec<CartLine>>> + Send;
    fn clear(&self, token_hash: String) -> impl Future<Output = Done<()>> + Send;
    fn checkout(&self, token_hash: String, key: String) -> impl Future<Output = Done<Vec<OrderLine>>> + Send;
    /// Takes in that a payment succeeded; the same event again changes nothing.
    fn paid(&self, paid: Paid, payload: String) -> impl Future<Output = Done<()>> + Send;
    /// Counts an attempt to sign in before it is checked, so that many at once are counted too.
    fn count(&self, attempt: Attempt) -> impl Future<Output = Done<Known>> + Send;
    /// Forgets the attempt, which was right, and begins a session.
    fn let_in(&self, attempt: Attempt, session: NewSession) -> impl Future<Output = Done<()>> + Send;
}

type Done<T> = Result<T, Fault>;

/// Why there is no answer of success.
#[derive(Debug)]
struct Fault(StatusCode);

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        eprintln!("floor: {error}");
        Self(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// In microseconds since 1970.
fn now() -> i64 {
    SystemClock.now().as_micros()
}

/// How long an order keeps its units, and a session lives.
const DAY: i64 = 24 * 3600 * 1_000_000;
