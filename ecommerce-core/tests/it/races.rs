//! Many at once, on two stores that share one database, so that no lock inside a process can help.
//!
//! A shop that refuses everybody would pass too, so what was sold is counted as well.

use std::collections::HashSet;

use ecommerce_core::{
    CheckoutError, CheckoutRequest, Customer, IdempotencyKey, Order, OrderError, OrderFilter, OrderStatus, Outcome, PageRequest,
    PaymentError, ProductChange, ProviderName,
};
use tokio::task::JoinSet;

use crate::{
    events::Attempt,
    shop::{Shop, cart_lines, minutes},
};

stories![
    the_last_units_are_sold_once,
    a_cart_that_is_submitted_twice_is_one_order,
    one_key_is_one_order,
    units_added_at_once_add_up,
    what_is_added_during_a_checkout_is_in_one_of_them,
    one_event_at_once_is_one_payment,
    two_payments_at_once_are_one_sale,
    cancelled_while_it_is_paid,
    expired_while_it_is_paid,
    late_money_at_once_for_the_last_unit,
    stock_is_edited_while_payments_arrive,
    carts_with_the_same_products_in_another_order_do_not_lock_up,
    two_confirmations_at_once_are_one,
    refunds_at_once_give_back_no_more_than_came,
];

/// The shop and a second process of it, and how the deeds are spread over them.
async fn two_processes(shop: &Shop) -> [Shop; 2] {
    [shop.clone(), shop.second_process().await]
}

/// Does all deeds at once and answers what came of them, in any order.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(deeds: impl IntoIterator<Item = F>) -> Vec<T> {
    deeds.into_iter().collect::<JoinSet<_>>().join_all().await
}

async fn customers(shop: &Shop, count: usize) -> Vec<Customer> {
    let registered = at_once((0..count).map(|number| {
        let shop = shop.clone();
        async move { shop.customer(&format!("buyer-{number}")).await }
    }));
    registered.await
}

async fn orders(shop: &Shop, status: Option<OrderStatus>) -> Vec<Order> {
    let filter = OrderFilter { status, ..OrderFilter::default() };
    let page = shop.store.order_list(shop.admin(), &filter, PageRequest::first(100).unwrap()).await.unwrap();
    page.results
}

async fn the_last_units_are_sold_once(shop: Shop) {
    let processes = two_processes(&shop).await;
    let mug = shop.product("Mug", "10", 10).await;
    let buyers = customers(&shop, 50).await;
    for buyer in &buyers {
        shop.fill(buyer, &[(mug, 1)]).await;
    }
    let bought = at_once(buyers.into_iter().zip(processes.iter().cloned().cycle()).map(|(buyer, shop)| async move {
        match shop.try_checkout(&buyer, ProviderName::Stripe).await {
            Ok(placed) => {
                shop.stripe(&Attempt::of(&placed.order).session_completed()).await;
                true
            }
            Err(CheckoutError::InsufficientStock(_)) => false,
            Err(other) => panic!("{other:?}"),
        }
    }));
    assert_eq!(bought.await.into_iter().filter(|bought| *bought).count(), 10);
    assert_eq!((orders(&shop, Some(OrderStatus::Paid)).await.len(), shop.stock(mug).await), (10, (0, 0)));
    processes[1].store.close().await;
}

async fn a_cart_that_is_submitted_twice_is_one_order(shop: Shop) {
    let processes = two_processes(&shop).await;
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 100).await;
    shop.fill(&ann, &[(mug, 3)]).await;
    let placed = at_once(processes.iter().cloned().cycle().take(8).map(|shop| {
        let ann = ann.clone();
        async move {
            match shop.try_checkout(&ann, ProviderName::Stripe).await {
                Ok(_) => true,
                Err(CheckoutError::CartEmpty) => false,
                Err(other) => panic!("{other:?}"),
            }
        }
    }));
    assert_eq!(placed.await.into_iter().filter(|placed| *placed).count(), 1);
    assert_eq!((orders(&shop, None).await.len(), shop.stock(mug).await), (1, (100, 3)));
    processes[1].store.close().await;
}

