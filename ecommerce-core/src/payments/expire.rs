//! Orders that nobody pays end. Before one does, its providers are asked to let nobody pay it any more.

use serde_json::json;

use super::{
    ask::{AT_ONCE, within},
    calls, inbox,
    schedule::{CALL_WITHIN, LEASE, waits_in_silence, waits_until},
    sql,
};
use crate::{
    EventName, News, OrderId, OrderStatus, PaymentId, ProviderError, ProviderName, Report, Store, StoreError, Timestamp,
    db::{Tx, retry},
    orders, outbox,
};

/// What a provider answered when it was asked to close an attempt.
type Closed = (PaymentId, ProviderName, Result<Report, ProviderError>);

impl Store {
    /// Lets all orders expire whose time has run out.
    pub(crate) async fn expire_all_due(&self) -> Result<(), StoreError> {
        self.expire_due(None).await?;
        for provider in self.providers().callable_names() {
            self.expire_due(Some(provider)).await?;
        }
        Ok(())
    }

    /// Lets the orders expire whose time has run out: their units are free again. Those of which this provider is to be
    /// asked first, or those of which nobody is.
    pub(crate) async fn expire_due(&self, by: Option<ProviderName>) -> Result<(), StoreError> {
        let asked = self.providers().callable_names();
        loop {
            let due = retry(async || calls::due_orders(&mut self.read().await?, &asked, by, self.now()).await).await?;
            let is_all = due.len() < AT_ONCE;
            self.each(due, |order| self.expire(order)).await?;
            if is_all {
                return Ok(());
            }
        }
    }

    async fn expire(&self, order: OrderId) -> Result<(), StoreError> {
        let mut attempts = retry(async || calls::closable(&mut self.read().await?, order).await).await?;
        attempts.retain(|(_, provider)| self.providers().callable(*provider).is_some());
        if attempts.is_empty() {
            return retry(async || self.end(order, &[]).await).await;
        }
        if !self.claim_order(order).await? {
            return Ok(());
        }
        let mut closed = Vec::new();
        for (payment, provider) in attempts {
            closed.push((payment, provider, self.close_attempt(payment, provider).await?));
        }
        retry(async || self.end(order, &closed).await).await
    }

    /// Takes an order that is due over from everybody else: it is due again when nothing has come of it in time.
    async fn claim_order(&self, order: OrderId) -> Result<bool, StoreError> {
        retry(async || {
            let (now, mut tx) = (self.now(), self.write().await?);
            let is_ours = orders::sql::claim_due(&mut tx, order, now, now.after(LEASE)).await?;
            tx.commit().await?;
            Ok(is_ours)
        })
        .await
    }

    async fn close_attempt(&self, payment: PaymentId, name: ProviderName) -> Result<Result<Report, ProviderError>, StoreError> {
        let attempt = retry(async || calls::known(&mut self.read().await?, payment).await).await?;
        let Some(provider) = self.providers().callable(name) else {
            return Ok(Err(ProviderError::Refused("it cannot be called".to_owned())));
        };
        Ok(within(CALL_WITHIN, provider.close(&attempt)).await)
    }

    /// Ends the order, unless what its providers answered, or what happened meanwhile, speaks against it.
    async fn end(&self, id: OrderId, closed: &[Closed]) -> Result<(), StoreError> {
        let now = self.now();
        let mut tx = self.write().await?;
        orders::sql::lock(&mut tx, id, None).await?;
        for (payment, _, answer) in closed {
            if let Ok(report) = answer {
                // It stays as it is where it came to nothing.
                let news = if report.news == News::Failed { News::Waiting } else { report.news.clone() };
                let report = Report { news, subject: report.subject.clone() };
                inbox::hear(&mut tx, self.desk(), *payment, &report).await?;
            }
        }
        match self.still_waits(&mut tx, id, closed).await? {
            Waits::Not => {}
            Waits::Until(time) => orders::sql::set_expiry(&mut tx, id, time).await?,
            Waits::NoMore => {
                orders::sql::release(&mut tx, id).await?;
                orders::sql::set_status(&mut tx, id, OrderStatus::Expired, EventName::Expired, None, now).await?;
                outbox::push(&mut tx, outbox::Topic::OrderExpired, json!({ "order": id }), now).await?;
                for (payment, _, answer) in closed {
                    // What is closed need not be asked about; what cannot be closed may still be paid.
                    match answer {
                        Ok(Report { news: News::Failed, .. }) => calls::set_call(&mut tx, *payment, None).await?,
                        _ => self.call_again(&mut tx, *payment).await?,
                    }
                }
            }
        }
        tx.commit().await
    }

    async fn still_waits(&self, tx: &mut Tx, order: OrderId, closed: &[Closed]) -> Result<Waits, StoreError> {
        let now = self.now();
        // It may have been paid, cancelled or put off since it was found.
        let order = match orders::sql::lock(tx, order, None).await? {
            Some(order) if order.status == OrderStatus::PendingPayment => order,
            _ => return Ok(Waits::Not),
        };
        let due = waits_until(order.created_at, order.reserved_until, sql::is_processing(tx, order.id).await?);
        if due > now {
            return Ok(Waits::Until(due));
        }
        // Another attempt may have begun meanwhile, which is still to be closed.
        let open = calls::closable(tx, order.id).await?;
        let is_open = |(payment, provider): &(PaymentId, ProviderName)| {
            self.providers().callable(*provider).is_some() && !closed.iter().any(|(closed, ..)| closed == payment)
        };
        if open.iter().any(is_open) {
            return Ok(Waits::Until(now));
        }
        let is_silent = |(_, _, answer): &Closed| matches!(answer, Err(ProviderError::Unavailable(_)));
        let silence = closed.iter().any(is_silent).then(|| waits_in_silence(due, now)).flatten();
        Ok(silence.map_or(Waits::NoMore, Waits::Until))
    }
}

enum Waits {
    /// Something else has become of the order.
    Not,
    /// Its units are kept until then.
    Until(Timestamp),
    NoMore,
}
