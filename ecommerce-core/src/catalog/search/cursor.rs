//! Where a page of products ended, as a text for its reader that only this shop can write.
//!
//! It names the last product by what the list is ordered by, so that the next page begins behind it whatever was added or
//! removed meanwhile. It is of one search in one order: a code over all of it, under a key that the database keeps, shows that
//! nothing of it was changed.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Invalid;

/// The bytes of the code that are written down: 128 bits are not guessed.
const CODE_BYTES: usize = 16;
/// A name has at most 200 characters, and its lower case a few more.
const LONGEST: usize = 8_000;

/// Where the list goes on: behind the product with this id, which has this in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::catalog) struct Position {
    pub(in crate::catalog) last: OrderKey,
    pub(in crate::catalog) product: i64,
}

/// What a list is ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::catalog) enum OrderKey {
    /// Prices, times, units sold, ranks.
    Number(i64),
    /// Names.
    Text(String),
}

/// Writes and reads the cursors of one list.
pub(super) struct Cursors<'k> {
    key: &'k [u8],
    /// What makes the list: its order and what is searched for.
    list: [&'k str; 2],
}

impl<'k> Cursors<'k> {
    pub(super) const fn of(key: &'k [u8], ordering: &'k str, search: &'k str) -> Self {
        Self { key, list: [ordering, search] }
    }

    pub(super) fn write(&self, position: &Position) -> String {
        let (kind, last) = match &position.last {
            OrderKey::Number(number) => ('n', number.to_string()),
            OrderKey::Text(text) => ('t', text.clone()),
        };
        let content = format!("{kind}{} {last}", position.product);
        let code = self.code(&content).map(|code| code.finalize().into_bytes());
        let code = code.as_deref().and_then(|code| code.get(..CODE_BYTES)).unwrap_or_default();
        hex(code) + &hex(content.as_bytes())
    }

    /// # Errors
    /// When it is not a cursor of this list.
    pub(super) fn read(&self, cursor: &str) -> Result<Position, Invalid> {
        self.checked(cursor).ok_or_else(|| Invalid::new("is not a cursor of this list"))
    }

    fn checked(&self, cursor: &str) -> Option<Position> {
        let bytes = if cursor.len() <= LONGEST { bytes(cursor)? } else { return None };
        let (code, content) = bytes.split_at_checked(CODE_BYTES)?;
        let content = str::from_utf8(content).ok()?;
        self.code(content)?.verify_truncated_left(code).ok()?;
        let (product, last) = content.get(1..)?.split_once(' ')?;
        let last = if content.starts_with('n') { OrderKey::Number(last.parse().ok()?) } else { OrderKey::Text(last.to_owned()) };
        Some(Position { last, product: product.parse().ok()? })
    }

    /// Each part behind its length, so that no two lists come to the same.
    fn code(&self, content: &str) -> Option<Hmac<Sha256>> {
        let mut code = <Hmac<Sha256> as KeyInit>::new_from_slice(self.key).ok()?;
        for part in [self.list[0], self.list[1], content] {
            code.update(&part.len().to_be_bytes());
            code.update(part.as_bytes());
        }
        Some(code)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let read = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok();
    if rest.is_empty() { pairs.iter().map(read).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CURSORS: Cursors<'_> = Cursors::of(b"key", "price", "red mug");

    fn numbered(number: i64, product: i64) -> Position {
        Position { last: OrderKey::Number(number), product }
    }

    #[test]
    fn a_cursor_is_of_one_list() {
        let cursor = CURSORS.write(&numbered(-5, 7));
        assert_eq!(CURSORS.read(&cursor), Ok(numbered(-5, 7)));
        for other in [
            Cursors::of(b"other", "price", "red mug"),
            Cursors::of(b"key", "-price", "red mug"),
            Cursors::of(b"key", "price", "red mugs"),
            Cursors::of(b"key", "pricer", "ed mug"),
        ] {
            assert!(other.read(&cursor).is_err());
        }
        for forged in
            ["", "00", "zz", &"0".repeat(32), &"é".repeat(40), &cursor.to_uppercase(), &cursor[2..], &cursor.repeat(1_000)]
        {
            assert_eq!(CURSORS.read(forged).unwrap_err().to_string(), "is not a cursor of this list");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_nothing_else(name in any::<String>(), product in any::<i64>(), at in any::<prop::sample::Index>()) {
            let position = Position { last: OrderKey::Text(name.chars().take(200).collect()), product };
            let mut cursor = CURSORS.write(&position).into_bytes();
            prop_assert_eq!(CURSORS.read(str::from_utf8(&cursor).unwrap()), Ok(position));
            let at = at.index(cursor.len());
            cursor[at] = if cursor[at] == b'0' { b'1' } else { b'0' };
            prop_assert!(CURSORS.read(str::from_utf8(&cursor).unwrap()).is_err());
        }
    }
}
