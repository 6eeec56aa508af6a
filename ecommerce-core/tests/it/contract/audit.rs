//! Who did what, when and from where.

use std::time::Duration;

use ecommerce_core::{
    AccountError, AuditAction, AuditEntry, AuditFilter, AuditKind, CatalogError, CategoryChange, Email, Expect, Fulfillment,
    FulfillmentStep, ImportRow, NewCategory, NewProduct, OrderError, PageRequest, Party, PaymentError, ProductChange,
    ProviderName, RefundRequest, Role, Session,
};
use serde_json::{Value, json};

use crate::shop::{PASSWORD, Shop, hours, money, note, registration};

stories![
    what_is_done_to_the_catalog_is_noted,
    what_is_done_to_accounts_is_noted_without_a_password,
    what_is_done_to_orders_is_noted,
    what_is_refused_or_changes_nothing_is_not_noted,
    what_customers_do_is_not_noted,
    a_deed_that_cannot_be_noted_is_not_done,
    a_deed_that_fails_in_the_end_was_never_noted,
    the_program_says_from_where_it_acts,
    the_log_is_narrowed_by_who_and_when,
    an_entry_keeps_the_e_mail_of_its_time,
];

/// An admin who has signed in at an address.
async fn eve(shop: &Shop) -> Session {
    shop.store.user_create_admin(shop.admin(), registration("eve@example.com")).await.unwrap();
    let signed_in = shop.store.login("eve@example.com", PASSWORD).await.unwrap();
    shop.advance(Duration::from_secs(1));
    shop.store.authenticate(signed_in.token.reveal()).await.unwrap().came_from("203.0.113.7")
}

/// The whole log, newest first.
async fn log(shop: &Shop) -> Vec<AuditEntry> {
    entries(shop, AuditFilter::default()).await
}

async fn entries(shop: &Shop, filter: AuditFilter) -> Vec<AuditEntry> {
    let page = shop.store.audit_log(shop.admin(), &filter, PageRequest::first(100).unwrap()).await.unwrap();
    assert_eq!(page.count, page.results.len() as u64);
    page.results
}

/// Asserts that the newest entry says that Eve did this here and now.
async fn eve_did(shop: &Shop, eve: &Session, action: AuditAction, kind: AuditKind, id: i64, detail: Value) {
    let entry = log(shop).await.remove(0);
    let user = entry.user.as_ref().map(|user| (user.id, user.email.as_str()));
    assert_eq!(user, Some((eve.user().id, "eve@example.com")), "{entry:?}");
    assert_eq!((entry.from.as_deref(), entry.at), (Some("203.0.113.7"), shop.now()), "{entry:?}");
    let subject = entry.subject.map(|subject| (subject.kind, subject.id));
    assert_eq!((entry.action, subject), (action, Some((kind, id))));
    assert_eq!(json!(entry.detail), detail);
    shop.advance(Duration::from_secs(1));
}

async fn what_is_done_to_the_catalog_is_noted(shop: Shop) {
    let eve = eve(&shop).await;
    let (store, admin, any) = (&shop.store, eve.admin().unwrap(), Expect::Any);

    let kitchen = NewCategory::new("Kitchen".parse().unwrap());
    let kitchen = store.category_create(admin, kitchen).await.unwrap().id;
    let name = json!({"name": "Kitchen"});
    eve_did(&shop, &eve, AuditAction::CategoryCreated, AuditKind::Category, kitchen.get(), name).await;

    let change = CategoryChange { name: Some("Cooking".parse().unwrap()), ..CategoryChange::default() };
    store.category_update(admin, kitchen, change, &any).await.unwrap();
    let renamed = json!({"name": {"from": "Kitchen", "to": "Cooking"}});
    eve_did(&shop, &eve, AuditAction::CategoryUpdated, AuditKind::Category, kitchen.get(), renamed).await;

    let mug = store.product_create(admin, NewProduct::new("Mug".parse().unwrap(), money("12.50"), 10)).await.unwrap().id;
    let made = json!({"name": "Mug", "price": "12.50", "currency": "USD", "stock": 10});
    eve_did(&shop, &eve, AuditAction::ProductCreated, AuditKind::Product, mug.get(), made).await;

    let change = ProductChange {
        price: Some(money("1300 JPY")),
        category: Some(Some(kitchen)),
        name: Some("Mug".parse().unwrap()),
        ..ProductChange::default()
    };
    store.product_update(admin, mug, change, &any).await.unwrap();
    let changed = json!({
        "price": {"from": "12.50", "to": "1300"},
        "currency": {"from": "USD", "to": "JPY"},
        "category": {"from": null, "to": {"id": kitchen, "name": "Cooking"}},
    });
    eve_did(&shop, &eve, AuditAction::ProductUpdated, AuditKind::Product, mug.get(), changed).await;

    store.stock_adjust(admin, mug, -3, &note("broken")).await.unwrap();
    let adjusted = json!({"by": -3, "stock": 7, "reason": "broken"});
    eve_did(&shop, &eve, AuditAction::StockAdjusted, AuditKind::Product, mug.get(), adjusted).await;

    store.product_delete(admin, mug, &any).await.unwrap();
    eve_did(&shop, &eve, AuditAction::ProductDeleted, AuditKind::Product, mug.get(), json!({"name": "Mug"})).await;

    store.category_delete(admin, kitchen, &any).await.unwrap();
    let name = json!({"name": "Cooking"});
    eve_did(&shop, &eve, AuditAction::CategoryDeleted, AuditKind::Category, kitchen.get(), name).await;

    store.product_import(admin, &[row("Plate", 5), row("Fork", 9)], &mut |_| {}).await.unwrap();
    let entry = log(&shop).await.remove(0);
    assert_eq!((entry.action, entry.subject), (AuditAction::ProductsImported, None));
    assert_eq!(json!(entry.detail), json!({"created": 2, "updated": 0, "unchanged": 0, "categories_created": 0}));

    let into_a_new_category = ImportRow { category: Some("Table".parse().unwrap()), ..row("Plate", 5) };
    store.product_import(admin, &[into_a_new_category, row("Fork", 9)], &mut |_| {}).await.unwrap();
    let entry = log(&shop).await.remove(0);
    assert_eq!(json!(entry.detail), json!({"created": 0, "updated": 1, "unchanged": 1, "categories_created": 1}));
    assert_eq!(log(&shop).await.len(), 10, "nine deeds, and that Eve's account was made");
}

