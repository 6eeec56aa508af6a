//! A Shopify product export, of the format before 2025 and of the one since
//! (help.shopify.com, "Using CSV files to import and export products").

use std::{
    collections::{HashMap, HashSet},
    fmt, iter,
    str::FromStr,
};

use ecommerce_core::{Attributes, Currency, Description, ImportRow, Money, Name, Sku, parse_decimal};

use super::{
    html, options,
    table::{Cell, Fault, Faults, Line, Table},
};

// What the columns were called before 2025, and since.
const HANDLE: [&str; 2] = ["Handle", "URL handle"];
const BODY: [&str; 2] = ["Body (HTML)", "Description"];
const PUBLISHED: [&str; 2] = ["Published", "Published on online store"];
const SKU: [&str; 2] = ["Variant SKU", "SKU"];
const PRICE: [&str; 2] = ["Variant Price", "Price"];
const QUANTITY: [&str; 2] = ["Variant Inventory Qty", "Inventory quantity"];

/// Is it a Shopify export, by its header?
pub(super) fn matches(table: &Table) -> bool {
    table.find(&HANDLE).is_some() && table.find(&["Title"]).is_some()
}

/// The products of the file: one for each variant. Prices are in the shop's `currency`, which the file does not tell.
pub(super) fn rows(table: &Table, currency: Currency) -> Result<Vec<ImportRow>, Faults> {
    let columns = Columns::find(table)?;
    let mut faults = Faults::default();
    let mut product = None;
    let mut variants = Vec::with_capacity(table.lines.len());
    for line in &table.lines {
        let row = Row { table, columns: &columns, line };
        if row.begins_product(product.as_ref()) {
            product = Some(row.product(&mut faults));
        }
        match &product {
            Some(product) if row.belongs_to(product) => variants.extend(row.variant(product, currency, &mut faults)),
            _ => faults.push(row.cell(columns.title).fault("is empty, and the line above belongs to another Handle")),
        }
    }
    let variants = faults.or(variants)?;
    tell_apart(variants)
}

/// What the file calls one of our columns.
pub(super) fn column<'a>(table: &'a Table, column: &str) -> Option<&'a str> {
    let names: &[&str] = match column {
        "name" => &["Title"],
        "price" => &PRICE,
        "stock" => &QUANTITY,
        "sku" => &SKU,
        "description" => &BODY,
        "category" => &["Type"],
        _ => return None,
    };
    table.find(names).and_then(|index| table.header.get(index)).map(String::as_str)
}

/// Where the columns stand that are used; exports have many more.
struct Columns {
    handle: usize,
    title: usize,
    body: Option<usize>,
    kind: Option<usize>,
    category: Option<usize>,
    published: Option<usize>,
    status: Option<usize>,
    tags: Option<usize>,
    options: [(Option<usize>, Option<usize>); 3],
    sku: Option<usize>,
    price: usize,
    quantity: Option<usize>,
}

impl Columns {
    fn find(table: &Table) -> Result<Self, Fault> {
        let required = |names: &[&str]| {
            let missing = || Fault::of_cell(1, names.first().unwrap_or(&""), "is missing");
            table.find(names).ok_or_else(missing)
        };
        let option =
            |number: u8| (table.find(&[&format!("Option{number} Name")]), table.find(&[&format!("Option{number} Value")]));
        Ok(Self {
            handle: required(&HANDLE)?,
            title: required(&["Title"])?,
            body: table.find(&BODY),
            kind: table.find(&["Type"]),
            category: table.find(&["Product Category"]),
            published: table.find(&PUBLISHED),
            status: table.find(&["Status"]),
            tags: table.find(&["Tags"]),
            options: [option(1), option(2), option(3)],
            sku: table.find(&SKU),
            price: required(&PRICE)?,
            quantity: table.find(&QUANTITY),
        })
    }
}

/// What the first line of a product says about all its variants.
struct Product {
    handle: String,
    title: String,
    description: Option<Description>,
    category: Option<Name>,
    is_available: bool,
    tags: String,
    option_names: [String; 3],
}

/// A product to be, with the handle that tells it from others of its name.
struct Variant {
    handle: String,
    row: ImportRow,
}

#[derive(Clone, Copy)]
struct Row<'a> {
    table: &'a Table,
    columns: &'a Columns,
    line: &'a Line,
}

