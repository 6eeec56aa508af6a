//! Attacks on a cart on its way to an order.

use std::collections::BTreeSet;

use crate::{
    CheckoutRequest, IdempotencyKey,
    conformance::{
        Frontend, Placed, Refusal,
        lane::{Door, Lane, at_once},
        verdict::Verdict,
    },
};

/// Submits the cart; nothing, where it is empty.
async fn submit<F: Frontend>(door: &Door<F>, customer: &F::Customer) -> Result<Option<Placed>, Refusal> {
    match door.checkout(customer, &CheckoutRequest::default()).await {
        Ok(placed) => Ok(Some(placed)),
        Err(Refusal::CartEmpty) => Ok(None),
        Err(other) => Err(other),
    }
}

pub(super) async fn add_during_checkout<F: Frontend>(lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
    const ADDED: usize = 8;
    let mut verdict = Verdict::to_sell(9);
    let product = lane.product(100).await?;
    let customer = lane.customer().await?;
    lane.door()?.cart_add(&customer, &[(product, 1)]).await?;
    let deeds = lane.doors(2 * ADDED)?.into_iter().enumerate();
    let placed = at_once(deeds.map(|(number, door)| {
        let customer = customer.clone();
        async move {
            // Two of each kind in turn, so that both kinds come by every frontend.
            if number % 4 < 2 {
                door.cart_add(&customer, &[(product, 1)]).await.map(|()| None)
            } else {
                submit(&door, &customer).await
            }
        }
    }));
    let mut placed: Vec<_> = placed.await?.into_iter().flatten().collect();
    // What came too late for all of them is still in the cart.
    placed.extend(submit(&lane.door()?, &customer).await?);
    let count = placed.len();
    lane.pay(placed).await?;

    let orders = lane.booked(&customer, &[product], 20).await?;
    verdict.expect_orders(&orders, count);
    orders.iter().for_each(|order| verdict.expect_sound(order));
    verdict.count_sold(&orders, &[product]);
    verdict.expect_sold();
    lane.expect_stock(&mut verdict, product, 91).await?;
    Ok(verdict)
}

pub(super) async fn double_checkout<F: Frontend>(lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
    let mut verdict = Verdict::to_sell(3);
    let product = lane.product(100).await?;
    let customer = lane.customer().await?;
    lane.door()?.cart_add(&customer, &[(product, 3)]).await?;
    let deeds = lane.doors(8)?.into_iter();
    let placed = at_once(deeds.map(|door| {
        let customer = customer.clone();
        async move { submit(&door, &customer).await }
    }));
    let placed: Vec<_> = placed.await?.into_iter().flatten().collect();
    let count = placed.len();
    verdict.check(count == 1, || format!("{count} of 8 checkouts of one cart answered an order, should be 1"));
    lane.pay(placed).await?;

    let orders = lane.booked(&customer, &[product], 10).await?;
    verdict.expect_orders(&orders, 1);
    orders.iter().for_each(|order| verdict.expect_sound(order));
    verdict.count_sold(&orders, &[product]);
    verdict.expect_sold();
    lane.expect_stock(&mut verdict, product, 97).await?;
    Ok(verdict)
}

pub(super) async fn one_key<F: Frontend>(lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
    let mut verdict = Verdict::to_sell(3);
    let product = lane.product(100).await?;
    let customer = lane.customer().await?;
    lane.door()?.cart_add(&customer, &[(product, 3)]).await?;
    let key: IdempotencyKey = format!("attack-{product}").parse().map_err(Refusal::unexpected)?;
    let request = CheckoutRequest { idempotency_key: Some(key), ..CheckoutRequest::default() };
    let deeds = lane.doors(8)?.into_iter();
    let placed = at_once(deeds.map(|door| {
        let (customer, request) = (customer.clone(), request.clone());
        async move { door.checkout(&customer, &request).await }
    }))
    .await?;
    let ids: BTreeSet<_> = placed.iter().map(|placed| placed.order).collect();
    verdict.check(ids.len() == 1, || format!("one key was answered with {} orders, should be 1", ids.len()));
    let first = placed.iter().filter(|placed| !placed.replayed).count();
    verdict.check(first == 1, || format!("{first} of 8 answers say that they are the first, should be 1"));
    lane.pay(placed.into_iter().take(1)).await?;

    let orders = lane.booked(&customer, &[product], 10).await?;
    verdict.expect_orders(&orders, 1);
    orders.iter().for_each(|order| verdict.expect_sound(order));
    verdict.count_sold(&orders, &[product]);
    verdict.expect_sold();
    lane.expect_stock(&mut verdict, product, 97).await?;
    Ok(verdict)
}

