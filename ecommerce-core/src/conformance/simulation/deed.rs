//! What may be done in a shop, and which of it chance picks.

use super::{
    chance::Chance,
    model::Model,
    money::{House, Stage},
};
use crate::{DisputeStatus, PaymentState};

/// How many people, and how many products there are.
pub(super) const CUSTOMERS: usize = 2;
pub(super) const PRODUCTS: usize = 3;

/// Where a payment stands: the order's number, and the payment's in it, each in the order of their making.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub(super) order: usize,
    pub(super) payment: usize,
}

/// Something that somebody does. People, products and orders go by their numbers, amounts are cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Add {
        customer: usize,
        product: usize,
        quantity: u32,
    },
    Reprice {
        product: usize,
        price: u32,
    },
    Restock {
        product: usize,
        stock: u32,
    },
    Delete {
        product: usize,
    },
    Checkout {
        customer: usize,
        house: House,
        pays: Pays,
    },
    /// The customer submits the checkout of this order once more, with its key.
    CheckoutAgain {
        order: usize,
    },
    Pay {
        order: usize,
        house: House,
        pays: Pays,
    },
    /// Somebody pays on the bank's page. Of that an event comes, comes twice, or is kept back: then it comes late, or the
    /// bank must be asked.
    PayAtBank {
        at: At,
        pays: Pays,
        events: usize,
    },
    /// The bank takes its time over a payment, and tells nobody.
    Process {
        at: At,
    },
    /// A provider tells of an attempt.
    Tell {
        at: At,
        news: Tidings,
    },
    /// A provider tells that an attempt succeeded of which it says no more than the order.
    TellUnknown {
        order: usize,
        house: House,
        pays: Pays,
    },
    /// A provider sends what it has sent, or kept back.
    Again {
        event: usize,
    },
    Confirm {
        order: usize,
    },
    Refund {
        order: usize,
        amount: Option<u32>,
        restock: bool,
    },
    /// An admin says that a refund was paid back by hand; refunds of the shop's go by their numbers in their payment.
    RefundDone {
        at: At,
        refund: usize,
    },
    Cancel {
        order: usize,
        by_admin: bool,
    },
    Fulfill {
        order: usize,
    },
    /// The bank answers nothing until it is back.
    BankLeaves,
    BankReturns,
    /// Time passes, and the store does what is due.
    Wait {
        minutes: u32,
    },
    /// An admin holds the books against the bank's.
    Reconcile,
}

/// What comes when an attempt is paid: what was asked for, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pays {
    Right,
    TooLittle,
    TooMuch,
    Euros,
}

impl Pays {
    pub(super) fn amount(self, asked: i64) -> i64 {
        match self {
            Self::Right | Self::Euros => asked,
            Self::TooLittle => asked - 1,
            Self::TooMuch => asked + 100,
        }
    }

    fn any(chance: &mut Chance) -> Self {
        chance.weigh(&[(8, Self::Right), (1, Self::TooLittle), (1, Self::TooMuch), (1, Self::Euros)], Self::Right)
    }
}

/// What a provider tells of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tidings {
    Processing,
    Failed,
    Succeeded,
    /// So much went back from the provider's dashboard.
    Refunded(i64),
    Dispute(DisputeStatus),
}

impl Tidings {
    /// Any of a payment in this amount.
    fn any(chance: &mut Chance, amount: i64) -> Self {
        let refunded = amount * i64::from(chance.between(1, 100)) / 100;
        let dispute =
            chance.weigh(&[(2, DisputeStatus::Open), (2, DisputeStatus::Won), (1, DisputeStatus::Lost)], DisputeStatus::Open);
        let choices = [
            (2, Self::Processing),
            (2, Self::Failed),
            (8, Self::Succeeded),
            (2, Self::Refunded(refunded)),
            (1, Self::Dispute(dispute)),
        ];
        chance.weigh(&choices, Self::Succeeded)
    }
}

/// What is known of the bank when chance proposes what happens there.
pub(super) trait BankView {
    /// Can the payment still be paid?
    fn is_open(&self, at: At) -> bool;
    /// How many cents there still are of what was paid.
    fn left(&self, at: At) -> i64;
}

/// What happens next: something that could happen in such a shop.
pub(super) fn any(chance: &mut Chance, model: &Model, bank: &impl BankView) -> Deed {
    const TRIES: u32 = 20;
    for _ in 0..TRIES {
        let deed = propose(chance, model);
        if model.can_happen(&deed, bank) {
            return deed;
        }
    }
    Deed::Wait { minutes: 1 }
}

