use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use crate::program::{Place, Run, program};

#[test]
fn help_and_version_are_no_errors() {
    for words in [&["--help"][..], &["--version"], &["product", "import", "--help"], &["help", "order"]] {
        let run = Run::of(&mut program(words));
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{words:?}");
        assert!(run.out.contains("ecommerce") || run.out.contains("FILE"), "{}", run.out);
    }
}

#[test]
fn wrong_usage_ends_with_two_before_anything_is_opened() {
    let place = Place::sqlite();
    for words in [
        &[][..],
        &["fly"],
        &["product"],
        &["product", "list", "--colour"],
        &["product", "list", "--page", "0"],
        &["product", "list", "--page-size", "101"],
        &["product", "list", "--ordering", "id; drop table products"],
        &["product", "list", "--min-price", "1e3"],
        &["product", "show", "+1"],
        &["product", "show", "01"],
        &["product", "create", "--name", "Mug", "--price", "5"],
        &["product", "create", "--name", " ", "--price", "5", "--stock", "1"],
        &["product", "create", "--name", "Mug", "--price", "-5", "--stock", "1"],
        &["product", "create", "--name", "Mug", "--price", "5.001", "--stock", "1"],
        &["product", "create", "--name", "Mug", "--price", "5", "--stock", "-1"],
        &["product", "create", "--name", "Mug", "--price", "5", "--stock", "1", "--currency", "XXX"],
        &["product", "update", "1"],
        &["product", "update", "1", "--currency", "EUR"],
        &["product", "update", "1", "--sku", "A", "--no-sku"],
        &["product", "create", "--name", "Mug", "--price", "5", "--stock", "1", "--attribute", "red"],
        &["product", "update", "1", "--attribute", "color="],
        &["product", "update", "1", "--attribute", "a=1", "--attribute", "A=2"],
        &["product", "update", "1", "--attribute", "a=1", "--no-attributes"],
        &["category", "update", "1", "--parent", "2", "--no-parent"],
        &["user", "create-admin", "--email", "ann"],
        &["user", "set-role", "--email", "ann@example.com", "--role", "king"],
        &["order", "list", "--status", "lost"],
        &["order", "fulfillment", "1", "--status", "unfulfilled"],
        &["order", "refund", "1", "--amount", "NaN"],
        &["stock", "adjust", "1", "--by", "many", "--reason", "x"],
        &["stock", "adjust", "1", "--by", "1"],
        &["completions", "cmd"],
        &["serve", "--listen", "8000"],
        &["serve", "--reservation-minutes", "0"],
        &["serve", "--trusted-proxy", "proxy.example"],
        &["serve", "--trusted-proxy", "10.0.0.0/8"],
        &["serve", "--allowed-host", "https://shop.example"],
        &["serve", "--allowed-host", "*"],
        &["serve", "--cors-origin", "shop.example"],
        &["serve", "--cors-origin", "https://shop.example/"],
        &["serve", "--cors-origin", "*"],
        &["audit", "--user", "eve"],
        &["audit", "--from", "yesterday"],
        &["audit", "--page", "0"],
        &["serve", "--reservation-minutes", "18446744073709551615"],
        &["--database-url", "mysql://localhost/shop", "migrate"],
    ] {
        let run = place.run(words);
        assert_eq!(run.code, 2, "{words:?}: {}{}", run.out, run.err);
        assert!(!run.err.is_empty() && run.out.is_empty(), "{words:?}: {}", run.out);
    }
    assert!(!place.file("shop.db").exists());
}

#[test]
fn a_bad_environment_is_wrong_usage_too() {
    let place = Place::sqlite();
    for (name, value) in [
        ("ECOMMERCE_LISTEN", "nowhere"),
        ("ECOMMERCE_CURRENCY", "dollars"),
        ("ECOMMERCE_RESERVATION_MINUTES", "soon"),
        ("ECOMMERCE_MANUAL_RESERVATION_HOURS", "0"),
        ("ECOMMERCE_MAX_OPEN_ORDERS", "-1"),
        ("ECOMMERCE_MAX_PAYMENTS_PER_ORDER", "0"),
        ("ECOMMERCE_MAX_FAILED_LOGINS_PER_ADDRESS", "some"),
        ("ECOMMERCE_TRUSTED_PROXIES", "127.0.0.1,proxy"),
        ("ECOMMERCE_ALLOWED_HOSTS", "shop.example,shop.example:80"),
        ("ECOMMERCE_CORS_ORIGINS", "https://shop.example,null"),
        ("ECOMMERCE_DATABASE_URL", "shop.db"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_a, ,whsec_b"),
        ("RUST_LOG", "ecommerce=loud"),
    ] {
        let run = Run::of(place.command(&["serve"]).env("ECOMMERCE_LISTEN", "127.0.0.1:0").env(name, value));
        assert_eq!(run.code, 2, "{name}: {}", run.err);
        assert!(run.err.contains(name) || run.err.contains("--"), "{name}: {}", run.err);
    }
}

#[test]
fn global_flags_stand_before_or_after_the_command() {
    let place = Place::sqlite();
    let other = Place::sqlite();
    place.ok(&["--json", "category", "create", "--name", "Kitchen"]);
    let before = place.ok(&["--database-url", &other.url, "--json", "category", "list"]);
    let after = place.ok(&["category", "list", "--json", "--database-url", &other.url]);
    assert_eq!((before.trim(), after.trim()), ("[]", "[]"));
    assert!(place.ok(&["category", "list"]).contains("Kitchen"));
    assert_eq!(other.ok(&["category", "list"]), "No categories.\n");
}

#[test]
fn a_database_out_of_reach_is_named_with_what_to_do() {
    let place = Place::sqlite();
    let missing = place.file("no/such/shop.db");
    let error = place.fails(&["product", "list", "--database-url", &format!("sqlite:{}", missing.display())]);
    assert!(error.contains("there is no folder") && error.contains("Create it"), "{error}");

    let text = place.write("notes.txt", "this is no database, but it is long enough to be looked at. ".repeat(50));
    let error = place.fails(&["product", "list", "--database-url", &format!("sqlite:{text}")]);
    assert!(error.contains("Is it a SQLite database"), "{error}");

    // Port 1 is nobody's.
    let error = place.fails(&["product", "list", "--database-url", "postgres://ann:s3cret@127.0.0.1:1/shop"]);
    assert!(error.contains("postgres://ann@127.0.0.1:1/shop") && error.contains("Does PostgreSQL run there"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let place = Place::sqlite();
    let lines: String = (0..2_000).map(|number| format!("Product {number},1,1\n")).collect();
    let file = place.write("many.csv", format!("name,price,stock\n{lines}"));
    place.ok(&["product", "import", &file]);
    for words in [&["product", "list"][..], &["product", "list", "--json"], &["product", "export", "-"]] {
        let mut child = place.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut String::new()).unwrap();
        drop(out);
        let run = Run::from(child.wait_with_output().unwrap());
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{words:?}");
    }
}
