//! The payment providers that a command may call: where they are, and the secrets of the environment.

use std::env;

use clap::{Args, ValueEnum};
use ecommerce_core::{Invalid, Paystack, ReturnUrls, StoreBuilder, Stripe, StripeFlow};
use ecommerce_warp::sandbox::Sandbox;

use crate::error::Error;

/// Where providers are, and where they send customers back to. Keys and secrets come by the environment only:
/// STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET (several, separated by commas, while one is being rotated) and
/// PAYSTACK_SECRET_KEY.
#[derive(Debug, Args)]
#[command(next_help_heading = "Payment providers")]
pub(crate) struct ProviderArgs {
    /// The shop's address as customers see it [default: the listening address].
    #[arg(long, value_name = "URL", env = "ECOMMERCE_PUBLIC_URL")]
    public_url: Option<String>,
    /// Where a customer goes after paying; {order_id} is filled in [default: the order at the public URL].
    #[arg(long, value_name = "URL", env = "ECOMMERCE_CHECKOUT_SUCCESS_URL")]
    checkout_success_url: Option<String>,
    /// Where a customer goes who does not pay; {order_id} is filled in [default: the order at the public URL].
    #[arg(long, value_name = "URL", env = "ECOMMERCE_CHECKOUT_CANCEL_URL")]
    checkout_cancel_url: Option<String>,
    /// Whether a customer pays on Stripe's page or in the shop's own.
    #[arg(long, value_enum, env = "ECOMMERCE_STRIPE_FLOW", default_value_t = Flow::CheckoutSession)]
    stripe_flow: Flow,
    /// Another address of Stripe's API, for tests: a scheme and a host.
    #[arg(long, value_name = "URL", env = "STRIPE_API_BASE")]
    stripe_api_base: Option<String>,
    /// Another address of Paystack's API, for tests: a scheme and a host.
    #[arg(long, value_name = "URL", env = "PAYSTACK_API_BASE")]
    paystack_api_base: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Flow {
    /// A payment has a checkout_url, where the customer is sent.
    CheckoutSession,
    /// A payment has a client_secret, for Stripe's form in the shop's page.
    PaymentIntent,
}

impl ProviderArgs {
    /// Hands the store the providers for which there are secrets. `address` is where the shop is found on this machine.
    pub(crate) fn set_up(&self, builder: StoreBuilder, address: &str) -> Result<StoreBuilder, Error> {
        let shop = given(&self.public_url).unwrap_or(address).trim_end_matches('/');
        ReturnUrls::new(shop, shop).map_err(wrong("--public-url"))?;
        let returns = self.returns(&format!("{shop}/orders/{{order_id}}/"))?;
        Ok(builder.provider(self.stripe(&returns)?).provider(self.paystack(&returns)?))
    }

    /// Hands the store the sandbox in place of both providers.
    pub(crate) fn set_up_sandbox(&self, builder: StoreBuilder, sandbox: &Sandbox) -> Result<StoreBuilder, Error> {
        let returns = self.returns(&format!("{}/done?order={{order_id}}", sandbox.url()))?;
        let stripe = sandbox.stripe(returns.clone()).map_err(wrong("--sandbox"))?.flow(self.flow());
        Ok(builder.provider(stripe).provider(sandbox.paystack(returns).map_err(wrong("--sandbox"))?))
    }

    /// Refuses whatever would lead beside the sandbox: no real payment shall ever meet it.
    pub(crate) fn refuse_real(&self) -> Result<(), Error> {
        let secrets = ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "PAYSTACK_SECRET_KEY"];
        for name in secrets {
            if secret(name)?.is_some() {
                return Err(Error::Usage(format!("--sandbox has keys of its own: unset {name}")));
            }
        }
        if given(&self.stripe_api_base).or(given(&self.paystack_api_base)).is_some() {
            return Err(Error::Usage(
                "--sandbox is itself where the providers are: leave --stripe-api-base and \
                                     --paystack-api-base out, and STRIPE_API_BASE and PAYSTACK_API_BASE unset"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    fn flow(&self) -> StripeFlow {
        match self.stripe_flow {
            Flow::CheckoutSession => StripeFlow::CheckoutSession,
            Flow::PaymentIntent => StripeFlow::PaymentIntent,
        }
    }

    fn stripe(&self, returns: &ReturnUrls) -> Result<Stripe, Error> {
        let mut stripe = Stripe::new().flow(self.flow());
        if let Some(secrets) = secret("STRIPE_WEBHOOK_SECRET")? {
            let several: Vec<_> = secrets.split(',').collect();
            stripe = stripe.webhook_secrets(&several).map_err(wrong("STRIPE_WEBHOOK_SECRET"))?;
        }
        if let Some(key) = secret("STRIPE_SECRET_KEY")? {
            stripe = stripe.secret_key(&key, returns.clone()).map_err(wrong("STRIPE_SECRET_KEY"))?;
        }
        match given(&self.stripe_api_base) {
            Some(base) => stripe.api_base(base).map_err(wrong("--stripe-api-base")),
            None => Ok(stripe),
        }
    }

    fn paystack(&self, returns: &ReturnUrls) -> Result<Paystack, Error> {
        let mut paystack = Paystack::new();
        if let Some(key) = secret("PAYSTACK_SECRET_KEY")? {
            paystack = paystack.secret_key(&key, returns.clone()).map_err(wrong("PAYSTACK_SECRET_KEY"))?;
        }
        match given(&self.paystack_api_base) {
            Some(base) => paystack.api_base(base).map_err(wrong("--paystack-api-base")),
            None => Ok(paystack),
        }
    }

    /// Where customers come back to: as was said, else to the same address with and without a payment.
    fn returns(&self, default: &str) -> Result<ReturnUrls, Error> {
        let success = given(&self.checkout_success_url).unwrap_or(default);
        let cancel = given(&self.checkout_cancel_url).unwrap_or(default);
        ReturnUrls::new(success, success).map_err(wrong("--checkout-success-url"))?;
        ReturnUrls::new(success, cancel).map_err(wrong("--checkout-cancel-url"))
    }
}

fn wrong(name: &'static str) -> impl Fn(Invalid) -> Error {
    move |error| Error::Usage(format!("{name} {error}"))
}

/// An empty variable is as good as none.
fn given(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}

/// Secrets come by the environment only: a command line is seen by everybody on the machine.
fn secret(name: &str) -> Result<Option<String>, Error> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(Error::Usage(format!("{name} must be UTF-8"))),
    }
}
