//! The program under test, and databases to run it on.

use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use tempfile::TempDir;

/// A folder of its own and a fresh database, which both go away at the end.
pub(crate) struct Place {
    pub(crate) url: String,
    folder: TempDir,
    postgres: Option<String>,
}

/// What a run of the program came to.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::sqlite_in(&env::temp_dir())
    }

    /// On a disk that a test has chosen.
    pub(crate) fn sqlite_in(disk: &Path) -> Self {
        let folder = tempfile::tempdir_in(disk).unwrap();
        let url = format!("sqlite:{}", folder.path().join("shop.db").display());
        Self { url, folder, postgres: None }
    }

    /// A fresh database on the PostgreSQL server, where one answers.
    pub(crate) fn postgres(name: &str) -> Option<Self> {
        let server = server()?;
        let name = format!("ecommerce_cli_{name}_{}", std::process::id());
        administer(server, format!("drop database if exists {name} with (force)")).unwrap();
        administer(server, format!("create database {name}")).unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        Some(Self { url: format!("{base}/{name}"), folder: tempfile::tempdir().unwrap(), postgres: Some(name) })
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        std::fs::write(self.file(name), text).unwrap();
        self.file(name).display().to_string()
    }

    /// The program with these words behind its name, on this place's database.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = program(words);
        command.env("ECOMMERCE_DATABASE_URL", &self.url).current_dir(self.folder.path());
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Run {
        Run::of(&mut self.command(words))
    }

    /// A run that must succeed.
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        let run = self.run(words);
        assert_eq!(run.code, 0, "{words:?}: {}", run.err);
        run.out
    }

    /// What a run that must succeed says to machines.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let out = self.ok(&[words, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{words:?}: {error}: {out}"))
    }

    /// A run that must fail, and what it says about it.
    pub(crate) fn fails(&self, words: &[&str]) -> String {
        let run = self.run(words);
        assert_eq!(run.code, 1, "{words:?}: {}{}", run.out, run.err);
        assert!(run.err.starts_with("error: ") && !run.err.contains("panicked"), "{words:?}: {}", run.err);
        run.err
    }

    /// Changes the database behind the shop's back.
    pub(crate) fn sql(&self, statement: &'static str) {
        runtime().block_on(async {
            if self.postgres.is_some() {
                let mut connection = PgConnection::connect(&self.url).await.unwrap();
                sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
            } else {
                let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
                sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
            }
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let (Some(name), Some(server)) = (&self.postgres, server()) {
            let _ = administer(server, format!("drop database if exists {name} with (force)"));
        }
    }
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }

    /// A run that reads this from its standard input.
    pub(crate) fn reading(command: &mut Command, input: &[u8]) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that fails early does not read all of it.
        let _ = child.stdin.take().unwrap().write_all(input);
        Self::from(child.wait_with_output().unwrap())
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// The program without anything of the environment that it would heed.
pub(crate) fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecommerce"));
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if ["ECOMMERCE_", "STRIPE_", "PAYSTACK_", "RUST_LOG"].iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command.args(words).stdin(Stdio::null());
    command
}

/// Runs a story on a fresh SQLite file and on a fresh PostgreSQL database.
pub(crate) fn on_both(name: &str, story: impl Fn(&Place)) {
    story(&Place::sqlite());
    if let Some(place) = Place::postgres(name) {
        story(&place);
    }
}

/// A running server, which is killed in the end unless it was stopped before.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    log: Option<JoinHandle<String>>,
}

impl Server {
    pub(crate) fn start(place: &Place, words: &[&str]) -> Self {
        Self::spawn(place, words).listening()
    }

    /// Starts a server without waiting for it.
    pub(crate) fn spawn(place: &Place, words: &[&str]) -> Starting {
        Starting::from(place.command(&[&["serve", "--listen", "127.0.0.1:0"], words].concat()))
    }