/// The deeds by their kinds, weighed; what a kind needs is chosen at random, and may not be there.
fn propose(chance: &mut Chance, model: &Model) -> Deed {
    type Kind = fn(&mut Chance, &Model) -> Deed;
    let always: [(usize, Kind); 6] = [
        (14, |chance, _| Deed::Add {
            customer: chance.below(CUSTOMERS),
            product: chance.below(PRODUCTS),
            quantity: chance.between(1, 3),
        }),
        (16, |chance, _| Deed::Checkout {
            customer: chance.below(CUSTOMERS),
            house: House::any(chance),
            pays: Pays::any(chance),
        }),
        (2, |chance, _| Deed::Reprice { product: chance.below(PRODUCTS), price: chance.between(200, 2999) }),
        (5, |chance, _| Deed::Restock { product: chance.below(PRODUCTS), stock: chance.between(0, 11) }),
        (1, |chance, _| if chance.once_in(20) { Deed::Delete { product: chance.below(PRODUCTS) } } else { Deed::Reconcile }),
        (8, |chance, _| Deed::Wait { minutes: chance.weigh(&[(4, 1), (4, 12), (4, 36), (2, 24 * 60), (1, 7 * 24 * 60)], 1) }),
    ];
    let with_orders: [(usize, Kind); 13] = [
        (2, |chance, model| Deed::CheckoutAgain { order: order(chance, model) }),
        (4, |chance, model| Deed::Pay { order: order(chance, model), house: House::any(chance), pays: Pays::any(chance) }),
        (16, |chance, model| Deed::PayAtBank { at: payment(chance, model), pays: Pays::any(chance), events: chance.below(3) }),
        (2, |chance, model| Deed::Process { at: payment(chance, model) }),
        (24, |chance, model| {
            let at = payment(chance, model);
            Deed::Tell { at, news: Tidings::any(chance, model.expected(at)) }
        }),
        (3, |chance, model| Deed::TellUnknown {
            order: order(chance, model),
            house: House::any(chance),
            pays: Pays::any(chance),
        }),
        (4, |chance, model| Deed::Again { event: chance.below(model.events.len()) }),
        (3, |chance, model| Deed::Confirm { order: order(chance, model) }),
        (5, |chance, model| {
            let amount = (!chance.once_in(2)).then(|| chance.between(1, 1999));
            Deed::Refund { order: order(chance, model), amount, restock: chance.once_in(2) }
        }),
        (3, |chance, model| Deed::RefundDone { at: payment(chance, model), refund: chance.below(2) }),
        (5, |chance, model| Deed::Cancel { order: order(chance, model), by_admin: chance.once_in(2) }),
        (3, |chance, model| Deed::Fulfill { order: order(chance, model) }),
        (3, |_, model| if model.bank_is_away { Deed::BankReturns } else { Deed::BankLeaves }),
    ];
    let with_orders: &[_] = if model.orders.is_empty() { &[] } else { &with_orders };
    let kinds: Vec<_> = always.iter().chain(with_orders).copied().collect();
    chance.weigh(&kinds, |_, _| Deed::Wait { minutes: 1 })(chance, model)
}

/// An order, and a young one as often as not.
fn order(chance: &mut Chance, model: &Model) -> usize {
    let count = model.orders.len();
    if chance.once_in(2) { chance.below(count) } else { count.saturating_sub(1 + chance.below(count.min(4))) }
}

fn payment(chance: &mut Chance, model: &Model) -> At {
    let order = order(chance, model);
    let payments = model.orders.get(order).map_or(0, |order| order.payments.len());
    At { order, payment: chance.below(payments) }
}

impl House {
    fn any(chance: &mut Chance) -> Self {
        chance.weigh(&[(6, Self::Bank), (4, Self::Card), (2, Self::Wire), (1, Self::Hand)], Self::Bank)
    }
}

impl Model {
    /// What is captured, or will be.
    pub(super) fn expected(&self, at: At) -> i64 {
        let total = self.orders.get(at.order).map_or(0, |order| order.total);
        self.payment(at).map_or(0, |payment| payment.pays.amount(total))
    }

    /// Could somebody do so? What a provider tells must be true, and what is paid at the bank must still be open there.
    fn can_happen(&self, deed: &Deed, bank: &impl BankView) -> bool {
        match *deed {
            Deed::Tell { at, news } => self.could_be_told(at, news, bank),
            Deed::TellUnknown { house, .. } => matches!(house, House::Card | House::Wire),
            Deed::PayAtBank { at, .. } | Deed::Process { at } => bank.is_open(at),
            Deed::Again { event } => event < self.events.len(),
            Deed::RefundDone { at, refund } => {
                let payment = self.payment(at);
                let stage = payment.and_then(|payment| payment.refunds.get(refund)).map(|refund| refund.stage);
                // What is owed by a provider may have been overtaken, and be done.
                stage.is_some_and(|stage| stage != Stage::Owed || payment.is_some_and(|payment| payment.house == House::Hand))
            }
            _ => true,
        }
    }

    fn could_be_told(&self, at: At, news: Tidings, bank: &impl BankView) -> bool {
        let Some(payment) = self.payment(at) else { return false };
        let has_succeeded = payment.state == PaymentState::Succeeded;
        match (payment.house, news) {
            (House::Hand, _) | (_, Tidings::Refunded(0)) => false,
            (House::Bank, Tidings::Refunded(amount)) => has_succeeded && amount <= bank.left(at),
            (House::Bank, news) => has_succeeded && matches!(news, Tidings::Dispute(_)),
            // A dispute names the attempt in the provider's words only, and a wire's is resolved once.
            (House::Card, Tidings::Dispute(_)) => payment.is_named,
            (House::Wire, Tidings::Dispute(_)) => payment.is_named && payment.dispute <= Some(DisputeStatus::Open),
            (House::Card, _) | (House::Wire, Tidings::Succeeded) => true,
            // Of failures it is silent, and of refunds it does not tell what had been paid.
            (House::Wire, Tidings::Refunded(_)) => payment.is_named && has_succeeded,
            (House::Wire, Tidings::Processing | Tidings::Failed) => false,
        }
    }
}
