//! A sandbox of Stripe and Paystack beside the program, as its real providers would be.

use std::{net::TcpListener, process::Command};

use ecommerce_core::SystemClock;
use ecommerce_warp::sandbox::{PAYSTACK_KEY, STRIPE_KEY, STRIPE_WEBHOOK_SECRET, Sandbox};
use serde_json::Value;

use crate::program::{Place, Run, Server, Starting};

/// A sandbox of the test's own, which outlives the servers that call it.
pub(crate) struct Bank {
    pub(crate) sandbox: Sandbox,
    /// Where it looks for the shop.
    shop: String,
    _runtime: tokio::runtime::Runtime,
}

impl Bank {
    pub(crate) fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let shop = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let sandbox = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            Sandbox::start(listener, &format!("http://{shop}"), SystemClock).unwrap()
        });
        Self { sandbox, shop, _runtime: runtime }
    }

    /// The program, with the keys and addresses of this bank.
    fn command(&self, place: &Place, words: &[&str]) -> Command {
        let mut command = place.command(words);
        command.env("STRIPE_SECRET_KEY", STRIPE_KEY).env("STRIPE_WEBHOOK_SECRET", STRIPE_WEBHOOK_SECRET);
        command.env("PAYSTACK_SECRET_KEY", PAYSTACK_KEY);
        command.env("STRIPE_API_BASE", self.sandbox.url()).env("PAYSTACK_API_BASE", self.sandbox.url());
        command
    }

    pub(crate) fn serve(&self, place: &Place) -> Server {
        self.serve_at(place, &self.shop)
    }

    /// A further server of the shop, to which the bank sends nothing.
    pub(crate) fn serve_at(&self, place: &Place, address: &str) -> Server {
        let words = ["serve", "--demo", "--max-open-orders", "100000", "--listen", address];
        Starting::from(self.command(place, &words)).listening()
    }

    pub(crate) fn json(&self, place: &Place, words: &[&str]) -> Value {
        let run = Run::of(&mut self.command(place, &[words, &["--json"]].concat()));
        assert_eq!(run.code, 0, "{words:?}: {}", run.err);
        serde_json::from_str(&run.out).unwrap()
    }
}
