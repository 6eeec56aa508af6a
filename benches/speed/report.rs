//! What was measured, as a table and as JSON.

use std::{fs, path::Path};

use ecommerce_benches::Failure;
use serde::Serialize;

use crate::{chart, library::InProcess, memory::Memory, place::Scene, rounds::Figures, work::Case};

#[derive(Serialize)]
pub struct Line {
    pub case: Case,
    #[serde(flatten)]
    pub scene: Scene,
    pub clients: usize,
    pub ours: Figures,
    pub floor: Option<Figures>,
    /// The processor time of ours beside that of the floor: the median of the rounds' ratios.
    pub ratio: Option<f64>,
}

/// Whole purchases through the library by 16 tasks.
#[derive(Serialize)]
pub struct Library {
    #[serde(flatten)]
    pub scene: Scene,
    #[serde(flatten)]
    pub took: InProcess,
}

#[derive(Default, Serialize)]
pub struct Report {
    pub memory: Vec<Memory>,
    pub lines: Vec<Line>,
    pub in_process: Vec<Library>,
}

impl Report {
    pub fn write(&self, json: Option<&Path>, svg: Option<&Path>) -> Result<(), Failure> {
        if let Some(file) = json {
            fs::write(file, serde_json::to_string_pretty(self)?)?;
        }
        if let Some(file) = svg {
            fs::write(file, chart::draw(&self.lines))?;
        }
        Ok(())
    }
}

/// The head of the table of a place.
pub fn head(scene: Scene, clients: usize, rounds: u32) {
    println!("\n{scene}, {clients} clients: medians of {rounds} rounds, ours | floor");
    println!(
        "{:<10} {:>19} {:>6} {:>17} {:>17} {:>17} {:>13}",
        "", "processor us", "ratio", "per second", "p50 ms", "p99 ms", "peak MB"
    );
}

impl Line {
    /// The figures are those of ours and, where it was measured, of the floor.
    pub fn new(case: Case, scene: Scene, clients: usize, figures: Vec<Figures>, ratio: Option<f64>) -> Result<Self, Failure> {
        let mut figures = figures.into_iter();
        let ours = figures.next().ok_or("nothing was measured")?;
        Ok(Self { case, scene, clients, ours, floor: figures.next(), ratio })
    }

    pub fn show(&self) {
        let ratio = self.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let both = |read: &dyn Fn(&Figures) -> f64, digits: usize, width: usize| {
            let floor = self.floor.as_ref().map_or_else(String::new, |floor| format!("{:.digits$}", read(floor)));
            format!("{:>width$.digits$} {floor:>width$}", read(&self.ours))
        };
        println!(
            "{:<10} {} {ratio:>6} {} {} {} {}",
            self.case.name(),
            both(&|figures| figures.micros, 1, 9),
            both(&|figures| figures.per_second, 0, 8),
            both(&|figures| figures.p50_ms, 2, 8),
            both(&|figures| figures.p99_ms, 2, 8),
            both(&|figures| figures.peak_kb as f64 / 1024.0, 1, 6),
        );
    }
}

impl Library {
    pub fn show(&self) {
        let InProcess { purchase: Figures { micros, per_second, p50_ms, p99_ms, peak_kb }, expiry_micros } = &self.took;
        println!(
            "in process {micros:>9.1} us for a purchase by the library, 16 tasks, {}: {per_second:.0} per second, \
             p50 {p50_ms:.2} ms, p99 {p99_ms:.2} ms, {:.1} MB",
            self.scene,
            *peak_kb as f64 / 1024.0
        );
        println!("in process {expiry_micros:>9.1} us for an order that expires, {}", self.scene);
    }
}
