//! What a browser sees.

use ecommerce_core::{OrderStatus, ProviderName, StripeFlow, SystemClock};
use ecommerce_warp::sandbox::{HeldDispute, HeldState, STRIPE_KEY, Sandbox};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use super::{FORM, Shop, minutes};

#[tokio::test]
async fn a_customer_buys_on_the_page() {
    let shop = Shop::open().await;
    let order = shop.order(ProviderName::Stripe).await;
    let url = order.payments[0].checkout_url.clone().unwrap();
    let page = url.strip_prefix(&shop.sandbox.url()).expect("the page is the sandbox's");
    let texts = ["no money moves", "Mug &amp; &lt;spoon&gt;", "10.50 USD", "21.00 USD", "http://shop.example/cart", "Decline"];
    shop.get(page).await.shows(200, &texts);

    let paid = shop.post(&format!("{page}/pay"), "").await;
    let thanks = format!("http://shop.example/thanks?order={}", order.id);
    assert_eq!((paid.status, paid.header("location")), (303, Some(thanks.as_str())));
    assert_eq!(shop.reload(&order).await.status, OrderStatus::Paid, "the shop knows before the customer is back");
    let after = shop.get(page).await;
    after.shows(200, &["Paid", "charge.succeeded", "the shop answered 200", &thanks]);
    assert!(!after.text.contains("Decline"), "what cannot be done is not offered");
    shop.post(&format!("{page}/pay"), "").await.shows(409, &["not in a state"]);
    shop.get("/").await.shows(200, &["A sandbox", &format!("order {}", order.id), page]);
}

#[tokio::test]
async fn s25_a_page_is_framed_by_nobody_and_takes_nothing_from_elsewhere() {
    let shop = Shop::open().await;
    let order = shop.order(ProviderName::Stripe).await;
    for path in ["/", &format!("/pay/{}", shop.held(&order).id), "/nothing"] {
        let page = shop.get(path).await;
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        for (header, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(page.header(header), Some(value), "{path}");
        }
    }
}

#[tokio::test]
async fn every_button_does_what_it_says() {
    let shop = Shop::open().await;
    for provider in [ProviderName::Stripe, ProviderName::Paystack] {
        let order = shop.order(provider).await;
        let page = format!("/pay/{}", shop.held(&order).id);
        let press = async |button: &str, form: &str| {
            shop.get(&page).await.shows(200, &[&format!("{page}/{button}")]);
            let led_to = shop.post(&format!("{page}/{button}"), form).await;
            assert_eq!((led_to.status, led_to.header("location")), (303, Some(page.as_str())), "{button}");
            shop.held(&order)
        };
        assert_eq!(press("decline", "").await.state, HeldState::Declined);
        assert_eq!(press("pay-late", "").await.state, HeldState::Underway);
        assert_eq!(press("money-arrives", "").await.state, HeldState::Paid);
        assert_eq!(press("refund", "amount=1.25").await.refunded, 125);
        press("pay-twice", "").await;
        assert_eq!(press("dispute", "").await.dispute, Some(HeldDispute::Open));
        assert_eq!(press("win-dispute", "").await.dispute, Some(HeldDispute::Won));
        for amount in ["", "x", "0", "-1", "1.255", "1000000"] {
            shop.post(&format!("{page}/refund"), &format!("amount={amount}")).await.shows(409, &[]);
        }
        assert_eq!(shop.reload(&order).await.refunded_total.to_string(), "1.25");

        let (bounced, lost) = (shop.order(provider).await, shop.order(provider).await);
        let press = async |order, button: &str| shop.post(&format!("/pay/{}/{button}", shop.held(order).id), "").await;
        press(&bounced, "pay-late").await.shows(303, &[]);
        press(&bounced, "money-stays-away").await.shows(303, &[]);
        assert_eq!(shop.held(&bounced).state, HeldState::Bounced);
        press(&lost, "pay").await.shows(303, &[]);
        press(&lost, "dispute").await.shows(303, &[]);
        press(&lost, "lose-dispute").await.shows(303, &[]);
        assert_eq!(shop.held(&lost).dispute, Some(HeldDispute::Lost));
    }
    let order = shop.order(ProviderName::Stripe).await;
    shop.post(&format!("/pay/{}/expire", shop.held(&order).id), "").await.shows(303, &[]);
    assert_eq!(shop.held(&order).state, HeldState::Closed);
    shop.wait(minutes(1)).await;
    shop.healthy().await;
}

