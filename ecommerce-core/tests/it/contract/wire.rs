//! What comes over the wire: who is believed to have refused, and what is only silence.

use std::sync::{Arc, Mutex};

use ecommerce_core::{
    CheckoutRequest, Order, OrderStatus, PaymentState, Paystack, ProviderName, RefundRequest, RefundStatus, ReturnUrls, Store,
    Stripe,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    events::{Attempt, stripe_signature},
    shop::{STRIPE_SECRET, Shop, minutes},
};

stories![
    only_the_provider_s_own_word_is_a_refusal,
    s15_a_redirect_is_not_followed,
    stripe_says_whether_to_try_again,
    a_refund_is_not_refused_by_a_proxy,
    an_order_does_not_end_by_a_proxy_s_word,
    a_session_that_is_begun_late_is_long_enough,
];

/// A server that answers what it is told to, whatever it is asked, and notes what that was.
#[derive(Clone, Default)]
struct Wire {
    answers: Arc<Mutex<Vec<String>>>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Wire {
    /// The last answer goes on being given.
    fn answers(&self, answers: &[&str]) {
        *self.answers.lock().unwrap() = answers.iter().rev().map(|answer| (*answer).to_owned()).collect();
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }

    async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let wire = self.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 64 * 1024];
                let length = stream.read(&mut request).await.unwrap_or(0);
                wire.heard.lock().unwrap().push(String::from_utf8_lossy(&request[..length]).into_owned());
                let answer = {
                    let mut answers = wire.answers.lock().unwrap();
                    if answers.len() > 1 { answers.pop().unwrap() } else { answers[0].clone() }
                };
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        url
    }
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

const SESSION: &str = r#"{"id":"cs_test_1","object":"checkout.session","url":"https://checkout.stripe.com/1","status":"open"}"#;
const REFUSAL: &str = r#"{"error":{"type":"invalid_request_error","code":"amount_too_small","message":"ann@example.com"}}"#;

async fn open(shop: &Shop, wire: &Wire) -> Store {
    let url = wire.listen().await;
    let returns = ReturnUrls::new("https://shop.example/{order_id}", "https://shop.example").unwrap();
    let stripe = Stripe::new().webhook_secrets(&[STRIPE_SECRET]).unwrap().secret_key("sk_test_1", returns.clone()).unwrap();
    let paystack = Paystack::new().secret_key("sk_test_2", returns).unwrap();
    let builder = Store::builder().clock(shop.clock()).background(false);
    let builder = builder.provider(stripe.api_base(&url).unwrap()).provider(paystack.api_base(&url).unwrap());
    builder.open(shop.url()).await.unwrap()
}

async fn buy(shop: &Shop, store: &Store, provider: ProviderName) -> Order {
    let customer = shop.customer(&format!("buyer{}", shop.now().as_micros())).await;
    let mug = shop.product("Mug", "12.50", 10).await;
    shop.fill(&customer, &[(mug, 1)]).await;
    shop.advance(std::time::Duration::from_micros(1));
    let request = CheckoutRequest { provider: Some(provider), ..CheckoutRequest::default() };
    store.checkout(&customer, &request).await.unwrap().order
}

