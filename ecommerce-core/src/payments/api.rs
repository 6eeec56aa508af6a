use serde_json::json;

use super::{
    PaymentError, PaymentEvent, RefundRequest, calls,
    capture::{Case, known},
    inbox, sql,
};
use crate::{
    Admin, AuditAction, Customer, EventName, Fulfillment, InvalidField, Money, NotAccepted, Note, Order, OrderError, OrderId,
    OrderStatus, Outcome, Page, PageRequest, Party, ProviderName, Refund, RefundId, RefundReason, RefundStatus, Store,
    StoreError, audit,
    db::{Tx, retry},
    orders::{self, rows::NewPayment, sql::OrderRecord},
    outbox,
};

impl Store {
    /// Calls an order off: its customer while it waits for payment, an admin until it is shipped.
    ///
    /// The units of a paid order go back into stock and its money is queued to go back to the customer.
    ///
    /// # Errors
    /// [`OrderError::Unknown`]; [`OrderError::InvalidTransition`] when it is expired, shipped or cancelled already.
    pub async fn order_cancel(&self, party: impl Into<Party<'_>>, id: OrderId) -> Result<Order, PaymentError> {
        let party = party.into();
        retry(async || {
            let mut tx = self.write().await?;
            let order = known(orders::sql::lock(&mut tx, id, party.owner()).await?, id)?;
            match order.status {
                OrderStatus::PendingPayment => orders::sql::release(&mut tx, id).await?,
                OrderStatus::Paid => self.undo_sale(&mut tx, party, order).await?,
                OrderStatus::Cancelled | OrderStatus::Expired => return refuse(format!("the order is {} already", order.status)),
            }
            orders::sql::set_status(&mut tx, id, OrderStatus::Cancelled, EventName::Cancelled, None, self.now()).await?;
            // Nobody shall pay it any more.
            calls::call_others(&mut tx, id, None, self.now()).await?;
            outbox::push(&mut tx, outbox::Topic::OrderCancelled, json!({ "order": id }), self.now()).await?;
            if let Party::Admin(admin) = party {
                let detail = json!({ "status": { "from": order.status, "to": OrderStatus::Cancelled } });
                audit::record(&mut tx, admin, AuditAction::OrderCancelled, Some(id.into()), detail, self.now()).await?;
            }
            self.finish(tx, id).await
        })
        .await
    }

    /// Begins another attempt to pay an order that waits for payment.
    ///
    /// The attempt stands also where its provider gives no answer within 4 seconds: without a `checkout_url`, which the
    /// store goes on asking for while it is open.
    ///
    /// # Errors
    /// [`OrderError::Unknown`]; [`OrderError::InvalidTransition`] when it does not wait for payment;
    /// [`PaymentError::TooManyPayments`] after as many attempts as [`crate::Limits::payments_per_order`] allows;
    /// [`PaymentError::CurrencyNotAccepted`] and [`PaymentError::AmountNotAccepted`]; [`PaymentError::Invalid`] when the
    /// store does not know the provider.
    pub async fn order_pay(
        &self,
        customer: &Customer,
        id: OrderId,
        provider: Option<ProviderName>,
    ) -> Result<Order, PaymentError> {
        let provider = provider.unwrap_or_else(|| self.providers().preferred());
        let (order, payment) = retry(async || {
            let mut tx = self.write().await?;
            let order = known(orders::sql::lock(&mut tx, id, Some(customer.user_id)).await?, id)?;
            if order.status != OrderStatus::PendingPayment {
                return refuse(format!("the order is {}, it does not wait for payment", order.status));
            }
            match self.providers().accepts(provider, order.total) {
                Some(Ok(())) => {}
                Some(Err(NotAccepted::Currency)) => return Err(PaymentError::CurrencyNotAccepted(provider)),
                Some(Err(NotAccepted::Amount)) => return Err(PaymentError::AmountNotAccepted(provider)),
                None => return Err(InvalidField::new("provider", "is none that this shop has").into()),
            }
            let most = self.limits().payments_per_order;
            if sql::count_payments(&mut tx, id).await? >= i64::from(most) {
                return Err(PaymentError::TooManyPayments(most));
            }
            let payment = self.start_payment(&mut tx, id, provider, order.total).await?;
            Ok((self.finish(tx, id).await?, payment))
        })
        .await?;
        if self.providers().callable(provider).is_none() {
            return Ok(order);
        }
        Ok(self.begin_now(payment, order).await)
    }

