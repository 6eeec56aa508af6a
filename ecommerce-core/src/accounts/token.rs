use std::fmt::{self, Write};

use rand::{TryRng, rngs::SysRng};
use sha2::{Digest, Sha256};

use crate::StoreError;

/// The key of a session: 256 random bits in hexadecimal. Whoever has it is signed in; it is never printed by accident.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// The key, to be handed to its owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A fresh key.
    pub(crate) fn generate(source: &dyn TokenSource) -> Result<Self, StoreError> {
        let mut bytes = [0; 32];
        source.fill(&mut bytes).map_err(StoreError::other)?;
        Ok(Self(hex(&bytes)))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// What is stored of a token. A plain hash does: there is nothing to guess in 256 random bits.
pub(crate) fn hash(token: &str) -> String {
    hex(&Sha256::digest(token))
}

/// Chance for a name that nobody ever used before: 64 bits in hexadecimal.
pub(crate) fn nonce(source: &dyn TokenSource) -> Result<String, StoreError> {
    let mut bytes = [0; 8];
    source.fill(&mut bytes).map_err(StoreError::other)?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Where the randomness of tokens comes from. Hand your own to [`crate::StoreBuilder::tokens`] to replay a run.
pub trait TokenSource: Send + Sync + 'static {
    /// Fills the bytes with chance.
    ///
    /// # Errors
    /// A message, when there is none to be had.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), String>;
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemTokens;

impl TokenSource for SystemTokens {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), String> {
        SysRng.try_fill_bytes(bytes).map_err(|error| format!("the system's random generator: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s10_tokens_are_long_different_and_not_printed() {
        let (one, other) = (Token::generate(&SystemTokens).unwrap(), Token::generate(&SystemTokens).unwrap());
        assert_eq!(one.reveal().len(), 64);
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(format!("{one:?}"), "Token(..)");
        assert_ne!(nonce(&SystemTokens).unwrap(), nonce(&SystemTokens).unwrap());
        assert_eq!(nonce(&SystemTokens).unwrap().len(), 16);
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
