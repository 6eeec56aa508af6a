//! What a try came to.

use super::BookedOrder;
use crate::{Money, OrderStatus, Outcome, ProductId};

/// What was sold in a try, what should have been, and everything that was wrong.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) sold: i64,
    pub(super) to_sell: i64,
    pub(super) faults: Vec<String>,
}

impl Verdict {
    /// Nothing is wrong yet, and so many units should be sold.
    pub(super) fn to_sell(units: i64) -> Self {
        Self { to_sell: units, ..Self::default() }
    }

    /// Notes what is wrong unless this holds.
    pub(super) fn check(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.faults.push(otherwise());
        }
    }

    /// Counts what the orders sold of the products.
    pub(super) fn count_sold(&mut self, orders: &[BookedOrder], products: &[ProductId]) {
        let paid = orders.iter().filter(|order| order.status == OrderStatus::Paid);
        let lines = paid.flat_map(|order| &order.lines).filter(|line| products.contains(&line.product));
        self.sold += lines.map(|line| i64::from(line.quantity)).sum::<i64>();
    }

    /// Checks that as much was sold as should have been: a shop that refuses everybody does not pass.
    pub(super) fn expect_sold(&mut self) {
        let (sold, to_sell) = (self.sold, self.to_sell);
        self.check(sold == to_sell, || format!("{sold} units were sold, should be {to_sell}"));
    }

    /// Checks that the orders in the books are as many as this.
    pub(super) fn expect_orders(&mut self, orders: &[BookedOrder], expected: usize) {
        let found = orders.len();
        self.check(found == expected, || format!("{found} orders are in the books, should be {expected}"));
    }

    /// Checks what must hold of the money of any order: its total is what its lines come to, it is paid exactly when one
    /// payment of its total is applied, and what was captured and not applied goes back.
    pub(super) fn expect_sound(&mut self, order: &BookedOrder) {
        let (id, total) = (order.id, order.total.minor());
        let lines: i64 = order.lines.iter().map(|line| line.unit_price.minor().saturating_mul(line.quantity.into())).sum();
        self.check(lines == total, || format!("order {id} costs {total} minor units, and its lines {lines}"));
        let applied: Vec<_> = order.captured.iter().filter(|(outcome, _)| *outcome == Outcome::Applied).collect();
        let wanted = usize::from(order.status == OrderStatus::Paid);
        let is_right = applied.len() == wanted && applied.iter().all(|(_, amount)| *amount == order.total);
        self.check(is_right, || {
            format!("order {id} is {} with {} payments of its total applied, should be {wanted}", order.status, applied.len())
        });
        let unapplied = sum(order.captured.iter().filter(|(outcome, _)| *outcome != Outcome::Applied).map(|(_, amount)| amount));
        let captured = sum(order.captured.iter().map(|(_, amount)| amount));
        let back = sum(&order.refunds);
        self.check(unapplied <= back && back <= captured, || {
            format!("{back} minor units of order {id} go back, of {captured} captured and {unapplied} not applied")
        });
    }

    /// Checks that the order has so many captured payments with each of these outcomes, and that so many times its total
    /// goes back.
    pub(super) fn expect_money(&mut self, order: &BookedOrder, outcomes: &[(Outcome, usize)], totals_back: i64) {
        let mut found: Vec<_> = order.captured.iter().map(|(outcome, _)| *outcome).collect();
        found.sort_unstable();
        let mut expected: Vec<_> = outcomes.iter().flat_map(|(outcome, count)| vec![*outcome; *count]).collect();
        expected.sort_unstable();
        self.check(found == expected, || {
            format!("the payments of order {} came to [{}], should be [{}]", order.id, list(&found), list(&expected))
        });
        let (back, owed) = (sum(&order.refunds), order.total.minor().saturating_mul(totals_back));
        self.check(back == owed, || format!("{back} minor units of order {} go back, should be {owed}", order.id));
    }
}

fn sum<'m>(amounts: impl IntoIterator<Item = &'m Money>) -> i64 {
    amounts.into_iter().map(|amount| amount.minor()).sum()
}

fn list(outcomes: &[Outcome]) -> String {
    outcomes.iter().map(Outcome::as_str).collect::<Vec<_>>().join(", ")
}
