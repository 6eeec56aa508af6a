//! One task that writes: it drains a queue into one transaction, a savepoint and one text of statements for each job, and answers
//! all of them once they are on the disk.

use sqlx::{
    Connection, Executor, SqliteConnection,
    sqlite::{SqliteArguments, SqliteRow},
};
use tokio::sync::{mpsc, oneshot};

/// The most jobs of a transaction.
const AT_ONCE: usize = 256;

/// What a text of several statements knows of its job from one to the next. The planner knows that there is one row by its id.
const VARIABLES: &str = "
    pragma temp_store = memory;
    create temp table job (
        id integer primary key, user_id integer, generation integer, order_id integer, payment_id integer, is_new integer, changed integer
    );
    insert into job (id) values (1)";

type Rows = Result<Vec<SqliteRow>, sqlx::Error>;

struct Job {
    text: &'static str,
    arguments: SqliteArguments,
    answer: oneshot::Sender<Rows>,
}

pub struct Writer(mpsc::Sender<Job>);

impl Writer {
    pub async fn start(mut connection: SqliteConnection) -> Result<Self, sqlx::Error> {
        connection.execute(sqlx::raw_sql(VARIABLES)).await?;
        let (jobs, queue) = mpsc::channel(4 * AT_ONCE);
        tokio::spawn(write(connection, queue));
        Ok(Self(jobs))
    }

    /// The rows of every statement of the text, once what it wrote is on the disk.
    pub async fn run(&self, text: &'static str, arguments: SqliteArguments) -> Rows {
        let (answer, answered) = oneshot::channel();
        let job = Job { text, arguments, answer };
        self.0.send(job).await.map_err(|_| sqlx::Error::WorkerCrashed)?;
        answered.await.map_err(|_| sqlx::Error::WorkerCrashed)?
    }
}

async fn write(mut connection: SqliteConnection, mut queue: mpsc::Receiver<Job>) {
    let mut jobs = Vec::with_capacity(AT_ONCE);
    while queue.recv_many(&mut jobs, AT_ONCE).await > 0 {
        if let Err(error) = write_all(&mut connection, &mut jobs).await {
            // Nobody was answered, so nobody believes in what is lost. The connection may be in any state.
            eprintln!("floor: {error}");
            std::process::exit(1);
        }
    }
    let _ = connection.close().await;
}

async fn write_all(connection: &mut SqliteConnection, jobs: &mut Vec<Job>) -> Result<(), sqlx::Error> {
    let mut done = Vec::with_capacity(jobs.len());
    connection.execute("begin immediate").await?;
    for Job { text, arguments, answer } in jobs.drain(..) {
        let rows = sqlx::query_with(text, arguments).fetch_all(&mut *connection).await;
        if rows.is_err() {
            connection.execute("rollback to job; release job").await?;
        }
        done.push((answer, rows));
    }
    connection.execute("commit").await?;
    for (answer, rows) in done {
        // Whoever asked may be gone.
        let _ = answer.send(rows);
    }
    Ok(())
}
