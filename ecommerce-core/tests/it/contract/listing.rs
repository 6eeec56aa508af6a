//! How products and categories are found: words, filters, orders, pages.

use ecommerce_core::{
    Category, CategoryId, NewCategory, NewProduct, Ordering, PageRequest, Product, ProductChange, ProductFilter, ProductId,
};

use crate::shop::{Shop, minutes, money};

stories![
    words_are_found_by_their_beginnings_in_any_case,
    what_looks_like_syntax_is_only_text,
    categories_are_found_by_their_names,
    filters_narrow_and_combine,
    in_stock_means_it_can_be_bought,
    lists_have_six_orders,
    a_list_comes_in_pages,
];

async fn find(shop: &Shop, filter: &ProductFilter) -> Vec<String> {
    let page = shop.store.product_list(filter, PageRequest::default(), None).await.unwrap();
    assert_eq!(page.count, u64::try_from(page.results.len()).unwrap());
    page.results.into_iter().map(|product| product.name).collect()
}

async fn search(shop: &Shop, words: &str) -> Vec<String> {
    let mut names = find(shop, &ProductFilter { search: Some(words.to_owned()), ..ProductFilter::default() }).await;
    names.sort();
    names
}

async fn category(shop: &Shop, name: &str) -> CategoryId {
    let new = NewCategory { name: name.parse().unwrap(), description: "Whatever it holds.".parse().unwrap(), parent: None };
    shop.store.category_create(shop.admin(), new).await.unwrap().id
}

async fn product(shop: &Shop, name: &str, description: &str, category: Option<CategoryId>) -> Product {
    let description = description.parse().unwrap();
    let new = NewProduct { description, category, ..NewProduct::new(name.parse().unwrap(), money("10"), 5) };
    shop.store.product_create(shop.admin(), new).await.unwrap()
}

async fn words_are_found_by_their_beginnings_in_any_case(shop: Shop) {
    let garden = category(&shop, "Garden tools").await;
    product(&shop, "Spade", "For digging holes.", Some(garden)).await;
    product(&shop, "Clay plant pot (large)", "With a hole in its bottom.", Some(garden)).await;
    product(&shop, "Coffee pot", "Keeps ÖSTERREICH's coffee hot.", None).await;
    for (words, expected) in [
        ("spade", &["Spade"][..]),
        ("SPADE", &["Spade"]),
        ("  spa  ", &["Spade"]),
        ("pot", &["Clay plant pot (large)", "Coffee pot"]),
        ("plant pot", &["Clay plant pot (large)"]),
        ("pot plant", &["Clay plant pot (large)"]),
        ("large", &["Clay plant pot (large)"]),
        ("hole", &["Clay plant pot (large)", "Spade"]),
        ("garden", &["Clay plant pot (large)", "Spade"]),
        ("garden dig", &["Spade"]),
        ("österreich", &["Coffee pot"]),
        ("ade", &[]),
        ("teapot", &[]),
        ("pot spade", &[]),
    ] {
        assert_eq!(search(&shop, words).await, expected, "{words:?}");
    }
}

async fn what_looks_like_syntax_is_only_text(shop: Shop) {
    product(&shop, "Mug", "100% clay, under_glazed", None).await;
    product(&shop, "O'Neil's \"best\" cup", "", None).await;
    for (words, expected) in
        [("%", &[][..]), ("_", &[]), ("mu%", &["Mug"]), ("m_p", &[]), ("100%", &["Mug"]), ("o'neil", &["O'Neil's \"best\" cup"])]
    {
        assert_eq!(search(&shop, words).await, expected, "{words:?}");
    }
    let long = "mug ".repeat(2500);
    for words in [
        "'",
        "\"",
        "\\",
        "%",
        "_",
        "\\%",
        "mug'--",
        "mug; drop table products",
        "mug OR cup",
        "NEAR(mug cup)",
        "mug*",
        "mug:*",
        "-mug",
        "name:mug",
        "(mug",
        "mug & cup | !x",
        "<->",
        "{mug}",
        "[m-u]ug",
        "?",
        "$1",
        "\u{202e}mug",
        "☕",
        "\u{0}",
        &long,
    ] {
        search(&shop, words).await;
        shop.store.category_list(Some(words), PageRequest::default()).await.unwrap();
    }
}

async fn categories_are_found_by_their_names(shop: Shop) {
    for name in ["Kitchen", "Garden tools", "Tool boxes"] {
        category(&shop, name).await;
    }
    for (words, expected) in [
        (None, &["Kitchen", "Garden tools", "Tool boxes"][..]),
        (Some("tool"), &["Garden tools", "Tool boxes"]),
        (Some("KIT"), &["Kitchen"]),
    ] {
        let page = shop.store.category_list(words, PageRequest::default()).await.unwrap();
        let mut names: Vec<_> = page.results.iter().map(|Category { name, .. }| name.as_str()).collect();
        names.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(names, expected, "{words:?}");
    }
}