async fn one_key_is_one_order(shop: Shop) {
    let processes = two_processes(&shop).await;
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 100).await;
    shop.fill(&ann, &[(mug, 3)]).await;
    let key: IdempotencyKey = "once".parse().unwrap();
    let request = CheckoutRequest { idempotency_key: Some(key), ..CheckoutRequest::default() };
    let answers = at_once(processes.iter().cloned().cycle().take(8).map(|shop| {
        let (ann, request) = (ann.clone(), request.clone());
        async move { shop.store.checkout(&ann, &request).await.unwrap() }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    assert_eq!(answers.iter().map(|answer| answer.order.id).collect::<HashSet<_>>().len(), 1);
    assert_eq!(shop.stock(mug).await, (100, 3));
    processes[1].store.close().await;
}

async fn units_added_at_once_add_up(shop: Shop) {
    let processes = two_processes(&shop).await;
    let ann = shop.customer("ann").await;
    let (mug, plate) = (shop.product("Mug", "10", 100).await, shop.product("Plate", "10", 100).await);
    at_once(processes.iter().cloned().cycle().take(16).map(|shop| {
        let ann = ann.clone();
        async move { shop.fill(&ann, &[(mug, 1), (plate, 2)]).await }
    }))
    .await;
    let cart = shop.store.cart(&ann).await.unwrap();
    let mut quantities: Vec<_> = cart.items.iter().map(|item| item.quantity.get()).collect();
    quantities.sort_unstable();
    assert_eq!(quantities, [16, 32]);
    processes[1].store.close().await;
}

async fn what_is_added_during_a_checkout_is_in_one_of_them(shop: Shop) {
    let processes = two_processes(&shop).await;
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 100).await;
    shop.fill(&ann, &[(mug, 1)]).await;
    at_once((0..16).zip(processes.iter().cloned().cycle()).map(|(number, shop)| {
        let ann = ann.clone();
        async move {
            if number % 4 < 2 {
                shop.fill(&ann, &[(mug, 1)]).await;
            } else if let Err(error) = shop.try_checkout(&ann, ProviderName::Stripe).await {
                assert!(matches!(error, CheckoutError::CartEmpty), "{error:?}");
            }
        }
    }))
    .await;
    let ordered: u32 = orders(&shop, None).await.iter().flat_map(|order| &order.items).map(|item| item.quantity.get()).sum();
    let in_cart: u32 = shop.store.cart(&ann).await.unwrap().items.iter().map(|item| item.quantity.get()).sum();
    assert_eq!((ordered + in_cart, shop.stock(mug).await), (9, (100, i64::from(ordered))));
    processes[1].store.close().await;
}

async fn one_event_at_once_is_one_payment(shop: Shop) {
    let processes = two_processes(&shop).await;
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 100).await;
    let order = shop.order(&ann, &[(mug, 3)]).await;
    let event = Attempt::of(&order).session_completed();
    at_once(processes.iter().cloned().cycle().take(12).map(|shop| {
        let event = event.clone();
        async move { shop.stripe(&event).await }
    }))
    .await;
    let paid = shop.reload(&order).await;
    assert_eq!((paid.status, paid.payments.len(), paid.refunds.len()), (OrderStatus::Paid, 1, 0));
    assert_eq!(shop.stock(mug).await, (97, 0));
    let events = shop.store.payment_event_list(shop.admin(), PageRequest::default()).await.unwrap();
    assert_eq!(events.count, 1);
    processes[1].store.close().await;
}

