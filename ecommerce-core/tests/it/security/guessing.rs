//! What is tried against log-ins: guesses, many of them, from one place or from everywhere.
//!
//! Each story shows the point of the same number: s07 to s09.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use ecommerce_core::{AccountError, DatabaseCall, DatabaseFault, DatabaseFaults, SignedIn, Store};
use futures_util::future::join_all;

use crate::shop::{PASSWORD, Shop, hours, minutes, registration};

stories![
    s07_a_wrong_password_and_an_unknown_e_mail_are_answered_alike,
    s08_failures_shut_one_e_mail_for_a_while,
    s08_an_e_mail_that_nobody_has_is_shut_too,
    s08_a_good_log_in_forgets_the_failures,
    s08_failures_count_on_every_process,
    s08_a_hundred_wrong_passwords_for_one_account,
    s08_guesses_from_everywhere_do_not_lock_the_owner_out,
    s08_an_owner_who_is_away_waits_a_quarter_of_an_hour,
    s08_a_place_is_known_for_ninety_days,
    s08_many_passwords_from_one_address,
    s08_an_address_may_be_left_uncounted,
    s08_many_guesses_at_once_are_counted,
    s08_who_is_locked_out_costs_one_look,
    s09_right_log_ins_at_once_wait_for_their_turn,
    s09_who_waits_too_long_is_told_so,
];

const HOME: &str = "203.0.113.7";
const ELSEWHERE: &str = "198.51.100.1";

/// Tries to sign in from an address.
async fn login(store: &Store, who: &str, password: &str, from: &str) -> Result<SignedIn, AccountError> {
    let from: IpAddr = from.parse().unwrap();
    store.login_from(&format!("{who}@example.com"), password, Some(from)).await
}

/// So many wrong passwords, and how many of them were looked at.
async fn guess(store: &Store, who: &str, times: usize, from: &str) -> usize {
    let mut checked = 0;
    for _ in 0..times {
        match login(store, who, "wrong horse", from).await {
            Err(AccountError::InvalidCredentials) => checked += 1,
            Err(AccountError::TooManyFailures { retry_after }) => assert!(retry_after <= minutes(15)),
            other => panic!("{other:?}"),
        }
    }
    checked
}

async fn s07_a_wrong_password_and_an_unknown_e_mail_are_answered_alike(shop: Shop) {
    shop.register("ann").await;
    for (email, password) in [
        ("ann@example.com", "wrong horse"),
        ("ann@example.com", ""),
        ("ann@example.com", "Correct horse"),
        ("nobody@example.com", PASSWORD),
        ("no address at all", PASSWORD),
        ("", ""),
    ] {
        refused!(shop.store.login(email, password), AccountError::InvalidCredentials);
    }
}

/// Fails to log in until it is no longer tried, and answers how often it was.
async fn fail_until_shut(shop: &Shop, email: &str) -> (u32, Duration) {
    for failures in 0..=20 {
        match shop.store.login(email, "wrong horse").await {
            Err(AccountError::InvalidCredentials) => {}
            Err(AccountError::TooManyFailures { retry_after }) => return (failures, retry_after),
            other => panic!("{other:?}"),
        }
    }
    panic!("20 failures and no end");
}

async fn s08_failures_shut_one_e_mail_for_a_while(shop: Shop) {
    shop.register("ann").await;
    shop.register("bob").await;
    let (failures, retry_after) = fail_until_shut(&shop, "ann@example.com").await;
    assert!((5..=20).contains(&failures), "shut after {failures}");
    assert!(Duration::ZERO < retry_after && retry_after <= minutes(15), "{retry_after:?}");

    // The right password does not help, nor do other capitals; others come in.
    refused!(shop.store.login("ann@example.com", PASSWORD), AccountError::TooManyFailures { .. });
    refused!(shop.store.login("Ann@Example.COM", PASSWORD), AccountError::TooManyFailures { .. });
    shop.store.login("bob@example.com", PASSWORD).await.unwrap();

    shop.advance(retry_after);
    shop.store.login("ann@example.com", PASSWORD).await.unwrap();
}

async fn s08_an_e_mail_that_nobody_has_is_shut_too(shop: Shop) {
    shop.register("ann").await;
    let (known, _) = fail_until_shut(&shop, "ann@example.com").await;
    let (unknown, _) = fail_until_shut(&shop, "nobody@example.com").await;
    assert_eq!(known, unknown, "the number of tries tells whether an account exists");
}

