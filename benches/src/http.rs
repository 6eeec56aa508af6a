//! The way in that is the HTTP API.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use ecommerce_core::{
    CheckoutRequest, Currency, Money, OrderId, PaymentId, ProductId,
    conformance::{
        BookedLine, BookedOrder, Frontend, PaidNews, Placed, Refusal, SignedWebhook, Stock, StoreFrontend, StripeWebhooks,
    },
};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{Failure, backstage::Backstage, server::STRIPE_SECRET};

/// A customer with the token by which the shop knows them.
pub type Token = Arc<str>;

/// A server of the shop, with the token of an admin.
#[derive(Clone)]
pub struct HttpFrontend {
    client: Client,
    url: Arc<str>,
    admin: Token,
    backstage: Backstage,
}

/// What was answered: the status, the entity tag, whether it was answered before, and the body.
struct Answer {
    status: u16,
    tag: Option<String>,
    replayed: bool,
    body: Value,
}

impl HttpFrontend {
    /// The server at this address.
    pub fn new(url: &str, admin: Token, backstage: Backstage) -> Result<Self, Failure> {
        Ok(Self { client: client()?, url: url.into(), admin, backstage })
    }

    fn request(&self, method: Method, path: &str, token: Option<&Token>) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn post(&self, path: &str, token: Option<&Token>, body: Value) -> Result<Answer, Refusal> {
        send(self.request(Method::POST, path, token).header("content-type", "application/json").body(body.to_string())).await
    }

    /// Changes a product from the state in which it is read, and reads it again where somebody was faster.
    async fn edit(&self, product: ProductId, edit: impl Fn(&Value) -> Value) -> Result<(), Refusal> {
        loop {
            let path = format!("/product/{product}/");
            let read = send(self.request(Method::GET, &path, Some(&self.admin))).await?.done()?;
            let tag = read.tag.ok_or_else(|| Refusal::unexpected("a product without an ETag"))?;
            let request = self.request(Method::PATCH, &path, Some(&self.admin)).header("if-match", tag);
            let request = request.header("content-type", "application/json").body(edit(&read.body).to_string());
            let answer = send(request).await?;
            if answer.status != 412 {
                return answer.done().map(drop);
            }
        }
    }

    fn store(&self) -> StoreFrontend {
        StoreFrontend::new(self.backstage.ahead.clone(), StripeWebhooks::new(STRIPE_SECRET))
    }
}

#[async_trait]
impl Frontend for HttpFrontend {
    type Customer = Token;

    fn currency(&self) -> Currency {
        self.backstage.ahead.currency()
    }

    async fn product(&self, price: Money, stock: i64) -> Result<ProductId, Refusal> {
        let body = json!({ "name": "Under attack", "price": price, "stock": stock });
        let made = self.post("/product/", Some(&self.admin), body).await?.done()?;
        id(&made.body["id"], ProductId::new)
    }

    async fn customer(&self) -> Result<Token, Refusal> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let account = json!({ "email": format!("attacker-{number}@example.com"), "password": "correct horse" });
        let made = self.post("/register/", None, account).await?.done()?;
        made.body["token"].as_str().map(Token::from).ok_or_else(|| Refusal::unexpected("an account without a token"))
    }

    async fn cart_clear(&self, customer: &Token) -> Result<(), Refusal> {
        send(self.request(Method::DELETE, "/cart/", Some(customer))).await?.done().map(drop)
    }

    async fn cart_add(&self, customer: &Token, lines: &[(ProductId, u32)]) -> Result<(), Refusal> {
        let lines: Vec<_> = lines.iter().map(|(product, quantity)| json!({ "product": product, "quantity": quantity })).collect();
        self.post("/create-cart/", Some(customer), json!(lines)).await?.done().map(drop)
    }

    async fn checkout(&self, customer: &Token, request: &CheckoutRequest) -> Result<Placed, Refusal> {
        let mut body = json!({ "provider": "stripe" });
        if let Some(expected) = request.expected_total {
            body["expected_total"] = json!(expected.to_string());
        }
        let mut call = self.request(Method::POST, "/checkout/", Some(customer)).header("content-type", "application/json");
        if let Some(key) = &request.idempotency_key {
            call = call.header("idempotency-key", key.as_str());
        }
        let Answer { replayed, body, .. } = send(call.body(body.to_string())).await?.done()?;
        Ok(Placed {
            order: id(&body["id"], OrderId::new)?,
            payment: Some(id(&body["payments"][0]["id"], PaymentId::new)?),
            total: money(&body["total"], &body["currency"])?,
            replayed,
        })
    }

    async fn pay(&self, placed: &Placed, news: PaidNews) -> Result<(), Refusal> {
        let SignedWebhook { signature, body } = StripeWebhooks::new(STRIPE_SECRET).webhook(placed, news)?;
        let call = self.request(Method::POST, "/webhooks/stripe/", None).header("stripe-signature", signature).body(body);
        send(call).await?.done().map(drop)
    }

    async fn cancel(&self, customer: &Token, order: OrderId) -> Result<(), Refusal> {
        self.post(&format!("/orders/{order}/cancel/"), Some(customer), json!({})).await?.done().map(drop)
    }

    async fn orders(&self, customer: &Token, newest: u32) -> Result<Vec<BookedOrder>, Refusal> {
        let path = format!("/orders/?page_size={newest}");
        let page = send(self.request(Method::GET, &path, Some(customer))).await?.done()?;
        elements(&page.body["results"]).iter().map(booked).collect()
    }

    async fn stock(&self, product: ProductId) -> Result<Stock, Refusal> {
        self.store().stock(product).await
    }

    async fn restock(&self, product: ProductId, by: i64) -> Result<(), Refusal> {
        self.edit(product, |read| json!({ "stock": read["stock"].as_i64().unwrap_or_default() + by })).await
    }

    async fn set_price(&self, product: ProductId, price: Money) -> Result<(), Refusal> {
        self.edit(product, |_| json!({ "price": price })).await
    }

    async fn confirm(&self, order: OrderId) -> Result<(), Refusal> {
        self.post(&format!("/orders/{order}/confirm-payment/"), Some(&self.admin), json!({})).await?.done().map(drop)
    }

    async fn refund(&self, order: OrderId, amount: Money) -> Result<(), Refusal> {
        let answer = self.post(&format!("/orders/{order}/refund/"), Some(&self.admin), json!({ "amount": amount })).await?;
        if answer.status == 422 && answer.body["errors"]["amount"].is_array() {
            return Err(Refusal::NothingLeft);
        }
        answer.done().map(drop)
    }

    async fn let_expire(&self) -> Result<(), Refusal> {
        self.backstage.ahead.run_due().await.map_err(Refusal::from)
    }

    async fn doctor(&self) -> Result<Vec<String>, Refusal> {
        self.store().doctor().await
    }
}

