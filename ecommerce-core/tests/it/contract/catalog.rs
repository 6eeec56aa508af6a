//! What the shop sells: categories and products, how they change, who sees them.

use ecommerce_core::{
    CatalogError, CategoryChange, CategoryId, Expect, ImportReport, ImportRow, Invalid, InvalidField, MAX_STOCK, MovementReason,
    NewCategory, NewProduct, PageRequest, Product, ProductChange, ProductFilter, ProductId, Revision,
};

use crate::{
    events::Attempt,
    shop::{Shop, minutes, money, note},
};

stories![
    a_category_is_made_changed_and_deleted,
    a_category_name_is_one_category_in_any_capitals,
    a_category_with_products_stays,
    a_product_is_made_and_read,
    a_product_keeps_what_a_change_does_not_name,
    stock_has_bounds,
    a_sku_is_one_product,
    a_product_needs_a_known_category,
    a_hidden_product_is_seen_by_admins_only,
    a_deleted_product_is_gone_and_its_id_with_it,
    a_revision_names_one_state,
    a_write_that_expects_another_state_changes_nothing,
    stock_does_not_fall_below_what_is_reserved,
    every_change_of_stock_is_written_down,
    stock_is_adjusted_by_a_difference,
    an_import_updates_what_it_knows_and_makes_the_rest,
    an_import_with_a_bad_line_imports_nothing,
    a_walk_passes_every_product_once,
    the_count_follows_what_everybody_sees,
];

async fn category(shop: &Shop, name: &str) -> CategoryId {
    let new = NewCategory { name: name.parse().unwrap(), description: "All of it.".parse().unwrap(), parent: None };
    shop.store.category_create(shop.admin(), new).await.unwrap().id
}

fn mug() -> NewProduct {
    NewProduct::new("Ceramic mug".parse().unwrap(), money("12.50"), 5)
}

fn one_of(revisions: &[&Revision]) -> Expect {
    Expect::OneOf(revisions.iter().map(|revision| revision.as_str().to_owned()).collect())
}

async fn read(shop: &Shop, id: ProductId) -> Product {
    shop.store.product(id, None).await.unwrap()
}

async fn a_category_is_made_changed_and_deleted(shop: Shop) {
    let id = category(&shop, "Kitchen").await;
    let made = shop.store.category(id).await.unwrap();
    assert_eq!((made.name.as_str(), made.description.as_str()), ("Kitchen", "All of it."));
    assert_eq!((made.created_at, made.updated_at), (shop.now(), shop.now()));

    shop.advance(minutes(1));
    let change = CategoryChange { name: Some("Cooking".parse().unwrap()), ..CategoryChange::default() };
    let changed = shop.store.category_update(shop.admin(), id, change, &Expect::Any).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.description.as_str()), ("Cooking", "All of it."));
    assert_eq!((changed.created_at, changed.updated_at), (made.created_at, shop.now()));
    assert_ne!(changed.revision, made.revision);
    assert_eq!(shop.store.category(id).await.unwrap(), changed);

    shop.store.category_delete(shop.admin(), id, &one_of(&[&changed.revision])).await.unwrap();
    refused!(shop.store.category(id), CatalogError::UnknownCategory(unknown) if unknown == id);
    refused!(shop.store.category_delete(shop.admin(), id, &Expect::Any), CatalogError::UnknownCategory(_));
    let nothing = CategoryChange::default();
    refused!(shop.store.category_update(shop.admin(), id, nothing, &Expect::Any), CatalogError::UnknownCategory(_));
    assert_ne!(category(&shop, "Kitchen").await, id, "an id is never used again");
}

async fn a_category_name_is_one_category_in_any_capitals(shop: Shop) {
    let kitchen = category(&shop, "Küche").await;
    let garden = category(&shop, "Garden").await;
    for name in ["Küche", "KÜCHE", " küche "] {
        let name = name.parse().unwrap();
        let new = NewCategory::new(name);
        refused!(shop.store.category_create(shop.admin(), new.clone()), CatalogError::NameTaken);
        let change = CategoryChange { name: Some(new.name), ..CategoryChange::default() };
        refused!(shop.store.category_update(shop.admin(), garden, change, &Expect::Any), CatalogError::NameTaken);
    }
    let change = CategoryChange { name: Some("KÜCHE".parse().unwrap()), ..CategoryChange::default() };
    shop.store.category_update(shop.admin(), kitchen, change, &Expect::Any).await.unwrap();
}

