//! Categories in categories: how they are nested, moved and found.

use ecommerce_core::{
    AuditFilter, CatalogError, CategoryChange, CategoryId, Expect, InvalidField, NewCategory, NewProduct, PageRequest,
    ProductFilter, ProductId,
};
use serde_json::json;
use sqlx::{Connection, PgConnection, SqliteConnection, migrate::Migrator};

use crate::{
    database::{Database, Engine},
    shop::{Shop, money, runtime},
};

stories![
    a_category_is_found_with_all_that_is_below_it,
    a_category_moves_with_all_that_is_below_it,
    a_category_never_stands_below_itself,
    two_moves_at_once_make_no_circle,
    a_move_takes_along_what_comes_at_the_same_time,
    a_parent_is_there_and_not_too_deep,
    a_category_with_others_below_it_stays,
    nobody_gets_below_a_category_that_goes,
    a_move_is_another_revision_and_stands_in_the_log,
];

async fn lay(shop: &Shop, name: &str, category: CategoryId) -> ProductId {
    let new = NewProduct { category: Some(category), ..NewProduct::new(name.parse().unwrap(), money("10"), 5) };
    shop.store.product_create(shop.admin(), new).await.unwrap().id
}

fn to(parent: Option<CategoryId>) -> CategoryChange {
    CategoryChange { parent: Some(parent), ..CategoryChange::default() }
}

async fn moved(shop: &Shop, id: CategoryId, parent: Option<CategoryId>) -> Result<(), CatalogError> {
    shop.store.category_update(shop.admin(), id, to(parent), &Expect::Any).await.map(drop)
}

/// The products of a category and of all below it.
async fn found(shop: &Shop, category: CategoryId) -> Vec<ProductId> {
    let wanted = ProductFilter { category: Some(category), ..ProductFilter::default() };
    let page = shop.store.product_list(&wanted, PageRequest::default(), None).await.unwrap();
    assert_eq!(page.count, page.results.len() as u64);
    page.results.iter().map(|product| product.id).collect()
}

async fn a_category_is_found_with_all_that_is_below_it(shop: Shop) {
    let home = shop.category("Home", None).await;
    let kitchen = shop.category("Kitchen", Some(home)).await;
    let (mugs, pans) = (shop.category("Mugs", Some(kitchen)).await, shop.category("Pans", Some(kitchen)).await);
    let garden = shop.category("Garden", None).await;
    let (vase, knife) = (lay(&shop, "Vase", home).await, lay(&shop, "Knife", kitchen).await);
    let (mug, pan) = (lay(&shop, "Mug", mugs).await, lay(&shop, "Pan", pans).await);
    let spade = lay(&shop, "Spade", garden).await;

    assert_eq!(found(&shop, home).await, [vase, knife, mug, pan]);
    assert_eq!(found(&shop, kitchen).await, [knife, mug, pan]);
    assert_eq!(found(&shop, mugs).await, [mug]);
    assert_eq!(found(&shop, garden).await, [spade]);
    assert_eq!(found(&shop, CategoryId::new(4711).unwrap()).await, []);

    let list = shop.store.category_list(None, PageRequest::default()).await.unwrap();
    let parents: Vec<_> = list.results.iter().map(|category| (category.name.as_str(), category.parent)).collect();
    let all = [("Garden", None), ("Home", None), ("Kitchen", Some(home)), ("Mugs", Some(kitchen)), ("Pans", Some(kitchen))];
    assert_eq!(parents, all);
    let of_mug = shop.store.product(mug, None).await.unwrap().category.unwrap();
    assert_eq!((of_mug.id, of_mug.name.as_str()), (mugs, "Mugs"), "a product names its own category");
}

