//! The shop inside a warp application of your own: `cargo run --example embed_in_warp`, then open <http://127.0.0.1:3030/>.

use ecommerce_core::{Money, NewProduct, PageRequest, ProductFilter, Store};
use warp::{Filter, http::StatusCode, reply::Reply};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Store::open("sqlite::memory:").await?;
    let mug = NewProduct::new("Ceramic mug".parse()?, Money::parse("12.50", store.currency())?, 10);
    store.product_create(store.system().admin(), mug).await?;

    // A page of your own, straight from the store.
    let shelf = store.clone();
    let home = warp::path::end().then(move || {
        let store = shelf.clone();
        async move {
            match store.product_list(&ProductFilter::default(), PageRequest::default(), None).await {
                Ok(page) => {
                    let lines: Vec<_> = page
                        .results
                        .iter()
                        .map(|product| format!("{}: {} {}", product.name, product.price, product.currency))
                        .collect();
                    lines.join("\n").into_response()
                }
                Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            }
        }
    });

    // The shop's own paths beside it: what is none of them is rejected, so that filters of yours may follow.
    let shop = ecommerce_warp::routes(store, ecommerce_warp::Config::default());
    let lost = warp::any().map(|| warp::reply::with_status("nothing here", StatusCode::NOT_FOUND).into_response());
    let app = home.or(shop).unify().or(lost).unify();

    println!("http://127.0.0.1:3030/ and http://127.0.0.1:3030/docs/");
    warp::serve(app).run(([127, 0, 0, 1], 3030)).await;
    Ok(())
}
