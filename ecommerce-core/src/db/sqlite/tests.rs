//! Whatever writers do beside each other, each deed is there as a whole or not at all, and is there where it was answered.

use std::{collections::BTreeSet, future::poll_fn, pin::pin, task::Poll};

use proptest::prelude::*;
use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection};
use tokio::{runtime::Builder, task::JoinSet};

use super::{
    super::{Db, Engine, Sql, Tx},
    programs::Programs,
};
use crate::StoreError;

const MAKE: Sql = sql("create table deeds (deed integer not null, half integer not null, primary key (deed, half)) strict");
const PUT: Sql = sql("insert into deeds (deed, half) values ($1, $2)");
const ALL: Sql = sql("select deed from deeds group by deed having count(*) = 2 order by deed");
const HALVES: Sql = sql("select count(*) from deeds");
const PUT_BOTH: Sql =
    sql("insert into deeds (deed, half) values ($1, 1), ($1, 2); select deed from deeds where deed = $1 and half = 2");
const FAIL_HALFWAY: Sql = sql("insert into deeds (deed, half) values ($1, 1), ($1, null)");
const FAIL: Sql = sql("insert into deeds (deed, half) values (null, null)");
const ROLL_BACK: Sql = sql("rollback");

const fn sql(text: &'static str) -> Sql {
    Sql { name: "a statement of a test", sqlite: text, postgres: "" }
}

/// How a deed ends that has begun.
#[derive(Debug, Clone, Copy)]
enum End {
    Commits,
    /// It decides against it.
    Leaves,
    /// A statement of it fails.
    Fails,
    /// The same, and SQLite rolls all back by itself, as on a full disk.
    LosesAll,
    /// Whoever waits for it goes away after so many looks at how far it has come.
    GoesAway(u32),
}

/// How a deed is written.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Each half by a call of its own.
    InTwoCalls,
    /// The second half goes along with the commit.
    SecondAtLast,
    /// Both go along with the commit, as two statements.
    BothAtLast,
    /// It looks around, and both are one statement that goes along with the commit.
    OneAtLast,
}

impl Way {
    const ALL: [Self; 4] = [Self::InTwoCalls, Self::SecondAtLast, Self::BothAtLast, Self::OneAtLast];
}

/// Writes both halves of a deed, and commits them where it shall.
async fn deed(db: Db, number: i64, way: Way, end: End) -> Result<(), StoreError> {
    let mut tx = db.write().await?;
    match way {
        Way::InTwoCalls | Way::SecondAtLast => put(&mut tx, number, 1).await?,
        Way::BothAtLast => tx.later(PUT, &(number, 1_i64)).await?,
        Way::OneAtLast => drop(tx.scalar::<i64>(HALVES, &()).await?),
    }
    match (end, way) {
        (End::Leaves, _) => Err(StoreError::other("it decided against it")),
        (End::LosesAll, _) => {
            tx.execute(ROLL_BACK, &()).await?;
            tx.execute(FAIL, &()).await.map(drop)
        }
        (End::Fails, Way::InTwoCalls) => tx.execute(FAIL, &()).await.map(drop),
        (End::Fails, Way::OneAtLast) => {
            tx.later(FAIL_HALFWAY, &(number,)).await?;
            tx.commit().await
        }
        (End::Fails, _) => {
            tx.later(FAIL, &()).await?;
            tx.commit().await
        }
        (End::Commits | End::GoesAway(_), Way::InTwoCalls) => {
            put(&mut tx, number, 2).await?;
            tx.commit().await
        }
        (End::Commits | End::GoesAway(_), Way::OneAtLast) => {
            let made = tx.write::<(i64,)>(PUT_BOTH, &(number,)).await?;
            assert_eq!(made, Some((number,)), "the rows of another");
            Ok(())
        }
        (End::Commits | End::GoesAway(_), _) => {
            tx.later(PUT, &(number, 2_i64)).await?;
            tx.commit().await
        }
    }
}

async fn put(tx: &mut Tx, number: i64, half: i64) -> Result<(), StoreError> {
    tx.execute(PUT, &(number, half)).await.map(drop)
}

async fn open() -> (tempfile::TempDir, Db) {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&format!("sqlite:{}", folder.path().join("deeds.db").display())).await.unwrap();
    let mut tx = db.write().await.unwrap();
    tx.execute(MAKE, &()).await.unwrap();
    tx.commit().await.unwrap();
    (folder, db)
}

