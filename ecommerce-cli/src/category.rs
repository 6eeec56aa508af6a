//! `ecommerce category`: the groups that products are in.

use clap::{Args, Subcommand};
use ecommerce_core::{Category, CategoryChange, CategoryId, Description, Expect, Name, NewCategory};
use serde_json::json;

use crate::{
    args::PageArgs,
    error::Error,
    print::{Record, beginning, date, details},
    shop::{Shop, system},
};

#[derive(Debug, Subcommand)]
pub(crate) enum CategoryCommand {
    /// Show the categories.
    List {
        /// Only those with these words.
        #[arg(long)]
        search: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show a category.
    Show {
        /// Which one.
        id: CategoryId,
    },
    /// Make a category.
    Create {
        /// Its name, unique without regard to case.
        #[arg(long)]
        name: Name,
        /// What it holds.
        #[arg(long)]
        description: Option<Description>,
    },
    /// Change a category; what is not named stays as it is.
    Update {
        /// Which one.
        id: CategoryId,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Delete a category without products.
    Delete {
        /// Which one.
        id: CategoryId,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct ChangeArgs {
    /// Its name, unique without regard to case.
    #[arg(long)]
    name: Option<Name>,
    /// What it holds.
    #[arg(long)]
    description: Option<Description>,
}

pub(crate) async fn run(shop: &Shop, command: CategoryCommand) -> Result<(), Error> {
    let store = shop.open().await?;
    let (output, system) = (shop.output(), system(&store));
    match command {
        CategoryCommand::List { search, page } => {
            output.list(&page.rows(async |page| store.category_list(search.as_deref(), page).await).await?)
        }
        CategoryCommand::Show { id } => {
            let category = store.category(id).await?;
            output.one(&category, || Ok(text(&category)))
        }
        CategoryCommand::Create { name, description } => {
            let new = NewCategory { name, description: description.unwrap_or_default() };
            let category = store.category_create(system.admin(), new).await?;
            output.one(&category, || Ok(format!("Category {} is made.", category.id)))
        }
        CategoryCommand::Update { id, change: ChangeArgs { name, description } } => {
            let change = CategoryChange { name, description };
            let category = store.category_update(system.admin(), id, change, &Expect::Any).await?;
            output.one(&category, || Ok(format!("Category {} is changed.", category.id)))
        }
        CategoryCommand::Delete { id } => {
            store.category_delete(system.admin(), id, &Expect::Any).await?;
            output.one(&json!({ "deleted": id }), || Ok(format!("Category {id} is deleted.")))
        }
    }
}

fn text(category: &Category) -> String {
    details(&[
        ("ID", category.id.to_string()),
        ("Name", category.name.clone()),
        ("Made", date(category.created_at)),
        ("Changed", date(category.updated_at)),
        ("About", category.description.clone()),
    ])
}

impl Record for Category {
    const NAME: &'static str = "categories";
    const COLUMNS: &'static [&'static str] = &["ID", "Name", "About"];

    fn cells(&self) -> Vec<String> {
        vec![self.id.to_string(), self.name.clone(), beginning(&self.description)]
    }
}
