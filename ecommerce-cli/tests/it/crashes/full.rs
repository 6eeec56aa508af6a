//! The disk is full, and then it is not.

use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::program::{Answer, Place, Server, login, skipped, wait_until};

#[test]
fn a_full_disk_refuses_writes_until_there_is_room_again() {
    let Some(disk) = Disk::mount("8m") else { return };
    let place = Place::sqlite_in(&disk.folder());
    let mut server = Server::start(&place, &["--demo"]);
    let (admin, customer) = (login(&server, "admin"), login(&server, "customer"));
    let mut told = vec![buy(&server, &customer, "first").unwrap()];

    for round in 0..2 {
        disk.fill();
        // The log has room that it uses again: sooner or later it needs more.
        let refused = (0..2000).find_map(|number| match buy(&server, &customer, &format!("full-{round}-{number}")) {
            Ok(order) => {
                told.push(order);
                None
            }
            Err(refused) => Some(refused),
        });
        is_unavailable(&refused.expect("a disk of 8 MB is full at last"));
        let product = json!({ "name": "Atlas", "price": "80", "stock": 1, "description": "x".repeat(5000) });
        let account = json!({ "email": "late@example.com", "password": "correct horse" });
        for _ in 0..3 {
            is_unavailable(&server.call("POST /product/", Some(&admin), &[], Some(&product)).unwrap());
            is_unavailable(&server.call("POST /register/", None, &[], Some(&account)).unwrap());
        }
        for path in ["/healthz", "/readyz", "/product/?page_size=100"] {
            assert_eq!(server.get(path).0, 200, "{path}");
        }
        are_there(&server, &customer, &told);
        if round == 1 {
            // Killed and started on the full disk, it still shows what it has.
            server.kill();
            server = Server::start(&place, &[]);
            are_there(&server, &customer, &told);
        }

        disk.free();
        let order = wait_until("room", || buy(&server, &customer, &format!("again-{round}")).ok());
        told.push(order);
        assert_eq!(server.call("POST /product/", Some(&admin), &[], Some(&product)).unwrap().status, 201);
        are_there(&server, &customer, &told);
        place.ok(&["doctor"]);
    }
    let (_, products) = server.get("/product/?page_size=100");
    assert_eq!(products.matches("Atlas").count(), 2, "what was refused was not done");
    assert_eq!(server.stop("-TERM"), 0);
    place.ok(&["doctor"]);
}

#[test]
fn a_backup_that_does_not_fit_leaves_no_half_of_it() {
    let Some(disk) = Disk::mount("1m") else { return };
    let place = Place::sqlite();
    let _server = Server::start(&place, &["--demo"]);
    disk.fill();
    let copy = disk.folder().join("copy.db");
    let words = ["backup", copy.to_str().unwrap()];
    let error = place.fails(&words);
    assert!(error.contains("cannot copy the store") && error.contains("full"), "{error}");
    assert_eq!(fs::read_dir(disk.folder()).unwrap().count(), 1, "only what fills the disk is there");
    disk.free();
    place.ok(&words);
    place.ok(&["doctor", "--database-url", &format!("sqlite:{}", copy.display())]);
}

/// Puts something into the cart and submits it, under a key that is used again if there is no room.
fn buy(server: &Server, token: &str, key: &str) -> Result<(String, i64), Answer> {
    let done = |answer: Answer| if answer.status < 300 { Ok(answer) } else { Err(answer) };
    let line = json!({ "quantity": 1 });
    done(server.call("PUT /cart/items/1/", Some(token), &[], Some(&line)).unwrap())?;
    let header = format!("Idempotency-Key: {key}");
    let order = done(server.call("POST /checkout/", Some(token), &[&header], Some(&json!({}))).unwrap())?.json();
    // A waiting order would hold its piece, and there are few.
    let cancel = format!("POST /orders/{}/cancel/", order["id"]);
    done(server.call(&cancel, Some(token), &[], Some(&json!({}))).unwrap())?;
    Ok((key.to_owned(), order["id"].as_i64().unwrap()))
}

/// The one shape of problems, which tells nothing of what is inside.
fn is_unavailable(answer: &Answer) {
    let problem = answer.json();
    assert_eq!((answer.status, &problem["code"]), (503, &json!("unavailable")), "{}", answer.body);
    assert_eq!(problem["detail"], "try again in a moment");
    let head = answer.head.to_ascii_lowercase();
    assert!(head.contains("retry-after: 1") && head.contains("application/problem+json"), "{head}");
}

/// Every order that was answered, also under its key.
fn are_there(server: &Server, token: &str, told: &[(String, i64)]) {
    for (key, id) in told.iter().rev().take(20) {
        let answer = server.call(&format!("GET /orders/{id}/"), Some(token), &[], None).unwrap();
        assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("cancelled")), "{key}");
    }
    let answer = server.call("GET /orders/?page_size=1", Some(token), &[], None).unwrap().json();
    assert!(answer["count"].as_u64().unwrap() >= told.len() as u64, "{answer}");
}

/// A small file system of its own, which goes in the end.
struct Disk(Place);

impl Disk {
    /// Only root may have one: elsewhere the test is skipped, and says so.
    fn mount(size: &str) -> Option<Self> {
        let disk = Self(Place::sqlite());
        fs::create_dir(disk.folder()).unwrap();
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "ecommerce-test"]).arg(disk.folder());
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        if !mounted {
            skipped("a full disk: it takes root and `mount` to have a small one");
        }
        mounted.then_some(disk)
    }

    fn folder(&self) -> PathBuf {
        self.0.file("disk")
    }

    /// Leaves not one byte.
    fn fill(&self) {
        let mut file = File::create(self.folder().join("filler")).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.folder().join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.folder()).stderr(Stdio::null()).status();
    }
}