impl<'a> Row<'a> {
    fn cell(self, column: usize) -> Cell<'a> {
        self.table.cell(self.line, column)
    }

    /// The text of a column, empty where there is no such column.
    fn text(self, column: Option<usize>) -> &'a str {
        column.map_or("", |column| self.cell(column).text.trim())
    }

    fn handle(self) -> &'a str {
        self.cell(self.columns.handle).text.trim()
    }

    /// A line with a title begins a product, but some tools repeat the title for each variant.
    fn begins_product(self, above: Option<&Product>) -> bool {
        let continues = above.is_some_and(|above| !above.handle.is_empty() && above.handle == self.handle());
        !self.cell(self.columns.title).is_blank() && !continues
    }

    fn belongs_to(self, product: &Product) -> bool {
        self.handle().is_empty() || self.handle() == product.handle
    }

    fn product(self, faults: &mut Faults) -> Product {
        let columns = self.columns;
        let body = columns.body.map(|column| self.cell(column));
        // Where the type is empty, the place in Shopify's own taxonomy is the next best name.
        let category = [columns.kind, columns.category].into_iter().flatten().map(|column| self.cell(column));
        let category = category.into_iter().find(|cell| !cell.is_blank());
        Product {
            handle: self.handle().to_owned(),
            title: one_line(self.cell(columns.title).text),
            description: body.and_then(|cell| faults.note(parse_text(cell, &html::to_text(cell.text)))),
            category: category.and_then(|cell| faults.note(parse_text(cell, &one_line(cell.text)))),
            is_available: faults.note(self.is_available()).unwrap_or_default(),
            tags: one_line(self.text(columns.tags)),
            option_names: columns.options.map(|(name, _)| self.text(name).to_owned()),
        }
    }

    fn is_available(self) -> Result<bool, Fault> {
        let published = match self.text(self.columns.published).to_ascii_lowercase().as_str() {
            "" | "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false"),
        };
        let active = match self.text(self.columns.status).to_ascii_lowercase().as_str() {
            "" | "active" => Ok(true),
            "draft" | "archived" | "unlisted" => Ok(false),
            _ => Err("must be active, draft, archived or unlisted"),
        };
        let fault = |column: Option<usize>, reason: &str| self.cell(column.unwrap_or(self.columns.title)).fault(reason);
        let published = published.map_err(|reason| fault(self.columns.published, reason))?;
        let active = active.map_err(|reason| fault(self.columns.status, reason))?;
        Ok(published && active)
    }

    /// The variant of this line; none where the line only names a further image of the product.
    fn variant(self, product: &Product, currency: Currency, faults: &mut Faults) -> Option<Variant> {
        let columns = self.columns;
        let price = self.cell(columns.price);
        let mut named_by = columns.options.iter().map(|(_, value)| *value).chain([columns.sku, Some(columns.title)]);
        if price.is_blank() && named_by.all(|column| self.text(column).is_empty()) {
            return None;
        }
        let options = self.options(product);
        let name = faults.note(self.name(product, &options));
        let attributes = faults.note(self.attributes(product, options));
        let price = faults.note(parse_price(price, currency));
        let stock = columns.quantity.map_or(Some(0), |column| faults.note(quantity(self.cell(column))));
        let sku = columns.sku.and_then(|column| faults.note(sku(self.cell(column)))).flatten();
        let row = ImportRow {
            line: self.line.number,
            name: name?,
            price: price?,
            stock: stock?,
            category: product.category.clone(),
            description: product.description.clone(),
            is_available: Some(product.is_available),
            sku,
            // A file that says nothing leaves what is known.
            attributes: attributes.filter(|attributes| !attributes.is_empty()),
        };
        Some(Variant { handle: product.handle.clone(), row })
    }

    /// `Clay Plant Pot (Large / Red)`; without parentheses for a product that has no options.
    fn name(self, product: &Product, options: &[(String, String)]) -> Result<Name, Fault> {
        let options = options.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" / ");
        let name = if options.is_empty() { product.title.clone() } else { format!("{} ({options})", product.title) };
        parse_text(self.cell(self.columns.title), &name)
    }

    /// What tells the variant from others, by name; a name may be missing.
    fn options(self, product: &Product) -> Vec<(String, String)> {
        let options = self.columns.options.iter().zip(&product.option_names).filter_map(|((_, value), name)| {
            let value = one_line(self.text(*value));
            let is_none = value.is_empty() || (value == "Default Title" && (name == "Title" || name.is_empty()));
            (!is_none).then(|| (name.clone(), value))
        });
        options.collect()
    }

    fn attributes(self, product: &Product, mut options: Vec<(String, String)>) -> Result<Attributes, Fault> {
        options.retain(|(name, _)| !name.is_empty());
        let first = self.columns.options.iter().find_map(|(_, value)| *value).unwrap_or(self.columns.title);
        options::attributes(&options, &product.tags).map_err(|error| self.cell(first).fault(error.to_string()))
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn parse_text<T: FromStr<Err: fmt::Display>>(cell: Cell<'_>, text: &str) -> Result<T, Fault> {
    text.parse::<T>().map_err(|error| cell.fault(error.to_string()))
}

/// Shops whose currency has no digits export `500.00` all the same: zeros at the end say nothing.
fn parse_price(cell: Cell<'_>, currency: Currency) -> Result<Money, Fault> {
    let price = parse_decimal(cell.text.trim()).and_then(|price| Money::from_decimal(price.normalize(), currency));
    price.map_err(|error| cell.fault(error.to_string()))
}

/// Shopify leaves the quantity empty where it is not tracked, and lets it fall below zero when it sells beyond the stock.
fn quantity(cell: Cell<'_>) -> Result<i64, Fault> {
    match cell.text.trim().parse::<i64>() {
        Ok(..0) => Ok(0),
        _ if cell.is_blank() => Ok(0),
        _ => cell.stock(),
    }
}

/// Shopify writes an apostrophe before numbers so that spreadsheets leave them alone.
fn sku(cell: Cell<'_>) -> Result<Option<Sku>, Fault> {
    let text = cell.text.trim();
    Cell { text: text.strip_prefix('\'').unwrap_or(text), ..cell }.parse_optional()
}

/// Shopify tells products apart by their handles, the shop by SKU or else by name. Of several with one SKU the first keeps
/// it, and one without a SKU whose name is taken gets its handle behind it: the same file always gives the same products.
fn tell_apart(mut variants: Vec<Variant>) -> Result<Vec<ImportRow>, Faults> {
    let mut skus = HashSet::new();
    for Variant { row, .. } in &mut variants {
        row.sku = row.sku.take().filter(|sku| skus.insert(sku.clone()));
    }
    let with_sku = variants.iter().filter(|variant| variant.row.sku.is_some());
    let mut names: HashSet<_> = with_sku.map(|variant| variant.row.name.as_str().to_lowercase()).collect();
    // How far the numbers of a name with its handle have come.
    let mut numbers: HashMap<_, u64> = HashMap::new();
    let mut faults = Faults::default();
    for Variant { handle, row } in variants.iter_mut().filter(|variant| variant.row.sku.is_none()) {
        let name = row.name.as_str();
        let with_handle = format!("{name} ({handle})");
        let number = numbers.entry(with_handle.to_lowercase()).or_insert(1);
        let numbered = iter::repeat_with(|| {
            *number += 1;
            format!("{name} ({handle} {number})")
        });
        let mut candidates = [name.to_owned(), with_handle].into_iter().chain(numbered);
        let free = candidates.find(|candidate| names.insert(candidate.to_lowercase())).unwrap_or_default();
        match free.parse() {
            Ok(name) => row.name = name,
            Err(error) => faults.push(Fault::of_cell(row.line, "Title", format!("with its handle {error}"))),
        }
    }
    faults.or(variants.into_iter().map(|variant| variant.row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,\
        Variant SKU,Variant Inventory Qty,Variant Price,Image Src,Status\n";
    const NEW: &str = "Title,URL handle,Description,Product category,Type,Published on online store,Status,SKU,\
        Option1 name,Option1 value,Price,Compare-at price,Inventory quantity,Product image URL\n";

    fn read(header: &str, lines: &str, currency: &str) -> Result<Vec<ImportRow>, Vec<String>> {
        let table = Table::read(format!("{header}{lines}").as_bytes()).unwrap();
        assert!(matches(&table));
        rows(&table, currency.parse().unwrap()).map_err(|faults| faults.describe("x.csv"))
    }

    fn names(rows: &[ImportRow]) -> Vec<&str> {
        rows.iter().map(|row| row.name.as_str()).collect()
    }

    #[test]
    fn every_variant_becomes_a_product() {
        let rows = read(
            OLD,
            "pot,Clay Plant Pot,<p>For <b>plants</b></p>,ACME,Outdoor,\"Material: clay, plants\",true,Size,Regular,Colour,Red,'0012,1,9.99,a.jpg,active\n\
             pot,,,,,,,,Large,,,,3,15.9,b.jpg,\n\
             pot,,,,,,,,,,,,,,c.jpg,\n\
             light,Copper  Light,,ACME,Indoor,,TRUE,Title,Default Title,,,,,59.99,,draft\n\
             mug,Mug,,ACME,,,FALSE,Size,Small,,,,-2,5,,active\n",
            "USD",
        )
        .unwrap();
        assert_eq!(names(&rows), ["Clay Plant Pot (Regular / Red)", "Clay Plant Pot (Large)", "Copper Light", "Mug (Small)"]);
        let pot = &rows[1];
        assert_eq!((pot.line, pot.stock, pot.price.to_string(), pot.is_available), (3, 3, "15.90".to_owned(), Some(true)));
        assert_eq!(pot.description.as_ref().unwrap().as_str(), "For plants");
        assert_eq!(pot.category.as_ref().unwrap().as_str(), "Outdoor");
        assert_eq!(rows[0].attributes, Some("Size=Regular\nColour=Red\nMaterial=clay\ntags=plants".parse().unwrap()));
        assert_eq!(pot.attributes, Some("Size=Large\nMaterial=clay\ntags=plants".parse().unwrap()));
        assert!(rows[2].attributes.is_none(), "what is not said is left as it is");
        assert_eq!(rows[0].sku.as_ref().unwrap().as_str(), "0012");
        assert_eq!(rows.iter().map(|row| row.stock).collect::<Vec<_>>(), [1, 3, 0, 0]);
        assert_eq!(rows.iter().filter(|row| row.is_available == Some(false)).count(), 2);
        assert!(rows[3].category.is_none());
    }

    #[test]
    fn the_newer_format_is_read_as_well() {
        let rows = read(
            NEW,
            "Shirt,shirt,<p>Soft</p>,Apparel > Shirts,,TRUE,Active,S-1,Size,M,500.00,900,7,a.jpg\n\
             ,shirt,,,,,,S-2,,L,500,,,\n\
             Hat,,,,Hats,TRUE,Archived,,,,700,,1,\n\
             Cap,,,,Hats,,,,,,700,,1,\n",
            "JPY",
        )
        .unwrap();
        assert_eq!(names(&rows), ["Shirt (M)", "Shirt (L)", "Hat", "Cap"]);
        assert_eq!(format!("{:?}", rows[0].price), "500 JPY");
        assert_eq!(rows[1].category.as_ref().unwrap().as_str(), "Apparel > Shirts");
        assert_eq!(rows.iter().map(|row| row.is_available.unwrap()).collect::<Vec<_>>(), [true, true, false, true]);
    }

    #[test]
    fn products_that_look_alike_are_told_apart_the_same_way_every_time() {
        let line = |handle: &str, sku: &str| format!("{handle},Mug,,,,,,,,,,{sku},1,5,,\n");
        let text = [line("mug-1", ""), line("mug-2", ""), line("mug-3", "M"), line("mug-4", "M")].concat();
        let rows = read(OLD, &text, "USD").unwrap();
        assert_eq!(names(&rows), ["Mug (mug-1)", "Mug (mug-2)", "Mug", "Mug (mug-4)"]);
        assert_eq!(rows.iter().filter(|row| row.sku.is_some()).count(), 1);
        let rows = read(OLD, &[line("mug", ""), line("mug", ""), line("mug", "")].concat(), "USD").unwrap();
        assert_eq!(names(&rows), ["Mug", "Mug (mug)", "Mug (mug 2)"], "the title may be repeated");
    }

    /// Each once tried all the numbers that those before it had taken: hours for a large file.
    #[test]
    fn twenty_thousand_products_of_one_title_are_told_apart_in_no_time() {
        let start = std::time::Instant::now();
        let rows = read(OLD, &"mug,Mug,,,,,,,,,,,1,5,,\n".repeat(20_000), "USD").unwrap();
        assert_eq!(rows[19_999].name.as_str(), "Mug (mug 19999)");
        assert!(start.elapsed() < std::time::Duration::from_secs(30), "{:?}", start.elapsed());
    }

    #[test]
    fn bad_cells_are_named_by_the_files_own_columns() {
        let long = "x".repeat(201);
        for (line, fault) in [
            ("mug,,,,,,,,,,,,1,5,,", "column Title: is empty, and the line above belongs to another Handle"),
            ("mug,Mug,,,,,,,,,,,1,,,", "column Variant Price: must be a decimal number such as \"12.50\""),
            ("mug,Mug,,,,,,,,,,,1,5 USD,,", "column Variant Price: must be a decimal number such as \"12.50\""),
            ("mug,Mug,,,,,,,,,,,1,5.999,,", "column Variant Price: has more digits after the point than USD has (2)"),
            ("mug,Mug,,,,,,,,,,,many,5,,", "column Variant Inventory Qty: must be a whole number of 0 to 1000000000"),
            ("mug,Mug,,,,,perhaps,,,,,,1,5,,", "column Published: must be true or false"),
            ("mug,Mug,,,,,,,,,,,1,5,,gone", "column Status: must be active, draft, archived or unlisted"),
            (&*format!("mug,{long},,,,,,,,,,,1,5,,"), "column Title: must have 1 to 200 characters, not 201"),
            (&*format!("mug,Mug,,,{long},,,,,,,,1,5,,"), "column Type: must have 1 to 200 characters, not 201"),
        ] {
            let faults = read(OLD, &format!("{line}\n"), "USD").unwrap_err();
            assert_eq!(faults, [format!("x.csv line 2, {fault}")], "{line}");
        }
        let faults = read("Handle,Title\n", "a,b\n", "USD").unwrap_err();
        assert_eq!(faults, ["x.csv line 1, column Variant Price: is missing"]);
        let faults = read(OLD, "a,A,,,,,,,,,,,1,x,,\na,,,,,,,,L,,,,1,5,,\nb,,,,,,,,,,,,1,5,,\n", "USD").unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
    }
}