pub(super) async fn lost_add<F: Frontend>(lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
    const ADDS: usize = 16;
    let mut verdict = Verdict::to_sell(48);
    let (one, two) = (lane.product(100).await?, lane.product(100).await?);
    let customer = lane.customer().await?;
    let deeds = lane.doors(ADDS)?.into_iter();
    at_once(deeds.map(|door| {
        let customer = customer.clone();
        async move { door.cart_add(&customer, &[(one, 1), (two, 2)]).await }
    }))
    .await?;
    let placed = lane.door()?.checkout(&customer, &CheckoutRequest::default()).await?;
    lane.pay([placed]).await?;

    let orders = lane.booked(&customer, &[one, two], 5).await?;
    verdict.expect_orders(&orders, 1);
    orders.iter().for_each(|order| verdict.expect_sound(order));
    verdict.count_sold(&orders, &[one, two]);
    verdict.expect_sold();
    lane.expect_stock(&mut verdict, one, 84).await?;
    lane.expect_stock(&mut verdict, two, 68).await?;
    Ok(verdict)
}

pub(super) async fn price_changed<F: Frontend>(lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
    const BUYERS: usize = 4;
    let mut verdict = Verdict::to_sell(8);
    let product = lane.product(100).await?;
    let buyers = lane.customers(BUYERS).await?;
    let fill = buyers.iter().cloned().zip(lane.doors(BUYERS)?);
    at_once(fill.map(|(buyer, door)| async move { door.cart_add(&buyer, &[(product, 2)]).await })).await?;

    let (shown, dearer, raised) = (lane.money(20)?, lane.money(30)?, lane.money(15)?);
    let expecting = |total| CheckoutRequest { expected_total: Some(total), ..CheckoutRequest::default() };
    let (at_first, afterwards) = (expecting(shown.to_decimal()), expecting(dearer.to_decimal()));
    let (mut deeds, admin) = (Vec::new(), lane.door()?);
    for (buyer, door) in buyers.iter().cloned().zip(lane.doors(BUYERS)?) {
        let (at_first, afterwards) = (at_first.clone(), afterwards.clone());
        deeds.push(async move {
            let placed = match door.checkout(&buyer, &at_first).await {
                Ok(placed) => (placed, shown),
                // They are shown the new total, and agree.
                Err(Refusal::TotalChanged) => (door.checkout(&buyer, &afterwards).await?, dearer),
                Err(other) => return Err(other),
            };
            Ok(placed)
        });
    }
    let edit = tokio::spawn(async move { admin.set_price(product, raised).await });
    let placed = at_once(deeds).await?;
    edit.await.map_err(Refusal::unexpected)??;

    for (placed, agreed) in &placed {
        verdict.check(placed.total == *agreed, || format!("somebody agreed to {agreed}, and the order costs {}", placed.total));
    }
    lane.pay(placed.into_iter().map(|(placed, _)| placed)).await?;
    for buyer in &buyers {
        let orders = lane.booked(buyer, &[product], 2).await?;
        verdict.expect_orders(&orders, 1);
        orders.iter().for_each(|order| verdict.expect_sound(order));
        verdict.count_sold(&orders, &[product]);
    }
    verdict.expect_sold();
    lane.expect_stock(&mut verdict, product, 92).await?;
    Ok(verdict)
}