async fn what_is_done_to_accounts_is_noted_without_a_password(shop: Shop) {
    let eve = eve(&shop).await;
    let admin = eve.admin().unwrap();
    let bob = shop.store.user_create_admin(admin, registration("Bob@example.com")).await.unwrap();
    let made = json!({"email": "Bob@example.com", "name": ""});
    eve_did(&shop, &eve, AuditAction::AdminCreated, AuditKind::User, bob.id.get(), made).await;

    let email: Email = "bob@example.com".parse().unwrap();
    shop.store.user_set_role(admin, &email, Role::Customer).await.unwrap();
    let demoted = json!({"role": {"from": "admin", "to": "customer"}});
    eve_did(&shop, &eve, AuditAction::RoleChanged, AuditKind::User, bob.id.get(), demoted).await;

    let told = format!("{:?}{}", log(&shop).await, json!(log(&shop).await));
    assert!(!told.contains(PASSWORD) && !told.contains("argon2"), "{told}");
}

async fn what_is_done_to_orders_is_noted(shop: Shop) {
    let eve = eve(&shop).await;
    let (store, admin) = (&shop.store, eve.admin().unwrap());
    let (ann, mug) = (shop.customer("ann").await, shop.product("Mug", "10", 100).await);

    let order = shop.order_by(&ann, &[(mug, 2)], ProviderName::Manual).await.id;
    store.order_confirm_payment(admin, order, Some(&note("Transfer 4711"))).await.unwrap();
    let confirmed = json!({"amount": "20.00", "currency": "USD", "reference": "Transfer 4711"});
    eve_did(&shop, &eve, AuditAction::PaymentConfirmed, AuditKind::Order, order.get(), confirmed).await;

    let step = FulfillmentStep { status: Fulfillment::Processing, tracking_number: Some(note("1Z99")), note: None };
    store.order_fulfill(admin, order, &step).await.unwrap();
    let moved = json!({"status": "processing", "tracking_number": "1Z99", "note": null});
    eve_did(&shop, &eve, AuditAction::OrderFulfilled, AuditKind::Order, order.get(), moved).await;

    let request = RefundRequest { amount: Some(5.into()), reason: Some(note("scratched")), restock: false };
    let refund = store.order_refund(admin, order, &request).await.unwrap().refunds[0].id;
    let asked = json!({"amount": "5.00", "currency": "USD", "reason": "scratched", "restock": false});
    eve_did(&shop, &eve, AuditAction::RefundRequested, AuditKind::Order, order.get(), asked).await;

    store.refund_done(admin, refund, Some(&note("cash"))).await.unwrap();
    let done = json!({"order": order, "amount": "5.00", "currency": "USD", "reference": "cash"});
    eve_did(&shop, &eve, AuditAction::RefundDone, AuditKind::Refund, refund.get(), done).await;

    store.order_cancel(eve.party(), order).await.unwrap();
    let cancelled = json!({"status": {"from": "paid", "to": "cancelled"}});
    eve_did(&shop, &eve, AuditAction::OrderCancelled, AuditKind::Order, order.get(), cancelled).await;
}

