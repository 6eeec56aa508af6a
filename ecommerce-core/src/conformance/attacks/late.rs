//! Attacks on an order that ends while its money is on the way.

use crate::{
    OrderId, OrderStatus, Outcome,
    conformance::{
        Frontend, PaidNews, Refusal,
        lane::{Door, Lane, at_once},
        verdict::Verdict,
    },
};

/// Before every second order ends somebody looks at it. So the payment is sometimes ahead by about as much as it is otherwise
/// behind, however far away the database is.
async fn look_first<F: Frontend>(door: &Door<F>, customer: &F::Customer, order: OrderId) -> Result<(), Refusal> {
    if order.get() % 2 == 0 {
        door.orders(customer, 1).await?;
    }
    Ok(())
}

pub(super) async fn cancelled_while_paid<F: Frontend>(lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
    let product = lane.product(100).await?;
    let customer = lane.customer().await?;
    let placed = lane.order(&customer, &[(product, 1)]).await?;
    let (order, payer, owner) = (placed.order, lane.door()?, lane.door()?);
    let paying = tokio::spawn(async move { payer.pay(&placed, PaidNews::FIRST).await });
    look_first(&owner, &customer, order).await?;
    let cancelled = owner.cancel(&customer, order).await;
    paying.await.map_err(Refusal::unexpected)??;
    let is_cancelled = match cancelled {
        Ok(()) => true,
        Err(Refusal::WrongState) => false,
        Err(other) => return Err(other),
    };

    // Whoever came first decides: the money stays and a unit goes, or both the other way.
    let mut verdict = Verdict::to_sell(i64::from(!is_cancelled));
    let orders = lane.booked(&customer, &[product], 2).await?;
    verdict.expect_orders(&orders, 1);
    for order in &orders {
        let (status, outcome, back) = if is_cancelled {
            (OrderStatus::Cancelled, Outcome::OrderCancelled, 1)
        } else {
            (OrderStatus::Paid, Outcome::Applied, 0)
        };
        verdict.check(order.status == status, || format!("order {} is {}, should be {status}", order.id, order.status));
        verdict.expect_sound(order);
        verdict.expect_money(order, &[(outcome, 1)], back);
    }
    verdict.count_sold(&orders, &[product]);
    verdict.expect_sold();
    let left = 100 - verdict.to_sell;
    lane.expect_stock(&mut verdict, product, left).await?;
    Ok(verdict)
}

pub(super) async fn expired_while_paid<F: Frontend>(lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
    let mut verdict = Verdict::to_sell(1);
    let product = lane.product(100).await?;
    let customer = lane.customer().await?;
    let placed = lane.order(&customer, &[(product, 1)]).await?;
    let (order, payer, keeper) = (placed.order, lane.door()?, lane.door()?);
    let paying = tokio::spawn(async move { payer.pay(&placed, PaidNews::FIRST).await });
    look_first(&keeper, &customer, order).await?;
    keeper.let_expire().await?;
    paying.await.map_err(Refusal::unexpected)??;

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

pub(super) async fn late_money<F: Frontend>(lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
    const ORDERS: usize = 8;
    let mut verdict = Verdict::to_sell(1);
    let product = lane.product(8).await?;
    let customers = lane.customers(ORDERS).await?;
    let mut placed = Vec::new();
    for customer in &customers {
        placed.push(lane.order(customer, &[(product, 1)]).await?);
    }
    lane.door()?.let_expire().await?;
    lane.door()?.restock(product, -7).await?;
    lane.pay(placed).await?;

    let books = customers.into_iter().zip(lane.doors(ORDERS)?);
    let orders = at_once(books.map(|(customer, door)| async move { door.orders(&customer, 1).await })).await?.concat();
    verdict.expect_orders(&orders, ORDERS);
    for order in &orders {
        verdict.expect_sound(order);
        match order.status {
            OrderStatus::Paid => verdict.expect_money(order, &[(Outcome::Applied, 1)], 0),
            _ => verdict.expect_money(order, &[(Outcome::OutOfStock, 1)], 1),
        }
    }
    verdict.count_sold(&orders, &[product]);
    verdict.expect_sold();
    lane.expect_stock(&mut verdict, product, 0).await?;
    Ok(verdict)
}
