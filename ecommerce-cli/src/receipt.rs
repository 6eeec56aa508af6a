//! An order on one page, for people.

use ecommerce_core::{Order, OrderEvent, OrderItem, Payment, Refund};

use crate::print::{Record, date, date_utc, details, money, table};

/// The order with its items, payments, refunds and history.
pub(crate) fn text(order: &Order) -> String {
    let mut text = heading(order);
    text.push_str(&section("Items", &order.items));
    text.push_str(&section("Payments", &order.payments));
    text.push_str(&section("Refunds", &order.refunds));
    text.push_str(&section("History", &order.history));
    text
}

fn heading(order: &Order) -> String {
    let refunded = if order.refunded_total.is_zero() { String::new() } else { money(order.refunded_total, order.currency) };
    details(&[
        ("Order", order.id.to_string()),
        ("Customer", order.customer.email.to_string()),
        ("Placed", date(order.created_at)),
        ("Status", order.status.to_string()),
        ("Payment", order.payment_status.to_string()),
        ("Fulfillment", order.fulfillment.to_string()),
        ("Tracking", order.tracking_number.clone().unwrap_or_default()),
        ("Reserved", order.reserved_until.map(|until| format!("until {}", date(until))).unwrap_or_default()),
        ("Dispute", if order.disputed { "open".to_owned() } else { String::new() }),
        ("Total", money(order.total, order.currency)),
        ("Refunded", refunded),
    ])
}

/// A table under its title; nothing where there are no rows.
fn section<T: Record>(title: &str, records: &[T]) -> String {
    if records.is_empty() { String::new() } else { format!("\n{title}\n{}\n", table(records)) }
}

impl Record for OrderItem {
    const NAME: &'static str = "items";
    const COLUMNS: &'static [&'static str] = &["Product", "Name", "Quantity", "Price", "Total"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.product_id.to_string(),
            self.name.clone(),
            self.quantity.get().to_string(),
            money(self.unit_price, self.unit_price.currency()),
            money(self.line_total, self.line_total.currency()),
        ]
    }
}

impl Record for Payment {
    const NAME: &'static str = "payments";
    const COLUMNS: &'static [&'static str] = &["ID", "Provider", "Status", "Outcome", "Amount", "Paid", "Paid back", "Reference"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.provider.to_string(),
            self.status.to_string(),
            self.outcome.map(|outcome| outcome.to_string()).unwrap_or_default(),
            money(self.amount, self.currency),
            self.captured.map(|captured| money(captured, captured.currency())).unwrap_or_default(),
            money(self.refunded, self.refunded.currency()),
            self.reference.clone().unwrap_or_default(),
        ]
    }
}

impl Record for Refund {
    const NAME: &'static str = "refunds";
    const COLUMNS: &'static [&'static str] = &["ID", "Payment", "Amount", "Reason", "Status", "Since (UTC)"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.payment_id.to_string(),
            money(self.amount, self.currency),
            self.reason.to_string(),
            self.status.to_string(),
            date_utc(self.created_at),
        ]
    }
}

impl Record for OrderEvent {
    const NAME: &'static str = "events";
    const COLUMNS: &'static [&'static str] = &["When (UTC)", "What", "Note"];

    fn cells(&self) -> Vec<String> {
        vec![date_utc(self.at), self.event.to_string(), self.note.clone().unwrap_or_default()]
    }
}
