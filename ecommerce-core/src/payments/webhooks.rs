//! Events come in.

use super::{
    PaymentEventStatus,
    inbox::{self, Desk},
    sql,
};
use crate::{ProviderName, Store, StoreError, WebhookError, db::retry};

impl Store {
    /// Where what providers tell is taken in, now.
    pub(super) fn desk(&self) -> Desk<'_> {
        Desk { providers: self.providers(), now: self.now() }
    }

    /// The header in which a provider signs its webhooks, in lower case; `None` for one that the store does not know, or
    /// that sends none.
    pub fn signature_header(&self, provider: ProviderName) -> Option<&'static str> {
        self.providers().get(provider)?.signature_header()
    }

    /// Takes in what a provider sent: every value of its signature header (see [`Store::signature_header`]) and the raw
    /// bytes of the body.
    ///
    /// When this answers `Ok`, the event is stored and all that follows from it is done, in one transaction and without a
    /// call to anybody. The same event again, in whatever order, changes nothing.
    ///
    /// # Errors
    /// [`WebhookError::NotConfigured`], [`WebhookError::Signature`] and [`WebhookError::NotAnEvent`]: nothing was stored.
    /// [`WebhookError::Store`]: the provider must send it again.
    pub async fn webhook_receive(
        &self,
        provider: ProviderName,
        signatures: &[&str],
        body: &[u8],
    ) -> Result<PaymentEventStatus, WebhookError> {
        let known = self.providers().get(provider).ok_or(WebhookError::NotConfigured(provider))?;
        known.verify_webhook(signatures, body, self.now())?;
        let body = std::str::from_utf8(body).map_err(|_| WebhookError::NotAnEvent("it is not UTF-8"))?;
        let event = known.read_event(body)?;
        retry(async || {
            let mut tx = self.write().await?;
            let status = inbox::take_in(&mut tx, self.desk(), provider, &event, body).await?;
            tx.commit().await?;
            Ok(status)
        })
        .await
    }

    /// Takes up events that named nothing known when they came, each in a transaction of its own: one that cannot be acted
    /// upon does not hold the others back.
    pub(crate) async fn retry_unmatched(&self) -> Result<(), StoreError> {
        let matched = sql::matched_by_now(&mut self.read().await?).await?;
        for id in matched {
            let taken_up = retry(async || {
                let mut tx = self.write().await?;
                inbox::take_up(&mut tx, self.desk(), id).await?;
                tx.commit().await
            });
            if let Err(error) = taken_up.await {
                tracing::error!(event = %id, %error, "a payment event cannot be acted upon");
            }
        }
        Ok(())
    }
}
