//! Attacks on the number of units.

use crate::{
    CheckoutRequest,
    conformance::{
        Frontend, PaidNews, Refusal,
        lane::{Lane, at_once},
        verdict::Verdict,
    },
};

pub(super) async fn oversell<F: Frontend>(lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
    const BUYERS: usize = 50;
    const UNITS: i64 = 10;
    let mut verdict = Verdict::to_sell(UNITS);
    let product = lane.product(UNITS).await?;
    let buyers = lane.customers(BUYERS).await?;
    let fill = buyers.iter().cloned().zip(lane.doors(BUYERS)?);
    at_once(fill.map(|(buyer, door)| async move { door.cart_add(&buyer, &[(product, 1)]).await })).await?;

    let rush = buyers.iter().cloned().zip(lane.doors(BUYERS)?);
    let bought = at_once(rush.map(|(buyer, door)| async move {
        match door.checkout(&buyer, &CheckoutRequest::default()).await {
            Ok(placed) => door.pay(&placed, PaidNews::FIRST).await.map(|()| true),
            Err(Refusal::OutOfStock) => Ok(false),
            Err(other) => Err(other),
        }
    }));
    let bought = bought.await?.into_iter().filter(|bought| *bought).count();

    let books = buyers.into_iter().zip(lane.doors(BUYERS)?);
    let orders = at_once(books.map(|(buyer, door)| async move { door.orders(&buyer, 2).await })).await?;
    let mut orders = orders.concat();
    orders.retain(|order| order.lines.iter().any(|line| line.product == product));
    verdict.expect_orders(&orders, bought);
    orders.iter().for_each(|order| verdict.expect_sound(order));
    verdict.count_sold(&orders, &[product]);
    verdict.expect_sold();
    lane.expect_stock(&mut verdict, product, 0).await?;
    Ok(verdict)
}

pub(super) async fn stock_edited<F: Frontend>(lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
    const SOLD: i64 = 8;
    const FOUND: i64 = 4;
    let mut verdict = Verdict::to_sell(SOLD);
    let product = lane.product(50).await?;
    let customer = lane.customer().await?;
    let mut placed = Vec::new();
    for _ in 0..SOLD {
        placed.push(lane.order(&customer, &[(product, 1)]).await?);
    }
    // Something is found after every second payment.
    let mut deeds = Vec::new();
    for two in placed.chunks(2) {
        deeds.extend(two.iter().cloned().map(Some));
        deeds.push(None);
    }
    let (dearer, doors) = (lane.money(11)?, lane.doors(deeds.len())?);
    let deeds = deeds.into_iter().zip(doors);
    at_once(deeds.map(|(payment, door)| async move {
        match payment {
            Some(placed) => door.pay(&placed, PaidNews::FIRST).await,
            None => {
                door.restock(product, 1).await?;
                door.set_price(product, dearer).await
            }
        }
    }))
    .await?;

    let orders = lane.booked(&customer, &[product], 10).await?;
    orders.iter().for_each(|order| verdict.expect_sound(order));
    verdict.count_sold(&orders, &[product]);
    verdict.expect_sold();
    lane.expect_stock(&mut verdict, product, 50 - SOLD + FOUND).await?;
    Ok(verdict)
}

pub(super) async fn crossed_carts<F: Frontend>(lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
    const BUYERS: usize = 8;
    let mut verdict = Verdict::to_sell(12);
    let products = [lane.product(100).await?, lane.product(100).await?, lane.product(100).await?];
    let buyers = lane.customers(BUYERS).await?;
    let fill = buyers.iter().cloned().zip(lane.doors(BUYERS)?).enumerate();
    at_once(fill.map(|(number, (buyer, door))| async move {
        let mut products = products;
        products.rotate_left(number % 3);
        for product in products {
            door.cart_add(&buyer, &[(product, 1)]).await?;
        }
        Ok(())
    }))
    .await?;

    let rush = buyers.iter().cloned().zip(lane.doors(BUYERS)?).enumerate();
    at_once(rush.map(|(number, (buyer, door))| async move {
        let placed = door.checkout(&buyer, &CheckoutRequest::default()).await?;
        if number % 2 == 0 { door.pay(&placed, PaidNews::FIRST).await } else { door.cancel(&buyer, placed.order).await }
    }))
    .await?;

    for buyer in &buyers {
        let orders = lane.booked(buyer, &products, 2).await?;
        verdict.expect_orders(&orders, 1);
        orders.iter().for_each(|order| verdict.expect_sound(order));
        verdict.count_sold(&orders, &products);
    }
    verdict.expect_sold();
    for product in products {
        lane.expect_stock(&mut verdict, product, 96).await?;
    }
    Ok(verdict)
}
