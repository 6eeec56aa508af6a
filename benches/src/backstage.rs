//! What no request can do, done on the database itself: a look at what is reserved, the doctor, and time that runs out.

use std::time::Duration;

use ecommerce_core::{Clock, Store, Stripe, SystemClock, Timestamp};

use crate::{Failure, server::STRIPE_SECRET};

/// Beside the servers, on the same database.
#[derive(Clone)]
pub struct Backstage {
    /// A store whose clock is ahead of theirs. What it does because it is due comes too early for them, as it would if one
    /// of several servers had a wrong clock.
    pub ahead: Store,
}

impl Backstage {
    /// Makes the tables where there are none.
    pub async fn open(database: &str) -> Result<Self, Failure> {
        let stripe = Stripe::new().webhook_secrets(&[STRIPE_SECRET])?;
        Ok(Self { ahead: Store::builder().clock(Ahead).background(false).provider(stripe).open(database).await? })
    }
}

/// A clock that is an hour ahead: for it every reservation of this moment has run out.
struct Ahead;

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().after(Duration::from_secs(3600))
    }
}
