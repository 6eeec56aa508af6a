//! `ecommerce product`: what is sold.

use clap::{Args, Subcommand};
use ecommerce_core::{
    Attributes, CategoryId, Currency, Description, Expect, MAX_STOCK, Money, Name, NewProduct, Product, ProductChange, ProductId,
    Sku, Store, parse_decimal,
};
use rust_decimal::Decimal;
use serde_json::json;

use crate::{
    args::{CurrencyArg, PageArgs, attribute},
    error::Error,
    export::{self, ExportArgs},
    import::{self, ImportArgs},
    narrow::NarrowArgs,
    print::{Record, date, details, money, yes_or_no},
    search::{self, SearchArgs},
    shop::{Shop, system},
};

#[derive(Debug, Subcommand)]
pub(crate) enum ProductCommand {
    /// Show the products, those that customers do not see among them.
    List(ListArgs),
    /// Show a product.
    Show {
        /// Which one.
        id: ProductId,
    },
    Search(SearchArgs),
    /// Add a product.
    Create(CreateArgs),
    /// Change a product; what is not named stays as it is.
    Update {
        /// Which one.
        id: ProductId,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Delete a product. Orders that name it are unharmed.
    Delete {
        /// Which one.
        id: ProductId,
    },
    Import(ImportArgs),
    Export(ExportArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those with these words in the name, SKU, attributes, description or the category's name.
    #[arg(long)]
    search: Option<String>,
    #[command(flatten)]
    narrow: NarrowArgs,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// What it is called.
    #[arg(long)]
    name: Name,
    /// The price of one piece.
    #[arg(long, value_parser = parse_decimal)]
    price: Decimal,
    #[command(flatten)]
    currency: CurrencyArg,
    /// How many are on hand.
    #[arg(long, value_name = "PIECES", value_parser = clap::value_parser!(i64).range(0..=MAX_STOCK))]
    stock: i64,
    /// The category it is in.
    #[arg(long, value_name = "ID")]
    category: Option<CategoryId>,
    /// What it is like.
    #[arg(long)]
    description: Option<Description>,
    /// Whether customers see and may buy it.
    #[arg(long, value_name = "BOOL", action = clap::ArgAction::Set, default_value_t = true)]
    is_available: bool,
    /// The shop's own name for it, unique among products.
    #[arg(long)]
    sku: Option<Sku>,
    /// What it is like, such as color=red; may be given several times.
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    attributes: Vec<(String, String)>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct ChangeArgs {
    /// What it is called.
    #[arg(long)]
    name: Option<Name>,
    /// The price of one piece. Orders keep theirs.
    #[arg(long, value_parser = parse_decimal)]
    price: Option<Decimal>,
    /// The currency of the new price [default: that of the old one].
    #[arg(long, value_name = "CODE", requires = "price")]
    currency: Option<Currency>,
    /// How many are on hand; not fewer than open orders have reserved.
    #[arg(long, value_name = "PIECES", value_parser = clap::value_parser!(i64).range(0..=MAX_STOCK))]
    stock: Option<i64>,
    /// The category it is in.
    #[arg(long, value_name = "ID")]
    category: Option<CategoryId>,
    /// Take it out of its category.
    #[arg(long, conflicts_with = "category")]
    no_category: bool,
    /// What it is like.
    #[arg(long)]
    description: Option<Description>,
    /// Whether customers see and may buy it.
    #[arg(long, value_name = "BOOL")]
    is_available: Option<bool>,
    /// The shop's own name for it, unique among products.
    #[arg(long)]
    sku: Option<Sku>,
    /// Take its SKU away.
    #[arg(long, conflicts_with = "sku")]
    no_sku: bool,
    /// What it is like, such as color=red, in place of all that is said so far; may be given several times.
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    attributes: Vec<(String, String)>,
    /// Take all its attributes away.
    #[arg(long, conflicts_with = "attributes")]
    no_attributes: bool,
}

pub(crate) async fn run(shop: &Shop, command: ProductCommand) -> Result<(), Error> {
    match command {
        ProductCommand::List(args) => list(shop, args).await,
        ProductCommand::Search(args) => search::run(shop, args).await,
        ProductCommand::Show { id } => {
            let store = shop.open().await?;
            let product = store.product(id, Some(system(&store).admin())).await?;
            shop.output().one(&product, || Ok(text(&product)))
        }
        ProductCommand::Create(args) => create(shop, args).await,
        ProductCommand::Update { id, change } => update(shop, id, change).await,
        ProductCommand::Delete { id } => {
            let store = shop.open().await?;
            store.product_delete(system(&store).admin(), id, &Expect::Any).await?;
            shop.output().one(&json!({ "deleted": id }), || Ok(format!("Product {id} is deleted.")))
        }
        ProductCommand::Import(args) => import::run(shop, &args).await,
        ProductCommand::Export(args) => export::run(shop, &args).await,
    }
}

async fn list(shop: &Shop, args: ListArgs) -> Result<(), Error> {
    let ListArgs { search, narrow, page } = args;
    let filter = narrow.filter(search);
    let store = shop.open().await?;
    let products = page.rows(async |page| store.product_list(&filter, page, Some(system(&store).admin())).await).await?;
    shop.output().list(&products)
}

async fn create(shop: &Shop, args: CreateArgs) -> Result<(), Error> {
    let price = price(args.price, args.currency.currency)?;
    let new = NewProduct {
        description: args.description.unwrap_or_default(),
        is_available: args.is_available,
        sku: args.sku,
        attributes: attributes(args.attributes)?,
        category: args.category,
        ..NewProduct::new(args.name, price, args.stock)
    };
    let store = shop.open().await?;
    let product = store.product_create(system(&store).admin(), new).await?;
    shop.output().one(&product, || Ok(format!("Product {} is made.", product.id)))
}

async fn update(shop: &Shop, id: ProductId, args: ChangeArgs) -> Result<(), Error> {
    let says_attributes = args.no_attributes || !args.attributes.is_empty();
    let attributes = attributes(args.attributes)?;
    let store = shop.open().await?;
    let change = ProductChange {
        price: match args.price {
            Some(amount) => Some(price(amount, currency(&store, id, args.currency).await?)?),
            None => None,
        },
        name: args.name,
        description: args.description,
        stock: args.stock,
        is_available: args.is_available,
        sku: args.sku.map(Some).or(args.no_sku.then_some(None)),
        attributes: says_attributes.then_some(attributes),
        category: args.category.map(Some).or(args.no_category.then_some(None)),
    };
    let product = store.product_update(system(&store).admin(), id, change, &Expect::Any).await?;
    shop.output().one(&product, || Ok(format!("Product {} is changed.", product.id)))
}

/// The currency of a new price: what was said, else that of the price so far.
async fn currency(store: &Store, id: ProductId, said: Option<Currency>) -> Result<Currency, Error> {
    match said {
        Some(currency) => Ok(currency),
        None => Ok(store.product(id, Some(system(store).admin())).await?.currency),
    }
}

fn price(amount: Decimal, currency: Currency) -> Result<Money, Error> {
    Money::from_decimal(amount, currency).map_err(|error| Error::Usage(format!("--price {error}")))
}

fn attributes(pairs: Vec<(String, String)>) -> Result<Attributes, Error> {
    Attributes::new(pairs).map_err(|error| Error::Usage(format!("--attribute {error}")))
}

fn text(product: &Product) -> String {
    details(&[
        ("ID", product.id.to_string()),
        ("Name", product.name.clone()),
        ("SKU", product.sku.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("Price", money(product.price, product.currency)),
        ("Stock", product.stock.to_string()),
        ("Available", yes_or_no(product.is_available)),
        ("Category", product.category.as_ref().map(|category| category.name.clone()).unwrap_or_default()),
        ("Attributes", product.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")),
        ("Made", date(product.created_at)),
        ("Changed", date(product.updated_at)),
        ("About", product.description.clone()),
    ])
}

impl Record for Product {
    const NAME: &'static str = "products";
    const COLUMNS: &'static [&'static str] = &["ID", "Name", "SKU", "Price", "Stock", "Available", "Category"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.name.clone(),
            self.sku.as_ref().map(ToString::to_string).unwrap_or_default(),
            money(self.price, self.currency),
            self.stock.to_string(),
            yes_or_no(self.is_available),
            self.category.as_ref().map(|category| category.name.clone()).unwrap_or_default(),
        ]
    }
}
