//! What an attack needs of a shop.

use async_trait::async_trait;

use crate::{CheckoutRequest, Currency, Money, Order, OrderId, OrderStatus, Outcome, PaymentId, ProductId, RefundStatus};

/// A way into a shop: a [`crate::Store`], a server somewhere, or whatever else customers and admins come by.
///
/// Several frontends are several processes of **one** shop: what one of them answers (a customer, a product, an order) the
/// others must know. An attack spreads its deeds over all of them. A clone is the same frontend.
///
/// A deed that the frontend does not have answers [`Refusal::NotOffered`], as those with a body here do; attacks that need
/// it are left out, and their [`Report`](super::Report) says so.
#[async_trait]
pub trait Frontend: Clone + Send + Sync + 'static {
    /// What a customer is known by: an id, a token.
    type Customer: Clone + Send + Sync + 'static;

    /// The currency in which attacks name prices. Its provider must take amounts of 10 to 1,000 in it.
    fn currency(&self) -> Currency;

    /// Puts something on sale.
    async fn product(&self, price: Money, stock: i64) -> Result<ProductId, Refusal>;

    /// Somebody who has never been here.
    async fn customer(&self) -> Result<Self::Customer, Refusal>;

    /// Takes everything out of the customer's cart.
    async fn cart_clear(&self, customer: &Self::Customer) -> Result<(), Refusal>;

    /// Adds so many pieces of each product to those in the customer's cart.
    async fn cart_add(&self, customer: &Self::Customer, lines: &[(ProductId, u32)]) -> Result<(), Refusal>;

    /// Turns the customer's cart into an order. The request's provider is left open: it is the one whose news
    /// [`Frontend::pay`] delivers.
    async fn checkout(&self, customer: &Self::Customer, request: &CheckoutRequest) -> Result<Placed, Refusal>;

    /// Delivers the provider's news that the order was paid in full, as the provider itself would: by a webhook with its
    /// signature, by an answer to a question. `Ok` says that the news was taken in, whatever becomes of the money.
    async fn pay(&self, placed: &Placed, news: PaidNews) -> Result<(), Refusal>;

    /// Calls the order off, as the customer.
    async fn cancel(&self, customer: &Self::Customer, order: OrderId) -> Result<(), Refusal>;

    /// The customer's newest orders, newest first.
    async fn orders(&self, customer: &Self::Customer, newest: u32) -> Result<Vec<BookedOrder>, Refusal>;

    /// How many of a product there are.
    async fn stock(&self, product: ProductId) -> Result<Stock, Refusal>;

    /// As an admin, finds (or loses) so many pieces more, whatever is sold meanwhile.
    async fn restock(&self, product: ProductId, by: i64) -> Result<(), Refusal>;

    /// As an admin, gives a product another price.
    async fn set_price(&self, product: ProductId, price: Money) -> Result<(), Refusal>;

    /// As an admin, says that the money of the order has come by hand.
    async fn confirm(&self, _order: OrderId) -> Result<(), Refusal> {
        Err(Refusal::NotOffered)
    }

    /// As an admin, orders so much of the money of a paid order to go back.
    async fn refund(&self, _order: OrderId, _amount: Money) -> Result<(), Refusal> {
        Err(Refusal::NotOffered)
    }

    /// Lets the time of every order run out that waits for payment, and the shop do what is due then.
    async fn let_expire(&self) -> Result<(), Refusal> {
        Err(Refusal::NotOffered)
    }

    /// Has the books looked over: a sentence for everything that is wrong in them, such as [`crate::Store::audit`] finds.
    async fn doctor(&self) -> Result<Vec<String>, Refusal> {
        Err(Refusal::NotOffered)
    }
}

/// Why a deed was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is too little in stock.
    #[error("there is too little in stock")]
    OutOfStock,
    /// There is nothing in the cart.
    #[error("the cart is empty")]
    CartEmpty,
    /// The total is not the one that was expected.
    #[error("the total has changed")]
    TotalChanged,
    /// The order has come too far for it, or not far enough.
    #[error("the order's state does not allow it")]
    WrongState,
    /// More money shall go back than is left.
    #[error("so much money is not left")]
    NothingLeft,
    /// The shop cannot do it now and **changed nothing**, as a status of 503 says. The attack tries again, as a customer
    /// would, and the report counts how often.
    #[error("the shop is busy: {0}")]
    Busy(String),
    /// The frontend does not have such a deed.
    #[error("the frontend does not offer it")]
    NotOffered,
    /// Anything else. No attack expects it.
    #[error("{0}")]
    Unexpected(String),
}

impl Refusal {
    /// What no attack expects, in the words of another error.
    pub fn unexpected(error: impl std::fmt::Display) -> Self {
        Self::Unexpected(error.to_string())
    }
}

/// An order that a checkout answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The order's id.
    pub order: OrderId,
    /// The payment that the checkout began, where the shop gives its id out.
    pub payment: Option<PaymentId>,
    /// What it costs.
    pub total: Money,
    /// Whether it says that an earlier checkout with the same key had placed it.
    pub replayed: bool,
}

/// Which news of a payment: the same value is the same event, delivered again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PaidNews {
    /// `None` for the payment that the checkout began. A number for another one, which the customer made beside it and of
    /// which the shop has heard nothing: the news names only the order.
    pub other_payment: Option<u32>,
    /// Which of the events that tell of this payment: 0 or 1. A provider with a single kind may send that under two ids.
    pub event: u32,
}

impl PaidNews {
    /// The first event about the payment that the checkout began.
    pub const FIRST: Self = Self { other_payment: None, event: 0 };
}

/// How many pieces of a product there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stock {
    /// On hand.
    pub stock: i64,
    /// How many of them orders hold that wait for payment.
    pub reserved: i64,
}

/// An order as it stands in the shop's books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedOrder {
    /// The order's id.
    pub id: OrderId,
    /// How far it has come.
    pub status: OrderStatus,
    /// What was bought.
    pub lines: Vec<BookedLine>,
    /// What it costs.
    pub total: Money,
    /// The captured payments: what became of each, and how much it was.
    pub captured: Vec<(Outcome, Money)>,
    /// The refunds that are owed, on their way or done.
    pub refunds: Vec<Money>,
}

/// A line of an order in the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookedLine {
    /// What was bought.
    pub product: ProductId,
    /// How many.
    pub quantity: u32,
    /// What a piece costs.
    pub unit_price: Money,
}

impl From<Order> for BookedOrder {
    fn from(order: Order) -> Self {
        let lines = order.items.iter().map(|item| BookedLine {
            product: item.product_id,
            quantity: item.quantity.get(),
            unit_price: item.unit_price,
        });
        let captured = order.payments.iter().filter_map(|payment| payment.outcome.zip(payment.captured));
        let refunds = order.refunds.iter().filter(|refund| refund.status != RefundStatus::Failed);
        Self {
            id: order.id,
            status: order.status,
            lines: lines.collect(),
            total: order.total,
            captured: captured.collect(),
            refunds: refunds.map(|refund| refund.amount).collect(),
        }
    }
}
