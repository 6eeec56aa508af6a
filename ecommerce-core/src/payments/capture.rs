//! Captured money, under the lock of its order: what becomes of it is decided and written here, whoever told of it.

use serde_json::json;

use super::{
    calls,
    merge::{Meant, meant},
    pay_back::first_call,
    schedule::waits_until,
    settle::{self, RefundFact, Settlement},
    sql::{self, NewRefund, PaymentRecord},
};
use crate::{
    EventName, Money, OrderId, OrderStatus, Outcome, PaymentId, PaymentState, RefundNews, RefundReason, StoreError, Timestamp,
    db::Tx,
    orders::{self, sql::OrderRecord},
    outbox,
};

/// One payment and its order, locked until the transaction ends.
pub(super) struct Case {
    pub(super) order: OrderRecord,
    pub(super) payment: PaymentRecord,
    /// What is known of its refunds; nothing once they were changed, until they are read again.
    facts: Option<Vec<RefundFact>>,
    /// Whether the payment is not written yet as it stands here.
    pub(super) is_changed: bool,
    now: Timestamp,
}

impl Case {
    /// The payment as it is, of an order that is locked.
    pub(super) async fn load(tx: &mut Tx, payment: PaymentId, now: Timestamp) -> Result<Self, StoreError> {
        let (order, payment, facts) = sql::load(tx, payment).await?;
        Ok(Self { order, payment, facts: Some(facts), is_changed: false, now })
    }

    /// A payment whose order is not locked yet; `None` where there is none.
    pub(super) async fn of(tx: &mut Tx, payment: PaymentId, now: Timestamp) -> Result<Option<Self>, StoreError> {
        let Some(key) = sql::payment_by_id(tx, payment).await? else { return Ok(None) };
        orders::sql::hold(tx, key.order_id).await?;
        Self::load(tx, payment, now).await.map(Some)
    }

    /// The money was captured: it pays the order or goes back. Telling it again changes nothing.
    ///
    /// What only refunds and disputes told (`exact` is false) is at least the largest of them, and is corrected when the
    /// success itself is heard of.
    pub(super) async fn succeed(&mut self, tx: &mut Tx, captured: Money, exact: bool) -> Result<(), StoreError> {
        if self.payment.status == PaymentState::Succeeded {
            let is_more = self.payment.captured.is_none_or(|known| captured.minus(known).is_ok_and(|more| !more.is_zero()));
            if self.payment.capture_is_exact || !(exact || is_more) {
                return Ok(());
            }
            self.payment.capture_is_exact = exact;
            if self.payment.outcome == Some(Outcome::Applied) || self.payment.captured == Some(captured) {
                return self.save(tx).await;
            }
        }
        let units_are_there =
            self.order.status != OrderStatus::Expired || orders::sql::shortages(tx, self.order.id).await?.is_empty();
        let outcome = settle::outcome(self.order.status, self.order.total, captured, units_are_there);
        let was_processing = self.payment.status == PaymentState::Processing;
        self.payment.status = PaymentState::Succeeded;
        self.payment.outcome = Some(outcome);
        self.payment.captured = Some(captured);
        self.payment.capture_is_exact = exact;
        self.save(tx).await?;
        match outcome.refund_reason() {
            None => self.apply(tx).await?,
            Some(_) => {
                let note = Some(format!("{outcome}: {captured:?}"));
                orders::sql::record(tx, self.order.id, EventName::PaymentNotApplied, note, self.now).await?;
            }
        }
        self.give_back(tx, outcome, captured).await?;
        if was_processing { self.set_expiry(tx).await } else { Ok(()) }
    }

    /// The provider is working on it: the order waits longer.
    pub(super) async fn process(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        self.advance(tx, PaymentState::Processing).await.map(drop)
    }

    /// This attempt came to nothing; another may be made while the order waits.
    pub(super) async fn fail(&mut self, tx: &mut Tx, reason: Option<&str>) -> Result<(), StoreError> {
        if self.advance(tx, PaymentState::Failed).await? {
            let reason = reason.map(str::to_owned);
            orders::sql::record(tx, self.order.id, EventName::PaymentFailed, reason, self.now).await?;
        }
        Ok(())
    }

