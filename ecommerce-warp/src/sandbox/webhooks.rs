//! Events go out: signed as their provider signs, and sent again until the shop says that it has them.

use std::{error::Error, io, sync::Arc, time::Duration};

use ecommerce_core::ProviderName;
use hmac::{Hmac, KeyInit, Mac};
use hyper::{
    Request,
    client::conn::http1,
    header::{CONNECTION, CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use sha2::{Sha256, Sha512};
use tokio::{net::TcpStream, sync::mpsc::UnboundedReceiver, task::JoinSet, time};
use warp::http::Uri;

use super::{
    PAYSTACK_KEY, STRIPE_WEBHOOK_SECRET,
    books::{Delivery, Event},
    house::{House, Letter},
};

/// How often an event is sent that the shop does not take.
const TRIES: u32 = 7;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long the shop may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where the shop is.
pub(super) struct Shop {
    host: String,
    port: u16,
    /// As the header `Host` names it.
    authority: String,
    /// What stands before `/webhooks/`.
    root: String,
}

impl Shop {
    /// # Errors
    /// When it is no URL of http.
    pub(super) fn parse(url: &str) -> io::Result<Self> {
        let wrong = || io::Error::new(io::ErrorKind::InvalidInput, "the shop must be a URL such as http://127.0.0.1:8000");
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let authority =
            uri.authority().filter(|_| uri.scheme_str() == Some("http") && uri.query().is_none()).ok_or_else(wrong)?;
        Ok(Self {
            host: authority.host().trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: authority.to_string(),
            root: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

/// Delivers events, one after the other unless they are to overtake each other. A second try holds up nobody.
pub(super) async fn deliver_all(house: Arc<House>, shop: Shop, mut letters: UnboundedReceiver<Letter>) {
    let shop = Arc::new(shop);
    let mut under_way = JoinSet::new();
    while let Some(letter) = letters.recv().await {
        while under_way.try_join_next().is_some() {}
        let (house, shop) = (house.clone(), shop.clone());
        if letter.is_parallel || !letter.held_back.is_zero() {
            under_way.spawn(async move {
                time::sleep(letter.held_back).await;
                if !deliver(&house, &shop, &letter.event).await {
                    deliver_again(&house, &shop, &letter).await;
                }
            });
        } else if !deliver(&house, &shop, &letter.event).await {
            under_way.spawn(async move { deliver_again(&house, &shop, &letter).await });
        }
    }
}

async fn deliver_again(house: &House, shop: &Shop, letter: &Letter) {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        time::sleep(pause).await;
        if deliver(house, shop, &letter.event).await {
            return;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    tracing::warn!(kind = letter.event.kind, payment = letter.event.payment, "the shop did not take an event");
}

/// Sends the event once. Says whether the shop took it.
async fn deliver(house: &House, shop: &Shop, event: &Event) -> bool {
    let status = time::timeout(TIMEOUT, send(house, shop, event)).await;
    let status = status
        .ok()
        .and_then(|sent| sent.inspect_err(|error| tracing::debug!(error, kind = event.kind, "an event could not be sent")).ok());
    let Event { provider, kind, payment, .. } = event;
    let delivery = Delivery { provider: *provider, kind: (*kind).to_owned(), payment: payment.clone(), status };
    house.with(|books| books.note_delivery(delivery));
    match provider {
        ProviderName::Stripe => status.is_some_and(|status| (200..300).contains(&status)),
        // Paystack wants this and nothing else.
        _ => status == Some(200),
    }
}

async fn send(house: &House, shop: &Shop, event: &Event) -> Result<u16, Box<dyn Error + Send + Sync>> {
    // Stripe signs the time, too: anew for each try.
    let (name, signature) = match event.provider {
        ProviderName::Stripe => ("stripe-signature", stripe_signature(&event.body, house.clock().now().as_seconds())),
        _ => ("x-paystack-signature", code::<Hmac<Sha512>>(PAYSTACK_KEY, &event.body)),
    };
    let request = Request::post(format!("{}/webhooks/{}/", shop.root, event.provider))
        .header(HOST, &shop.authority)
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .header(CONNECTION, "close")
        .header(name, signature)
        .body(event.body.clone())?;
    let stream = TcpStream::connect((shop.host.as_str(), shop.port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async move { sender.send_request(request).await.map(|answer| answer.status().as_u16()) };
    let (status, _) = futures_util::future::join(answer, connection).await;
    Ok(status?)
}

fn stripe_signature(body: &str, seconds: i64) -> String {
    format!("t={seconds},v1={}", code::<Hmac<Sha256>>(STRIPE_WEBHOOK_SECRET, &format!("{seconds}.{body}")))
}

/// The message authentication code in lower-case hexadecimal.
fn code<M: Mac + KeyInit>(key: &str, text: &str) -> String {
    let mac = <M as KeyInit>::new_from_slice(key.as_bytes()).map(|mac| mac.chain_update(text).finalize().into_bytes());
    mac.map_or_else(|_| String::new(), |code| code.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_is_a_url_of_http() {
        let shop = Shop::parse("http://127.0.0.1:8000/shop/").unwrap();
        assert_eq!((shop.host.as_str(), shop.port, shop.authority.as_str()), ("127.0.0.1", 8000, "127.0.0.1:8000"));
        assert_eq!(shop.root, "/shop");
        assert_eq!(Shop::parse("http://[::1]").unwrap().host, "::1");
        for url in ["", "127.0.0.1:8000", "https://shop.example", "/shop", "http://x/?y=1"] {
            assert!(Shop::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn signatures_are_those_of_the_providers_own_vectors() {
        let body = r#"{"id":"evt_test_webhook","object":"event"}"#;
        let stripe = code::<Hmac<Sha256>>("whsec_test_secret", &format!("1700000000.{body}"));
        assert_eq!(stripe, "d95c6b7477fbd7e9f90b1b0ef5f9c7ac25abca5382460e0d988c2b2a5b71b990");
        let body = r#"{"event":"charge.success","data":{"id":302961,"domain":"test","status":"success","reference":"ord-42-1","amount":10000,"currency":"NGN"}}"#;
        let paystack = code::<Hmac<Sha512>>("sk_test_abc", body);
        assert!(paystack.starts_with("cede13533e5d6ae1038c54228507119e") && paystack.ends_with("dd16881383166d3a1393e319c0f"));
    }
}
