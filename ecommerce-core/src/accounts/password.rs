use std::{
    cell::RefCell,
    mem,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Block, Params,
    password_hash::{
        self, CustomizedPasswordHasher, PasswordVerifier,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};
use rand::{TryRng, rngs::SysRng};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::common_passwords::is_common;
use crate::{Email, Invalid, StoreError, text};

/// A password at the door: 8 to 128 characters of any kind, none of the most common ones, never printed.
#[derive(Clone)]
pub struct Password(String);

impl std::str::FromStr for Password {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text::length(text, 8, 128)?;
        if is_common(text) {
            return Err(Invalid::new("must not be one of the most common ones"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Password {
    /// Is it the address that the account is known by?
    pub(super) fn is(&self, email: &Email) -> bool {
        self.0.eq_ignore_ascii_case(email.as_str())
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Hashes passwords with Argon2id (RFC 9106) at the crate's parameters: 19 MiB, two passes, one lane.
///
/// Each hash takes a whole core and 19 MiB for about 20 ms, so whoever needs one waits for a turn, of which there are as
/// many as cores, but no more than [`Hasher::MOST_TURNS`]. Who waits holds nothing else.
#[derive(Clone)]
pub(crate) struct Hasher {
    turns: Arc<Semaphore>,
    longest_wait: Duration,
    queue: Arc<Queue>,
}

/// The right to hash. It stays with the work until that is done, also when nobody waits for the answer any more.
pub(crate) struct Turn {
    memory: Memory,
    queue: Arc<Queue>,
    _permit: OwnedSemaphorePermit,
}

/// What a hash is made in.
type Memory = Vec<Block>;

/// Who waits for a turn takes the memory of the turn before, since to get it from the system takes half as long as the hash.
#[derive(Default)]
struct Queue {
    waiting: AtomicUsize,
    left: Mutex<Vec<Memory>>,
}

/// How a password compares to a hash.
pub(crate) struct Verdict {
    pub(crate) is_right: bool,
    /// Of a right password the hash that shall take the place of a weaker one.
    pub(crate) stronger_hash: Option<String>,
    /// Kept for as long as the verdict is.
    _turn: Turn,
}

/// What an unknown e-mail is checked against, so that it takes as long as a wrong password.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash(b"nobody has this password", &mut Memory::new()).ok());

impl Hasher {
    /// Together they take 152 MiB.
    const MOST_TURNS: usize = 8;

    pub(crate) fn new(longest_wait: Duration) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::of(cores.min(Self::MOST_TURNS), longest_wait)
    }

    fn of(turns: usize, longest_wait: Duration) -> Self {
        Self { turns: Arc::new(Semaphore::new(turns)), longest_wait, queue: Arc::default() }
    }

    /// Waits for a turn; `None` when it does not come in time.
    pub(crate) async fn turn(&self) -> Option<Turn> {
        let waiting = Waiting::new(&self.queue);
        let permit = timeout(self.longest_wait, self.turns.clone().acquire_owned()).await.ok()?.ok()?;
        Some(Turn { memory: waiting.memory(), queue: self.queue.clone(), _permit: permit })
    }

    /// A turn that nobody else wants now.
    pub(crate) fn idle_turn(&self) -> Option<Turn> {
        let permit = self.turns.clone().try_acquire_owned().ok()?;
        Some(Turn { memory: Memory::new(), queue: self.queue.clone(), _permit: permit })
    }
}

impl Queue {
    fn left(&self) -> impl std::ops::DerefMut<Target = Vec<Memory>> + '_ {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one who waits, for as long. The last to leave leaves no memory behind.
struct Waiting<'q>(&'q Queue);

impl<'q> Waiting<'q> {
    fn new(queue: &'q Queue) -> Self {
        queue.waiting.fetch_add(1, Ordering::Relaxed);
        Self(queue)
    }

    fn memory(&self) -> Memory {
        self.0.left().pop().unwrap_or_default()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut left = self.0.left();
        let is_last = self.0.waiting.fetch_sub(1, Ordering::Relaxed) == 1;
        let unwanted = if is_last { mem::take(&mut *left) } else { Vec::new() };
        // What is freed is unmapped, which takes its time.
        drop(left);
        drop(unwanted);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.hand_on();
    }
}

impl Turn {
    /// The password as a PHC string.
    pub(crate) async fn hash(self, password: &Password) -> Result<String, StoreError> {
        let password = password.0.clone();
        let (hash, _) = self.run(move |memory| hash(password.as_bytes(), memory)).await?;
        hash
    }

    /// Is it the password of this hash? Without a hash the answer is no, and takes as long.
    pub(crate) async fn verify(self, password: &str, known_hash: Option<String>) -> Result<Verdict, StoreError> {
        // No account has a longer password, and hashing a megabyte would cost an attacker nothing.
        let password = password.chars().take(129).collect::<String>();
        let work = move |memory: &mut Memory| {
            let is_right = matches(password.as_bytes(), known_hash.as_deref(), memory) && known_hash.is_some();
            let is_weak = is_right && known_hash.as_deref().is_some_and(is_weak);
            let stronger_hash = is_weak.then(|| hash(password.as_bytes(), memory)).transpose()?;
            Ok::<_, StoreError>((is_right, stronger_hash))
        };
        let (verdict, turn) = self.run(work).await?;
        let (is_right, stronger_hash) = verdict?;
        Ok(Verdict { is_right, stronger_hash, _turn: turn })
    }

    /// Leaves the memory to who waits, or frees it. Of a hash that took more than ours it is not kept.
    fn hand_on(&mut self) {
        let memory = mem::take(&mut self.memory);
        let mut left = self.queue.left();
        if self.queue.waiting.load(Ordering::Relaxed) > 0 && (1..=Params::default().block_count()).contains(&memory.len()) {
            left.push(memory);
        }
    }

    async fn run<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<(T, Self), StoreError> {
        let work = move || {
            let done = work(&mut self.memory);
            self.hand_on();
            (done, self)
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|_| StoreError::other("hashing a password failed"))
    }
}

/// Is it the password of this hash, or else of nobody's?
fn matches(password: &[u8], hash: Option<&str>, memory: &mut Memory) -> bool {
    let hash = hash.or(NOBODY.as_deref()).map(PasswordHash::new);
    hash.is_some_and(|hash| hash.is_ok_and(|hash| Argon2id::new(memory).verify_password(password, &hash).is_ok()))
}

/// Was it made with less than what a new hash is made with?
fn is_weak(hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else { return true };
    let Ok(params) = Params::try_from(&hash.params) else { return true };
    let is_today_s_kind =
        hash.algorithm == Algorithm::default().ident() && hash.version == Some(argon2::Version::default().into());
    !is_today_s_kind || params.m_cost() < Params::DEFAULT_M_COST || params.t_cost() < Params::DEFAULT_T_COST
}

fn hash(password: &[u8], memory: &mut Memory) -> Result<String, StoreError> {
    let failed = |error: String| StoreError::other(format!("hashing a password: {error}"));
    let mut salt = [0; 16];
    SysRng.try_fill_bytes(&mut salt).map_err(|error| failed(error.to_string()))?;
    let hash = Argon2id::new(memory).hash_password_with_params(password, &salt, Params::default());
    Ok(hash.map_err(|error| failed(error.to_string()))?.to_string())
}

/// Argon2id in memory that goes back to the system once it is freed.
///
/// glibc keeps what is freed, at each thread, up to allocations of 32 MiB (mallopt(3), `M_MMAP_THRESHOLD`): a shop would
/// hold on to 19 MiB and more for ever after its first log-in. What reserves more is mapped and unmapped; only the part
/// that is used becomes memory.
struct Argon2id<'m>(RefCell<&'m mut Memory>);

impl<'m> Argon2id<'m> {
    /// So many blocks are more than 32 MiB.
    const ALWAYS_MAPPED: usize = 33 * 1024 * 1024 / Block::SIZE;

    const fn new(memory: &'m mut Memory) -> Self {
        Self(RefCell::new(memory))
    }
}

impl CustomizedPasswordHasher<PasswordHash> for Argon2id<'_> {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> password_hash::Result<PasswordHash> {
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?.unwrap_or_default();
        let version = version.map(argon2::Version::try_from).transpose()?.unwrap_or_default();
        let mut memory = self.0.borrow_mut();
        if memory.capacity() == 0 {
            memory.reserve_exact(Self::ALWAYS_MAPPED);
        }
        // What the last hash left there is written over before it is read.
        memory.resize(params.block_count(), Block::new());
        let mut output = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        let argon2 = Argon2::new(algorithm, version, params);
        argon2.hash_password_into_with_memory(password, salt, &mut output, memory.as_mut_slice())?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(argon2.params())?,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(&output)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(turns: usize) -> Hasher {
        Hasher::of(turns, Duration::from_secs(30))
    }

    async fn is_right(hasher: &Hasher, password: &str, hash: Option<String>) -> bool {
        hasher.turn().await.unwrap().verify(password, hash).await.unwrap().is_right
    }

    #[tokio::test]
    async fn a_password_is_found_again_by_its_hash_alone() {
        let hasher = hasher(1);
        let hash = hasher.turn().await.unwrap().hash(&"correct horse".parse().unwrap()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(is_right(&hasher, "correct horse", Some(hash.clone())).await);
        assert!(!is_right(&hasher, "correct horsf", Some(hash)).await);
    }

    #[test]
    fn other_programs_read_our_hashes_and_we_read_theirs() {
        let ours = hash(b"correct horse", &mut Memory::new()).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", &PasswordHash::new(&ours).unwrap()).is_ok());
        let theirs = Argon2::from(Params::new(4096, 3, 2, Some(24)).unwrap());
        let theirs =
            argon2::password_hash::PasswordHasher::hash_password_with_salt(&theirs, b"correct horse", b"somesaltsomesalt");
        assert!(Argon2id::new(&mut Memory::new()).verify_password(b"correct horse", &theirs.unwrap()).is_ok());
    }

    /// S5: what counts as weaker than today's.
    #[test]
    fn s05_a_hash_is_weak_that_was_made_with_less() {
        let salt_and_hash = "c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for (settings, weak) in [
            ("argon2id$v=19$m=19456,t=2,p=1", false),
            ("argon2id$v=19$m=65536,t=3,p=4", false),
            ("argon2id$v=19$m=19455,t=2,p=1", true),
            ("argon2id$v=19$m=47104,t=1,p=1", true),
            ("argon2id$v=16$m=19456,t=2,p=1", true),
            ("argon2i$v=19$m=19456,t=2,p=1", true),
        ] {
            let text = format!("${settings}${salt_and_hash}");
            assert_eq!(is_weak(&text), weak, "{settings}");
        }
    }

    /// S7: where there is no hash, another as strong is verified, and whoever knows its password is nobody all the same.
    #[tokio::test]
    async fn s07_an_unknown_e_mail_takes_the_way_of_a_wrong_password() {
        let settings = |hash: &str| hash.rsplitn(3, '$').last().unwrap().to_owned();
        let mut memory = Memory::new();
        assert_eq!(settings(NOBODY.as_deref().unwrap()), settings(&hash(b"correct horse", &mut memory).unwrap()));
        assert!(matches(b"nobody has this password", None, &mut memory) && !matches(b"correct horse", None, &mut memory));
        assert!(!is_right(&hasher(1), "nobody has this password", None).await);
    }

    /// S9: who goes away leaves work behind that is still going on, and no turn before it has ended.
    #[tokio::test]
    async fn s09_a_turn_is_taken_until_the_work_is_done() {
        let hasher = hasher(1);
        let (begun, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(std::sync::Barrier::new(2)));
        let work = {
            let (begun, go_on) = (begun.clone(), go_on.clone());
            move |_: &mut Memory| {
                begun.add_permits(1);
                go_on.wait();
            }
        };
        let waiting = tokio::spawn(hasher.turn().await.unwrap().run(work));
        begun.acquire().await.unwrap().forget();
        waiting.abort();
        assert!(waiting.await.is_err());
        assert!(hasher.idle_turn().is_none(), "two would hash at once");
        go_on.wait();
        assert!(hasher.turn().await.is_some());
    }

    /// S9: the memory of a hash goes to who waits for the next, and to nobody where nobody does.
    #[tokio::test]
    async fn s09_memory_is_kept_for_those_who_wait_and_no_longer() {
        let hasher = hasher(1);
        let waiting = || {
            let hasher = hasher.clone();
            tokio::spawn(async move { hasher.turn().await.unwrap() })
        };
        let weak = Argon2::from(Params::new(64, 1, 1, None).unwrap());
        let weak = argon2::password_hash::PasswordHasher::hash_password_with_salt(&weak, b"correct horse", b"somesaltsomesalt");
        let weak = Some(weak.unwrap().to_string());

        let first = hasher.turn().await.unwrap();
        let second = waiting();
        tokio::task::yield_now().await;
        let verdict = first.verify("correct horse", weak.clone()).await.unwrap();
        assert!(verdict.is_right && matches(b"correct horse", verdict.stronger_hash.as_deref(), &mut Memory::new()));
        drop(verdict);
        let second = second.await.unwrap();
        assert!(second.memory.capacity() > 0 && hasher.queue.left().is_empty(), "the system was asked for more");
        let verdict = second.verify("correct horse", weak.clone()).await.unwrap();
        assert!(verdict.is_right && matches(b"correct horse", verdict.stronger_hash.as_deref(), &mut Memory::new()));
        drop(verdict);
        assert!(hasher.queue.left().is_empty(), "nobody waited for it");

        let third = hasher.turn().await.unwrap();
        assert_eq!(third.memory.capacity(), 0);
        let gone = waiting();
        tokio::task::yield_now().await;
        drop(third.verify("correct horse", weak).await.unwrap());
        assert_eq!(hasher.queue.left().len(), 1);
        gone.abort();
        assert!(gone.await.is_err() && hasher.queue.left().is_empty(), "who went away has left it behind");
    }

    #[tokio::test]
    async fn s09_nobody_waits_for_ever() {
        let hasher = Hasher { longest_wait: Duration::ZERO, ..hasher(1) };
        let turn = hasher.turn().await.unwrap();
        assert!(hasher.turn().await.is_none() && hasher.idle_turn().is_none());
        drop(turn);
        assert!(hasher.turn().await.is_some());
    }

    /// S9: however many cores there are, less than 200 MB.
    #[test]
    fn s09_all_hashes_at_once_fit_into_their_bound() {
        let of_one = Params::default().block_count() * Block::SIZE;
        assert!(Hasher::MOST_TURNS * of_one < 180_000_000, "{of_one}");
        assert!(Hasher::new(Duration::ZERO).turns.available_permits() <= Hasher::MOST_TURNS);
    }

    #[test]
    fn s06_characters_are_counted_and_nothing_is_printed() {
        assert!("sieben7".parse::<Password>().is_err() && "é".repeat(129).parse::<Password>().is_err());
        assert!("é".repeat(128).parse::<Password>().is_ok());
        assert_eq!(format!("{:?}", "correct horse".parse::<Password>().unwrap()), "Password(..)");
    }
}
