//! The command line of a shop: `ecommerce serve`, and everything that its operators do.

mod args;
mod audit;
mod backup;
mod category;
mod completions;
mod demo;
mod descriptors;
mod doctor;
mod error;
mod export;
mod import;
mod narrow;
mod order;
mod payment;
mod print;
mod product;
mod providers;
mod receipt;
mod search;
mod serve;
mod shop;
mod stock;
mod user;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser;
use error::Error;
use serde_json::json;
use shop::Shop;

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    match run(&Shop::new(global), command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

async fn run(shop: &Shop, command: Command) -> Result<(), Error> {
    match command {
        Command::Serve(args) => serve::run(shop, &args).await,
        Command::Migrate => {
            shop.open().await?;
            shop.output().one(&json!({ "up_to_date": true }), || Ok("The database is up to date.".to_owned()))
        }
        Command::User(command) => user::run(shop, command).await,
        Command::Product(command) => product::run(shop, command).await,
        Command::Category(command) => category::run(shop, command).await,
        Command::Order(command) => order::run(shop, command).await,
        Command::Payment(command) => payment::run(shop, command).await,
        Command::Stock(command) => stock::run(shop, command).await,
        Command::Audit(args) => audit::run(shop, args).await,
        Command::Backup(args) => backup::run(shop, &args).await,
        Command::Doctor => doctor::run(shop).await,
        Command::Openapi => shop.output().line(&openapi()?),
        Command::Completions(args) => completions::run(shop, &args),
    }
}

fn openapi() -> Result<String, Error> {
    ecommerce_warp::openapi().to_pretty_json().map_err(|error| Error::failed(format!("cannot write the document: {error}")))
}
