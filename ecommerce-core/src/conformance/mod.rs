//! Attacks on a shop, to be run against any store, provider or frontend.
