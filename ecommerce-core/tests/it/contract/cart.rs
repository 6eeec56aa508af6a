//! What a customer means to buy, priced as the catalog is now.

use ecommerce_core::{Cart, CartError, MAX_LINES, ProductChange, ProductId, Quantity, Shortage};

use crate::shop::{Shop, cart_lines, minutes, money, quantity};

stories![
    a_cart_adds_up,
    a_list_is_added_whole_or_not_at_all,
    lines_have_bounds,
    what_is_reserved_for_others_cannot_be_added,
    what_is_not_for_sale_cannot_be_added,
    a_line_is_reduced_until_it_goes,
    a_line_is_removed,
    a_quantity_is_set,
    a_cart_is_emptied,
    a_cart_shows_the_prices_of_now,
    several_currencies_have_no_total,
    everybody_has_their_own_cart,
];

fn lines(cart: &Cart) -> Vec<(ProductId, u32)> {
    cart.items.iter().map(|item| (item.product.id, item.quantity.get())).collect()
}

async fn a_cart_adds_up(shop: Shop) {
    let ann = shop.customer("ann").await;
    assert_eq!(shop.store.cart(&ann).await.unwrap().items, []);
    let mug = shop.product("Mug", "12.50", 10).await;
    let plate = shop.product("Plate", "0.99", 10).await;
    shop.store.cart_add(&ann, &cart_lines(&[(mug, 2)])).await.unwrap();
    shop.advance(minutes(1));
    let cart = shop.store.cart_add(&ann, &cart_lines(&[(plate, 3), (mug, 1)])).await.unwrap();
    assert_eq!(lines(&cart), [(mug, 3), (plate, 3)]);
    assert_eq!((cart.items[0].unit_price, cart.items[0].line_total), (money("12.50"), money("37.50")));
    assert_eq!((cart.total, cart.currency.unwrap().as_str()), (Some(money("40.47")), "USD"));
    assert_eq!(shop.store.cart(&ann).await.unwrap(), cart);

    let twice = shop.store.cart_add(&ann, &cart_lines(&[(mug, 1), (mug, 1)])).await.unwrap();
    assert_eq!(lines(&twice), [(mug, 5), (plate, 3)], "the same product twice in a list adds up too");
    assert_eq!((shop.stock(mug).await, shop.stock(plate).await), ((10, 0), (10, 0)), "a cart reserves nothing");
}

async fn a_list_is_added_whole_or_not_at_all(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "12.50", 10).await;
    let plate = shop.product("Plate", "1", 2).await;
    let nothing = ProductId::new(4711).unwrap();
    shop.fill(&ann, &[(mug, 1)]).await;

    let short = Shortage { product: plate, name: "Plate".to_owned(), requested: 3, available: 2 };
    let add = shop.store.cart_add(&ann, &cart_lines(&[(mug, 1), (plate, 3)])).await;
    match add {
        Err(CartError::InsufficientStock(shortages)) => assert_eq!(shortages, [short]),
        other => panic!("{other:?}"),
    }
    let split = cart_lines(&[(mug, 1), (plate, 2), (plate, 1)]);
    refused!(shop.store.cart_add(&ann, &split), CartError::InsufficientStock(_));
    let unknown = cart_lines(&[(mug, 1), (nothing, 1)]);
    refused!(shop.store.cart_add(&ann, &unknown), CartError::UnknownProduct(id) if id == nothing);
    assert_eq!(lines(&shop.store.cart(&ann).await.unwrap()), [(mug, 1)]);

    let add = shop.store.cart_add(&ann, &cart_lines(&[(mug, 10)])).await;
    match add {
        Err(CartError::InsufficientStock(shortages)) => {
            assert_eq!((shortages[0].requested, shortages[0].available), (11, 10), "what is there already counts");
        }
        other => panic!("{other:?}"),
    }
}

async fn lines_have_bounds(shop: Shop) {
    let ann = shop.customer("ann").await;
    let many = shop.product("Nail", "0.01", 2_000_000).await;
    shop.fill(&ann, &[(many, 1_000_000)]).await;
    refused!(shop.store.cart_add(&ann, &cart_lines(&[(many, 1)])), CartError::Invalid(_));
    assert_eq!(lines(&shop.store.cart(&ann).await.unwrap()), [(many, 1_000_000)]);

    let mut full = Vec::new();
    for number in 1..MAX_LINES {
        full.push((shop.product(&format!("Screw {number}"), "1", 1).await, 1));
    }
    let last = shop.product("Washer", "1", 1).await;
    shop.fill(&ann, &full).await;
    refused!(shop.store.cart_add(&ann, &cart_lines(&[(last, 1)])), CartError::Invalid(_));
    refused!(shop.store.cart_set(&ann, last, Some(Quantity::ONE)), CartError::Invalid(_));
    assert_eq!(shop.store.cart(&ann).await.unwrap().items.len(), MAX_LINES);
}

async fn what_is_reserved_for_others_cannot_be_added(shop: Shop) {
    let (ann, bob) = (shop.customer("ann").await, shop.customer("bob").await);
    let mug = shop.product("Mug", "10", 5).await;
    shop.order(&ann, &[(mug, 3)]).await;
    match shop.store.cart_add(&bob, &cart_lines(&[(mug, 3)])).await {
        Err(CartError::InsufficientStock(shortages)) => assert_eq!((shortages[0].requested, shortages[0].available), (3, 2)),
        other => panic!("{other:?}"),
    }
    shop.fill(&bob, &[(mug, 2)]).await;
}

