//! What the calls of the library take, without HTTP: the pure ones, and the store on a SQLite file that is synced at every commit.
//!
//! `cargo bench -p ecommerce-benches --bench inside`, with a part of a name behind `--` for fewer. Criterion says how sure each
//! figure is, and how it has changed since the last run. What a call costs beside the least that is possible, and among many
//! others, says `--bench speed`.

mod shop;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ecommerce_core::{Currency, FacetName, Look, Money, PageRequest, ProductFilter};
use shop::Shop;
use tokio::runtime::Runtime;

const PRODUCTS: [i64; 2] = [1_000, 100_000];

criterion_group!(benches, money, store);
criterion_main!(benches);

fn money(criterion: &mut Criterion) {
    let dollar: Currency = "USD".parse().expect("it is a currency");
    let price = Money::new(1_250, dollar).expect("it is not much");
    let mut group = criterion.benchmark_group("money");
    group.bench_function("parse", |bench| bench.iter(|| Money::parse(black_box("1234.50"), dollar)));
    group.bench_function("print", |bench| bench.iter(|| black_box(price).to_string()));
    group.bench_function("times_and_plus", |bench| bench.iter(|| black_box(price).times(3)?.plus(price)));
    group.finish();
}

fn store(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("there are threads");
    for products in PRODUCTS {
        let shop = runtime.block_on(Shop::open(products)).expect("a shop");
        reads(criterion, &runtime, &shop);
        deeds(criterion, &runtime, &shop);
        runtime.block_on(shop.close());
    }
}

fn reads(criterion: &mut Criterion, runtime: &Runtime, shop: &Shop) {
    let mut group = criterion.benchmark_group("reads");
    let store = &shop.store;
    let rare = ProductFilter { search: Some("rare".to_owned()), ..ProductFilter::default() };
    let facets: Vec<FacetName> = ["price", "category"].iter().flat_map(|name| name.parse()).collect();
    let size = shop.products;
    group.bench_function(BenchmarkId::new("product", size), |bench| {
        bench.to_async(runtime).iter(|| store.product(shop.any_product(), None));
    });
    group.bench_function(BenchmarkId::new("page_of_20", size), |bench| {
        let (filter, page) = (ProductFilter::default(), PageRequest::default());
        bench.to_async(runtime).iter(|| store.product_list(&filter, page, None));
    });
    group.bench_function(BenchmarkId::new("search", size), |bench| {
        bench.to_async(runtime).iter(|| store.product_list(&rare, PageRequest::default(), None));
    });
    group.bench_function(BenchmarkId::new("search_with_facets", size), |bench| {
        let look = Look { facets: &facets, ..Look::default() };
        bench.to_async(runtime).iter(|| store.product_search(&rare, &look, None));
    });
    group.bench_function(BenchmarkId::new("authenticate", size), |bench| {
        bench.to_async(runtime).iter(|| store.authenticate(&shop.token));
    });
    group.finish();
}

fn deeds(criterion: &mut Criterion, runtime: &Runtime, shop: &Shop) {
    let mut group = criterion.benchmark_group("deeds");
    group.sample_size(30);
    let size = shop.products;
    group.bench_function(BenchmarkId::new("log_in", size), |bench| {
        bench.to_async(runtime).iter(|| shop.log_in());
    });
    group.bench_function(BenchmarkId::new("cart_add", size), |bench| {
        bench.to_async(runtime).iter(|| shop.add_to_cart());
    });
    // Of what has to happen before, nothing is counted.
    group.bench_function(BenchmarkId::new("checkout", size), |bench| {
        bench.to_async(runtime).iter_custom(async |times| {
            let mut took = Duration::ZERO;
            for _ in 0..times {
                shop.add_to_cart().await;
                let start = Instant::now();
                shop.check_out().await;
                took += start.elapsed();
            }
            took
        });
    });
    group.bench_function(BenchmarkId::new("webhook", size), |bench| {
        bench.to_async(runtime).iter_custom(async |times| {
            let mut took = Duration::ZERO;
            for _ in 0..times {
                shop.add_to_cart().await;
                let placed = shop.check_out().await;
                let start = Instant::now();
                shop.pay(&placed).await;
                took += start.elapsed();
            }
            took
        });
    });
    group.finish();
}
