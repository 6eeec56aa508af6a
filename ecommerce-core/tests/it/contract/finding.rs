//! What a search finds first, what it counts, and where its pages go on: the same on both databases.

use std::collections::BTreeMap;

use ecommerce_core::{
    Attributes, CatalogError, CategoryId, CountIs, Expect, Found, ImportRow, InvalidField, Look, NewCategory, NewProduct,
    Ordering, PageRequest, ProductChange, ProductFilter, ProductId,
};

use crate::shop::{Shop, money};

stories![
    fifty_searches_find_what_is_meant_first,
    slips_of_the_finger_are_forgiven_behind_what_is_called_so,
    by_another_order_slips_are_forgiven_where_nothing_is_called_so,
    a_product_is_found_as_it_is_now,
    a_category_that_is_renamed_is_found_by_its_new_name,
    a_category_that_is_renamed_while_products_come_into_it_is_found_by_its_new_name,
    attributes_narrow_one_name_by_any_and_all_names_by_all,
    facets_count_without_their_own_filter,
    nobody_sees_or_counts_what_is_hidden,
    cursors_go_on_while_products_come_and_go,
    cursors_are_refused_that_are_not_of_the_list,
    the_best_sold_come_first,
    suggestions_are_five_of_each,
    what_was_there_before_the_index_is_found,
    what_is_bounded_is_refused_or_empty,
    of_very_many_hits_the_best_are_still_first,
];

