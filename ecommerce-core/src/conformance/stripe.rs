//! Webhooks as Stripe sends and signs them.

use std::fmt::Write as _;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::{PaidNews, Payer, Placed, Refusal};
use crate::{ProviderName, Store};

/// When every webhook is dated, in seconds: the end of the year 9999. A shop lets a signature of the future pass, as Stripe's
/// own libraries do, so that none gets too old when an attack moves the clock.
const SIGNED_AT: i64 = 253_402_300_799;

/// Pays by Stripe's webhooks: `checkout.session.completed` and `payment_intent.succeeded`, signed with the shop's secret.
///
/// The shop is set up with the same secret ([`crate::Stripe::webhook_secrets`]) and without a key, so that nobody is called.
#[derive(Debug, Clone)]
pub struct StripeWebhooks {
    secret: String,
}

/// A webhook on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedWebhook {
    /// The value of the header `Stripe-Signature`.
    pub signature: String,
    /// The body.
    pub body: String,
}

impl StripeWebhooks {
    /// Signs with this secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self { secret: secret.into() }
    }

    /// The webhook that tells of the payment.
    ///
    /// # Errors
    /// [`Refusal::Unexpected`] when nothing can be signed with the secret.
    pub fn webhook(&self, placed: &Placed, news: PaidNews) -> Result<SignedWebhook, Refusal> {
        let body = event(placed, news).to_string();
        let mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).map_err(Refusal::unexpected)?;
        let code = mac.chain_update(format!("{SIGNED_AT}.{body}")).finalize().into_bytes();
        let mut signature = format!("t={SIGNED_AT},v1=");
        for byte in code {
            write!(signature, "{byte:02x}").map_err(Refusal::unexpected)?;
        }
        Ok(SignedWebhook { signature, body })
    }
}

#[async_trait]
impl Payer for StripeWebhooks {
    fn provider(&self) -> ProviderName {
        ProviderName::Stripe
    }

    async fn pay(&self, store: &Store, placed: &Placed, news: PaidNews) -> Result<(), Refusal> {
        let SignedWebhook { signature, body } = self.webhook(placed, news)?;
        store.webhook_receive(ProviderName::Stripe, &[&signature], body.as_bytes()).await?;
        Ok(())
    }
}

/// The names are made of the order, the payment and the event, so that the same news is the same event.
fn event(placed: &Placed, PaidNews { other_payment, event }: PaidNews) -> Value {
    let Placed { order, payment, total, .. } = placed;
    let mut metadata = Map::from_iter([("order_id".to_owned(), json!(order.to_string()))]);
    let name = match other_payment {
        Some(number) => format!("attack_{order}_{number}"),
        None => {
            if let Some(payment) = payment {
                metadata.insert("payment_id".to_owned(), json!(payment.to_string()));
            }
            format!("attack_{order}")
        }
    };
    let (amount, currency) = (total.minor(), total.currency().as_str().to_lowercase());
    let (kind, object) = if event == 0 {
        let session = json!({
            "id": format!("cs_{name}"), "object": "checkout.session", "mode": "payment", "payment_intent": format!("pi_{name}"),
            "amount_total": amount, "currency": currency, "metadata": metadata, "status": "complete", "payment_status": "paid",
        });
        ("checkout.session.completed", session)
    } else {
        let intent = json!({
            "id": format!("pi_{name}"), "object": "payment_intent", "amount": amount, "amount_received": amount,
            "currency": currency, "latest_charge": format!("ch_{name}"), "metadata": metadata, "status": "succeeded",
        });
        ("payment_intent.succeeded", intent)
    };
    json!({ "id": format!("evt_{name}_{event}"), "object": "event", "type": kind, "data": { "object": object } })
}
