//! Signatures as Stripe and Paystack write them.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};

/// Two secrets, as there are while one is being rotated.
pub const STRIPE_SECRETS: [&str; 2] = ["whsec_new", "whsec_old"];
/// The key with which Paystack signs.
pub const PAYSTACK_KEY: &str = "sk_test_fuzz";

/// `v1` of a `Stripe-Signature` for this time, as it stands in the header.
pub fn stripe_signature(secret: &str, time: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key may be of any length");
    hex(&mac.chain_update(time).chain_update(".").chain_update(body).finalize().into_bytes())
}

/// The whole of an `x-paystack-signature`.
pub fn paystack_signature(body: &[u8]) -> String {
    let mac = Hmac::<Sha512>::new_from_slice(PAYSTACK_KEY.as_bytes()).expect("a key may be of any length");
    hex(&mac.chain_update(body).finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