async fn two_payments_at_once_are_one_sale(shop: Shop) {
    let processes = two_processes(&shop).await;
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 100).await;
    let order = shop.order(&ann, &[(mug, 1)]).await;
    // Of six attempts the store knows only the order.
    let attempts: Vec<_> = (0..6).map(|number| Attempt::another(&order, &format!("try-{number}"))).collect();
    let events = attempts.iter().flat_map(|attempt| [attempt.session_completed(), attempt.intent_succeeded()]);
    let events: Vec<_> = events.zip(processes.iter().cloned().cycle()).collect();
    at_once(events.into_iter().map(|(event, shop)| async move { shop.stripe(&event).await })).await;
    let paid = shop.reload(&order).await;
    let mut outcomes: Vec<_> = paid.payments.iter().map(|payment| payment.outcome.unwrap()).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, [vec![Outcome::Applied], vec![Outcome::Duplicate; 5]].concat());
    assert_eq!((paid.refunds.len(), shop.stock(mug).await), (5, (99, 0)));
    processes[1].store.close().await;
}

async fn cancelled_while_it_is_paid(shop: Shop) {
    let [here, there] = two_processes(&shop).await;
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 100).await;
    let mut sold = 0;
    for _ in 0..6 {
        let order = shop.order(&ann, &[(mug, 1)]).await;
        let (event, id, ann) = (Attempt::of(&order).session_completed(), order.id, ann.clone());
        let (payer, owner) = (here.clone(), there.clone());
        let (_, cancelled) = tokio::join!(
            tokio::spawn(async move { payer.stripe(&event).await }),
            tokio::spawn(async move { owner.store.order_cancel(&ann, id).await })
        );
        let order = shop.reload(&order).await;
        match cancelled.unwrap() {
            Ok(_) => {
                assert_eq!((order.status, order.payments[0].outcome), (OrderStatus::Cancelled, Some(Outcome::OrderCancelled)))
            }
            Err(PaymentError::Order(OrderError::InvalidTransition(_))) => {
                assert_eq!((order.status, order.payments[0].outcome), (OrderStatus::Paid, Some(Outcome::Applied)));
                sold += 1;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(shop.stock(mug).await, (100 - sold, 0));
    there.store.close().await;
}

async fn expired_while_it_is_paid(shop: Shop) {
    let [here, there] = two_processes(&shop).await;
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 100).await;
    for sold in 1..=6 {
        let order = shop.order(&ann, &[(mug, 1)]).await;
        shop.advance(minutes(35));
        let event = Attempt::of(&order).session_completed();
        let (payer, keeper) = (here.clone(), there.clone());
        let (_, expired) = tokio::join!(
            tokio::spawn(async move { payer.stripe(&event).await }),
            tokio::spawn(async move { keeper.store.run_due().await })
        );
        expired.unwrap().unwrap();
        let order = shop.reload(&order).await;
        assert_eq!((order.status, order.payments[0].outcome), (OrderStatus::Paid, Some(Outcome::Applied)), "in time or late");
        assert_eq!(shop.stock(mug).await, (100 - sold, 0));
    }
    there.store.close().await;
}

async fn late_money_at_once_for_the_last_unit(shop: Shop) {
    let processes = two_processes(&shop).await;
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 8).await;
    let mut orders = Vec::new();
    for _ in 0..8 {
        orders.push(shop.order(&ann, &[(mug, 1)]).await);
    }
    shop.wait(minutes(35)).await;
    shop.change(mug, ProductChange { stock: Some(1), ..ProductChange::default() }).await;
    let paid = orders.iter().map(|order| Attempt::of(order).session_completed()).zip(processes.iter().cloned().cycle());
    at_once(paid.map(|(event, shop)| async move { shop.stripe(&event).await }).collect::<Vec<_>>()).await;
    let mut outcomes = Vec::new();
    for order in &orders {
        outcomes.push(shop.reload(order).await.payments[0].outcome.unwrap());
    }
    outcomes.sort_unstable();
    assert_eq!(outcomes, [vec![Outcome::Applied], vec![Outcome::OutOfStock; 7]].concat());
    assert_eq!(shop.stock(mug).await, (0, 0));
    processes[1].store.close().await;
}

