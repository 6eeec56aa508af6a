//! Stripe's idempotency keys: the first answer is kept and given again (docs.stripe.com/api/idempotent_requests).

use std::{collections::HashMap, time::Duration};

use ecommerce_core::Timestamp;

use super::call::Reply;

/// How long an answer is kept.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

#[derive(Default)]
pub(super) struct Keys(HashMap<String, Kept>);

struct Kept {
    request: String,
    at: Timestamp,
    /// `None` while the first request is being worked on.
    reply: Option<Reply>,
}

/// What is known of a key.
pub(super) enum Known {
    /// Nothing: it is in use from now on.
    Nothing,
    /// The first answer.
    Reply(Reply),
    /// It came with another request.
    OtherRequest,
    /// The first request is still being worked on.
    InUse,
}

impl Keys {
    pub(super) fn begin(&mut self, key: &str, request: &str, now: Timestamp) -> Known {
        if let Some(kept) = self.0.get(key).filter(|kept| now.since(kept.at) < LIFETIME) {
            return match &kept.reply {
                _ if kept.request != request => Known::OtherRequest,
                Some(reply) => Known::Reply(reply.clone()),
                None => Known::InUse,
            };
        }
        self.0.insert(key.to_owned(), Kept { request: request.to_owned(), at: now, reply: None });
        Known::Nothing
    }

    pub(super) fn keep(&mut self, key: &str, reply: Reply) {
        if let Some(kept) = self.0.get_mut(key) {
            kept.reply = Some(reply);
        }
    }

    /// Forgets a key whose request came to no answer.
    pub(super) fn release(&mut self, key: &str) {
        if self.0.get(key).is_some_and(|kept| kept.reply.is_none()) {
            self.0.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_answer_is_kept_for_a_day() {
        let mut keys = Keys::default();
        let start = Timestamp::from_micros(0);
        assert!(matches!(keys.begin("k", "a", start), Known::Nothing));
        assert!(matches!(keys.begin("k", "a", start), Known::InUse));
        keys.release("k");
        assert!(matches!(keys.begin("k", "a", start), Known::Nothing), "it came to no answer");
        keys.keep("k", Reply::new(200, json!(1)));
        keys.release("k");
        let almost = start.after(LIFETIME - Duration::from_secs(1));
        assert!(matches!(keys.begin("k", "a", almost), Known::Reply(reply) if reply.body == json!(1)));
        assert!(matches!(keys.begin("k", "b", almost), Known::OtherRequest));
        assert!(matches!(keys.begin("k", "b", start.after(LIFETIME)), Known::Nothing));
    }
}
