//! Where a page of products ended, as a text for its reader that only this shop can write.
//!
//! It names the last product by what the list is ordered by, so that the next page begins behind it whatever was added or
//! removed meanwhile. It is of one list: another search, filter or order refuses it. Nobody can change it, nor read in it what an
//! order rests on, such as how many were sold: it is encrypted, always the same way (AES-SIV, RFC 5297), so that one page of one
//! state of the shop has one text.

use aes_siv::{KeyInit, siv::Aes128Siv};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::find::Window;
use crate::Invalid;

/// A name has at most 200 characters, and its lower case a few more.
const LONGEST: usize = 8_000;

/// Where the list goes on: behind the product with this id, which has this in its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::catalog) struct Position {
    pub(in crate::catalog) last: OrderKey,
    pub(in crate::catalog) product: i64,
}

/// What a list is ordered by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::catalog) enum OrderKey {
    /// Prices, times, units sold, ids.
    Number(i64),
    /// Names.
    Text(String),
    /// How good a hit is, and which hits are ranked at all.
    Rank(i64, Window),
}

/// Writes and reads the cursors of one list.
pub(super) struct Cursors {
    key: [u8; 32],
    /// What makes the list: its order, what is searched for, what it is narrowed by.
    list: [String; 3],
}

impl Cursors {
    pub(super) fn of(key: &str, list: [String; 3]) -> Self {
        Self { key: Sha256::digest(key).into(), list }
    }

    pub(super) fn write(&self, position: &Position) -> String {
        // Numbers and text can always be written and encrypted; were they not, the page would be said to be the last.
        let content = serde_json::to_vec(position).unwrap_or_default();
        hex(&Aes128Siv::new(&self.key.into()).encrypt(&self.list, &content).unwrap_or_default())
    }

    /// # Errors
    /// When it is not a cursor of this list.
    pub(super) fn read(&self, cursor: &str) -> Result<Position, Invalid> {
        self.checked(cursor).ok_or_else(|| Invalid::new("is not a cursor of this list"))
    }

    fn checked(&self, cursor: &str) -> Option<Position> {
        let encrypted = if cursor.len() <= LONGEST { bytes(cursor)? } else { return None };
        let content = Aes128Siv::new(&self.key.into()).decrypt(&self.list, &encrypted).ok()?;
        serde_json::from_slice(&content).ok()
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

    fn cursors(key: &str, ordering: &str, search: &str, filter: &str) -> Cursors {
        Cursors::of(key, [ordering, search, filter].map(str::to_owned))
    }

    #[test]
    fn a_cursor_is_of_one_list() {
        let cursors_of_list = cursors("key", "price", "red mug", "");
        let position = Position { last: OrderKey::Number(123_456), product: 7 };
        let cursor = cursors_of_list.write(&position);
        assert_eq!(cursors_of_list.read(&cursor), Ok(position));
        assert_eq!(cursor, cursors_of_list.write(&cursors_of_list.read(&cursor).unwrap()), "one position has one text");
        assert!(!String::from_utf8_lossy(&bytes(&cursor).unwrap()).contains("123456"), "it cannot be read");
        for other in [
            cursors("other", "price", "red mug", ""),
            cursors("key", "-price", "red mug", ""),
            cursors("key", "price", "red mugs", ""),
            cursors("key", "pricer", "ed mug", ""),
            cursors("key", "price", "red mug", "x"),
        ] {
            assert!(other.read(&cursor).is_err());
        }
        for forged in
            ["", "00", "zz", &"0".repeat(32), &"é".repeat(40), &cursor.to_uppercase(), &cursor[2..], &cursor.repeat(1_000)]
        {
            assert_eq!(cursors_of_list.read(forged).unwrap_err().to_string(), "is not a cursor of this list");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_nothing_else(name in any::<String>(), product in any::<i64>(), at in any::<prop::sample::Index>()) {
            let cursors = cursors("key", "name", "", "");
            let position = Position { last: OrderKey::Text(name.chars().take(200).collect()), product };
            let mut cursor = cursors.write(&position).into_bytes();
            prop_assert_eq!(cursors.read(str::from_utf8(&cursor).unwrap()), Ok(position));
            let at = at.index(cursor.len());
            cursor[at] = if cursor[at] == b'0' { b'1' } else { b'0' };
            prop_assert!(cursors.read(str::from_utf8(&cursor).unwrap()).is_err());
        }
    }
}
