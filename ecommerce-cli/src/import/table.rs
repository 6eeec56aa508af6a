//! A CSV file as a table of cells that know where they stand.

use std::{fmt, str::FromStr};

use csv::{ByteRecord, ReaderBuilder, StringRecord};
use ecommerce_core::MAX_STOCK;

/// So many bad cells are named; after them, only how many more there are.
const NAMED_FAULTS: usize = 20;

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    line: u64,
    column: Option<String>,
    reason: String,
}

impl Fault {
    pub(super) fn of_line(line: u64, reason: impl Into<String>) -> Self {
        Self { line, column: None, reason: reason.into() }
    }

    pub(super) fn of_cell(line: u64, column: &str, reason: impl Into<String>) -> Self {
        Self { line, column: Some(column.to_owned()), reason: reason.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "line {}, column {column}: {}", self.line, self.reason),
            None => write!(f, "line {}: {}", self.line, self.reason),
        }
    }
}

/// All that is wrong with a file.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// The value, or a note of why there is none.
    pub(super) fn note<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.push(fault)).ok()
    }

    /// The rows when nothing was wrong.
    pub(super) fn or<T>(self, rows: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(rows) } else { Err(self) }
    }

    /// A line for each of the first faults, each beginning with the file's name.
    pub(super) fn describe(&self, file: &str) -> Vec<String> {
        let mut lines: Vec<_> = self.0.iter().take(NAMED_FAULTS).map(|fault| format!("{file} {fault}")).collect();
        if let Some(more @ 1..) = self.0.len().checked_sub(NAMED_FAULTS) {
            lines.push(format!("{file}: and {more} more"));
        }
        lines
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

/// A file with a header and lines of as many cells.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) header: Vec<String>,
    pub(super) lines: Vec<Line>,
}

/// A line, perhaps of several lines of text where a quoted cell holds line breaks.
#[derive(Debug)]
pub(super) struct Line {
    /// Where it begins in the file, the header being line 1.
    pub(super) number: u64,
    cells: StringRecord,
}

/// A cell and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell<'a> {
    pub(super) line: u64,
    pub(super) column: &'a str,
    pub(super) text: &'a str,
}

impl Table {
    /// Reads UTF-8 text of comma-separated values (RFC 4180), any line breaks, with or without a byte-order mark.
    /// Lines without anything in them are left out.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Faults> {
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        let mut numbers = LineNumbers { bytes, offset: 0, number: 1 };
        let mut table = Self { header: Vec::new(), lines: Vec::new() };
        let mut faults = Faults::default();
        let mut record = ByteRecord::new();
        loop {
            let start = reader.position().byte();
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Err(Fault::of_line(numbers.at(start), error.to_string()).into()),
            }
            let number = numbers.at(start);
            let Ok(cells) = StringRecord::from_byte_record(record.clone()) else {
                faults.push(Fault::of_line(number, "is not UTF-8 text; save the file as \"CSV UTF-8\""));
                continue;
            };
            if table.header.is_empty() {
                // What is wrong with a column is told by its name, on a terminal.
                table.header = cells.iter().map(|name| name.trim().replace(char::is_control, " ")).collect();
            } else if !cells.iter().all(|cell| cell.trim().is_empty()) {
                let (found, wanted) = (cells.len(), table.header.len());
                if found != wanted {
                    faults.push(Fault::of_line(number, uneven(found, wanted)));
                }
                table.lines.push(Line { number, cells });
            }
        }
        if table.header.is_empty() {
            faults.push(Fault::of_line(1, "the header is missing"));
        }
        faults.or(table)
    }

    /// Where a column with one of these names stands, without regard to case.
    pub(super) fn find(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.header.iter().position(|column| column.eq_ignore_ascii_case(name)))
    }

    /// The cell of a line in this column.
    pub(super) fn cell<'a>(&'a self, line: &'a Line, column: usize) -> Cell<'a> {
        Cell {
            line: line.number,
            column: self.header.get(column).map_or("", String::as_str),
            text: line.cells.get(column).unwrap_or(""),
        }
    }
}

