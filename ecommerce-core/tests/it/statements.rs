//! Every statement is prepared on both engines: the same parameters, the same columns, and no scan where it is hot.

use std::collections::HashSet;

use ecommerce_core::{Sql, statements};
use sqlx::{
    AssertSqlSafe, Column, Connection, Either, Executor, PgConnection, Row, SqlSafeStr, SqliteConnection, Statement, TypeInfo,
};

use crate::{
    database::{Database, Engine},
    shop::{Shop, runtime},
};

/// Statements that run with nearly every request, or every second, or read what only grows.
const HOT: &[&str] = &[
    "accounts::sql::USERS_BY_SESSION",
    "accounts::sql::CREDENTIALS",
    "accounts::sql::FAILURES",
    "audit::sql::ENTRIES",
    "audit::sql::COUNT",
    "audit::sql::ENTRIES_OF_USER",
    "audit::sql::COUNT_OF_USER",
    "catalog::sql::PRODUCT",
    "catalog::search::lists::HITS",
    "catalog::search::lists::NAMED",
    "catalog::search::lists::NAMED_OF_MANY",
    "catalog::search::sql::KNOWN_WORDS",
    "catalog::search::sql::CATEGORY_WORDS",
    "cart::sql::PRICED_LINES",
    "cart::sql::LOAD",
    "cart::sql::PUT_LINES",
    "checkout::sql::LOAD",
    "checkout::sql::PLACE",
    "orders::sql::HEAD",
    "orders::sql::ITEMS",
    "orders::sql::EVENTS",
    "orders::sql::LOCK",
    "payments::calls::DUE_ORDERS",
    "orders::sql::PAY",
    "orders::rows::PAYMENTS",
    "orders::rows::REFUNDS",
    "payments::calls::DUE_PAYMENTS",
    "payments::calls::CLAIM_PAYMENT",
    "payments::calls::CALL_OTHERS",
    "payments::calls::DUE_REFUNDS",
    "payments::inbox::sql::EVENT_BY_KEY",
    "payments::sql::COUNT_PAYMENTS",
    "payments::sql::PAYMENT_BY_ID",
    "payments::inbox::sql::KNOWN",
    "payments::inbox::sql::WAITING",
    "payments::inbox::sql::MATCHED_BY_NOW",
    "payments::inbox::sql::MATCHED_BY_PAYMENT",
];

/// Statements that run every second, each with the index that holds what is due and nothing else.
const DUE: &[(&str, &str)] = &[
    ("payments::calls::DUE_ORDERS", "orders_waiting"),
    ("payments::calls::DUE_PAYMENTS", "payments_call"),
    ("payments::calls::DUE_REFUNDS", "refunds_call"),
];

/// Statements that are told which products, and what finds many of them by a word that all have. Those are planned for what they
/// are asked: only so the planner sees that they are many, where it can see the words.
const NAMES_PRODUCTS: &[(&str, Option<&str>)] = &[
    ("cart::sql::LOAD", None),
    ("checkout::sql::PLACE", None),
    ("catalog::search::lists::HITS", Some("'mug', 'mug:*', 10001, 800")),
    ("catalog::search::lists::NAMED", Some("'mug', 0, 10001, 800")),
    ("catalog::search::lists::NAMED_OF_MANY", Some("'mug', 0, 10001, 800")),
];

/// What a plan calls that which came in as an argument, or was made of it, and rows that an index found.
const ARGUMENTS: &[&str] = &["ids", "one", "counted", "hits", "h", "few", "sized", "told", "CONSTANT"];

/// What an engine says of a statement: how many parameters it has, and the names of its columns.
type Shape = (usize, Vec<String>);

