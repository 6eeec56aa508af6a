//! Attacks on a shop, to be run against any store, provider or frontend (feature `conformance`).
//!
//! In 2017 Todd Warszawski and Peter Bailis looked at twelve shops that anybody can install and found 22 holes in them
//! ([*ACIDRain: Concurrency-Related Attacks on Database-Backed Web Applications*][paper], SIGMOD 2017). None needed a stolen
//! password or a clever string: the attacker does what every customer may do, only **several times at once**. Stock went
//! below nothing, gift cards were spent twice, goods left that nobody had paid for. Most of the holes were no weakness of
//! the database. The transactions had the wrong **scope**: what was read and what was written because of it stood in
//! different ones, or in none, or what was read was not locked. No test that does one thing after the other finds that, and
//! no isolation level that a program merely asks for cures it.
//!
//! This module makes such attacks, counts what was sold, and looks into the books. [`Attack`] explains each one: what the
//! attacker does, which mistake it finds, what must come of it, and where the wall stands in this shop.
//!
//! | at stake | attacks |
//! | --- | --- |
//! | the units | [`Oversell`](Attack::Oversell), [`StockEdited`](Attack::StockEdited), [`CrossedCarts`](Attack::CrossedCarts) |
//! | the cart | [`AddDuringCheckout`](Attack::AddDuringCheckout), [`DoubleCheckout`](Attack::DoubleCheckout), [`OneKey`](Attack::OneKey), [`LostAdd`](Attack::LostAdd), [`PriceChanged`](Attack::PriceChanged) |
//! | the money | [`DoubleWebhook`](Attack::DoubleWebhook), [`TwoPayments`](Attack::TwoPayments), [`DoubleConfirmation`](Attack::DoubleConfirmation), [`RefundedTwice`](Attack::RefundedTwice) |
//! | an order that ends meanwhile | [`CancelledWhilePaid`](Attack::CancelledWhilePaid), [`ExpiredWhilePaid`](Attack::ExpiredWhilePaid), [`LateMoney`](Attack::LateMoney) |
//!
//! # A shop that refuses everybody passes too
//!
//! A shop that answers every checkout with an error never oversells. So every attack knows how many units must be sold and
//! counts them in the orders, not in the answers: of ten units fifty buyers must get exactly ten. "Busy, try again"
//! ([`Refusal::Busy`], a status of 503) is an honest answer as long as nothing was changed: the customer tries again, the
//! report counts it, and an order that was placed behind such an answer is found in the books and counts as broken.
//!
//! # Several processes
//!
//! A lock that lives in a process holds as long as there is only one. Hand [`run`] several frontends of the same shop, two
//! servers on one database for instance, and the deeds are spread over all of them:
//!
//! ```
//! use std::sync::Arc;
//! use ecommerce_core::{ManualClock, Store, Stripe, Timestamp};
//! use ecommerce_core::conformance::{self, Attack, StoreFrontend, StripeWebhooks};
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let url = format!("sqlite:{}", folder.path().join("shop.db").display());
//! // Two stores on one database, which share a clock that can be moved.
//! let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
//! let mut frontends = Vec::new();
//! for _ in 0..2 {
//!     let stripe = Stripe::new().webhook_secrets(&["whsec_attack"])?;
//!     let store = Store::builder().clock(clock.clone()).background(false).provider(stripe).open(&url).await?;
//!     frontends.push(StoreFrontend::new(store, StripeWebhooks::new("whsec_attack")).clock(clock.clone()));
//! }
//!
//! let report = conformance::run(Attack::DoubleCheckout, &frontends, 3).await;
//! assert!(report.holds(), "{report}");
//! assert_eq!(report.to_string(), "double_checkout: 3 of 3 held, 9 of 9 units sold");
//! # Ok(()) }
//! ```
//!
//! # A provider or a frontend of your own
//!
//! - With a [`PaymentProvider`](crate::PaymentProvider) of your own, implement [`Payer`]: how the store learns that an order
//!   is paid. Everything else of [`StoreFrontend`] stays.
//! - With a frontend of your own, implement [`Frontend`]: some fifteen deeds, such as a request each. What you cannot do, say
//!   so by [`Refusal::NotOffered`]. The project's own benches have one for the HTTP API, two server processes and a line to
//!   the database that is 100 ms long.
//!
//! # A whole life at random
//!
//! [`simulation`] goes on where single attacks end: customers, admins, providers, crashes and time itself, one seed a run,
//! and after every step a model without a database says what must be there.
//!
//! The attacks leave their products, customers and orders behind. Run them against a shop that is there for it.
//!
//! [paper]: https://doi.org/10.1145/3035918.3064037

mod attack;
mod attacks;
mod frontend;
mod lane;
mod patience;
mod run;
pub mod simulation;
mod store;
mod stripe;
mod verdict;

pub use attack::Attack;
pub use frontend::{BookedLine, BookedOrder, Frontend, PaidNews, Placed, Refusal, Stock};
pub use run::{Report, Tries, run};
pub use store::{Payer, StoreFrontend};
pub use stripe::{SignedWebhook, StripeWebhooks};
