//! What may be done to a shop, at random.

use ecommerce_core::{DisputeStatus, ProviderName};
use proptest::prelude::*;

/// Something that somebody does. People, products, orders and payments go by their numbers, each in its order of making.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    Add {
        customer: usize,
        product: usize,
        quantity: i64,
    },
    Reprice {
        product: usize,
        price: i64,
    },
    Restock {
        product: usize,
        stock: i64,
    },
    Delete {
        product: usize,
    },
    Checkout {
        customer: usize,
        provider: ProviderName,
        pays: Pays,
    },
    Pay {
        order: usize,
        provider: ProviderName,
        pays: Pays,
    },
    /// A provider tells of an attempt.
    Tell {
        order: usize,
        payment: usize,
        news: News,
    },
    /// A provider tells that an attempt succeeded of which it says no more than the order.
    TellUnknown {
        order: usize,
        provider: ProviderName,
        pays: Pays,
    },
    /// A provider sends again what it has sent.
    Again {
        event: usize,
    },
    Confirm {
        order: usize,
    },
    Refund {
        order: usize,
        amount: Option<i64>,
        restock: bool,
    },
    Cancel {
        order: usize,
        by_admin: bool,
    },
    Fulfill {
        order: usize,
    },
    /// Time passes, and the store does what is due.
    Wait {
        minutes: i64,
    },
}

/// What comes when an attempt is paid: what was asked for, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pays {
    Right,
    TooLittle,
    TooMuch,
    Euros,
}

impl Pays {
    pub(crate) fn amount(self, asked: i64) -> i64 {
        match self {
            Self::Right | Self::Euros => asked,
            Self::TooLittle => asked - 1,
            Self::TooMuch => asked + 100,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    Processing,
    Failed,
    Succeeded,
    /// So many hundredths of what was captured are paid back in all.
    Refunded(i64),
    Dispute(DisputeStatus),
}

/// Any deed in a shop with so many customers and products, where each order has so many payments, and providers have sent
/// so many events.
pub(crate) fn any_deed(customers: usize, products: usize, payments: &[usize], events: usize) -> BoxedStrategy<Deed> {
    let (customer, product) = (0..customers, 0..products);
    let shopping = prop_oneof![
        6 => (customer.clone(), product.clone(), 1..4_i64).prop_map(|(customer, product, quantity)| Deed::Add { customer, product, quantity }),
        6 => (customer, provider(), pays()).prop_map(|(customer, provider, pays)| Deed::Checkout { customer, provider, pays }),
        1 => (product.clone(), 200..3000_i64).prop_map(|(product, price)| Deed::Reprice { product, price }),
        2 => (product.clone(), 0..12_i64).prop_map(|(product, stock)| Deed::Restock { product, stock }),
    ];
    let deletion = product.prop_map(|product| Deed::Delete { product });
    let wait = prop::sample::select(vec![1, 35, 24 * 60, 7 * 24 * 60]).prop_map(|minutes| Deed::Wait { minutes });
    if payments.is_empty() {
        return prop_oneof![30 => shopping, 1 => deletion, 1 => wait].boxed();
    }
    let order = 0..payments.len();
    let attempts: Vec<_> =
        payments.iter().enumerate().flat_map(|(order, count)| (0..*count).map(move |payment| (order, payment))).collect();
    let paying = prop_oneof![
        10 => (prop::sample::select(attempts), news()).prop_map(|((order, payment), news)| Deed::Tell { order, payment, news }),
        2 => (order.clone(), provider(), pays()).prop_map(|(order, provider, pays)| Deed::Pay { order, provider, pays }),
        2 => (order.clone(), provider(), pays()).prop_map(|(order, provider, pays)| Deed::TellUnknown { order, provider, pays }),
        2 => (0..events.max(1)).prop_map(|event| Deed::Again { event }),
        2 => order.clone().prop_map(|order| Deed::Confirm { order }),
    ];
    let managing = prop_oneof![
        3 => (order.clone(), prop::option::of(1..2000_i64), any::<bool>()).prop_map(|(order, amount, restock)| Deed::Refund { order, amount, restock }),
        3 => (order.clone(), any::<bool>()).prop_map(|(order, by_admin)| Deed::Cancel { order, by_admin }),
        2 => order.prop_map(|order| Deed::Fulfill { order }),
    ];
    prop_oneof![12 => shopping, 16 => paying, 6 => managing, 1 => deletion, 3 => wait].boxed()
}

fn provider() -> impl Strategy<Value = ProviderName> + Clone {
    prop_oneof![4 => Just(ProviderName::Stripe), 2 => Just(ProviderName::Paystack), 1 => Just(ProviderName::Manual)]
}

fn pays() -> impl Strategy<Value = Pays> + Clone {
    prop_oneof![8 => Just(Pays::Right), 1 => Just(Pays::TooLittle), 1 => Just(Pays::TooMuch), 1 => Just(Pays::Euros)]
}

fn news() -> impl Strategy<Value = News> {
    let dispute = prop::sample::select(DisputeStatus::ALL).prop_map(News::Dispute);
    prop_oneof![
        2 => Just(News::Processing),
        2 => Just(News::Failed),
        8 => Just(News::Succeeded),
        2 => (1..=100_i64).prop_map(News::Refunded),
        1 => dispute,
    ]
}