#[test]
fn statements_mean_the_same_on_both_engines() {
    runtime().block_on(async {
        let Some(postgres) = Database::create(Engine::Postgres).await else { return };
        let sqlite = Database::create(Engine::Sqlite).await.unwrap();
        for database in [&sqlite, &postgres] {
            Shop::open(&database.url).await.store.close().await;
        }
        let mut left = SqliteConnection::connect(&sqlite.url).await.unwrap();
        let mut right = PgConnection::connect(&postgres.url).await.unwrap();
        for sql in statements() {
            let (parameters, columns) = shape_on_sqlite(&mut left, sql).await;
            let shape = shape_on_postgres(&mut right, sql).await;
            // A single expression needs no name, and each engine gives it one of its own.
            let columns = if columns.len() == 1 && !is_name(&columns[0]) { shape.1.clone() } else { columns };
            assert_eq!((parameters, columns), shape, "{}", sql.name);
        }
        left.close().await.unwrap();
        right.close().await.unwrap();
        sqlite.remove().await;
        postgres.remove().await;
    });
}

fn is_name(column: &str) -> bool {
    column.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
}

/// Of several statements in one text each sees the same arguments, and the last one answers.
async fn shape_on_sqlite(connection: &mut SqliteConnection, sql: Sql) -> Shape {
    let mut shape = (0, Vec::new());
    for text in parts(sql.sqlite) {
        let statement = connection.prepare(AssertSqlSafe(text).into_sql_str()).await;
        let statement = statement.unwrap_or_else(|error| panic!("{}: {error}", sql.name));
        shape = (shape.0.max(parameters(text)), statement.columns().iter().map(|column| column.name().to_owned()).collect());
    }
    shape
}

fn parts(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(';').map(str::trim)
}

/// The highest number of its parameters.
fn parameters(text: &str) -> usize {
    let number = |rest: &str| rest.split(|digit: char| !digit.is_ascii_digit()).next().unwrap().parse().unwrap();
    text.split('$').skip(1).map(number).max().unwrap_or(0)
}

async fn shape_on_postgres(connection: &mut PgConnection, sql: Sql) -> Shape {
    let statement = connection.prepare(sql.postgres.into_sql_str()).await;
    let statement = statement.unwrap_or_else(|error| panic!("{}: {error}", sql.name));
    for column in statement.columns() {
        // A sum of bigints is a numeric, which no i64 can be read from: the statement has to cast it.
        assert_ne!(column.type_info().name(), "NUMERIC", "{}: {}", sql.name, column.name());
    }
    let Some(Either::Left(parameters)) = statement.parameters() else { panic!("{}: no parameters known", sql.name) };
    (parameters.len(), statement.columns().iter().map(|column| column.name().to_owned()).collect())
}

/// `db/sqlite` tells by these what a text does, and where its statements end.
#[test]
fn texts_for_sqlite_are_as_they_are_read() {
    for sql in statements() {
        for part in parts(sql.sqlite) {
            let writes = ["insert into", "update ", "delete from"].iter().any(|verb| part.contains(verb));
            let begins_as_a_read = part.starts_with("select") || part.starts_with("with");
            assert!(!(writes && begins_as_a_read), "{} writes and begins as if it only read", sql.name);
            assert!(part.matches('\'').count() % 2 == 0, "{} has a semicolon in a text", sql.name);
            // What is limited by nothing but an argument is compiled anew at each run: SQLite plans by how much is asked for.
            for (_, rest) in part.match_indices("limit $").map(|(at, word)| part.split_at(at + word.len())) {
                let rest = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
                assert!(rest.starts_with(" + 0"), "{}: limit ${rest}", sql.name);
            }
        }
    }
}

#[test]
fn statements_have_names_of_their_own() {
    let names: Vec<_> = statements().iter().map(|sql| sql.name).collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
}

