//! The books of both providers: every payment, and every event that tells of one. Behind one lock, without a wait.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use ecommerce_core::{ProviderName, Timestamp};
use serde_json::{Value, json};

use super::{
    faults::{Chance, Faults},
    held::{Held, Refund},
    keys::Keys,
};

/// The version of Stripe's API that the events are written in.
const STRIPE_VERSION: &str = "2026-10-28.endive";
/// How much is kept of what was heard and of what was sent.
const LONGEST_LOG: usize = 100_000;

/// A call of the API that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heard {
    /// Whose API was called.
    pub provider: ProviderName,
    /// `GET` or `POST`.
    pub method: String,
    /// The path, such as `/v1/refunds`.
    pub path: String,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The fields of the form, of the JSON or of the query, decoded; nested ones as `metadata[order_id]`.
    pub fields: Vec<(String, String)>,
    /// The status that was answered; `None` when the connection was closed instead.
    pub status: Option<u16>,
}

/// A try to deliver an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Whose event.
    pub provider: ProviderName,
    /// Its kind, such as `charge.success`.
    pub kind: String,
    /// The payment that it tells of, as [`super::HeldPayment::id`] names it.
    pub payment: String,
    /// The status that the shop answered; `None` when it gave no answer.
    pub status: Option<u16>,
}

/// All that the sandbox knows.
pub(super) struct Books {
    payments: BTreeMap<u64, Held>,
    by_name: HashMap<String, u64>,
    by_refund: HashMap<String, u64>,
    /// When the time of a payment runs out, and its number.
    ends: BTreeSet<(i64, u64)>,
    pub(super) desk: Desk,
    pub(super) keys: Keys,
    pub(super) heard: VecDeque<Heard>,
    pub(super) deliveries: VecDeque<Delivery>,
}

/// Where names are given and events written.
pub(super) struct Desk {
    pub(super) now: Timestamp,
    pub(super) chance: Chance,
    /// Tells the names of this run from those of others: the standard library seeds each state with chance.
    run: u64,
    next: u64,
    /// Stripe's events, oldest first. It lists them, Paystack does not.
    pub(super) events: Vec<StripeEvent>,
    outbox: Vec<Event>,
}

/// An event that Stripe lists.
pub(super) struct StripeEvent {
    pub(super) kind: &'static str,
    pub(super) created: i64,
    pub(super) body: Value,
}

/// An event that is to be sent.
#[derive(Clone)]
pub(super) struct Event {
    pub(super) provider: ProviderName,
    pub(super) kind: &'static str,
    pub(super) payment: String,
    pub(super) body: String,
}

impl Books {
    pub(super) fn new(now: Timestamp) -> Self {
        let desk = Desk {
            now,
            chance: Chance::new(Faults::default()),
            run: RandomState::new().hash_one(0),
            next: 0,
            events: Vec::new(),
            outbox: Vec::new(),
        };
        Self {
            payments: BTreeMap::new(),
            by_name: HashMap::new(),
            by_refund: HashMap::new(),
            ends: BTreeSet::new(),
            desk,
            keys: Keys::default(),
            heard: VecDeque::new(),
            deliveries: VecDeque::new(),
        }
    }

    pub(super) fn insert(&mut self, held: Held) {
        self.by_name.extend(held.names().into_iter().map(|name| (name, held.number)));
        self.ends.extend(held.expires_at.map(|end| (end, held.number)));
        self.payments.insert(held.number, held);
    }

    /// The payment with this name.
    pub(super) fn get(&self, name: &str) -> Option<&Held> {
        self.payments.get(self.by_name.get(name)?)
    }

    /// The payment with this name, and where to write what becomes of it.
    pub(super) fn find(&mut self, name: &str) -> Option<(&mut Held, &mut Desk)> {
        let number = self.by_name.get(name)?;
        Some((self.payments.get_mut(number)?, &mut self.desk))
    }

    /// Every payment, oldest first.
    pub(super) fn payments(&self) -> impl DoubleEndedIterator<Item = &Held> {
        self.payments.values()
    }

    /// Notes the name of a refund that was made.
    pub(super) fn name_refund(&mut self, refund: &str, payment: &str) {
        if let Some(number) = self.by_name.get(payment) {
            self.by_refund.insert(refund.to_owned(), *number);
        }
    }

    /// The refund with this name, and its payment.
    pub(super) fn refund(&self, name: &str) -> Option<(&Held, &Refund)> {
        let held = self.payments.get(self.by_refund.get(name)?)?;
        Some((held, held.refunds.iter().find(|refund| refund.id == name)?))
    }

    /// A payment whose time has run out and that was not told of before, and where to write what becomes of it.
    pub(super) fn next_overdue(&mut self) -> Option<(&mut Held, &mut Desk)> {
        let now = self.desk.now.as_seconds();
        let (_, number) = *self.ends.first().filter(|(end, _)| *end <= now)?;
        self.ends.pop_first();
        Some((self.payments.get_mut(&number)?, &mut self.desk))
    }

    pub(super) fn hear(&mut self, heard: Heard) {
        push(&mut self.heard, heard);
    }

    pub(super) fn note_delivery(&mut self, delivery: Delivery) {
        push(&mut self.deliveries, delivery);
    }
}

impl Desk {
    /// A name that no other has, in this run or in another.
    pub(super) fn tag(&mut self) -> String {
        self.next += 1;
        format!("{:016x}{:06x}", self.run, self.next)
    }

    /// A number that no other has, small enough for every reader of JSON.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        (self.run & u64::from(u32::MAX)) * 1_000_000 + self.next
    }

    /// Stripe tells of the payment.
    pub(super) fn stripe(&mut self, payment: &Held, kind: &'static str, object: Value) {
        let id = format!("evt_{}", self.tag());
        let created = self.now.as_seconds();
        let body = json!({
            "id": id, "object": "event", "api_version": STRIPE_VERSION, "created": created, "type": kind, "livemode": false,
            "pending_webhooks": 1, "request": { "id": null, "idempotency_key": null }, "data": { "object": object },
        });
        let text = body.to_string();
        self.events.push(StripeEvent { kind, created, body });
        self.outbox.push(Event { provider: ProviderName::Stripe, kind, payment: payment.id.clone(), body: text });
    }

    /// Paystack tells of the payment.
    pub(super) fn paystack(&mut self, payment: &Held, kind: &'static str, data: &Value) {
        let body = json!({ "event": kind, "data": data }).to_string();
        self.outbox.push(Event { provider: ProviderName::Paystack, kind, payment: payment.id.clone(), body });
    }

    /// The events that are to be sent now, each with the time for which it is held back.
    pub(super) fn take_events(&mut self) -> Vec<(Event, Duration)> {
        let events = std::mem::take(&mut self.outbox);
        self.chance.post(events)
    }
}

fn push<T>(log: &mut VecDeque<T>, entry: T) {
    if log.len() >= LONGEST_LOG {
        log.pop_front();
    }
    log.push_back(entry);
}
