//! The payments and refunds of orders as rows: how the money of an order is read to be shown.

use super::{Outcome, Payment, PaymentState, Refund, RefundReason, RefundStatus};
use crate::{
    Currency, Money, OrderId, PaymentId, ProviderName, RefundId, StoreError, Timestamp,
    db::{Tx, statements},
};

statements! {
    PAYMENTS = {
        sqlite:
            "select p.id, p.order_id, p.provider, p.status, p.outcome, p.reference, p.amount, p.currency, p.captured,
                 p.captured_currency, p.refunded, p.checkout_url, p.client_secret, p.created_at,
                 exists (select 1 from disputes d where d.payment_id = p.id and d.status = 'open') as disputed,
                 exists (select 1 from disputes d where d.payment_id = p.id and d.status = 'lost') as charged_back
             from payments p
             where p.order_id in (select value from json_each($1))
             order by p.id",
        postgres:
            "select p.id, p.order_id, p.provider, p.status, p.outcome, p.reference, p.amount, p.currency, p.captured,
                 p.captured_currency, p.refunded, p.checkout_url, p.client_secret, p.created_at,
                 exists (select 1 from disputes d where d.payment_id = p.id and d.status = 'open') as disputed,
                 exists (select 1 from disputes d where d.payment_id = p.id and d.status = 'lost') as charged_back
             from payments p
             where p.order_id = any (translate($1, '[]', '{}')::bigint[])
             order by p.id",
    };

    INSERT_PAYMENT =
        "insert into payments (order_id, provider, status, amount, currency, nonce, call_at, created_at)
         values ($1, $2, 'created', $3, $4, $5, $6, $7)
         returning id";

    /// A refund that the others cover comes to nothing, and is not shown.
    REFUNDS = {
        sqlite:
            "select p.order_id, r.id, r.payment_id, r.amount, r.currency, r.reason, r.status, r.created_at
             from refunds r join payments p on p.id = r.payment_id
             where p.order_id in (select value from json_each($1)) and r.amount > 0
             order by r.id",
        postgres:
            "select p.order_id, r.id, r.payment_id, r.amount, r.currency, r.reason, r.status, r.created_at
             from refunds r join payments p on p.id = r.payment_id
             where p.order_id = any (translate($1, '[]', '{}')::bigint[]) and r.amount > 0
             order by r.id",
    };
}

pub(super) struct OrderPayment {
    pub(super) order_id: OrderId,
    pub(super) disputed: bool,
    pub(super) payment: Payment,
}

#[derive(sqlx::FromRow)]
struct PaymentRow {
    id: PaymentId,
    order_id: OrderId,
    provider: ProviderName,
    status: PaymentState,
    outcome: Option<Outcome>,
    reference: Option<String>,
    amount: i64,
    currency: Currency,
    captured: Option<i64>,
    captured_currency: Option<Currency>,
    refunded: i64,
    checkout_url: Option<String>,
    client_secret: Option<String>,
    created_at: Timestamp,
    disputed: bool,
    charged_back: bool,
}

#[derive(sqlx::FromRow)]
pub(crate) struct RefundRow {
    id: RefundId,
    payment_id: PaymentId,
    amount: i64,
    currency: Currency,
    reason: RefundReason,
    status: RefundStatus,
    created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct OrderRefundRow {
    order_id: OrderId,
    #[sqlx(flatten)]
    refund: RefundRow,
}

pub(super) async fn payments(tx: &mut Tx, orders: String) -> Result<Vec<OrderPayment>, StoreError> {
    tx.all::<PaymentRow>(PAYMENTS, &(orders,)).await?.into_iter().map(OrderPayment::try_from).collect()
}

pub(super) async fn refunds(tx: &mut Tx, orders: String) -> Result<Vec<(OrderId, Refund)>, StoreError> {
    let rows = tx.all::<OrderRefundRow>(REFUNDS, &(orders,)).await?;
    rows.into_iter().map(|row| Ok((row.order_id, row.refund.try_into()?))).collect()
}

/// What an attempt to pay is made from.
pub(crate) struct NewPayment {
    pub(crate) provider: ProviderName,
    pub(crate) amount: Money,
    /// Chance, for names that were never used before.
    pub(crate) nonce: String,
    /// When the provider is asked about it by whoever finds it then.
    pub(crate) call_at: Option<Timestamp>,
}

impl NewPayment {
    /// An attempt that nobody begins: its money comes by hand, or was heard of from its provider.
    pub(crate) fn passive(provider: ProviderName, amount: Money) -> Self {
        Self { provider, amount, nonce: String::new(), call_at: None }
    }
}

/// Another attempt to pay the order.
pub(crate) async fn insert_payment(
    tx: &mut Tx,
    order: OrderId,
    new: NewPayment,
    now: Timestamp,
) -> Result<PaymentId, StoreError> {
    let NewPayment { provider, amount, nonce, call_at } = new;
    tx.scalar(INSERT_PAYMENT, &(order, provider, amount.minor(), amount.currency(), nonce, call_at, now)).await
}

impl TryFrom<PaymentRow> for OrderPayment {
    type Error = StoreError;

    fn try_from(row: PaymentRow) -> Result<Self, StoreError> {
        let id = row.id;
        let money =
            |minor, currency| Money::new(minor, currency).map_err(|error| StoreError::corrupt("payments", id.get(), error));
        let captured_in = row.captured_currency.unwrap_or(row.currency);
        let payment = Payment {
            id,
            provider: row.provider,
            reference: row.reference,
            status: row.status,
            outcome: row.outcome,
            amount: money(row.amount, row.currency)?,
            currency: row.currency,
            captured: row.captured.map(|captured| money(captured, captured_in)).transpose()?,
            captured_currency: row.captured_currency,
            refunded: money(row.refunded, captured_in)?,
            checkout_url: row.checkout_url,
            client_secret: row.client_secret,
            created_at: row.created_at,
            charged_back: row.charged_back,
        };
        Ok(Self { order_id: row.order_id, disputed: row.disputed, payment })
    }
}

impl TryFrom<RefundRow> for Refund {
    type Error = StoreError;

    fn try_from(row: RefundRow) -> Result<Self, StoreError> {
        let RefundRow { id, payment_id, amount, currency, reason, status, created_at } = row;
        let amount = Money::new(amount, currency).map_err(|error| StoreError::corrupt("refunds", id.get(), error))?;
        Ok(Self { id, payment_id, amount, currency, reason, status, created_at })
    }
}
