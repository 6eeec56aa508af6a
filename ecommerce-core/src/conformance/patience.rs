//! A customer who is told that the shop is busy tries again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use super::{BookedOrder, Frontend, PaidNews, Placed, Refusal, Stock};
use crate::{CheckoutRequest, Currency, Money, OrderId, ProductId};

/// How often somebody tries again before they say that the shop serves nobody.
const PATIENCE: u32 = 60;
/// How long they wait before they do.
const PAUSE: Duration = Duration::from_millis(250);

/// A frontend whose deeds are done again while the shop is busy. It counts how often that was.
#[derive(Clone)]
pub(super) struct Patient<F> {
    frontend: F,
    busy: Arc<AtomicU64>,
}

impl<F: Frontend> Patient<F> {
    pub(super) const fn new(frontend: F, busy: Arc<AtomicU64>) -> Self {
        Self { frontend, busy }
    }

    async fn insist<T, A: Future<Output = Result<T, Refusal>>>(&self, mut deed: impl FnMut() -> A) -> Result<T, Refusal> {
        for _ in 0..PATIENCE {
            match deed().await {
                Err(Refusal::Busy(_)) => self.busy.fetch_add(1, Ordering::Relaxed),
                outcome => return outcome,
            };
            tokio::time::sleep(PAUSE).await;
        }
        deed().await
    }
}

#[async_trait]
impl<F: Frontend> Frontend for Patient<F> {
    type Customer = F::Customer;

    fn currency(&self) -> Currency {
        self.frontend.currency()
    }

    async fn product(&self, price: Money, stock: i64) -> Result<ProductId, Refusal> {
        self.insist(|| self.frontend.product(price, stock)).await
    }

    async fn customer(&self) -> Result<F::Customer, Refusal> {
        self.insist(|| self.frontend.customer()).await
    }

    async fn cart_clear(&self, customer: &F::Customer) -> Result<(), Refusal> {
        self.insist(|| self.frontend.cart_clear(customer)).await
    }

    async fn cart_add(&self, customer: &F::Customer, lines: &[(ProductId, u32)]) -> Result<(), Refusal> {
        self.insist(|| self.frontend.cart_add(customer, lines)).await
    }

    async fn checkout(&self, customer: &F::Customer, request: &CheckoutRequest) -> Result<Placed, Refusal> {
        self.insist(|| self.frontend.checkout(customer, request)).await
    }

    async fn pay(&self, placed: &Placed, news: PaidNews) -> Result<(), Refusal> {
        self.insist(|| self.frontend.pay(placed, news)).await
    }

    async fn cancel(&self, customer: &F::Customer, order: OrderId) -> Result<(), Refusal> {
        self.insist(|| self.frontend.cancel(customer, order)).await
    }

    async fn orders(&self, customer: &F::Customer, newest: u32) -> Result<Vec<BookedOrder>, Refusal> {
        self.insist(|| self.frontend.orders(customer, newest)).await
    }

    async fn stock(&self, product: ProductId) -> Result<Stock, Refusal> {
        self.insist(|| self.frontend.stock(product)).await
    }

    async fn restock(&self, product: ProductId, by: i64) -> Result<(), Refusal> {
        self.insist(|| self.frontend.restock(product, by)).await
    }

    async fn set_price(&self, product: ProductId, price: Money) -> Result<(), Refusal> {
        self.insist(|| self.frontend.set_price(product, price)).await
    }

    async fn confirm(&self, order: OrderId) -> Result<(), Refusal> {
        self.insist(|| self.frontend.confirm(order)).await
    }

    async fn refund(&self, order: OrderId, amount: Money) -> Result<(), Refusal> {
        self.insist(|| self.frontend.refund(order, amount)).await
    }

    async fn let_expire(&self) -> Result<(), Refusal> {
        self.insist(|| self.frontend.let_expire()).await
    }

    async fn doctor(&self) -> Result<Vec<String>, Refusal> {
        self.insist(|| self.frontend.doctor()).await
    }
}