    /// So much was paid back in all, at the latest.
    pub(super) async fn refunded_in_all(&mut self, tx: &mut Tx, total: Money) -> Result<(), StoreError> {
        self.payment.told_in_all = self.payment.told_in_all.max(total.minor());
        self.save(tx).await
    }

    /// Merges news of one refund with what is known.
    pub(super) async fn hear_of_refund(&mut self, tx: &mut Tx, news: &RefundNews) -> Result<(), StoreError> {
        let facts = self.facts(tx).await?;
        self.facts = None;
        let (fact, before) = match meant(&facts, news) {
            Meant::Known(fact) => (fact, None),
            Meant::TakenForAnother { ours, other } => {
                sql::delete_refund(tx, other.id).await?;
                (ours, other.reported)
            }
            Meant::New => {
                let RefundNews { amount, status, reference, .. } = news.clone();
                let reason = RefundReason::External;
                let new = NewRefund { reason, asked: amount, reported: Some(status), reference, note: None, call_at: None };
                return sql::insert_refund(tx, self.payment.id, new, self.now).await.map(drop);
            }
        };
        let fact = RefundFact {
            asked: news.amount.minor(),
            reported: fact.reported.max(before).max(Some(news.status)),
            reference: news.reference.clone(),
            ..fact.clone()
        };
        sql::set_refund_fact(tx, &fact).await
    }

    /// Queues a refund of captured money, and tells of it.
    pub(super) async fn queue_refund(
        &mut self,
        tx: &mut Tx,
        reason: RefundReason,
        asked: Money,
        note: Option<String>,
    ) -> Result<(), StoreError> {
        self.facts = None;
        let call_at = first_call(self.payment.provider, self.now);
        let new = NewRefund { reason, asked, reported: None, reference: None, note: note.clone(), call_at };
        let id = sql::insert_refund(tx, self.payment.id, new, self.now).await?;
        let note = note.map_or_else(|| format!("{asked:?}"), |note| format!("{asked:?}: {note}"));
        orders::sql::record(tx, self.order.id, EventName::RefundQueued, Some(note), self.now).await?;
        let payload = json!({ "refund": id, "order": self.order.id });
        outbox::push(tx, outbox::Topic::RefundQueued, payload, self.now).await
    }

    /// Works out anew what the refunds come to and writes it. Of money that all has to go back, what is left is queued:
    /// a provider may have paid back less than it was asked for.
    pub(super) async fn settle(&mut self, tx: &mut Tx) -> Result<Settlement, StoreError> {
        let settlement = self.work_out(tx).await?;
        let kept = self.payment.captured.and_then(|captured| Money::new(settlement.kept, captured.currency()).ok());
        match (self.goes_back_as(), kept) {
            (Some(reason), Some(kept)) if !kept.is_zero() => {
                self.queue_refund(tx, reason, kept, None).await?;
                self.work_out(tx).await
            }
            _ => Ok(settlement),
        }
    }

    /// Why all of the money goes back, where it does.
    fn goes_back_as(&self) -> Option<RefundReason> {
        match self.payment.outcome? {
            Outcome::Applied if self.order.status == OrderStatus::Cancelled => Some(RefundReason::OrderCancelled),
            outcome => outcome.refund_reason(),
        }
    }

    async fn facts(&mut self, tx: &mut Tx) -> Result<Vec<RefundFact>, StoreError> {
        if let Some(facts) = &self.facts {
            return Ok(facts.clone());
        }
        let facts = sql::refund_facts(tx, self.payment.id).await?;
        self.facts = Some(facts.clone());
        Ok(facts)
    }

