//! A whole shop at random: one seed gives one whole run.
//!
//! Customers, admins, providers and time act on a store that has a clock, a token source and providers of its own. Calls to
//! the provider get lost on the way out and on the way back, events come once, twice, late or never, calls to the database
//! fail before they are heard or after they are done, and processes die in the middle of either. After every step the store
//! shows what a small pure model says, and the doctor finds nothing.
//!
//! What was acknowledged is there. What was not is either wholly done or not at all: the model looks which, and whoever has a
//! key or sends an event does the same again, after which it is done, once. In the end, when all is quiet, nothing waits
//! that need not, and to the last cent the provider paid back what the shop says that it did.
//!
//! The same seed gives the same [`Trace`]. `cargo run --release --example simulate -- --seed 42` prints it.
//!
//! ```
//! use ecommerce_core::conformance::simulation::Simulation;
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = tempfile::tempdir()?;
//! let url = format!("sqlite:{}", directory.path().join("shop.db").display());
//! let trace = Simulation::new(42).steps(10).run(async |builder| builder.open(&url).await).await?;
//! println!("{trace}");
//! # Ok(()) }
//! ```

mod agree;
mod bank;
mod chance;
mod deed;
mod errand;
mod model;
mod money;
mod storm;
mod trace;
mod world;

use agree::Expiry;
use bank::{Answer, Fault};
use chance::Chance;
use deed::Deed;
use errand::{Came, Errand, PATIENCE};
use model::Model;
use trace::Step;
pub use trace::{Failure, Trace};
use world::{Lost, World};

use crate::{DatabaseCall, DatabaseFault, Store, StoreBuilder, StoreError};

/// One run of the simulated shop.
#[derive(Debug, Clone, Copy)]
pub struct Simulation {
    seed: u64,
    steps: usize,
}

impl Simulation {
    /// The run of this seed, of 200 steps.
    pub const fn new(seed: u64) -> Self {
        Self { seed, steps: 200 }
    }

    /// So many steps. A longer run begins like a shorter one.
    #[must_use]
    pub const fn steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// Lives through the run. `open` opens the store, at a database that is empty at first, and again at the same database
    /// after every crash: so it has to outlive them, and cannot be in memory. It may set anything but what makes a run the same
    /// every time: clock, tokens, limits, database faults, background, and the providers `bank`, `card` and `wire`.
    ///
    /// # Errors
    /// What the store did that it must not do, with the steps that led there.
    pub async fn run(self, open: impl AsyncFn(StoreBuilder) -> Result<Store, StoreError>) -> Result<Trace, Failure> {
        let mut trace = Trace { seed: self.seed, ..Trace::default() };
        let lived = self.live(&open, &mut trace).await;
        lived.map_err(|reason| Failure { seed: self.seed, step: trace.lines.len(), reason, trace: trace.clone() })?;
        Ok(trace)
    }

    async fn live(self, open: &impl AsyncFn(StoreBuilder) -> Result<Store, StoreError>, trace: &mut Trace) -> Result<(), Lost> {
        let mut chance = Chance::new(self.seed);
        let model = Model::new(&mut chance);
        let world = World::open(open, &mut chance, &model).await?;
        let mut run = Run { chance, model, world, trace };
        let lived = Box::pin(run.live(open, self.steps)).await;
        run.trace.orders = run.model.orders.len();
        run.world.close().await;
        lived
    }
}

struct Run<'t> {
    chance: Chance,
    model: Model,
    world: World,
    trace: &'t mut Trace,
}

/// What a step left behind, beside what the store shows.
struct Traces {
    came: Came,
    struck: Option<(DatabaseFault, DatabaseCall)>,
    answers: Vec<Answer>,
}

