//! What the tries of an attack share: the ways into the shop, the people, and how many do something at once.

use std::sync::{Arc, atomic::AtomicU64};

use super::{BookedOrder, Frontend, PaidNews, Placed, Refusal, patience::Patient, verdict::Verdict};
use crate::{CheckoutRequest, Money, ProductId};

/// A succession of tries. Its customers come again in every one, since making an account is slow on purpose.
pub(super) struct Lane<F: Frontend> {
    doors: Vec<Patient<F>>,
    turn: usize,
    customers: Vec<F::Customer>,
}

/// A way into the shop.
pub(super) type Door<F> = Patient<F>;

impl<F: Frontend> Lane<F> {
    /// A lane that begins with another frontend than the lane before it.
    pub(super) fn new(frontends: &[F], number: usize, busy: &Arc<AtomicU64>) -> Self {
        let doors = frontends.iter().map(|frontend| Patient::new(frontend.clone(), busy.clone())).collect();
        Self { doors, turn: number, customers: Vec::new() }
    }

    /// The next frontend: they take turns.
    pub(super) fn door(&mut self) -> Result<Door<F>, Refusal> {
        let door = self.turn.checked_rem(self.doors.len()).and_then(|number| self.doors.get(number));
        self.turn = self.turn.wrapping_add(1);
        door.cloned().ok_or_else(|| Refusal::unexpected("there is no frontend to attack"))
    }

    /// So many frontends, for as many deeds.
    pub(super) fn doors(&mut self, count: usize) -> Result<Vec<Door<F>>, Refusal> {
        (0..count).map(|_| self.door()).collect()
    }

    /// So much money, in whole units of the shop's currency.
    pub(super) fn money(&mut self, whole: u32) -> Result<Money, Refusal> {
        Money::parse(&whole.to_string(), self.door()?.currency()).map_err(Refusal::unexpected)
    }

    /// A new product at a price of 10.
    pub(super) async fn product(&mut self, stock: i64) -> Result<ProductId, Refusal> {
        let price = self.money(10)?;
        self.door()?.product(price, stock).await
    }

    /// A customer with an empty cart.
    pub(super) async fn customer(&mut self) -> Result<F::Customer, Refusal> {
        let customers = self.customers(1).await?;
        customers.into_iter().next().ok_or_else(|| Refusal::unexpected("nobody came"))
    }

    /// So many customers with empty carts.
    pub(super) async fn customers(&mut self, count: usize) -> Result<Vec<F::Customer>, Refusal> {
        let known: Vec<_> = self.customers.iter().take(count).cloned().collect();
        let doors = self.doors(known.len())?;
        at_once(known.into_iter().zip(doors).map(|(customer, door)| async move { door.cart_clear(&customer).await })).await?;
        let doors = self.doors(count.saturating_sub(self.customers.len()))?;
        let new = at_once(doors.into_iter().map(|door| async move { door.customer().await })).await?;
        self.customers.extend(new);
        Ok(self.customers.iter().take(count).cloned().collect())
    }

    /// Whoever took part in a try that broke may have anything in the cart: others take part in the next.
    pub(super) fn forget_customers(&mut self) {
        self.customers.clear();
    }

    /// An order of these lines that waits for payment.
    pub(super) async fn order(&mut self, customer: &F::Customer, lines: &[(ProductId, u32)]) -> Result<Placed, Refusal> {
        let door = self.door()?;
        door.cart_add(customer, lines).await?;
        self.door()?.checkout(customer, &CheckoutRequest::default()).await
    }

    /// Has these orders paid, all at once.
    pub(super) async fn pay(&mut self, placed: impl IntoIterator<Item = Placed>) -> Result<(), Refusal> {
        let placed: Vec<_> = placed.into_iter().collect();
        let doors = self.doors(placed.len())?;
        let deeds = placed.into_iter().zip(doors);
        at_once(deeds.map(|(placed, door)| async move { door.pay(&placed, PaidNews::FIRST).await })).await?;
        Ok(())
    }

    /// What the books say of the customer's newest orders, as far as they hold one of the products.
    pub(super) async fn booked(
        &mut self,
        customer: &F::Customer,
        products: &[ProductId],
        newest: u32,
    ) -> Result<Vec<BookedOrder>, Refusal> {
        let mut orders = self.door()?.orders(customer, newest).await?;
        orders.retain(|order| order.lines.iter().any(|line| products.contains(&line.product)));
        Ok(orders)
    }

    /// Checks that so many of a product are on hand, and that none is reserved any more.
    pub(super) async fn expect_stock(&mut self, verdict: &mut Verdict, product: ProductId, expected: i64) -> Result<(), Refusal> {
        let stock = self.door()?.stock(product).await?;
        verdict.check((stock.stock, stock.reserved) == (expected, 0), || {
            format!("{} in stock with {} reserved, should be {expected} with none reserved", stock.stock, stock.reserved)
        });
        Ok(())
    }
}

/// Does all deeds at once, each in a task of its own, and answers what came of each, in their order.
pub(super) async fn all_at_once<T: Send + 'static, D: Future<Output = T> + Send + 'static>(
    deeds: impl IntoIterator<Item = D>,
) -> Result<Vec<T>, Refusal> {
    let running: Vec<_> = deeds.into_iter().map(tokio::spawn).collect();
    let mut done = Vec::with_capacity(running.len());
    for deed in running {
        done.push(deed.await.map_err(Refusal::unexpected)?);
    }
    Ok(done)
}

/// The same for deeds of which none may be refused.
pub(super) async fn at_once<T: Send + 'static, D: Future<Output = Result<T, Refusal>> + Send + 'static>(
    deeds: impl IntoIterator<Item = D>,
) -> Result<Vec<T>, Refusal> {
    all_at_once(deeds).await?.into_iter().collect()
}