async fn what_is_refused_or_changes_nothing_is_not_noted(shop: Shop) {
    let eve = eve(&shop).await;
    let (store, admin, any) = (&shop.store, eve.admin().unwrap(), Expect::Any);
    let (ann, mug) = (shop.customer("ann").await, shop.product("Mug", "10", 5).await);
    let kitchen = NewCategory::new("Kitchen".parse().unwrap());
    let category = store.category_create(admin, kitchen.clone()).await.unwrap().id;
    let put_away = ProductChange { category: Some(Some(category)), ..ProductChange::default() };
    store.product_update(admin, mug, put_away.clone(), &any).await.unwrap();
    let order = shop.order_by(&ann, &[(mug, 2)], ProviderName::Manual).await.id;
    store.order_confirm_payment(admin, order, None).await.unwrap();
    let refund = RefundRequest { amount: Some(5.into()), ..RefundRequest::default() };
    let refund = store.order_refund(admin, order, &refund).await.unwrap().refunds[0].id;
    store.refund_done(admin, refund, None).await.unwrap();
    let before = log(&shop).await;

    let ann_again = registration("Ann@example.com");
    refused!(store.user_create_admin(admin, ann_again), AccountError::EmailTaken);
    refused!(store.user_set_role(admin, &"no@example.com".parse().unwrap(), Role::Admin), AccountError::UnknownUser(_));
    refused!(store.category_create(admin, kitchen), CatalogError::NameTaken);
    refused!(store.category_delete(admin, category, &any), CatalogError::CategoryInUse);
    let stale = Expect::OneOf(vec!["0".to_owned()]);
    refused!(store.category_update(admin, category, CategoryChange::default(), &stale), CatalogError::Changed);
    refused!(store.product_update(admin, mug, ProductChange::default(), &stale), CatalogError::Changed);
    refused!(store.product_delete(admin, mug, &stale), CatalogError::Changed);
    refused!(store.stock_adjust(admin, mug, -100, &note("lost")), CatalogError::Invalid(_));
    let twice = [row("Plate", 5), row("Mug", -1)];
    refused!(store.product_import(admin, &twice, &mut |_| {}), CatalogError::Import { .. });
    let step = FulfillmentStep { status: Fulfillment::Shipped, tracking_number: None, note: None };
    refused!(store.order_fulfill(admin, order, &step), OrderError::InvalidTransition(_));
    let too_much = RefundRequest { amount: Some(100.into()), ..RefundRequest::default() };
    refused!(store.order_refund(admin, order, &too_much), PaymentError::Invalid(_));
    let ghost = ecommerce_core::OrderId::new(999).unwrap();
    refused!(store.order_cancel(admin, ghost), PaymentError::Order(OrderError::Unknown(_)));
    assert_eq!(log(&shop).await, before);

    store.user_set_role(admin, &"eve@example.com".parse().unwrap(), Role::Admin).await.unwrap();
    store.category_update(admin, category, CategoryChange::default(), &any).await.unwrap();
    store.product_update(admin, mug, put_away, &any).await.unwrap();
    store.product_import(admin, &[row("Mug", 3)], &mut |_| {}).await.unwrap();
    store.order_confirm_payment(admin, order, None).await.unwrap();
    store.refund_done(admin, refund, None).await.unwrap();
    store.reconcile(admin).await.unwrap();
    assert_eq!(log(&shop).await, before, "said again, and so nothing was done");
}

async fn what_customers_do_is_not_noted(shop: Shop) {
    let ann = shop.register("ann").await;
    let session = shop.store.authenticate(ann.token.reveal()).await.unwrap().came_from("198.51.100.1");
    let mug = shop.product("Mug", "10", 5).await;
    let before = log(&shop).await;
    let order = shop.order(session.customer(), &[(mug, 1)]).await;
    shop.store.order_cancel(session.party(), order.id).await.unwrap();
    let paid = shop.paid_order(session.customer(), &[(mug, 1)]).await;
    refused!(shop.store.order_cancel(session.party(), paid.id), PaymentError::Order(_));
    assert!(matches!(session.party(), Party::Owner(_)));
    assert!(session.admin().is_err(), "nor may a customer read the log");
    assert_eq!(log(&shop).await, before);
}

