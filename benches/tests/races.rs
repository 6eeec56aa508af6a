//! Two server processes on one PostgreSQL with its default isolation, each 100 ms away from it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{path::Path, time::Duration};

use ecommerce_benches::place::{POSTGRES, Place, answers};
use ecommerce_core::conformance::{Attack, run};

/// A few that are over after some hundred round trips; the bench `races` makes them all.
const ATTACKS: &[Attack] = &[Attack::DoubleCheckout, Attack::CancelledWhilePaid, Attack::ExpiredWhilePaid];

#[tokio::test(flavor = "multi_thread")]
async fn servers_far_from_their_database_sell_each_unit_once() {
    let server = std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| POSTGRES.to_owned());
    if let Err(error) = answers(&server).await {
        assert!(std::env::var_os("CI").is_none(), "no PostgreSQL answers at {server}: {error}");
        eprintln!("SKIPPED: no PostgreSQL server answers at {server}");
        return;
    }
    let program = Path::new(env!("CARGO_BIN_EXE_serve"));
    let far = Place::postgres(program, &server, Some(Duration::from_millis(100))).await.unwrap();
    let mut attacks = tokio::task::JoinSet::new();
    for &attack in ATTACKS {
        let frontends = far.frontends.clone();
        attacks.spawn(async move { run(attack, &frontends, 1).await });
    }
    let reports = attacks.join_all().await;
    far.remove().await.unwrap();
    for report in reports {
        assert!(report.holds() && report.tries == 1 && report.sold == report.to_sell, "{report}");
    }
}
