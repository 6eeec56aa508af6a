//! How a key is shown.

use crate::support::Shop;

#[tokio::test]
async fn a_key_is_a_key_in_both_spellings_and_only_alone() {
    let shop = Shop::open().await;
    let ann = shop.customer().await;
    for good in [format!("Token {ann}"), format!("Bearer {ann}"), format!("bearer {ann}"), format!("TOKEN {ann}")] {
        shop.get("/me/").header("authorization", &good).send().await.is(200);
    }
    let (short, longer) = (&ann[1..], format!("{ann}0"));
    for bad in [
        "",
        "Token",
        "Token ",
        &ann,
        &format!("Basic {ann}"),
        &format!("Token {short}"),
        &format!("Token {longer}"),
        &format!("Token {}", ann.to_uppercase()),
    ] {
        shop.get("/me/").header("authorization", bad).send().await.refused(401, "unauthenticated");
        // What is open to strangers is not open to a key that is none: whoever sends one shall hear that it is dead.
        shop.get("/product/").header("authorization", bad).send().await.refused(401, "unauthenticated");
    }
}