/// Name, SKU, attributes, description, category.
type Listed = (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str, &'static str);

const CATALOG: &[Listed] = &[
    ("Sencha green tea", "TEA-100", &[("origin", "Japan"), ("color", "green")], "Steamed leaves, 100 g.", "Loose tea"),
    ("Genmaicha", "TEA-101", &[("origin", "Japan"), ("color", "green")], "Green tea with roasted rice.", "Loose tea"),
    ("Earl Grey black tea", "TEA-200", &[("origin", "India"), ("color", "black")], "With bergamot oil.", "Loose tea"),
    ("Crème brûlée rooibos", "ROO-1", &[("origin", "South Africa"), ("color", "red")], "Sweet, without caffeine.", "Loose tea"),
    ("Tea tin for green tea", "TIN-1", &[("material", "steel")], "Keeps 250 g fresh.", "Storage"),
    ("Cast iron teapot", "POT-1", &[("color", "black"), ("material", "iron")], "Holds one litre.", "Pots"),
    ("Glass teapot", "POT-2", &[("material", "glass")], "See your green tea unfold.", "Pots"),
    ("Ceramic mug", "MUG-300", &[("color", "Blue"), ("size", "M")], "Holds 300 ml of tea or coffee.", "Mugs"),
    ("Ceramic mug, large", "MUG-500", &[("color", "blue"), ("size", "L")], "Holds 500 ml.", "Mugs"),
    ("Enamel mug", "MUG-E", &[("color", "red"), ("size", "M")], "For the camp fire.", "Mugs"),
    ("Mug", "M-0", &[], "Just that.", "Mugs"),
    ("Desk lamp", "LAMP-1", &[("color", "black")], "Bends where you want it.", "Lamps"),
    ("Lampshade", "LAMP-S", &[("color", "red")], "For a desk lamp.", "Lamps"),
    ("Camping stove", "ST-1", &[], "Boils water for a mug.", "Outdoor"),
    ("Kaffeemühle Größe 2", "KM-2", &[("Größe", "2")], "Mahlt fein.", "Outdoor"),
];

/// What is typed, and the names of the first hits.
const SEARCHES: &[(&str, &[&str])] = &[
    ("tea", &["Tea tin for green tea", "Sencha green tea", "Earl Grey black tea", "Glass teapot", "Cast iron teapot"]),
    ("TEA", &["Tea tin for green tea"]),
    ("green tea", &["Tea tin for green tea", "Sencha green tea"]),
    ("tea green", &["Tea tin for green tea", "Sencha green tea"]),
    ("\"green tea\"", &["Sencha green tea", "Tea tin for green tea"]),
    ("\"green tea\" -tin", &["Sencha green tea"]),
    ("\"tea green\"", &[]),
    ("green -tea", &[]),
    ("green tea -sencha", &["Tea tin for green tea"]),
    ("sencha", &["Sencha green tea"]),
    ("senc", &["Sencha green tea"]),
    ("s", &["Sencha green tea"]),
    ("sencah", &["Sencha green tea"]),
    ("senccha", &["Sencha green tea"]),
    ("sencha teas", &[]),
    ("genmaicha", &["Genmaicha"]),
    ("creme", &["Crème brûlée rooibos"]),
    ("CRÈME BRÛLÉE", &["Crème brûlée rooibos"]),
    ("cre\u{300}me bru\u{302}le\u{301}e", &["Crème brûlée rooibos"]),
    ("rooibos south", &["Crème brûlée rooibos"]),
    ("kaffeemuhle", &["Kaffeemühle Größe 2"]),
    ("GRÖSSE", &["Kaffeemühle Größe 2"]),
    ("größe", &["Kaffeemühle Größe 2"]),
    ("teapot", &["Glass teapot", "Cast iron teapot"]),
    ("iron", &["Cast iron teapot"]),
    ("pot", &["Glass teapot", "Cast iron teapot"]),
    ("pots glass", &["Glass teapot"]),
    ("mug", &["Mug", "Ceramic mug", "Enamel mug", "Ceramic mug, large", "Camping stove"]),
    ("mugs", &["Mug", "Ceramic mug", "Enamel mug", "Ceramic mug, large"]),
    ("ceramic mug", &["Ceramic mug", "Ceramic mug, large"]),
    ("mug-300", &["Ceramic mug"]),
    ("mug300", &["Ceramic mug"]),
    ("MUG 500", &["Ceramic mug, large"]),
    ("mug e", &["Enamel mug"]),
    ("mug blue", &["Ceramic mug", "Ceramic mug, large"]),
    ("blue l", &["Ceramic mug, large"]),
    ("mug -blue", &["Mug", "Enamel mug", "Camping stove"]),
    ("mug -mugs", &["Camping stove"]),
    ("red", &["Lampshade", "Enamel mug", "Crème brûlée rooibos"]),
    ("red mug", &["Enamel mug"]),
    ("lamp", &["Desk lamp", "Lampshade"]),
    ("lampp", &["Desk lamp"]),
    ("lmap", &["Desk lamp"]),
    ("desk lamp", &["Desk lamp", "Lampshade"]),
    ("japan", &["Genmaicha", "Sencha green tea"]),
    ("bergamot", &["Earl Grey black tea"]),
    ("camp", &["Camping stove", "Enamel mug"]),
    ("tea for two", &[]),
    ("\"camp fire", &["Enamel mug"]),
    ("the", &["Enamel mug"]),
    ("-mug", &[]),
    ("\"\"", &[]),
    ("* OR NEAR(", &[]),
];

async fn fill(shop: &Shop) -> BTreeMap<&'static str, CategoryId> {
    let mut categories = BTreeMap::new();
    for &(name, sku, attributes, description, category) in CATALOG {
        if !categories.contains_key(category) {
            categories.insert(category, make_category(shop, category, None).await);
        }
        let new = NewProduct {
            sku: Some(sku.parse().unwrap()),
            attributes: Attributes::new(attributes.iter().copied()).unwrap(),
            description: description.parse().unwrap(),
            category: categories.get(category).copied(),
            ..NewProduct::new(name.parse().unwrap(), money("10"), 5)
        };
        shop.store.product_create(shop.admin(), new).await.unwrap();
    }
    categories
}

async fn make_category(shop: &Shop, name: &str, parent: Option<CategoryId>) -> CategoryId {
    let new = NewCategory { parent, ..NewCategory::new(name.parse().unwrap()) };
    shop.store.category_create(shop.admin(), new).await.unwrap().id
}

fn searching(text: &str) -> ProductFilter {
    ProductFilter { search: Some(text.to_owned()), ..ProductFilter::default() }
}

fn attributes(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    pairs.iter().map(|(name, values)| ((*name).to_owned(), values.iter().map(|value| (*value).to_owned()).collect())).collect()
}

async fn names(shop: &Shop, filter: &ProductFilter) -> Vec<String> {
    let page = shop.store.product_list(filter, PageRequest::default(), None).await.unwrap();
    assert_eq!(page.count, u64::try_from(page.results.len()).unwrap(), "{filter:?}");
    page.results.into_iter().map(|product| product.name).collect()
}

