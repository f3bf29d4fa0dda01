//! `make bench-import`: how long a large file takes until it can be used, and how
//! much memory, beside the crate csv reading the same file and nothing more; and
//! what looking at the rows and editing them costs.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use pmpo_app::wire::{ImportChoice, RowOrder, RowsChosen, TableQuery};
use pmpo_app::{EngineLoader, Studio};
use pmpo_data::{check, guess, read, Columns, Plan, ReadOptions, Remedies};

const ROWS: [usize; 3] = [10_000, 100_000, 200_000];
const ROUNDS: usize = 3;
const TOPICS: [&str; 4] = ["delivery", "billing", "praise", "other"];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    println!(
        "{:>9}{:>9}{:>10}{:>12}{:>14}{:>12}{:>16}",
        "rows", "MB", "csv, s", "usable, s", "difference, s", "peak, MB", "times the file"
    );
    for rows in ROWS {
        let path = folder.path().join(format!("{rows}.csv"));
        write(&path, rows)?;
        let bytes = std::fs::metadata(&path)?.len() as f64 / 1e6;
        let plain = best(|| read_only(&path))?;
        let before = memory("VmRSS:")?;
        // Of this process, so that it is measured before anything larger ran.
        std::fs::write("/proc/self/clear_refs", "5")?;
        let usable = best(|| bring(&path, rows))?;
        let peak = (memory("VmHWM:")? - before) * 1024.0 / 1e6;
        println!(
            "{rows:>9}{bytes:>9.1}{plain:>10.2}{usable:>12.2}{:>14.2}{peak:>12.1}{:>16.1}",
            usable - plain,
            peak / bytes
        );
    }
    for rows in ROWS {
        println!("\n{rows} rows in the table");
        table(folder.path(), rows)?;
    }
    Ok(())
}

/// What the window waits for while a person looks at the rows and edits them.
fn table(folder: &Path, rows: usize) -> Result<(), Box<dyn Error>> {
    let file = folder.join(format!("{rows}.csv")).display().to_string();
    let data = folder.join(format!("studio {rows}"));
    let studio = Studio::open(&data, Box::new(EngineLoader))?;
    let id = studio.create_project("Table")?.id;
    let timed = |name: &str, work: &mut dyn FnMut() -> Result<(), Box<dyn Error>>| {
        let clock = Instant::now();
        work()?;
        println!("{:>9.0} ms  {name}", clock.elapsed().as_secs_f64() * 1000.0);
        Ok::<_, Box<dyn Error>>(())
    };
    let query = |search: &str, order| TableQuery {
        search: search.to_owned(),
        order,
        ..TableQuery::default()
    };
    let page = |query: &TableQuery, from| studio.table_page(id, query, from, 200);
    let all = query("", RowOrder::File);
    timed("kept as examples", &mut || {
        studio.keep_data(id, &file, ImportChoice::default())?;
        Ok(())
    })?;
    timed("the project's page again", &mut || {
        studio.project(id)?;
        Ok(())
    })?;
    timed("the table opened", &mut || {
        page(&all, 0)?;
        Ok(())
    })?;
    timed("another stretch of it", &mut || {
        page(&all, rows / 2)?;
        Ok(())
    })?;
    timed("words searched", &mut || {
        assert!(page(&query("7 days late", RowOrder::File), 0)?.found > 0);
        Ok(())
    })?;
    timed("sorted by loss", &mut || {
        page(&query("", RowOrder::Hardest), 0)?;
        Ok(())
    })?;
    let key = page(&all, rows / 2)?.rows[0].key;
    let mut row = studio.table_row(id, key)?;
    row.input.push_str(" Thank you.");
    timed("the first row edited (a copy is made)", &mut || {
        Ok(studio.edit_row(id, key, &row)?)
    })?;
    timed("another row edited, and seen", &mut || {
        studio.edit_row(id, key + 1, &row)?;
        page(&all, rows / 2)?;
        Ok(())
    })?;
    let found = RowsChosen::Found {
        query: query("7 days late", RowOrder::File),
    };
    timed("all found removed, and seen", &mut || {
        studio.remove_rows(id, &found)?;
        page(&all, 0)?;
        Ok(())
    })?;
    timed("that taken back, and seen", &mut || {
        studio.undo_edit(id)?;
        page(&all, 0)?;
        Ok(())
    })
}

/// A table as people have them: text, a label, a date, a number, a few doubles.
fn write(path: &Path, rows: usize) -> Result<(), Box<dyn Error>> {
    let mut out = csv::Writer::from_path(path)?;
    out.write_record(["id", "message", "topic", "received", "amount"])?;
    for row in 0..rows {
        let own = if row % 500 == 499 { row - 1 } else { row };
        let message = format!(
            "Message number {own}: the parcel {} arrived {} days late, \"nobody\" answered, and I would like to know what happens now.",
            own * 7919 % 100_003,
            own % 31
        );
        let id = row.to_string();
        out.write_record([
            &id,
            &message,
            TOPICS[own * 31 % 4],
            "2024-03-01",
            &format!("{}.50", own % 97),
        ])?;
    }
    out.flush()?;
    Ok(())
}

fn read_only(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut reader = csv::Reader::from_path(path)?;
    let mut record = csv::StringRecord::new();
    let mut cells = 0;
    while reader.read_record(&mut record)? {
        cells += record.len();
    }
    assert!(cells > 0);
    Ok(())
}

/// Until the window could show it: read, columns guessed, every row checked.
fn bring(path: &Path, rows: usize) -> Result<(), Box<dyn Error>> {
    let reading = read(path, &ReadOptions::default())?;
    let guess = guess(&reading.table, &Columns::default())?;
    let plan = Plan::new(&reading.table, &guess.mapping)?;
    let checked = check(&plan, &reading.uneven, &Remedies::new());
    assert!(checked.len() > rows / 2 && guess.mapping.inputs == ["message"]);
    Ok(())
}

fn best(work: impl Fn() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let clock = Instant::now();
        work()?;
        best = best.min(clock.elapsed().as_secs_f64());
    }
    Ok(best)
}

/// A figure of this process in KiB, as Linux tells it.
fn memory(name: &str) -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no such figure")?.parse()?)
}