fn uneven(found: usize, wanted: usize) -> String {
    let cause = if found < wanted { "or a line break stands outside quotes" } else { "or a comma stands outside quotes" };
    format!("has {found} columns, the header has {wanted}: a quote is left open {cause}")
}

impl Cell<'_> {
    pub(super) fn is_blank(self) -> bool {
        self.text.trim().is_empty()
    }

    /// What the cell says, by the rules of its type.
    pub(super) fn parse<T: FromStr<Err: fmt::Display>>(self) -> Result<T, Fault> {
        self.text.trim().parse::<T>().map_err(|error| self.fault(error.to_string()))
    }

    /// The same, for a cell that may be empty.
    pub(super) fn parse_optional<T: FromStr<Err: fmt::Display>>(self) -> Result<Option<T>, Fault> {
        if self.is_blank() { Ok(None) } else { self.parse().map(Some) }
    }

    /// How many are on hand.
    pub(super) fn stock(self) -> Result<i64, Fault> {
        let stock = self.text.trim().parse().ok().filter(|stock| (0..=MAX_STOCK).contains(stock));
        stock.ok_or_else(|| self.fault(format!("must be a whole number of 0 to {MAX_STOCK}")))
    }

    pub(super) fn fault(self, reason: impl Into<String>) -> Fault {
        Fault::of_cell(self.line, self.column, reason)
    }
}

/// Counts lines as an editor does. The reader's own numbers lag behind after CR LF and after empty lines.
struct LineNumbers<'a> {
    bytes: &'a [u8],
    offset: usize,
    number: u64,
}

impl LineNumbers<'_> {
    /// The line of the first character at or behind this offset that is no line break. Offsets only grow.
    fn at(&mut self, offset: u64) -> u64 {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        while let Some(&[byte, ref rest @ ..]) = self.bytes.get(self.offset..) {
            let is_break = byte == b'\n' || byte == b'\r';
            if self.offset >= offset && !is_break {
                break;
            }
            // The line ends at LF, or at a CR that no LF follows.
            self.number += u64::from(byte == b'\n' || (byte == b'\r' && rest.first() != Some(&b'\n')));
            self.offset += 1;
        }
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(bytes: &[u8]) -> Vec<String> {
        Table::read(bytes).err().map(|faults| faults.describe("x.csv")).unwrap_or_default()
    }

    #[test]
    fn lines_are_counted_as_an_editor_does() {
        for line_break in ["\n", "\r\n", "\r"] {
            let text = "\u{feff}a,b\n1,2\n\n\n\"x\ny\",\"\n\"\n,\n3,4".replace('\n', line_break);
            let table = Table::read(text.as_bytes()).unwrap();
            assert_eq!(table.header, ["a", "b"], "{line_break:?}");
            let numbers: Vec<_> = table.lines.iter().map(|line| line.number).collect();
            assert_eq!(numbers, [2, 5, 9], "{line_break:?}");
            assert_eq!(table.cell(&table.lines[1], 0).text, format!("x{line_break}y"));
        }
    }

    #[test]
    fn every_bad_line_is_named() {
        assert_eq!(faults(b""), ["x.csv line 1: the header is missing"]);
        assert_eq!(faults(b"\n \n")[..0], [] as [&str; 0]);
        let found = faults(b"a,b\n1\n1,2,3\r\ncaf\xe9,2\n");
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("x.csv line 2: has 1 columns, the header has 2"), "{found:?}");
        assert!(found[1].starts_with("x.csv line 3: has 3 columns, the header has 2"), "{found:?}");
        assert!(found[2].starts_with("x.csv line 4: is not UTF-8"), "{found:?}");
        let many = faults(format!("a,b\n{}", "1\n".repeat(25)).as_bytes());
        assert_eq!((many.len(), many[20].as_str()), (21, "x.csv: and 5 more"));
    }
}
