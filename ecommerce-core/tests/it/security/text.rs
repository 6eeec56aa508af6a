//! S18 to S22: amounts, texts and searches that nobody means well with come to the same on both databases.

use ecommerce_core::{
    CatalogError, Money, Name, NewCategory, NewProduct, Note, PageRequest, ProductChange, ProductFilter, Registration, Sku,
};

use crate::shop::{PASSWORD, Shop, money};

stories![
    s18_the_largest_amounts_are_kept_to_the_cent,
    s20_text_is_kept_as_it_is,
    s20_composed_and_decomposed_names_are_one,
    s20_e_mails_of_other_letters_are_refused_and_case_is_one,
    s21_search_takes_everything_literally,
    s22_a_page_behind_the_last_is_empty_on_every_list,
];

/// What is none of a language's letters, or tries to be something else.
const TEXTS: &[&str] = &[
    "Café ☕",
    "👩‍👩‍👧‍👦 mug",
    "\u{202e}gum\u{202c}",
    "a\u{200b}b",
    "Cre\u{301}me",
    "\u{feff}mug",
    "a\"b\\c",
    "'; drop table products; --",
    "$1 ? :name @p",
    "{{7*7}} ${jndi:ldap://x}",
    "<script>alert(1)</script>",
    "%_%",
    "\u{10ffff}\u{fffd}\u{e000}",
    "مج \u{200f}(كبير)",
    "İıŞß",
];

async fn s18_the_largest_amounts_are_kept_to_the_cent(shop: Shop) {
    for amount in ["0.00", "0.01", "9999999999999.99", "999999999999999 JPY", "999999999999.999 KWD"] {
        let id = shop.product("Mug", amount, 1).await;
        let product = shop.store.product(id, None).await.unwrap();
        assert_eq!(product.price, money(amount), "{amount}");
    }
    for amount in ["10000000000000.00", "1e3", "-1", "0.001", "NaN", "99999999999999999999999999999", "1_000", "+5", " 5"] {
        assert!(Money::parse(amount, "USD".parse().unwrap()).is_err(), "{amount:?} was taken");
    }
}

async fn s20_text_is_kept_as_it_is(shop: Shop) {
    for (number, text) in TEXTS.iter().enumerate() {
        let category = NewCategory { name: text.parse().unwrap(), description: text.parse().unwrap(), parent: None };
        let category = shop.store.category_create(shop.admin(), category).await.unwrap();
        let mut new = NewProduct::new(text.parse().unwrap(), money("5"), 1);
        new.sku = Some(text.parse::<Sku>().unwrap());
        new.description = format!("{text}\r\n{text}").parse().unwrap();
        new.category = Some(category.id);
        let id = shop.store.product_create(shop.admin(), new).await.unwrap().id;
        let read = shop.store.product(id, None).await.unwrap();
        assert_eq!((read.name.as_str(), read.description), (*text, format!("{text}\r\n{text}")));
        assert_eq!(read.sku.unwrap().as_str(), *text);
        assert_eq!(read.category.unwrap().name, *text);

        let ann = Registration {
            email: format!("ann{number}@example.com").parse().unwrap(),
            password: PASSWORD.parse().unwrap(),
            name: Some(text.parse().unwrap()),
        };
        let user = shop.store.register(ann).await.unwrap().user;
        assert_eq!(user.name, *text);
    }
    for text in ["", " ", "\u{0}", "a\u{0}b", "a\r\nb", "\u{200b}", "\u{1b}[31mred"] {
        assert!(text.parse::<Name>().is_err() && text.parse::<Sku>().is_err() && text.parse::<Note>().is_err(), "{text:?}");
    }
}