    /// The status and the body that a GET answers.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        self.request(&format!("GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"))
    }

    /// The same for a POST of JSON, with a token where there is one.
    pub(crate) fn post(&self, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
        self.try_post(path, token, body).expect("the server answers")
    }

    /// The same of a server that may be gone.
    pub(crate) fn try_post(&self, path: &str, token: Option<&str>, body: &Value) -> Option<(u16, Value)> {
        let answer = self.call(&format!("POST {path}"), token, &[], Some(body))?;
        Some((answer.status, answer.json()))
    }

    /// What a request such as `POST /checkout/` is answered, with further headers, by a server that may be gone.
    pub(crate) fn call(&self, line: &str, token: Option<&str>, headers: &[&str], body: Option<&Value>) -> Option<Answer> {
        let mut head = format!("{line} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n");
        token.iter().for_each(|token| head.push_str(&format!("Authorization: Token {token}\r\n")));
        headers.iter().for_each(|header| head.push_str(&format!("{header}\r\n")));
        let body = body.map(Value::to_string).unwrap_or_default();
        if !body.is_empty() {
            head.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
        }
        self.try_request(&format!("{head}\r\n{body}"))
    }

    /// The status and the body that these bytes are answered with.
    pub(crate) fn request(&self, request: &str) -> (u16, String) {
        let answer = self.try_request(request).expect("the server answers");
        (answer.status, answer.body)
    }

    fn try_request(&self, request: &str) -> Option<Answer> {
        let answer = self.try_answer(request.as_bytes())?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some(Answer { status: head[9..12].parse().unwrap(), head: head.to_owned(), body: body.to_owned() })
    }

    /// All that is answered to these bytes, with its head.
    pub(crate) fn try_answer(&self, request: &[u8]) -> Option<String> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(request).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(&self) {
        assert!(Command::new("kill").args(["-9", &self.id()]).status().unwrap().success());
    }

    /// Asks it to stop, as a supervisor does, and says how it ended.
    pub(crate) fn stop(mut self, signal: &str) -> i32 {
        self.end(signal)
    }

    /// Asks it to stop, and gives all that it has logged.
    pub(crate) fn log(mut self) -> String {
        assert_eq!(self.end("-TERM"), 0);
        self.log.take().unwrap().join().unwrap()
    }

    fn end(&mut self, signal: &str) -> i32 {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that was started and has not said yet where it listens.
pub(crate) struct Starting(Child);

impl From<Command> for Starting {
    fn from(mut command: Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    }
}

impl Starting {
    pub(crate) fn listening(mut self) -> Server {
        let mut lines = BufReader::new(self.0.stderr.take().unwrap()).lines();
        let mut before = String::new();
        let address = loop {
            let Some(Ok(line)) = lines.next() else { panic!("the server ended: {before}") };
            if let Some(address) = line.strip_prefix("Listening on http://") {
                break address.to_owned();
            }
            before = format!("{before}{line}\n");
        };
        // Somebody must go on reading, or the server would wait for room to log.
        let log = thread::spawn(move || lines.map_while(Result::ok).flat_map(|line| [line, "\n".to_owned()]).collect());
        Server { child: self.0, address, log: Some(log) }
    }
}

/// Waits until something holds, and looks often; whoever waits for a minute waits for ever.
pub(crate) fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(100), "{what} never came");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A token of the demo's.
pub(crate) fn login(server: &Server, who: &str) -> String {
    let account = json!({ "email": format!("{who}@example.com"), "password": format!("demo-{who}") });
    server.post("/login/", None, &account).1["token"].as_str().unwrap().to_owned()
}

/// The PostgreSQL server to test on: that of `TEST_DATABASE_URL`, else one on this machine. In CI there must be one.
fn server() -> Option<&'static str> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    let find = || {
        let wanted = env::var("TEST_DATABASE_URL").ok().filter(|url| url.starts_with("postgres"));
        let url = wanted.unwrap_or_else(|| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
        let url = url.split('?').next().unwrap_or_default().to_owned();
        match administer(&url, "select 1".to_owned()) {
            Ok(()) => Some(url),
            Err(error) => {
                assert!(env::var("CI").as_deref() != Ok("true"), "CI must test on PostgreSQL, but {error}");
                skipped(&format!("the stories on PostgreSQL: no server answers ({error}); name one in TEST_DATABASE_URL"));
                None
            }
        }
    };
    SERVER.get_or_init(find).as_deref()
}

fn administer(server: &str, statement: String) -> Result<(), sqlx::Error> {
    let options: PgConnectOptions = server.parse()?;
    runtime().block_on(async {
        let mut connection = PgConnection::connect_with(&options).await?;
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
        Ok(())
    })
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Says what is not tested, past the test runner, which would keep it to itself.
pub(crate) fn skipped(what: &str) {
    say(&format!("SKIPPED {what}"));
}

/// Says something past the test runner.
pub(crate) fn say(what: &str) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// The root of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
