//! Somebody else has the SQLite file, and whose files they are.

use serde_json::json;
use sqlx::{Connection, SqliteConnection};

use crate::program::{Place, Run, Server, login, runtime};

#[test]
fn a_file_that_somebody_has_locked_is_read_and_waited_for() {
    let place = Place::sqlite();
    let server = Server::start(&place, &["--demo"]);
    let customer = login(&server, "customer");
    let line = json!({ "product": 1, "quantity": 1 });
    let runtime = runtime();
    let mut other = runtime.block_on(SqliteConnection::connect(&place.url)).unwrap();
    let locked = runtime.block_on(other.begin_with("begin immediate")).unwrap();

    let (status, problem) = server.post("/create-cart/", Some(&customer), &line);
    assert_eq!((status, &problem["code"]), (503, &json!("unavailable")), "{problem}");
    for path in ["/readyz", "/product/"] {
        assert_eq!(server.get(path).0, 200, "{path}");
    }
    runtime.block_on(locked.rollback()).unwrap();
    assert_eq!(server.post("/create-cart/", Some(&customer), &line).0, 200);
}

#[test]
fn what_is_no_database_file_is_refused_in_words() {
    let place = Place::sqlite();
    std::fs::create_dir(place.file("shop.db")).unwrap();
    let error = place.fails(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(error.contains("cannot open") && error.contains("shop.db"), "{error}");
}

#[cfg(unix)]
#[test]
fn only_their_owner_reads_the_files() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::sqlite();
    let mode = |name: &str| std::fs::metadata(place.file(name)).unwrap().permissions().mode() & 0o777;
    let open_to_all = |words: &str| {
        let mut shell = std::process::Command::new("sh");
        let script = format!("umask 000; exec {} {words}", env!("CARGO_BIN_EXE_ecommerce"));
        shell.args(["-c", &script]).env("ECOMMERCE_DATABASE_URL", &place.url).current_dir(place.file(""));
        shell
    };
    let server = crate::program::Starting::from(open_to_all("serve --demo --listen 127.0.0.1:0")).listening();
    for name in ["shop.db", "shop.db-wal", "shop.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    assert_eq!(Run::of(&mut open_to_all("backup copy.db")).code, 0);
    assert_eq!(mode("copy.db"), 0o600);
    assert_eq!(server.stop("-TERM"), 0);

    // Whoever has opened it to others has done so knowingly.
    std::fs::set_permissions(place.file("shop.db"), PermissionsExt::from_mode(0o640)).unwrap();
    let server = crate::program::Starting::from(open_to_all("serve --listen 127.0.0.1:0")).listening();
    for name in ["shop.db", "shop.db-wal", "shop.db-shm"] {
        assert_eq!(mode(name), 0o640, "{name}");
    }
    drop(server);
}