async fn s20_composed_and_decomposed_names_are_one(shop: Shop) {
    let (composed, decomposed) = ("Crème", "CRE\u{300}ME");
    let new = |name: &str| NewCategory::new(name.parse().unwrap());
    let sweets = shop.store.category_create(shop.admin(), new(decomposed)).await.unwrap();
    assert_eq!(sweets.name, decomposed, "kept as it was written");
    refused!(shop.store.category_create(shop.admin(), new(composed)), CatalogError::NameTaken);
    shop.product(composed, "5", 1).await;
    shop.product(decomposed, "5", 1).await;
    for search in [composed, decomposed, "crè", "cre\u{300}"] {
        assert_eq!(found(&shop, search).await, 2, "{search}");
        assert_eq!(shop.store.category_list(Some(search), PageRequest::default()).await.unwrap().count, 1, "{search}");
    }
}

async fn s20_e_mails_of_other_letters_are_refused_and_case_is_one(shop: Shop) {
    shop.register("Ann").await;
    let again = Registration { email: "aNN@EXAMPLE.com".parse().unwrap(), password: PASSWORD.parse().unwrap(), name: None };
    assert!(shop.store.register(again).await.is_err());
    shop.store.login("ANN@example.COM", PASSWORD).await.unwrap();
    for email in
        ["ánn@example.com", "a\u{301}nn@example.com", "аnn@example.com", "ann@example.com\0", "ann@example.com\r\nBcc: x@y.z"]
    {
        assert!(email.parse::<ecommerce_core::Email>().is_err(), "{email:?} was taken");
        assert!(shop.store.login(email, PASSWORD).await.is_err(), "{email:?} got in");
    }
}

async fn s21_search_takes_everything_literally(shop: Shop) {
    let mug = shop.product("100% wool_scarf NEAR me", "5", 1).await;
    shop.product("Mug", "5", 1).await;
    let everything = [
        "%",
        "_",
        "\\",
        "'",
        "\"",
        "\"mug",
        "mug\" OR 1=1",
        "*",
        "NEAR(a b)",
        "name:x",
        "-x",
        "(",
        ")",
        "& | !",
        ":*",
        "\0",
        "😀",
        "' or '1'='1",
        "x' --",
        "$1",
        "?1",
        "mug <-> x",
        "^x",
        "{x y}",
        "a AND (",
    ];
    for search in everything {
        let count = found(&shop, search).await;
        assert!(count == 0 || !search.contains(['%', '_', '\\', '*']), "{search:?} found {count}");
    }
    for (search, count) in [("100%", 1), ("wool_scarf", 1), ("wool%scarf", 1), ("near", 1), ("%mug%", 1), ("m_g", 0), ("m%", 2)] {
        assert_eq!(found(&shop, search).await, count, "{search:?}");
    }
    for long in ["x".repeat(10_000), "x ".repeat(5_000), "%".repeat(10_000), "\u{301}".repeat(10_000)] {
        assert_eq!(found(&shop, &long).await, 0);
    }
    let hidden = ProductChange { is_available: Some(false), ..ProductChange::default() };
    shop.change(mug, hidden).await;
    assert_eq!(found(&shop, "wool").await, 0, "a search shows nothing that is hidden");
}

async fn found(shop: &Shop, search: &str) -> u64 {
    let filter = ProductFilter { search: Some(search.to_owned()), ..ProductFilter::default() };
    shop.store.product_list(&filter, PageRequest::default(), None).await.unwrap().count
}

async fn s22_a_page_behind_the_last_is_empty_on_every_list(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "5", 9).await;
    shop.order(&ann, &[(mug, 1)]).await;
    let last = PageRequest::new(PageRequest::MAX_NUMBER, PageRequest::MAX_SIZE).unwrap();
    let products = shop.store.product_list(&ProductFilter::default(), last, None).await.unwrap();
    assert_eq!((products.count, products.results.len(), products.next()), (1, 0, None));
    assert_eq!(shop.store.category_list(None, last).await.unwrap().results, []);
    let orders = shop.store.order_list(shop.admin(), &Default::default(), last).await.unwrap();
    assert_eq!((orders.count, orders.results.len()), (1, 0));
    for (number, size) in [(0, 20), (PageRequest::MAX_NUMBER + 1, 20), (u32::MAX, 20), (1, 0), (1, 101), (1, u32::MAX)] {
        assert!(PageRequest::new(number, size).is_err(), "page {number} of {size} was taken");
    }
}
