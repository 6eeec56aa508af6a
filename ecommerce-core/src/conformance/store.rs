//! The way in that is a [`Store`] of this process.

use std::sync::Arc;

use async_trait::async_trait;

use super::{BookedOrder, Frontend, PaidNews, Placed, Refusal, Stock, StripeWebhooks};
use crate::{
    AccountError, CartError, CartLine, CatalogError, CheckoutError, CheckoutRequest, Currency, Customer, Expect, ManualClock,
    Money, NewProduct, Note, OrderError, OrderFilter, OrderId, PageRequest, PaymentError, ProductChange, ProductId, ProviderName,
    Quantity, RefundRequest, Registration, Store, StoreError, System, WebhookError, accounts::nonce,
};

/// Who tells a [`Store`] that an order is paid: [`StripeWebhooks`], or the provider of your own that you put to the test.
#[async_trait]
pub trait Payer: Clone + Send + Sync + 'static {
    /// Who takes the money of every order.
    fn provider(&self) -> ProviderName;

    /// See [`Frontend::pay`].
    async fn pay(&self, store: &Store, placed: &Placed, news: PaidNews) -> Result<(), Refusal>;
}

/// A [`Store`] under attack.
#[derive(Clone)]
pub struct StoreFrontend<P = StripeWebhooks> {
    store: Store,
    system: System,
    payer: P,
    clock: Option<Arc<ManualClock>>,
}

impl<P: Payer> StoreFrontend<P> {
    /// The store, and who tells it of payments.
    pub fn new(store: Store, payer: P) -> Self {
        Self { system: store.system().came_from("an attack"), store, payer, clock: None }
    }

    /// The clock of the store, so that orders can be let expire. Several frontends of one shop share it.
    #[must_use]
    pub fn clock(mut self, clock: Arc<ManualClock>) -> Self {
        self.clock = Some(clock);
        self
    }
}

#[async_trait]
impl<P: Payer> Frontend for StoreFrontend<P> {
    type Customer = Customer;

    fn currency(&self) -> Currency {
        self.store.currency()
    }

    async fn product(&self, price: Money, stock: i64) -> Result<ProductId, Refusal> {
        let new = NewProduct::new("Under attack".parse().map_err(Refusal::unexpected)?, price, stock);
        Ok(self.store.product_create(self.system.admin(), new).await?.id)
    }

    async fn customer(&self) -> Result<Customer, Refusal> {
        let email = format!("attacker-{}@example.com", nonce(self.store.tokens())?);
        let email = email.parse().map_err(Refusal::unexpected)?;
        let password = "correct horse".parse().map_err(Refusal::unexpected)?;
        Ok(self.system.customer(self.store.register(Registration { email, password, name: None }).await?.user.id))
    }

    async fn cart_clear(&self, customer: &Customer) -> Result<(), Refusal> {
        self.store.cart_clear(customer).await?;
        Ok(())
    }

    async fn cart_add(&self, customer: &Customer, lines: &[(ProductId, u32)]) -> Result<(), Refusal> {
        let line = |&(product, quantity): &(ProductId, u32)| {
            let quantity = Quantity::new(quantity.into()).map_err(Refusal::unexpected)?;
            Ok(CartLine { product, quantity })
        };
        self.store.cart_add(customer, &lines.iter().map(line).collect::<Result<Vec<_>, Refusal>>()?).await?;
        Ok(())
    }

    async fn checkout(&self, customer: &Customer, request: &CheckoutRequest) -> Result<Placed, Refusal> {
        let request = CheckoutRequest { provider: Some(self.payer.provider()), ..request.clone() };
        let checkout = self.store.checkout(customer, &request).await?;
        Ok(Placed {
            order: checkout.order.id,
            payment: checkout.order.payments.first().map(|payment| payment.id),
            total: checkout.order.total,
            replayed: checkout.replayed,
        })
    }

    async fn pay(&self, placed: &Placed, news: PaidNews) -> Result<(), Refusal> {
        self.payer.pay(&self.store, placed, news).await
    }

    async fn cancel(&self, customer: &Customer, order: OrderId) -> Result<(), Refusal> {
        self.store.order_cancel(customer, order).await?;
        Ok(())
    }

