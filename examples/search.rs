//! A tea shop, searched: `cargo run --example search`, or `cargo run --example search -- "green -tin"` for words of your own.

use ecommerce_core::{Attributes, FacetName, Look, Money, NewCategory, NewProduct, PageRequest, ProductFilter, Store};

/// Name, category, color, price.
const TEAS: &[(&str, &str, &str, &str)] = &[
    ("Sencha green tea", "Tea", "green", "9.50"),
    ("Genmaicha green tea", "Tea", "green", "8.00"),
    ("Earl Grey black tea", "Tea", "black", "6.50"),
    ("Crème brûlée rooibos", "Tea", "red", "7.25"),
    ("Tea tin for green tea", "Storage", "green", "12.00"),
    ("Cast iron teapot", "Pots", "black", "49.00"),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Store::open("sqlite::memory:").await?;
    fill(&store).await?;
    if let Some(words) = std::env::args().nth(1) {
        return show(&store, &words).await;
    }
    for words in ["tea", "green te", "\"green tea\" -tin", "creme", "sencah"] {
        show(&store, words).await?;
    }

    // Filters narrow, and each facet counts what there would be without its own filter.
    let black = ProductFilter { attributes: [("color".to_owned(), vec!["black".to_owned()])].into(), ..ProductFilter::default() };
    let facets: [FacetName; 2] = ["attr.color".parse()?, "price".parse()?];
    let found = store.product_search(&black, &Look { facets: &facets, ..Look::default() }, None).await?;
    println!("black: {} products, {}", found.page.count, serde_json::to_string(&found.facets)?);
    assert_eq!(found.facets.values["attr.color"].len(), 3);

    // A cursor goes on where the page before ended, whatever happened meanwhile.
    let (all, page) = (ProductFilter::default(), PageRequest::first(4)?);
    let first = store.product_search(&all, &Look { page, ..Look::default() }, None).await?;
    let rest = store.product_search(&all, &Look { page, cursor: first.next_cursor.as_deref(), ..Look::default() }, None).await?;
    assert_eq!(first.page.results.len() + rest.page.results.len(), TEAS.len());

    let suggestions = store.search_suggest("te", None).await?;
    println!("\"te\" suggests {}", serde_json::to_string(&suggestions)?);
    Ok(())
}

async fn show(store: &Store, words: &str) -> Result<(), Box<dyn std::error::Error>> {
    let filter = ProductFilter { search: Some(words.to_owned()), ..ProductFilter::default() };
    let found = store.product_list(&filter, PageRequest::default(), None).await?;
    let names: Vec<_> = found.results.iter().map(|product| product.name.as_str()).collect();
    println!("{words}: {}", names.join(", "));
    Ok(())
}

async fn fill(store: &Store) -> Result<(), Box<dyn std::error::Error>> {
    let shop = store.system();
    for (name, category, color, price) in TEAS {
        let known = store.category_list(Some(category), PageRequest::default()).await?.results.pop();
        let category = match known {
            Some(category) => category,
            None => store.category_create(shop.admin(), NewCategory::new(category.parse()?)).await?,
        };
        let new = NewProduct {
            category: Some(category.id),
            attributes: Attributes::new([("color", color)])?,
            ..NewProduct::new(name.parse()?, Money::parse(price, store.currency())?, 10)
        };
        store.product_create(shop.admin(), new).await?;
    }
    Ok(())
}