async fn with_facets(shop: &Shop, filter: &ProductFilter, facets: &[&str]) -> Found {
    let facets: Vec<_> = facets.iter().map(|facet| facet.parse().unwrap()).collect();
    shop.store.product_search(filter, &Look { facets: &facets, ..Look::default() }, None).await.unwrap()
}

/// A facet as one line.
fn told(found: &Found, facet: &str) -> String {
    let facets = &found.facets;
    let counts: Vec<_> = match facet {
        "price" => return format!("{:?}", facets.price.as_ref().map(|range| (&range.min, &range.max)).unwrap()),
        "category" => facets.category.iter().flatten().map(|one| format!("{} {}", one.name, one.count)).collect(),
        _ => facets.values[facet].iter().map(|one| format!("{} {}", one.value, one.count)).collect(),
    };
    counts.join(", ")
}

async fn fifty_searches_find_what_is_meant_first(shop: Shop) {
    fill(&shop).await;
    assert!(SEARCHES.len() >= 50);
    let mut wrong = Vec::new();
    for (typed, expected) in SEARCHES {
        let found = names(&shop, &searching(typed)).await;
        let first = if expected.is_empty() { found.as_slice() } else { &found[..expected.len().min(found.len())] };
        if first != *expected {
            wrong.push(format!("{typed:?} finds {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn slips_of_the_finger_are_forgiven_behind_what_is_called_so(shop: Shop) {
    let lamp = shop.product("Lamp", "10", 5).await;
    let lampp = shop.product("Clamp of the brand Lampp", "10", 5).await;
    assert_eq!(names(&shop, &searching("lampp")).await, ["Clamp of the brand Lampp", "Lamp"]);
    assert_eq!(names(&shop, &searching("lampp -brand")).await, ["Lamp"]);
    shop.change(lampp, ProductChange { is_available: Some(false), ..ProductChange::default() }).await;
    assert_eq!(names(&shop, &searching("lampp")).await, ["Lamp"]);
    let page = PageRequest::first(1).unwrap();
    let one = Look { page, ..Look::default() };
    let first = shop.store.product_search(&searching("lampp"), &one, Some(shop.admin())).await.unwrap();
    assert_eq!((first.page.results[0].id, first.page.count), (lampp, 2));
    let behind = Look { cursor: first.next_cursor.as_deref(), ..one };
    let second = shop.store.product_search(&searching("lampp"), &behind, Some(shop.admin())).await.unwrap();
    assert_eq!((second.page.results[0].id, second.next_cursor), (lamp, None));
    let walk = first.next_cursor;
    // What is called so often is not guessed at, and a filter or a word left out is no reason to guess either.
    for number in 0..10 {
        shop.product(&format!("Lampp {number}"), "20", 5).await;
    }
    assert_eq!(names(&shop, &searching("lampp")).await.len(), 10);
    let behind = Look { page: PageRequest::first(20).unwrap(), cursor: walk.as_deref(), ..Look::default() };
    let rest = shop.store.product_search(&searching("lampp"), &behind, Some(shop.admin())).await.unwrap().page;
    assert!(rest.results.iter().any(|product| product.id == lamp), "who walks on is not left without what was forgiven before");
    let cheap = ProductFilter { max_price: Some(15.into()), ..searching("lampp") };
    assert_eq!(names(&shop, &cheap).await, [] as [&str; 0]);
    assert_eq!(names(&shop, &searching("lampp -lampp")).await, [] as [&str; 0]);
}

async fn by_another_order_slips_are_forgiven_where_nothing_is_called_so(shop: Shop) {
    shop.product("Lamp", "10", 5).await;
    shop.product("Lampp", "20", 5).await;
    let by_price = |text: &str| ProductFilter { ordering: Some(Ordering::Price), ..searching(text) };
    assert_eq!(names(&shop, &by_price("lampp")).await, ["Lampp"], "nothing stands before what was meant");
    assert_eq!(names(&shop, &by_price("lammp")).await, ["Lamp", "Lampp"]);
}

async fn a_product_is_found_as_it_is_now(shop: Shop) {
    let mug = shop.product("Mug", "10", 5).await;
    shop.change(mug, ProductChange { name: Some("Beaker".parse().unwrap()), ..ProductChange::default() }).await;
    assert_eq!(names(&shop, &searching("mug")).await, [] as [&str; 0]);
    assert_eq!(names(&shop, &searching("beaker")).await, ["Beaker"]);
    let colored = Some(Attributes::new([("color", "teal")]).unwrap());
    shop.change(mug, ProductChange { attributes: colored, sku: Some("BK-9".parse().ok()), ..ProductChange::default() }).await;
    assert_eq!(names(&shop, &searching("teal bk9")).await, ["Beaker"]);
    shop.store.product_delete(shop.admin(), mug, &Expect::Any).await.unwrap();
    assert_eq!(names(&shop, &searching("beaker")).await, [] as [&str; 0]);
}

async fn a_category_that_is_renamed_is_found_by_its_new_name(shop: Shop) {
    let kitchen = make_category(&shop, "Kitchen", None).await;
    let cups = make_category(&shop, "Cups", Some(kitchen)).await;
    let new = NewProduct { category: Some(cups), ..NewProduct::new("Beaker".parse().unwrap(), money("10"), 5) };
    shop.store.product_create(shop.admin(), new).await.unwrap();
    for words in ["cups", "kitchen", "kitchen beaker", "kithcen"] {
        assert_eq!(names(&shop, &searching(words)).await, ["Beaker"], "{words}");
    }
    let change = ecommerce_core::CategoryChange { name: Some("Galley".parse().unwrap()), ..Default::default() };
    shop.store.category_update(shop.admin(), kitchen, change, &Expect::Any).await.unwrap();
    assert_eq!(names(&shop, &searching("kitchen")).await, [] as [&str; 0]);
    assert_eq!(names(&shop, &searching("galley")).await, ["Beaker"]);
    let change = ecommerce_core::CategoryChange { parent: Some(None), ..Default::default() };
    shop.store.category_update(shop.admin(), cups, change, &Expect::Any).await.unwrap();
    assert_eq!(names(&shop, &searching("galley")).await, [] as [&str; 0], "it moved out of the galley");
    assert_eq!(names(&shop, &searching("beaker cups")).await, ["Beaker"]);
}

async fn a_category_that_is_renamed_while_products_come_into_it_is_found_by_its_new_name(shop: Shop) {
    let top = make_category(&shop, "Name0", None).await;
    let below = make_category(&shop, "Shelf", Some(top)).await;
    let other = shop.second_process().await;
    for round in 1..=10 {
        let rename = async {
            let name = Some(format!("Name{round}").parse().unwrap());
            let change = ecommerce_core::CategoryChange { name, ..Default::default() };
            other.store.category_update(other.admin(), top, change, &Expect::Any).await.unwrap();
        };
        let make = async {
            for _ in 0..4 {
                let new = NewProduct { category: Some(below), ..NewProduct::new("Beaker".parse().unwrap(), money("10"), 5) };
                shop.store.product_create(shop.admin(), new).await.unwrap();
            }
        };
        tokio::join!(rename, make);
        let found = shop.store.product_list(&searching(&format!("name{round}")), PageRequest::default(), None).await.unwrap();
        assert_eq!(found.count, 4 * round, "all by the new name");
        assert_eq!(names(&shop, &searching(&format!("\"name{}\"", round - 1))).await, [] as [&str; 0], "none by the old one");
    }
}

async fn attributes_narrow_one_name_by_any_and_all_names_by_all(shop: Shop) {
    fill(&shop).await;
    for (pairs, expected) in [
        (&[("color", &["blue"][..])][..], &["Ceramic mug", "Ceramic mug, large"][..]),
        (&[("COLOR", &["BLUE"])], &["Ceramic mug", "Ceramic mug, large"]),
        (&[("color", &["blue", "red"]), ("size", &["M"])], &["Ceramic mug", "Enamel mug"]),
        (&[("color", &["blue"]), ("size", &["XL"])], &[]),
        (&[("taste", &["sweet"])], &[]),
        (&[("color", &["blue"]), (" Color", &["red "]), ("size", &["M"])], &["Ceramic mug", "Enamel mug"]),
        (&[("color", &["bl\0ue"])], &[]),
        (&[("col\0or", &["blue"])], &[]),
    ] {
        let filter = ProductFilter { attributes: attributes(pairs), ..ProductFilter::default() };
        assert_eq!(names(&shop, &filter).await, expected, "{pairs:?}");
    }
    let both = ProductFilter { attributes: attributes(&[("color", &["black"])]), ..searching("tea") };
    assert_eq!(names(&shop, &both).await, ["Earl Grey black tea", "Cast iron teapot"]);
}

async fn facets_count_without_their_own_filter(shop: Shop) {
    let categories = fill(&shop).await;
    let all = &["category", "attr.Color", "price", "attr.taste", "stars"];
    let mugs = with_facets(&shop, &searching("ceramic"), all).await;
    assert_eq!((mugs.page.count, mugs.facets_are), (2, CountIs::Exact));
    assert_eq!((told(&mugs, "category"), told(&mugs, "attr.Color")), ("Mugs 2".to_owned(), "Blue 2".to_owned()));
    assert_eq!(told(&mugs, "price"), "(Some(\"10.00\"), Some(\"10.00\"))");
    assert_eq!((told(&mugs, "attr.taste"), told(&mugs, "stars")), (String::new(), String::new()));

    let narrowed = ProductFilter {
        attributes: attributes(&[("color", &["red"])]),
        category: categories.get("Mugs").copied(),
        ..ProductFilter::default()
    };
    let red = with_facets(&shop, &narrowed, all).await;
    assert_eq!(red.page.count, 1);
    assert_eq!(told(&red, "attr.Color"), "Blue 2, red 1", "as if no color was chosen");
    assert_eq!(told(&red, "category"), "Lamps 1, Loose tea 1, Mugs 1", "as if no category was chosen");
    assert_eq!(with_facets(&shop, &searching("%"), &["attr.color"]).await.facets.values["attr.color"], []);
}

async fn nobody_sees_or_counts_what_is_hidden(shop: Shop) {
    fill(&shop).await;
    let hidden = shop.product("Hidden mug", "99", 5).await;
    shop.change(hidden, ProductChange { is_available: Some(false), ..ProductChange::default() }).await;
    for filter in [searching("mug"), searching("hidden"), ProductFilter::default()] {
        let found = with_facets(&shop, &filter, &["price"]).await;
        assert!(found.page.results.iter().all(|product| product.id != hidden));
        assert!(!told(&found, "price").contains("99"), "{filter:?}");
        let look = Look::default();
        let seen = shop.store.product_search(&filter, &look, Some(shop.admin())).await.unwrap().page;
        assert_eq!(seen.count, found.page.count + 1, "an admin sees it");
    }
    assert_eq!(shop.store.search_suggest("hidden", None).await.unwrap().products, []);
}

async fn cursors_go_on_while_products_come_and_go(shop: Shop) {
    for number in 1..=7 {
        shop.product(&format!("Mug {number}"), &format!("{}", 20 - number), 5).await;
    }
    let of = |search: Option<&str>, ordering| ProductFilter { search: search.map(str::to_owned), ordering, ..Default::default() };
    let orderings = Ordering::ALL.iter().copied().map(Some).chain([None]);
    for filter in orderings.flat_map(|ordering| [of(None, ordering), of(Some("mug"), ordering)]) {
        let (mut cursor, mut seen) = (None::<String>, Vec::new());
        loop {
            let look = Look { page: PageRequest::first(3).unwrap(), cursor: cursor.as_deref(), ..Look::default() };
            let found = shop.store.product_search(&filter, &look, None).await.unwrap();
            assert_eq!(found.page.next().is_some(), found.next_cursor.is_some());
            seen.extend(found.page.results.iter().map(|product| product.id));
            cursor = found.next_cursor;
            if cursor.is_none() {
                break;
            }
            // What was seen already goes away, and the pages behind are none the worse for it.
            let gone = seen[seen.len() - 1];
            shop.change(gone, ProductChange { is_available: Some(false), ..ProductChange::default() }).await;
        }
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!((seen.len(), count), (7, 7), "{filter:?}");
        for id in seen {
            shop.change(id, ProductChange { is_available: Some(true), ..ProductChange::default() }).await;
        }
    }
}

async fn cursors_are_refused_that_are_not_of_the_list(shop: Shop) {
    for number in 1..=3 {
        shop.product(&format!("Mug {number}"), "10", 5).await;
    }
    let page = PageRequest::first(1).unwrap();
    let found = shop.store.product_search(&searching("mug"), &Look { page, ..Look::default() }, None).await.unwrap();
    let cursor = found.next_cursor.unwrap();
    let second = Look { page, cursor: Some(&cursor), ..Look::default() };
    assert_eq!(shop.second_process().await.store.product_search(&searching("mug"), &second, None).await.unwrap().page.count, 3);
    let by_price = ProductFilter { ordering: Some(Ordering::Price), ..searching("mug") };
    for (filter, cursor) in
        [(searching("mugs"), cursor.as_str()), (by_price, &cursor), (searching("mug"), "0"), (searching("mug"), "é")]
    {
        let look = Look { page, cursor: Some(cursor), ..Look::default() };
        refused!(shop.store.product_search(&filter, &look, None), CatalogError::Invalid(InvalidField { field: "cursor", .. }));
    }
}

async fn the_best_sold_come_first(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mut products: Vec<ProductId> = Vec::new();
    for name in ["Mug", "Plate", "Pot"] {
        products.push(shop.product(name, "10", 50).await);
    }
    shop.paid_order(&ann, &[(products[1], 2), (products[2], 5)]).await;
    let sold = shop.paid_order(&ann, &[(products[0], 9)]).await;
    shop.order(&ann, &[(products[1], 30)]).await;
    let best = ProductFilter { ordering: Some(Ordering::BestSelling), ..ProductFilter::default() };
    assert_eq!(names(&shop, &best).await, ["Mug", "Pot", "Plate"]);
    shop.store.order_cancel(shop.admin(), sold.id).await.unwrap();
    assert_eq!(names(&shop, &best).await, ["Pot", "Plate", "Mug"], "what came back was not sold");
}

async fn suggestions_are_five_of_each(shop: Shop) {
    fill(&shop).await;
    for number in 1..=6 {
        make_category(&shop, &format!("Mug rack {number}"), None).await;
    }
    let suggested = shop.store.search_suggest("mug", None).await.unwrap();
    assert_eq!((suggested.products.len(), suggested.categories.len()), (5, 5));
    assert_eq!(suggested.products[0].name, "Mug");
    for nothing in ["", " ", "%", "-mug", "\u{0}"] {
        assert_eq!(shop.store.search_suggest(nothing, None).await.unwrap(), Default::default(), "{nothing:?}");
    }
}

async fn what_was_there_before_the_index_is_found(shop: Shop) {
    let kitchen = make_category(&shop, "Küche", None).await;
    for number in 0..1_100 {
        let sql = format!(
            "insert into products (name, name_key, description, price, price_scaled, currency, stock, is_available, category_id, \
             created_at, updated_at) values ('Löffel {number}', 'löffel {number}', '', 5, 500, 'USD', 0, 0 = 0, {kitchen}, 0, 0)"
        );
        if number % 100 == 0 {
            shop.execute(&sql).await;
        }
    }
    shop.execute("update categories set name_words = ' old'").await;
    shop.execute("update search_state set rules = 0").await;
    // Two processes open the shop at once, and both wait until all is found.
    let (one, other) = tokio::join!(shop.second_process(), shop.second_process());
    for shop in [one, other] {
        for words in ["loffel", "kuche", "loffle", "löffel 1000"] {
            assert!(names(&shop, &searching(words)).await.contains(&"Löffel 1000".to_owned()), "{words}");
        }
    }
}

async fn what_is_bounded_is_refused_or_empty(shop: Shop) {
    let many = ProductFilter {
        attributes: (0..200).map(|number| (format!("name {number}"), vec!["x".to_owned()])).collect(),
        ..ProductFilter::default()
    };
    refused!(
        shop.store.product_list(&many, PageRequest::default(), None),
        CatalogError::Invalid(InvalidField { field: "attr", .. })
    );
    let facets: Vec<_> = (0..11).map(|number| format!("attr.{number}").parse().unwrap()).collect();
    refused!(
        shop.store.product_search(&ProductFilter::default(), &Look { facets: &facets, ..Look::default() }, None),
        CatalogError::Invalid(InvalidField { field: "facets", .. })
    );
    let long = "x".repeat(10_000);
    let found = ProductFilter { attributes: attributes(&[("color", &[long.as_str(), "\0"])]), ..searching(&long) };
    assert_eq!(names(&shop, &found).await, [] as [&str; 0]);
}

async fn of_very_many_hits_the_best_are_still_first(shop: Shop) {
    let row = |number: u64| ImportRow {
        line: number,
        name: format!("Rack {number}").parse().unwrap(),
        price: money("5"),
        stock: 1,
        category: None,
        description: Some("For a mug.".parse().unwrap()),
        is_available: None,
        sku: None,
        attributes: None,
    };
    let rows: Vec<_> = (2..10_052).map(row).collect();
    shop.store.product_import(shop.admin(), &rows, &mut |_| ()).await.unwrap();
    shop.product("Red mug", "90", 1).await;
    shop.product("Mug", "95", 1).await;
    shop.product("Muggy weather", "96", 1).await;

    let page = |number| PageRequest::new(number, 20).unwrap();
    let found = with_facets(&shop, &searching("mug"), &["price"]).await;
    assert_eq!((found.page.count, found.page.count_is, found.facets_are), (10_000, CountIs::AtLeast, CountIs::AtLeast));
    let first: Vec<_> = found.page.results.iter().take(4).map(|product| product.name.as_str()).collect();
    assert_eq!(first, ["Mug", "Red mug", "Muggy weather", "Rack 2"], "the best hits, though they are the newest of very many");
    assert_eq!(found.ranked, Some(803));
    for number in [60, 500] {
        let deep = shop.store.product_list(&searching("mug"), page(number), None).await.unwrap();
        assert_eq!((deep.results.len(), deep.next().is_some()), (20, true), "page {number}");
    }
    for (ordering, first) in
        [(Ordering::PriceDescending, "Muggy weather"), (Ordering::CreatedAtDescending, "Muggy weather"), (Ordering::Name, "Mug")]
    {
        let sorted = ProductFilter { ordering: Some(ordering), ..searching("mug") };
        let found = with_facets(&shop, &sorted, &[]).await;
        assert_eq!((found.page.count_is, found.page.results[0].name.as_str()), (CountIs::AtLeast, first), "{ordering}");
        let look = Look { cursor: found.next_cursor.as_deref(), ..Look::default() };
        let next = shop.store.product_search(&sorted, &look, None).await.unwrap().page.results;
        assert!(next.len() == 20 && !found.page.results.contains(&next[0]), "{ordering}");
    }
    let cheap = ProductFilter { max_price: Some(90.into()), min_price: Some(6.into()), ..searching("mug") };
    assert_eq!(names(&shop, &cheap).await, ["Red mug"], "a filter looks at all of them");
    let all = shop.store.product_list(&ProductFilter::default(), page(1), None).await.unwrap();
    assert_eq!((all.count, all.count_is), (10_053, CountIs::Exact));
    let cheap = ProductFilter { max_price: Some(6.into()), ..ProductFilter::default() };
    let cheap = shop.store.product_list(&cheap, page(502), None).await.unwrap();
    assert_eq!((cheap.count, cheap.count_is, cheap.results.len()), (10_000, CountIs::AtLeast, 20));
    assert_eq!(cheap.next(), Some(page(503)), "pages go on behind what is counted");
    let all = shop.store.product_list(&ProductFilter::default(), page(503), Some(shop.admin())).await.unwrap();
    assert_eq!((all.count, all.count_is, all.results.len(), all.next()), (10_000, CountIs::AtLeast, 13, None));

    // What was seen goes away, and nothing behind it moves to where nobody looks any more.
    let (mut cursor, mut seen) = (None::<String>, Vec::new());
    for number in 1..=12 {
        let look = Look { page: PageRequest::first(100).unwrap(), cursor: cursor.as_deref(), ..Look::default() };
        let found = shop.store.product_search(&searching("mug"), &look, None).await.unwrap();
        seen.extend(found.page.results.iter().map(|product| product.id.get()));
        cursor = found.next_cursor;
        if number == 2 {
            let gone = seen[50..100].iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            shop.execute(&format!("update products set is_available = 1 = 0 where id in ({gone})")).await;
            shop.execute("update search_state set rules = 0").await;
            shop.second_process().await;
        }
    }
    assert_eq!(seen.len(), 1_200);
    let racks: Vec<_> = seen.into_iter().filter(|id| *id <= 10_050).collect();
    assert_eq!(racks, (1..=1_197).collect::<Vec<i64>>(), "each once, in one order");
}
