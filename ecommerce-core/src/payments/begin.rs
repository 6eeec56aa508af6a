//! A payment goes out: its row stands before its provider is called, and what came of the call is noted afterwards.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{
    calls,
    capture::Case,
    inbox,
    schedule::{BEGIN_WITHIN, Call, LEASE},
};
use crate::{
    Begun, EventName, Money, News, Order, OrderId, OrderStatus, PaymentId, ProviderError, ProviderName, Report, Store,
    StoreError, Subject,
    accounts::nonce,
    db::{Tx, retry},
    orders::{self, rows::NewPayment},
};

/// How often another attempt takes the place of one whose name was used before, while somebody waits.
const MOST_ANEW: u32 = 2;

impl Store {
    /// An attempt that whoever makes it is going to begin, or that nobody can begin.
    pub(crate) fn new_payment(&self, provider: ProviderName, amount: Money) -> Result<NewPayment, StoreError> {
        if self.providers().callable(provider).is_none() {
            return Ok(NewPayment::passive(provider, amount));
        }
        let call_at = Some(self.now().after(LEASE));
        Ok(NewPayment { provider, amount, nonce: nonce(self.tokens())?, call_at })
    }

    /// Begins the attempt at its provider for a customer who waits, and answers the order with what came of it.
    ///
    /// Order and attempt stand whatever happens here. Where the database fails, the order is answered as it was placed,
    /// and the background tasks go on from there.
    pub(crate) async fn begin_now(&self, payment: PaymentId, placed: Order) -> Order {
        let begun = async {
            self.begin(payment, BEGIN_WITHIN).await?;
            retry(async || orders::sql::get(&mut self.snapshot().await?, placed.id).await).await
        };
        begun.await.unwrap_or_else(|error| {
            tracing::warn!(%payment, order = %placed.id, %error, "a payment could not be begun");
            placed
        })
    }

    /// Begins the attempt at its provider, where that can be called. The caller has the call to itself.
    ///
    /// Whatever the provider answers, the order stands; only the database's errors come out.
    pub(super) async fn begin(&self, payment: PaymentId, limit: Duration) -> Result<(), StoreError> {
        self.begin_until(Instant::now() + limit, payment).await
    }

    async fn begin_until(&self, deadline: Instant, payment: PaymentId) -> Result<(), StoreError> {
        let mut payment = payment;
        for anew in 0..=MOST_ANEW {
            let attempt = retry(async || calls::attempt(&mut self.read().await?, payment, self.now()).await).await?;
            let Some(provider) = self.providers().callable(attempt.provider) else { return Ok(()) };
            let answer = timeout_at(deadline, provider.begin(&attempt)).await;
            match answer.unwrap_or_else(|_| Err(ProviderError::Unavailable("timed out".to_owned()))) {
                Ok(begun) => return self.note_begun(payment, begun).await,
                Err(ProviderError::NameTaken) if anew < MOST_ANEW => match self.begin_anew(payment).await? {
                    Some(next) => payment = next,
                    None => return Ok(()),
                },
                Err(error) => return self.note_not_begun(payment, attempt.provider, &error).await,
            }
        }
        Ok(())
    }

    /// Begins the attempt for somebody who asks for its order again, unless somebody else is at it.
    pub(crate) async fn ensure_begun(&self, payment: PaymentId) -> Result<(), StoreError> {
        let deadline = Instant::now() + BEGIN_WITHIN;
        loop {
            let (provider, standing) = retry(async || calls::standing(&mut self.read().await?, payment).await).await?;
            if self.providers().callable(provider).is_none() || standing.call() != Some(Call::Begin) {
                return Ok(());
            }
            if self.claim(payment).await? {
                return self.begin_until(deadline, payment).await;
            }
            if Instant::now() >= deadline {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Takes a call about the payment that is due over from everybody else.
    pub(super) async fn claim(&self, payment: PaymentId) -> Result<bool, StoreError> {
        retry(async || {
            let (now, mut tx) = (self.now(), self.write().await?);
            let is_ours = calls::claim_payment(&mut tx, payment, now, now.after(LEASE)).await?;
            tx.commit().await?;
            Ok(is_ours)
        })
        .await
    }

    async fn note_begun(&self, payment: PaymentId, begun: Begun) -> Result<(), StoreError> {
        let Begun { references, checkout_url, client_secret } = begun;
        let report = Report { subject: Subject { references, ..Subject::default() }, news: News::Waiting };
        retry(async || {
            let mut tx = self.write().await?;
            inbox::hear(&mut tx, self.desk(), payment, &report).await?;
            calls::set_begun(&mut tx, payment, checkout_url.clone(), client_secret.clone()).await?;
            self.call_again(&mut tx, payment).await?;
            tx.commit().await
        })
        .await
    }

    async fn note_not_begun(&self, payment: PaymentId, provider: ProviderName, error: &ProviderError) -> Result<(), StoreError> {
        tracing::warn!(%payment, %provider, %error, "a payment could not be begun");
        retry(async || {
            let mut tx = self.write().await?;
            if let ProviderError::Refused(reason) = error {
                self.fail(&mut tx, payment, &format!("{provider} refused: {reason}")).await?;
            }
            self.call_again(&mut tx, payment).await?;
            tx.commit().await
        })
        .await
    }

    /// Puts another attempt in the place of one whose name was used before: that one may have begun, and is lost.
    async fn begin_anew(&self, payment: PaymentId) -> Result<Option<PaymentId>, StoreError> {
        retry(async || {
            let mut tx = self.write().await?;
            let lost = self.fail(&mut tx, payment, "the answer was lost").await?;
            calls::set_call(&mut tx, payment, None).await?;
            let another = match lost {
                Some(case) if case.order.status == OrderStatus::PendingPayment => {
                    Some(self.start_payment(&mut tx, case.order.id, case.payment.provider, case.order.total).await?)
                }
                _ => None,
            };
            tx.commit().await?;
            Ok(another)
        })
        .await
    }

    /// Another attempt to pay the order, which the caller is going to begin.
    pub(super) async fn start_payment(
        &self,
        tx: &mut Tx,
        order: OrderId,
        provider: ProviderName,
        total: Money,
    ) -> Result<PaymentId, StoreError> {
        let new = self.new_payment(provider, total)?;
        let payment = orders::rows::insert_payment(tx, order, new, self.now()).await?;
        orders::sql::record(tx, order, EventName::PaymentStarted, Some(provider.to_string()), self.now()).await?;
        Ok(payment)
    }

    /// Marks an attempt as failed that has not got any further, under the lock of its order.
    async fn fail(&self, tx: &mut Tx, payment: PaymentId, reason: &str) -> Result<Option<Case>, StoreError> {
        let Some(mut case) = Case::of(tx, payment, self.now()).await? else { return Ok(None) };
        case.fail(tx, Some(reason)).await?;
        Ok(Some(case))
    }

    /// When the provider is asked about the payment next, as it now stands.
    pub(super) async fn call_again(&self, tx: &mut Tx, payment: PaymentId) -> Result<(), StoreError> {
        let (_, standing) = calls::standing(tx, payment).await?;
        calls::set_call(tx, payment, standing.again(self.now())).await
    }
}
