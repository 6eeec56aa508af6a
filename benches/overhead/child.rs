//! A server in a process of its own, so that its processor time and memory are its alone.

use std::{
    error::Error,
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::load;

pub struct Child {
    pub port: u16,
    /// From the start of the process to its first answer.
    pub first_answer: Duration,
    process: tokio::process::Child,
}

impl Child {
    /// Starts `floor` or `ours` and waits for its first answer.
    pub async fn start(which: &str, url: &str) -> Result<Self, Box<dyn Error>> {
        let start = Instant::now();
        let mut process = Command::new(std::env::current_exe()?)
            .args(["serve", which, url])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = process.stdout.take().ok_or("the server has no output")?;
        let port = BufReader::new(stdout).lines().next_line().await?.ok_or("the server did not start")?.parse()?;
        load::get_once(port, "/product/1/").await?;
        Ok(Self { port, first_answer: start.elapsed(), process })
    }

    /// The processor time that the process has used, in seconds: user and system, in hundredths (proc(5)).
    pub fn processor_seconds(&self) -> Result<f64, Box<dyn Error>> {
        let stat = self.read("stat")?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
    }

    /// The memory that is resident, in kB.
    pub fn resident_kilobytes(&self) -> Result<u64, Box<dyn Error>> {
        let status = self.read("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    fn read(&self, file: &str) -> Result<String, Box<dyn Error>> {
        let id = self.process.id().ok_or("the server has ended")?;
        Ok(std::fs::read_to_string(format!("/proc/{id}/{file}"))?)
    }
}
