//! The books are held against the providers': open payments are asked about, and events read that were never sent.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use serde::Serialize;

use super::{
    PaymentEventStatus,
    ask::{each, within},
    calls, inbox,
    schedule::{CALL_WITHIN, Call, LEASE},
};
use crate::{Admin, PaymentId, ProviderName, Store, StoreError, Timestamp, db::retry};

/// How often the events are read that a provider keeps.
const READ_EVERY: Duration = Duration::from_secs(600);
/// How much of what was read before is read again: an event may be listed later than it is dated.
const OVERLAP: Duration = Duration::from_secs(600);
/// How far back the first reading goes.
const FIRST: Duration = Duration::from_secs(24 * 3600);
/// How far back open payments are asked about by hand. Stripe keeps events for as long.
const OPEN: Duration = Duration::from_secs(30 * 24 * 3600);

/// What was found when the books were held against the providers'.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reconciliation {
    /// How many payments were asked about.
    pub payments: u64,
    /// About how many of them the provider gave no answer.
    pub unanswered: u64,
    /// How many events were read that had not arrived, and were acted upon.
    pub events: u64,
    /// How many providers could not tell which events there were.
    pub silent_providers: u64,
}

impl Store {
    /// Asks the providers about every open payment of the last 30 days, reads the events that were missed, takes up those
    /// that name what is known by now, sends what is owed back and lets expire what is overdue.
    ///
    /// The store does as much by itself while it is open, bit by bit.
    ///
    /// # Errors
    /// Only the database's. A provider that gives no answer is counted, and asked again later.
    pub async fn reconcile(&self, _: &Admin) -> Result<Reconciliation, StoreError> {
        let mut report = self.read_events(true).await?;
        let (payments, unanswered) = (AtomicU64::new(0), AtomicU64::new(0));
        let by = self.providers().callable_names();
        let mut behind = 0;
        loop {
            let since = self.now().before(OPEN);
            let open = calls::open_payments(&mut self.read().await?, &by, since, behind).await?;
            let Some(last) = open.last() else { break };
            behind = last.get();
            each(open, |payment| {
                let (payments, unanswered) = (&payments, &unanswered);
                async move {
                    let answered = self.ask_now(payment).await?;
                    payments.fetch_add(u64::from(answered.is_some()), Ordering::Relaxed);
                    unanswered.fetch_add(u64::from(answered == Some(false)), Ordering::Relaxed);
                    Ok(())
                }
            })
            .await?;
        }
        report.payments = payments.into_inner();
        report.unanswered = unanswered.into_inner();
        self.run_due().await?;
        Ok(report)
    }

    /// Sends all refunds that are due, and asks about those that are on their way.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn refund_run(&self, _: &Admin) -> Result<(), StoreError> {
        self.pay_back_due().await
    }

    /// Reads the events of every provider that keeps them, when it is time to.
    pub(crate) async fn read_events_due(&self) -> Result<(), StoreError> {
        self.read_events(false).await.map(drop)
    }

    async fn read_events(&self, at_once: bool) -> Result<Reconciliation, StoreError> {
        let mut report = Reconciliation::default();
        for provider in self.providers().callable_names() {
            let Some(since) = self.claim_reading(provider, at_once).await? else { continue };
            match self.read_events_of(provider, since).await? {
                Some(events) => report.events += events,
                None => report.silent_providers += 1,
            }
        }
        Ok(report)
    }

    async fn claim_reading(&self, provider: ProviderName, at_once: bool) -> Result<Option<Timestamp>, StoreError> {
        retry(async || {
            let now = self.now();
            let due = if at_once { Timestamp::from_micros(i64::MAX) } else { now };
            let first = now.before(FIRST);
            let mut tx = self.write().await?;
            let since = calls::claim_reading(&mut tx, provider, first, due, now.after(LEASE)).await?;
            tx.commit().await?;
            Ok(since)
        })
        .await
    }

    /// Answers how many events were new, or nothing where the provider does not tell: then they are read another time.
    async fn read_events_of(&self, name: ProviderName, since: Timestamp) -> Result<Option<u64>, StoreError> {
        let now = self.now();
        let Some(provider) = self.providers().callable(name) else { return Ok(None) };
        let answer = within(CALL_WITHIN, provider.missed_events(since.before(OVERLAP))).await;
        let mut new = 0;
        for body in answer.iter().flatten() {
            new += u64::from(self.take_in_missed(name, body).await?);
        }
        let read_until = if answer.is_ok() { now } else { since };
        retry(async || {
            let mut tx = self.write().await?;
            calls::set_reading(&mut tx, name, read_until, now.after(READ_EVERY)).await?;
            tx.commit().await
        })
        .await?;
        match answer {
            Ok(_) => Ok(Some(new)),
            Err(error) => {
                tracing::warn!(provider = %name, %error, "missed events could not be read");
                Ok(None)
            }
        }
    }

    /// Takes in an event that never arrived. One that is about nothing of this shop leaves no trace: it may be another's.
    async fn take_in_missed(&self, provider: ProviderName, body: &str) -> Result<bool, StoreError> {
        let Ok(event) = self.providers().read_event(provider, body) else { return Ok(false) };
        retry(async || {
            if inbox::is_stored(&mut self.read().await?, provider, &event).await? {
                return Ok(false);
            }
            let mut tx = self.write().await?;
            let status = inbox::take_in(&mut tx, self.desk(), provider, &event, body).await?;
            let is_ours = status == PaymentEventStatus::Processed;
            if is_ours {
                tracing::warn!(%provider, event = event.id, kind = event.kind, "an event had not arrived");
                tx.commit().await?;
            }
            Ok(is_ours)
        })
        .await
    }

    /// Asks about a payment by hand. `None` when somebody else is at it.
    async fn ask_now(&self, payment: PaymentId) -> Result<Option<bool>, StoreError> {
        let (_, standing) = calls::standing(&mut self.read().await?, payment).await?;
        match standing.call() {
            None => Ok(None),
            // Two who begin one payment might begin two.
            Some(Call::Begin) if !self.claim(payment).await? => Ok(None),
            Some(_) => self.ask(payment).await.map(Some),
        }
    }
}
