//! `ecommerce order`: what was bought.

use clap::{Args, Subcommand};
use ecommerce_core::{
    Fulfillment, FulfillmentStep, Note, Order, OrderFilter, OrderId, OrderStatus, RefundRequest, UserId, parse_decimal,
};
use rust_decimal::Decimal;

use crate::{
    args::{PageArgs, one_of},
    error::Error,
    print::{Record, date_utc, money},
    receipt,
    shop::{Shop, system},
};

#[derive(Debug, Subcommand)]
pub(crate) enum OrderCommand {
    /// Show the orders, the newest first.
    List {
        /// Only those that have come this far.
        #[arg(long, value_parser = one_of(OrderStatus::ALL, OrderStatus::as_str))]
        status: Option<OrderStatus>,
        /// Only those of the user with this ID.
        #[arg(long, value_name = "ID")]
        user: Option<UserId>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show an order: its items, its money and its history.
    Show {
        /// Which one.
        id: OrderId,
    },
    /// Say how far the goods of a paid order have come, one step at a time.
    Fulfillment {
        /// Which order.
        id: OrderId,
        #[command(flatten)]
        step: StepArgs,
    },
    /// Cancel an order that is not shipped yet. What was paid is queued to go back.
    Cancel {
        /// Which one.
        id: OrderId,
    },
    /// Pay back an order, or a part of it.
    Refund {
        /// Which order.
        id: OrderId,
        #[command(flatten)]
        refund: RefundArgs,
    },
    /// Record that a bank transfer or cash has paid an order.
    ConfirmPayment {
        /// Which order.
        id: OrderId,
        /// Where to find the payment in the books.
        #[arg(long)]
        reference: Option<Note>,
    },
}

/// What may follow, one after the other.
const STEPS: &[Fulfillment] = &[Fulfillment::Processing, Fulfillment::Shipped, Fulfillment::Delivered];

#[derive(Debug, Args)]
pub(crate) struct StepArgs {
    /// The step that was made.
    #[arg(long, value_parser = one_of(STEPS, Fulfillment::as_str))]
    status: Fulfillment,
    /// Where to follow the parcel.
    #[arg(long, value_name = "NUMBER")]
    tracking_number: Option<Note>,
    /// What there is to say about it.
    #[arg(long)]
    note: Option<Note>,
}

#[derive(Debug, Args)]
pub(crate) struct RefundArgs {
    /// How much, in the currency of the payment [default: all that is left].
    #[arg(long, value_parser = parse_decimal)]
    amount: Option<Decimal>,
    /// Why, for people.
    #[arg(long)]
    reason: Option<Note>,
    /// Put the pieces back into stock; only together with all that is left.
    #[arg(long)]
    restock: bool,
}

pub(crate) async fn run(shop: &Shop, command: OrderCommand) -> Result<(), Error> {
    let store = shop.open().await?;
    let system = system(&store);
    let admin = system.admin();
    let order = match command {
        OrderCommand::List { status, user, page } => {
            let filter = OrderFilter { status, user };
            return shop.output().list(&page.rows(async |page| store.order_list(admin, &filter, page).await).await?);
        }
        OrderCommand::Show { id } => store.order(admin, id).await?,
        OrderCommand::Fulfillment { id, step: StepArgs { status, tracking_number, note } } => {
            store.order_fulfill(admin, id, &FulfillmentStep { status, tracking_number, note }).await?
        }
        OrderCommand::Cancel { id } => store.order_cancel(admin, id).await?,
        OrderCommand::Refund { id, refund: RefundArgs { amount, reason, restock } } => {
            store.order_refund(admin, id, &RefundRequest { amount, reason, restock }).await?
        }
        OrderCommand::ConfirmPayment { id, reference } => store.order_confirm_payment(admin, id, reference.as_ref()).await?,
    };
    shop.output().one(&order, || Ok(receipt::text(&order)))
}

impl Record for Order {
    const NAME: &'static str = "orders";
    const COLUMNS: &'static [&'static str] = &["ID", "Customer", "Status", "Payment", "Fulfillment", "Total", "Placed (UTC)"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.customer.email.to_string(),
            self.status.to_string(),
            self.payment_status.to_string(),
            self.fulfillment.to_string(),
            money(self.total, self.currency),
            date_utc(self.created_at),
        ]
    }
}
