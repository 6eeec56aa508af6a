//! Our own columns, as `product export` writes them.

use std::str::FromStr;

use ecommerce_core::{Attributes, Currency, Description, ImportRow, Invalid, Money, Name, Sku};

use super::table::{Cell, Fault, Faults, Table};

/// The columns that there are. A file may have them in any order.
pub(crate) const COLUMNS: [&str; 9] =
    ["name", "price", "stock", "category", "description", "currency", "is_available", "sku", "attributes"];
/// Those that a file must have.
const REQUIRED: [&str; 3] = ["name", "price", "stock"];

/// The products of the file. A price without a currency is in `currency`.
pub(super) fn rows(table: &Table, currency: Currency) -> Result<Vec<ImportRow>, Faults> {
    check_header(table)?;
    let [name, price, stock_column, category, description, currency_column, is_available, sku, attributes] =
        COLUMNS.map(|column| table.find(&[column]));
    let mut faults = Faults::default();
    let mut rows = Vec::with_capacity(table.lines.len());
    for line in &table.lines {
        let cell = |column: Option<usize>| column.map(|column| table.cell(line, column));
        let name = cell(name).and_then(|cell| faults.note(cell.parse::<Name>()));
        let currency = optional(cell(currency_column), &mut faults, Cell::parse).unwrap_or(currency);
        let price = cell(price).and_then(|cell| faults.note(parse_price(cell, currency)));
        let stock = cell(stock_column).and_then(|cell| faults.note(cell.stock()));
        let category = optional(cell(category), &mut faults, Cell::parse::<Name>);
        // An empty cell means an empty description, and no attributes; spaces and line breaks in it are meant.
        let description = cell(description).and_then(|cell| faults.note(whole::<Description>(cell)));
        let attributes = cell(attributes).and_then(|cell| faults.note(whole::<Attributes>(cell)));
        let is_available = optional(cell(is_available), &mut faults, yes_or_no);
        let sku = optional(cell(sku), &mut faults, Cell::parse::<Sku>);
        if let (Some(name), Some(price), Some(stock)) = (name, price, stock) {
            rows.push(ImportRow { line: line.number, name, price, stock, category, description, is_available, sku, attributes });
        }
    }
    faults.or(rows)
}

fn check_header(table: &Table) -> Result<(), Faults> {
    let mut faults = Faults::default();
    let columns = COLUMNS.join(", ");
    for (index, name) in table.header.iter().enumerate() {
        let reason = if name.is_empty() {
            Some(format!("number {} has no name", index + 1))
        } else if !COLUMNS.iter().any(|column| column.eq_ignore_ascii_case(name)) {
            Some(format!("is not known; there are {columns}, or the columns of a Shopify export, separated by commas"))
        } else if table.find(&[name]) != Some(index) {
            Some("stands twice".to_owned())
        } else {
            None
        };
        if let Some(reason) = reason {
            faults.push(Fault::of_cell(1, name, reason));
        }
    }
    for column in REQUIRED.iter().filter(|column| table.find(&[column]).is_none()) {
        faults.push(Fault::of_cell(1, column, "is missing"));
    }
    faults.or(())
}

/// What a cell says that may be empty or have no column.
fn optional<'a, T>(cell: Option<Cell<'a>>, faults: &mut Faults, parse: impl FnOnce(Cell<'a>) -> Result<T, Fault>) -> Option<T> {
    faults.note(parse(cell.filter(|cell| !cell.is_blank())?))
}

/// What a cell says with all that is in it.
fn whole<T: FromStr<Err = Invalid>>(cell: Cell<'_>) -> Result<T, Fault> {
    cell.text.parse::<T>().map_err(|error| cell.fault(error.to_string()))
}

fn parse_price(cell: Cell<'_>, currency: Currency) -> Result<Money, Fault> {
    Money::parse(cell.text.trim(), currency).map_err(|error| cell.fault(error.to_string()))
}

