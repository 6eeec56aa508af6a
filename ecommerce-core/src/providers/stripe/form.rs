//! The forms that Stripe is sent: nested keys in brackets (docs.stripe.com/api/checkout/sessions/create).

use std::time::Duration;

use form_urlencoded::Serializer;

use super::amounts::units;
use crate::{Attempt, AttemptLine, Money, RefundOrder, ReturnUrls};

/// The shortest that Stripe lets a session live, and a margin for the way and for clocks that differ.
const SHORTEST: Duration = Duration::from_secs(30 * 60 + 30);
/// What is begun again within so long is the same form, which Stripe knows by its key.
const WINDOW: Duration = Duration::from_secs(60);
/// The longest, less the same margin.
const LONGEST: Duration = Duration::from_secs(24 * 3600 - 60);
/// A session ends so long before its units are freed.
const MARGIN: Duration = Duration::from_secs(60);

/// A page of Stripe's to pay on. `None` where an amount cannot be written in Stripe's units.
pub(super) fn session(attempt: &Attempt, returns: &ReturnUrls) -> Option<String> {
    let (order, payment) = (attempt.order.to_string(), attempt.payment.to_string());
    let mut form = Serializer::new(String::new());
    form.append_pair("mode", "payment");
    form.append_pair("client_reference_id", &order);
    form.append_pair("customer_email", attempt.email.as_str());
    form.append_pair("success_url", &returns.success(attempt.order));
    form.append_pair("cancel_url", &returns.cancel(attempt.order));
    form.append_pair("expires_at", &expires_at(attempt).to_string());
    // Otherwise the customer might pay in another currency, and the order would not be paid.
    form.append_pair("adaptive_pricing[enabled]", "false");
    // Stripe copies neither of these to the other.
    for metadata in ["metadata", "payment_intent_data[metadata]"] {
        form.append_pair(&format!("{metadata}[order_id]"), &order);
        form.append_pair(&format!("{metadata}[payment_id]"), &payment);
    }
    for (number, line) in lines(attempt)?.into_iter().enumerate() {
        let mut field = |name: &str, value: &str| {
            form.append_pair(&format!("line_items[{number}]{name}"), value);
        };
        field("[quantity]", &line.quantity.to_string());
        field("[price_data][currency]", &currency(attempt.amount));
        field("[price_data][unit_amount]", &line.unit_amount.to_string());
        field("[price_data][product_data][name]", &line.name);
    }
    Some(form.finish())
}

/// A payment in the shop's own page.
pub(super) fn intent(attempt: &Attempt) -> Option<String> {
    let mut form = Serializer::new(String::new());
    form.append_pair("amount", &units(attempt.amount)?.to_string());
    form.append_pair("currency", &currency(attempt.amount));
    form.append_pair("automatic_payment_methods[enabled]", "true");
    form.append_pair("metadata[order_id]", &attempt.order.to_string());
    form.append_pair("metadata[payment_id]", &attempt.payment.to_string());
    Some(form.finish())
}

/// Money that goes back.
pub(super) fn refund(order: &RefundOrder) -> Option<String> {
    let mut form = Serializer::new(String::new());
    match order.payment.reference("pi_") {
        Some(intent) => form.append_pair("payment_intent", intent),
        None => form.append_pair("charge", order.payment.reference("ch_")?),
    };
    form.append_pair("amount", &units(order.amount)?.to_string());
    form.append_pair("metadata[refund_id]", &order.refund.to_string());
    Some(form.finish())
}

struct Line {
    name: String,
    unit_amount: i64,
    quantity: u32,
}

/// The lines, or one for all of them where Stripe cannot write what a single piece costs.
fn lines(attempt: &Attempt) -> Option<Vec<Line>> {
    let line = |line: &AttemptLine| {
        Some(Line { name: line.name.clone(), unit_amount: units(line.unit_price)?, quantity: line.quantity.get() })
    };
    attempt.lines.iter().map(line).collect::<Option<Vec<_>>>().or_else(|| {
        let name = format!("Order {}", attempt.order);
        Some(vec![Line { name, unit_amount: units(attempt.amount)?, quantity: 1 }])
    })
}

fn currency(amount: Money) -> String {
    amount.currency().as_str().to_lowercase()
}

