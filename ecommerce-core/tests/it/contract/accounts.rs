//! Who somebody is, and until when.

use ecommerce_core::{AccountError, Email, Forbidden, PageRequest, Registration, Role};

use crate::shop::{PASSWORD, Shop, hours, registration};

stories![
    registering_signs_in_as_a_customer,
    an_e_mail_is_one_account_in_any_capitals,
    roles_are_given_to_known_accounts_only,
    only_an_admin_makes_an_admin,
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
