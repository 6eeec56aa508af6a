//! `ecommerce payment`: what payment providers sent, and what is owed back.

use clap::Subcommand;
use ecommerce_core::{PaymentEvent, Reconciliation, RefundStatus, Store};

use crate::{
    args::{PageArgs, one_of},
    error::Error,
    print::{Record, count, date_utc},
    providers::ProviderArgs,
    shop::{Shop, system},
};

/// Where a shop is found that does not say: a command has no listening address.
const DEFAULT_ADDRESS: &str = "http://127.0.0.1:8000";

#[derive(Debug, Subcommand)]
pub(crate) enum PaymentCommand {
    /// Show the events that providers sent, the newest first, and what became of them.
    Events(PageArgs),
    /// Show what is owed back or was paid back, the newest first.
    Refunds {
        /// Only those that have come this far.
        #[arg(long, value_parser = one_of(RefundStatus::ALL, RefundStatus::as_str))]
        status: Option<RefundStatus>,
        /// Send all that is queued now, and ask about those that are on their way, before showing them.
        #[arg(long)]
        run: bool,
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        providers: ProviderArgs,
    },
    /// Hold the books against the providers' own.
    ///
    /// Asks them about every open payment, reads the events that never arrived, takes up those that name what is known by
    /// now, sends refunds and lets expire what is overdue. A server that runs does as much by itself, bit by bit.
    Reconcile(ProviderArgs),
}

pub(crate) async fn run(shop: &Shop, command: PaymentCommand) -> Result<(), Error> {
    match command {
        PaymentCommand::Events(page) => {
            let store = shop.open().await?;
            let system = system(&store);
            shop.output().list(&page.rows(async |page| store.payment_event_list(system.admin(), page).await).await?)
        }
        PaymentCommand::Refunds { status, run, page, providers } => {
            let store = open(shop, &providers).await?;
            let system = system(&store);
            if run {
                store.refund_run(system.admin()).await?;
            }
            shop.output().list(&page.rows(async |page| store.refund_list(system.admin(), status, page).await).await?)
        }
        PaymentCommand::Reconcile(providers) => {
            let store = open(shop, &providers).await?;
            let report = store.reconcile(system(&store).admin()).await?;
            shop.output().one(&report, || Ok(summary(&report)))
        }
    }
}

/// Opens the store with its providers, for one command.
async fn open(shop: &Shop, providers: &ProviderArgs) -> Result<Store, Error> {
    shop.build(providers.set_up(Store::builder().background(false), DEFAULT_ADDRESS)?).await
}

fn summary(report: &Reconciliation) -> String {
    let mut lines = vec![format!(
        "Asked about {}, read {}.",
        count(report.payments, "open payment", "open payments"),
        count(report.events, "event that had not arrived", "events that had not arrived")
    )];
    if report.unanswered > 0 {
        lines.push(format!("No answer about {}: it will be asked again.", count(report.unanswered, "payment", "payments")));
    }
    if report.silent_providers > 0 {
        let providers = count(report.silent_providers, "provider", "providers");
        lines.push(format!("{providers} could not tell which events there were."));
    }
    lines.join("\n")
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