    /// Says that the money of an order has come by hand: bank transfer or cash. Saying it twice is saying it once.
    ///
    /// # Errors
    /// [`OrderError::Unknown`]; [`OrderError::InvalidTransition`] when the order is cancelled or was paid otherwise;
    /// [`PaymentError::InsufficientStock`] when it had expired and its units are gone.
    pub async fn order_confirm_payment(
        &self,
        admin: &Admin,
        id: OrderId,
        reference: Option<&Note>,
    ) -> Result<Order, PaymentError> {
        retry(async || {
            let mut tx = self.write().await?;
            let order = known(orders::sql::lock(&mut tx, id, None).await?, id)?;
            match order.status {
                OrderStatus::PendingPayment => {}
                OrderStatus::Expired => {
                    let short = orders::sql::shortages(&mut tx, id).await?;
                    if !short.is_empty() {
                        return Err(PaymentError::InsufficientStock(id, short));
                    }
                }
                OrderStatus::Paid
                    if applied(&mut tx, id).await?.is_some_and(|payment| payment.provider == ProviderName::Manual) =>
                {
                    return self.finish(tx, id).await;
                }
                OrderStatus::Paid | OrderStatus::Cancelled => return refuse(format!("the order is {} already", order.status)),
            }
            let payment = match sql::manual_payment(&mut tx, id).await? {
                Some(payment) => payment,
                None => {
                    let new = NewPayment::passive(ProviderName::Manual, order.total);
                    orders::rows::insert_payment(&mut tx, id, new, self.now()).await?
                }
            };
            let mut case = Case::load(&mut tx, payment, self.now()).await?;
            case.payment.reference = reference.map(Note::to_string);
            case.succeed(&mut tx, order.total, true).await?;
            case.settle(&mut tx).await?;
            let detail = json!({ "amount": order.total, "currency": order.total.currency(), "reference": reference });
            audit::record(&mut tx, admin, AuditAction::PaymentConfirmed, Some(id.into()), detail, self.now()).await?;
            self.finish(tx, id).await
        })
        .await
    }

    /// Queues a refund of the payment that paid the order.
    ///
    /// # Errors
    /// [`PaymentError::Invalid`] when nothing was captured, more is asked for than is left, or `restock` comes with less
    /// than all that is left; [`PaymentError::Disputed`] while a dispute is open.
    pub async fn order_refund(&self, admin: &Admin, id: OrderId, request: &RefundRequest) -> Result<Order, PaymentError> {
        retry(async || {
            let mut tx = self.write().await?;
            let order = known(orders::sql::lock(&mut tx, id, None).await?, id)?;
            let payment = applied(&mut tx, id).await?;
            let payment = payment.ok_or_else(|| InvalidField::new("amount", "cannot be paid back: nothing was captured"))?;
            if sql::has_open_dispute(&mut tx, payment.id).await? {
                return Err(PaymentError::Disputed);
            }
            let mut case = Case::load(&mut tx, payment.id, self.now()).await?;
            let left = Money::new(case.settle(&mut tx).await?.left, order.total.currency())
                .map_err(|error| StoreError::corrupt("payments", case.payment.id.get(), error))?;
            let asked = asked_for(request, left)?;
            if request.restock {
                if asked != left || order.restocked {
                    return Err(InvalidField::new("restock", "goes only with all that is left, and once").into());
                }
                orders::sql::give_back(&mut tx, id, self.now()).await?;
                orders::sql::record(&mut tx, id, EventName::Restocked, None, self.now()).await?;
            }
            let note = request.reason.as_ref().map(Note::to_string);
            case.queue_refund(&mut tx, RefundReason::Requested, asked, note).await?;
            case.settle(&mut tx).await?;
            let RefundRequest { reason, restock, .. } = request;
            let detail = json!({ "amount": asked, "currency": asked.currency(), "reason": reason, "restock": restock });
            audit::record(&mut tx, admin, AuditAction::RefundRequested, Some(id.into()), detail, self.now()).await?;
            self.finish(tx, id).await
        })
        .await
    }

