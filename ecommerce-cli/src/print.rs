//! What commands say: tables for people, JSON for machines.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle, presets::UTF8_HORIZONTAL_ONLY};
use ecommerce_core::{Currency, Money, Timestamp};
use serde::Serialize;

use crate::error::Error;

/// Standard output, in the form that was asked for.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
}

/// Something that fits in a row of a table.
pub(crate) trait Record: Serialize {
    /// What many of them are called.
    const NAME: &'static str;
    /// The heads of the columns.
    const COLUMNS: &'static [&'static str];

    /// A text for each column.
    fn cells(&self) -> Vec<String>;
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// One thing: as JSON for machines, else as the text that is made of it for people.
    pub(crate) fn one<T: Serialize>(&self, value: &T, text: impl FnOnce() -> Result<String, Error>) -> Result<(), Error> {
        if self.json { self.json(value) } else { self.line(&text()?) }
    }

    /// A list: as a JSON array for machines, else as a table.
    pub(crate) fn list<T: Record>(&self, records: &[T]) -> Result<(), Error> {
        match records {
            _ if self.json => self.json(&records),
            [] => self.line(&format!("No {}.", T::NAME)),
            _ => self.line(&table(records)),
        }
    }

    /// Text that is the same for people and for machines.
    pub(crate) fn line(&self, text: &str) -> Result<(), Error> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", text.trim_end())?;
        Ok(out.flush()?)
    }

    fn json<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
        self.line(&text)
    }
}

/// A line under the heads, and nothing else but the cells.
const STYLE: TableStyle =
    UTF8_HORIZONTAL_ONLY.top_border(LineStyle::none()).row_separator(LineStyle::none()).bottom_border(LineStyle::none());
/// On a terminal with fewer columns, long rows are easier to read than broken cells.
const NARROWEST: u16 = 60;

/// Records under the heads of their columns, as wide as the terminal.
pub(crate) fn table<T: Record>(records: &[T]) -> String {
    let mut table = Table::new();
    table.load_style(STYLE);
    if table.width().is_some_and(|width| width >= NARROWEST) {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.set_header(T::COLUMNS.iter().copied());
    for record in records {
        table.add_row(record.cells().iter().map(|cell| one_line(cell)));
    }
    table.trim_fmt()
}

/// One thing as lines of a name and what there is to say under it; empty values are left out.
pub(crate) fn details(lines: &[(&str, String)]) -> String {
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = lines.iter().filter(|(_, value)| !value.is_empty());
    lines.map(|(name, value)| format!("{name:width$}  {}\n", printable(value))).collect()
}

/// `12.50 USD`.
pub(crate) fn money(amount: Money, currency: Currency) -> String {
    format!("{amount} {currency}")
}

/// `2026-01-31 09:30 UTC`.
pub(crate) fn date(moment: Timestamp) -> String {
    format!("{} UTC", date_utc(moment))
}

/// `2026-01-31 09:30`, under a head that names UTC.
pub(crate) fn date_utc(moment: Timestamp) -> String {
    moment.to_string().chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

pub(crate) fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

/// `1 product`, `2 products`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The beginning of a longer text.
pub(crate) fn beginning(text: &str) -> String {
    const CHARACTERS: usize = 60;
    let line = one_line(text);
    if line.chars().count() <= CHARACTERS { line } else { line.chars().take(CHARACTERS - 1).chain(['…']).collect() }
}

fn one_line(text: &str) -> String {
    printable(text).replace('\n', " ")
}

/// Without characters that a terminal would take as commands: texts come from customers and providers.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').collect()
}
