//! A shop on a file, and customers who buy, one after the other.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use ecommerce_benches::{Failure, server::STRIPE_SECRET};
use ecommerce_core::{
    CartLine, CheckoutRequest, Customer, ImportRow, Limits, Money, PaymentEventStatus, ProductId, ProviderName, Quantity,
    Registration, Store, Stripe,
    conformance::{PaidNews, Placed, StripeWebhooks},
};
use tempfile::TempDir;

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "correct horse battery";
/// How many customers there are: a few, so that none has bought very often.
const CUSTOMERS: usize = 100;
/// How many products a search finds.
const RARE: i64 = 20;

pub struct Shop {
    pub store: Store,
    pub products: i64,
    pub token: String,
    customers: Vec<Customer>,
    next: AtomicI64,
    sold: AtomicUsize,
    folder: TempDir,
}

impl Shop {
    pub async fn open(products: i64) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let mut limits = Limits::default();
        limits.open_orders_per_customer = 1_000_000;
        let store = Store::builder().limits(limits).provider(Stripe::new().webhook_secrets(&[STRIPE_SECRET])?);
        let store = store.open(&format!("sqlite:{}", folder.path().join("shop.db").display())).await?;
        let rows = (1..=products).map(|number| row(&store, number, products)).collect::<Result<Vec<_>, Failure>>()?;
        store.product_import(store.system().admin(), &rows, &mut |_| ()).await?;
        let ann = Registration { email: EMAIL.parse()?, password: PASSWORD.parse()?, name: None };
        let token = store.register(ann).await?.token.reveal().to_owned();
        let mut customers = vec![store.authenticate(&token).await?.customer().clone()];
        for number in 1..CUSTOMERS {
            let email = format!("customer-{number}@example.com").parse()?;
            let other = store.register(Registration { email, password: PASSWORD.parse()?, name: None }).await?;
            customers.push(store.system().customer(other.user.id));
        }
        let (next, sold) = (AtomicI64::new(0), AtomicUsize::new(0));
        Ok(Self { store, products, token, customers, next, sold, folder })
    }

    /// One after the other, with large steps.
    pub fn any_product(&self) -> ProductId {
        let number = self.next.fetch_add(7_919, Ordering::Relaxed) % self.products;
        ProductId::new(number + 1).expect("it is positive")
    }

    pub async fn log_in(&self) {
        self.store.login(EMAIL, PASSWORD).await.expect("it is the right password");
    }

    fn customer(&self) -> &Customer {
        &self.customers[self.sold.load(Ordering::Relaxed) % CUSTOMERS]
    }

    /// Always the same product: a line that is there grows.
    pub async fn add_to_cart(&self) {
        let line = CartLine { product: ProductId::new(1).expect("it is positive"), quantity: Quantity::ONE };
        self.store.cart_add(self.customer(), &[line]).await.expect("there is enough of it");
    }

    pub async fn check_out(&self) -> Placed {
        let request = CheckoutRequest { provider: Some(ProviderName::Stripe), ..CheckoutRequest::default() };
        let order = self.store.checkout(self.customer(), &request).await.expect("there is enough of it").order;
        self.sold.fetch_add(1, Ordering::Relaxed);
        let payment = order.payments.first().map(|payment| payment.id);
        Placed { order: order.id, payment, total: order.total, replayed: false }
    }

    pub async fn pay(&self, placed: &Placed) {
        let webhook = StripeWebhooks::new(STRIPE_SECRET).webhook(placed, PaidNews::FIRST).expect("it can be signed");
        let told = self.store.webhook_receive(ProviderName::Stripe, &[&webhook.signature], webhook.body.as_bytes()).await;
        assert_eq!(told.expect("it is from Stripe"), PaymentEventStatus::Processed);
    }

    pub async fn close(self) {
        self.store.close().await;
        self.folder.close().expect("it is empty");
    }
}

fn row(store: &Store, number: i64, products: i64) -> Result<ImportRow, Failure> {
    let every = products / RARE;
    let kind = if number % every == 0 { "rare" } else { "common" };
    Ok(ImportRow {
        line: u64::try_from(number)?,
        name: format!("Product {number} {kind}").parse()?,
        price: Money::new(500 + number % 5_000, store.currency())?,
        stock: 1_000_000_000,
        category: Some(format!("Category {}", number % 50).parse()?),
        description: Some("A thing that people buy, described in a sentence or two. It comes in one colour.".parse()?),
        is_available: Some(true),
        sku: Some(format!("SKU-{number}").parse()?),
        attributes: None,
    })
}
