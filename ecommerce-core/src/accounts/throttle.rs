//! How often log-ins may fail before no more are let through.
//!
//! Failures are counted three ways. An e-mail at one place: whoever guesses there is stopped soon, and nobody elsewhere is.
//! An e-mail at all places, and a place for all e-mails: guesses that are spread out, which shut the e-mail or the place.
//! What is shut still lets those in who have the right password and signed in to this account from this place before, so
//! that no stranger locks out the owner, and nobody their colleagues. To everybody else wrong and right look the same.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use super::token;
use crate::{Email, Timestamp};

/// How long failures are remembered, and so the longest wait.
pub(super) const WINDOW: Duration = Duration::from_secs(15 * 60);
/// How many failures an e-mail may have at one place.
const MOST_AT_PLACE: i64 = 10;
/// How many failures an e-mail may have at all places together.
const MOST_OF_EMAIL: i64 = 20;

/// An attempt to sign in: whom it concerns and what it counts under.
pub(super) struct Attempt {
    /// The e-mail as accounts are found by it; one that cannot be an address belongs to nobody.
    pub(super) email: String,
    /// Where it comes from, where that is known.
    pub(super) place: Option<String>,
    /// The e-mail at this place.
    pub(super) at_place: String,
    /// How many failures the place may have; `None` where they are not counted.
    most_of_place: Option<i64>,
}

/// How many attempts an e-mail or a place has made in its present window, and when that ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tried {
    pub(super) times: i64,
    pub(super) window_ends: Timestamp,
}

impl Tried {
    pub(super) const fn once_more(self) -> Self {
        Self { times: self.times.saturating_add(1), ..self }
    }
}

/// What an attempt finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// The right password is let in.
    Open,
    /// Only the right password of somebody who is known at the place is let in, until then.
    Shut(Timestamp),
    /// Nobody is let in, until then.
    Locked(Timestamp),
}

impl Attempt {
    /// An attempt for this e-mail from this address. So many failures an address may have; 0 is any number.
    pub(super) fn new(email: &str, from: Option<IpAddr>, most_of_place: u32) -> Self {
        let email = email.parse::<Email>().map_or_else(|_| token::hash(email), |email| email.key());
        let place = from.map(place);
        let at_place = format!("{email} {}", place.as_deref().unwrap_or("-"));
        Self { email, place, at_place, most_of_place: (most_of_place > 0).then_some(most_of_place.into()) }
    }

    /// The place, where its failures are counted.
    pub(super) fn counted_place(&self) -> Option<&str> {
        self.place.as_deref().filter(|_| self.most_of_place.is_some())
    }

    /// What it finds, when it is as many attempts as these in their windows.
    pub(super) fn door(&self, at_place: Option<Tried>, email: Option<Tried>, place: Option<Tried>) -> Door {
        let full = |tried: Option<Tried>, most: i64| tried.filter(|tried| tried.times > most).map(|tried| tried.window_ends);
        if let Some(until) = full(at_place, MOST_AT_PLACE) {
            return Door::Locked(until);
        }
        let place = self.most_of_place.and_then(|most| full(place, most));
        full(email, MOST_OF_EMAIL).max(place).map_or(Door::Open, Door::Shut)
    }
}

/// An address; of IPv6 the network of 64 bits, all of which one household has to itself.
pub(super) fn place(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(from: Option<&str>) -> Attempt {
        Attempt::new("Ann@Example.com", from.map(|from| from.parse().unwrap()), 50)
    }

    fn tried(times: i64, ends: i64) -> Option<Tried> {
        Some(Tried { times, window_ends: Timestamp::from_micros(ends) })
    }

    #[test]
    fn one_household_is_one_place() {
        for (address, expected) in [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ] {
            assert_eq!(place(address.parse().unwrap()), expected);
        }
    }

    #[test]
    fn an_attempt_counts_under_names_that_do_not_meet() {
        let ann = attempt(Some("203.0.113.7"));
        assert_eq!((ann.email.as_str(), ann.at_place.as_str()), ("ann@example.com", "ann@example.com 203.0.113.7"));
        assert_eq!(ann.counted_place(), Some("203.0.113.7"));
        assert_eq!((attempt(None).at_place.as_str(), attempt(None).counted_place()), ("ann@example.com -", None));
        // What is no e-mail could otherwise pass for a place, or for an e-mail at one.
        for email in ["203.0.113.7", "ann@example.com 203.0.113.7", ""] {
            let email = Attempt::new(email, None, 50).email;
            assert!(email.len() == 64 && email.bytes().all(|byte| byte.is_ascii_hexdigit()), "{email}");
        }
    }

    #[test]
    fn the_narrowest_count_comes_first_and_the_longest_wait_counts() {
        let ann = attempt(Some("203.0.113.7"));
        let until = Timestamp::from_micros;
        assert_eq!(ann.door(None, None, None), Door::Open);
        assert_eq!(ann.door(tried(10, 1), tried(20, 2), tried(50, 3)), Door::Open);
        assert_eq!(ann.door(tried(11, 1), tried(21, 2), tried(51, 3)), Door::Locked(until(1)));
        assert_eq!(ann.door(tried(1, 1), tried(21, 2), tried(1, 3)), Door::Shut(until(2)));
        assert_eq!(ann.door(tried(1, 1), tried(21, 2), tried(51, 3)), Door::Shut(until(3)));
        let unbounded = Attempt::new("ann@example.com", Some("203.0.113.7".parse().unwrap()), 0);
        assert_eq!(unbounded.door(None, None, tried(1_000, 3)), Door::Open);
    }
}