    async fn orders(&self, customer: &Customer, newest: u32) -> Result<Vec<BookedOrder>, Refusal> {
        let page = PageRequest::first(newest).map_err(Refusal::unexpected)?;
        let page = self.store.order_list(customer, &OrderFilter::default(), page).await?;
        Ok(page.results.into_iter().map(BookedOrder::from).collect())
    }

    async fn stock(&self, product: ProductId) -> Result<Stock, Refusal> {
        let report = self.store.stock(self.system.admin(), product).await?;
        Ok(Stock { stock: report.stock, reserved: report.reserved })
    }

    async fn restock(&self, product: ProductId, by: i64) -> Result<(), Refusal> {
        let note: Note = "counted during an attack".parse().map_err(Refusal::unexpected)?;
        self.store.stock_adjust(self.system.admin(), product, by, &note).await?;
        Ok(())
    }

    async fn set_price(&self, product: ProductId, price: Money) -> Result<(), Refusal> {
        let change = ProductChange { price: Some(price), ..ProductChange::default() };
        self.store.product_update(self.system.admin(), product, change, &Expect::default()).await?;
        Ok(())
    }

    async fn confirm(&self, order: OrderId) -> Result<(), Refusal> {
        self.store.order_confirm_payment(self.system.admin(), order, None).await?;
        Ok(())
    }

    async fn refund(&self, order: OrderId, amount: Money) -> Result<(), Refusal> {
        let request = RefundRequest { amount: Some(amount.to_decimal()), ..RefundRequest::default() };
        match self.store.order_refund(self.system.admin(), order, &request).await {
            Ok(_) => Ok(()),
            Err(PaymentError::Invalid(field)) if field.field == "amount" => Err(Refusal::NothingLeft),
            Err(other) => Err(other.into()),
        }
    }

    async fn let_expire(&self) -> Result<(), Refusal> {
        let clock = self.clock.as_ref().ok_or(Refusal::NotOffered)?;
        clock.advance(self.store.limits().reservation);
        Ok(self.store.run_due().await?)
    }

    async fn doctor(&self) -> Result<Vec<String>, Refusal> {
        let findings = self.store.audit().await?.findings;
        Ok(findings.iter().map(|found| format!("{} of {} {}: {}", found.check, found.table, found.id, found.detail)).collect())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        if error.is_retryable() || error.is_unavailable() {
            return Self::Busy(error.to_string());
        }
        Self::unexpected(error)
    }
}

impl From<AccountError> for Refusal {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Busy => Self::Busy(error.to_string()),
            AccountError::Store(error) => error.into(),
            other => Self::unexpected(other),
        }
    }
}

impl From<CatalogError> for Refusal {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Store(error) => error.into(),
            other => Self::unexpected(other),
        }
    }
}

impl From<CartError> for Refusal {
    fn from(error: CartError) -> Self {
        match error {
            CartError::InsufficientStock(_) => Self::OutOfStock,
            CartError::Store(error) => error.into(),
            other => Self::unexpected(other),
        }
    }
}

impl From<CheckoutError> for Refusal {
    fn from(error: CheckoutError) -> Self {
        match error {
            CheckoutError::CartEmpty => Self::CartEmpty,
            CheckoutError::InsufficientStock(_) => Self::OutOfStock,
            CheckoutError::TotalChanged(_) => Self::TotalChanged,
            CheckoutError::Store(error) => error.into(),
            other => Self::unexpected(other),
        }
    }
}

impl From<OrderError> for Refusal {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::InvalidTransition(_) => Self::WrongState,
            OrderError::Store(error) => error.into(),
            other @ OrderError::Unknown(_) => Self::unexpected(other),
        }
    }
}

impl From<PaymentError> for Refusal {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::Order(error) => error.into(),
            PaymentError::InsufficientStock(..) => Self::OutOfStock,
            PaymentError::Store(error) => error.into(),
            other => Self::unexpected(other),
        }
    }
}

impl From<WebhookError> for Refusal {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Store(error) => error.into(),
            other => Self::unexpected(other),
        }
    }
}
