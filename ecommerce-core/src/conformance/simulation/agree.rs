//! Does the store show what the model says? Where the store may do one thing or another, the model first learns which.

use std::collections::BTreeMap;

use super::{
    bank::{Answer, BankState, Books},
    deed::At,
    model::{Model, Order as ModelOrder},
    money::{House, Payment as ModelPayment, Stage, Sums},
    world::{Lost, Seen},
};
use crate::{Money, Order, OrderStatus, Outcome, PaymentState, Refund, RefundStatus};

/// Which orders may have expired meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expiry {
    /// None: nobody looked.
    Nobody,
    /// Those that are due, before anything was asked. All of them that have nothing open at the bank must have.
    First,
    /// Those that are due, after all was asked. All of them that have nothing open at the bank must have.
    Last,
    /// Any that are due: whoever looked was disturbed.
    Perhaps,
}

/// Lets the model know what the store did by itself, as far as that is right: it heard the bank's answers, in that order, as
/// far as it shows so; it let orders expire; it sent refunds.
pub(super) fn learn(model: &mut Model, seen: &Seen, books: &Books, answers: &[Answer], expiry: Expiry) {
    if matches!(expiry, Expiry::First | Expiry::Perhaps) {
        learn_of_expiry(model, seen, expiry);
    }
    for answer in answers {
        // What is not as it should be shows when the store is compared.
        let _ = learn_of_answer(model, seen, *answer);
    }
    if expiry == Expiry::Last {
        learn_of_expiry(model, seen, expiry);
    }
    for order in 0..model.orders.len() {
        let payments = model.orders.get(order).map_or(0, |order| order.payments.len());
        for payment in 0..payments {
            learn_of_refunds(model, seen, books, At { order, payment });
        }
    }
}

fn learn_of_expiry(model: &mut Model, seen: &Seen, expiry: Expiry) {
    for order in 0..model.orders.len() {
        let has_expired = seen.orders.get(order).is_some_and(|order| order.status == OrderStatus::Expired);
        let asks_the_bank = |order: &ModelOrder| order.payments.iter().any(|payment| payment.house == House::Bank);
        let must = expiry != Expiry::Perhaps && !model.orders.get(order).is_some_and(asks_the_bank);
        if model.is_overdue(order) && (has_expired || must) {
            model.expire(order);
        }
    }
}

fn learn_of_answer(model: &mut Model, seen: &Seen, answer: Answer) -> Option<()> {
    let (Answer::NameTaken(payment)
    | Answer::Refused(payment)
    | Answer::Processing(payment)
    | Answer::Closed(payment)
    | Answer::Paid(payment)) = answer;
    let at = seen.at(payment)?;
    let shown = seen.payment(at)?.status;
    match answer {
        Answer::Paid(_) if shown == PaymentState::Succeeded => model.succeed(at),
        Answer::Processing(_) if shown >= PaymentState::Processing => model.advance(at, PaymentState::Processing),
        Answer::Closed(_) | Answer::Refused(_) if shown >= PaymentState::Failed => model.advance(at, PaymentState::Failed),
        Answer::NameTaken(_) if shown >= PaymentState::Failed => {
            model.advance(at, PaymentState::Failed)?;
            let known = model.orders.get(at.order)?.payments.len();
            if seen.orders.get(at.order)?.payments.len() > known { model.pay_anew(at.order) } else { Some(()) }
        }
        _ => Some(()),
    }
}

/// The store's refunds are the model's, in the order of their asking; one goes on as far as the bank knows of it.
fn learn_of_refunds(model: &mut Model, seen: &Seen, books: &Books, at: At) {
    let Some(payment) = model.payment_mut(at) else { return };
    let held = seen.payment(at).and_then(|payment| books.payment(payment.id));
    // One of which nothing is left, after a lost dispute for instance, is not shown any more.
    payment.refunds.iter_mut().for_each(|refund| refund.is_shown = false);
    for shown in seen.refunds(at) {
        let known = payment.refunds.iter().position(|refund| refund.id == Some(shown.id));
        let Some(number) = known.or_else(|| payment.refunds.iter().position(|refund| refund.id.is_none())) else { return };
        let Some(refund) = payment.refunds.get_mut(number) else { return };
        (refund.id, refund.is_shown) = (Some(shown.id), true);
        let at_bank = held.and_then(|held| held.refunds.get(&shown.id)).map(|(amount, _)| amount.minor());
        let is_refused = held.is_some_and(|held| held.refused.contains(&shown.id));
        let stage = match (shown.status, refund.stage) {
            (RefundStatus::Sent, Stage::Owed) if held.is_some() => Stage::Sent,
            (RefundStatus::Pending, Stage::Owed | Stage::Sent) if at_bank.is_some() => Stage::Pending,
            (RefundStatus::Succeeded, Stage::Owed | Stage::Sent | Stage::Pending) if at_bank.is_some() => Stage::Back,
            (RefundStatus::NeedsAttention, Stage::Owed | Stage::Sent) if is_refused => Stage::Refused,
            (_, stage) => stage,
        };
        payment.move_refund(number, stage, at_bank);
    }
}

