//! The pure rule of checkout: may this cart become an order, and what will it cost?

use super::{CheckoutError, CheckoutRequest};
use crate::{
    CustomerRef, EventName, Fulfillment, InvalidField, Money, MoneyError, NotAccepted, Order, OrderEvent, OrderId, OrderItem,
    OrderStatus, Payment, PaymentId, PaymentStatus, ProviderName, Timestamp,
    cart::{PricedLine, price},
};

/// An order to be: every line can be had and is priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) total: Money,
    pub(super) provider: ProviderName,
    /// By product, as an order shows them.
    pub(super) items: Vec<OrderItem>,
}

impl Draft {
    /// The order that was made of it, as it is at this moment.
    pub(super) fn placed(
        self,
        id: OrderId,
        payment: PaymentId,
        customer: CustomerRef,
        reserved_until: Timestamp,
        now: Timestamp,
    ) -> Order {
        let Self { total, provider, items } = self;
        Order {
            id,
            status: OrderStatus::PendingPayment,
            payment_status: PaymentStatus::Unpaid,
            fulfillment: Fulfillment::Unfulfilled,
            items,
            total,
            currency: total.currency(),
            refunded_total: Money::zero(total.currency()),
            payments: vec![Payment::begun(payment, provider, total, now)],
            refunds: Vec::new(),
            reserved_until: Some(reserved_until),
            tracking_number: None,
            history: vec![OrderEvent { event: EventName::Placed, at: now, note: None }],
            disputed: false,
            customer,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Decides on a cart whose products are locked. `accepts` says whether the provider takes a total; nothing, when there is
/// no such provider.
pub(super) fn draft(
    lines: &[PricedLine],
    request: &CheckoutRequest,
    provider: ProviderName,
    accepts: impl FnOnce(Money) -> Option<Result<(), NotAccepted>>,
) -> Result<Draft, CheckoutError> {
    if lines.is_empty() {
        return Err(CheckoutError::CartEmpty);
    }
    let gone: Vec<_> = lines.iter().filter(|line| !line.is_available).map(|line| line.product).collect();
    if !gone.is_empty() {
        return Err(CheckoutError::ProductUnavailable(gone));
    }
    let short: Vec<_> = lines.iter().filter_map(PricedLine::shortage).collect();
    if !short.is_empty() {
        return Err(CheckoutError::InsufficientStock(short));
    }
    let Some(currency) = lines.first().map(|line| line.unit_price.currency()) else { return Err(CheckoutError::CartEmpty) };
    if lines.iter().any(|line| line.unit_price.currency() != currency) {
        return Err(CheckoutError::MixedCurrencies);
    }
    let total = price(lines, currency).ok().and_then(|cart| cart.total);
    let total = total.ok_or_else(|| InvalidField::new("body", "asks for a cart that comes to more money than can be counted"))?;
    if let Some(expected) = request.expected_total {
        let expected = Money::from_decimal(expected, currency);
        let expected = expected.map_err(|error| InvalidField { field: "expected_total", reason: error.into() })?;
        if expected != total {
            return Err(CheckoutError::TotalChanged(total));
        }
    }
    let too_large = |_| InvalidField::new("quantity", "asks for a line that comes to more money than can be counted");
    let mut items = lines.iter().map(item).collect::<Result<Vec<_>, _>>().map_err(too_large)?;
    items.sort_by_key(|item| item.product_id);
    match accepts(total) {
        Some(Ok(())) => Ok(Draft { total, provider, items }),
        Some(Err(NotAccepted::Currency)) => Err(CheckoutError::CurrencyNotAccepted(provider)),
        Some(Err(NotAccepted::Amount)) => Err(CheckoutError::AmountNotAccepted(provider)),
        None => Err(InvalidField::new("provider", "is none that this shop has").into()),
    }
}

fn item(line: &PricedLine) -> Result<OrderItem, MoneyError> {
    let PricedLine { product, ref name, unit_price, quantity, .. } = *line;
    Ok(OrderItem { product_id: product, name: name.clone(), unit_price, quantity, line_total: line.total()? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ProductId, Quantity};

    fn line(product: i64, price: i64, quantity: i64, in_stock: i64) -> PricedLine {
        PricedLine {
            product: ProductId::new(product).unwrap(),
            name: format!("product {product}"),
            unit_price: Money::new(price, "USD".parse().unwrap()).unwrap(),
            quantity: Quantity::new(quantity).unwrap(),
            is_available: true,
            in_stock,
        }
    }

    fn manual(lines: &[PricedLine]) -> Result<Draft, CheckoutError> {
        draft(lines, &CheckoutRequest::default(), ProviderName::Manual, |_| Some(Ok(())))
    }

    proptest! {
        #[test]
        fn never_more_than_there_is_and_the_total_is_the_sum(
            cart in prop::collection::vec((0..100_000_i64, 1..20_i64, 0..20_i64), 1..6)
        ) {
            let lines: Vec<_> = cart.iter().zip(1..).map(|(&(price, wanted, there), id)| line(id, price, wanted, there)).collect();
            let sum: i64 = cart.iter().map(|(price, wanted, _)| price * wanted).sum();
            match manual(&lines) {
                Ok(draft) => {
                    prop_assert!(cart.iter().all(|(_, wanted, there)| wanted <= there));
                    prop_assert_eq!(draft.total.minor(), sum);
                }
                Err(CheckoutError::InsufficientStock(short)) => {
                    prop_assert_eq!(short.len(), cart.iter().filter(|(_, wanted, there)| wanted > there).count());
                }
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }

    #[test]
    fn a_total_above_every_bound_is_refused_not_wrapped() {
        let lines: Vec<_> = (1..=100).map(|id| line(id, Money::MAX_MINOR, 1_000_000, 1_000_000)).collect();
        assert!(matches!(manual(&lines), Err(CheckoutError::Invalid(_))));
    }

    #[test]
    fn the_expected_total_is_compared_as_a_number() {
        let lines = [line(1, 1250, 2, 9)];
        let expecting = |text: &str| CheckoutRequest { expected_total: crate::parse_decimal(text).ok(), ..Default::default() };
        assert!(draft(&lines, &expecting("25"), ProviderName::Manual, |_| Some(Ok(()))).is_ok());
        assert!(draft(&lines, &expecting("25.0"), ProviderName::Manual, |_| Some(Ok(()))).is_ok());
        let manual = |text: &str| draft(&lines, &expecting(text), ProviderName::Manual, |_| Some(Ok(())));
        assert!(matches!(manual("24.99"), Err(CheckoutError::TotalChanged(_))));
        assert!(matches!(manual("25.001"), Err(CheckoutError::Invalid(_))));
    }
}
