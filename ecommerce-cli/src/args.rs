//! The command line: global flags, the commands, and values that several of them take.

use std::str::FromStr;

use clap::{
    Args, Parser, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use ecommerce_core::{Currency, Page, PageRequest};

use crate::{
    audit::AuditArgs, backup::BackupArgs, category::CategoryCommand, completions::CompletionsArgs, error::Error,
    order::OrderCommand, payment::PaymentCommand, product::ProductCommand, serve::ServeArgs, shop::DatabaseUrl,
    stock::StockCommand, user::UserCommand,
};

/// A shop on SQLite or PostgreSQL: serve it over HTTP, and operate it.
#[derive(Debug, Parser)]
#[command(name = "ecommerce", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit code: 0 done, 1 failed, 2 wrong usage.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes, before or after its name.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The database: sqlite:FILE or postgres://USER@HOST/DATABASE.
    #[arg(long, global = true, value_name = "URL", env = "ECOMMERCE_DATABASE_URL", hide_env_values = true)]
    #[arg(default_value = "sqlite:ecommerce.db")]
    pub(crate) database_url: DatabaseUrl,
    /// Print JSON for machines instead of tables for people.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(ServeArgs),
    /// Bring the database up to date.
    Migrate,
    /// Accounts and their roles.
    #[command(subcommand)]
    User(UserCommand),
    /// What is sold.
    #[command(subcommand)]
    Product(ProductCommand),
    /// The groups that products are in.
    #[command(subcommand)]
    Category(CategoryCommand),
    /// What was bought.
    #[command(subcommand)]
    Order(OrderCommand),
    /// What payment providers sent, and what is owed back.
    #[command(subcommand)]
    Payment(PaymentCommand),
    /// How many pieces there are, and how that came about.
    #[command(subcommand)]
    Stock(StockCommand),
    Audit(AuditArgs),
    Backup(BackupArgs),
    /// Check the database against every invariant, and say what was found.
    ///
    /// Ends with exit code 1 when a row breaks one.
    Doctor,
    /// Print the OpenAPI document of the HTTP interface.
    Openapi,
    Completions(CompletionsArgs),
}

/// The currency of the shop.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct CurrencyArg {
    /// The currency of prices that do not name one.
    #[arg(long, value_name = "CODE", env = "ECOMMERCE_CURRENCY", default_value = "USD")]
    pub(crate) currency: Currency,
}

/// Which part of a list; all of it, unless something else is said.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct PageArgs {
    /// Only this page of the list, from 1.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=i64::from(PageRequest::MAX_NUMBER)))]
    page: Option<u32>,
    /// How many rows a page has [default: 20].
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..=i64::from(PageRequest::MAX_SIZE)))]
    page_size: Option<u32>,
}

impl PageArgs {
    /// The rows that are wanted, of a list that is read page by page.
    pub(crate) async fn rows<T, E>(self, mut read: impl AsyncFnMut(PageRequest) -> Result<Page<T>, E>) -> Result<Vec<T>, Error>
    where
        Error: From<E>,
    {
        if self.page.is_some() || self.page_size.is_some() {
            let size = self.page_size.unwrap_or(PageRequest::DEFAULT_SIZE);
            let request =
                PageRequest::new(self.page.unwrap_or(1), size).map_err(|error| Error::Usage(format!("--page {error}")))?;
            return Ok(read(request).await?.results);
        }
        let mut rows = Vec::new();
        let mut next = PageRequest::first(PageRequest::MAX_SIZE).ok();
        while let Some(request) = next {
            let page = read(request).await?;
            next = page.next();
            rows.extend(page.results);
        }
        Ok(rows)
    }
}

/// Takes one of these words, and shows them in the help and in completions.
pub(crate) fn one_of<T>(words: &[T], as_str: fn(&T) -> &'static str) -> impl TypedValueParser<Value = T> + use<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words.iter().map(as_str)).try_map(|word| word.parse::<T>())
}

/// The name and the value of an attribute.
pub(crate) fn attribute(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE, such as color=red")?;
    Ok((name.to_owned(), value.to_owned()))
}
