//! Refunds go out: each is marked as sent before its provider is called, and called about again until it is answered.

use super::{
    ask::{AT_ONCE, within},
    calls::{self, RefundCall},
    capture::Case,
    inbox,
    schedule::{CALL_WITHIN, LEASE, pending_refund_again, refund_again},
    sql,
};
use crate::{
    Money, News, ProviderError, ProviderName, RefundAnswer, RefundId, RefundNews, RefundOrder, RefundProgress, RefundStatus,
    Report, SentRefund, Store, StoreError, Subject, Timestamp, db::retry, orders,
};

/// A refund that its provider is about to be called for.
struct Claimed {
    call: RefundCall,
    amount: Money,
    /// What was known of it before.
    before: RefundStatus,
}

impl Store {
    /// Sends every refund that is due at a provider, and asks about those that are on their way, several at once.
    pub(crate) async fn pay_back_due(&self, by: ProviderName) -> Result<(), StoreError> {
        loop {
            let due = retry(async || calls::due_refunds(&mut self.read().await?, by, self.now()).await).await?;
            let is_all = due.len() < AT_ONCE;
            self.each(due, |refund| self.pay_back(refund)).await?;
            if is_all {
                return Ok(());
            }
        }
    }

    async fn pay_back(&self, id: RefundId) -> Result<(), StoreError> {
        let Some(claimed) = retry(async || self.claim_refund(id).await).await? else { return Ok(()) };
        let Claimed { call, amount, before } = &claimed;
        let Some(provider) = self.providers().callable(call.provider) else { return Ok(()) };
        let payment = retry(async || calls::known(&mut self.read().await?, call.payment_id).await).await?;
        let answer = match (&call.handle, before) {
            (Some(handle), RefundStatus::Pending) => {
                let sent = SentRefund { refund: id, handle: handle.clone() };
                within(CALL_WITHIN, provider.fetch_refund(&sent)).await
            }
            _ => {
                let sent_before = call.sent_at.map(|sent_at| self.now().since(sent_at));
                let ordered_at = call.sent_at.unwrap_or(self.now());
                let order = RefundOrder { refund: id, payment, amount: *amount, ordered_at, sent_before };
                within(CALL_WITHIN, provider.refund(&order)).await
            }
        };
        retry(async || self.note_refund(id, &claimed, answer.clone()).await).await
    }

    /// Marks the refund as sent under the lock of its order, unless something has become of it meanwhile.
    async fn claim_refund(&self, id: RefundId) -> Result<Option<Claimed>, StoreError> {
        let now = self.now();
        let mut tx = self.write().await?;
        let Some(RefundCall { order_id, payment_id, .. }) = calls::refund_call(&mut tx, id).await? else { return Ok(None) };
        orders::sql::hold(&mut tx, order_id).await?;
        Case::load(&mut tx, payment_id, now).await?.settle(&mut tx).await?;
        let Some(call) = calls::refund_call(&mut tx, id).await? else { return Ok(None) };
        let is_due = call.call_at.is_some_and(|at| at <= now) && call.amount > 0;
        let may = match call.status {
            RefundStatus::Queued => !sql::has_open_dispute(&mut tx, payment_id).await?,
            RefundStatus::Sent | RefundStatus::Pending => true,
            _ => false,
        };
        if !(is_due && may) {
            return Ok(None);
        }
        let amount = Money::new(call.amount, call.currency).map_err(|error| StoreError::corrupt("refunds", id.get(), error))?;
        let lease = now.after(LEASE);
        if call.status == RefundStatus::Pending {
            calls::set_refund_call(&mut tx, id, Some(lease), None).await?;
        } else {
            calls::set_sent(&mut tx, id, now, lease).await?;
        }
        tx.commit().await?;
        Ok(Some(Claimed { before: call.status, call, amount }))
    }

    async fn note_refund(
        &self,
        id: RefundId,
        claimed: &Claimed,
        answer: Result<RefundAnswer, ProviderError>,
    ) -> Result<(), StoreError> {
        let Claimed { call, amount, before } = claimed;
        let sent_at = call.sent_at.unwrap_or(self.now());
        let again = match before {
            RefundStatus::Pending => pending_refund_again(sent_at, self.now()),
            _ => refund_again(sent_at, self.now()),
        };
        let mut tx = self.write().await?;
        match answer {
            Ok(RefundAnswer { news, handle }) => {
                let is_pending = news.status == RefundProgress::Pending && handle.is_some();
                let call_at = is_pending.then(|| pending_refund_again(sent_at, self.now()));
                self.hear_refund(&mut tx, call, RefundNews { id: Some(id), ..news }).await?;
                calls::set_refund_call(&mut tx, id, call_at, handle).await?;
            }
            Err(ProviderError::Unavailable(reason)) => {
                tracing::warn!(refund = %id, provider = %call.provider, reason, "a provider gave no answer about a refund");
                calls::set_refund_call(&mut tx, id, Some(again), None).await?;
            }
            // It is on its way already: only the asking was refused.
            Err(error) if *before == RefundStatus::Pending => {
                tracing::warn!(refund = %id, provider = %call.provider, %error, "a provider does not tell of a refund");
                calls::set_refund_call(&mut tx, id, Some(again), None).await?;
            }
            Err(error) => {
                tracing::warn!(refund = %id, provider = %call.provider, %error, "a refund needs a person");
                let (status, reference) = (RefundProgress::NeedsAttention, None);
                let news = RefundNews { id: Some(id), reference, amount: *amount, status, may_be_ours: false };
                calls::set_refund_note(&mut tx, id, format!("{} {error}", call.provider)).await?;
                self.hear_refund(&mut tx, call, news).await?;
                calls::set_refund_call(&mut tx, id, None, None).await?;
            }
        }
        tx.commit().await
    }

    async fn hear_refund(&self, tx: &mut crate::db::Tx, call: &RefundCall, news: RefundNews) -> Result<(), StoreError> {
        let report = Report { subject: Subject::default(), news: News::Refund(news) };
        inbox::hear(tx, self.desk(), call.payment_id, &report).await
    }
}

/// When a new refund is to be sent: at once, where its provider can be asked at all.
pub(super) fn first_call(provider: ProviderName, now: Timestamp) -> Option<Timestamp> {
    (provider != ProviderName::Manual).then_some(now)
}
