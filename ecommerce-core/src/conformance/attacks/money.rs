//! Attacks on the money of an order.

use crate::{
    Outcome,
    conformance::{
        Frontend, PaidNews, Placed, Refusal,
        lane::{Lane, all_at_once, at_once},
        verdict::Verdict,
    },
};

/// Has all this news of one order delivered at once.
async fn deliver<F: Frontend>(lane: &mut Lane<F>, placed: &Placed, news: Vec<PaidNews>) -> Result<(), Refusal> {
    let doors = lane.doors(news.len())?;
    let deeds = news.into_iter().zip(doors);
    at_once(deeds.map(|(news, door)| {
        let placed = placed.clone();
        async move { door.pay(&placed, news).await }
    }))
    .await?;
    Ok(())
}

pub(super) async fn double_webhook<F: Frontend>(lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
    let mut verdict = Verdict::to_sell(3);
    let product = lane.product(100).await?;
    let customer = lane.customer().await?;
    let placed = lane.order(&customer, &[(product, 3)]).await?;
    let second = PaidNews { event: 1, ..PaidNews::FIRST };
    deliver(lane, &placed, [[PaidNews::FIRST; 9].as_slice(), &[second; 3]].concat()).await?;

    let orders = lane.booked(&customer, &[product], 2).await?;
    verdict.expect_orders(&orders, 1);
    for order in &orders {
        verdict.expect_sound(order);
        verdict.expect_money(order, &[(Outcome::Applied, 1)], 0);
    }
    verdict.count_sold(&orders, &[product]);
    verdict.expect_sold();
    lane.expect_stock(&mut verdict, product, 97).await?;
    Ok(verdict)
}

pub(super) async fn two_payments<F: Frontend>(lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
    const PAYMENTS: u32 = 6;
    let mut verdict = Verdict::to_sell(1);
    let product = lane.product(100).await?;
    let customer = lane.customer().await?;
    let placed = lane.order(&customer, &[(product, 1)]).await?;
    let tellings = |number| [0, 1].map(|event| PaidNews { other_payment: Some(number), event });
    deliver(lane, &placed, (0..PAYMENTS).flat_map(tellings).collect()).await?;

    let orders = lane.booked(&customer, &[product], 2).await?;
    verdict.expect_orders(&orders, 1);
    for order in &orders {
        verdict.expect_sound(order);
        verdict.expect_money(order, &[(Outcome::Applied, 1), (Outcome::Duplicate, 5)], 5);
    }
    verdict.count_sold(&orders, &[product]);
    verdict.expect_sold();
    lane.expect_stock(&mut verdict, product, 99).await?;
    Ok(verdict)
}

pub(super) async fn double_confirmation<F: Frontend>(lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
    let mut verdict = Verdict::to_sell(1);
    let product = lane.product(100).await?;
    let customer = lane.customer().await?;
    let order = lane.order(&customer, &[(product, 1)]).await?.order;
    let deeds = lane.doors(6)?.into_iter();
    at_once(deeds.map(|door| async move { door.confirm(order).await })).await?;

    let orders = lane.booked(&customer, &[product], 2).await?;
    verdict.expect_orders(&orders, 1);
    for order in &orders {
        verdict.expect_sound(order);
        verdict.expect_money(order, &[(Outcome::Applied, 1)], 0);
    }
    verdict.count_sold(&orders, &[product]);
    verdict.expect_sold();
    lane.expect_stock(&mut verdict, product, 99).await?;
    Ok(verdict)
}

pub(super) async fn refunded_twice<F: Frontend>(lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
    let mut verdict = Verdict::to_sell(1);
    let product = lane.product(100).await?;
    let customer = lane.customer().await?;
    let placed = lane.order(&customer, &[(product, 1)]).await?;
    let (order, three) = (placed.order, lane.money(3)?);
    lane.pay([placed]).await?;
    let deeds = lane.doors(8)?.into_iter();
    let mut taken = 0;
    for outcome in all_at_once(deeds.map(|door| async move { door.refund(order, three).await })).await? {
        match outcome {
            Ok(()) => taken += 1,
            Err(Refusal::NothingLeft) => {}
            Err(other) => return Err(other),
        }
    }
    verdict.check(taken == 3, || format!("{taken} of 8 refunds of 3 were taken of an order of 10, should be 3"));

    let orders = lane.booked(&customer, &[product], 2).await?;
    verdict.expect_orders(&orders, 1);
    for order in &orders {
        verdict.expect_sound(order);
        let count = order.refunds.len();
        verdict.check(count == 3, || format!("{count} refunds are in the books, should be 3"));
    }
    verdict.count_sold(&orders, &[product]);
    verdict.expect_sold();
    lane.expect_stock(&mut verdict, product, 99).await?;
    Ok(verdict)
}
