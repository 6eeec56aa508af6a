//! `ecommerce product search`: as customers find products, and with those that they do not see.

use clap::Args;
use ecommerce_core::{CountIs, FacetName, Facets, Found, Look, PageRequest, Product};
use serde::Serialize;

use crate::{
    error::Error,
    narrow::NarrowArgs,
    print::{count, table},
    shop::{Shop, system},
};

/// Find products, the best hits first, those that customers do not see among them.
#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Words or their beginnings, and in one argument also '"phrases" -words': what shall not be there.
    #[arg(required = true, value_name = "WORD")]
    words: Vec<String>,
    #[command(flatten)]
    narrow: NarrowArgs,
    /// What to count beside them: category, price, attr.NAME; several between commas.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    facets: Vec<FacetName>,
    /// How many to show.
    #[arg(long, value_name = "ROWS", default_value_t = PageRequest::DEFAULT_SIZE)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(PageRequest::MAX_SIZE)))]
    page_size: u32,
    /// Go on where an earlier search ended.
    #[arg(long)]
    cursor: Option<String>,
}

/// What a search found, for machines.
#[derive(Serialize)]
struct Told<'f> {
    count: u64,
    count_is: CountIs,
    next_cursor: Option<&'f str>,
    facets: &'f Facets,
    facets_are: CountIs,
    ranked: Option<u64>,
    results: &'f [Product],
}

pub(crate) async fn run(shop: &Shop, args: SearchArgs) -> Result<(), Error> {
    let store = shop.open().await?;
    let page = PageRequest::first(args.page_size).map_err(|error| Error::Usage(format!("--page-size {error}")))?;
    let filter = args.narrow.filter(Some(args.words.join(" ")));
    let look = Look { page, cursor: args.cursor.as_deref(), facets: &args.facets };
    let found = store.product_search(&filter, &look, Some(system(&store).admin())).await?;
    let Found { page, next_cursor, facets, facets_are, ranked } = &found;
    let told = Told {
        count: page.count,
        count_is: page.count_is,
        next_cursor: next_cursor.as_deref(),
        facets,
        facets_are: *facets_are,
        ranked: *ranked,
        results: &page.results,
    };
    shop.output().one(&told, || Ok(text(&found)))
}

fn text(found: &Found) -> String {
    let Found { page, next_cursor, facets, facets_are, ranked } = found;
    let at_least = |is: CountIs| if is == CountIs::AtLeast { "at least " } else { "" };
    let mut lines = Vec::new();
    if page.results.is_empty() {
        lines.push("No products.".to_owned());
    } else {
        lines.push(table(&page.results));
        lines.push(format!("{}{}", at_least(page.count_is), count(page.count, "product", "products")));
    }
    lines.extend(ranked.map(|ranked| format!("the best of {ranked} of them come first")));
    lines.extend(facet_lines(facets).into_iter().map(|line| format!("{}{line}", at_least(*facets_are))));
    lines.extend(next_cursor.as_ref().map(|cursor| format!("more: --cursor {cursor}")));
    lines.join("\n")
}

fn facet_lines(facets: &Facets) -> Vec<String> {
    let Facets { category, price, values } = facets;
    let mut lines = Vec::new();
    lines.extend(category.iter().map(|all| format!("category: {}", listed(all.iter().map(|one| (&one.name, one.count))))));
    lines.extend(values.iter().map(|(name, all)| format!("{name}: {}", listed(all.iter().map(|one| (&one.value, one.count))))));
    let range = price.as_ref().and_then(|range| range.min.as_ref().zip(range.max.as_ref()));
    lines.extend(range.map(|(min, max)| format!("price: {min} to {max}")));
    lines
}

fn listed<'v>(counts: impl Iterator<Item = (&'v String, u64)>) -> String {
    counts.map(|(value, count)| format!("{value} ({count})")).collect::<Vec<_>>().join(", ")
}