/// What came of it, unless it is dropped before, after so many looks at how far it has come.
async fn looked_at<T>(made: impl Future<Output = T>, times: u32) -> Option<T> {
    let (mut made, mut left) = (pin!(made), times);
    poll_fn(|context| match made.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => {
            left -= 1;
            if left == 0 { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}

/// So many wait for their turn.
async fn all_wait(db: &Db, count: usize) {
    let Engine::Sqlite { writer, .. } = &db.engine else { panic!("another engine") };
    while writer.waiting() < count {
        tokio::task::yield_now().await;
    }
}

/// The deeds that are there. None is there by half.
async fn done(db: &Db) -> BTreeSet<i64> {
    let mut tx = db.snapshot().await.unwrap();
    let deeds: BTreeSet<i64> = tx.all::<(i64,)>(ALL, &()).await.unwrap().into_iter().map(|(deed,)| deed).collect();
    assert_eq!(tx.scalar::<i64>(HALVES, &()).await.unwrap(), 2 * i64::try_from(deeds.len()).unwrap(), "a deed is there by half");
    deeds
}

fn ends() -> impl Strategy<Value = Vec<(Way, End)>> {
    let end = prop_oneof![
        5 => Just(End::Commits),
        2 => Just(End::Leaves),
        2 => Just(End::Fails),
        2 => Just(End::LosesAll),
        6 => (1..12_u32).prop_map(End::GoesAway),
    ];
    prop::collection::vec((prop::sample::select(Way::ALL.to_vec()), end), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_deed_is_there_where_it_was_answered_and_nowhere_by_half(ends in ends(), threads in 1..3_usize) {
        let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
        runtime.block_on(async {
            let (_folder, db) = open().await;
            // The second time, several statements are one.
            for number in [1_000, 1_001] {
                deed(db.clone(), number, Way::BothAtLast, End::Commits).await.unwrap();
            }
            let mut deeds = JoinSet::new();
            for (number, (way, end)) in (1..).zip(ends.clone()) {
                let made = deed(db.clone(), number, way, end);
                deeds.spawn(async move {
                    (number, match end {
                        End::GoesAway(after) => looked_at(made, after).await,
                        _ => Some(made.await),
                    })
                });
            }
            let outcomes = deeds.join_all().await;
            let there = done(&db).await;
            for (number, outcome) in outcomes {
                match outcome {
                    Some(Ok(())) => assert!(there.contains(&number), "{number} was answered"),
                    Some(Err(_)) => assert!(!there.contains(&number), "{number} failed"),
                    None => {}
                }
            }
            // Nothing is open: another process could write.
            db.close().await;
        });
    }
}

#[tokio::test]
async fn those_who_wait_share_a_commit_and_nobody_is_answered_before_it() {
    let (_folder, db) = open().await;
    let mut first = db.write().await.unwrap();
    put(&mut first, 1, 1).await.unwrap();
    put(&mut first, 1, 2).await.unwrap();
    let others = (2..=10).map(|number| tokio::spawn(deed(db.clone(), number, Way::InTwoCalls, End::Commits))).collect::<Vec<_>>();
    let last = tokio::spawn({
        let db = db.clone();
        async move {
            let mut tx = db.write().await.unwrap();
            put(&mut tx, 11, 1).await.unwrap();
            // Its turn comes before the commit, and while it lasts nobody is answered.
            assert_eq!(done(&db).await, BTreeSet::new());
            put(&mut tx, 11, 2).await.unwrap();
            tx.commit().await.unwrap();
        }
    });
    all_wait(&db, 10).await;
    first.commit().await.unwrap();
    assert_eq!(done(&db).await, (1..=11).collect(), "one commit for all who waited");
    for other in others {
        other.await.unwrap().unwrap();
    }
    last.await.unwrap();
}

#[tokio::test]
async fn who_writes_very_much_comes_into_no_commit_of_others() {
    let (_folder, db) = open().await;
    let mut first = db.write().await.unwrap();
    put(&mut first, 1, 1).await.unwrap();
    put(&mut first, 1, 2).await.unwrap();
    let much = tokio::spawn({
        let db = db.clone();
        async move {
            let mut tx = db.write_much().await.unwrap();
            put(&mut tx, 2, 1).await.unwrap();
            assert_eq!(done(&db).await, [1].into());
            put(&mut tx, 2, 2).await.unwrap();
            tx.commit().await.unwrap();
        }
    });
    all_wait(&db, 1).await;
    first.commit().await.unwrap();
    much.await.unwrap();
    assert_eq!(done(&db).await, [1, 2].into());
}

#[tokio::test]
async fn who_fails_among_others_undoes_its_own_work_alone() {
    let (_folder, db) = open().await;
    let first = db.write().await.unwrap();
    let ends = [End::Commits, End::Fails, End::Commits, End::Leaves, End::Fails, End::Commits, End::Leaves, End::Leaves];
    let deeds: Vec<_> =
        (1..).zip(ends).map(|(number, end)| tokio::spawn(deed(db.clone(), number, Way::SecondAtLast, end))).collect();
    all_wait(&db, ends.len()).await;
    drop(first);
    for (made, end) in deeds.into_iter().zip(ends) {
        assert_eq!(made.await.unwrap().is_ok(), matches!(end, End::Commits));
    }
    assert_eq!(done(&db).await, [1, 3, 6].into());
}

#[tokio::test]
async fn a_transaction_that_sqlite_rolls_back_by_itself_is_lost_for_all_who_were_in_it_and_they_are_told() {
    let (_folder, db) = open().await;
    let first = db.write().await.unwrap();
    let before = tokio::spawn(deed(db.clone(), 1, Way::SecondAtLast, End::Commits));
    all_wait(&db, 1).await;
    let culprit = tokio::spawn({
        let db = db.clone();
        async move {
            let mut tx = db.write().await.unwrap();
            put(&mut tx, 2, 1).await.unwrap();
            // As SQLite does on a full disk.
            tx.execute(ROLL_BACK, &()).await.unwrap();
            assert!(tx.execute(FAIL, &()).await.is_err());
            assert!(put(&mut tx, 2, 2).await.is_err(), "it would be written without a transaction");
            tx.commit().await
        }
    });
    all_wait(&db, 2).await;
    let after = tokio::spawn(deed(db.clone(), 3, Way::SecondAtLast, End::Commits));
    all_wait(&db, 3).await;
    drop(first);
    assert!(before.await.unwrap().unwrap_err().is_unavailable());
    assert!(culprit.await.unwrap().is_err());
    after.await.unwrap().unwrap();
    assert_eq!(done(&db).await, [3].into());
}

#[tokio::test]
async fn nothing_is_open_behind_one_who_went_away() {
    let (folder, db) = open().await;
    let mut tx = db.write().await.unwrap();
    put(&mut tx, 1, 1).await.unwrap();
    drop(tx);
    let other = Db::open(&format!("sqlite:{}", folder.path().join("deeds.db").display())).await.unwrap();
    deed(other.clone(), 2, Way::BothAtLast, End::Commits).await.unwrap();
    assert_eq!(done(&db).await, [2].into());
    other.close().await;
}

#[tokio::test]
async fn who_takes_the_last_call_of_another_along_may_go_away_and_is_not_harmed_when_that_fails() {
    let (_folder, db) = open().await;
    let first = db.write().await.unwrap();
    let begun = tokio::spawn(deed(db.clone(), 1, Way::InTwoCalls, End::Commits));
    all_wait(&db, 1).await;
    let carried = tokio::spawn(deed(db.clone(), 2, Way::OneAtLast, End::Commits));
    all_wait(&db, 2).await;
    // It is polled once to wait for its turn, and a second time to make the call; then nobody listens.
    let gone = tokio::spawn(looked_at(deed(db.clone(), 3, Way::OneAtLast, End::Commits), 2));
    all_wait(&db, 3).await;
    let fails = tokio::spawn(deed(db.clone(), 4, Way::OneAtLast, End::Fails));
    all_wait(&db, 4).await;
    let last = tokio::spawn(deed(db.clone(), 5, Way::OneAtLast, End::Commits));
    all_wait(&db, 5).await;
    drop(first);
    begun.await.unwrap().unwrap();
    carried.await.unwrap().unwrap();
    assert!(gone.await.unwrap().is_none());
    let failed = format!("{:?}", fails.await.unwrap().unwrap_err());
    assert!(failed.contains("NOT NULL"), "{failed}");
    last.await.unwrap().unwrap();
    assert_eq!(done(&db).await, [1, 2, 5].into());
}

/// How many of these texts write several times, each of which has to become a program that SQLite takes.
pub(crate) async fn become_programs(texts: impl Iterator<Item = &'static str>) -> usize {
    let (folder, db) = open().await;
    db.close().await;
    let file = format!("sqlite:{}", folder.path().join("deeds.db").display());
    let mut connection = SqliteConnection::connect(&file).await.unwrap();
    let (mut programs, mut made) = (Programs::default(), 0);
    for text in texts {
        programs.last_call(text.to_owned());
        let Some((writes, number, statements)) = programs.wanted() else { continue };
        for statement in statements {
            connection.execute(AssertSqlSafe(statement)).await.unwrap();
        }
        programs.note(writes, number, true);
        let call = programs.last_call(text.to_owned());
        assert!(call.is_atomic, "{text}");
        // What the trigger does is looked at only when it is to be run.
        let looked_at = sqlx::query(AssertSqlSafe(format!("explain {}", call.text.split(';').next().unwrap())));
        looked_at.fetch_all(&mut connection).await.unwrap_or_else(|error| panic!("{text}: {error}"));
        made += 1;
    }
    connection.close().await.unwrap();
    made
}
