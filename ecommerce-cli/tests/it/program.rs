//! The program under test, and databases to run it on.

use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    thread,
    time::Duration,
};

use serde_json::Value;
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
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("shop.db").display());
        Self { url, folder, postgres: None }
    }

    /// A fresh database on the PostgreSQL server, where one answers.
    fn postgres(name: &str) -> Option<Self> {
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
        let body = body.to_string();
        let authorization = token.map(|token| format!("Authorization: Token {token}\r\n")).unwrap_or_default();
        let (status, answer) = self.try_request(&format!(
            "POST {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Type: application/json\r\n\
             {authorization}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))?;
        Some((status, serde_json::from_str(&answer).unwrap_or(Value::Null)))
    }

    /// The status and the body that these bytes are answered with.
    pub(crate) fn request(&self, request: &str) -> (u16, String) {
        self.try_request(request).expect("the server answers")
    }

    fn try_request(&self, request: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head[9..12].parse().unwrap(), body.to_owned()))
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) {
        self.child.wait().unwrap();
    }

    /// Asks it to stop, as a supervisor does, and says how it ended.
    pub(crate) fn stop(mut self, signal: &str) -> i32 {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap_or(-1)
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
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Server { child: self.0, address }
    }
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

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Says what is not tested, past the test runner, which would keep it to itself.
pub(crate) fn skipped(what: &str) {
    let _ = writeln!(io::stderr(), "SKIPPED {what}");
}

/// The root of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
