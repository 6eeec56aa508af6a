//! The simulated shop, for a little while: fixed seeds, and one that is new every time.

use std::hash::{BuildHasher, Hasher};

use ecommerce_core::conformance::simulation::{Failure, Simulation, Trace};

use crate::{
    database::{Database, Engine},
    shop::runtime,
};

/// A run at a database of its own; nothing where there is none.
fn run(engine: Engine, seed: u64, steps: usize) -> Option<Result<Trace, Failure>> {
    runtime().block_on(async {
        let database = Database::create(engine).await?;
        let lived = Simulation::new(seed).steps(steps).run(async |builder| builder.open(&database.url).await).await;
        database.remove().await;
        Some(lived)
    })
}

fn live(engine: Engine, seeds: &[u64], steps: usize) {
    for seed in seeds {
        match run(engine, *seed, steps) {
            Some(Ok(trace)) => assert!(trace.deeds >= steps && trace.orders > 0, "{trace}"),
            Some(Err(failure)) => panic!("{failure}"),
            None => return,
        }
    }
}

/// Another one in every run of the tests.
fn fresh_seed() -> u64 {
    std::hash::RandomState::new().build_hasher().finish() % 1_000_000
}

#[test]
fn a_shop_lives_on_sqlite() {
    live(Engine::Sqlite, &[1, 2, 3, 5, fresh_seed()], 400);
}

#[test]
fn a_shop_lives_on_postgres() {
    live(Engine::Postgres, &[7, fresh_seed()], 150);
}

#[test]
fn a_seed_is_one_run_byte_for_byte() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(first) = run(engine, 42, 60) else { return };
        let (first, again) = (first.unwrap(), run(engine, 42, 60).unwrap().unwrap());
        let differs = first.lines.iter().zip(&again.lines).find(|(first, again)| first != again);
        assert_eq!(differs, None, "{engine:?}");
        assert_eq!(first.to_string(), again.to_string(), "{engine:?}");
        assert!(first.crashes > 0 && first.database_faults > 0, "{first}");
    }
}
