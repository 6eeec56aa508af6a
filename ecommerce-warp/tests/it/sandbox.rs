//! A shop on a real socket with the sandbox beside it, as its customers, their banks and a bad network see them.

mod api;
mod faults;
mod pages;
mod sales;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ecommerce_core::{
    Admin, CartLine, CheckoutRequest, ManualClock, Money, NewProduct, Order, ProductId, ProviderName, Quantity, Registration,
    ReturnUrls, Store, StripeFlow, System, Timestamp,
};
use ecommerce_warp::{
    Config,
    sandbox::{Act, Faults, HeldPayment, PAYSTACK_KEY, STRIPE_KEY, Sandbox},
    serve,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A shop that sells one product, and a customer with a full cart whenever one is needed.
pub struct Shop {
    pub store: Store,
    pub sandbox: Sandbox,
    clock: Arc<ManualClock>,
    system: System,
    product: ProductId,
    customer: String,
}

impl Shop {
    pub async fn open() -> Self {
        Self::with("http://shop.example/thanks?order={order_id}", StripeFlow::CheckoutSession).await
    }

    /// A shop whose customers come back to this address, or pay in its own page.
    pub async fn with(success: &str, flow: StripeFlow) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_769_851_800_000_000)));
        let sandbox = Sandbox::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), &url, clock.clone()).unwrap();
        let success = success.replace("{sandbox}", &sandbox.url());
        let returns = ReturnUrls::new(&success, "http://shop.example/cart").unwrap();
        let (stripe, paystack) = (sandbox.stripe(returns.clone()).unwrap().flow(flow), sandbox.paystack(returns).unwrap());
        let builder = Store::builder().clock(clock.clone()).background(false).provider(stripe).provider(paystack);
        let store = builder.open("sqlite::memory:").await.unwrap();
        tokio::spawn(serve(store.clone(), Config::default(), listener, std::future::pending()));
        let system = store.system();
        let price = Money::parse("10.50", store.currency()).unwrap();
        let mug = NewProduct::new("Mug & <spoon>".parse().unwrap(), price, 1000);
        let product = store.product_create(system.admin(), mug).await.unwrap().id;
        let ann =
            Registration { email: "ann@example.com".parse().unwrap(), password: "correct horse".parse().unwrap(), name: None };
        let customer = store.register(ann).await.unwrap().token.reveal().to_owned();
        Self { store, sandbox, clock, system, product, customer }
    }

    pub fn admin(&self) -> &Admin {
        self.system.admin()
    }

    /// An order of two mugs, as it is answered.
    pub async fn order(&self, provider: ProviderName) -> Order {
        let session = self.store.authenticate(&self.customer).await.unwrap();
        let lines = [CartLine { product: self.product, quantity: Quantity::new(2).unwrap() }];
        self.store.cart_add(session.customer(), &lines).await.unwrap();
        let request = CheckoutRequest { provider: Some(provider), ..CheckoutRequest::default() };
        self.store.checkout(session.customer(), &request).await.unwrap().order
    }

    pub async fn reload(&self, order: &Order) -> Order {
        self.store.order(self.admin(), order.id).await.unwrap()
    }

    /// Lets time pass, and the store do what is due by then.
    pub async fn wait(&self, span: Duration) {
        self.clock.advance(span);
        self.store.run_due().await.unwrap();
        assert!(self.sandbox.settled().await, "the shop did not take its events");
    }

    /// Does something to the order's newest payment, and waits until the shop has heard of it.
    pub async fn act(&self, order: &Order, act: Act) {
        self.sandbox.act(&self.held(order).id, act).unwrap();
        assert!(self.sandbox.settled().await, "the shop did not take its events");
    }

    /// What the sandbox holds of the order's own payment.
    pub fn held(&self, order: &Order) -> HeldPayment {
        let is_ours = |held: &HeldPayment| held.order == Some(order.id) && held.payment.is_some();
        self.sandbox.payments().into_iter().rfind(is_ours).expect("the sandbox holds no payment of the order")
    }

    pub fn faults(&self, set: impl FnOnce(&mut Faults)) {
        let mut faults = Faults::default();
        set(&mut faults);
        self.sandbox.set_faults(faults);
    }

    pub async fn healthy(&self) {
        let report = self.store.audit().await.unwrap();
        assert!(report.is_healthy(), "{report:?}");
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "").await.expect("no answer")
    }

    /// Sends a form, as a browser does.
    pub async fn post(&self, path: &str, form: &str) -> Answer {
        let origin = self.sandbox.url();
        self.ask("POST", path, &[("content-type", FORM), ("origin", &origin)], form).await.expect("no answer")
    }

    /// Calls Stripe's API.
    pub async fn stripe(&self, method: &str, path: &str, key: Option<&str>, form: &str) -> Option<Answer> {
        let bearer = format!("Bearer {STRIPE_KEY}");
        let mut headers = vec![("authorization", bearer.as_str()), ("content-type", FORM)];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        self.ask(method, path, &headers, form).await
    }

    /// Calls Paystack's API.
    pub async fn paystack(&self, method: &str, path: &str, body: &Value) -> Option<Answer> {
        let bearer = format!("Bearer {PAYSTACK_KEY}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.ask(method, path, &headers, &body.to_string()).await
    }

    /// Asks the sandbox; `None` when it closes the connection without an answer.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Answer> {
        let address: SocketAddr = self.sandbox.url().strip_prefix("http://").unwrap().parse().unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| *name == "host") {
            head += &format!("host: {address}\r\n");
        }
        headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        // A reset is a close as well.
        let _ = stream.read_to_string(&mut answer).await;
        let (head, text) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Answer { status, head: head.to_owned(), text: text.to_owned() })
    }
}

pub const FORM: &str = "application/x-www-form-urlencoded";

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    #[track_caller]
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }

    /// The page, which must hold all of these.
    #[track_caller]
    pub fn shows(&self, status: u16, texts: &[&str]) {
        assert_eq!(self.status, status, "{}", self.text);
        for text in texts {
            assert!(self.text.contains(text), "no {text:?} in {}", self.text);
        }
    }
}

pub fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}
