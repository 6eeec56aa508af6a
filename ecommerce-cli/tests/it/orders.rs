use ecommerce_core::{CartLine, CheckoutRequest, OrderId, ProductId, Quantity, Registration, Store};
use serde_json::{Value, json};

use crate::program::{Place, on_both};

/// Ann buys two mugs at 12.50, to be paid by bank transfer.
fn buy(place: &Place, email: &str) -> OrderId {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::builder().background(false).open(&place.url).await.unwrap();
        let registration = Registration { email: email.parse().unwrap(), password: "correct horse".parse().unwrap(), name: None };
        let user = store.register(registration).await.unwrap().user;
        let customer = store.system().customer(user.id);
        let line = CartLine { product: ProductId::new(1).unwrap(), quantity: Quantity::new(2).unwrap() };
        store.cart_add(&customer, &[line]).await.unwrap();
        let order = store.checkout(&customer, &CheckoutRequest::default()).await.unwrap().order.id;
        store.close().await;
        order
    })
}

fn open_shop(place: &Place) {
    place.ok(&["product", "create", "--name", "Ceramic mug", "--price", "12.50", "--stock", "5"]);
}

#[test]
fn an_order_is_paid_shipped_and_paid_back() {
    on_both("order", |place| {
        open_shop(place);
        let id = buy(place, "ann@example.com").to_string();
        let list = place.json(&["order", "list"]);
        let [order] = list.as_array().unwrap().as_slice() else { panic!("{list}") };
        assert_eq!(
            (&order["status"], &order["total"], &order["currency"]),
            (&json!("pending_payment"), &json!("25.00"), &json!("USD"))
        );
        assert_eq!(&place.json(&["order", "show", &id]), order);
        assert_eq!(place.json(&["stock", "show", "1"])["reserved"], 2);

        let error = place.fails(&["order", "fulfillment", &id, "--status", "processing"]);
        assert!(error.contains("`ecommerce order show ID`"), "{error}");

        let order = place.json(&["order", "confirm-payment", &id, "--reference", "Transfer 4711"]);
        assert_eq!((&order["status"], &order["payments"][0]["reference"]), (&json!("paid"), &json!("Transfer 4711")));
        assert_eq!(place.json(&["stock", "show", "1"])["stock"], 3);
        place.ok(&["order", "fulfillment", &id, "--status", "processing"]);
        let words = ["order", "fulfillment", &id, "--status", "shipped", "--tracking-number", "1Z99", "--note", "by bike"];
        assert_eq!(place.json(&words)["tracking_number"], "1Z99");

        let order = place.json(&["order", "refund", &id, "--amount", "5", "--reason", "scratched"]);
        assert_eq!((&order["refunds"][0]["amount"], &order["refunds"][0]["status"]), (&json!("5.00"), &json!("queued")));
        let error = place.fails(&["order", "refund", &id, "--amount", "20.01"]);
        assert!(error.contains("--amount "), "{error}");
        let refunds = place.json(&["payment", "refunds"]);
        assert_eq!((refunds.as_array().unwrap().len(), &refunds[0]["reason"]), (1, &json!("requested")));
        assert_eq!(place.json(&["payment", "refunds", "--status", "succeeded"]), json!([]));

        let shown = place.ok(&["order", "show", &id]);
        for part in
            ["ann@example.com", "25.00 USD", "Ceramic mug", "Transfer 4711", "1Z99", "by bike", "refund_queued", "5.00 USD"]
        {
            assert!(shown.contains(part), "no {part} in {shown}");
        }
        assert_eq!(place.ok(&["payment", "events"]), "No events.\n");
        place.ok(&["doctor"]);
    });
}

#[test]
fn an_order_is_cancelled_once() {
    on_both("cancel", |place| {
        open_shop(place);
        let id = buy(place, "ann@example.com").to_string();
        let other = buy(place, "bob@example.com").to_string();
        assert_eq!(place.json(&["order", "cancel", &id])["status"], "cancelled");
        place.fails(&["order", "cancel", &id]);
        place.fails(&["order", "confirm-payment", &id]);
        let error = place.fails(&["order", "cancel", "99"]);
        assert!(error.contains("there is no order 99; `ecommerce order list`"), "{error}");

        let ids = |words: &[&str]| -> Vec<Value> {
            place.json(words).as_array().unwrap().iter().map(|order| order["id"].clone()).collect()
        };
        assert_eq!(ids(&["order", "list", "--status", "cancelled"]), [json!(id.parse::<i64>().unwrap())]);
        assert_eq!(ids(&["order", "list", "--user", "2"]), [json!(other.parse::<i64>().unwrap())]);
        assert!(place.ok(&["order", "list"]).contains("cancelled"));
    });
}