async fn a_category_moves_with_all_that_is_below_it(shop: Shop) {
    let (home, shed) = (shop.category("Home", None).await, shop.category("Shed", None).await);
    let kitchen = shop.category("Kitchen", Some(home)).await;
    let mugs = shop.category("Mugs", Some(kitchen)).await;
    let mug = lay(&shop, "Mug", mugs).await;

    moved(&shop, kitchen, Some(shed)).await.unwrap();
    assert_eq!((found(&shop, home).await, found(&shop, shed).await), (vec![], vec![mug]));
    shop.healthy().await;
    moved(&shop, kitchen, None).await.unwrap();
    assert_eq!((found(&shop, kitchen).await, found(&shop, shed).await), (vec![mug], vec![]));
    assert_eq!(shop.store.category(mugs).await.unwrap().parent, Some(kitchen));
    moved(&shop, home, Some(mugs)).await.unwrap();
    moved(&shop, shed, Some(home)).await.unwrap();
    shop.healthy().await;

    let rename = CategoryChange { name: Some("Cooking".parse().unwrap()), ..CategoryChange::default() };
    let renamed = shop.store.category_update(shop.admin(), mugs, rename, &Expect::Any).await.unwrap();
    assert_eq!(renamed.parent, Some(kitchen), "what is not named stays");
}

async fn a_category_never_stands_below_itself(shop: Shop) {
    let home = shop.category("Home", None).await;
    let kitchen = shop.category("Kitchen", Some(home)).await;
    let mugs = shop.category("Mugs", Some(kitchen)).await;
    for parent in [home, kitchen, mugs] {
        refused!(moved(&shop, home, Some(parent)), CatalogError::Invalid(InvalidField { field: "parent", .. }));
    }
    assert_eq!(shop.store.category(home).await.unwrap().parent, None);
}

async fn two_moves_at_once_make_no_circle(shop: Shop) {
    let other = shop.second_process().await;
    for number in 0..10 {
        let left = shop.category(&format!("Left {number}"), None).await;
        let right = shop.category(&format!("Right {number}"), None).await;
        let below = shop.category(&format!("Below {number}"), Some(right)).await;
        let (one, two) = tokio::join!(moved(&shop, left, Some(below)), moved(&other, right, Some(left)));
        assert_eq!([&one, &two].iter().filter(|moved| moved.is_ok()).count(), 1, "{one:?}, {two:?}");
        shop.healthy().await;
    }
    other.store.close().await;
}

async fn a_move_takes_along_what_comes_at_the_same_time(shop: Shop) {
    let other = shop.second_process().await;
    let home = shop.category("Home", None).await;
    for number in 0..20 {
        let kitchen = shop.category(&format!("Kitchen {number}"), None).await;
        let mugs = shop.category(&format!("Mugs {number}"), Some(kitchen)).await;
        let cups = shop.category(&format!("Cups {number}"), None).await;
        let (one, two) = tokio::join!(moved(&shop, kitchen, Some(home)), moved(&other, cups, Some(mugs)));
        one.and(two).unwrap();
    }
    shop.healthy().await;
    other.store.close().await;
}

async fn a_parent_is_there_and_not_too_deep(shop: Shop) {
    let nowhere = CategoryId::new(4711);
    let below = |parent| NewCategory { parent, ..NewCategory::new("New".parse().unwrap()) };
    let mut levels = vec![shop.category("Level 1", None).await];
    for number in 2..=10 {
        levels.push(shop.category(&format!("Level {number}"), levels.last().copied()).await);
    }
    for parent in [nowhere, Some(levels[9])] {
        let create = shop.store.category_create(shop.admin(), below(parent));
        refused!(create, CatalogError::Invalid(InvalidField { field: "parent", .. }));
    }
    let top = shop.category("Top", None).await;
    for (id, parent) in [(top, nowhere), (levels[0], Some(top)), (top, Some(levels[9]))] {
        refused!(moved(&shop, id, parent), CatalogError::Invalid(InvalidField { field: "parent", .. }));
    }
    moved(&shop, levels[1], Some(top)).await.unwrap();
    moved(&shop, top, Some(levels[0])).await.unwrap_err();
    moved(&shop, levels[9], None).await.unwrap();
    moved(&shop, top, Some(levels[0])).await.unwrap();
}

async fn a_category_with_others_below_it_stays(shop: Shop) {
    let home = shop.category("Home", None).await;
    let kitchen = shop.category("Kitchen", Some(home)).await;
    let mug = lay(&shop, "Mug", kitchen).await;
    let delete = async |id| shop.store.category_delete(shop.admin(), id, &Expect::Any).await;
    refused!(delete(home), CatalogError::CategoryInUse);
    refused!(delete(kitchen), CatalogError::CategoryInUse);
    shop.store.product_delete(shop.admin(), mug, &Expect::Any).await.unwrap();
    refused!(delete(home), CatalogError::CategoryInUse);
    delete(kitchen).await.unwrap();
    delete(home).await.unwrap();
}

