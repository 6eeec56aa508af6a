//! Numbers about requests, for Prometheus.

use std::{sync::Arc, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

/// Upper bounds, in seconds: a read from memory, a write to disk, a password hash, a provider's answer.
const BUCKETS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// How often each operation was called, with which outcome, and how long it took.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Outcome, Counter>,
    durations: Family<Operation, Histogram>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    method: &'static str,
    /// The address as the document writes it, so that there are only as many as there are operations.
    path: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    method: &'static str,
    path: Arc<str>,
    status: u16,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let requests = Family::default();
        let durations = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let mut registry = Registry::with_prefix("ecommerce_http");
        registry.register("requests", "Requests answered", requests.clone());
        registry.register_with_unit(
            "request_duration",
            "Time from a request's header to its answer",
            Unit::Seconds,
            durations.clone(),
        );
        Self { registry, requests, durations }
    }

    pub(crate) fn count(&self, method: &'static str, path: &Arc<str>, status: u16, elapsed: Duration) {
        self.requests.get_or_create(&Outcome { method, path: path.clone(), status }).inc();
        self.durations.get_or_create(&Operation { method, path: path.clone() }).observe(elapsed.as_secs_f64());
    }

    /// Counts a request that did not come as far as an address.
    pub(crate) fn count_unknown(&self, status: u16) {
        self.requests.get_or_create(&Outcome { method: "OTHER", path: "unknown".into(), status }).inc();
    }

    /// All numbers in Prometheus's text format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