/// With SQLite, whose plans do not depend on how much a table holds. PostgreSQL has the same indexes.
#[test]
fn hot_statements_search_by_an_index() {
    runtime().block_on(async {
        let database = Database::create(Engine::Sqlite).await.unwrap();
        Shop::open(&database.url).await.store.close().await;
        let mut connection = SqliteConnection::connect(&database.url).await.unwrap();
        for name in HOT {
            for part in parts(named(name).sqlite) {
                for step in plan(&mut connection, part).await {
                    // The list of ids that came in as an argument may be walked through; a table may not. Of the index of
                    // words, `M` says that it is searched.
                    let is_scan = step.strip_prefix("SCAN ").is_some_and(|scanned| match scanned.split_once(" VIRTUAL TABLE ") {
                        Some((table, index)) => table == "product_words" && !index.contains('M'),
                        None => !ARGUMENTS.iter().any(|argument| scanned.split(' ').next() == Some(argument)),
                    });
                    // Nearly everything is of one provider.
                    assert!(!is_scan && !step.contains("(provider=?)"), "{name}: {step}");
                }
            }
        }
        for (name, index) in DUE {
            let plan = plan(&mut connection, named(name).sqlite).await;
            assert!(plan[0].contains(&format!("INDEX {index} ")), "{name}: {plan:?}");
        }
        connection.close().await.unwrap();
        database.remove().await;
    });
}

/// PostgreSQL would rather read all of a thousand products than look up as many as it expects of a list, which would make each
/// deed of a small shop dear.
#[test]
fn postgres_looks_products_up() {
    const SHOP: &str = "
        insert into products (name, name_key, description, price, price_scaled, currency, stock, is_available, created_at, updated_at)
        select 'Mug ' || n, 'mug ' || n, '', 950, 95000, 'USD', 10, true, 0, 0 from generate_series(1, 1000) n;
        insert into product_index (product_id, price_scaled, card, lexemes, names)
        select id, price_scaled, name, to_tsvector('simple', name), to_tsvector('simple', name) from products;
        insert into users (email, email_key, name, role, password_hash, created_at)
        select n || '@example.com', n || '@example.com', '', 'customer', '', 0 from generate_series(1, 1000) n;
        insert into carts (user_id) select id from users;
        insert into cart_items (user_id, product_id, quantity, added_at)
        select u.id, p.id, 1, 0 from users u join products p on p.name = 'Mug ' || split_part(u.email, '@', 1);
        analyze products, product_index, carts, cart_items";
    runtime().block_on(async {
        let Some(database) = Database::create(Engine::Postgres).await else { return };
        Shop::open(&database.url).await.store.close().await;
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        sqlx::raw_sql(SHOP).execute(&mut connection).await.unwrap();
        for (name, arguments) in NAMES_PRODUCTS {
            let plan = postgres_plan(&mut connection, named(name).postgres, *arguments).await.join("\n");
            assert!(plan.contains("on products") && !plan.contains("Seq Scan on products"), "{name}:\n{plan}");
            // Of the first search of each visitor it cannot: else it plans for every word anew.
            assert!(!name.ends_with("HITS") || !plan.contains("@@ '"), "{name}:\n{plan}");
        }
        connection.close().await.unwrap();
        database.remove().await;
    });
}

/// The plan for these arguments, or for any.
async fn postgres_plan(connection: &mut PgConnection, sql: &str, arguments: Option<&str>) -> Vec<String> {
    let mode = if arguments.is_some() { "force_custom_plan" } else { "force_generic_plan" };
    let arguments = arguments.map_or_else(|| vec!["null"; parameters(sql)].join(", "), str::to_owned);
    for text in [format!("set plan_cache_mode = {mode}"), format!("prepare hot as {sql}")] {
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *connection).await.unwrap();
    }
    let explain = AssertSqlSafe(format!("explain (costs off) execute hot ({arguments})"));
    let plan = sqlx::raw_sql(explain).fetch_all(&mut *connection).await.unwrap();
    sqlx::raw_sql("deallocate hot").execute(connection).await.unwrap();
    plan.iter().map(|row| row.get(0)).collect()
}

fn named(name: &str) -> Sql {
    let statement = statements().into_iter().find(|sql| sql.name.strip_prefix("ecommerce_core::") == Some(name));
    statement.unwrap_or_else(|| panic!("{name} is no statement any more"))
}

async fn plan(connection: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let explain = AssertSqlSafe(format!("explain query plan {sql}"));
    sqlx::query(explain).fetch_all(connection).await.unwrap().iter().map(|row| row.get("detail")).collect()
}