async fn nobody_gets_below_a_category_that_goes(shop: Shop) {
    let other = shop.second_process().await;
    for number in 0..10 {
        let home = shop.category(&format!("Home {number}"), None).await;
        let new = NewCategory { parent: Some(home), ..NewCategory::new(format!("Kitchen {number}").parse().unwrap()) };
        let (made, gone) = tokio::join!(
            shop.store.category_create(shop.admin(), new),
            other.store.category_delete(other.admin(), home, &Expect::Any)
        );
        match (made, gone) {
            (Ok(_), Err(CatalogError::CategoryInUse)) => {}
            (Err(CatalogError::Invalid(InvalidField { field: "parent", .. })), Ok(())) => {}
            both => panic!("{both:?}"),
        }
    }
    other.store.close().await;
}

async fn a_move_is_another_revision_and_stands_in_the_log(shop: Shop) {
    let (home, kitchen) = (shop.category("Home", None).await, shop.category("Kitchen", None).await);
    let before = shop.store.category(kitchen).await.unwrap();
    let after = shop.store.category_update(shop.admin(), kitchen, to(Some(home)), &Expect::Any).await.unwrap();
    assert_ne!(before.revision, after.revision);
    let again = shop.store.category_update(shop.admin(), kitchen, to(Some(home)), &Expect::Any).await.unwrap();
    assert_eq!(again, after);

    let log = shop.store.audit_log(shop.admin(), &AuditFilter::default(), PageRequest::default()).await.unwrap();
    assert_eq!((log.count, json!(log.results[0].detail)), (3, json!({"parent": {"from": null, "to": home}})));
}

/// Categories that are older than the tree stand at its top, and are found as before.
#[test]
fn an_older_shop_is_taken_over() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        runtime().block_on(async {
            let Some(database) = Database::create(engine).await else { return };
            migrate_to_9(engine, &database.url).await;
            let shop = Shop::open(&database.url).await;
            let kitchen = CategoryId::new(1).unwrap();
            assert_eq!(shop.store.category(kitchen).await.unwrap().parent, None);
            let mug = found(&shop, kitchen).await;
            assert!(shop.store.product(mug[0], None).await.unwrap().attributes.is_empty());
            shop.category("Mugs", Some(kitchen)).await;
            shop.healthy().await;
            shop.store.close().await;
            database.remove().await;
        });
    }
}

/// A shop as it was before there were attributes and trees, with a product in a category.
async fn migrate_to_9(engine: Engine, url: &str) {
    let rows = "insert into categories (name, name_key, name_words, description, created_at, updated_at)
                values ('Kitchen', 'kitchen', ' kitchen', '', 0, 0);
                insert into products (name, name_key, name_words, description, description_words, price, price_scaled, currency,
                    stock, is_available, category_id, created_at, updated_at)
                values ('Mug', 'mug', ' mug', '', '', 1, 100, 'USD', 0, true, 1, 0, 0);";
    let older = async |folder: &str| {
        let folder = format!("{}/migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
        let mut migrator = Migrator::new(std::path::Path::new(&folder)).await.unwrap();
        migrator.migrations = migrator.iter().filter(|migration| migration.version <= 9).cloned().collect();
        migrator
    };
    match engine {
        Engine::Sqlite => {
            let mut connection = SqliteConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
            older("sqlite").await.run(&mut connection).await.unwrap();
            sqlx::raw_sql(rows).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
        Engine::Postgres => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            // The schema may have served other stories.
            let anew = "do $$ declare name text := current_schema; begin
                            execute format('drop schema %I cascade', name);
                            execute format('create schema %I', name);
                        end $$";
            sqlx::raw_sql(anew).execute(&mut connection).await.unwrap();
            older("postgres").await.run(&mut connection).await.unwrap();
            sqlx::raw_sql(rows).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}
