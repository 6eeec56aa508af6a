use std::sync::{Arc, LazyLock};

use argon2::{
    Algorithm, Argon2, Block, Params,
    password_hash::{
        self, CustomizedPasswordHasher, PasswordVerifier,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};
use rand::{TryRng, rngs::SysRng};
use tokio::sync::Semaphore;

use crate::{Invalid, StoreError, text};

/// A password at the door: 8 to 128 characters of any kind, never printed.
#[derive(Clone)]
pub struct Password(String);

impl std::str::FromStr for Password {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text::length(text, 8, 128)?;
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Hashes passwords with Argon2id (RFC 9106) at the crate's parameters: 19 MiB, two passes, one lane.
///
/// Each hash takes a whole core and 19 MiB for about 20 ms, so only as many run at once as there are cores,
/// on threads of their own; the others wait.
#[derive(Clone)]
pub(crate) struct Hasher(Arc<Semaphore>);

/// What an unknown e-mail is checked against, so that it takes as long as a wrong password.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash(b"nobody has this password").ok());

impl Hasher {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(cores)))
    }

    /// The password as a PHC string.
    pub(crate) async fn hash(&self, password: &Password) -> Result<String, StoreError> {
        let password = password.0.clone();
        self.run(move || hash(password.as_bytes())).await?
    }

    /// Is it the password of this hash? Without a hash the answer is no, and takes as long.
    pub(crate) async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool, StoreError> {
        // No account has a longer password, and hashing a megabyte would cost an attacker nothing.
        let password = password.chars().take(129).collect::<String>();
        self.run(move || {
            let known = hash.is_some();
            let Some(hash) = hash.or_else(|| NOBODY.clone()) else { return false };
            let matches = PasswordHash::new(&hash).is_ok_and(|hash| Argon2id.verify_password(password.as_bytes(), &hash).is_ok());
            matches && known
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
        let _permit = self.0.acquire().await.map_err(|_| StoreError::other("the store is closed"))?;
        tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::other("hashing a password failed"))
    }
}

fn hash(password: &[u8]) -> Result<String, StoreError> {
    let failed = |error: String| StoreError::other(format!("hashing a password: {error}"));
    let mut salt = [0; 16];
    SysRng.try_fill_bytes(&mut salt).map_err(|error| failed(error.to_string()))?;
    let hash = Argon2id.hash_password_with_params(password, &salt, Params::default());
    Ok(hash.map_err(|error| failed(error.to_string()))?.to_string())
}

/// Argon2id in memory that goes back to the system at once.
///
/// glibc keeps what is freed, at each thread, up to allocations of 32 MiB (mallopt(3), `M_MMAP_THRESHOLD`): a shop would
/// hold on to 19 MiB and more for ever after its first log-in. What reserves more is mapped and unmapped; only the part
/// that is used becomes memory.
struct Argon2id;

impl Argon2id {
    /// So many blocks are more than 32 MiB.
    const ALWAYS_MAPPED: usize = 33 * 1024 * 1024 / Block::SIZE;
}

impl CustomizedPasswordHasher<PasswordHash> for Argon2id {
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
        let mut memory = Vec::with_capacity(Self::ALWAYS_MAPPED);
        memory.resize(params.block_count(), Block::new());
        let mut output = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        let argon2 = Argon2::new(algorithm, version, params);
        argon2.hash_password_into_with_memory(password, salt, &mut output, &mut memory)?;
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

    #[tokio::test]
    async fn a_password_is_found_again_by_its_hash_alone() {
        let hasher = Hasher::new();
        let hash = hasher.hash(&"correct horse".parse().unwrap()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(hasher.verify("correct horse", Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify("correct horsf", Some(hash)).await.unwrap());
        assert!(!hasher.verify("nobody has this password", None).await.unwrap());
    }

    #[test]
    fn other_programs_read_our_hashes_and_we_read_theirs() {
        let ours = hash(b"correct horse").unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", &PasswordHash::new(&ours).unwrap()).is_ok());
        let theirs = Argon2::from(Params::new(4096, 3, 2, Some(24)).unwrap());
        let theirs =
            argon2::password_hash::PasswordHasher::hash_password_with_salt(&theirs, b"correct horse", b"somesaltsomesalt");
        assert!(Argon2id.verify_password(b"correct horse", &theirs.unwrap()).is_ok());
    }

    #[test]
    fn characters_are_counted_and_nothing_is_printed() {
        assert!("sieben7".parse::<Password>().is_err() && "é".repeat(129).parse::<Password>().is_err());
        assert!("é".repeat(128).parse::<Password>().is_ok());
        assert!(!format!("{:?}", "correct horse".parse::<Password>().unwrap()).contains("horse"));
    }
}