async fn a_category_with_products_stays(shop: Shop) {
    let kitchen = category(&shop, "Kitchen").await;
    let product = NewProduct { category: Some(kitchen), ..mug() };
    let mug = shop.store.product_create(shop.admin(), product).await.unwrap();
    assert_eq!(mug.category.as_ref().map(|category| (category.id, category.name.as_str())), Some((kitchen, "Kitchen")));
    refused!(shop.store.category_delete(shop.admin(), kitchen, &Expect::Any), CatalogError::CategoryInUse);

    shop.change(mug.id, ProductChange { category: Some(None), ..ProductChange::default() }).await;
    assert_eq!(read(&shop, mug.id).await.category, None);
    shop.store.category_delete(shop.admin(), kitchen, &Expect::Any).await.unwrap();
}

async fn a_product_is_made_and_read(shop: Shop) {
    let product = NewProduct {
        description: "Holds 300 ml.\nDishwasher safe. ☕".parse().unwrap(),
        price: money("1.250 KWD"),
        sku: Some("MUG-300".parse().unwrap()),
        ..mug()
    };
    let made = shop.store.product_create(shop.admin(), product).await.unwrap();
    assert_eq!((made.name.as_str(), made.description.as_str()), ("Ceramic mug", "Holds 300 ml.\nDishwasher safe. ☕"));
    assert_eq!((made.price, made.currency.as_str(), made.stock), (money("1.25 KWD"), "KWD", 5));
    assert_eq!((made.sku.as_ref().map(|sku| sku.as_str()), made.category.as_ref()), (Some("MUG-300"), None));
    assert!(made.is_available);
    assert_eq!((made.created_at, made.updated_at), (shop.now(), shop.now()));
    assert_eq!(read(&shop, made.id).await, made);
    refused!(shop.store.product(ProductId::new(i64::MAX).unwrap(), None), CatalogError::UnknownProduct(_));
}

async fn a_product_keeps_what_a_change_does_not_name(shop: Shop) {
    let made = shop.store.product_create(shop.admin(), mug()).await.unwrap();
    shop.advance(minutes(1));
    let change = ProductChange { price: Some(money("500 JPY")), ..ProductChange::default() };
    let changed = shop.store.product_update(shop.admin(), made.id, change, &Expect::Any).await.unwrap();
    let expected = Product {
        price: money("500 JPY"),
        currency: "JPY".parse().unwrap(),
        updated_at: shop.now(),
        revision: changed.revision.clone(),
        ..made
    };
    assert_eq!(changed, expected);
    assert_eq!(read(&shop, made.id).await, changed);

    let sku = |sku: Option<&str>| ProductChange { sku: Some(sku.map(|sku| sku.parse().unwrap())), ..ProductChange::default() };
    shop.change(made.id, sku(Some("MUG"))).await;
    assert_eq!(read(&shop, made.id).await.sku.unwrap().as_str(), "MUG");
    shop.change(made.id, sku(None)).await;
    assert_eq!(read(&shop, made.id).await.sku, None);
}

async fn stock_has_bounds(shop: Shop) {
    for stock in [-1, MAX_STOCK + 1, i64::MIN, i64::MAX] {
        let new = NewProduct { stock, ..mug() };
        refused!(shop.store.product_create(shop.admin(), new), CatalogError::Invalid(InvalidField { field: "stock", .. }));
    }
    for stock in [0, MAX_STOCK] {
        let made = shop.store.product_create(shop.admin(), NewProduct { stock, ..mug() }).await.unwrap();
        let change = |stock| ProductChange { stock: Some(stock), ..ProductChange::default() };
        for stock in [-1, MAX_STOCK + 1, i64::MIN, i64::MAX] {
            let update = shop.store.product_update(shop.admin(), made.id, change(stock), &Expect::Any);
            refused!(update, CatalogError::Invalid(InvalidField { field: "stock", .. }));
        }
        assert_eq!(shop.stock(made.id).await, (stock, 0));
    }
}

async fn a_sku_is_one_product(shop: Shop) {
    let with_sku = || NewProduct { sku: Some("MUG".parse().unwrap()), ..mug() };
    let first = shop.store.product_create(shop.admin(), with_sku()).await.unwrap();
    let second = shop.store.product_create(shop.admin(), mug()).await.unwrap();
    refused!(shop.store.product_create(shop.admin(), with_sku()), CatalogError::SkuTaken);
    let change = ProductChange { sku: Some(with_sku().sku), ..ProductChange::default() };
    refused!(shop.store.product_update(shop.admin(), second.id, change.clone(), &Expect::Any), CatalogError::SkuTaken);
    shop.change(first.id, change.clone()).await;

    shop.store.product_delete(shop.admin(), first.id, &Expect::Any).await.unwrap();
    shop.change(second.id, change).await;
}

