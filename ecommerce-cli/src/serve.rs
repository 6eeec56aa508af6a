//! `ecommerce serve`: the shop over HTTP.

use std::{
    env,
    io::IsTerminal,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use clap::{Args, value_parser};
use ecommerce_core::{Invalid, Limits, Store, SystemClock};
use ecommerce_warp::{Config, CorsOrigin, HostName, sandbox::Sandbox};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::{
    args::CurrencyArg,
    demo, descriptors,
    error::{Error, say},
    providers::ProviderArgs,
    shop::Shop,
};

/// Bring the database up to date, then serve the shop over HTTP until SIGINT (Ctrl-C) or SIGTERM.
///
/// Keys and secrets come by the environment only. Stripe is called with STRIPE_SECRET_KEY and its webhooks are believed
/// with STRIPE_WEBHOOK_SECRET (several secrets, separated by commas, while one is being rotated); Paystack needs
/// PAYSTACK_SECRET_KEY for both. RUST_LOG says what is logged, such as `warn` or `ecommerce=debug`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen.
    #[arg(long, value_name = "HOST:PORT", env = "ECOMMERCE_LISTEN", default_value = "127.0.0.1:8000")]
    listen: Address,
    /// Fill an empty store with a small catalog, an admin and a customer, and print how to sign in.
    #[arg(long)]
    demo: bool,
    /// Stand in for Stripe and Paystack, on this machine alone: payments are made in the browser, and no money moves.
    #[arg(long)]
    sandbox: bool,
    /// Where the sandbox listens, on loopback; port 0 is any that is free.
    #[arg(long, value_name = "HOST:PORT", env = "ECOMMERCE_SANDBOX_LISTEN", default_value = "127.0.0.1:0", requires = "sandbox")]
    sandbox_listen: Address,
    #[command(flatten)]
    currency: CurrencyArg,
    /// How long an order keeps its pieces while a provider waits for the money.
    #[arg(long, value_name = "MINUTES", env = "ECOMMERCE_RESERVATION_MINUTES", default_value_t = 35)]
    #[arg(value_parser = value_parser!(u64).range(1..=LONGEST_MINUTES))]
    reservation_minutes: u64,
    /// How long an order keeps its pieces while it waits for a bank transfer or cash.
    #[arg(long, value_name = "HOURS", env = "ECOMMERCE_MANUAL_RESERVATION_HOURS", default_value_t = 72)]
    #[arg(value_parser = value_parser!(u64).range(1..=LONGEST_MINUTES / 60))]
    manual_reservation_hours: u64,
    /// How many orders of one customer may wait for payment.
    #[arg(long, value_name = "ORDERS", env = "ECOMMERCE_MAX_OPEN_ORDERS", default_value_t = 100)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    max_open_orders: u32,
    /// How many attempts an order may have to be paid.
    #[arg(long, value_name = "PAYMENTS", env = "ECOMMERCE_MAX_PAYMENTS_PER_ORDER", default_value_t = 20)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    max_payments_per_order: u32,
    /// How many log-ins from one address may fail within 15 minutes; 0 is any number. Whoever signed in from there before
    /// still gets in with the right password.
    #[arg(long, value_name = "FAILURES", env = "ECOMMERCE_MAX_FAILED_LOGINS_PER_ADDRESS", default_value_t = 50)]
    max_failed_logins_per_address: u32,
    /// A proxy before the server that is believed when it tells the client's address in X-Forwarded-For. May be given
    /// several times; the variable takes several, separated by commas.
    #[arg(long = "trusted-proxy", value_name = "IP", env = "ECOMMERCE_TRUSTED_PROXIES", value_delimiter = ',')]
    #[arg(value_parser = listed::<IpAddr>)]
    trusted_proxies: Vec<IpAddr>,
    /// A host that is served, without a port: with any named, requests for others are refused, but for /healthz and
    /// /readyz. May be given several times; the variable takes several, separated by commas.
    #[arg(long = "allowed-host", value_name = "HOST", env = "ECOMMERCE_ALLOWED_HOSTS", value_delimiter = ',')]
    #[arg(value_parser = listed::<HostName>)]
    allowed_hosts: Vec<HostName>,
    /// An origin whose pages may call the shop from a browser (CORS), such as `https://shop.example`. May be given several
    /// times; the variable takes several, separated by commas.
    #[arg(long = "cors-origin", value_name = "ORIGIN", env = "ECOMMERCE_CORS_ORIGINS", value_delimiter = ',')]
    #[arg(value_parser = listed::<CorsOrigin>)]
    cors_origins: Vec<CorsOrigin>,
    #[command(flatten)]
    providers: ProviderArgs,
}

/// A year: whatever is reserved for longer is sold.
const LONGEST_MINUTES: u64 = 365 * 24 * 60;