async fn s08_a_good_log_in_forgets_the_failures(shop: Shop) {
    shop.register("ann").await;
    for _ in 0..3 {
        for _ in 0..4 {
            refused!(shop.store.login("ann@example.com", "wrong horse"), AccountError::InvalidCredentials);
        }
        shop.store.login("ann@example.com", PASSWORD).await.unwrap();
    }
}

async fn s08_failures_count_on_every_process(shop: Shop) {
    let other = shop.second_process().await.store;
    assert_eq!(guess(&shop.store, "ann", 6, HOME).await + guess(&other, "ann", 6, HOME).await, 10);
    assert_eq!(guess(&shop.store, "ann", 1, HOME).await, 0);
    other.close().await;
}

async fn s08_a_hundred_wrong_passwords_for_one_account(shop: Shop) {
    shop.register("ann").await;
    assert_eq!(guess(&shop.store, "ann", 100, ELSEWHERE).await, 10);
    refused!(login(&shop.store, "ann", PASSWORD, ELSEWHERE), AccountError::TooManyFailures { .. });
    login(&shop.store, "ann", PASSWORD, HOME).await.unwrap();
    shop.advance(minutes(15));
    login(&shop.store, "ann", PASSWORD, ELSEWHERE).await.unwrap();
}

async fn s08_guesses_from_everywhere_do_not_lock_the_owner_out(shop: Shop) {
    shop.store.register_from(registration("ann@example.com"), HOME.parse().ok()).await.unwrap();
    let mut checked = 0;
    for number in 1..=3 {
        checked += guess(&shop.store, "ann", 8, &format!("198.51.100.{number}")).await;
    }
    assert_eq!(checked, 20);
    refused!(login(&shop.store, "ann", PASSWORD, ELSEWHERE), AccountError::TooManyFailures { .. });
    refused!(login(&shop.store, "ann", "wrong horse", HOME), AccountError::TooManyFailures { .. });
    // Who gets in is the owner: the e-mail begins anew.
    login(&shop.store, "ann", PASSWORD, HOME).await.unwrap();
    login(&shop.store, "ann", PASSWORD, "198.51.100.9").await.unwrap();
}

async fn s08_an_owner_who_is_away_waits_a_quarter_of_an_hour(shop: Shop) {
    shop.register("ann").await;
    for number in 1..=3 {
        guess(&shop.store, "ann", 7, &format!("198.51.100.{number}")).await;
    }
    let away = login(&shop.store, "ann", PASSWORD, HOME);
    refused!(away, AccountError::TooManyFailures { retry_after } if retry_after == minutes(15));
    shop.advance(minutes(15));
    login(&shop.store, "ann", PASSWORD, HOME).await.unwrap();
}

async fn s08_a_place_is_known_for_ninety_days(shop: Shop) {
    let store = shop.within(|limits| limits.failed_logins_per_address = 1).await;
    for who in ["ann", "bob"] {
        store.register_from(registration(&format!("{who}@example.com")), HOME.parse().ok()).await.unwrap();
    }
    shop.wait(hours(90 * 24) - minutes(1)).await;
    assert_eq!(guess(&store, "nobody", 2, HOME).await, 1, "the place is shut");
    login(&store, "ann", PASSWORD, HOME).await.unwrap();
    shop.wait(minutes(1)).await;
    login(&store, "ann", PASSWORD, HOME).await.unwrap();
    refused!(login(&store, "bob", PASSWORD, HOME), AccountError::TooManyFailures { .. });
    store.close().await;
}