/// A session ends before the reservation where Stripe allows that. One that is begun late ends later, too: then it is
/// another form, and if Stripe had heard the first one after all, it says so.
fn expires_at(attempt: &Attempt) -> i64 {
    let wanted = attempt.reserved_until.since(attempt.created_at).saturating_sub(MARGIN);
    let windows = u32::try_from(attempt.age.as_secs() / WINDOW.as_secs()).unwrap_or(u32::MAX);
    let late = WINDOW.saturating_mul(windows);
    attempt.created_at.after(wanted.clamp(late + SHORTEST + WINDOW, late + LONGEST)).as_seconds()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KnownAttempt, OrderId, PaymentId, ProviderName, Quantity, RefundId, Timestamp};

    fn money(text: &str, currency: &str) -> Money {
        Money::parse(text, currency.parse().unwrap()).unwrap()
    }

    fn attempt(unit_price: Money, amount: Money) -> Attempt {
        Attempt {
            payment: PaymentId::new(7).unwrap(),
            order: OrderId::new(42).unwrap(),
            provider: ProviderName::Stripe,
            nonce: "00ff".to_owned(),
            amount,
            lines: vec![AttemptLine { name: "Mug & spoon".to_owned(), unit_price, quantity: Quantity::new(2).unwrap() }],
            email: "ann@example.com".parse().unwrap(),
            created_at: Timestamp::from_micros(1_000_000_000_000),
            reserved_until: Timestamp::from_micros(1_000_000_000_000).after(Duration::from_secs(35 * 60)),
            age: Duration::ZERO,
        }
    }

    fn fields(form: &str) -> Vec<(String, String)> {
        form_urlencoded::parse(form.as_bytes()).into_owned().collect()
    }

    fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_session_has_these_fields_and_no_others() {
        let returns = ReturnUrls::new("https://shop.example/thanks?order={order_id}", "https://shop.example/cart").unwrap();
        let form = session(&attempt(money("10.50", "USD"), money("21.00", "USD")), &returns).unwrap();
        let wanted = [
            ("mode", "payment"),
            ("client_reference_id", "42"),
            ("customer_email", "ann@example.com"),
            ("success_url", "https://shop.example/thanks?order=42"),
            ("cancel_url", "https://shop.example/cart"),
            ("expires_at", "1002040"),
            ("adaptive_pricing[enabled]", "false"),
            ("metadata[order_id]", "42"),
            ("metadata[payment_id]", "7"),
            ("payment_intent_data[metadata][order_id]", "42"),
            ("payment_intent_data[metadata][payment_id]", "7"),
            ("line_items[0][quantity]", "2"),
            ("line_items[0][price_data][currency]", "usd"),
            ("line_items[0][price_data][unit_amount]", "1050"),
            ("line_items[0][price_data][product_data][name]", "Mug & spoon"),
        ];
        assert_eq!(fields(&form), pairs(&wanted));
    }

    #[test]
    fn a_refund_and_an_intent_have_these_fields_and_no_others() {
        let payment = KnownAttempt {
            payment: PaymentId::new(7).unwrap(),
            order: OrderId::new(42).unwrap(),
            references: vec!["cs_1".to_owned(), "pi_1".to_owned()],
        };
        let order = RefundOrder {
            refund: RefundId::new(9).unwrap(),
            payment,
            amount: money("5.00", "USD"),
            ordered_at: Timestamp::from_micros(0),
            sent_before: None,
        };
        let wanted = [("payment_intent", "pi_1"), ("amount", "500"), ("metadata[refund_id]", "9")];
        assert_eq!(fields(&refund(&order).unwrap()), pairs(&wanted));
        let wanted = [
            ("amount", "2100"),
            ("currency", "usd"),
            ("automatic_payment_methods[enabled]", "true"),
            ("metadata[order_id]", "42"),
            ("metadata[payment_id]", "7"),
        ];
        let form = intent(&attempt(money("10.50", "USD"), money("21.00", "USD"))).unwrap();
        assert_eq!(fields(&form), pairs(&wanted));
    }

    #[test]
    fn a_piece_that_stripe_cannot_price_is_sold_as_a_part_of_the_order() {
        let attempt = attempt(money("1.255", "KWD"), money("2.510", "KWD"));
        let returns = ReturnUrls::new("https://shop.example", "https://shop.example").unwrap();
        let form = fields(&session(&attempt, &returns).unwrap());
        let line: Vec<_> =
            form.iter().filter(|(key, _)| key.starts_with("line_items")).map(|(_, value)| value.as_str()).collect();
        assert_eq!(line, ["1", "kwd", "2510", "Order 42"]);
    }

    #[test]
    fn a_session_ends_before_its_reservation_where_stripe_allows() {
        let ends = |minutes: u64, age: u64| {
            let attempt = attempt(money("1", "USD"), money("2", "USD"));
            let reserved_until = attempt.created_at.after(Duration::from_secs(minutes * 60));
            let age = Duration::from_secs(age);
            expires_at(&Attempt { reserved_until, age, ..attempt.clone() }) - attempt.created_at.as_seconds()
        };
        let seconds = |minutes: i64| minutes * 60;
        assert_eq!([ends(35, 0), ends(60, 0), ends(72 * 60, 0)], [seconds(34), seconds(59), seconds(24 * 60 - 1)]);
        assert_eq!(ends(1, 0), seconds(31) + 30, "not before Stripe allows");
        assert_eq!([ends(35, 100), ends(35, 149)], [ends(35, 0); 2], "begun again soon, it is the same form");
        for age in [0, 149, 150, 290, 410, 3600, 80_000] {
            let from_now = ends(35, age) - i64::try_from(age).unwrap();
            assert!((seconds(30) + 30..=seconds(24 * 60)).contains(&from_now), "{from_now} s are left after {age} s");
        }
    }
}