async fn a_product_needs_a_known_category(shop: Shop) {
    let nowhere = CategoryId::new(4711);
    refused!(
        shop.store.product_create(shop.admin(), NewProduct { category: nowhere, ..mug() }),
        CatalogError::UnknownCategory(_) | CatalogError::Invalid(InvalidField { field: "category", .. })
    );
    let made = shop.store.product_create(shop.admin(), mug()).await.unwrap();
    let change = ProductChange { category: Some(nowhere), ..ProductChange::default() };
    refused!(
        shop.store.product_update(shop.admin(), made.id, change, &Expect::Any),
        CatalogError::UnknownCategory(_) | CatalogError::Invalid(InvalidField { field: "category", .. })
    );
    assert_eq!(read(&shop, made.id).await, made);
}

async fn a_hidden_product_is_seen_by_admins_only(shop: Shop) {
    let mug = shop.product("Mug", "10", 5).await;
    shop.change(mug, ProductChange { is_available: Some(false), ..ProductChange::default() }).await;
    refused!(shop.store.product(mug, None), CatalogError::UnknownProduct(id) if id == mug);
    assert_eq!(shop.store.product(mug, Some(shop.admin())).await.unwrap().id, mug);

    let (filter, page) = (ProductFilter::default(), PageRequest::default());
    assert_eq!(shop.store.product_list(&filter, page, None).await.unwrap().count, 0);
    assert_eq!(shop.store.product_list(&filter, page, Some(shop.admin())).await.unwrap().results[0].id, mug);
}

async fn a_deleted_product_is_gone_and_its_id_with_it(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 5).await;
    let waiting = shop.order(&ann, &[(mug, 1)]).await;
    let paid = shop.paid_order(&ann, &[(mug, 2)]).await;
    shop.store.product_delete(shop.admin(), mug, &Expect::Any).await.unwrap();

    for admin in [None, Some(shop.admin())] {
        refused!(shop.store.product(mug, admin), CatalogError::UnknownProduct(_));
        let page = shop.store.product_list(&ProductFilter::default(), PageRequest::default(), admin).await.unwrap();
        assert_eq!(page.count, 0);
    }
    refused!(shop.store.product_delete(shop.admin(), mug, &Expect::Any), CatalogError::UnknownProduct(_));
    let nothing = ProductChange::default();
    refused!(shop.store.product_update(shop.admin(), mug, nothing, &Expect::Any), CatalogError::UnknownProduct(_));
    assert_eq!(shop.reload(&paid).await.items, paid.items);

    // What was reserved before can still be paid.
    shop.stripe(&Attempt::of(&waiting).session_completed()).await;
    assert_eq!(shop.reload(&waiting).await.status.as_str(), "paid");
    assert_ne!(shop.product("Mug", "10", 5).await, mug);
}

async fn a_revision_names_one_state(shop: Shop) {
    let ann = shop.customer("ann").await;
    let kitchen = category(&shop, "Kitchen").await;
    let product = NewProduct { category: Some(kitchen), ..mug() };
    let mug = shop.store.product_create(shop.admin(), product).await.unwrap();
    let mut seen = vec![mug.revision];
    assert_eq!(read(&shop, mug.id).await.revision, seen[0], "reading changes nothing");

    shop.change(mug.id, ProductChange { stock: Some(7), ..ProductChange::default() }).await;
    seen.push(read(&shop, mug.id).await.revision);
    let rename = CategoryChange { name: Some("Cooking".parse().unwrap()), ..CategoryChange::default() };
    shop.store.category_update(shop.admin(), kitchen, rename, &Expect::Any).await.unwrap();
    seen.push(read(&shop, mug.id).await.revision);
    shop.paid_order(&ann, &[(mug.id, 1)]).await;
    seen.push(read(&shop, mug.id).await.revision);

    for (index, revision) in seen.iter().enumerate() {
        assert!(!seen[..index].contains(revision), "{revision:?} names two states");
        assert!(revision.as_str().bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'), "{revision:?}");
    }
}

async fn a_write_that_expects_another_state_changes_nothing(shop: Shop) {
    let old = shop.store.product_create(shop.admin(), mug()).await.unwrap();
    let change = |stock| ProductChange { stock: Some(stock), ..ProductChange::default() };
    let new = shop.store.product_update(shop.admin(), old.id, change(6), &one_of(&[&old.revision])).await.unwrap();

    let stale = one_of(&[&old.revision]);
    refused!(shop.store.product_update(shop.admin(), old.id, change(9), &stale), CatalogError::Changed);
    refused!(shop.store.product_delete(shop.admin(), old.id, &stale), CatalogError::Changed);
    refused!(shop.store.product_delete(shop.admin(), old.id, &Expect::OneOf(Vec::new())), CatalogError::Changed);
    assert_eq!(read(&shop, old.id).await, new);
    shop.store.product_delete(shop.admin(), old.id, &one_of(&[&old.revision, &new.revision])).await.unwrap();
}

async fn stock_does_not_fall_below_what_is_reserved(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 5).await;
    shop.order(&ann, &[(mug, 3)]).await;
    let change = |stock| ProductChange { stock: Some(stock), name: Some("Cup".parse().unwrap()), ..ProductChange::default() };
    let update = shop.store.product_update(shop.admin(), mug, change(2), &Expect::Any);
    refused!(update, CatalogError::StockReserved { reserved: 3 });
    refused!(shop.store.stock_adjust(shop.admin(), mug, -3, &note("lost")), CatalogError::StockReserved { reserved: 3 });
    assert_eq!(read(&shop, mug).await.name, "Mug");
    assert_eq!(shop.stock(mug).await, (5, 3));

    shop.change(mug, change(3)).await;
    assert_eq!(shop.stock(mug).await, (3, 3));
    shop.wait(minutes(35)).await;
    shop.change(mug, change(0)).await;
    assert_eq!(shop.stock(mug).await, (0, 0));
}

