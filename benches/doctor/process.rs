//! The audit in a process of its own, so that its processor time and memory are its alone.

use std::time::Instant;

use ecommerce_core::Store;
use tokio::process::Command;

use crate::Failure;

/// Runs the audit in another process, which prints what it cost.
pub async fn report(url: &str) -> Result<(), Failure> {
    let status = Command::new(std::env::current_exe()?).args(["audit", url]).status().await?;
    if status.success() { Ok(()) } else { Err("the audit failed".into()) }
}

/// The audit, and what it cost this process.
pub async fn audit(url: &str) -> Result<(), Failure> {
    let start = Instant::now();
    let store = Store::builder().background(false).open(url).await?;
    println!("opened in {:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
    let (processor, peak, written) = (processor_seconds()?, peak_kilobytes()?, written_bytes()?);
    let start = Instant::now();
    let report = store.audit().await?;
    println!(
        "audited in {:.2} s, {:.2} s of this process's processor time; {} checks, {} findings {:?}",
        start.elapsed().as_secs_f64(),
        processor_seconds()? - processor,
        report.checks.len(),
        report.findings.len(),
        report.findings.first()
    );
    println!(
        "peak memory {:.1} MB, {:.1} MB before; {:.1} MB written to temporary files",
        peak_kilobytes()? as f64 / 1024.0,
        peak as f64 / 1024.0,
        (written_bytes()? - written) as f64 / 1e6
    );
    store.close().await;
    Ok(())
}

/// User and system, in hundredths of a second (proc(5)).
fn processor_seconds() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}

fn peak_kilobytes() -> Result<u64, Failure> {
    field("/proc/self/status", "VmHWM:")
}

/// An audit writes nothing but what it sorts.
fn written_bytes() -> Result<u64, Failure> {
    field("/proc/self/io", "wchar:")
}

fn field(file: &str, name: &str) -> Result<u64, Failure> {
    let text = std::fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("a field of /proc is not there")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
