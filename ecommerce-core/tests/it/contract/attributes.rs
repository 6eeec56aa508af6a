//! What products are like, by name: written, read, changed, imported.

use ecommerce_core::{
    Attributes, AuditFilter, Expect, ImportReport, ImportRow, NewProduct, PageRequest, Product, ProductChange, ProductFilter,
};
use serde_json::json;

use crate::shop::{Shop, money};

stories![
    a_product_has_its_attributes_wherever_it_is_read,
    a_change_replaces_all_of_them_or_leaves_them,
    each_change_of_them_is_another_revision_and_stands_in_the_log,
    an_import_writes_those_of_its_rows,
    a_deleted_product_leaves_none,
];

fn attributes(lines: &str) -> Attributes {
    lines.parse().unwrap()
}

async fn mug(shop: &Shop, lines: &str) -> Product {
    let new = NewProduct { attributes: attributes(lines), ..NewProduct::new("Mug".parse().unwrap(), money("10"), 5) };
    shop.store.product_create(shop.admin(), new).await.unwrap()
}

async fn edit(shop: &Shop, product: &Product, lines: &str) -> Product {
    let change = ProductChange { attributes: Some(attributes(lines)), ..ProductChange::default() };
    shop.store.product_update(shop.admin(), product.id, change, &Expect::Any).await.unwrap()
}

async fn a_product_has_its_attributes_wherever_it_is_read(shop: Shop) {
    let red = mug(&shop, "size=M\nColor=red").await;
    let plain = shop.store.product(shop.product("Plate", "10", 5).await, None).await.unwrap();
    let odd = mug(&shop, "quote='\"\\\nGröße=½ = half\n🏺=a\u{2028}b").await;
    assert_eq!(red.attributes.iter().collect::<Vec<_>>(), [("Color", "red"), ("size", "M")]);
    assert_eq!((plain.attributes.is_empty(), odd.attributes.get("größe")), (true, Some("½ = half")));
    assert_eq!((odd.attributes.len(), odd.attributes.get("🏺")), (3, Some("a\u{2028}b")));

    let all = [red, plain, odd];
    for product in &all {
        assert_eq!(&shop.store.product(product.id, None).await.unwrap(), product);
    }
    let page = shop.store.product_list(&ProductFilter::default(), PageRequest::default(), None).await.unwrap();
    assert_eq!(page.results, all);
    assert_eq!(shop.store.product_walk(shop.admin(), None, 10).await.unwrap(), all);
}

async fn a_change_replaces_all_of_them_or_leaves_them(shop: Shop) {
    let (mug, other) = (mug(&shop, "color=red\nsize=M").await, mug(&shop, "color=red").await);
    shop.change(mug.id, ProductChange { stock: Some(6), ..ProductChange::default() }).await;
    assert_eq!(shop.store.product(mug.id, None).await.unwrap().attributes, mug.attributes);
    assert_eq!(edit(&shop, &mug, "Color=blue\nbrand=ACME").await.attributes, attributes("brand=ACME\nColor=blue"));
    assert!(edit(&shop, &mug, "").await.attributes.is_empty());
    assert_eq!(shop.store.product(other.id, None).await.unwrap(), other);
}

async fn each_change_of_them_is_another_revision_and_stands_in_the_log(shop: Shop) {
    let red = mug(&shop, "color=red").await;
    let mut seen = vec![red.revision.clone()];
    for lines in ["color=Red", "Color=Red", "Color=Red\nsize=M", ""] {
        let changed = edit(&shop, &red, lines).await;
        assert!(!seen.contains(&changed.revision), "{lines:?} is no other state");
        seen.push(changed.revision);
    }
    assert_eq!(edit(&shop, &red, "").await.revision, seen[4], "nothing changed");

    let log = shop.store.audit_log(shop.admin(), &AuditFilter::default(), PageRequest::default()).await.unwrap();
    assert_eq!(log.count, 5);
    let change = json!({"attributes": {"from": {"Color": "Red", "size": "M"}, "to": {}}});
    assert_eq!(json!(log.results[0].detail), change);
}

async fn an_import_writes_those_of_its_rows(shop: Shop) {
    let row = |line, name: &str, lines: Option<&str>| ImportRow {
        line,
        name: name.parse().unwrap(),
        price: money("10"),
        stock: 5,
        category: None,
        description: None,
        is_available: None,
        sku: None,
        attributes: lines.map(attributes),
    };
    let import = async |rows: &[ImportRow]| shop.store.product_import(shop.admin(), rows, &mut |_| {}).await.unwrap();
    let names: Vec<_> = (0..600).map(|number| format!("Mug {number}")).collect();
    let rows: Vec<_> = (2..).zip(&names).map(|(line, name)| row(line, name, Some(&format!("number={name}")))).collect();
    assert_eq!(import(&rows).await.created, 600);
    let walked = shop.store.product_walk(shop.admin(), None, 1000).await.unwrap();
    assert!(walked.iter().all(|product| product.attributes.get("number") == Some(&product.name)), "each has its own");
    assert_eq!(walked.iter().map(|product| &product.name).collect::<Vec<_>>(), names.iter().collect::<Vec<_>>());
    assert_eq!(import(&rows).await.unchanged, 600);

    let changed = [row(2, "Mug 7", None), row(3, "Mug 8", Some("number=eight")), row(4, "Mug 9", Some(""))];
    assert_eq!(import(&changed).await, ImportReport { updated: 2, unchanged: 1, ..ImportReport::default() });
    let walked = shop.store.product_walk(shop.admin(), Some(walked[6].id), 3).await.unwrap();
    let numbers: Vec<_> = walked.iter().map(|product| product.attributes.get("number")).collect();
    assert_eq!(numbers, [Some("Mug 7"), Some("eight"), None]);
}

async fn a_deleted_product_leaves_none(shop: Shop) {
    let (mug, other) = (mug(&shop, "color=red").await, mug(&shop, "color=blue").await);
    shop.store.product_delete(shop.admin(), mug.id, &Expect::Any).await.unwrap();
    assert_eq!(shop.texts("select value from product_attributes").await, ["blue"]);
    assert_eq!(shop.store.product(other.id, None).await.unwrap(), other);
}
