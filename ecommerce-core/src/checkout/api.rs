use serde_json::json;

use super::{
    Checkout, CheckoutError, CheckoutRequest,
    draft::{Draft, draft},
    sql,
};
use crate::{
    Customer, EventName, Order, OrderId, ProviderName, Store, cart,
    db::{Tx, retry},
    orders, outbox,
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
            let mut tx = self.write().await?;
            // Whoever checks this cart out at the same time waits here, and finds the key used or the cart empty.
            let generation = cart::sql::lock(&mut tx, customer.user_id).await?;
            if let Some(order) = self.replay(&mut tx, customer, request).await? {
                return Ok(Checkout { order, replayed: true });
            }
            let most = self.limits().open_orders_per_customer;
            if sql::count_open(&mut tx, customer.user_id).await? >= i64::from(most) {
                return Err(CheckoutError::TooManyOpenOrders(most));
            }
            let lines = cart::sql::priced_lines_locked(&mut tx, customer.user_id).await?;
            let provider = request.provider.unwrap_or_else(|| self.providers().preferred());
            let draft = draft(&lines, request, provider, |total| self.providers().accepts(provider, total))?;
            let id = self.place(&mut tx, customer, generation, &draft, request).await?;
            let order = orders::sql::get(&mut tx, id).await?;
            tx.commit().await?;
            tracing::info!(order = %id, "order placed");
            Ok(Checkout { order, replayed: false })
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
            let begun = async {
                self.ensure_begun(payment.id).await?;
                retry(async || self.replay(&mut self.write().await?, customer, request).await).await
            };
            let order = begun.await.unwrap_or_else(|error: CheckoutError| {
                tracing::warn!(order = %checkout.order.id, %error, "a payment could not be begun");
                None
            });
            return Ok(Checkout { order: order.unwrap_or(checkout.order), replayed: true });
        }
        let order = self.begin_now(payment.id, checkout.order).await;
        Ok(Checkout { order, replayed: false })
    }

    /// The order that this key has made already, as it was placed.
    async fn replay(&self, tx: &mut Tx, customer: &Customer, request: &CheckoutRequest) -> Result<Option<Order>, CheckoutError> {
        let Some(key) = &request.idempotency_key else { return Ok(None) };
        match sql::by_key(tx, customer.user_id, key).await? {
            None => Ok(None),
            Some((_, fingerprint)) if fingerprint != request.fingerprint() => Err(CheckoutError::IdempotencyKeyReused),
            Some((id, _)) => {
                let order = orders::sql::get(tx, id).await?;
                let reserved_until = orders::sql::lock(tx, id, None).await?.map(|record| record.reserved_until);
                Ok(Some(order.into_placed(reserved_until)))
            }
        }
    }

    async fn place(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        generation: i64,
        draft: &Draft,
        request: &CheckoutRequest,
    ) -> Result<OrderId, CheckoutError> {
        let (user, now) = (customer.user_id, self.now());
        let reservation = match draft.provider {
            ProviderName::Manual => self.limits().manual_reservation,
            _ => self.limits().reservation,
        };
        let id = sql::insert_order(tx, user, generation, draft, now.after(reservation), now).await?;
        orders::sql::reserve(tx, id).await?;
        orders::rows::insert_payment(tx, id, self.new_payment(draft.provider, draft.total)?, now).await?;
        orders::sql::insert_event(tx, id, EventName::Placed, None, now).await?;
        cart::sql::empty(tx, user).await?;
        if let Some(key) = &request.idempotency_key {
            sql::insert_key(tx, user, key, request.fingerprint(), id, now).await?;
        }
        outbox::push(tx, outbox::Topic::OrderPlaced, json!({ "order": id, "user": user }), now).await?;
        Ok(id)
    }
}