async fn every_change_of_stock_is_written_down(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 5).await;
    shop.change(mug, ProductChange { stock: Some(8), ..ProductChange::default() }).await;
    shop.change(mug, ProductChange { name: Some("Cup".parse().unwrap()), ..ProductChange::default() }).await;
    shop.store.stock_adjust(shop.admin(), mug, -1, &note("broken")).await.unwrap();
    let order = shop.paid_order(&ann, &[(mug, 2)]).await;
    shop.store.order_cancel(shop.admin(), order.id).await.unwrap();

    let report = shop.store.stock(shop.admin(), mug).await.unwrap();
    let newest_first: Vec<_> = report.movements.iter().map(|m| (m.change, m.reason, m.order)).collect();
    assert_eq!(
        newest_first,
        [
            (2, MovementReason::Returned, Some(order.id)),
            (-2, MovementReason::Sold, Some(order.id)),
            (-1, MovementReason::Adjusted, None),
            (3, MovementReason::Edited, None),
            (5, MovementReason::Initial, None),
        ]
    );
    assert_eq!(report.movements[2].note.as_deref(), Some("broken"));
    assert_eq!((report.product, report.stock, report.reserved), (mug, 7, 0));
    let empty = shop.product("Nothing", "10", 0).await;
    assert_eq!(shop.store.stock(shop.admin(), empty).await.unwrap().movements, []);
}

async fn stock_is_adjusted_by_a_difference(shop: Shop) {
    let mug = shop.product("Mug", "10", 5).await;
    let adjust = async |by| shop.store.stock_adjust(shop.admin(), mug, by, &note("counted")).await;
    assert_eq!(adjust(3).await.unwrap().stock, 8);
    assert_eq!(adjust(-8).await.unwrap().stock, 0);
    for by in [-1, i64::MIN, i64::MAX, MAX_STOCK + 1] {
        assert!(adjust(by).await.is_err(), "{by} was taken");
    }
    assert_eq!(shop.stock(mug).await, (0, 0));
    let nowhere = ProductId::new(4711).unwrap();
    refused!(shop.store.stock_adjust(shop.admin(), nowhere, 1, &note("found")), CatalogError::UnknownProduct(_));
}

fn row(line: u64, name: &str, price: &str, stock: i64) -> ImportRow {
    let (name, price) = (name.parse().unwrap(), money(price));
    ImportRow { line, name, price, stock, category: None, description: None, is_available: None, sku: None, attributes: None }
}