async fn stock_is_edited_while_payments_arrive(shop: Shop) {
    let processes = two_processes(&shop).await;
    let mug = shop.product("Mug", "10", 50).await;
    let ann = shop.customer("ann").await;
    let mut events = Vec::new();
    for _ in 0..8 {
        events.push(Attempt::of(&shop.order(&ann, &[(mug, 1)]).await).session_completed());
    }
    let payments = events.into_iter().zip(processes.iter().cloned().cycle()).map(|(event, shop)| {
        tokio::spawn(async move {
            shop.stripe(&event).await;
        })
    });
    let edits = (0..8_i64).zip(processes.iter().cloned().cycle()).map(|(number, shop)| {
        tokio::spawn(async move {
            shop.store.stock_adjust(shop.admin(), mug, 1, &crate::shop::note("found one")).await.unwrap();
            let rename = ProductChange { name: Some(format!("Mug {number}").parse().unwrap()), ..ProductChange::default() };
            shop.change(mug, rename).await;
        })
    });
    for deed in payments.zip(edits).flat_map(|(payment, edit)| [payment, edit]).collect::<Vec<_>>() {
        deed.await.unwrap();
    }
    assert_eq!(shop.stock(mug).await, (50, 0), "8 sold and 8 found");
    processes[1].store.close().await;
}

async fn carts_with_the_same_products_in_another_order_do_not_lock_up(shop: Shop) {
    let processes = two_processes(&shop).await;
    let (mug, plate, fork) =
        (shop.product("Mug", "10", 100).await, shop.product("Plate", "10", 100).await, shop.product("Fork", "10", 100).await);
    let buyers = customers(&shop, 8).await;
    let deeds = buyers.into_iter().enumerate().zip(processes.iter().cloned().cycle()).map(|((number, buyer), shop)| async move {
        let mut lines = [(mug, 1), (plate, 1), (fork, 1)];
        lines.rotate_left(number % 3);
        for line in lines {
            shop.store.cart_add(&buyer, &cart_lines(&[line])).await.unwrap();
            shop.advance(minutes(0));
        }
        let order = shop.try_checkout(&buyer, ProviderName::Stripe).await.unwrap().order;
        if number % 2 == 0 {
            shop.stripe(&Attempt::of(&order).session_completed()).await;
        } else {
            shop.store.order_cancel(&buyer, order.id).await.unwrap();
        }
    });
    at_once(deeds).await;
    for product in [mug, plate, fork] {
        assert_eq!(shop.stock(product).await, (96, 0));
    }
    processes[1].store.close().await;
}

async fn two_confirmations_at_once_are_one(shop: Shop) {
    let processes = two_processes(&shop).await;
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 100).await;
    let order = shop.order_by(&ann, &[(mug, 1)], ProviderName::Manual).await;
    at_once(processes.iter().cloned().cycle().take(6).map(|shop| {
        let id = order.id;
        async move { shop.store.order_confirm_payment(shop.admin(), id, None).await.unwrap() }
    }))
    .await;
    let paid = shop.reload(&order).await;
    assert_eq!((paid.payments.len(), paid.refunds.len(), shop.stock(mug).await), (1, 0, (99, 0)));
    processes[1].store.close().await;
}

async fn refunds_at_once_give_back_no_more_than_came(shop: Shop) {
    let processes = two_processes(&shop).await;
    let ann = shop.customer("ann").await;
    let mug = shop.product("Mug", "10", 100).await;
    let order = shop.paid_order(&ann, &[(mug, 1)]).await;
    let queued = at_once(processes.iter().cloned().cycle().take(8).map(|shop| {
        let id = order.id;
        async move {
            let request = ecommerce_core::RefundRequest { amount: Some("3".parse().unwrap()), ..Default::default() };
            match shop.store.order_refund(shop.admin(), id, &request).await {
                Ok(_) => true,
                Err(PaymentError::Invalid(_)) => false,
                Err(other) => panic!("{other:?}"),
            }
        }
    }));
    assert_eq!(queued.await.into_iter().filter(|queued| *queued).count(), 3);
    assert_eq!(shop.reload(&order).await.refunds.len(), 3);
    processes[1].store.close().await;
}
