//! A shop with an admin, two customers, three products and two orders that wait for payment.

use std::{cell::RefCell, env, net::IpAddr};

use ecommerce_core::{
    CartLine, CheckoutRequest, Currency, ManualClock, Money, NewCategory, NewProduct, Order, OrderFilter, PageRequest, Paystack,
    ProductId, ProviderName, Quantity, Registration, Role, SignedIn, Store, Stripe, Timestamp,
};
use ecommerce_warp::Config;
use tokio::runtime::{Builder, Runtime};
use warp::{Filter, filters::BoxedFilter, reply::Response};

use crate::{PAYSTACK_KEY, STRIPE_SECRETS};

/// The time in the shop, in seconds: it stands still.
pub const NOW: i64 = 1_769_851_800;
/// So many inputs come to one shop.
const VISITS: u32 = 500;

/// A shop, and who may be in it.
pub struct Shop {
    pub store: Store,
    /// Every route, behind a trusted proxy at 127.0.0.1.
    pub routes: BoxedFilter<(Response,)>,
    pub admin: SignedIn,
    /// Has an order with Stripe and one with Paystack, and a product in her cart.
    pub ann: SignedIn,
    /// Has nothing.
    pub bob: SignedIn,
    visits: u32,
}

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    static SHOP: RefCell<Option<Shop>> = const { RefCell::new(None) };
}

/// Lets an input do something in the shop, which is another one every now and then.
///
/// The shop is in memory, or at `FUZZ_DATABASE_URL`: an empty PostgreSQL database, which then serves for the whole run.
pub fn in_shop(visit: impl AsyncFnOnce(&Shop)) {
    let url = env::var("FUZZ_DATABASE_URL").ok();
    SHOP.with_borrow_mut(|shop| {
        RUNTIME.with(|runtime| {
            runtime.block_on(async {
                if let Some(old) = shop.take_if(|shop| url.is_none() && shop.visits >= VISITS) {
                    old.store.close().await;
                }
                let mut open = match shop.take() {
                    Some(open) => open,
                    None => Shop::open(url.as_deref().unwrap_or("sqlite::memory:")).await,
                };
                open.visits += 1;
                visit(&open).await;
                *shop = Some(open);
            });
        });
    });
}

impl Shop {
    async fn open(url: &str) -> Self {
        let store = Store::builder()
            .clock(ManualClock::new(Timestamp::from_micros(NOW * 1_000_000)))
            .provider(Stripe::new().webhook_secrets(&STRIPE_SECRETS).expect("good secrets"))
            .provider(Paystack::new().webhook_key(PAYSTACK_KEY).expect("a good key"))
            .background(false)
            .open(url)
            .await
            .expect("the shop opens");
        let mut config = Config::default();
        config.trusted_proxies = vec![IpAddr::from([127, 0, 0, 1])];
        let admin = account(&store, "admin").await;
        let email = admin.user.email.clone();
        store.user_set_role(store.system().admin(), &email, Role::Admin).await.expect("an admin");
        let shop = Self {
            routes: ecommerce_warp::routes(store.clone(), config).boxed(),
            ann: account(&store, "ann").await,
            bob: account(&store, "bob").await,
            admin,
            store,
            visits: 0,
        };
        shop.fill().await;
        shop
    }

    async fn fill(&self) {
        let (system, usd) = (self.store.system(), self.store.currency());
        let kitchen = NewCategory::new("Kitchen".parse().expect("a name"));
        let kitchen = self.store.category_create(system.admin(), kitchen).await.expect("a category");
        let mut products = Vec::new();
        for (name, price, currency) in [("Ceramic mug", "12.50", usd), ("Copper lamp", "89.00", usd), ("茶碗", "500", yen())] {
            let price = Money::parse(price, currency).expect("a price");
            let mut new = NewProduct::new(name.parse().expect("a name"), price, 1_000_000);
            new.category = (currency == usd).then_some(kitchen.id);
            products.push(self.store.product_create(system.admin(), new).await.expect("a product").id);
        }
        self.order(products[0], ProviderName::Stripe).await;
        self.order(products[1], ProviderName::Paystack).await;
        self.add(products[0]).await;
    }

    async fn order(&self, product: ProductId, provider: ProviderName) {
        self.add(product).await;
        let ann = self.store.system().customer(self.ann.user.id);
        let request = CheckoutRequest { provider: Some(provider), ..CheckoutRequest::default() };
        self.store.checkout(&ann, &request).await.expect("an order");
    }

    async fn add(&self, product: ProductId) {
        let ann = self.store.system().customer(self.ann.user.id);
        self.store.cart_add(&ann, &[CartLine { product, quantity: Quantity::ONE }]).await.expect("a line in the cart");
    }

    /// All orders, as an admin sees them.
    pub async fn orders(&self) -> Vec<Order> {
        let orders = self.store.order_list(self.store.system().admin(), &OrderFilter::default(), PageRequest::default()).await;
        orders.expect("orders can be read").results
    }

    /// Whatever was done, the books are right.
    pub async fn is_sound(&self) {
        let diagnosis = self.store.audit().await.expect("the doctor can read");
        assert!(diagnosis.is_healthy(), "{diagnosis:?}");
    }
}

/// The header `Authorization` of an account.
pub fn key(account: &SignedIn) -> String {
    format!("Token {}", account.token.reveal())
}

async fn account(store: &Store, name: &str) -> SignedIn {
    let email = format!("{name}@example.com").parse().expect("an address");
    let password = "correct horse".parse().expect("a password");
    store.register(Registration { email, password, name: None }).await.expect("an account")
}

fn yen() -> Currency {
    "JPY".parse().expect("a currency")
}
