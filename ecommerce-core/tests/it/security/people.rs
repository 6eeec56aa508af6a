//! What is tried against people: their orders, their passwords, their sessions.
//!
//! Each story shows the point of the same number: s01 to s12, s27 and s29.

use std::time::Duration;

use ecommerce_core::{
    AccountError, AuditAction, AuditFilter, CheckoutError, CheckoutRequest, Email, Forbidden, Invalid, Limits, OrderError,
    OrderFilter, OrderId, OrderStatus, PageRequest, Party, Password, PaymentError, ProviderName, Registration, Role,
};

use sha2::{Digest, Sha256};

use crate::{
    events::Attempt,
    shop::{PASSWORD, Shop, hours, minutes, registration},
};

stories![
    s01_somebody_elses_order_is_unknown,
    s01_somebody_elses_cart_is_not_to_be_had,
    s05_a_weaker_hash_is_renewed_at_log_in,
    s06_a_password_is_taken_as_it_is,
    s06_common_passwords_are_refused,
    s06_an_old_common_password_still_opens,
    s10_a_token_is_stored_as_its_hash_only,
    s10_a_token_that_was_never_given_is_nobodys,
    s11_a_session_ends_by_itself,
    s11_logging_out_ends_one_session_and_no_other,
    s11_a_disabled_account_is_out_at_once,
    s12_a_role_counts_from_the_next_request_on,
    s27_open_orders_have_a_cap,
    s27_what_is_never_paid_is_free_again,
    s29_nobody_is_there_who_was_not_made,
];

async fn s01_somebody_elses_order_is_unknown(shop: Shop) {
    let (ann, bob) = (shop.customer("ann").await, shop.customer("bob").await);
    let mug = shop.product("Mug", "10", 10).await;
    let order = shop.order(&ann, &[(mug, 2)]).await;
    for id in [order.id, OrderId::new(4711).unwrap()] {
        refused!(shop.store.order(&bob, id), OrderError::Unknown(unknown) if unknown == id);
        refused!(shop.store.order_cancel(&bob, id), PaymentError::Order(OrderError::Unknown(unknown)) if unknown == id);
        refused!(shop.store.order_pay(&bob, id, None), PaymentError::Order(OrderError::Unknown(unknown)) if unknown == id);
    }
    let mine = shop.store.order_list(&bob, &OrderFilter::default(), PageRequest::default()).await.unwrap();
    let asked_for_hers = OrderFilter { user: Some(order.customer.id), ..OrderFilter::default() };
    let hers = shop.store.order_list(&bob, &asked_for_hers, PageRequest::default()).await.unwrap();
    assert_eq!((mine.count, hers.count), (0, 0));
    assert_eq!(shop.store.order(&ann, order.id).await.unwrap(), order);

    let signed_in = shop.store.login("bob@example.com", PASSWORD).await.unwrap();
    let session = shop.store.authenticate(signed_in.token.reveal()).await.unwrap();
    assert!(matches!(session.party(), Party::Owner(_)));
    refused!(shop.store.order(session.party(), order.id), OrderError::Unknown(_));
}

async fn s01_somebody_elses_cart_is_not_to_be_had(shop: Shop) {
    let (ann, bob) = (shop.customer("ann").await, shop.customer("bob").await);
    let mug = shop.product("Mug", "10", 10).await;
    shop.fill(&ann, &[(mug, 2)]).await;
    let before = shop.store.cart(&ann).await.unwrap();
    // There is no call that names a cart: whoever asks has their own.
    assert!(shop.store.cart(&bob).await.unwrap().items.is_empty());
    refused!(shop.store.checkout(&bob, &CheckoutRequest::default()), CheckoutError::CartEmpty);
    shop.store.cart_clear(&bob).await.unwrap();
    assert_eq!(shop.store.cart(&ann).await.unwrap(), before);
}

