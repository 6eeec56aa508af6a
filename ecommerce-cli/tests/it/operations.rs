use serde_json::Value;

use crate::program::{Place, on_both, program};

#[test]
fn migrating_twice_is_migrating_once() {
    on_both("migrate", |place| {
        assert_eq!(place.ok(&["migrate"]), "The database is up to date.\n");
        assert_eq!(place.ok(&["migrate"]), "The database is up to date.\n");
    });
}

#[test]
fn the_doctor_names_each_row_that_breaks_an_invariant() {
    on_both("doctor", |place| {
        place.ok(&["product", "create", "--name", "Mug", "--price", "5", "--stock", "3"]);
        assert!(place.ok(&["doctor"]).starts_with("The store is healthy: "));
        assert_eq!(place.json(&["doctor"])["findings"], Value::Array(Vec::new()));

        place.sql("update products set stock = 4 where id = 1");
        let run = place.run(&["doctor"]);
        assert_eq!(run.code, 1);
        assert!(run.out.contains("products") && run.err.starts_with("error: 1 row breaks"), "{}{}", run.out, run.err);
        let run = place.run(&["doctor", "--json"]);
        let diagnosis: Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!((run.code, &diagnosis["findings"][0]["id"]), (1, &Value::from(1)));
        assert_eq!(diagnosis["findings"][0]["table"], "products");
    });
}

#[test]
fn a_mistyped_name_makes_no_empty_store_to_copy_or_check() {
    let place = Place::sqlite();
    for words in [&["doctor"][..], &["audit"], &["backup", "copy.db"]] {
        let error = place.fails(words);
        assert!(error.contains("there is no database at"), "{error}");
    }
    assert!(!place.file("shop.db").exists() && !place.file("copy.db").exists());
}

#[test]
fn a_backup_never_replaces_a_file() {
    let place = Place::sqlite();
    place.ok(&["migrate"]);
    place.write("copy.db", "precious");
    let error = place.fails(&["backup", "copy.db"]);
    assert!(error.contains("exists already"), "{error}");
    assert_eq!(std::fs::read_to_string(place.file("copy.db")).unwrap(), "precious");
    let error = place.fails(&["backup", "no/such/copy.db"]);
    assert!(error.contains("cannot copy the store"), "{error}");
}

#[test]
fn shells_can_complete_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = program(&["completions", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && script.contains("create-admin"), "{shell}: {script}");
    }
}

#[test]
fn the_document_is_printed() {
    let output = program(&["openapi"]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"].as_object().unwrap().len() > 20, "{document}");
}
