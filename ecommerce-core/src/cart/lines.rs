//! The rules by which the lines of a cart change.

use std::collections::BTreeMap;

use super::{Cart, CartError, CartLine, MAX_LINES, PricedLine, Shortage, price};
use crate::{Currency, InvalidField, ProductId, Quantity};

/// What is wanted, product by product: the same product twice is the sum of both.
pub(super) fn sum_up(lines: &[CartLine]) -> Result<Vec<CartLine>, InvalidField> {
    let mut sums = BTreeMap::<ProductId, i64>::new();
    for line in lines {
        let sum = sums.entry(line.product).or_default();
        *sum = sum.saturating_add(line.quantity.get().into());
    }
    sums.into_iter().map(|(product, sum)| Ok(CartLine { product, quantity: quantity(sum)? })).collect()
}

/// What the lines of the cart come to when the wanted pieces are added to them.
pub(super) fn added(cart: &[PricedLine], wanted: &[CartLine]) -> Result<Vec<CartLine>, InvalidField> {
    let in_cart = |product| cart.iter().find(|line| line.product == product).map_or(0, |line| i64::from(line.quantity.get()));
    let more = |line: &CartLine| {
        let sum = in_cart(line.product) + i64::from(line.quantity.get());
        Ok(CartLine { product: line.product, quantity: quantity(sum)? })
    };
    wanted.iter().map(more).collect()
}

/// The cart with the wanted lines in place of what it has of their products; `offers` are those that the catalog knows.
pub(super) fn put(
    mut cart: Vec<PricedLine>,
    wanted: &[CartLine],
    offers: Vec<PricedLine>,
    own: Currency,
) -> Result<Cart, CartError> {
    let is_new = |line: &&CartLine| cart.iter().all(|present| present.product != line.product);
    if cart.len() + wanted.iter().filter(is_new).count() > MAX_LINES {
        return Err(InvalidField::new("product", format!("would be more than the {MAX_LINES} that a cart can hold")).into());
    }
    let is_offered = |line: &&CartLine| offers.iter().any(|offer| offer.product == line.product && offer.is_available);
    if let Some(unknown) = wanted.iter().find(|line| !is_offered(line)) {
        return Err(CartError::UnknownProduct(unknown.product));
    }
    let short: Vec<Shortage> = offers.iter().filter_map(PricedLine::shortage).collect();
    for offer in offers {
        match cart.iter_mut().find(|line| line.product == offer.product) {
            Some(line) => *line = offer,
            None => cart.push(offer),
        }
    }
    let cart = price(&cart, own).map_err(|_| InvalidField::new("quantity", "would make the total of the cart too large"))?;
    if short.is_empty() { Ok(cart) } else { Err(CartError::InsufficientStock(short)) }
}

fn quantity(count: i64) -> Result<Quantity, InvalidField> {
    let most = Quantity::MAX;
    Quantity::new(count)
        .map_err(|_| InvalidField::new("quantity", format!("would be {count} of one product, at most {most} can be")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Money;

    fn wanted(product: i64, quantity: i64) -> CartLine {
        CartLine { product: ProductId::new(product).unwrap(), quantity: Quantity::new(quantity).unwrap() }
    }

    /// So many of a product that costs 1.00, of which there are ten.
    fn line(product: i64, quantity: i64) -> PricedLine {
        let CartLine { product, quantity } = wanted(product, quantity);
        let unit_price = Money::new(100, "USD".parse().unwrap()).unwrap();
        PricedLine { product, name: format!("product {product}"), unit_price, quantity, is_available: true, in_stock: 10 }
    }

    /// In a shop that counts in dollars.
    fn put_in(cart: Vec<PricedLine>, wanted: &[CartLine], offers: Vec<PricedLine>) -> Result<Cart, CartError> {
        put(cart, wanted, offers, "USD".parse().unwrap())
    }

    fn invalid(outcome: Result<impl std::fmt::Debug, impl Into<CartError>>) -> &'static str {
        match outcome.map_err(Into::into) {
            Err(CartError::Invalid(error)) => error.field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pieces_add_up() {
        assert_eq!(sum_up(&[wanted(2, 1), wanted(1, 5), wanted(2, 3)]).unwrap(), [wanted(1, 5), wanted(2, 4)]);
        assert_eq!(added(&[line(1, 2)], &[wanted(1, 3), wanted(2, 4)]).unwrap(), [wanted(1, 5), wanted(2, 4)]);
        let most = i64::from(Quantity::MAX);
        assert_eq!(invalid(sum_up(&[wanted(1, most), wanted(1, 1)])), "quantity");
        assert_eq!(invalid(added(&[line(1, 1)], &[wanted(1, most)])), "quantity");
    }

    #[test]
    fn lines_keep_their_place_and_new_ones_come_last() {
        let cart = put_in(vec![line(7, 1), line(3, 1)], &[wanted(3, 4), wanted(5, 1)], vec![line(3, 4), line(5, 1)]).unwrap();
        let quantities: Vec<_> = cart.items.iter().map(|item| (item.product.id.get(), item.quantity.get())).collect();
        assert_eq!(quantities, [(7, 1), (3, 4), (5, 1)]);
    }

    #[test]
    fn the_faults_of_a_list_come_in_order() {
        let full: Vec<_> = (1..=100).map(|product| line(product, 1)).collect();
        assert_eq!(invalid(put_in(full.clone(), &[wanted(101, 1)], vec![])), "product");
        assert!(put_in(full, &[wanted(100, 2)], vec![line(100, 2)]).is_ok());

        let hidden = PricedLine { is_available: false, ..line(2, 1) };
        let outcome = put_in(vec![], &[wanted(1, 11), wanted(2, 1)], vec![line(1, 11), hidden]);
        assert!(matches!(outcome, Err(CartError::UnknownProduct(product)) if product.get() == 2));

        let outcome = put_in(
            vec![line(9, 50)],
            &[wanted(1, 11), wanted(2, 10), wanted(3, 12)],
            vec![line(1, 11), line(2, 10), line(3, 12)],
        );
        let Err(CartError::InsufficientStock(short)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(short.iter().map(|short| (short.product.get(), short.requested)).collect::<Vec<_>>(), [(1, 11), (3, 12)]);

        let dear = PricedLine { unit_price: Money::largest("USD".parse().unwrap()), ..line(1, 1) };
        assert_eq!(invalid(put_in(vec![line(2, 1)], &[wanted(1, 1)], vec![dear])), "quantity");
    }
}
