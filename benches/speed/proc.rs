//! What the system tells of processes (proc(5)).

use std::{collections::HashMap, fs};

use ecommerce_benches::Failure;

/// The system counts processor time in hundredths of a second.
const TICKS_A_SECOND: f64 = 100.0;

/// The processor time that processes have used so far, each by its id.
pub struct Used(HashMap<u32, u64>);

impl Used {
    /// What a process has used, and with it the processes of PostgreSQL that work for a database: its sessions and workers, and
    /// those that serve all. Sessions of other databases are somebody else's.
    pub fn now(process: u32, database: Option<&str>) -> Result<Self, Failure> {
        let mut used = HashMap::from([(process, ticks(process)?)]);
        let Some(database) = database else { return Ok(Self(used)) };
        for entry in fs::read_dir("/proc")? {
            let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // Others come and go.
            if is_postgres_for(id, database)
                && let Ok(ticks) = ticks(id)
            {
                used.insert(id, ticks);
            }
        }
        Ok(Self(used))
    }

    /// The seconds that were used since then. A process that has ended meanwhile counts for nothing.
    pub fn seconds_since(&self, before: &Self) -> f64 {
        let used = self.0.iter().map(|(id, ticks)| ticks - before.0.get(id).copied().unwrap_or(0).min(*ticks));
        used.sum::<u64>() as f64 / TICKS_A_SECOND
    }
}

/// User and system time.
fn ticks(process: u32) -> Result<u64, Failure> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    Ok(fields[11].parse::<u64>()? + fields[12].parse::<u64>()?)
}

/// PostgreSQL names its processes: `postgres: user database address state`, `postgres: autovacuum worker database`,
/// `postgres: walwriter`.
fn is_postgres_for(process: u32, database: &str) -> bool {
    const FOR_ALL: [&str; 5] = ["checkpointer", "background writer", "walwriter", "io worker", "autovacuum launcher"];
    let Ok(line) = fs::read(format!("/proc/{process}/cmdline")) else { return false };
    let line = String::from_utf8_lossy(&line);
    let Some(title) = line.strip_prefix("postgres: ") else { return false };
    title.split([' ', '\0']).any(|word| word == database) || FOR_ALL.iter().any(|name| title.contains(name))
}

/// A size of a process in kB: `VmRSS`, or `VmHWM` for the most that it was.
pub fn kilobytes(process: u32, field: &str) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).ok_or("a size is missing in /proc")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Lets the most that a process was begin anew from what it is now.
pub fn forget_peak(process: u32) -> Result<(), Failure> {
    Ok(fs::write(format!("/proc/{process}/clear_refs"), "5")?)
}
