//! What a power cut leaves: the log ends somewhere, and behind that is nothing that was ever written.

use std::fs;

use serde_json::{Value, json};

use crate::program::{Place, Server, login};

#[test]
fn a_log_that_is_torn_holds_every_order_before_the_tear() {
    let place = Place::sqlite();
    let server = Server::start(&place, &["--demo"]);
    let customer = login(&server, "customer");
    let log = || fs::metadata(place.file("shop.db-wal")).unwrap().len();
    // How long the log was when each order was answered.
    let mut lengths = vec![log()];
    for _ in 0..20 {
        assert_eq!(server.post("/create-cart/", Some(&customer), &json!({ "product": 1, "quantity": 1 })).0, 200);
        let (status, order) = server.post("/checkout/", Some(&customer), &json!({}));
        assert_eq!((status, order["id"].as_u64()), (201, Some(lengths.len() as u64)), "{order}");
        lengths.push(log());
    }
    server.kill();
    drop(server);
    assert!(lengths.is_sorted_by(|one, next| one < next), "the log was begun anew: {lengths:?}");

    let bytes = fs::read(place.file("shop.db-wal")).unwrap();
    let first = usize::try_from(lengths[0]).unwrap();
    for tear in 0..12 {
        // Anywhere, never twice at the same distance from a page's end.
        let end = first + (bytes.len() - first) * tear / 11 - tear * 97 % 1000;
        let torn = [&bytes[..end], &[0xA5; 5000]].concat();
        let copy = Place::sqlite();
        fs::copy(place.file("shop.db"), copy.file("shop.db")).unwrap();
        copy.write("shop.db-wal", torn);
        copy.ok(&["doctor"]);
        let orders = copy.json(&["order", "list"]);
        let mut ids: Vec<_> = orders.as_array().unwrap().iter().map(|order| order["id"].as_u64().unwrap()).collect();
        ids.sort_unstable();
        assert!(ids.iter().copied().eq(1..=ids.len() as u64), "{ids:?}");
        let promised = lengths.iter().skip(1).filter(|length| **length <= end as u64).count();
        assert!(ids.len() >= promised, "{promised} orders were answered before byte {end}, and {} are there", ids.len());
        assert!(orders.as_array().unwrap().iter().all(|order| order["items"] != Value::Array(Vec::new())), "{orders}");
    }
}
