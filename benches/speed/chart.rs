//! A bar chart for a README: the floor's processor time is the unit, so that every case fits on one scale.

use std::fmt::Write as _;

use crate::{report::Line, rounds::Figures};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 92.0;
/// What stands behind the bars.
const RIGHT: f64 = 210.0;
const ROW: f64 = 38.0;

const STYLE: &str = "
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; }
    .faint { fill: #59636e; }
    .ours { fill: #0969da; }
    .floor { fill: #afb8c1; }
    @media (prefers-color-scheme: dark) {
        text { fill: #f0f6fc; }
        .faint { fill: #9198a1; }
        .ours { fill: #4493f8; }
        .floor { fill: #656c76; }
    }";

pub fn draw(lines: &[Line]) -> String {
    let unit = (WIDTH - LEFT - RIGHT) / lines.iter().filter_map(|line| line.ratio).fold(1.0, f64::max);
    let (mut bars, mut y, mut group) = (String::new(), 14.0, None);
    for (line, ratio, floor) in lines.iter().filter_map(|line| Some((line, line.ratio?, line.floor.as_ref()?))) {
        let this = Some((line.scene, line.clients));
        if group != this {
            group = this;
            y += 12.0;
            text(&mut bars, 0.0, y, "title", &format!("{}, {} clients", line.scene, line.clients));
            y += 10.0;
        }
        text(&mut bars, 0.0, y + 18.0, "", line.case.name());
        bar(&mut bars, y + 4.0, ratio * unit, "ours");
        bar(&mut bars, y + 18.0, unit, "floor");
        let x = LEFT + ratio.max(1.0) * unit + 8.0;
        text(&mut bars, x, y + 15.0, "", &format!("{ratio:.2} × the floor"));
        text(&mut bars, x, y + 29.0, "faint", &format!("{} beside {}", time(&line.ours), time(floor)));
        y += ROW;
    }
    let height = y + 24.0;
    text(&mut bars, LEFT, height - 6.0, "faint", "processor time of an operation, server and database: ours above its floor");
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n\
         <title>Processor time beside the floor</title>\n<style>{STYLE}\n</style>\n{bars}</svg>\n"
    )
}

fn bar(into: &mut String, y: f64, width: f64, class: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(into, "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"12\" rx=\"2\"/>");
}

fn text(into: &mut String, x: f64, y: f64, class: &str, text: &str) {
    let _ = writeln!(into, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y}\">{text}</text>");
}

fn time(&Figures { micros, .. }: &Figures) -> String {
    if micros < 1000.0 { format!("{micros:.0} µs") } else { format!("{:.1} ms", micros / 1000.0) }
}
