//! What goes wrong on command, and the chance that decides when.

use std::time::Duration;

use ecommerce_core::Invalid;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What goes wrong, and how often. Rates are percent: 0 is never, 100 and more is always. The default is no faults.
///
/// Faults of calls strike the API alone, never the pages. The same seed, told again, draws the same chances again.
///
/// ```
/// let mut faults = ecommerce_warp::sandbox::Faults::default();
/// faults.lose_answers = 20;
/// faults.duplicate_events = 50;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Faults {
    /// Where the chances begin.
    pub seed: u64,
    /// Calls that are not heard: the connection is closed before anything is done.
    pub lose_requests: u8,
    /// Calls whose answer is lost: all is done, then the connection is closed.
    pub lose_answers: u8,
    /// Calls answered 429 before anything is done.
    pub too_many_429: u8,
    /// Calls that would change something, answered 409 before anything is done.
    pub conflict_409: u8,
    /// Calls answered 500 before anything is done.
    pub error_500: u8,
    /// Calls answered 500 after all was done.
    pub error_500_after: u8,
    /// The longest that a call is worked on before anything is done. The same idempotency key meanwhile is a 409.
    #[serde(rename = "slow_answers_ms", with = "milliseconds")]
    pub slow_answers: Duration,
    /// Refunds that are taken on and come to nothing.
    pub fail_refunds: u8,
    /// Events that are sent twice.
    pub duplicate_events: u8,
    /// Events that are never sent; Stripe still lists them.
    pub drop_events: u8,
    /// Whether the events of one deed are sent in any order.
    pub shuffle_events: bool,
    /// Whether events are sent without waiting for the answer to the one before.
    pub parallel_events: bool,
    /// The longest that an event is held back, so that later ones overtake it.
    #[serde(rename = "late_events_ms", with = "milliseconds")]
    pub late_events: Duration,
}

impl Faults {
    /// Faults as a JSON object tells them; what is left out does not go wrong.
    pub(super) fn of_json(told: &[u8]) -> Result<Self, Invalid> {
        let told = serde_json::from_slice(told).map_err(|error| Invalid::new(format!("no JSON: {error}")))?;
        Self::of_value(told)
    }

    /// Faults as a form tells them: fields that were left empty do not go wrong.
    pub(super) fn of_form(told: &[u8]) -> Result<Self, Invalid> {
        let fields = form_urlencoded::parse(told).filter(|(_, text)| !text.is_empty());
        let fields = fields.map(|(name, text)| {
            let value = match text.parse::<u64>() {
                Ok(number) => Value::from(number),
                Err(_) if matches!(&*text, "on" | "true") => Value::Bool(true),
                Err(_) => Value::from(&*text),
            };
            (name.into_owned(), value)
        });
        Self::of_value(Value::Object(fields.collect()))
    }

    /// Every fault by its name, as JSON writes it.
    pub(super) fn fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        }
    }

    fn of_value(told: Value) -> Result<Self, Invalid> {
        serde_json::from_value(told).map_err(|error| Invalid::new(error.to_string()))
    }
}

/// The faults in force, and the generator that they draw from.
pub(super) struct Chance {
    faults: Faults,
    generator: StdRng,
}

/// What becomes of a call.
pub(super) struct Fate {
    /// In place of the work.
    pub(super) before: Option<Fault>,
    /// How long it is worked on.
    pub(super) pause: Duration,
    /// In place of the answer.
    pub(super) after: Option<Fault>,
}

/// What comes in place of a good answer.
#[derive(Clone, Copy)]
pub(super) enum Fault {
    /// The connection is closed.
    Lost,
    /// An answer with this status.
    Status(u16),
}

impl Chance {
    pub(super) fn new(faults: Faults) -> Self {
        Self { generator: StdRng::seed_from_u64(faults.seed), faults }
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }

    pub(super) fn fate(&mut self, changes_something: bool) -> Fate {
        let Faults { lose_requests, too_many_429, conflict_409, error_500, error_500_after, lose_answers, .. } = self.faults;
        let conflict_409 = if changes_something { conflict_409 } else { 0 };
        let before = [
            (lose_requests, Fault::Lost),
            (too_many_429, Fault::Status(429)),
            (conflict_409, Fault::Status(409)),
            (error_500, Fault::Status(500)),
        ];
        let after = [(error_500_after, Fault::Status(500)), (lose_answers, Fault::Lost)];
        Fate { before: self.first(&before), pause: self.up_to(self.faults.slow_answers), after: self.first(&after) }
    }

    /// Does the refund come to nothing?
    pub(super) fn fails_refund(&mut self) -> bool {
        self.happens(self.faults.fail_refunds)
    }

    /// These events as they are sent: some not at all, some twice, each with the time for which it is held back.
    pub(super) fn post<T: Clone>(&mut self, events: Vec<T>) -> Vec<(T, Duration)> {
        let mut sent = Vec::with_capacity(events.len());
        for event in events {
            if self.happens(self.faults.drop_events) {
                continue;
            }
            if self.happens(self.faults.duplicate_events) {
                sent.push((event.clone(), self.up_to(self.faults.late_events)));
            }
            sent.push((event, self.up_to(self.faults.late_events)));
        }
        if self.faults.shuffle_events {
            sent.shuffle(&mut self.generator);
        }
        sent
    }

    fn first(&mut self, faults: &[(u8, Fault)]) -> Option<Fault> {
        faults.iter().find(|(percent, _)| self.happens(*percent)).map(|(_, fault)| *fault)
    }

    fn happens(&mut self, percent: u8) -> bool {
        self.generator.random_range(0..100) < percent
    }

    fn up_to(&mut self, longest: Duration) -> Duration {
        let milliseconds = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.generator.random_range(0..=milliseconds))
    }
}

mod milliseconds {
    use super::{Deserialize, Duration};

    pub(super) fn serialize<S: serde::Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_forms_say_the_same() {
        let wanted =
            Faults { lose_answers: 20, shuffle_events: true, late_events: Duration::from_millis(300), ..Faults::default() };
        assert_eq!(Faults::of_json(br#"{"lose_answers":20,"shuffle_events":true,"late_events_ms":300}"#), Ok(wanted.clone()));
        assert_eq!(Faults::of_form(b"lose_answers=20&shuffle_events=on&late_events_ms=300&error_500="), Ok(wanted));
        for told in [&b"lose_answers=lots"[..], b"lose_answers=256", b"gremlins=1", b"shuffle_events=7"] {
            assert!(Faults::of_form(told).is_err(), "{told:?}");
        }
    }

    #[test]
    fn never_is_never_and_always_is_always() {
        let always = Faults { duplicate_events: 100, ..Faults::default() };
        assert_eq!(Chance::new(always).post(vec![1, 2]).iter().map(|(event, _)| *event).collect::<Vec<_>>(), [1, 1, 2, 2]);
        let mut chance = Chance::new(Faults::default());
        assert!((0..1000).all(|_| chance.fate(true).before.is_none() && chance.fate(true).after.is_none()));
        assert_eq!(chance.post(vec![1, 2]).len(), 2);
    }

    #[test]
    fn the_same_seed_is_the_same_chance() {
        let faults = Faults { seed: 7, drop_events: 50, shuffle_events: true, ..Faults::default() };
        let once = Chance::new(faults.clone()).post((0..100).collect());
        assert_eq!(once, Chance::new(faults.clone()).post((0..100).collect()));
        assert_ne!(once, Chance::new(Faults { seed: 8, ..faults }).post((0..100).collect()));
    }
}
