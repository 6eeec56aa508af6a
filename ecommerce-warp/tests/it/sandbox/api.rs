//! The APIs as they answer whoever calls them, ours or another.

use std::time::Duration;

use ecommerce_core::{OrderStatus, PageRequest, ProviderName, RefundRequest, RefundStatus, StripeFlow};
use ecommerce_warp::sandbox::{Act, HeldState};
use serde_json::{Value, json};

use super::{Shop, minutes};

const NOW: i64 = 1_769_851_800;

fn session(expires_at: i64) -> String {
    format!(
        "mode=payment&success_url=http://shop.example&expires_at={expires_at}&client_reference_id=7&metadata[order_id]=7\
        &line_items[0][quantity]=2&line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=1050\
        &line_items[0][price_data][product_data][name]=Mug"
    )
}

#[tokio::test]
async fn a_key_is_asked_for() {
    let shop = Shop::open().await;
    for authorization in ["", "Bearer sk_test_other", "Basic c2s6"] {
        let headers = [("authorization", authorization)];
        let refused = shop.ask("GET", "/v1/events", &headers, "").await.unwrap().json(401);
        assert_eq!(refused["error"]["type"], "invalid_request_error");
        let refused = shop.ask("GET", "/refund", &headers, "").await.unwrap().json(401);
        assert_eq!((&refused["status"], &refused["message"]), (&json!(false), &json!("Invalid key")));
    }
    assert!(shop.sandbox.requests().iter().all(|heard| heard.status == Some(401)));
}

#[tokio::test]
async fn the_same_key_is_the_same_answer() {
    let shop = Shop::open().await;
    let form = session(NOW + 1800);
    let post = async |key: &str, form: &str| shop.stripe("POST", "/v1/checkout/sessions", Some(key), form).await.unwrap();
    let first = post("pay:1", &form).await;
    let again = post("pay:1", &form).await;
    assert_eq!((first.json(200), first.header("idempotent-replayed")), (again.json(200), None));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let other = post("pay:1", &session(NOW + 1801)).await.json(400);
    assert_eq!(other["error"]["type"], "idempotency_error");
    assert_ne!(post("pay:2", &form).await.json(200)["id"], first.json(200)["id"]);
    assert_eq!(shop.sandbox.payments().len(), 2);

    // What was refused for its parameters was not begun: put right, it may come with the same key.
    assert_eq!(post("pay:3", "mode=payment").await.status, 400);
    assert_eq!(post("pay:3", &form).await.status, 200);

    // A refusal for how things stand is kept.
    let expire = format!("/v1/checkout/sessions/{}/expire", first.json(200)["id"].as_str().unwrap());
    assert_eq!(shop.stripe("POST", &expire, Some("close:1"), "").await.unwrap().json(200)["status"], "expired");
    let refused = shop.stripe("POST", &expire, Some("close:2"), "").await.unwrap();
    let again = shop.stripe("POST", &expire, Some("close:2"), "").await.unwrap();
    assert_eq!((refused.status, again.header("idempotent-replayed")), (400, Some("true")));

    let heard = &shop.sandbox.requests()[0];
    assert_eq!((heard.idempotency_key.as_deref(), heard.path.as_str()), (Some("pay:1"), "/v1/checkout/sessions"));
    assert!(heard.fields.contains(&("metadata[order_id]".to_owned(), "7".to_owned())));
}

#[tokio::test]
async fn the_same_key_at_the_same_time_is_a_conflict() {
    let shop = Shop::open().await;
    shop.faults(|faults| faults.slow_answers = Duration::from_millis(500));
    let form = session(NOW + 1800);
    let post = || shop.stripe("POST", "/v1/checkout/sessions", Some("pay:1"), &form);
    let (one, two, three) = tokio::join!(post(), post(), post());
    let mut statuses = [one, two, three].map(|answer| answer.unwrap().status);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409]);
    assert_eq!(shop.sandbox.payments().len(), 1);
}

