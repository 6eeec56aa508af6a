//! Providers are asked about payments that nobody told of: Paystack is silent on failures, and any webhook may be lost.

use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::{
    calls,
    capture::Case,
    inbox,
    schedule::{CALL_WITHIN, Call},
};
use crate::{
    Money, News, PaymentId, ProviderError, ProviderName, Report, Store, StoreError,
    db::{Tx, retry},
};

/// How many a statement answers that looks for what is due: after as many, there may be more.
pub(super) const AT_ONCE: usize = 100;

impl Store {
    /// Asks a provider about every payment that is due, several at once.
    pub(crate) async fn ask_due(&self, by: ProviderName) -> Result<(), StoreError> {
        loop {
            let due = retry(async || calls::due_payments(&mut self.read().await?, by, self.now()).await).await?;
            let is_all = due.len() < AT_ONCE;
            self.each(due, |payment| async move {
                if self.claim(payment).await? { self.ask(payment).await.map(drop) } else { Ok(()) }
            })
            .await?;
            if is_all {
                return Ok(());
            }
        }
    }

    /// Does something for each, several at once. Each is tried, whatever comes of the others; the last error is told.
    pub(super) async fn each<T, F>(&self, all: Vec<T>, deed: impl Fn(T) -> F) -> Result<(), StoreError>
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        let done = stream::iter(all).map(deed).buffer_unordered(self.limits().provider_calls_at_once.max(1));
        done.fold(Ok(()), async |before, now| now.and(before)).await
    }

    /// Asks the provider what there is to ask about the payment, and notes the answer. The caller has the call to itself.
    /// Says whether the provider answered.
    pub(super) async fn ask(&self, payment: PaymentId) -> Result<bool, StoreError> {
        let (name, standing) = retry(async || calls::standing(&mut self.read().await?, payment).await).await?;
        let provider = self.providers().callable(name);
        let (Some(provider), Some(call)) = (provider, standing.call()) else {
            retry(async || {
                let mut tx = self.write().await?;
                calls::set_call(&mut tx, payment, None).await?;
                tx.commit().await
            })
            .await?;
            return Ok(true);
        };
        if call == Call::Begin {
            self.begin(payment, CALL_WITHIN).await?;
            return Ok(true);
        }
        let attempt = retry(async || calls::known(&mut self.read().await?, payment).await).await?;
        let answer = within(CALL_WITHIN, async {
            if call == Call::Close { provider.close(&attempt).await } else { provider.fetch(&attempt).await }
        });
        let answer = answer.await;
        retry(async || {
            let mut tx = self.write().await?;
            let is_final = self.note(&mut tx, payment, call, name, &answer).await?;
            if is_final {
                calls::set_call(&mut tx, payment, None).await?;
            } else {
                self.call_again(&mut tx, payment).await?;
            }
            tx.commit().await
        })
        .await?;
        Ok(!matches!(answer, Err(ProviderError::Unavailable(_))))
    }

    /// Notes an answer. Says whether there is nothing more to ask.
    async fn note(
        &self,
        tx: &mut Tx,
        payment: PaymentId,
        call: Call,
        provider: ProviderName,
        answer: &Result<Report, ProviderError>,
    ) -> Result<bool, StoreError> {
        match answer {
            // An open attempt of an order that does not wait stays as it is, and cannot be paid any more.
            Ok(Report { subject, news: News::Failed }) if call == Call::Close => {
                let report = Report { subject: subject.clone(), news: News::Waiting };
                inbox::hear(tx, self.desk(), payment, &report).await?;
                Ok(true)
            }
            Ok(report) => {
                inbox::hear(tx, self.desk(), payment, report).await?;
                Ok(false)
            }
            Err(ProviderError::Unavailable(reason)) => {
                tracing::debug!(%payment, %provider, reason, "a provider gave no answer");
                Ok(false)
            }
            Err(error) => {
                tracing::warn!(%payment, %provider, %error, "a provider does not tell of a payment");
                self.believe(tx, payment).await?;
                Ok(false)
            }
        }
    }

    /// The provider does not tell: what a refund or a dispute proved is all that is known, until the success is heard of.
    async fn believe(&self, tx: &mut Tx, payment: PaymentId) -> Result<(), StoreError> {
        let Some(mut case) = Case::of(tx, payment, self.now()).await? else { return Ok(()) };
        let captured = match (case.payment.captured, calls::proven(tx, payment).await?) {
            (Some(captured), _) => captured,
            (None, Some(proven)) => Money::new(proven, case.order.total.currency())
                .map_err(|error| StoreError::corrupt("payments", payment.get(), error))?,
            (None, None) => return Ok(()),
        };
        case.succeed(tx, captured, false).await?;
        calls::set_believed(tx, payment).await?;
        case.settle(tx).await.map(drop)
    }
}

/// Waits for an answer, but not for ever.
pub(super) async fn within<T>(limit: Duration, call: impl Future<Output = Result<T, ProviderError>>) -> Result<T, ProviderError> {
    tokio::time::timeout(limit, call).await.unwrap_or_else(|_| Err(ProviderError::Unavailable("timed out".to_owned())))
}
