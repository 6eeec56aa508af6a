//! Bodies of events, signed as they should be: read into news or refused, taken in, and the second time nothing happens.

#![no_main]

use ecommerce_core::{
    EventContent, News, PageRequest, PaymentEventStatus, PaymentProvider, Paystack, ProviderEvent, ProviderName, Report, Stripe,
    WebhookError,
};
use ecommerce_fuzz::{NOW, STRIPE_SECRETS, Shop, in_shop, paystack_signature, stripe_signature};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|body: &str| {
    for provider in [&Stripe::new() as &dyn PaymentProvider, &Paystack::new()] {
        let Ok(event) = provider.read_event(body) else { continue };
        is_bounded(&event);
        means_the_same_however_it_is_written(provider, body, &event);
        in_shop(async |shop| is_taken_in_once(shop, provider.name(), body).await);
    }
});

/// What comes from a stranger is short and can be shown.
fn is_bounded(event: &ProviderEvent) {
    let is_short = |text: &str, longest: usize| text.len() <= longest && !text.contains(char::is_control);
    assert!(!event.id.is_empty() && is_short(&event.id, 500) && is_short(&event.kind, 255), "{event:?}");
    let EventContent::News(Report { subject, news }) = &event.content else { return };
    assert!(subject.references.len() <= 3 && subject.references.iter().all(|reference| is_short(reference, 255)), "{event:?}");
    match news {
        News::Refund(refund) => assert!(refund.reference.iter().all(|reference| is_short(reference, 255)), "{event:?}"),
        News::Dispute(dispute) => assert!(is_short(&dispute.reference, 255), "{event:?}"),
        _ => {}
    }
}

/// White space, escapes and the order of fields say nothing.
fn means_the_same_however_it_is_written(provider: &dyn PaymentProvider, body: &str, event: &ProviderEvent) {
    assert_eq!(provider.read_event(body).ok().as_ref(), Some(event));
    let rewritten = serde_json::from_str::<Value>(body).expect("an event is JSON").to_string();
    let again = provider.read_event(&rewritten).expect("it is an event still");
    assert_eq!((&again.kind, &again.content), (&event.kind, &event.content), "{rewritten}");
}

async fn is_taken_in_once(shop: &Shop, provider: ProviderName, body: &str) {
    let time = NOW.to_string();
    let signature = match provider {
        ProviderName::Stripe => format!("t={time},v1={}", stripe_signature(STRIPE_SECRETS[0], &time, body.as_bytes())),
        _ => paystack_signature(body.as_bytes()),
    };
    let receive = async || match shop.store.webhook_receive(provider, &[&signature], body.as_bytes()).await {
        Ok(status) => status,
        Err(WebhookError::Store(error)) => panic!("{error:?}"),
        Err(error) => panic!("it was read, but {error}"),
    };
    let status = receive().await;
    if status == PaymentEventStatus::Processed {
        shop.is_sound().await;
        let orders = shop.orders().await;
        assert_eq!(receive().await, status);
        assert_eq!(shop.orders().await, orders, "the same event again changed something");
    } else {
        assert_eq!(receive().await, status);
    }
}
