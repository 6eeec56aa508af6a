//! Events come in.

use super::{
    PaymentEventStatus,
    inbox::{self, Desk},
};
use crate::{ProviderName, Store, StoreError, WebhookError, db::retry};

/// How many of the names that events wait for are looked at at once.
const WAITING_AT_ONCE: i64 = 500;
/// Before which every event was: where a walk along them begins.
pub(crate) const NEWEST: i64 = i64::MAX;

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

    /// Takes up events that named nothing known when they came and name something known by now.
    pub(crate) async fn retry_unmatched(&self) -> Result<(), StoreError> {
        let mut before = NEWEST;
        loop {
            before = self.retry_slice(before).await?;
            if before == NEWEST {
                return Ok(());
            }
        }
    }

    /// Looks among the newest of them, and beside those in a slice of the others, which begins where the last look ended.
    /// Answers where this look ended.
    ///
    /// An event is taken up by whoever makes known what it names, as a rule. It is missed only by somebody who does so at the
    /// moment in which the event arrives, neither seeing what the other has not committed yet: then it is among the newest.
    /// So this costs the same however many events there are that are about nothing of this shop.
    pub(crate) async fn retry_some_unmatched(&self, ended: i64) -> Result<i64, StoreError> {
        let newest = self.retry_slice(NEWEST).await?;
        self.retry_slice(ended.min(newest)).await
    }

    /// Takes up what can be of a slice, each event in a transaction of its own: one that cannot be acted upon does not hold
    /// the others back.
    async fn retry_slice(&self, before: i64) -> Result<i64, StoreError> {
        let slice = retry(async || inbox::sql::matched_by_now(&mut self.read().await?, before, WAITING_AT_ONCE).await).await?;
        let Some((oldest, matched)) = slice else { return Ok(NEWEST) };
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
        Ok(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Sql;

    /// A shop with one payment, `pi_1` by its provider's name, and 1,200 events about `pi_1` (every hundredth) or other shops'.
    async fn shop_with_waiting_events() -> Store {
        let store = Store::builder().background(false).open("sqlite::memory:").await.unwrap();
        let mut tx = store.write().await.unwrap();
        for text in [
            "insert into users (id, email, email_key, name, role, password_hash, created_at)
             values (1, 'ann@example.com', 'ann@example.com', 'Ann', 'customer', '', 0)",
            "insert into orders (id, user_id, cart_generation, status, total, currency, reserved_until, expires_at, created_at, updated_at)
             values (1, 1, 1, 'pending_payment', 1, 'USD', 0, 0, 0, 0)",
            "insert into payments (id, order_id, provider, status, amount, currency, created_at)
             values (1, 1, 'stripe', 'created', 1, 'USD', 0)",
            "insert into payment_references values ('stripe', 'pi_1', 1)",
            r#"insert into payment_events (provider, event_id, type, status, payload, received_at)
             with recursive n (i) as (select 1 union all select i + 1 from n where i < 1200)
             select 'stripe', 'evt_' || i, 'customer.created', 'unmatched',
                 '{"id":"evt_' || i || '","object":"event","type":"customer.created","data":{"object":{}}}', 0
             from n"#,
            "insert into unmatched_references
             select 'stripe', case when id % 100 = 0 then 'pi_1' else 'pi_foreign' end, id from payment_events",
        ] {
            tx.execute(Sql { name: "a test", sqlite: text, postgres: text }, &()).await.unwrap();
        }
        tx.commit().await.unwrap();
        store
    }

    /// How many events that name the payment still wait.
    async fn waiting(store: &Store) -> i64 {
        let text = "select count(*) from unmatched_references where reference = 'pi_1'";
        store.read().await.unwrap().scalar(Sql { name: "a test", sqlite: text, postgres: text }, &()).await.unwrap()
    }

    #[tokio::test]
    async fn each_look_is_short_and_all_are_looked_at_in_turn() {
        let store = shop_with_waiting_events().await;
        assert_eq!(waiting(&store).await, 12);
        let mut ended = NEWEST;
        let mut left = Vec::new();
        for _ in 0..4 {
            ended = store.retry_some_unmatched(ended).await.unwrap();
            left.push((ended == NEWEST, waiting(&store).await));
        }
        assert_eq!(left, [(false, 2), (false, 0), (true, 0), (false, 0)], "a thousand at once, and then from the beginning");
    }

    #[tokio::test]
    async fn on_demand_all_are_looked_at_at_once() {
        let store = shop_with_waiting_events().await;
        store.retry_unmatched().await.unwrap();
        assert_eq!(waiting(&store).await, 0);
    }
}
