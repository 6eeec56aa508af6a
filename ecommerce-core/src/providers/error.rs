//! What can go wrong with a provider.

use crate::{ProviderName, StoreError, db};

/// Why a provider cannot take an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAccepted {
    /// Not this currency.
    Currency,
    /// Not so little or so much, or not in these fractions.
    Amount,
}

/// Why a call to a provider came to nothing. The texts are stable words of the provider's, never what a customer wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// There was no answer, or none that says what was done: it is asked again, with the same names.
    #[error("no answer: {0}")]
    Unavailable(String),
    /// It will not do it, however often it is asked.
    #[error("refused: {0}")]
    Refused(String),
    /// The attempt's name was used before, and what came of that is not known: another attempt is begun in its place.
    #[error("the attempt's name was used before")]
    NameTaken,
}

/// Why a webhook was refused. Nothing was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// No secret is configured for this provider, so nothing can be believed.
    #[error("{0} is not configured")]
    NotConfigured(ProviderName),
    /// The signature is missing, malformed, wrong or too old.
    #[error("the signature {0}")]
    Signature(&'static str),
    /// The body is signed but no event.
    #[error("the body is no event: {0}")]
    NotAnEvent(&'static str),
    /// The database failed: the provider must send it again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl db::AsStoreError for WebhookError {
    fn as_store_error(&self) -> Option<&StoreError> {
        if let Self::Store(error) = self { Some(error) } else { None }
    }
}
