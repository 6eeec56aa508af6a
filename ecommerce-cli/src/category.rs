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
        /// The category above it [default: none, at the top].
        #[arg(long, value_name = "ID")]
        parent: Option<CategoryId>,
    },
    /// Change a category; what is not named stays as it is.
    Update {
        /// Which one.
        id: CategoryId,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Delete a category without products, and without categories below it.
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
    /// The category above it. All that is below it moves with it.
    #[arg(long, value_name = "ID")]
    parent: Option<CategoryId>,
    /// Move it to the top.
    #[arg(long, conflicts_with = "parent")]
    no_parent: bool,
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
        CategoryCommand::Create { name, description, parent } => {
            let new = NewCategory { name, description: description.unwrap_or_default(), parent };
            let category = store.category_create(system.admin(), new).await?;
            output.one(&category, || Ok(format!("Category {} is made.", category.id)))
        }
        CategoryCommand::Update { id, change: ChangeArgs { name, description, parent, no_parent } } => {
            let change = CategoryChange { name, description, parent: parent.map(Some).or(no_parent.then_some(None)) };
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
        ("Parent", parent(category)),
        ("Made", date(category.created_at)),
        ("Changed", date(category.updated_at)),
        ("About", category.description.clone()),
    ])
}

/// The id of the category above, as `--parent` takes it.
fn parent(category: &Category) -> String {
    category.parent.map(|id| id.to_string()).unwrap_or_default()
}

impl Record for Category {
    const NAME: &'static str = "categories";
    const COLUMNS: &'static [&'static str] = &["ID", "Name", "Parent", "About"];

    fn cells(&self) -> Vec<String> {
        vec![self.id.to_string(), self.name.clone(), parent(self), beginning(&self.description)]
    }
}
