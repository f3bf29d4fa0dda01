//! `make bench-growth`: how time and memory of the packed scorer grow with the
//! number of examples and with the length of the prompt. Prints two tables and
//! draws them (`docs/growth.svg` unless another path is given).

use std::error::Error;
use std::time::Instant;

use plotters::prelude::*;
use pmpo_app::built_in_model;
use pmpo_packed::{Item, Packed, DEFAULT_MEMORY};

/// Tokens of each example and of each answer: short, so that ten thousand
/// examples take minutes, not an hour.
const EXAMPLE: usize = 8;
const ANSWER: usize = 2;
const PROMPT: usize = 100;
const EXAMPLES: [usize; 7] = [100, 200, 500, 1000, 2000, 5000, 10_000];
/// For the growth with the prompt.
const FEW: usize = 20;
const PROMPTS: [usize; 7] = [50, 250, 500, 1000, 2000, 4000, 8000];

struct Point {
    size: usize,
    seconds: f64,
    /// Working memory at its peak, in MiB, what is kept between calls included.
    memory: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1);
    let path = path.unwrap_or_else(|| "docs/growth.svg".to_owned());
    let packed = Packed::load(&built_in_model())?;
    // The first call makes the threads and is not counted.
    packed.score(&items(PROMPT, 4), &|| false)?;
    let idle = memory("VmRSS:")?;
    let bound = DEFAULT_MEMORY >> 20;
    println!("bound on working memory: {bound} MiB\n");

    println!("examples (a prompt of {PROMPT} tokens, examples of {EXAMPLE} + {ANSWER})");
    let by_examples = measure(&packed, idle, &EXAMPLES, |count| items(PROMPT, count))?;
    println!("\nprompt tokens ({FEW} examples of {EXAMPLE} + {ANSWER})");
    let by_prompt = measure(&packed, idle, &PROMPTS, |length| items(length, FEW))?;
    draw(&path, &by_examples, &by_prompt)?;
    println!("\ndrawn to {path}");
    Ok(())
}

fn measure(
    packed: &Packed,
    idle: f64,
    sizes: &[usize],
    work: impl Fn(usize) -> Vec<Item>,
) -> Result<Vec<Point>, Box<dyn Error>> {
    println!(
        "{:>8}{:>12}{:>16}{:>12}",
        "size", "seconds", "ms for each", "MiB"
    );
    let mut points = Vec::new();
    for &size in sizes {
        let items = work(size);
        reset_peak()?;
        let clock = Instant::now();
        packed.score(&items, &|| false)?;
        let seconds = clock.elapsed().as_secs_f64();
        let memory = (memory("VmHWM:")? - idle) / 1024.0;
        println!(
            "{size:>8}{seconds:>12.2}{:>16.3}{memory:>12.0}",
            1000.0 * seconds / size as f64
        );
        points.push(Point {
            size,
            seconds,
            memory,
        });
    }
    Ok(points)
}

/// Examples that share a prompt and then nothing.
fn items(prompt: usize, count: usize) -> Vec<Item> {
    let token = |number: usize| (number * 7919 % 40_000 + 100) as u32;
    let start: Vec<u32> = (0..prompt).map(token).collect();
    (0..count)
        .map(|i| {
            // The first token is another in each example, so that none shares more
            // than the prompt with others.
            let own = (0..EXAMPLE).map(|at| match at {
                0 => token(prompt + i),
                _ => token(prompt + i * EXAMPLE + at),
            });
            let before = start.iter().copied().chain(own).collect();
            (before, (0..ANSWER).map(|at| token(i + at)).collect())
        })
        .collect()
}

/// A figure of this process in KiB, as Linux tells it.
fn memory(name: &str) -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no such figure")?.parse()?)
}

/// Makes the peak of memory start anew.
fn reset_peak() -> std::io::Result<()> {
    std::fs::write("/proc/self/clear_refs", "5")
}

fn draw(path: &str, by_examples: &[Point], by_prompt: &[Point]) -> Result<(), Box<dyn Error>> {
    pmpo_plot::fonts();
    let area = SVGBackend::new(path, (960, 400)).into_drawing_area();
    area.fill(&WHITE)?;
    let halves = area.split_evenly((1, 2));
    for (half, points, name) in [
        (&halves[0], by_examples, "examples"),
        (&halves[1], by_prompt, "tokens of the prompt"),
    ] {
        let size = points.iter().map(|point| point.size).max().unwrap_or(1) as f64;
        let most = |value: fn(&Point) -> f64| points.iter().map(value).fold(0.0, f64::max) * 1.08;
        let mut chart = ChartBuilder::on(half)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(48)
            .right_y_label_area_size(52)
            .build_cartesian_2d(0.0..size * 1.05, 0.0..most(|point| point.seconds))?
            .set_secondary_coord(0.0..size * 1.05, 0.0..(DEFAULT_MEMORY >> 20) as f64 * 1.08);
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc(name)
            .y_desc("seconds")
            .draw()?;
        chart.configure_secondary_axes().y_desc("MiB").draw()?;
        let time = RGBColor(31, 97, 172);
        let memory = RGBColor(176, 92, 20);
        chart
            .draw_series(LineSeries::new(
                points
                    .iter()
                    .map(|point| (point.size as f64, point.seconds)),
                time.stroke_width(2),
            ))?
            .label("time")
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], time.stroke_width(2)));
        chart.draw_series(
            points
                .iter()
                .map(|point| Circle::new((point.size as f64, point.seconds), 4, time.filled())),
        )?;
        chart
            .draw_secondary_series(LineSeries::new(
                points.iter().map(|point| (point.size as f64, point.memory)),
                memory.stroke_width(2),
            ))?
            .label("working memory")
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], memory.stroke_width(2)));
        let bound = (DEFAULT_MEMORY >> 20) as f64;
        chart
            .draw_secondary_series(DashedLineSeries::new(
                [(0.0, bound), (size * 1.05, bound)],
                4,
                4,
                memory.stroke_width(1),
            ))?
            .label("its bound")
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], memory.stroke_width(1)));
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .draw()?;
    }
    area.present()?;
    Ok(())
}