/// What the store shows and the model does not say.
pub(super) fn compare(model: &Model, seen: &Seen, books: &Books) -> Result<(), Lost> {
    if let Some(wrong) = books.wrongs().first() {
        return Err(format!("at the bank: {wrong}"));
    }
    if let Some(finding) = seen.findings.first() {
        return Err(format!("the doctor found {finding:?}"));
    }
    for (number, (shown, product)) in seen.shelf.iter().zip(&model.products).enumerate() {
        let expected = (!product.is_deleted).then_some((product.price, product.stock, product.reserved));
        same(&format!("price, stock and reserved of product {number}"), shown, &expected)?;
    }
    for (number, (shown, cart)) in seen.carts.iter().zip(&model.carts).enumerate() {
        same(&format!("the cart of customer {number}"), shown, cart)?;
    }
    same("the number of orders", &seen.orders.len(), &model.orders.len())?;
    for (number, (shown, order)) in seen.orders.iter().zip(&model.orders).enumerate() {
        compare_order(number, seen, shown, order)?;
    }
    Ok(())
}

fn compare_order(number: usize, seen: &Seen, shown: &Order, order: &ModelOrder) -> Result<(), Lost> {
    let what = |what: &str| format!("{what} of order {number} (id {})", shown.id);
    let (payment_status, refunded) = order.payment_status();
    same(&what("the status"), &shown.status, &order.status)?;
    same(&what("the fulfilment"), &shown.fulfillment, &order.fulfillment)?;
    same(&what("the payment status"), &shown.payment_status, &payment_status)?;
    same(&what("the dispute"), &shown.disputed, &order.is_disputed())?;
    same(&what("the total"), &shown.total.minor(), &order.total)?;
    same(&what("what was refunded"), &shown.refunded_total.minor(), &refunded)?;
    same(&what("the number of payments"), &shown.payments.len(), &order.payments.len())?;
    for (payment, (shown, expected)) in shown.payments.iter().zip(&order.payments).enumerate() {
        let what = |part: &str| what(&format!("{part} of payment {payment}"));
        same(&what("the provider"), &shown.provider, &expected.house.name())?;
        same(&what("the state"), &shown.status, &expected.state)?;
        same(&what("the outcome"), &shown.outcome, &expected.outcome)?;
        same(&what("what was captured"), &shown.captured.map_or(0, Money::minor), &expected.captured)?;
        same(&what("what was refunded"), &shown.refunded.minor(), &expected.sums().refunded)?;
        compare_refunds(&what("the refunds"), seen, At { order: number, payment }, expected)?;
    }
    Ok(())
}

fn compare_refunds(what: &str, seen: &Seen, at: At, expected: &ModelPayment) -> Result<(), Lost> {
    let sum = |statuses: &[RefundStatus]| -> i64 {
        seen.refunds(at).filter(|refund| statuses.contains(&refund.status)).map(|refund| refund.amount.minor()).sum()
    };
    let is_known = |refund: &Refund| expected.refunds.iter().any(|known| known.id == Some(refund.id));
    if let Some(unknown) = seen.refunds(at).find(|refund| !is_known(refund)) {
        return Err(format!("{what}: nobody asked for {unknown:?}"));
    }
    let Sums { owed, under_way, refused, .. } = expected.sums();
    let shown =
        (sum(&[RefundStatus::Queued]), sum(&[RefundStatus::Sent, RefundStatus::Pending]), sum(&[RefundStatus::NeedsAttention]));
    same(&format!("{what} (owed, under way, refused)"), &shown, &(owed, under_way, refused))
}

/// When all is quiet: nothing waits that need not, and to the last cent the bank paid back what the shop says that it did.
pub(super) fn settled(model: &Model, seen: &Seen, books: &Books) -> Result<(), Lost> {
    let mut ours = BTreeMap::new();
    for (number, (shown, order)) in seen.orders.iter().zip(&model.orders).enumerate() {
        if shown.status == OrderStatus::PendingPayment {
            return Err(format!("order {number} waits for ever"));
        }
        let payments = shown.payments.iter().zip(&order.payments);
        ours.extend(
            payments.enumerate().map(|(payment, (shown, expected))| (shown.id, (At { order: number, payment }, expected))),
        );
    }
    for (id, held) in books.payments() {
        let Some((at, payment)) = ours.get(id) else { return Err(format!("the bank has a payment {id} of nobody's")) };
        let what = |what: &str| format!("{what} of payment {} of order {}", at.payment, at.order);
        let is_paid = held.state == BankState::Paid;
        same(&what("the success"), &(payment.state == PaymentState::Succeeded), &is_paid)?;
        let back_at_bank: i64 = held.refunds.values().map(|(amount, _)| amount.minor()).sum();
        let back = payment.refunds.iter().filter(|refund| refund.stage == Stage::Back).map(|refund| refund.asked).sum();
        let (is_open, is_lost) = (payment.is_disputed(), payment.is_charged_back());
        let waits = seen.refunds(*at).filter(|refund| refund.amount.minor() > 0);
        let mut waits =
            waits.filter(|refund| matches!(refund.status, RefundStatus::Queued | RefundStatus::Sent | RefundStatus::Pending));
        if let Some(refund) = waits.next().filter(|_| !is_open && !is_lost) {
            return Err(what(&format!("a refund waits for ever: {refund:?}")));
        }
        if is_lost {
            continue;
        }
        same(&what("what went back"), &back, &back_at_bank)?;
        let sums = payment.sums();
        if is_paid && payment.outcome != Some(Outcome::Applied) {
            let spoken_for = sums.refunded + sums.refused + sums.owed + sums.under_way;
            same(&what("what went back or waits of money that was not applied"), &spoken_for, &payment.captured)?;
        }
    }
    Ok(())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, shown: &T, expected: &T) -> Result<(), Lost> {
    if shown == expected { Ok(()) } else { Err(format!("{what}: the store shows {shown:?}, the model says {expected:?}")) }
}
