//! `ecommerce payment`: what payment providers sent, and what is owed back.

use clap::Subcommand;
use ecommerce_core::{PaymentEvent, RefundStatus};

use crate::{
    args::{PageArgs, one_of},
    error::Error,
    print::{Record, date_utc},
    shop::Shop,
};

#[derive(Debug, Subcommand)]
pub(crate) enum PaymentCommand {
    /// Show the events that providers sent, the newest first, and what became of them.
    Events(PageArgs),
    /// Show what is owed back or was paid back, the newest first.
    Refunds {
        /// Only those that have come this far.
        #[arg(long, value_parser = one_of(RefundStatus::ALL, RefundStatus::as_str))]
        status: Option<RefundStatus>,
        #[command(flatten)]
        page: PageArgs,
    },
}

pub(crate) async fn run(shop: &Shop, command: PaymentCommand) -> Result<(), Error> {
    let store = shop.open().await?;
    let system = store.system();
    let admin = system.admin();
    match command {
        PaymentCommand::Events(page) => {
            shop.output().list(&page.rows(async |page| store.payment_event_list(admin, page).await).await?)
        }
        PaymentCommand::Refunds { status, page } => {
            shop.output().list(&page.rows(async |page| store.refund_list(admin, status, page).await).await?)
        }
    }
}

impl Record for PaymentEvent {
    const NAME: &'static str = "events";
    const COLUMNS: &'static [&'static str] = &["ID", "Provider", "Event", "Type", "Status", "Detail", "Received (UTC)"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.provider.to_string(),
            self.event_id.clone(),
            self.kind.clone(),
            self.status.to_string(),
            self.detail.clone().unwrap_or_default(),
            date_utc(self.received_at),
        ]
    }
}