    async fn work_out(&mut self, tx: &mut Tx) -> Result<Settlement, StoreError> {
        let Some(captured) = self.payment.captured else { return Ok(Settlement::default()) };
        let facts = self.facts(tx).await?;
        let settlement = settle::settle(captured.minor(), self.payment.told_in_all, self.payment.charged_back, &facts);
        let mut remainder = facts.iter().find(|fact| fact.is_remainder()).map(|fact| fact.id);
        if settlement.remainder > 0 && remainder.is_none() {
            let asked = Money::zero(captured.currency());
            let reason = RefundReason::External;
            let new = NewRefund { reason, asked, reported: None, reference: None, note: None, call_at: None };
            remainder = Some(sql::insert_refund(tx, self.payment.id, new, self.now).await?);
        }
        if !facts.is_empty() || remainder.is_some() {
            self.facts = None;
        }
        if settlement.refunded > self.payment.refunded && self.payment.outcome == Some(Outcome::Applied) {
            let note = Money::new(settlement.refunded, captured.currency()).map(|refunded| format!("{refunded:?} in all")).ok();
            orders::sql::record(tx, self.order.id, EventName::Refunded, note, self.now).await?;
        }
        let call_at = first_call(self.payment.provider, self.now);
        sql::save_refunds(tx, remainder, &settlement, call_at).await?;
        if settlement.refunded != self.payment.refunded {
            self.payment.refunded = settlement.refunded;
            sql::set_refunded(tx, self.payment.id, settlement.refunded).await?;
        }
        Ok(settlement)
    }

    /// The order is paid: its units leave the stock, once, and one notice goes out.
    async fn apply(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let OrderRecord { id, status, .. } = self.order;
        orders::sql::pay(tx, id, status == OrderStatus::PendingPayment, self.now).await?;
        // Nobody shall pay it twice: its other attempts are to be closed.
        calls::call_others(tx, id, Some(self.payment.id), self.now).await?;
        self.order.status = OrderStatus::Paid;
        tracing::info!(order = %id, payment = %self.payment.id, "order paid");
        Ok(())
    }

    /// Owes the whole amount when it was not applied. A decision that was corrected changes what was owed before.
    async fn give_back(&mut self, tx: &mut Tx, outcome: Outcome, captured: Money) -> Result<(), StoreError> {
        let facts = self.facts(tx).await?;
        let by_outcome = |fact: &&RefundFact| !matches!(fact.reason, RefundReason::Requested | RefundReason::External);
        let facts: Vec<_> = facts.iter().filter(by_outcome).collect();
        match outcome.refund_reason() {
            Some(reason) if facts.is_empty() && !captured.is_zero() => self.queue_refund(tx, reason, captured, None).await?,
            reason => {
                // What went out stays as it was. Of what did not, the first is for all that is left.
                let mut asked = if reason.is_some() { captured.minor() } else { 0 };
                for fact in facts.into_iter().filter(|fact| !fact.was_ordered()) {
                    self.facts = None;
                    let fact = RefundFact { asked, reason: reason.unwrap_or(fact.reason), ..fact.clone() };
                    sql::set_refund_fact(tx, &fact).await?;
                    asked = 0;
                }
            }
        }
        Ok(())
    }

    /// Writes the payment where that was not done yet.
    pub(super) async fn save_changes(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        if self.is_changed { self.save(tx).await } else { Ok(()) }
    }

    async fn save(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        self.is_changed = false;
        sql::save(tx, &self.payment).await
    }

    /// Moves an attempt that has not succeeded forward; says whether it moved.
    async fn advance(&mut self, tx: &mut Tx, status: PaymentState) -> Result<bool, StoreError> {
        if self.payment.status >= status {
            return Ok(false);
        }
        self.payment.status = status;
        self.save(tx).await?;
        self.set_expiry(tx).await?;
        Ok(true)
    }

    /// An order waits as promised, and longer while a payment of it is being processed.
    async fn set_expiry(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let OrderRecord { id, reserved_until, created_at, .. } = self.order;
        let expires_at = waits_until(created_at, reserved_until, sql::is_processing(tx, id).await?);
        orders::sql::set_expiry(tx, id, expires_at).await
    }
}

/// The order, or the error that there is none.
pub(super) fn known(order: Option<OrderRecord>, id: OrderId) -> Result<OrderRecord, crate::OrderError> {
    order.ok_or(crate::OrderError::Unknown(id))
}