async fn what_is_not_for_sale_cannot_be_added(shop: Shop) {
    let ann = shop.customer("ann").await;
    let hidden = shop.product("Hidden", "10", 5).await;
    let deleted = shop.product("Deleted", "10", 5).await;
    shop.change(hidden, ProductChange { is_available: Some(false), ..ProductChange::default() }).await;
    shop.store.product_delete(shop.admin(), deleted, &Default::default()).await.unwrap();
    for product in [hidden, deleted, ProductId::new(i64::MAX).unwrap()] {
        refused!(shop.store.cart_add(&ann, &cart_lines(&[(product, 1)])), CartError::UnknownProduct(id) if id == product);
        refused!(shop.store.cart_set(&ann, product, Some(Quantity::ONE)), CartError::UnknownProduct(id) if id == product);
    }
}

async fn a_line_is_reduced_until_it_goes(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    shop.fill(&ann, &[(mug, 5)]).await;
    // Less than what was wanted can be had even when that is more than there is.
    shop.change(mug, ProductChange { stock: Some(1), ..ProductChange::default() }).await;
    let cart = shop.store.cart_reduce(&ann, mug, quantity(2)).await.unwrap();
    assert_eq!(lines(&cart), [(mug, 3)]);
    let cart = shop.store.cart_reduce(&ann, mug, quantity(1_000_000)).await.unwrap();
    assert_eq!(cart.items, []);
    refused!(shop.store.cart_reduce(&ann, mug, Quantity::ONE), CartError::NotInCart(id) if id == mug);
}

async fn a_line_is_removed(shop: Shop) {
    let ann = shop.customer("ann").await;
    let (mug, plate) = (shop.product("Mug", "10", 10).await, shop.product("Plate", "10", 10).await);
    shop.fill(&ann, &[(mug, 5), (plate, 1)]).await;
    // Also when it is not sold any more.
    shop.store.product_delete(shop.admin(), mug, &Default::default()).await.unwrap();
    assert_eq!(lines(&shop.store.cart_remove(&ann, mug).await.unwrap()), [(plate, 1)]);
    refused!(shop.store.cart_remove(&ann, mug), CartError::NotInCart(id) if id == mug);
}

async fn a_quantity_is_set(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    let set = async |count: Option<i64>| shop.store.cart_set(&ann, mug, count.map(quantity)).await;
    assert_eq!(lines(&set(Some(7)).await.unwrap()), [(mug, 7)]);
    assert_eq!(lines(&set(Some(2)).await.unwrap()), [(mug, 2)]);
    refused!(set(Some(11)), CartError::InsufficientStock(_));
    assert_eq!(lines(&shop.store.cart(&ann).await.unwrap()), [(mug, 2)]);
    assert_eq!(lines(&set(None).await.unwrap()), []);
    assert_eq!(lines(&set(None).await.unwrap()), [], "what is not there is gone already");
}

async fn a_cart_is_emptied(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    shop.fill(&ann, &[(mug, 5)]).await;
    assert_eq!(shop.store.cart_clear(&ann).await.unwrap().items, []);
    assert_eq!(shop.store.cart_clear(&ann).await.unwrap().items, []);
    assert_eq!(shop.store.cart(&ann).await.unwrap().items, []);
}

async fn a_cart_shows_the_prices_of_now(shop: Shop) {
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 10).await;
    shop.fill(&ann, &[(mug, 5)]).await;
    let change = ProductChange {
        name: Some("Cup".parse().unwrap()),
        price: Some(money("11")),
        is_available: Some(false),
        ..ProductChange::default()
    };
    shop.change(mug, change).await;
    let cart = shop.store.cart(&ann).await.unwrap();
    assert_eq!(
        (cart.items[0].product.name.as_str(), cart.items[0].unit_price, cart.total),
        ("Cup", money("11"), Some(money("55")))
    );
    assert!(!cart.items[0].is_available);
}

async fn several_currencies_have_no_total(shop: Shop) {
    let ann = shop.customer("ann").await;
    let (dollars, yen) = (shop.product("Mug", "10", 10).await, shop.product("Cup", "500 JPY", 10).await);
    shop.fill(&ann, &[(dollars, 1), (yen, 2)]).await;
    let cart = shop.store.cart(&ann).await.unwrap();
    assert_eq!((cart.total, cart.currency), (None, None));
    assert_eq!(cart.items[1].line_total, money("1000 JPY"));
    let cart = shop.store.cart_remove(&ann, dollars).await.unwrap();
    assert_eq!((cart.total, cart.currency.unwrap().as_str()), (Some(money("1000 JPY")), "JPY"));
    let empty = shop.store.cart_clear(&ann).await.unwrap();
    assert_eq!((empty.total, empty.currency), (Some(money("0")), Some(shop.store.currency())));
}

async fn everybody_has_their_own_cart(shop: Shop) {
    let (ann, bob) = (shop.customer("ann").await, shop.customer("bob").await);
    let mug = shop.product("Mug", "10", 10).await;
    shop.fill(&ann, &[(mug, 5)]).await;
    assert_eq!(shop.store.cart(&bob).await.unwrap().items, []);
    refused!(shop.store.cart_remove(&bob, mug), CartError::NotInCart(_));
    shop.store.cart_clear(&bob).await.unwrap();
    assert_eq!(lines(&shop.store.cart(&ann).await.unwrap()), [(mug, 5)]);
}
