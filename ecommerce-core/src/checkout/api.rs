use std::time::Duration;

use super::{
    Checkout, CheckoutError, CheckoutRequest,
    draft::draft,
    sql::{self, Placing},
};
use crate::{
    Customer, CustomerRef, Order, OrderId, PaymentId, ProviderName, Store,
    db::{Tx, retry},
    orders,
};

impl Store {
    /// Turns the cart into an order at the prices of now and reserves its units: all of it or nothing.
    ///
    /// The cart is empty afterwards. The same key again answers the same order as it was placed, after a crash too.
    /// The order stands also where its provider gives no answer within 4 seconds: its payment has no `checkout_url` then,
    /// which the store goes on asking for while it is open; [`Store::order_pay`] makes another attempt.
    ///
    /// # Errors
    /// Every [`CheckoutError`] says what stands in the way; nothing was changed, and the key is not used up.
    pub async fn checkout(&self, customer: &Customer, request: &CheckoutRequest) -> Result<Checkout, CheckoutError> {
        let checkout = retry(async || {
            let (now, user) = (self.now(), customer.user_id);
            let mut tx = self.write_once().await?;
            let cart = sql::load(&mut tx, user, request.idempotency_key.as_ref()).await?;
            if let Some(used) = cart.used {
                return self.replay(tx, request, used).await;
            }
            let most = self.limits().open_orders_per_customer;
            if cart.open_orders >= i64::from(most) {
                return Err(CheckoutError::TooManyOpenOrders(most));
            }
            let provider = request.provider.unwrap_or_else(|| self.providers().preferred());
            let draft = draft(&cart.lines, request, provider, |total| self.providers().accepts(provider, total))?;
            let reserved_until = now.after(self.reservation(provider));
            let payment = self.new_payment(provider, draft.total)?;
            let (key, fingerprint) = (request.idempotency_key.as_ref(), request.fingerprint());
            let placing = Placing { user, cart: &cart, payment, key, fingerprint, reserved_until, now };
            let (id, payment) = sql::place(tx, &draft, placing).await?;
            tracing::info!(order = %id, "order placed");
            let customer = CustomerRef { id: user, email: cart.email };
            Ok(Checkout { order: draft.placed(id, payment, customer, reserved_until, now), replayed: false })
        })
        .await?;
        self.with_payment(customer, request, checkout).await
    }

    /// The checkout with its payment begun, where the provider can be called.
    async fn with_payment(
        &self,
        customer: &Customer,
        request: &CheckoutRequest,
        checkout: Checkout,
    ) -> Result<Checkout, CheckoutError> {
        let Some(payment) = checkout.order.payments.first() else { return Ok(checkout) };
        if self.providers().callable(payment.provider).is_none() {
            return Ok(checkout);
        }
        if checkout.replayed {
            let order = self.begun(customer, request, payment.id).await.unwrap_or_else(|error| {
                tracing::warn!(order = %checkout.order.id, %error, "a payment could not be begun");
                None
            });
            return Ok(Checkout { order: order.unwrap_or(checkout.order), replayed: true });
        }
        let order = self.begin_now(payment.id, checkout.order).await;
        Ok(Checkout { order, replayed: false })
    }

    /// The order of a repeated checkout with its payment begun, where it was not.
    async fn begun(
        &self,
        customer: &Customer,
        request: &CheckoutRequest,
        payment: PaymentId,
    ) -> Result<Option<Order>, CheckoutError> {
        self.ensure_begun(payment).await?;
        retry(async || {
            let mut tx = self.write_once().await?;
            let cart = sql::load(&mut tx, customer.user_id, request.idempotency_key.as_ref()).await?;
            let Some(used) = cart.used else { return Ok(None) };
            Ok(Some(self.replay(tx, request, used).await?.order))
        })
        .await
    }

    /// The order that the request's key has made already, as it was placed.
    async fn replay(
        &self,
        mut tx: Tx,
        request: &CheckoutRequest,
        (id, fingerprint): (OrderId, String),
    ) -> Result<Checkout, CheckoutError> {
        if fingerprint != request.fingerprint() {
            return Err(CheckoutError::IdempotencyKeyReused);
        }
        let order = orders::sql::get(&mut tx, id).await?;
        let reserved_until = orders::sql::lock(&mut tx, id, None).await?.map(|record| record.reserved_until);
        tx.commit().await?;
        Ok(Checkout { order: order.into_placed(reserved_until), replayed: true })
    }

    /// How long the units of an order are kept for it.
    fn reservation(&self, provider: ProviderName) -> Duration {
        match provider {
            ProviderName::Manual => self.limits().manual_reservation,
            _ => self.limits().reservation,
        }
    }
}