async fn only_the_provider_s_own_word_is_a_refusal(shop: Shop) {
    let wire = Wire::default();
    let store = open(&shop, &wire).await;
    let moved = "HTTP/1.1 302 Found\r\nLocation: /maintenance\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_owned();
    let page = answer("404 Not Found", "<h1>Not here</h1>");
    let nonsense = answer("200 OK", "<h1>Welcome</h1>");
    for silence in [&moved, &page, &nonsense] {
        for provider in [ProviderName::Stripe, ProviderName::Paystack] {
            wire.answers(&[silence]);
            let payment = &buy(&shop, &store, provider).await.payments[0];
            assert_eq!((payment.status, &payment.checkout_url), (PaymentState::Created, &None), "{provider} {silence}");
        }
    }
    for (provider, refusal) in [
        (ProviderName::Stripe, REFUSAL),
        (ProviderName::Paystack, r#"{"status":false,"code":"invalid_params","message":"ann@example.com"}"#),
    ] {
        wire.answers(&[&answer("400 Bad Request", refusal)]);
        let order = buy(&shop, &store, provider).await;
        assert_eq!((order.payments[0].status, order.status), (PaymentState::Failed, OrderStatus::PendingPayment), "{provider}");
        assert!(!format!("{:?}", order.history).contains("ann@example.com"), "only codes are passed on");
    }
    store.close().await;
}

async fn s15_a_redirect_is_not_followed(shop: Shop) {
    let wire = Wire::default();
    let store = open(&shop, &wire).await;
    for status in ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let moved = format!("HTTP/1.1 {status}\r\nLocation: /inside\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        wire.answers(&[&moved]);
        let payment = &buy(&shop, &store, ProviderName::Stripe).await.payments[0];
        assert_eq!((payment.status, &payment.checkout_url), (PaymentState::Created, &None), "{status}");
    }
    let heard = wire.heard();
    assert!(!heard.is_empty() && heard.iter().all(|request| !request.contains("/inside")), "{heard:?}");
    store.close().await;
}

async fn stripe_says_whether_to_try_again(shop: Shop) {
    let wire = Wire::default();
    let store = open(&shop, &wire).await;
    let with = |advice: &str, status: &str| {
        answer(status, REFUSAL).replace("Connection:", &format!("Stripe-Should-Retry: {advice}\r\nConnection:"))
    };
    wire.answers(&[&with("true", "400 Bad Request"), &answer("200 OK", SESSION)]);
    let order = buy(&shop, &store, ProviderName::Stripe).await;
    assert_eq!((order.payments[0].reference.as_deref(), wire.heard().len()), (Some("cs_test_1"), 2));

    wire.answers(&[&with("false", "500 Internal Server Error")]);
    let order = buy(&shop, &store, ProviderName::Stripe).await;
    assert_eq!((order.payments[0].status, wire.heard().len()), (PaymentState::Created, 1));
    store.close().await;
}

async fn a_refund_is_not_refused_by_a_proxy(shop: Shop) {
    let wire = Wire::default();
    let store = open(&shop, &wire).await;
    wire.answers(&[&answer("200 OK", SESSION)]);
    let order = buy(&shop, &store, ProviderName::Stripe).await;
    let paid = Attempt { name: "1".to_owned(), ..Attempt::of(&order) }.session_completed().to_string();
    let signature = stripe_signature(STRIPE_SECRET, shop.now().as_seconds(), paid.as_bytes());
    store.webhook_receive(ProviderName::Stripe, &[&signature], paid.as_bytes()).await.unwrap();
    store.order_refund(shop.admin(), order.id, &RefundRequest::default()).await.unwrap();
    wire.answers(&[&answer("404 Not Found", "<h1>Not here</h1>")]);
    store.refund_run(shop.admin()).await.unwrap();
    assert_eq!(shop.reload(&order).await.refunds[0].status, RefundStatus::Sent, "it is tried again");
    let refund =
        r#"{"id":"re_1","object":"refund","amount":1250,"currency":"usd","status":"succeeded","metadata":{"refund_id":"1"}}"#;
    wire.answers(&[&answer("200 OK", refund)]);
    shop.advance(minutes(1));
    store.refund_run(shop.admin()).await.unwrap();
    assert_eq!(shop.reload(&order).await.refunds[0].status, RefundStatus::Succeeded);
    store.close().await;
}

async fn an_order_does_not_end_by_a_proxy_s_word(shop: Shop) {
    let wire = Wire::default();
    let store = open(&shop, &wire).await;
    wire.answers(&[&answer("200 OK", SESSION)]);
    let order = buy(&shop, &store, ProviderName::Stripe).await;
    wire.answers(&[&answer("404 Not Found", "<h1>Not here</h1>")]);
    shop.advance(minutes(36));
    store.run_due().await.unwrap();
    assert_eq!(shop.reload(&order).await.status, OrderStatus::PendingPayment);
    store.close().await;
}

async fn a_session_that_is_begun_late_is_long_enough(shop: Shop) {
    let wire = Wire::default();
    let store = open(&shop, &wire).await;
    wire.answers(&[&answer("503 Service Unavailable", "")]);
    let order = buy(&shop, &store, ProviderName::Stripe).await;
    shop.advance(minutes(20));
    wire.heard();
    wire.answers(&[&answer("200 OK", SESSION)]);
    store.run_due().await.unwrap();
    let begun = wire.heard().into_iter().find(|request| request.starts_with("POST /v1/checkout/sessions")).unwrap();
    let expires_at = begun.split("expires_at=").nth(1).unwrap().split('&').next().unwrap().parse::<i64>().unwrap();
    assert!(expires_at - shop.now().as_seconds() > 30 * 60, "Stripe wants 30 minutes");
    assert!(shop.reload(&order).await.payments[0].checkout_url.is_some());
    store.close().await;
}