async fn s08_many_passwords_from_one_address(shop: Shop) {
    let store = shop.within(|limits| limits.failed_logins_per_address = 5).await;
    for who in ["ann", "bob"] {
        shop.register(who).await;
    }
    login(&store, "ann", PASSWORD, HOME).await.unwrap();
    let mut checked = 0;
    for number in 0..8 {
        checked += guess(&store, &format!("customer{number}"), 1, HOME).await;
    }
    assert_eq!(checked, 5, "a right password is none of them");

    // Whoever is known there comes in, and nobody else does; wrong passwords all look alike.
    login(&store, "ann", PASSWORD, HOME).await.unwrap();
    refused!(login(&store, "ann", "wrong horse", HOME), AccountError::TooManyFailures { .. });
    refused!(login(&store, "bob", PASSWORD, HOME), AccountError::TooManyFailures { .. });
    login(&store, "bob", PASSWORD, ELSEWHERE).await.unwrap();
    // A good account of one's own does not buy further guesses.
    for _ in 0..3 {
        login(&store, "ann", PASSWORD, HOME).await.unwrap();
        assert_eq!(guess(&store, "carl", 1, HOME).await, 0);
    }
    shop.advance(minutes(15));
    login(&store, "bob", PASSWORD, HOME).await.unwrap();

    // One household has a whole network of IPv6 addresses.
    for number in 0..5 {
        assert_eq!(guess(&store, &format!("customer{number}"), 1, &format!("2001:db8::{number}")).await, 1);
    }
    refused!(login(&store, "bob", PASSWORD, "2001:db8::ffff"), AccountError::TooManyFailures { .. });
    login(&store, "bob", PASSWORD, "2001:db8:0:1::1").await.unwrap();
    store.close().await;
}

async fn s08_an_address_may_be_left_uncounted(shop: Shop) {
    let store = shop.within(|limits| limits.failed_logins_per_address = 0).await;
    let counted = shop.within(|limits| limits.failed_logins_per_address = 3).await;
    for number in 0..5 {
        assert_eq!(guess(&store, &format!("customer{number}"), 1, HOME).await, 1);
        // Where nobody says from where, only the e-mail counts.
        refused!(counted.login(&format!("other{number}@example.com"), PASSWORD), AccountError::InvalidCredentials);
    }
    counted.close().await;
    store.close().await;
}

async fn s08_many_guesses_at_once_are_counted(shop: Shop) {
    shop.register("ann").await;
    let store = shop.within(|limits| limits.hashing_wait = minutes(5)).await;
    let guesses = (0..30).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { guess(&store, "ann", 1, HOME).await })
    });
    let checked: usize = join_all(guesses).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(checked, 10);
    store.close().await;
}

/// Every call to the database since it was looked at last.
#[derive(Default)]
struct Calls(Mutex<Vec<DatabaseCall>>);

impl DatabaseFaults for Calls {
    fn next(&self, call: DatabaseCall) -> Option<DatabaseFault> {
        self.0.lock().unwrap().push(call);
        None
    }
}

async fn s08_who_is_locked_out_costs_one_look(shop: Shop) {
    let calls = Arc::new(Calls::default());
    let store = shop.second_process_of(Store::builder().database_faults(calls.clone())).await.store;
    assert_eq!(guess(&store, "ann", 10, HOME).await, 10);
    calls.0.lock().unwrap().clear();
    assert_eq!(guess(&store, "ann", 1, HOME).await, 0);
    // A connection and one statement on it: no turn to hash, and nothing that would wait for a lock.
    let made = calls.0.lock().unwrap().clone();
    assert!(matches!(made[..], [DatabaseCall::Begin, DatabaseCall::Statement(_)]), "{made:?}");
    store.close().await;
}

async fn s09_right_log_ins_at_once_wait_for_their_turn(shop: Shop) {
    // However slow the machine is.
    let store = shop.within(|limits| limits.hashing_wait = minutes(5)).await;
    shop.register("ann").await;
    let log_ins = (0..20).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { login(&store, "ann", PASSWORD, HOME).await })
    });
    // They are no failures, however many are under way for one account.
    for signed_in in join_all(log_ins).await {
        signed_in.unwrap().unwrap();
    }
    store.close().await;
}

async fn s09_who_waits_too_long_is_told_so(shop: Shop) {
    let store = shop.within(|limits| limits.hashing_wait = Duration::ZERO).await;
    shop.register("ann").await;
    let log_ins = (0..40).map(|number| {
        let store = store.clone();
        let who = if number % 2 == 0 { "ann" } else { "nobody" };
        tokio::spawn(async move { login(&store, who, PASSWORD, &format!("203.0.113.{number}")).await })
    });
    let (mut looked_at, mut busy) = (0, 0);
    for ended in join_all(log_ins).await {
        match ended.unwrap() {
            Ok(_) | Err(AccountError::InvalidCredentials) => looked_at += 1,
            Err(AccountError::Busy) => busy += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(looked_at > 0 && busy > 0, "{looked_at} were looked at and {busy} were not");
    // Who was turned away did not fail.
    login(&store, "ann", PASSWORD, HOME).await.unwrap();
    store.close().await;
}