async fn s05_a_weaker_hash_is_renewed_at_log_in(shop: Shop) {
    // "correct horse" at 8 KiB and one pass.
    const WEAK: &str = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$fGboIvzlkt1eU7JnWpaFoCiFdQqj41xKJW/x6HC4Hu4";
    let hash = async || shop.texts("select password_hash from users").await.remove(0);
    shop.register("ann").await;
    assert!(hash().await.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    let strong = hash().await;
    shop.store.login("ann@example.com", PASSWORD).await.unwrap();
    assert_eq!(hash().await, strong, "a hash of today stays");

    shop.execute(&format!("update users set password_hash = '{WEAK}'")).await;
    refused!(shop.store.login("ann@example.com", "wrong horse"), AccountError::InvalidCredentials);
    assert_eq!(hash().await, WEAK, "a wrong password proves nothing");
    shop.store.login("ann@example.com", PASSWORD).await.unwrap();
    assert!(hash().await.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    shop.store.login("ann@example.com", PASSWORD).await.unwrap();
    refused!(shop.store.login("ann@example.com", "wrong horse"), AccountError::InvalidCredentials);
}

async fn s06_a_password_is_taken_as_it_is(shop: Shop) {
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

async fn s06_common_passwords_are_refused(shop: Shop) {
    for common in ["password", "Password1", "12345678", "QWERTYUIOP", "iloveyou1"] {
        assert_eq!(common.parse::<Password>().err(), Some(Invalid::new("must not be one of the most common ones")), "{common}");
    }
    let password: Password = "ANN@example.com".parse().unwrap();
    let its_own = Registration { password: password.clone(), ..registration("ann@Example.com") };
    refused!(shop.store.register(its_own.clone()), AccountError::PasswordIsEmail);
    refused!(shop.store.user_create_admin(shop.admin(), its_own), AccountError::PasswordIsEmail);
    shop.store.register(Registration { password, ..registration("bob@example.com") }).await.unwrap();
}

async fn s06_an_old_common_password_still_opens(shop: Shop) {
    // "iloveyou1", from a time when it was taken.
    const OLD: &str = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$SywgZ8aJ+uP6+q1+EBa7wCwvXvkS5TCLUTtQ04iCEJ4";
    shop.register("ann").await;
    shop.execute(&format!("update users set password_hash = '{OLD}'")).await;
    shop.store.login("ann@example.com", "iloveyou1").await.unwrap();
}

async fn s10_a_token_is_stored_as_its_hash_only(shop: Shop) {
    let ann = shop.register("ann").await;
    let bob = shop.register("bob").await;
    let tokens = [ann.token.reveal(), bob.token.reveal()];
    // 64 hexadecimal digits are 256 bits; where they come from a test of the token itself shows.
    assert!(
        tokens[0] != tokens[1] && tokens.iter().all(|token| token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit()))
    );
    let stored = shop.texts("select token_hash from sessions order by user_id").await;
    assert_eq!(stored.len(), 2);
    for (stored, token) in stored.iter().zip(tokens) {
        assert_eq!(*stored, Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        refused!(shop.store.authenticate(stored), AccountError::Unauthenticated);
    }
}

async fn s10_a_token_that_was_never_given_is_nobodys(shop: Shop) {
    let ann = shop.register("ann").await;
    let (upper, long) = (ann.token.reveal().to_uppercase(), "x".repeat(1 << 20));
    for token in ["", " ", "0", "' or 1=1 --", "\0", &ann.token.reveal()[1..], &upper, &long] {
        refused!(shop.store.authenticate(token), AccountError::Unauthenticated);
    }
}

async fn s11_a_session_ends_by_itself(shop: Shop) {
    let ann = shop.register("ann").await;
    shop.wait(hours(30 * 24) - Duration::from_micros(1)).await;
    shop.store.authenticate(ann.token.reveal()).await.unwrap();
    shop.advance(Duration::from_micros(1));
    refused!(shop.store.authenticate(ann.token.reveal()), AccountError::Unauthenticated);
    shop.store.run_due().await.unwrap();
    refused!(shop.store.authenticate(ann.token.reveal()), AccountError::Unauthenticated);
}

async fn s11_logging_out_ends_one_session_and_no_other(shop: Shop) {
    let phone = shop.register("ann").await;
    let laptop = shop.store.login("ann@example.com", PASSWORD).await.unwrap();
    let other = shop.second_process().await.store;
    let session = shop.store.authenticate(phone.token.reveal()).await.unwrap();
    other.authenticate(phone.token.reveal()).await.unwrap();
    shop.store.logout(&session).await.unwrap();
    refused!(other.authenticate(phone.token.reveal()), AccountError::Unauthenticated);
    other.close().await;
    refused!(shop.store.authenticate(phone.token.reveal()), AccountError::Unauthenticated);
    shop.store.authenticate(laptop.token.reveal()).await.unwrap();
    shop.store.logout(&session).await.unwrap();
    shop.store.authenticate(laptop.token.reveal()).await.unwrap();
}

async fn s11_a_disabled_account_is_out_at_once(shop: Shop) {
    let (phone, bob) = (shop.register("ann").await, shop.register("bob").await);
    let laptop = shop.store.login("ann@example.com", PASSWORD).await.unwrap();
    let other = shop.second_process().await.store;
    let email: Email = "ANN@example.com".parse().unwrap();
    let set = async |disabled| shop.store.user_set_disabled(shop.admin(), &email, disabled).await.unwrap();
    assert!(set(true).await.disabled && set(true).await.disabled);
    for token in [&phone.token, &laptop.token] {
        refused!(other.authenticate(token.reveal()), AccountError::Unauthenticated);
    }
    refused!(other.login("ann@example.com", PASSWORD), AccountError::InvalidCredentials);
    refused!(other.register(registration("ann@example.com")), AccountError::EmailTaken);
    other.authenticate(bob.token.reveal()).await.unwrap();

    // Who is let in again has to sign in again.
    assert!(!set(false).await.disabled);
    refused!(other.authenticate(phone.token.reveal()), AccountError::Unauthenticated);
    assert_eq!(other.login("ann@example.com", PASSWORD).await.unwrap().user, phone.user);
    other.close().await;

    let nobody: Email = "nobody@example.com".parse().unwrap();
    refused!(shop.store.user_set_disabled(shop.admin(), &nobody, true), AccountError::UnknownUser(_));
    let log = shop.store.audit_log(shop.admin(), &AuditFilter::default(), PageRequest::default()).await.unwrap();
    let deeds: Vec<_> = log.results.iter().map(|entry| (entry.action, entry.subject)).collect();
    let ann = Some(phone.user.id.into());
    assert_eq!(deeds, [(AuditAction::UserEnabled, ann), (AuditAction::UserDisabled, ann)], "a deed twice is one entry");
}

async fn s12_a_role_counts_from_the_next_request_on(shop: Shop) {
    let ann = shop.register("ann").await;
    let other = shop.second_process().await.store;
    let email: Email = "ANN@example.com".parse().unwrap();
    for role in [Role::Admin, Role::Vendor, Role::Admin, Role::Customer] {
        let user = shop.store.user_set_role(shop.admin(), &email, role).await.unwrap();
        assert_eq!((user.id, user.role), (ann.user.id, role));
        let session = other.authenticate(ann.token.reveal()).await.unwrap();
        assert_eq!(session.user().role, role);
        assert_eq!(session.admin().is_ok(), role == Role::Admin);
    }
    other.close().await;
}

async fn s27_open_orders_have_a_cap(shop: Shop) {
    assert!((30..=100).contains(&Limits::default().open_orders_per_customer));
    let capped = shop.within(|limits| limits.open_orders_per_customer = 2).await;
    let (ann, bob) = (shop.customer("ann").await, shop.customer("bob").await);
    let mug = shop.product("Mug", "10", 10).await;
    let first = shop.order(&ann, &[(mug, 1)]).await;
    shop.order(&ann, &[(mug, 1)]).await;
    let request = CheckoutRequest { provider: Some(ProviderName::Stripe), ..CheckoutRequest::default() };
    for customer in [&ann, &bob] {
        shop.fill(customer, &[(mug, 1)]).await;
    }
    refused!(capped.checkout(&ann, &request), CheckoutError::TooManyOpenOrders(2));
    capped.checkout(&bob, &request).await.unwrap();

    // An order that is paid waits no more.
    shop.stripe(&Attempt::of(&first).session_completed()).await;
    capped.checkout(&ann, &request).await.unwrap();
    capped.close().await;
}

async fn s27_what_is_never_paid_is_free_again(shop: Shop) {
    let (eve, ann) = (shop.customer("eve").await, shop.customer("ann").await);
    let mug = shop.product("Mug", "10", 5).await;
    let mut held = Vec::new();
    for provider in [ProviderName::Stripe, ProviderName::Manual] {
        held.push(shop.order_by(&eve, &[(mug, 2)], provider).await);
    }
    assert_eq!(shop.stock(mug).await, (5, 4));
    shop.wait(minutes(35)).await;
    assert_eq!(shop.stock(mug).await, (5, 2), "a provider's order holds its units for 35 minutes");
    shop.wait(hours(72)).await;
    assert_eq!(shop.stock(mug).await, (5, 0), "and one to be paid by hand for three days");
    for order in &held {
        assert_eq!(shop.reload(order).await.status, OrderStatus::Expired);
    }
    shop.paid_order(&ann, &[(mug, 5)]).await;
}

async fn s29_nobody_is_there_who_was_not_made(shop: Shop) {
    let users = async || shop.store.user_list(shop.admin(), PageRequest::default()).await.unwrap();
    assert_eq!(users().await.count, 0, "an account came with the store");
    let ann = shop.register("ann").await;
    let session = shop.store.authenticate(ann.token.reveal()).await.unwrap();
    assert_eq!((users().await.count, session.admin().err()), (1, Some(Forbidden)), "the first to register is no admin");
}
