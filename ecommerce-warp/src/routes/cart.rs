//! `/cart/`, `/create-cart/`, `/reduce-cart/`, `/remove-product/`.

use ecommerce_core::{Cart, CartLine, MAX_LINES, ProductId, Quantity};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    call::{Answer, Call},
    faults::Faults,
    json::present,
    problem::Problem,
    reply,
};

/// So many pieces of a product.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLine {
    /// The product.
    #[schema(value_type = ProductId)]
    product: i64,
    /// How many are added to those in the cart.
    #[schema(value_type = Quantity)]
    quantity: i64,
}

/// One line, or all of several or none.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what `Call::json_one_or_many` reads")]
pub(crate) enum NewLines {
    One(NewLine),
    Many(Vec<NewLine>),
}

/// Fewer pieces of a product.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reduction {
    /// The product.
    #[schema(value_type = ProductId)]
    product: i64,
    /// How many are taken out; 1 where it is left out.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Quantity)]
    quantity: Option<i64>,
}

/// A product in the cart.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Removal {
    /// The product.
    #[schema(value_type = ProductId)]
    product: i64,
}

/// How many pieces the cart shall have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewQuantity {
    /// 0 removes the line.
    #[schema(example = 2, minimum = 0, maximum = 1_000_000)]
    quantity: i64,
}

/// The cart, priced from the catalog as it is now.
#[utoipa::path(get, path = "/cart/", tag = "cart", security(("bearer" = [])), responses(
    (status = 200, description = "The cart", body = Cart),
))]
pub(crate) async fn cart(call: &mut Call) -> Answer {
    let session = call.session().await?;
    reply::ok(&call.store().cart(session.customer()).await?)
}

/// Empties the cart.
#[utoipa::path(delete, path = "/cart/", tag = "cart", security(("bearer" = [])), responses(
    (status = 200, description = "The cart, empty", body = Cart),
))]
pub(crate) async fn cart_clear(call: &mut Call) -> Answer {
    let session = call.session().await?;
    reply::ok(&call.store().cart_clear(session.customer()).await?)
}

/// Adds a line or a list of lines: all or nothing. The quantity adds up with what is in the cart.
#[utoipa::path(post, path = "/create-cart/", tag = "cart", security(("bearer" = [])), request_body = NewLines, responses(
    (status = 200, description = "The cart", body = Cart),
    (status = 404, description = "`not_found`: no such product for sale"),
    (status = 409, description = "`insufficient_stock`, with `items`"),
))]
pub(crate) async fn cart_add(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let lines = checked(&call.json_one_or_many::<NewLine>().await?)?;
    reply::ok(&call.store().cart_add(session.customer(), &lines).await?)
}

/// Takes pieces of a product out; at none the line goes.
#[utoipa::path(post, path = "/reduce-cart/", tag = "cart", security(("bearer" = [])), request_body = Reduction, responses(
    (status = 200, description = "The cart", body = Cart),
    (status = 404, description = "`not_in_cart`"),
))]
pub(crate) async fn cart_reduce(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let (product, by) = call.json::<Reduction>().await?.checked()?;
    reply::ok(&call.store().cart_reduce(session.customer(), product, by).await?)
}

/// Takes a product out.
#[utoipa::path(post, path = "/remove-product/", tag = "cart", security(("bearer" = [])), request_body = Removal, responses(
    (status = 200, description = "The cart", body = Cart),
    (status = 404, description = "`not_in_cart`"),
))]
pub(crate) async fn cart_remove(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let product = call.json::<Removal>().await?.checked()?;
    reply::ok(&call.store().cart_remove(session.customer(), product).await?)
}

/// Sets how many pieces of a product the cart has, adding the line where there is none.
#[utoipa::path(put, path = "/cart/items/{id}/", tag = "cart", security(("bearer" = [])), params(
    ("id" = ProductId, Path, description = "The product"),
), request_body = NewQuantity, responses(
    (status = 200, description = "The cart", body = Cart),
    (status = 409, description = "`insufficient_stock`, with `items`"),
))]
pub(crate) async fn cart_set(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let quantity = call.json::<NewQuantity>().await?.checked()?;
    reply::ok(&call.store().cart_set(session.customer(), call.id(ProductId::new)?, quantity).await?)
}

fn checked(lines: &[NewLine]) -> Result<Vec<CartLine>, Problem> {
    let mut faults = Faults::default();
    if lines.is_empty() || lines.len() > MAX_LINES {
        faults.note("body", format!("must have 1 to {MAX_LINES} lines"));
        return Err(faults.into());
    }
    // A line that came alone has no number.
    let place = |index: usize, field: &str| if lines.len() > 1 { format!("{index}.{field}") } else { field.to_owned() };
    let lines = lines.iter().enumerate().filter_map(|(index, line)| {
        let product = faults.id(&place(index, "product"), line.product, ProductId::new);
        let quantity = faults.take(&place(index, "quantity"), Quantity::new(line.quantity));
        Some(CartLine { product: product?, quantity: quantity? })
    });
    let lines = lines.collect();
    faults.check()?;
    Ok(lines)
}

impl Reduction {
    fn checked(&self) -> Result<(ProductId, Quantity), Problem> {
        let mut faults = Faults::default();
        let product = faults.id("product", self.product, ProductId::new);
        let quantity = self.quantity.map_or(Some(Quantity::ONE), |count| faults.take("quantity", Quantity::new(count)));
        product.zip(quantity).ok_or_else(|| faults.into())
    }
}

impl Removal {
    fn checked(&self) -> Result<ProductId, Problem> {
        let mut faults = Faults::default();
        faults.id("product", self.product, ProductId::new).ok_or_else(|| faults.into())
    }
}

impl NewQuantity {
    fn checked(&self) -> Result<Option<Quantity>, Problem> {
        let mut faults = Faults::default();
        match self.quantity {
            0 => Ok(None),
            count => {
                let reason = format!("must be 0 to {}", Quantity::MAX);
                faults.take("quantity", Quantity::new(count).map_err(|_| reason)).map(Some).ok_or_else(|| faults.into())
            }
        }
    }
}
