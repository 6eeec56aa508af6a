//! A payment provider of your own, gift cards here: `cargo run --example own_provider`.
//!
//! The store does the bookkeeping; a provider translates. It promises that the same attempt begun twice is one payment, and
//! that the same refund ordered twice pays back once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ecommerce_core::*;

/// The cards' own books: what was asked for, and whether a card paid; what went back.
#[derive(Default)]
struct Books {
    payments: BTreeMap<PaymentId, (Money, bool)>,
    refunds: BTreeMap<RefundId, Money>,
}

#[derive(Clone, Default)]
struct GiftCards(Arc<Mutex<Books>>);

impl GiftCards {
    fn books<T>(&self, look: impl FnOnce(&mut Books) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn standing(&self, attempt: &KnownAttempt) -> Report {
        let news = match self.books(|books| books.payments.get(&attempt.payment).copied()) {
            Some((amount, is_paid)) => {
                if is_paid {
                    News::Succeeded(amount)
                } else {
                    News::Waiting
                }
            }
            None => News::Failed,
        };
        Report { subject: Subject::default(), news }
    }

    fn refunded(&self, refund: RefundId) -> Result<RefundAnswer, ProviderError> {
        let amount = self.books(|books| books.refunds.get(&refund).copied());
        let amount = amount.ok_or_else(|| ProviderError::Refused("unknown_refund".to_owned()))?;
        let (reference, status) = (None, RefundProgress::Succeeded);
        Ok(RefundAnswer { news: RefundNews { id: Some(refund), reference, amount, status, may_be_ours: false }, handle: None })
    }
}

#[async_trait]
impl PaymentProvider for GiftCards {
    fn name(&self) -> ProviderName {
        "gift_cards".parse().expect("a good name")
    }
    fn accepts(&self, total: Money) -> Result<(), NotAccepted> {
        if total.currency().as_str() == "USD" { Ok(()) } else { Err(NotAccepted::Currency) }
    }
    async fn begin(&self, attempt: &Attempt) -> Result<Begun, ProviderError> {
        self.books(|books| books.payments.entry(attempt.payment).or_insert((attempt.amount, false)).0);
        let references = vec![format!("card-{}-{}", attempt.payment, attempt.nonce)];
        Ok(Begun { references, checkout_url: Some(format!("https://cards.example/{}", attempt.payment)), client_secret: None })
    }
    async fn fetch(&self, attempt: &KnownAttempt) -> Result<Report, ProviderError> {
        Ok(self.standing(attempt))
    }
    async fn close(&self, attempt: &KnownAttempt) -> Result<Report, ProviderError> {
        self.books(|books| books.payments.retain(|payment, (_, paid)| *payment != attempt.payment || *paid));
        Ok(self.standing(attempt))
    }
    async fn refund(&self, order: &RefundOrder) -> Result<RefundAnswer, ProviderError> {
        self.books(|books| books.refunds.insert(order.refund, order.amount));
        self.refunded(order.refund)
    }
    async fn fetch_refund(&self, refund: &SentRefund) -> Result<RefundAnswer, ProviderError> {
        self.refunded(refund.refund)
    }
    // It sends no webhooks, which have methods of their own: so it is asked, at the latest when the order's time runs out.
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cards = GiftCards::default();
    let store = Store::builder().provider(cards.clone()).open("sqlite::memory:").await?;
    let shop = store.system();
    let mug = NewProduct::new("Mug".parse()?, Money::parse("12.50", store.currency())?, 10);
    let mug = store.product_create(shop.admin(), mug).await?;
    let ann = Registration { email: "ann@example.com".parse()?, password: "correct horse".parse()?, name: None };
    let ann = shop.customer(store.register(ann).await?.user.id);
    store.cart_add(&ann, &[CartLine { product: mug.id, quantity: Quantity::ONE }]).await?;
    let order = store.checkout(&ann, &CheckoutRequest::default()).await?.order;
    println!("pay at {:?}", order.payments[0].checkout_url);

    cards.books(|books| books.payments.values_mut().for_each(|(_, paid)| *paid = true));
    store.reconcile(shop.admin()).await?;
    store.order_refund(shop.admin(), order.id, &RefundRequest::default()).await?;
    store.run_due().await?;
    let order = store.order(shop.admin(), order.id).await?;
    println!("order {} is {}, and {} {} went back", order.id, order.status, order.refunded_total, order.currency);
    Ok(())
}