pub(crate) async fn run(shop: &Shop, args: &ServeArgs) -> Result<(), Error> {
    log()?;
    if args.sandbox {
        args.providers.refuse_real()?;
    }
    let config = args.config();
    descriptors::allow(config.max_connections);
    // A port in use shall be known before anything is written.
    let listener = args.listen.bind().await?;
    let address = listener.local_addr().map_err(|error| Error::failed(format!("cannot listen: {error}")))?;
    let builder = Store::builder().limits(args.limits()).currency(args.currency.currency);
    let sandbox = args.sandbox(&url(address)).await?;
    let builder = match &sandbox {
        Some(sandbox) => args.providers.set_up_sandbox(builder, sandbox)?,
        None => args.providers.set_up(builder, &url(address))?,
    };
    let store = shop.build(builder).await?;
    let stop = stop_signal()?;
    if args.demo {
        shop.output().line(&demo::fill(&store, &url(address), sandbox.is_some()).await?)?;
    }
    if let Some(sandbox) = &sandbox {
        say(&format!("Sandbox of Stripe and Paystack on {}: no money moves", sandbox.url()));
    }
    say(&format!("Listening on {}", url(address)));
    ecommerce_warp::serve(store.clone(), config, listener, stop).await;
    store.close().await;
    Ok(())
}

impl ServeArgs {
    /// The stand-in for both providers, where one is wanted. It ends with its last clone.
    async fn sandbox(&self, shop: &str) -> Result<Option<Sandbox>, Error> {
        if !self.sandbox {
            return Ok(None);
        }
        let sandbox = Sandbox::start(self.sandbox_listen.bind().await?, shop, SystemClock);
        sandbox.map(Some).map_err(|error| Error::Usage(format!("--sandbox-listen: {error}")))
    }

    fn config(&self) -> Config {
        let mut config = Config::default();
        config.trusted_proxies.clone_from(&self.trusted_proxies);
        config.allowed_hosts.clone_from(&self.allowed_hosts);
        config.cors_origins.clone_from(&self.cors_origins);
        config
    }

    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.reservation = Duration::from_secs(self.reservation_minutes * 60);
        limits.manual_reservation = Duration::from_secs(self.manual_reservation_hours * 3600);
        limits.open_orders_per_customer = self.max_open_orders;
        limits.payments_per_order = self.max_payments_per_order;
        limits.failed_logins_per_address = self.max_failed_logins_per_address;
        limits
    }
}

/// A host, by its name or its number, and a port.
#[derive(Debug, Clone)]
struct Address(String);

impl FromStr for Address {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(Self(text.to_owned())),
            _ => Err(Invalid::new("must be a host and a port, such as 127.0.0.1:8000")),
        }
    }
}

impl Address {
    async fn bind(&self) -> Result<TcpListener, Error> {
        let listener = TcpListener::bind(&self.0).await;
        listener.map_err(|error| Error::failed(format!("cannot listen on {}: {error}. --listen takes another port", self.0)))
    }
}

/// One of several in a variable, where people put a space behind each comma.
fn listed<T: FromStr>(text: &str) -> Result<T, T::Err> {
    text.trim().parse()
}

/// Where a browser on this machine finds the server.
fn url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() { format!("http://127.0.0.1:{}", address.port()) } else { format!("http://{address}") }
}

/// Logs to standard error what `RUST_LOG` asks for, else what our own crates have to say and warnings of others.
fn log() -> Result<(), Error> {
    let wanted = env::var("RUST_LOG").ok().filter(|wanted| !wanted.is_empty());
    let filter = EnvFilter::try_new(wanted.as_deref().unwrap_or("warn,ecommerce=info"));
    let filter = filter.map_err(|error| Error::Usage(format!("RUST_LOG: {error}")))?;
    let colours = std::io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
    Ok(())
}

/// Ends when the program is asked to stop.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    use tokio::signal::unix::{SignalKind, signal};

    let listen = |kind| signal(kind).map_err(|error| Error::failed(format!("cannot listen for signals: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        say("Stopping");
    })
}

/// Ends when the program is asked to stop.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same shape everywhere")]
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    Ok(async {
        // Where nobody can ask it to stop it serves until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        say("Stopping");
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_a_host_and_a_port() {
        for text in ["127.0.0.1:8000", "localhost:0", "[::1]:80"] {
            assert!(text.parse::<Address>().is_ok(), "{text} was refused");
        }
        for text in ["", "8000", ":8000", "localhost", "localhost:", "localhost:http", "localhost:65536"] {
            assert!(text.parse::<Address>().is_err(), "{text} was taken");
        }
    }

    #[test]
    fn a_server_that_listens_everywhere_is_found_here() {
        assert_eq!(url("0.0.0.0:8000".parse().unwrap()), "http://127.0.0.1:8000");
        assert_eq!(url("[::1]:80".parse().unwrap()), "http://[::1]:80");
    }
}
