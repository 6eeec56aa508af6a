//! Ids, times, addresses, names and other words: what is taken keeps its promise, and is printed as what is read back.

#![no_main]

use std::{fmt::Display, str::FromStr};

use ecommerce_core::{
    Attributes, Description, Email, IdempotencyKey, Name, Note, OrderId, OrderStatus, Ordering, PageRequest, Password, ProviderName,
    Quantity, Sku, Timestamp,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    ids(text);
    times(text);
    addresses(text);
    lines(text);
    numbers(text);
    let _ = (read_back::<Ordering>(text), read_back::<OrderStatus>(text), read_back::<Attributes>(text));
    if let Some(name) = read_back::<ProviderName>(text) {
        assert!(text.len() <= 24 && format!("{name:?}") == text, "{text:?} is the provider {name:?}");
    }
    // One of the right length may still be refused: for being common.
    assert!(text.parse::<Password>().is_err() || (8..=128).contains(&text.chars().count()));
});

/// The value, where there is one; its text means the same value again.
fn read_back<T: FromStr + PartialEq + Display>(text: &str) -> Option<T> {
    let value = text.parse::<T>().ok()?;
    let printed = value.to_string();
    assert!(printed.parse::<T>().ok().as_ref() == Some(&value), "{text:?} is printed as {printed:?}, which is another");
    Some(value)
}

/// One text for one id.
fn ids(text: &str) {
    if let Some(id) = read_back::<OrderId>(text) {
        assert!(id.to_string() == text && id.get() > 0, "{text:?} is taken for {id}");
    }
}

fn times(text: &str) {
    if let Some(time) = read_back::<Timestamp>(text) {
        let printed = time.to_string();
        assert!(printed.is_ascii() && printed.len() == "2026-01-31T09:30:00.123456Z".len(), "{text:?} is printed as {printed}");
        assert!(time.as_micros() >= 0);
    }
}

/// Nothing that could end a header of a mail, begin another address or hide one.
fn addresses(text: &str) {
    let Some(email) = read_back::<Email>(text) else { return };
    let (local, domain) = text.split_once('@').expect("an address has an @");
    assert_eq!(email.as_str(), text);
    assert!(text.len() <= 254 && local.len() <= 64 && !local.is_empty(), "{text:?} is too long");
    assert!(!text.contains(|letter: char| !letter.is_ascii_graphic() || "\"(),:;<>[]\\".contains(letter)), "{text:?}");
    let labels = domain.split('.').collect::<Vec<_>>();
    let good = |label: &&str| (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    assert!(labels.len() >= 2 && labels.iter().all(good), "{text:?} has no such domain");
}

/// One line without its blank ends, no longer than it may be.
fn lines(text: &str) {
    let line = |found: Option<String>, longest: usize| {
        let wanted = text.trim();
        let good = (1..=longest).contains(&wanted.chars().count()) && !wanted.contains(char::is_control);
        // What is taken is the line itself; of other writing, marks that hide or turn text are refused.
        assert!(found.as_deref().map_or(!good || !wanted.is_ascii(), |found| good && found == wanted), "{found:?}");
    };
    line(read_back::<Name>(text).map(|name| name.to_string()), 200);
    line(read_back::<Sku>(text).map(|sku| sku.to_string()), 100);
    line(read_back::<Note>(text).map(|note| note.to_string()), 500);
    line(read_back::<IdempotencyKey>(text).map(|key| key.to_string()), 255);
    if let Some(description) = read_back::<Description>(text) {
        assert_eq!(description.as_str(), text, "a description is kept as it is");
    }
}

fn numbers(text: &str) {
    let Ok(number) = text.parse::<i64>() else { return };
    assert_eq!(Quantity::new(number).is_ok(), (1..=1_000_000).contains(&number));
    if let Ok(number) = u32::try_from(number) {
        assert_eq!(PageRequest::new(number, 100).is_ok(), (1..=100_000).contains(&number));
        assert_eq!(PageRequest::first(number).is_ok(), (1..=100).contains(&number));
    }
}