async fn an_import_updates_what_it_knows_and_makes_the_rest(shop: Shop) {
    let by_name = shop.product("Mug", "10", 5).await;
    let sku = Some("PLATE".parse().unwrap());
    let plate = NewProduct { sku: sku.clone(), is_available: false, ..mug() };
    let by_sku = shop.store.product_create(shop.admin(), plate).await.unwrap().id;
    let rows = [
        ImportRow { category: Some("Kitchen".parse().unwrap()), ..row(2, "Mug", "11", 6) },
        ImportRow { category: Some("KITCHEN".parse().unwrap()), sku, ..row(3, "Plate", "12.50", 5) },
        ImportRow { sku: Some("FORK".parse().unwrap()), ..row(4, "Fork", "3", 100) },
    ];
    let mut told = Vec::new();
    let report = shop.store.product_import(shop.admin(), &rows, &mut |done| told.push(done)).await.unwrap();
    assert_eq!(report, ImportReport { created: 1, updated: 2, unchanged: 0, categories_created: 1 });
    assert!(told.is_sorted() && told.last() == Some(&3), "{told:?}");

    let mug = read(&shop, by_name).await;
    assert_eq!((mug.price, mug.stock, mug.category.unwrap().name.as_str()), (money("11"), 6, "Kitchen"));
    let plate = shop.store.product(by_sku, Some(shop.admin())).await.unwrap();
    assert_eq!((plate.name.as_str(), plate.is_available), ("Plate", false));

    let again = shop.store.product_import(shop.admin(), &rows, &mut |_| {}).await.unwrap();
    assert_eq!(again, ImportReport { created: 0, updated: 0, unchanged: 3, categories_created: 0 });
    let reasons: Vec<_> = shop.store.stock(shop.admin(), by_name).await.unwrap().movements.iter().map(|m| m.reason).collect();
    assert_eq!(reasons, [MovementReason::Imported, MovementReason::Initial]);
}

async fn an_import_with_a_bad_line_imports_nothing(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 5).await;
    shop.order(&ann, &[(mug, 3)]).await;
    let good = row(2, "Fork", "3", 100);
    for bad in [row(3, "Knife", "3", -1), row(3, "Knife", "3", MAX_STOCK + 1), row(3, "Mug", "10", 2)] {
        let import = shop.store.product_import(shop.admin(), &[good.clone(), bad], &mut |_| {}).await;
        match import {
            Err(CatalogError::Import { line: 3, column: "stock", reason }) => assert_ne!(reason, Invalid::new("")),
            other => panic!("{other:?}"),
        }
    }
    let page = shop.store.product_list(&ProductFilter::default(), PageRequest::default(), None).await.unwrap();
    assert_eq!((page.count, page.results[0].stock), (1, 5));
}

async fn a_walk_passes_every_product_once(shop: Shop) {
    let mut made = Vec::new();
    for number in 0..7 {
        made.push(shop.product(&format!("Mug {number}"), "10", 5).await);
    }
    shop.change(made[2], ProductChange { is_available: Some(false), ..ProductChange::default() }).await;
    shop.store.product_delete(shop.admin(), made.remove(4), &Expect::Any).await.unwrap();
    let (mut walked, mut after) = (Vec::new(), None);
    loop {
        let products = shop.store.product_walk(shop.admin(), after, 3).await.unwrap();
        let Some(last) = products.last() else { break };
        after = Some(last.id);
        walked.extend(products.iter().map(|product| product.id));
    }
    assert_eq!(walked, made);
}

async fn the_count_follows_what_everybody_sees(shop: Shop) {
    let count = async || {
        let first = PageRequest::first(1).unwrap();
        shop.store.product_list(&ProductFilter::default(), first, None).await.unwrap().count
    };
    let new = mug();
    let (mug, vase) = (shop.product("Mug", "10", 5).await, shop.product("Vase", "10", 5).await);
    let hidden = NewProduct { is_available: false, ..new.clone() };
    let hidden = shop.store.product_create(shop.admin(), hidden).await.unwrap().id;
    assert_eq!(count().await, 2);
    let seen = |is_available| ProductChange { is_available: Some(is_available), ..ProductChange::default() };
    for (product, is_available, expected) in
        [(mug, false, 1), (mug, false, 1), (hidden, true, 2), (mug, true, 3), (vase, false, 2)]
    {
        shop.change(product, seen(is_available)).await;
        assert_eq!(count().await, expected);
    }
    let rows = [
        ImportRow { is_available: Some(true), ..row(2, "Vase", "10", 5) },
        ImportRow { is_available: Some(false), ..row(3, "Mug", "10", 5) },
        row(4, "Fork", "3", 100),
        ImportRow { is_available: Some(false), ..row(5, "Knife", "3", 100) },
    ];
    shop.store.product_import(shop.admin(), &rows, &mut |_| {}).await.unwrap();
    assert_eq!(count().await, 3);
    for (product, expected) in [(mug, 3), (vase, 2)] {
        shop.store.product_delete(shop.admin(), product, &Expect::Any).await.unwrap();
        assert_eq!(count().await, expected);
    }
    let taken = NewProduct { sku: Some("FORK".parse().unwrap()), ..new };
    shop.store.product_create(shop.admin(), taken.clone()).await.unwrap();
    refused!(shop.store.product_create(shop.admin(), taken), CatalogError::SkuTaken);
    assert_eq!(count().await, 3);
    shop.healthy().await;
}
