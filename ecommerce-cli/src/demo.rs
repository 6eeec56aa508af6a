//! A small shop to look at.

use std::{fmt, str::FromStr};

use ecommerce_core::{
    AccountError, Admin, Currency, Money, NewCategory, NewProduct, PageRequest, ProductFilter, Registration, Store, parse_decimal,
};

use crate::{error::Error, shop::system};

const ADMIN: &str = "admin@example.com";
const ADMIN_PASSWORD: &str = "demo-admin";
const CUSTOMER: &str = "customer@example.com";
const CUSTOMER_PASSWORD: &str = "demo-customer";

/// A category and what is in it.
struct Shelf {
    name: &'static str,
    about: &'static str,
    goods: [Goods; 4],
}

struct Goods {
    name: &'static str,
    price: &'static str,
    stock: i64,
    attributes: &'static str,
    about: &'static str,
}

const fn goods(name: &'static str, price: &'static str, stock: i64, attributes: &'static str, about: &'static str) -> Goods {
    Goods { name, price, stock, attributes, about }
}

const CATALOG: [Shelf; 3] = [
    Shelf {
        name: "Kitchen",
        about: "All that cooks and serves.",
        goods: [
            goods("Ceramic mug", "12.50", 40, "color=white\nmaterial=clay", "Holds 300 ml. Safe in the dishwasher."),
            goods("Cast-iron pan", "49.00", 12, "color=black\nmaterial=iron", "24 cm across, seasoned, for every kind of stove."),
            goods("Bread knife", "24.90", 18, "material=steel", "A serrated blade of 20 cm with a handle of oiled walnut."),
            goods("Linen tea towel", "9.80", 60, "color=white\nmaterial=linen", "50 by 70 cm, softer with every wash."),
        ],
    },
    Shelf {
        name: "Garden",
        about: "For everything that grows.",
        goods: [
            goods("Clay plant pot", "9.99", 35, "color=red\nmaterial=clay", "16 cm across, with a hole and a saucer."),
            goods("Watering can", "32.00", 9, "material=steel", "Galvanised steel, 5 litres, with a brass rose."),
            goods("Hand trowel", "14.50", 25, "material=steel", "Stainless steel, with a scale for planting depth."),
            goods("Wildflower seeds", "4.20", 120, "", "Thirty kinds that bees like, enough for four square metres."),
        ],
    },
    Shelf {
        name: "Living room",
        about: "Soft, warm and quiet things.",
        goods: [
            goods("Wool blanket", "89.00", 7, "color=white\nmaterial=wool", "130 by 200 cm of undyed merino."),
            goods("Beeswax candle", "15.90", 30, "color=yellow\nmaterial=wax", "Burns for about 40 hours."),
            goods("Reading lamp", "75.00", 5, "color=black\nmaterial=steel", "Turns and tilts; the bulb is in the box."),
            goods("Walnut side table", "240.00", 2, "color=brown\nmaterial=wood", "45 cm high, oiled, made to be mended."),
        ],
    },
];

/// Fills an empty store, and says what a newcomer can do with it at `url`.
pub(crate) async fn fill(store: &Store, url: &str, has_sandbox: bool) -> Result<String, Error> {
    let system = system(store);
    if !is_empty(store, system.admin()).await? {
        return Ok("The store is not empty: --demo leaves it as it is.".to_owned());
    }
    // Two servers may start on one empty database: the one that makes this account fills the store.
    match store.user_create_admin(system.admin(), registration(ADMIN, ADMIN_PASSWORD)?).await {
        Err(AccountError::EmailTaken) => return Ok("The store is being filled by somebody else.".to_owned()),
        admin => admin?,
    };
    store.register(registration(CUSTOMER, CUSTOMER_PASSWORD)?).await?;
    for shelf in CATALOG {
        let new = NewCategory { description: text(shelf.about)?, ..NewCategory::new(text(shelf.name)?) };
        let category = store.category_create(system.admin(), new).await?.id;
        for goods in shelf.goods {
            let price = price(goods.price, store.currency())?;
            let new = NewProduct::new(text(goods.name)?, price, goods.stock);
            let (description, attributes) = (text(goods.about)?, text(goods.attributes)?);
            let new = NewProduct { description, attributes, category: Some(category), ..new };
            store.product_create(system.admin(), new).await?;
        }
    }
    Ok(welcome(url, has_sandbox))
}

async fn is_empty(store: &Store, admin: &Admin) -> Result<bool, Error> {
    let page = PageRequest::default();
    let products = store.product_list(&ProductFilter::default(), page, Some(admin)).await?;
    Ok(products.count == 0 && store.user_list(admin, page).await?.count == 0)
}

fn registration(email: &str, password: &str) -> Result<Registration, Error> {
    Ok(Registration { email: text(email)?, password: text(password)?, name: None })
}

fn text<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|error| Error::failed(format!("the demo has a bad value, {text:?}: {error}")))
}

/// The price in whatever currency the shop has, without the digits that are too many for it.
fn price(price: &str, currency: Currency) -> Result<Money, Error> {
    let amount = parse_decimal(price).map(|amount| amount.trunc_with_scale(currency.digits()));
    let price = amount.and_then(|amount| Money::from_decimal(amount, currency));
    price.map_err(|error| Error::failed(format!("the demo has a bad price: {error}")))
}

fn welcome(url: &str, has_sandbox: bool) -> String {
    let pay = if has_sandbox {
        "Open the \"checkout_url\" of that answer in a browser, pay, and look at the order: it is paid."
    } else {
        "When the money has come, the shop says so: ecommerce order confirm-payment 1"
    };
    format!(
        r#"
A demo shop is ready at {url}
  Read and try the HTTP interface in a browser: {url}/docs/

  Customer  {CUSTOMER}  password {CUSTOMER_PASSWORD}
  Admin     {ADMIN}     password {ADMIN_PASSWORD}

Look around, sign in and buy two ceramic mugs:
  curl '{url}/product/?search=mug'
  curl {url}/login/ -H 'Content-Type: application/json' \
    -d '{{"email": "{CUSTOMER}", "password": "{CUSTOMER_PASSWORD}"}}'
  export TOKEN=...   # the "token" of that answer
  curl {url}/create-cart/ -H "Authorization: Token $TOKEN" -H 'Content-Type: application/json' \
    -d '{{"product": 1, "quantity": 2}}'
  curl -X POST {url}/checkout/ -H "Authorization: Token $TOKEN"

{pay}

These passwords are public: never open a demo to the internet.
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_fit_every_currency() {
        for (currency, shown) in [("USD", "12.50"), ("JPY", "12"), ("KWD", "12.500")] {
            assert_eq!(price("12.50", currency.parse().unwrap()).unwrap().to_string(), shown);
        }
    }
}