#[tokio::test]
async fn a_session_is_checked_as_stripe_checks_it() {
    let shop = Shop::open().await;
    let good = session(NOW + 1800);
    for (form, param, code) in [
        (good.replace("mode=payment", "mode=setup"), "mode", json!(null)),
        (good.replace("&success_url=http://shop.example", ""), "success_url", json!("parameter_missing")),
        (good.replace("success_url=http:", "success_url=javascript:"), "success_url", json!("url_invalid")),
        (session(NOW + 1799), "expires_at", json!(null)),
        (session(NOW + 86_401), "expires_at", json!(null)),
        (good.replace("[quantity]=2", "[quantity]=0"), "line_items[0][quantity]", json!("parameter_invalid_integer")),
        (good.replace("=1050", "=10.50"), "line_items[0][price_data][unit_amount]", json!("parameter_invalid_integer")),
        (good.replace("=1050", "=24"), "amount", json!("amount_too_small")),
        (good.replace("=1050", "=9000000000000000000"), "amount", json!("amount_too_large")),
        (format!("{good}&customer_email=ann"), "customer_email", json!("email_invalid")),
        (format!("{good}&colour=red"), "colour", json!("parameter_unknown")),
        (format!("{good}&metadata[note]={}", "x".repeat(501)), "metadata[note]", json!(null)),
        (format!("{good}&line_items[1][quantity]=1"), "line_items[1][price_data][currency]", json!("parameter_missing")),
    ] {
        let refused = shop.stripe("POST", "/v1/checkout/sessions", None, &form).await.unwrap().json(400);
        assert_eq!((&refused["error"]["param"], &refused["error"]["code"]), (&json!(param), &code), "{form}");
    }
    let made = shop.stripe("POST", "/v1/checkout/sessions", None, &good).await.unwrap().json(200);
    assert_eq!((&made["amount_total"], &made["currency"], &made["status"]), (&json!(2100), &json!("usd"), &json!("open")));
    assert_eq!((&made["payment_intent"], &made["payment_status"]), (&Value::Null, &json!("unpaid")));
    for (method, path) in [
        ("GET", "/v1/checkout/sessions/cs_1"),
        ("GET", "/v1/payment_intents/pi_1"),
        ("GET", "/v1/refunds/re_1"),
        ("GET", "/v1/nothing"),
    ] {
        assert_eq!(shop.stripe(method, path, None, "").await.unwrap().status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_intent_is_checked_paid_and_cancelled() {
    let shop = Shop::open().await;
    let make = async |form: &str| shop.stripe("POST", "/v1/payment_intents", None, form).await.unwrap();
    assert_eq!(make("amount=49&currency=usd").await.json(400)["error"]["code"], "amount_too_small");
    assert_eq!(make("amount=50&currency=dollars").await.json(400)["error"]["param"], "currency");
    let form = "amount=2100&currency=usd&automatic_payment_methods[enabled]=true&metadata[order_id]=7";
    let (paid, cancelled) = (make(form).await.json(200), make(form).await.json(200));
    assert_eq!((&paid["status"], &paid["amount"]), (&json!("requires_payment_method"), &json!(2100)));
    let id = paid["id"].as_str().unwrap();
    assert!(paid["client_secret"].as_str().unwrap().starts_with(id));
    shop.sandbox.act(id, Act::Pay).unwrap();
    let path = format!("/v1/payment_intents/{id}");
    let paid = shop.stripe("GET", &path, None, "").await.unwrap().json(200);
    assert_eq!((&paid["status"], &paid["amount_received"]), (&json!("succeeded"), &json!(2100)));
    let refused = shop.stripe("POST", &format!("{path}/cancel"), None, "").await.unwrap().json(400);
    assert_eq!(refused["error"]["code"], "payment_intent_unexpected_state");
    let path = format!("/v1/payment_intents/{}/cancel", cancelled["id"].as_str().unwrap());
    assert_eq!(shop.stripe("POST", &path, None, "").await.unwrap().json(200)["status"], "canceled");
}

#[tokio::test]
async fn a_form_in_the_shop_s_own_page_pays_too() {
    let shop = Shop::with("http://shop.example", StripeFlow::PaymentIntent).await;
    let (paid, expired) = (shop.order(ProviderName::Stripe).await, shop.order(ProviderName::Stripe).await);
    assert!(paid.payments[0].client_secret.is_some() && paid.payments[0].checkout_url.is_none());
    shop.act(&paid, Act::Decline).await;
    shop.act(&paid, Act::PayTwice).await;
    shop.wait(minutes(36)).await;
    let paid = shop.reload(&paid).await;
    assert_eq!((paid.status, paid.refunds[0].status), (OrderStatus::Paid, RefundStatus::Succeeded));
    assert_eq!(shop.reload(&expired).await.status, OrderStatus::Expired);
    assert_eq!(shop.held(&expired).state, HeldState::Closed);
    shop.healthy().await;
}

#[tokio::test]
async fn no_more_goes_back_than_came() {
    let shop = Shop::open().await;
    let order = shop.order(ProviderName::Stripe).await;
    shop.act(&order, Act::Pay).await;
    let held = shop.held(&order);
    let paid = shop.stripe("GET", &format!("/v1/checkout/sessions/{}", held.id), None, "").await.unwrap().json(200);
    let intent = paid["payment_intent"].as_str().unwrap();
    let refund =
        async |form: &str| shop.stripe("POST", "/v1/refunds", None, &format!("payment_intent={intent}&{form}")).await.unwrap();
    assert_eq!(refund("amount=2101").await.json(400)["error"]["code"], Value::Null);
    let first = refund("amount=2000&metadata[refund_id]=99").await.json(200);
    assert_eq!((&first["status"], &first["amount"]), (&json!("succeeded"), &json!(2000)));
    assert_eq!(refund("amount=101").await.status, 400);
    assert_eq!(refund("amount=100").await.status, 200);
    assert_eq!(refund("amount=1").await.json(400)["error"]["code"], "charge_already_refunded");
    let list = shop.stripe("GET", &format!("/v1/refunds?payment_intent={intent}&limit=1"), None, "").await.unwrap().json(200);
    assert_eq!((&list["data"][0]["amount"], &list["has_more"]), (&json!(100), &json!(true)), "newest first");
    let one = format!("/v1/refunds/{}", first["id"].as_str().unwrap());
    assert_eq!(shop.stripe("GET", &one, None, "").await.unwrap().json(200)["metadata"]["refund_id"], "99");
    assert_eq!(shop.held(&order).refunded, 2100);

    let disputed = shop.order(ProviderName::Stripe).await;
    shop.act(&disputed, Act::Pay).await;
    shop.act(&disputed, Act::Dispute).await;
    let session = format!("/v1/checkout/sessions/{}", shop.held(&disputed).id);
    let intent = shop.stripe("GET", &session, None, "").await.unwrap().json(200)["payment_intent"].clone();
    let form = format!("payment_intent={}", intent.as_str().unwrap());
    let refused = shop.stripe("POST", "/v1/refunds", None, &form).await.unwrap().json(400);
    assert_eq!(refused["error"]["code"], "charge_disputed");
}

#[tokio::test]
async fn events_are_listed_newest_first_page_by_page() {
    let shop = Shop::open().await;
    for _ in 0..3 {
        let order = shop.order(ProviderName::Stripe).await;
        shop.act(&order, Act::Pay).await;
        shop.wait(minutes(1)).await;
    }
    let list = async |query: &str| shop.stripe("GET", &format!("/v1/events?{query}"), None, "").await.unwrap().json(200);
    let all = list("type=charge.succeeded&limit=100").await;
    let created =
        |list: &Value| list["data"].as_array().unwrap().iter().map(|event| event["created"].as_i64().unwrap()).collect();
    let times: Vec<i64> = created(&all);
    assert_eq!(times, [NOW + 120, NOW + 60, NOW]);
    let since: Vec<i64> = created(&list(&format!("type=charge.succeeded&created[gte]={}", NOW + 60)).await);
    assert_eq!(since, [NOW + 120, NOW + 60]);
    let first = list("type=charge.succeeded&limit=2").await;
    assert_eq!((&first["has_more"], &first["data"][1]), (&json!(true), &all["data"][1]));
    let after = first["data"][1]["id"].as_str().unwrap();
    let rest = list(&format!("type=charge.succeeded&limit=2&starting_after={after}")).await;
    assert_eq!((&rest["has_more"], &rest["data"][0]), (&json!(false), &all["data"][2]));
    assert_eq!(list("limit=100").await["data"].as_array().unwrap().len(), 9);
}

#[tokio::test]
async fn paystack_answers_as_paystack_does() {
    let shop = Shop::open().await;
    let body = json!({"email": "ann@example.com", "amount": "20000", "currency": "NGN", "reference": "order-7-1.a=b",
        "callback_url": "http://shop.example", "metadata": {"order_id": "7"}});
    let made = shop.paystack("POST", "/transaction/initialize", &body).await.unwrap().json(200);
    let url = format!("{}/pay/order-7-1.a=b", shop.sandbox.url());
    assert_eq!((&made["status"], &made["data"]["authorization_url"]), (&json!(true), &json!(url)));
    let refused = shop.paystack("POST", "/transaction/initialize", &body).await.unwrap().json(400);
    assert_eq!((&refused["status"], &refused["code"]), (&json!(false), &json!("duplicate_reference")));
    for (name, value) in
        [("email", "ann"), ("amount", "4999"), ("currency", "EUR"), ("reference", "a_b"), ("callback_url", "javascript:x")]
    {
        let mut wrong = body.clone();
        wrong["reference"] = json!("fresh");
        wrong[name] = json!(value);
        let refused = shop.paystack("POST", "/transaction/initialize", &wrong).await.unwrap();
        assert!(matches!(refused.status, 400 | 403), "{name}: {}", refused.text);
    }

    let verify =
        async || shop.paystack("GET", "/transaction/verify/order-7-1.a=b", &Value::Null).await.unwrap().json(200)["data"].clone();
    assert_eq!(verify().await["status"], "abandoned");
    let nobody = shop.paystack("GET", "/transaction/verify/nobody", &Value::Null).await.unwrap();
    assert_eq!((nobody.status, nobody.json(404)["status"].clone()), (404, json!(false)));
    let refund = async |amount: i64| {
        let body = json!({"transaction": "order-7-1.a=b", "amount": amount, "merchant_note": "refund:9"});
        shop.paystack("POST", "/refund", &body).await.unwrap()
    };
    assert_eq!(refund(100).await.status, 400, "it was not paid");
    shop.sandbox.act("order-7-1.a=b", Act::Pay).unwrap();
    assert_eq!((&verify().await["status"], &verify().await["amount"]), (&json!("success"), &json!(20_000)));
    assert_eq!(refund(20_001).await.status, 400);
    let first = refund(15_000).await.json(200)["data"].clone();
    assert_eq!((&first["status"], &first["merchant_note"]), (&json!("pending"), &json!("refund:9")));
    let one = shop.paystack("GET", &format!("/refund/{}", first["id"]), &Value::Null).await.unwrap().json(200);
    assert_eq!(one["data"]["status"], "processed");
    refund(5_000).await.json(200);
    let list = async |query: &str| shop.paystack("GET", &format!("/refund{query}"), &Value::Null).await.unwrap().json(200);
    assert_eq!((&list("").await["data"][0]["amount"], &list("").await["meta"]["total"]), (&json!(5_000), &json!(2)));
    assert_eq!(list("?perPage=1&page=2").await["data"][0]["id"], first["id"]);
    assert_eq!(verify().await["status"], "reversed");
}

#[tokio::test]
async fn what_paystack_sends_of_a_refund_has_another_number_and_no_note() {
    let shop = Shop::open().await;
    let order = shop.order(ProviderName::Paystack).await;
    shop.act(&order, Act::Pay).await;
    shop.store.order_refund(shop.admin(), order.id, &RefundRequest::default()).await.unwrap();
    shop.wait(minutes(1)).await;
    let kinds: Vec<_> = shop.sandbox.deliveries().into_iter().map(|delivery| delivery.kind).collect();
    assert_eq!(kinds, ["charge.success", "refund.pending", "refund.processed"]);
    let events = shop.store.payment_event_list(shop.admin(), PageRequest::default()).await.unwrap();
    assert_eq!(events.results.len(), 3);
}