impl Run<'_> {
    async fn live(&mut self, open: &impl AsyncFn(StoreBuilder) -> Result<Store, StoreError>, steps: usize) -> Result<(), Lost> {
        agree::compare(&self.model, &self.world.seen, &self.world.bank.books())?;
        for _ in 0..steps {
            let deed = deed::any(&mut self.chance, &self.model, &self.world);
            self.disturb();
            self.step(open, deed).await?;
        }
        self.come_to_rest(open).await
    }

    /// Something may go wrong at the next step.
    fn disturb(&mut self) {
        use Fault::{HangsUnanswered, HangsUnheard, NameTaken, Refused, Unanswered, Unheard};
        if self.chance.once_in(5) {
            self.world.storm.brew(&mut self.chance);
        }
        let mut books = self.world.bank.books();
        if self.chance.once_in(5) {
            let faults = [(3, Unheard), (3, Unanswered), (2, Refused), (1, NameTaken), (2, HangsUnheard), (2, HangsUnanswered)];
            books.fail_next(self.chance.weigh(&faults, Unheard));
        }
        books.is_slow(self.chance.once_in(4));
    }

    /// One deed; and once more where nobody knows whether it was done, and it has a key.
    async fn step(&mut self, open: &impl AsyncFn(StoreBuilder) -> Result<Store, StoreError>, deed: Deed) -> Result<(), Lost> {
        let Some(errand) = self.world.prepare(&mut self.model, deed)? else {
            self.note(format!("{deed:?}"), &Came::Done, None, &[]);
            self.world.storm.ends();
            return Ok(());
        };
        let after = self.model.after(&deed);
        let traces = self.bring(open, &errand, format!("{deed:?}")).await?;
        let is_acknowledged = matches!(traces.came, Came::Done | Came::Refused(_));
        let is_done = self.find_world(&errand, after, &traces)?;
        if !is_acknowledged && errand.has_a_key() {
            self.world.bank.books().calms_down();
            self.world.pass(&mut self.model, PATIENCE);
            let after = if is_done { Some(self.model.clone()) } else { self.model.after(&deed) };
            let traces = self.bring(open, &errand, "again".to_owned()).await?;
            self.find_world(&errand, after, &traces)?;
        }
        Ok(())
    }

    /// Brings a deed to the store, looks what came of it, and opens the store anew where somebody died.
    async fn bring(
        &mut self,
        open: &impl AsyncFn(StoreBuilder) -> Result<Store, StoreError>,
        errand: &Errand,
        what: String,
    ) -> Result<Traces, Lost> {
        let came = self.world.run(&self.model, errand).await;
        let struck = self.world.storm.ends();
        let (calls, answers) = self.world.bank.books().look_back();
        self.note(what, &came, struck, &calls);
        if matches!(came, Came::Died) {
            self.world.reopen(open).await?;
        }
        self.world.look().await?;
        Ok(Traces { came, struck, answers })
    }

    fn note(&mut self, what: String, came: &Came, struck: Option<(DatabaseFault, DatabaseCall)>, calls: &[String]) {
        let died = matches!(came, Came::Died);
        self.trace.deeds += 1;
        self.trace.crashes += usize::from(died);
        self.trace.database_faults += usize::from(struck.is_some() && !died);
        self.trace.provider_calls += calls.len();
        let (number, minute) = (self.trace.lines.len() + 1, self.model.now);
        self.trace.lines.push(Step { number, minute, what, came, struck, calls }.to_string());
    }

    /// Goes on in the one of the possible worlds that the store shows: with the deed done, which the model says to be as
    /// `after`, or without it. Says whether it was done.
    fn find_world(&mut self, errand: &Errand, after: Option<Model>, traces: &Traces) -> Result<bool, Lost> {
        let before = || Some(self.model.clone());
        let (done, undone) = match &traces.came {
            Came::Done if after.is_none() => return Err("it was done, and must be refused".to_owned()),
            Came::Done => (after, None),
            Came::Refused(reason) if after.is_some() => return Err(format!("it was refused, and must be done: {reason}")),
            Came::Refused(_) => (None, before()),
            Came::Failed { reason, is_unavailable } => {
                let was_lost = matches!(traces.struck, Some((DatabaseFault::Unheard | DatabaseFault::Unanswered, _)));
                if !(was_lost && *is_unavailable) {
                    return Err(format!("it failed: {reason}"));
                }
                (after, before())
            }
            Came::Died => (after, before()),
        };
        let is_disturbed = traces.struck.is_some() || matches!(traces.came, Came::Died);
        let expiry = match errand.deed {
            Deed::Wait { .. } | Deed::Reconcile if is_disturbed => Expiry::Perhaps,
            Deed::Wait { .. } => Expiry::First,
            Deed::Reconcile => Expiry::Last,
            _ => Expiry::Nobody,
        };
        let books = self.world.bank.books();
        let worlds = done.map(|model| (true, model)).into_iter().chain(undone.map(|model| (false, model)));
        let mut difference = None;
        for (is_done, mut model) in worlds {
            agree::learn(&mut model, &self.world.seen, &books, &traces.answers, expiry);
            match agree::compare(&model, &self.world.seen, &books) {
                Ok(()) => {
                    self.model = model;
                    return Ok(is_done);
                }
                Err(reason) => difference = difference.or(Some(reason)),
            }
        }
        Err(difference.unwrap_or_default())
    }

    /// The bank is there again, nothing fails any more, and time passes until nothing is open.
    async fn come_to_rest(&mut self, open: &impl AsyncFn(StoreBuilder) -> Result<Store, StoreError>) -> Result<(), Lost> {
        self.world.bank.books().comes_to_rest();
        self.model.bank_is_away = false;
        let (short, long, days) = ([2; 6], [7 * 60; 3], [24 * 60; 8]);
        for minutes in short.into_iter().chain(long).chain(days) {
            self.step(open, Deed::Wait { minutes }).await?;
        }
        agree::settled(&self.model, &self.world.seen, &self.world.bank.books())
    }
}