#[tokio::test]
async fn without_a_page_of_the_shop_s_own_the_sandbox_thanks() {
    let shop = Shop::with("{sandbox}/done?order={order_id}", StripeFlow::CheckoutSession).await;
    let order = shop.order(ProviderName::Stripe).await;
    let page = format!("/pay/{}", shop.held(&order).id);
    let paid = shop.post(&format!("{page}/pay"), "").await;
    assert_eq!(paid.header("location"), Some(page.as_str()), "the customer sees what happened");
    let done = format!("/done?order={}", order.id);
    shop.get(&page).await.shows(200, &["Paid", &done]);
    shop.get(&done).await.shows(200, &["Thank you", &format!("order {}", order.id)]);
    shop.get("/done?order=%3Cscript%3E").await.shows(200, &["&lt;script&gt;"]);
}

#[tokio::test]
async fn paystack_s_customer_comes_back_with_the_reference() {
    let shop = Shop::open().await;
    let order = shop.order(ProviderName::Paystack).await;
    let reference = shop.held(&order).id;
    let paid = shop.post(&format!("/pay/{reference}/pay"), "").await;
    let back = format!("http://shop.example/thanks?order={}&trxref={reference}&reference={reference}", order.id);
    assert_eq!(paid.header("location"), Some(back.as_str()));
}

#[tokio::test]
async fn faults_are_set_by_a_form_or_by_json() {
    let shop = Shop::open().await;
    shop.get("/").await.shows(200, &["lose_answers", "late_events_ms"]);
    let set = shop.post("/faults", "lose_answers=7&shuffle_events=on&late_events_ms=250&error_500=").await;
    assert_eq!((set.status, set.header("location")), (303, Some("/")));
    let told = shop.get("/faults").await.json(200);
    assert_eq!((&told["lose_answers"], &told["shuffle_events"], &told["late_events_ms"]), (&json!(7), &json!(true), &json!(250)));
    let json = [("content-type", "application/json")];
    let told = shop.ask("POST", "/faults", &json, r#"{"error_500":3}"#).await.unwrap().json(200);
    assert_eq!((&told["error_500"], &told["lose_answers"]), (&json!(3), &json!(0)), "what is left out goes well");
    shop.ask("POST", "/faults", &json, r#"{"gremlins":3}"#).await.unwrap().shows(400, &["gremlins"]);
    assert_eq!(shop.sandbox.faults().error_500, 3);
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let shop = Shop::open().await;
    for path in ["/nothing", "/pay/cs_test_nobody", "/pay", "/pay/x/y/z"] {
        shop.get(path).await.shows(404, &[]);
    }
    shop.post("/pay/cs_test_nobody/pay", "").await.shows(404, &["no such payment"]);
}

#[tokio::test]
async fn the_sandbox_is_for_this_machine_only() {
    let everywhere = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = Sandbox::start(everywhere, "http://127.0.0.1:1", SystemClock).unwrap_err();
    assert!(refused.to_string().contains("loopback"), "{refused}");
    let here = TcpListener::bind("127.0.0.1:0").await.unwrap();
    assert!(Sandbox::start(here, "ftp://127.0.0.1", SystemClock).is_err());

    let shop = Shop::open().await;
    let order = shop.order(ProviderName::Stripe).await;
    let pay = format!("/pay/{}/pay", shop.held(&order).id);
    for host in ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "localhost@evil.example"] {
        shop.ask("GET", "/", &[("host", host)], "").await.unwrap().shows(403, &[]);
        let key = format!("Bearer {}", STRIPE_KEY);
        shop.ask("GET", "/v1/events", &[("host", host), ("authorization", &key)], "").await.unwrap().shows(403, &[]);
    }
    for origin in ["http://evil.example", "null", "http://localhost.evil.example"] {
        shop.ask("POST", &pay, &[("content-type", FORM), ("origin", origin)], "").await.unwrap().shows(403, &[]);
    }
    for host in ["localhost:1", "127.0.0.1", "[::1]:80", "LOCALHOST"] {
        shop.ask("GET", "/", &[("host", host)], "").await.unwrap().shows(200, &[]);
    }
    assert_eq!(shop.held(&order).state, HeldState::Open);
}

#[tokio::test]
async fn a_sandbox_that_stopped_answers_nobody() {
    let shop = Shop::open().await;
    let order = shop.order(ProviderName::Stripe).await;
    let address = shop.sandbox.url().strip_prefix("http://").unwrap().to_owned();
    shop.sandbox.stop();
    // Its tasks end as soon as the runtime gets to them.
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(shop.held(&order).state, HeldState::Open, "its books can still be read");
}