async fn a_deed_that_cannot_be_noted_is_not_done(shop: Shop) {
    let mug = shop.product("Mug", "10", 5).await;
    let before = shop.store.product(mug, None).await.unwrap();
    shop.execute("alter table audit_log rename to lost_log").await;
    let change = ProductChange { price: Some(money("1")), ..ProductChange::default() };
    refused!(shop.store.product_update(shop.admin(), mug, change, &Expect::Any), CatalogError::Store(_));
    refused!(shop.store.product_delete(shop.admin(), mug, &Expect::Any), CatalogError::Store(_));
    refused!(shop.store.user_create_admin(shop.admin(), registration("eve@example.com")), AccountError::Store(_));
    shop.execute("alter table lost_log rename to audit_log").await;
    assert_eq!(shop.store.product(mug, None).await.unwrap(), before);
    assert_eq!(shop.store.user_list(shop.admin(), PageRequest::default()).await.unwrap().count, 0);
    assert_eq!(log(&shop).await.len(), 1);
}

async fn a_deed_that_fails_in_the_end_was_never_noted(shop: Shop) {
    let mug = shop.product("Mug", "10", 5).await;
    let before = log(&shop).await;
    // The last that an adjustment does is to read the movements.
    shop.execute("alter table stock_movements rename column order_id to lost").await;
    refused!(shop.store.stock_adjust(shop.admin(), mug, 1, &note("found")), CatalogError::Store(_));
    shop.execute("alter table stock_movements rename column lost to order_id").await;
    assert_eq!((log(&shop).await, shop.stock(mug).await), (before, (5, 0)));
}

async fn the_program_says_from_where_it_acts(shop: Shop) {
    shop.product("Mug", "10", 5).await;
    let job = shop.store.system().came_from("nightly\0 job\n");
    shop.store.product_import(job.admin(), &[row("Plate", 5)], &mut |_| {}).await.unwrap();
    let told: Vec<_> = log(&shop).await.into_iter().map(|entry| (entry.user, entry.from)).collect();
    assert_eq!(told, [(None, Some("nightly job".to_owned())), (None, None)]);
}

async fn the_log_is_narrowed_by_who_and_when(shop: Shop) {
    let eve = eve(&shop).await;
    let start = shop.now();
    for number in 0..5 {
        let admin = if number % 2 == 0 { eve.admin().unwrap() } else { shop.admin() };
        let new = NewProduct::new(format!("Product {number}").parse().unwrap(), money("1"), 1);
        shop.store.product_create(admin, new).await.unwrap();
        shop.advance(hours(1));
    }
    let names = async |user, from| {
        let found = entries(&shop, AuditFilter { user, from }).await;
        found.iter().map(|entry| entry.detail.get("name").and_then(Value::as_str).unwrap()[8..].to_owned()).collect::<Vec<_>>()
    };
    let (eve_s, second) = (Some(eve.user().id), start.after(hours(1)));
    assert_eq!(names(None, Some(start)).await, ["4", "3", "2", "1", "0"], "newest first");
    assert_eq!(names(None, Some(second)).await, ["4", "3", "2", "1"], "from that moment on");
    assert_eq!(names(None, Some(second.after(Duration::from_micros(1)))).await, ["4", "3", "2"]);
    assert_eq!(names(eve_s, None).await, ["4", "2", "0"]);
    assert_eq!(names(eve_s, Some(second)).await, ["4", "2"]);
    assert_eq!(names(eve_s, Some(shop.now())).await, [] as [&str; 0]);
    let nobody = ecommerce_core::UserId::new(999);
    assert_eq!(names(nobody, None).await, [] as [&str; 0]);

    let wanted = AuditFilter { user: eve_s, from: None };
    let page = async |request| shop.store.audit_log(shop.admin(), &wanted, request).await.unwrap();
    let first = page(PageRequest::first(2).unwrap()).await;
    let second = page(first.next().unwrap()).await;
    assert_eq!((first.count, first.results.len(), second.results.len(), second.next()), (3, 2, 1, None));
}

async fn an_entry_keeps_the_e_mail_of_its_time(shop: Shop) {
    let eve = eve(&shop).await;
    let kitchen = NewCategory::new("Kitchen".parse().unwrap());
    shop.store.category_create(eve.admin().unwrap(), kitchen).await.unwrap();
    shop.execute("update users set email = 'eva@example.com', email_key = 'eva@example.com'").await;
    let entry = log(&shop).await.remove(0);
    assert_eq!(entry.user.unwrap().email.as_str(), "eve@example.com");
    let email: Email = "EVA@example.com".parse().unwrap();
    assert_eq!(shop.store.user_by_email(shop.admin(), &email).await.unwrap().id, eve.user().id);
    refused!(
        shop.store.user_by_email(shop.admin(), &"eve@example.com".parse().unwrap()),
        AccountError::UnknownUser(who) if who.as_str() == "eve@example.com"
    );
}

fn row(name: &str, stock: i64) -> ImportRow {
    let (name, price) = (name.parse().unwrap(), money("10"));
    ImportRow { line: 2, name, price, stock, category: None, description: None, is_available: None, sku: None, attributes: None }
}
