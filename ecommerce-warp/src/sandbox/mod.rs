//! A stand-in for Stripe and Paystack on this machine: no account, no network, and no money that moves.
//!
//! It speaks the parts of both APIs that the shop uses, shows a plain payment page in the browser, sends signed webhooks,
//! and lets things go wrong on command. It is there for trying the shop out and for its tests, and keeps nothing: what it
//! knows ends with it.
//!
//! ```
//! use ecommerce_core::{ReturnUrls, Store, SystemClock};
//! use ecommerce_warp::sandbox::Sandbox;
//! use tokio::net::TcpListener;
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let shop = TcpListener::bind("127.0.0.1:0").await?;
//! let shop_url = format!("http://{}", shop.local_addr()?);
//! let sandbox = Sandbox::start(TcpListener::bind("127.0.0.1:0").await?, &shop_url, SystemClock)?;
//!
//! let done = format!("{}/done?order={{order_id}}", sandbox.url());
//! let returns = ReturnUrls::new(&done, &shop_url)?;
//! let store = Store::builder().provider(sandbox.stripe(returns)?).open("sqlite::memory:").await?;
//! // Now `ecommerce_warp::serve(store, Config::default(), shop, ..)`: a checkout answers a page of the sandbox's.
//! # store.close().await;
//! # Ok(()) }
//! ```

mod acts;
mod api;
mod books;
mod call;
mod faults;
mod held;
mod house;
mod keys;
mod pages;
mod paystack;
mod server;
mod stripe;
mod webhooks;

use std::{fmt, io, sync::Arc, time::Duration};

use ecommerce_core::{Clock, Invalid, Paystack, ReturnUrls, Stripe};
use tokio::{net::TcpListener, runtime::Handle, sync::mpsc, task::AbortHandle};

pub use self::{
    acts::{Act, ActError},
    books::{Delivery, Heard},
    faults::Faults,
    held::{HeldDispute, HeldPayment, HeldRefund, HeldRefundStatus, HeldState},
};
use self::{house::House, webhooks::Shop};

/// The secret key of Stripe's API in the sandbox. It is no secret.
pub const STRIPE_KEY: &str = "sk_test_sandbox";
/// The secret with which the sandbox signs Stripe's webhooks.
pub const STRIPE_WEBHOOK_SECRET: &str = "whsec_sandbox";
/// The secret key of Paystack's API in the sandbox, with which it also signs Paystack's webhooks.
pub const PAYSTACK_KEY: &str = "sk_test_sandbox_paystack";

/// How long [`Sandbox::settled`] waits at most: longer than an event is sent again that the shop does not take.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A stand-in for both providers, running. It ends when its last clone is dropped, or by [`Sandbox::stop`].
#[derive(Clone)]
pub struct Sandbox(Arc<Running>);

struct Running {
    house: Arc<House>,
    tasks: [AbortHandle; 2],
}

impl Sandbox {
    /// Starts a sandbox on the present tokio runtime: its server, and what sends its events to `/webhooks/stripe/` and
    /// `/webhooks/paystack/` below the URL of the shop. All its times come from the clock.
    ///
    /// # Errors
    /// When the listener can be reached from elsewhere than this machine, the shop's URL is none of http, or there is no
    /// runtime.
    pub fn start(listener: TcpListener, shop: &str, clock: impl Clock) -> io::Result<Self> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            let reason = format!("the sandbox listens on loopback only, and {address} is not");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let (shop, runtime) = (Shop::parse(shop)?, Handle::try_current().map_err(io::Error::other)?);
        let (post, letters) = mpsc::unbounded_channel();
        let house = Arc::new(House::new(format!("http://{address}"), clock, post));
        let server = runtime.spawn(server::serve(house.clone(), listener)).abort_handle();
        let postman = runtime.spawn(webhooks::deliver_all(house.clone(), shop, letters)).abort_handle();
        Ok(Self(Arc::new(Running { house, tasks: [server, postman] })))
    }

    /// Where it is, such as `http://127.0.0.1:8001`: the base of both APIs, and what to open in a browser.
    pub fn url(&self) -> String {
        self.0.house.url().to_owned()
    }

    /// Stripe, set up to talk to the sandbox.
    ///
    /// # Errors
    /// None that the sandbox can cause.
    pub fn stripe(&self, returns: ReturnUrls) -> Result<Stripe, Invalid> {
        Stripe::new().webhook_secrets(&[STRIPE_WEBHOOK_SECRET])?.secret_key(STRIPE_KEY, returns)?.api_base(&self.url())
    }

    /// Paystack, set up to talk to the sandbox.
    ///
    /// # Errors
    /// None that the sandbox can cause.
    pub fn paystack(&self, returns: ReturnUrls) -> Result<Paystack, Invalid> {
        Paystack::new().secret_key(PAYSTACK_KEY, returns)?.api_base(&self.url())
    }

    /// Lets these things go wrong from now on, and no others; chance begins anew at their seed.
    pub fn set_faults(&self, faults: Faults) {
        self.0.house.set_faults(faults);
    }

    /// What goes wrong.
    pub fn faults(&self) -> Faults {
        self.0.house.with(|books| books.desk.chance.faults().clone())
    }

    /// Does to a payment what a button of its page does. The payment may be named by its id, or by any of the provider's
    /// names for it.
    ///
    /// # Errors
    /// See [`ActError`]. Nothing was done.
    pub fn act(&self, payment: &str, act: Act) -> Result<(), ActError> {
        self.0.house.with(|books| books.act(payment, act))
    }

    /// Every payment that it holds, oldest first.
    pub fn payments(&self) -> Vec<HeldPayment> {
        self.0.house.with(|books| books.payments().map(held::Held::told).collect())
    }

    /// The calls of the API that it heard, oldest first, of the last 100,000.
    pub fn requests(&self) -> Vec<Heard> {
        self.0.house.with(|books| books.heard.iter().cloned().collect())
    }

    /// Every try to deliver an event, oldest first, of the last 100,000.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.0.house.with(|books| books.deliveries.iter().cloned().collect())
    }

    /// Waits until no event is left to deliver: the shop took them all, or they were given up. Says whether it came to that
    /// within 30 seconds.
    pub async fn settled(&self) -> bool {
        self.0.house.settled(LONGEST_WAIT).await
    }

    /// Stops: nothing is answered and nothing is sent any more. Its books can still be read.
    pub fn stop(&self) {
        self.0.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("url", &self.0.house.url()).finish_non_exhaustive()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}