async fn filters_narrow_and_combine(shop: Shop) {
    let kitchen = category(&shop, "Kitchen").await;
    for (name, price, category) in
        [("Fork", "2.50", Some(kitchen)), ("Knife", "4", Some(kitchen)), ("Spade", "25", None), ("Yen mug", "3 JPY", None)]
    {
        let new = NewProduct { category, ..NewProduct::new(name.parse().unwrap(), money(price), 5) };
        shop.store.product_create(shop.admin(), new).await.unwrap();
    }
    let price = |text: &str| Some(text.parse().unwrap());
    let all = ProductFilter { ordering: Some(Ordering::Name), ..ProductFilter::default() };
    for (filter, expected) in [
        (ProductFilter { category: Some(kitchen), ..all.clone() }, &["Fork", "Knife"][..]),
        (ProductFilter { category: CategoryId::new(4711), ..all.clone() }, &[]),
        (ProductFilter { min_price: price("4"), ..all.clone() }, &["Knife", "Spade"]),
        (ProductFilter { min_price: price("4.001"), ..all.clone() }, &["Spade"]),
        (ProductFilter { max_price: price("4.00"), ..all.clone() }, &["Fork", "Knife", "Yen mug"]),
        (ProductFilter { min_price: price("2.50"), max_price: price("3"), ..all.clone() }, &["Fork", "Yen mug"]),
        (ProductFilter { min_price: price("9999999999999999999"), ..all.clone() }, &[]),
        (
            ProductFilter { category: Some(kitchen), min_price: price("3"), search: Some("kitchen".to_owned()), ..all.clone() },
            &["Knife"],
        ),
    ] {
        assert_eq!(find(&shop, &filter).await, expected, "{filter:?}");
    }
}

async fn in_stock_means_it_can_be_bought(shop: Shop) {
    let ann = shop.customer("ann").await;
    shop.product("Free", "10", 2).await;
    shop.product("Sold out", "10", 0).await;
    let reserved = shop.product("Reserved", "10", 2).await;
    shop.order(&ann, &[(reserved, 2)]).await;
    let in_stock = |wanted| ProductFilter { in_stock: Some(wanted), ordering: Some(Ordering::Name), ..ProductFilter::default() };
    assert_eq!(find(&shop, &in_stock(true)).await, ["Free"]);
    assert_eq!(find(&shop, &in_stock(false)).await, ["Reserved", "Sold out"]);
    shop.wait(minutes(35)).await;
    assert_eq!(find(&shop, &in_stock(true)).await, ["Free", "Reserved"]);
}

async fn lists_have_six_orders(shop: Shop) {
    for (name, price) in [("banana", "2"), ("Apple", "3"), ("cherry", "1")] {
        shop.product(name, price, 5).await;
        shop.advance(minutes(1));
    }
    for (ordering, expected) in [
        (None, ["banana", "Apple", "cherry"]),
        (Some(Ordering::Name), ["Apple", "banana", "cherry"]),
        (Some(Ordering::NameDescending), ["cherry", "banana", "Apple"]),
        (Some(Ordering::Price), ["cherry", "banana", "Apple"]),
        (Some(Ordering::PriceDescending), ["Apple", "banana", "cherry"]),
        (Some(Ordering::CreatedAt), ["banana", "Apple", "cherry"]),
        (Some(Ordering::CreatedAtDescending), ["cherry", "Apple", "banana"]),
    ] {
        assert_eq!(find(&shop, &ProductFilter { ordering, ..ProductFilter::default() }).await, expected, "{ordering:?}");
    }
}

async fn a_list_comes_in_pages(shop: Shop) {
    let mut made: Vec<ProductId> = Vec::new();
    for _ in 0..5 {
        // All alike, so that only the ids tell them apart.
        made.push(shop.product("Mug", "10", 5).await);
    }
    let hidden = shop.product("Mug", "10", 5).await;
    shop.change(hidden, ProductChange { is_available: Some(false), ..ProductChange::default() }).await;
    for &ordering in Ordering::ALL {
        let filter = ProductFilter { ordering: Some(ordering), ..ProductFilter::default() };
        let (mut seen, mut wanted) = (Vec::new(), Some(PageRequest::first(2).unwrap()));
        while let Some(request) = wanted {
            let page = shop.store.product_list(&filter, request, None).await.unwrap();
            assert_eq!((page.count, page.previous()), (5, request.at(request.number() - 1).ok()));
            seen.extend(page.results.iter().map(|product| product.id));
            wanted = page.next();
        }
        seen.sort_unstable();
        assert_eq!(seen, made, "{ordering}: every product is on one page");
    }
    let deep = PageRequest::new(PageRequest::MAX_NUMBER, PageRequest::MAX_SIZE).unwrap();
    let page = shop.store.product_list(&ProductFilter::default(), deep, None).await.unwrap();
    assert_eq!((page.count, page.results.len(), page.next()), (5, 0, None));
}
