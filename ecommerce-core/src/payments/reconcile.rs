//! The books are held against the providers': open payments are asked about, and events read that were never sent.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use serde::Serialize;

use super::{
    PaymentEventStatus,
    ask::within,
    calls, inbox,
    schedule::{CALL_WITHIN, Call, LEASE},
};
use crate::{Admin, ProviderName, Store, StoreError, Timestamp, db::retry};

/// How often the events are read that a provider keeps.
const READ_EVERY: Duration = Duration::from_secs(600);
/// How much of what was read before is read again: an event may be listed later than it is dated.
const OVERLAP: Duration = Duration::from_secs(600);
/// How far back the first reading goes.
const FIRST: Duration = Duration::from_secs(24 * 3600);
/// How often a time is halved that is too long for one answer, and the shortest that is asked for.
const MOST_HALVES: u32 = 8;
const SHORTEST: Duration = Duration::from_secs(60);
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
    /// The store does as much by itself while it is open, bit by bit, and begins the payments that are not begun yet, which
    /// this leaves to it.
    ///
    /// # Errors
    /// Only the database's. A provider that gives no answer is counted, and asked again later.
    pub async fn reconcile(&self, admin: &Admin) -> Result<Reconciliation, StoreError> {
        let mut report = Reconciliation::default();
        for provider in self.providers().callable_names() {
            match self.read_events(provider, true).await? {
                Read::Told(events) => report.events += events,
                Read::Silent => report.silent_providers += 1,
                Read::NotNow => {}
            }
            let (payments, unanswered) = self.ask_all(provider).await?;
            report.payments += payments;
            report.unanswered += unanswered;
        }
        self.retry_unmatched().await?;
        self.expire_all_due().await?;
        self.refund_run(admin).await?;
        Ok(report)
    }

    /// Sends all refunds that are due, and asks about those that are on their way.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn refund_run(&self, _: &Admin) -> Result<(), StoreError> {
        for provider in self.providers().callable_names() {
            self.pay_back_due(provider).await?;
        }
        Ok(())
    }

    /// Asks about every open payment; answers how many there were, and about how many there was no answer.
    async fn ask_all(&self, provider: ProviderName) -> Result<(u64, u64), StoreError> {
        let (payments, unanswered) = (AtomicU64::new(0), AtomicU64::new(0));
        let (since, mut behind) = (self.now().before(OPEN), 0);
        loop {
            let open = retry(async || calls::open_payments(&mut self.read().await?, provider, since, behind).await).await?;
            let Some(last) = open.last() else { return Ok((payments.into_inner(), unanswered.into_inner())) };
            behind = last.get();
            self.each(open, |payment| {
                let (payments, unanswered) = (&payments, &unanswered);
                async move {
                    let (_, standing) = retry(async || calls::standing(&mut self.read().await?, payment).await).await?;
                    if matches!(standing.call(), Some(Call::Fetch | Call::Close)) {
                        payments.fetch_add(1, Ordering::Relaxed);
                        unanswered.fetch_add(u64::from(!self.ask(payment).await?), Ordering::Relaxed);
                    }
                    Ok(())
                }
            })
            .await?;
        }
    }

    /// Reads the events that a provider keeps, when it is time to.
    pub(crate) async fn read_events_due(&self, provider: ProviderName) -> Result<(), StoreError> {
        self.read_events(provider, false).await.map(drop)
    }

    /// Reads on where the last reading ended. What is too long for one answer is read in halves, and what was read is kept.
    async fn read_events(&self, name: ProviderName, at_once: bool) -> Result<Read, StoreError> {
        let Some(mut since) = self.claim_reading(name, at_once).await? else { return Ok(Read::NotNow) };
        let Some(provider) = self.providers().callable(name) else { return Ok(Read::NotNow) };
        let (now, mut new, mut failures) = (self.now(), 0, 0);
        let mut until = None;
        loop {
            let from = since.before(OVERLAP);
            match within(CALL_WITHIN, provider.missed_events(from, until)).await {
                Ok(events) => {
                    for body in &events {
                        new += u64::from(self.take_in_missed(name, body).await?);
                    }
                    self.note_reading(name, until.unwrap_or(now)).await?;
                    match until.take() {
                        None => return Ok(Read::Told(new)),
                        Some(read) => (since, failures) = (read, 0),
                    }
                }
                Err(error) => {
                    failures += 1;
                    let half = until.unwrap_or(now).since(since) / 2;
                    if failures > MOST_HALVES || half < SHORTEST {
                        tracing::warn!(provider = %name, %error, "missed events could not be read");
                        self.note_reading(name, since).await?;
                        return Ok(Read::Silent);
                    }
                    until = Some(since.after(half));
                }
            }
        }
    }

    async fn note_reading(&self, provider: ProviderName, read_until: Timestamp) -> Result<(), StoreError> {
        retry(async || {
            let mut tx = self.write().await?;
            calls::set_reading(&mut tx, provider, read_until, self.now().after(READ_EVERY)).await?;
            tx.commit().await
        })
        .await
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
}

/// What came of reading events.
enum Read {
    /// So many were new.
    Told(u64),
    /// The provider did not tell all of it.
    Silent,
    /// They were read not long ago, or are being read.
    NotNow,
}