fn yes_or_no(cell: Cell<'_>) -> Result<bool, Fault> {
    match cell.text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(cell.fault("must be true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<ImportRow>, Vec<String>> {
        let table = Table::read(text.as_bytes()).unwrap();
        rows(&table, "USD".parse().unwrap()).map_err(|faults| faults.describe("x.csv"))
    }

    #[test]
    fn columns_stand_in_any_order_and_need_not_all_be_there() {
        let rows = read("Stock, price ,NAME\n 3 ,12.5, Mug \n").unwrap();
        let row = &rows[0];
        assert_eq!((row.line, row.name.as_str(), row.price.to_string(), row.stock), (2, "Mug", "12.50".to_owned(), 3));
        assert!(row.category.is_none() && row.description.is_none() && row.is_available.is_none() && row.sku.is_none());
        assert!(row.attributes.is_none(), "what has no column is not said");

        let rows = read(
            "attributes,sku,is_available,currency,description,category,stock,price,name\n\
            \"size = M\r\n\r\ncolor=a, b\",M-1,No,JPY,\"Two\nlines, \"\"quoted\"\" \",Kitchen,0,500,Mug\n,,,,,,0,1,Cup\n",
        )
        .unwrap();
        let (mug, cup) = (&rows[0], &rows[1]);
        assert_eq!(format!("{:?}", mug.price), "500 JPY");
        assert_eq!(mug.description.as_ref().unwrap().as_str(), "Two\nlines, \"quoted\" ");
        assert_eq!((mug.is_available, mug.sku.as_ref().map(Sku::as_str)), (Some(false), Some("M-1")));
        assert_eq!(mug.attributes, Some("color=a, b\nsize=M".parse().unwrap()));
        assert_eq!(cup.attributes, Some(Attributes::default()));
        assert_eq!((cup.line, cup.is_available, cup.sku.is_none(), cup.category.is_none()), (6, None, true, true));
        assert_eq!(cup.description.as_ref().unwrap().as_str(), "");
    }

    #[test]
    fn bad_headers_are_named() {
        for (header, reason) in [
            ("name,price", "column stock: is missing"),
            ("name,price,stock,colour", "column colour: is not known; there are name, price,"),
            ("name,price,stock,", "column : number 4 has no name"),
            ("name,price,stock,Price", "column Price: stands twice"),
            ("name;price;stock", "column name;price;stock: is not known"),
            ("name,price,stock,\"a\n\u{1b}[2Jb\"", "column a  [2Jb: is not known"),
        ] {
            let faults = read(header).unwrap_err();
            assert!(faults[0].starts_with("x.csv line 1, ") && faults[0].contains(reason), "{header}: {faults:?}");
        }
    }

    #[test]
    fn bad_cells_are_named_all_at_once() {
        let long = "x".repeat(201);
        for (column, cell, reason) in [
            ("name", " ", "must not be blank"),
            ("name", &*long, "must have 1 to 200 characters, not 201"),
            ("name", "a\u{7}b", "must not contain control characters"),
            ("price", "", "must be a decimal number such as \"12.50\""),
            ("price", "$5", "must be a decimal number such as \"12.50\""),
            ("price", "-1", "must not be negative"),
            ("price", "1e3", "must be a decimal number such as \"12.50\""),
            ("price", "\"1,5\"", "must be a decimal number such as \"12.50\""),
            ("price", "0.001", "has more digits after the point than USD has (2)"),
            ("price", "99999999999999.99", "is too large"),
            ("stock", "", "must be a whole number of 0 to 1000000000"),
            ("stock", "-1", "must be a whole number of 0 to 1000000000"),
            ("stock", "1.5", "must be a whole number of 0 to 1000000000"),
            ("stock", "1000000001", "must be a whole number of 0 to 1000000000"),
            ("currency", "usd", "must be a currency code of ISO 4217, such as USD"),
            ("is_available", "maybe", "must be true or false"),
            ("category", &*long, "must have 1 to 200 characters, not 201"),
            ("description", "a\u{0}b", "must not contain control characters other than line breaks"),
            ("sku", &*long, "must have 1 to 100 characters, not 201"),
            ("attributes", "color", "must be name=value, a line for each"),
            ("attributes", "color=", "the value of \"color\" must not be blank"),
            ("attributes", "\"a=1\nA=2\"", "must not name \"A\" twice"),
        ] {
            let good = ["Mug", "1", "1", "", "", "", "", "", ""];
            let cells: Vec<_> = COLUMNS.iter().zip(good).map(|(name, good)| if *name == column { cell } else { good }).collect();
            let faults = read(&format!("{}\n{}\n", COLUMNS.join(","), cells.join(","))).unwrap_err();
            assert_eq!(faults, [format!("x.csv line 2, column {column}: {reason}")]);
        }
        let faults = read("name,price,stock\n,x,y\nMug,1,1\nCup,,1\n").unwrap_err();
        assert_eq!(faults.len(), 4, "{faults:?}");
    }
}
