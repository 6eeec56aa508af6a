//! What is acknowledged was synced: read off the system calls of the program.

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::program::{Place, Starting, login, skipped, wait_until};

const CALLS: &str = "trace=fsync,fdatasync,pwrite64,pwritev,write,writev,sendto,sendmsg,read,recvfrom";

#[test]
fn nobody_is_told_before_the_log_has_reached_the_disk() {
    let probe = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        skipped("what is acknowledged was synced: it takes Linux, `strace`, and leave to trace");
        return;
    }
    let place = Place::sqlite();
    let (program, trace) = (place.command(&["serve", "--demo", "--listen", "127.0.0.1:0"]), place.file("trace"));
    let mut strace = Command::new("strace");
    // The tracer is the grandchild, so that the server is the child that is stopped in the end.
    strace
        .args(["-D", "-f", "-y", "-s", "40", "-e", CALLS, "-o"])
        .arg(&trace)
        .arg(program.get_program())
        .args(program.get_args());
    strace.env("ECOMMERCE_DATABASE_URL", &place.url).stdin(Stdio::null());
    let server = Starting::from(strace).listening();
    let (admin, customer) = (login(&server, "admin"), login(&server, "customer"));
    let account = json!({ "email": "ann@example.com", "password": "correct horse" });
    assert_eq!(server.post("/register/", None, &account).0, 201);
    let mut deeds = 3;
    for id in 1..4 {
        assert_eq!(server.post("/create-cart/", Some(&customer), &json!({ "product": id, "quantity": 1 })).0, 200);
        assert_eq!(server.post("/checkout/", Some(&customer), &json!({})).0, 201);
        assert_eq!(server.post(&format!("/orders/{id}/confirm-payment/"), Some(&admin), &json!({})).0, 200);
        deeds += 3;
    }
    let tracer = status(&server.id(), "TracerPid").expect("it is traced");
    assert_eq!(server.stop("-TERM"), 0);
    // It has written all that it saw when it is gone, which is a while after the server.
    wait_until("the end of the tracer", || matches!(status(&tracer, "State").as_deref(), None | Some("Z")).then_some(()));
    let trace = fs::read_to_string(&trace).unwrap();
    let mut disk = Disk::default();
    let mut answers = 0;
    let mut asked = None;
    for line in trace.lines() {
        disk.watch(line, place.file("").to_str().unwrap().trim_end_matches('/'));
        if line.contains("\"POST /") {
            disk.syncs = 0;
            asked = Some(line);
        } else if let Some(request) = asked.take_if(|_| line.contains("\"HTTP/1.1 20")) {
            assert!(disk.syncs > 0 && !disk.is_behind, "told before it was synced: {request}: {line}");
            assert!(disk.knows_the_file, "told before the folder was synced: {request}");
            answers += 1;
        }
    }
    assert_eq!(answers, deeds, "the trace reads in another way now");
}

/// A word of what the system knows of a process, as long as there is one.
fn status(process: &str, line: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let value = status.lines().find_map(|entry| entry.strip_prefix(line)?.strip_prefix(':'))?;
    value.split_whitespace().next().map(str::to_owned)
}

/// What a power cut would leave, as far as the calls so far tell.
#[derive(Default)]
struct Disk {
    /// Has the log been written to since it was last synced?
    is_behind: bool,
    has_log: bool,
    /// Completed syncs of the log.
    syncs: usize,
    /// Has the folder been synced since the log was made?
    knows_the_file: bool,
    /// Threads that are in the middle of syncing the log, and of syncing the folder.
    syncing: BTreeSet<(String, bool)>,
}

impl Disk {
    /// A line such as `17 fdatasync(9</tmp/x/shop.db-wal>) = 0`, or either half of one that others came between.
    fn watch(&mut self, line: &str, folder: &str) {
        let thread = line.split(' ').next().unwrap().to_owned();
        let is_sync = line.contains("fsync") || line.contains("fdatasync");
        let (is_log, is_folder) = (line.contains("shop.db-wal>"), line.contains(&format!("<{folder}>")));
        if is_log && line.contains("pwrite") {
            self.is_behind = true;
            if !std::mem::replace(&mut self.has_log, true) {
                self.knows_the_file = false;
            }
        }
        if !is_sync {
            return;
        }
        if line.contains("<unfinished") {
            if is_log || is_folder {
                self.syncing.insert((thread, is_log));
            }
        } else if line.ends_with("= 0") {
            let (log, others) = (self.syncing.remove(&(thread.clone(), true)), self.syncing.remove(&(thread, false)));
            if is_log || log {
                self.is_behind = false;
                self.syncs += 1;
            }
            self.knows_the_file |= is_folder || others;
        }
    }
}
