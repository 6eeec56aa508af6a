//! The providers of a store.

use std::sync::Arc;

use super::{NotAccepted, PaymentProvider, ProviderEvent, WebhookError};
use crate::{Money, ProviderName};

/// Every provider that a store knows but `manual`, which nobody can call; the one that is preferred first.
#[derive(Clone)]
pub(crate) struct Providers(Vec<Arc<dyn PaymentProvider>>);

impl Providers {
    /// Those that come with the crate, not set up yet: their events and amounts are understood all the same.
    pub(crate) fn built_in() -> Self {
        Self(vec![
            #[cfg(feature = "stripe")]
            Arc::new(super::Stripe::new()),
            #[cfg(feature = "paystack")]
            Arc::new(super::Paystack::new()),
        ])
    }

    /// Takes a provider in, in place of the one that has its name.
    pub(crate) fn set(&mut self, provider: impl PaymentProvider) {
        let provider = Arc::new(provider);
        match self.0.iter_mut().find(|known| known.name() == provider.name()) {
            Some(known) => *known = provider,
            None => self.0.push(provider),
        }
    }

    pub(crate) fn get(&self, name: ProviderName) -> Option<&Arc<dyn PaymentProvider>> {
        self.0.iter().find(|provider| provider.name() == name)
    }

    /// The provider, where it can be called.
    pub(crate) fn callable(&self, name: ProviderName) -> Option<&Arc<dyn PaymentProvider>> {
        self.get(name).filter(|provider| provider.is_callable())
    }

    /// The names of all that can be called.
    pub(crate) fn callable_names(&self) -> Vec<ProviderName> {
        self.0.iter().filter(|provider| provider.is_callable()).map(|provider| provider.name()).collect()
    }

    /// The first that is configured, else `manual`.
    pub(crate) fn preferred(&self) -> ProviderName {
        self.0.iter().find(|provider| provider.is_configured()).map_or(ProviderName::Manual, |provider| provider.name())
    }

    /// Can the provider take this amount? `None` when the store does not know the provider.
    pub(crate) fn accepts(&self, name: ProviderName, total: Money) -> Option<Result<(), NotAccepted>> {
        if name == ProviderName::Manual { Some(Ok(())) } else { self.get(name).map(|provider| provider.accepts(total)) }
    }

    /// Reads the body of an event whose signature was good.
    pub(crate) fn read_event(&self, name: ProviderName, body: &str) -> Result<ProviderEvent, WebhookError> {
        self.get(name).ok_or(WebhookError::NotConfigured(name))?.read_event(body)
    }
}
