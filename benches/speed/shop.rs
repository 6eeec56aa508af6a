//! The shop that both servers have a copy of: products without end, and many customers who are signed in already.

use ecommerce_benches::{Failure, past::Size};
use ecommerce_core::{Attributes, ImportRow, Money, Name, Registration, Store};
use sha2::{Digest, Sha256};

use crate::ours;

/// How many customers there are: each does a thing once or twice in a round, so that carts and histories stay small.
pub const BUYERS: usize = 8_192;
/// What all of them sign in with.
pub const PASSWORD: &str = "correct horse battery";
/// The session of one who may change the catalog.
pub const ADMIN: &str = "the token of an admin";
/// How many products are called rare: a page of a search.
pub const RARE: u64 = 20;

/// The products and one customer, made by the library.
pub async fn fill(url: &str, products: u64) -> Result<(), Failure> {
    let store = ours::builder()?.background(false).open(url).await?;
    let rows = (1..=products).map(|number| row(&store, number, products)).collect::<Result<Vec<_>, Failure>>()?;
    store.product_import(store.system().admin(), &rows, &mut |_| ()).await?;
    let first = Registration { email: "first@example.com".parse()?, password: PASSWORD.parse()?, name: None };
    store.register(first).await?;
    store.close().await;
    Ok(())
}

/// How large the shop is when its past is written: its customers are all but the admin.
pub const fn size(products: u64, orders: u64) -> Size {
    Size { products, customers: BUYERS as u64 + 1, orders }
}

/// The other customers, as copies of the first: to hash the password of each would take minutes. On both databases the same.
pub fn buyers() -> String {
    let mut text = format!(
        "insert into users (email, email_key, name, role, password_hash, created_at)
         with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n < {BUYERS} - 1)
         select 'buyer-' || n || '@example.com', 'buyer-' || n || '@example.com', '', u.role, u.password_hash, u.created_at
         from numbers cross join users u
         where u.email_key = 'first@example.com';
         insert into carts (user_id) select id from users where email_key like 'buyer-%';
         insert into users (email, email_key, name, role, password_hash, created_at)
         select 'admin@example.com', 'admin@example.com', '', 'admin', password_hash, created_at
         from users where email_key = 'first@example.com';
         insert into sessions (token_hash, user_id, expires_at, created_at)
         select '{}', id, created_at + 2592000000000, created_at from users where email_key = 'admin@example.com';\n",
        hex(&Sha256::digest(ADMIN))
    );
    for first in (0..BUYERS).step_by(1_024) {
        let hashes =
            (first..first + 1_024).map(|buyer| format!("('{}', '{}')", hex(&Sha256::digest(token(buyer))), email(buyer)));
        text.push_str(&format!(
            "insert into sessions (token_hash, user_id, expires_at, created_at)
             with hashes (hash, email) as (values {})
             select h.hash, u.id, u.created_at + 2592000000000, u.created_at
             from hashes h join users u on u.email_key = h.email;\n",
            hashes.collect::<Vec<_>>().join(", ")
        ));
    }
    text
}

pub fn email(buyer: usize) -> String {
    format!("buyer-{buyer}@example.com")
}

/// The key of a customer's session.
pub fn token(buyer: usize) -> String {
    hex(&Sha256::digest(format!("the token of {buyer}")))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn row(store: &Store, number: u64, products: u64) -> Result<ImportRow, Failure> {
    let word = |salt: u64| format!("word{}", number.wrapping_mul(salt).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 51);
    let mut name = format!("Product {number} {}", word(1));
    let every = (products / RARE).max(1);
    if number.is_multiple_of(every) && number / every <= RARE {
        name.push_str(" rare");
    }
    let description: Vec<_> = (2..17).map(word).collect();
    let color = ["red", "green", "blue", "black", "white"][usize::try_from(number % 5)?];
    let size = ["S", "M", "L"][usize::try_from(number % 3)?];
    Ok(ImportRow {
        line: number,
        name: name.parse::<Name>()?,
        price: Money::new(i64::try_from(500 + number % 5_000)?, store.currency())?,
        stock: 1_000_000_000,
        category: Some(format!("Category {}", number % 50).parse()?),
        description: Some(description.join(" ").parse()?),
        is_available: Some(true),
        sku: Some(format!("SKU-{number}").parse()?),
        attributes: Some(Attributes::new([("color", color), ("size", size)])?),
    })
}
