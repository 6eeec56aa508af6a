//! Who somebody is, and until when.

use std::time::Duration;

use ecommerce_core::{AccountError, Email, Forbidden, PageRequest, Password, Registration, Role};

use crate::shop::{PASSWORD, Shop, hours, minutes, registration};

stories![
    registering_signs_in_as_a_customer,
    an_e_mail_is_one_account_in_any_capitals,
    a_wrong_password_and_an_unknown_e_mail_are_answered_alike,
    failures_shut_one_e_mail_for_a_while,
    an_e_mail_that_nobody_has_is_shut_too,
    a_good_log_in_forgets_the_failures,
    a_session_ends_by_itself,
    logging_out_ends_one_session_and_no_other,
    a_token_that_was_never_given_is_nobodys,
    a_role_counts_from_the_next_request_on,
    roles_are_given_to_known_accounts_only,
    only_an_admin_makes_an_admin,
    a_password_is_taken_as_it_is,
];

async fn registering_signs_in_as_a_customer(shop: Shop) {
    let name = Some("Ann".parse().unwrap());
    let ann = shop.store.register(Registration { name, ..registration("Ann@Example.com") }).await.unwrap();
    assert_eq!((ann.user.email.as_str(), ann.user.name.as_str()), ("Ann@Example.com", "Ann"));
    assert_eq!((ann.user.role, ann.user.created_at), (Role::Customer, shop.now()));
    assert_eq!(ann.expires_at, shop.now().after(hours(30 * 24)));

    let session = shop.store.authenticate(ann.token.reveal()).await.unwrap();
    assert_eq!(session.user(), &ann.user);
    assert_eq!(session.admin().err(), Some(Forbidden));
}

async fn an_e_mail_is_one_account_in_any_capitals(shop: Shop) {
    let ann = shop.register("ann").await;
    refused!(shop.store.register(registration("ANN@EXAMPLE.COM")), AccountError::EmailTaken);
    refused!(shop.store.user_create_admin(shop.admin(), registration("Ann@example.com")), AccountError::EmailTaken);
    let again = shop.store.login("ANN@Example.com", PASSWORD).await.unwrap();
    assert_eq!(again.user, ann.user);
    assert_ne!(again.token.reveal(), ann.token.reveal());
}

async fn a_wrong_password_and_an_unknown_e_mail_are_answered_alike(shop: Shop) {
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

async fn failures_shut_one_e_mail_for_a_while(shop: Shop) {
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

async fn an_e_mail_that_nobody_has_is_shut_too(shop: Shop) {
    shop.register("ann").await;
    let (known, _) = fail_until_shut(&shop, "ann@example.com").await;
    let (unknown, _) = fail_until_shut(&shop, "nobody@example.com").await;
    assert_eq!(known, unknown, "the number of tries tells whether an account exists");
}

async fn a_good_log_in_forgets_the_failures(shop: Shop) {
    shop.register("ann").await;
    for _ in 0..3 {
        for _ in 0..4 {
            refused!(shop.store.login("ann@example.com", "wrong horse"), AccountError::InvalidCredentials);
        }
        shop.store.login("ann@example.com", PASSWORD).await.unwrap();
    }
}

async fn a_session_ends_by_itself(shop: Shop) {
    let ann = shop.register("ann").await;
    shop.wait(hours(30 * 24) - Duration::from_micros(1)).await;
    shop.store.authenticate(ann.token.reveal()).await.unwrap();
    shop.advance(Duration::from_micros(1));
    refused!(shop.store.authenticate(ann.token.reveal()), AccountError::Unauthenticated);
    shop.store.run_due().await.unwrap();
    refused!(shop.store.authenticate(ann.token.reveal()), AccountError::Unauthenticated);
}

async fn logging_out_ends_one_session_and_no_other(shop: Shop) {
    let phone = shop.register("ann").await;
    let laptop = shop.store.login("ann@example.com", PASSWORD).await.unwrap();
    let session = shop.store.authenticate(phone.token.reveal()).await.unwrap();
    shop.store.logout(&session).await.unwrap();
    refused!(shop.store.authenticate(phone.token.reveal()), AccountError::Unauthenticated);
    shop.store.authenticate(laptop.token.reveal()).await.unwrap();
    shop.store.logout(&session).await.unwrap();
    shop.store.authenticate(laptop.token.reveal()).await.unwrap();
}

async fn a_token_that_was_never_given_is_nobodys(shop: Shop) {
    let ann = shop.register("ann").await;
    let (upper, long) = (ann.token.reveal().to_uppercase(), "x".repeat(1 << 20));
    for token in ["", " ", "0", "' or 1=1 --", "\0", &ann.token.reveal()[1..], &upper, &long] {
        refused!(shop.store.authenticate(token), AccountError::Unauthenticated);
    }
}

async fn a_role_counts_from_the_next_request_on(shop: Shop) {
    let ann = shop.register("ann").await;
    let email: Email = "ANN@example.com".parse().unwrap();
    for role in [Role::Admin, Role::Vendor, Role::Admin, Role::Customer] {
        let user = shop.store.user_set_role(shop.admin(), &email, role).await.unwrap();
        assert_eq!((user.id, user.role), (ann.user.id, role));
        let session = shop.store.authenticate(ann.token.reveal()).await.unwrap();
        assert_eq!(session.user().role, role);
        assert_eq!(session.admin().is_ok(), role == Role::Admin);
    }
}

async fn roles_are_given_to_known_accounts_only(shop: Shop) {
    let email: Email = "nobody@example.com".parse().unwrap();
    refused!(shop.store.user_set_role(shop.admin(), &email, Role::Admin), AccountError::UnknownUser(who) if who == email);
}

async fn only_an_admin_makes_an_admin(shop: Shop) {
    let ann = shop.register("ann").await.user;
    let eve = shop.store.user_create_admin(shop.admin(), registration("eve@example.com")).await.unwrap();
    assert_eq!(eve.role, Role::Admin);
    let session = shop.store.login("eve@example.com", PASSWORD).await.unwrap();
    let session = shop.store.authenticate(session.token.reveal()).await.unwrap();

    let first = PageRequest::first(1).unwrap();
    let page = shop.store.user_list(session.admin().unwrap(), first).await.unwrap();
    assert_eq!((page.count, page.results.as_slice()), (2, [ann].as_slice()));
    let page = shop.store.user_list(session.admin().unwrap(), page.next().unwrap()).await.unwrap();
    assert_eq!((page.results.as_slice(), page.next()), ([eve].as_slice(), None));
}

async fn a_password_is_taken_as_it_is(shop: Shop) {
    let (spaces, long) = ("  spaces at both ends  ", "ß".repeat(128));
    for (email, password) in [("a@example.com", spaces), ("b@example.com", &long), ("c@example.com", "tab\tand\0nul")] {
        let password: Password = password.parse().unwrap();
        shop.store.register(Registration { password, ..registration(email) }).await.unwrap();
    }
    shop.store.login("a@example.com", spaces).await.unwrap();
    refused!(shop.store.login("a@example.com", spaces.trim()), AccountError::InvalidCredentials);
    shop.store.login("b@example.com", &long).await.unwrap();
    refused!(shop.store.login("b@example.com", &format!("{long}ß")), AccountError::InvalidCredentials);
    shop.store.login("c@example.com", "tab\tand\0nul").await.unwrap();
}
