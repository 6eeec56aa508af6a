//! What several targets need: a small shop, and the signatures of providers.

mod shop;
mod signatures;

pub use shop::{NOW, Shop, in_shop, key};
pub use signatures::{PAYSTACK_KEY, STRIPE_SECRETS, paystack_signature, stripe_signature};
