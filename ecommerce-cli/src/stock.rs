//! `ecommerce stock`: how many pieces there are, and how that came about.

use clap::Subcommand;
use ecommerce_core::{MAX_STOCK, Movement, Note, ProductId, StockReport};

use crate::{
    error::Error,
    print::{Record, date_utc, details, table},
    shop::{Shop, system},
};

#[derive(Debug, Subcommand)]
pub(crate) enum StockCommand {
    /// Show what is on hand of a product, what is reserved, and every change of it.
    Show {
        /// Which product.
        id: ProductId,
    },
    /// Add pieces that have come, or take away those that are gone.
    Adjust {
        /// Which product.
        id: ProductId,
        /// By how many; a negative number takes away.
        #[arg(long, value_name = "PIECES", allow_negative_numbers = true)]
        #[arg(value_parser = clap::value_parser!(i64).range(-MAX_STOCK..=MAX_STOCK))]
        by: i64,
        /// Why, for people.
        #[arg(long)]
        reason: Note,
    },
}

pub(crate) async fn run(shop: &Shop, command: StockCommand) -> Result<(), Error> {
    let store = shop.open().await?;
    let system = system(&store);
    let report = match command {
        StockCommand::Show { id } => store.stock(system.admin(), id).await?,
        StockCommand::Adjust { id, by, reason } => store.stock_adjust(system.admin(), id, by, &reason).await?,
    };
    shop.output().one(&report, || Ok(text(&report)))
}

fn text(report: &StockReport) -> String {
    let counts = details(&[
        ("Product", report.product.to_string()),
        ("On hand", report.stock.to_string()),
        ("Reserved", report.reserved.to_string()),
    ]);
    format!("{counts}{}", table(&report.movements))
}

impl Record for Movement {
    const NAME: &'static str = "movements";
    const COLUMNS: &'static [&'static str] = &["ID", "When (UTC)", "Change", "Why", "Order", "Note"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            date_utc(self.created_at),
            format!("{:+}", self.change),
            self.reason.to_string(),
            self.order.map(|order| order.to_string()).unwrap_or_default(),
            self.note.clone().unwrap_or_default(),
        ]
    }
}