impl Answer {
    /// The answer, where the deed was done.
    fn done(self) -> Result<Self, Refusal> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        Err(match self.body["code"].as_str().unwrap_or_default() {
            code if self.status == 503 => Refusal::Busy(code.to_owned()),
            "insufficient_stock" => Refusal::OutOfStock,
            "cart_empty" => Refusal::CartEmpty,
            "total_changed" => Refusal::TotalChanged,
            "invalid_transition" => Refusal::WrongState,
            _ => Refusal::Unexpected(format!("{} {}", self.status, self.body)),
        })
    }
}

async fn send(request: RequestBuilder) -> Result<Answer, Refusal> {
    let answer = request.send().await.map_err(|error| unanswered(&error))?;
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (status, tag, replayed) = (answer.status().as_u16(), header("etag"), header("idempotent-replayed").is_some());
    let text = answer.text().await.map_err(|error| unanswered(&error))?;
    let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).map_err(Refusal::unexpected)? };
    Ok(Answer { status, tag, replayed, body })
}

/// What went wrong, down to its cause.
fn unanswered(error: &reqwest::Error) -> Refusal {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    Refusal::Unexpected(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

fn booked(order: &Value) -> Result<BookedOrder, Refusal> {
    let line = |item: &Value| {
        let quantity = item["quantity"].as_u64().and_then(|quantity| u32::try_from(quantity).ok());
        Ok(BookedLine {
            product: id(&item["product_id"], ProductId::new)?,
            quantity: quantity.ok_or_else(|| Refusal::unexpected("a line without a quantity"))?,
            unit_price: money(&item["unit_price"], &order["currency"])?,
        })
    };
    let captured = elements(&order["payments"]).iter().filter(|payment| payment["outcome"].is_string());
    let captured = captured.map(|payment| {
        let amount = money(&payment["captured"], &payment["captured_currency"])?;
        Ok((word(&payment["outcome"])?, amount))
    });
    let refunds = elements(&order["refunds"]).iter().filter(|refund| refund["status"] != "failed");
    Ok(BookedOrder {
        id: id(&order["id"], OrderId::new)?,
        status: word(&order["status"])?,
        lines: elements(&order["items"]).iter().map(line).collect::<Result<_, Refusal>>()?,
        total: money(&order["total"], &order["currency"])?,
        captured: captured.collect::<Result<_, Refusal>>()?,
        refunds: refunds.map(|refund| money(&refund["amount"], &refund["currency"])).collect::<Result<_, _>>()?,
    })
}

fn elements(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn id<T>(number: &Value, make: impl Fn(i64) -> Option<T>) -> Result<T, Refusal> {
    number.as_i64().and_then(make).ok_or_else(|| Refusal::Unexpected(format!("{number} where an id should be")))
}

fn word<T: std::str::FromStr>(word: &Value) -> Result<T, Refusal> {
    let parsed = word.as_str().and_then(|word| word.parse().ok());
    parsed.ok_or_else(|| Refusal::Unexpected(format!("{word} is not a word that is known")))
}

fn money(amount: &Value, currency: &Value) -> Result<Money, Refusal> {
    Money::parse(amount.as_str().unwrap_or_default(), word(currency)?).map_err(Refusal::unexpected)
}

/// It never speaks TLS, but reqwest wants to know how it would.
fn client() -> Result<Client, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let client = Client::builder().tls_backend_preconfigured(tls).no_proxy();
    // The server closes a connection that was idle for a minute; whoever used it in that moment would get no answer.
    Ok(client.pool_idle_timeout(Duration::from_secs(2)).timeout(Duration::from_secs(300)).build()?)
}
