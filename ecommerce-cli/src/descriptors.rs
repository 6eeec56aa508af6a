//! How many files and connections the process may have open.

/// What is open besides connections: the database, the log, calls to providers.
#[cfg(unix)]
const OTHERS: u64 = 500;

/// Raises the soft limit of open files, mostly 1,024, to what so many connections need, as far as the hard limit goes.
///
/// Where that is too little, the server closes the longest silent connection for a new one.
#[cfg(unix)]
pub(crate) fn allow(connections: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let reachable = maximum.map_or(wanted, |maximum| wanted.min(maximum));
    if current.is_some_and(|current| current < reachable)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(reachable), maximum })
    {
        tracing::warn!(%error, "no more files can be allowed to be open");
    }
}

/// Other systems have no such limit.
#[cfg(not(unix))]
pub(crate) fn allow(_: usize) {}