    /// Says that a refund which waits for a person was paid back by hand. Saying it twice is saying it once.
    ///
    /// # Errors
    /// [`PaymentError::UnknownRefund`]; [`OrderError::InvalidTransition`] when it does not wait for a person.
    pub async fn refund_done(&self, admin: &Admin, id: RefundId, reference: Option<&Note>) -> Result<Refund, PaymentError> {
        retry(async || {
            let unknown = || PaymentError::UnknownRefund(id);
            let mut tx = self.write().await?;
            let refund = sql::refund(&mut tx, id).await?.ok_or_else(unknown)?;
            let key = sql::payment_by_id(&mut tx, refund.payment_id).await?.ok_or_else(unknown)?;
            let order = known(orders::sql::lock(&mut tx, key.order_id, None).await?, key.order_id)?;
            // Read again, under the lock.
            let refund = sql::refund(&mut tx, id).await?.ok_or_else(unknown)?;
            match refund.status {
                RefundStatus::Succeeded => {
                    tx.commit().await?;
                    return Ok(refund);
                }
                RefundStatus::NeedsAttention => {}
                RefundStatus::Queued if key.provider == ProviderName::Manual => {}
                status => return refuse(format!("the refund is {status}, it does not wait for a person")),
            }
            sql::set_refund_done(&mut tx, id, reference.map(Note::to_string), self.now()).await?;
            Case::load(&mut tx, key.id, self.now()).await?.settle(&mut tx).await?;
            let refund = sql::refund(&mut tx, id).await?.ok_or_else(unknown)?;
            let Refund { amount, currency, .. } = &refund;
            let detail = json!({ "order": order.id, "amount": amount, "currency": currency, "reference": reference });
            audit::record(&mut tx, admin, AuditAction::RefundDone, Some(id.into()), detail, self.now()).await?;
            tx.commit().await?;
            Ok(refund)
        })
        .await
    }

    /// What is owed back or was paid back, newest first.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn refund_list(
        &self,
        _: &Admin,
        status: Option<RefundStatus>,
        page: PageRequest,
    ) -> Result<Page<Refund>, PaymentError> {
        Ok(sql::refunds(&mut self.snapshot().await?, status, page).await?)
    }

    /// What providers sent, newest first.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn payment_event_list(&self, _: &Admin, page: PageRequest) -> Result<Page<PaymentEvent>, PaymentError> {
        Ok(inbox::sql::events(&mut self.snapshot().await?, page).await?)
    }

    /// Takes a paid order back, for an admin: its units into stock, its money to the customer.
    async fn undo_sale(&self, tx: &mut Tx, party: Party<'_>, order: OrderRecord) -> Result<(), PaymentError> {
        if matches!(party, Party::Owner(_)) {
            return refuse("the order is paid, only an admin can cancel it".to_owned());
        }
        if matches!(order.fulfillment, Fulfillment::Shipped | Fulfillment::Delivered) {
            return refuse(format!("the order is {} already", order.fulfillment));
        }
        if !order.restocked {
            orders::sql::give_back(tx, order.id, self.now()).await?;
        }
        if let Some(payment) = applied(tx, order.id).await? {
            let mut case = Case::load(tx, payment.id, self.now()).await?;
            case.order.status = OrderStatus::Cancelled;
            case.settle(tx).await?;
        }
        Ok(())
    }

    /// Answers the order as it is now and makes it true.
    async fn finish(&self, mut tx: Tx, id: OrderId) -> Result<Order, PaymentError> {
        let order = orders::sql::get(&mut tx, id).await?;
        tx.commit().await?;
        Ok(order)
    }
}

/// The payment that paid the order.
async fn applied(tx: &mut Tx, order: OrderId) -> Result<Option<sql::PaymentRecord>, StoreError> {
    let payments = sql::payments_of(tx, order).await?;
    Ok(payments.into_iter().find(|payment| payment.outcome == Some(Outcome::Applied)))
}

fn asked_for(request: &RefundRequest, left: Money) -> Result<Money, InvalidField> {
    let asked = match request.amount {
        None => left,
        Some(amount) => Money::from_decimal(amount, left.currency())
            .map_err(|error| InvalidField { field: "amount", reason: error.into() })?,
    };
    match left.minus(asked) {
        _ if left.is_zero() => Err(InvalidField::new("amount", "cannot be paid back: nothing is left")),
        _ if asked.is_zero() => Err(InvalidField::new("amount", "must be more than nothing")),
        Ok(_) => Ok(asked),
        Err(_) => Err(InvalidField::new("amount", format!("must be at most {left}, which is what is left"))),
    }
}

fn refuse<T>(reason: String) -> Result<T, PaymentError> {
    Err(OrderError::InvalidTransition(reason).into())
}
