//! What proves that a webhook comes from its provider: signatures over the raw bytes, compared in constant time.

use hmac::{KeyInit, Mac};

use super::WebhookError;
use crate::Invalid;

/// The value of the signature's header, which must be given exactly once.
pub(super) fn once<'h>(headers: &[&'h str]) -> Result<&'h str, WebhookError> {
    match headers {
        [header] => Ok(header),
        [] => Err(WebhookError::Signature("is missing")),
        _ => Err(WebhookError::Signature("is there more than once")),
    }
}

/// Is one of these the message authentication code of the parts, one after the other, under the key?
///
/// The parts are read once, however many codes there are: whoever sends them is still a stranger.
pub(super) fn fits<M: Mac + KeyInit + Clone>(key: &str, parts: &[&[u8]], codes: &[Vec<u8>]) -> bool {
    let mac = <M as KeyInit>::new_from_slice(key.as_bytes());
    let mac = mac.map(|mac| parts.iter().fold(mac, |mac, part| mac.chain_update(part)));
    mac.is_ok_and(|mac| codes.iter().any(|code| mac.clone().verify_slice(code).is_ok()))
}

/// Reads lower-case hexadecimal, as both providers write it.
pub(super) fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// A secret or key as it was configured: white space in it is a mistake of copying.
pub(super) fn secret(secret: &str) -> Result<String, Invalid> {
    if secret.is_empty() || secret.chars().any(char::is_whitespace) {
        return Err(Invalid::new("must not be empty or hold white space"));
    }
    Ok(secret.to_owned())
}
