//! Text in columns, with any separator (RFC 4180 and what programs make of it).

use super::reading::{Format, ReadOptions, Reading};
use super::rows::{Grid, Kind, Rows};
use crate::DataError;

/// Separators that are tried.
const SEPARATORS: [u8; 5] = [b',', b';', b'\t', b'|', b':'];
/// Text that is looked at to find the separator.
const SAMPLE: usize = 1 << 16;

/// How cells are told from each other.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Dialect {
    separator: u8,
    /// None where quotation marks are text.
    quote: Option<u8>,
    /// Marks within quotes stand behind a backslash, not doubled.
    backslash: bool,
}

pub(super) fn read(
    text: &str,
    name: &str,
    options: &ReadOptions,
    tabs: bool,
) -> Result<Reading, DataError> {
    let (text, said) = separator_line(text);
    let asked = options
        .separator
        .or(said)
        .and_then(|mark| u8::try_from(mark).ok());
    let dialect = find_dialect(text, asked.or(tabs.then_some(b'\t')));
    let mut grid = parse(text, name, options, dialect)?;
    let open = dialect
        .quote
        .is_some_and(|quote| text.bytes().filter(|byte| *byte == quote).count() % 2 == 1);
    let mut quotes_are_text = false;
    if open {
        // A mark without its partner swallows rows to the next one, or to the end.
        let plain = Dialect {
            quote: None,
            ..dialect
        };
        let other = parse(text, name, options, plain)?;
        if other.table.len() > grid.table.len() && other.uneven.len() <= grid.uneven.len() {
            quotes_are_text = true;
            grid = other;
        }
    }
    let format = Format::Csv {
        separator: char::from(dialect.separator),
        quotes_are_text,
    };
    Ok(Reading::of_grid(grid, format))
}

/// A first line `sep=;`, which Excel understands.
fn separator_line(text: &str) -> (&str, Option<char>) {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let mut mark = line
        .trim_end_matches('\r')
        .strip_prefix("sep=")
        .unwrap_or_default()
        .chars();
    match (mark.next(), mark.next()) {
        (Some(mark), None) => (rest, Some(mark)),
        _ => (text, None),
    }
}

fn builder(dialect: Dialect) -> ::csv::ReaderBuilder {
    let mut builder = ::csv::ReaderBuilder::new();
    builder
        .delimiter(dialect.separator)
        .has_headers(false)
        .flexible(true);
    match dialect.quote {
        Some(quote) => builder.quote(quote),
        None => builder.quoting(false),
    };
    if dialect.backslash {
        builder.escape(Some(b'\\')).double_quote(false);
    }
    builder
}

fn parse(
    text: &str,
    name: &str,
    options: &ReadOptions,
    dialect: Dialect,
) -> Result<Grid, DataError> {
    let mut reader = builder(dialect).from_reader(text.as_bytes());
    let mut record = ::csv::StringRecord::new();
    let mut rows = Rows::new(name, Kind::Lines, options.header);
    let broken = |why: ::csv::Error| DataError::Unreadable(name.to_owned(), why.to_string().into());
    let mut from = 0;
    while reader.read_record(&mut record).map_err(broken)? {
        // The reader passes over empty lines; a spreadsheet shows them as rows.
        let to = reader.position().byte() as usize;
        rows.skip(empty_lines(&text[from..to], text[..from].ends_with('\r')))?;
        from = to;
        let cells: Vec<Option<&str>> = record.iter().map(Some).collect();
        rows.push(&cells)?;
    }
    rows.finish()
}

/// Empty lines before a record; `within` where the line's end before it is not over.
fn empty_lines(text: &str, within: bool) -> usize {
    let text = match within {
        true => text.strip_prefix('\n').unwrap_or(text),
        false => text,
    };
    let ends = &text[..text.len() - text.trim_start_matches(['\r', '\n']).len()];
    let count = |mark| ends.bytes().filter(|byte| *byte == mark).count();
    count(b'\n').max(count(b'\r'))
}

/// The separator that cuts the first rows into the most even and widest ones.
fn find_dialect(text: &str, separator: Option<u8>) -> Dialect {
    let mut end = text.len().min(SAMPLE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let sample = &text[..end];
    let whole = end == text.len();
    let quote = quote_of(sample);
    let backslash = quote.is_some_and(|quote| {
        let mark = char::from(quote);
        sample.contains(&format!("\\{mark}")) && !sample.contains(&format!("{mark}{mark}"))
    });
    let dialect = |separator| Dialect {
        separator,
        quote,
        backslash,
    };
    if let Some(separator) = separator {
        return dialect(separator);
    }
    let cuts: Vec<(u8, Cut)> = SEPARATORS
        .into_iter()
        .filter_map(|separator| Some((separator, Cut::of(sample, whole, dialect(separator))?)))
        .collect();
    let evenest = cuts.iter().map(|(_, cut)| cut.even).fold(0.0, f64::max);
    // Cells may hold other separators as regularly as the table itself: but the
    // header, which is cut first, does not.
    let best = cuts
        .iter()
        .filter(|(_, cut)| cut.even >= 0.8 * evenest)
        .min_by(|(_, a), (_, b)| {
            let uneven = b.even.total_cmp(&a.even);
            a.uncut
                .cmp(&b.uncut)
                .then(uneven)
                .then(b.width.cmp(&a.width))
        });
    dialect(best.map_or(b',', |(separator, _)| *separator))
}

/// What a separator makes of the first rows.
struct Cut {
    /// Share of rows as wide as most.
    even: f64,
    /// That width, at least 2.
    width: usize,
    /// Rows at the beginning that stay whole.
    uncut: usize,
}

impl Cut {
    fn of(sample: &str, whole: bool, dialect: Dialect) -> Option<Self> {
        let mut widths: Vec<usize> = builder(dialect)
            .from_reader(sample.as_bytes())
            .into_byte_records()
            .map_while(Result::ok)
            .map(|record| record.len())
            .collect();
        if !whole {
            // The sample may end within it.
            widths.pop();
        }
        let width = super::rows::usual_width(&widths).filter(|width| *width > 1)?;
        let even = widths.iter().filter(|one| **one == width).count();
        Some(Self {
            even: even as f64 / widths.len() as f64,
            width,
            uncut: widths.iter().take_while(|one| **one < 2).count(),
        })
    }
}

/// `'` where cells stand between such marks and `"` is not used.
fn quote_of(sample: &str) -> Option<u8> {
    if sample.contains('"') {
        return Some(b'"');
    }
    let quoted = sample
        .lines()
        .take(20)
        .filter(|line| line.starts_with('\'') && line.trim_end().ends_with('\''))
        .count();
    Some(if quoted >= 2 { b'\'' } else { b'"' })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    fn cells(text: &str) -> (char, Vec<Vec<String>>) {
        let reading = read(text, "a.csv", &ReadOptions::default(), false).unwrap();
        let table = &reading.table;
        let rows = (0..table.len()).map(|row| {
            table
                .row(row)
                .map(|c| c.unwrap_or_default().to_owned())
                .collect()
        });
        let Format::Csv { separator, .. } = reading.format else {
            panic!()
        };
        (
            separator,
            std::iter::once(table.columns().to_vec())
                .chain(rows)
                .collect(),
        )
    }

    #[test]
    fn separators_and_quotes_are_found() {
        let wanted = [["a", "b"], ["x, y; z", "1"], ["it's", "2"]];
        for (mark, text) in [
            (',', "a,b\n\"x, y; z\",1\nit's,2\n"),
            (';', "a;b\r\n\"x, y; z\";1\r\nit's;2\r\n"),
            ('\t', "a\tb\nx, y; z\t1\nit's\t2"),
            ('|', "a|b\nx, y; z|1\nit's|2\n"),
            ('^', "sep=^\na^b\nx, y; z^1\nit's^2\n"),
        ] {
            assert_eq!(
                cells(text),
                (mark, wanted.map(|r| r.map(str::to_owned).to_vec()).to_vec()),
                "{text}"
            );
        }
        let single = cells("'a','b'\n'x, y','1'\n'z','2'\n").1;
        assert_eq!(single[1], ["x, y", "1"]);
        let slashed = cells("a,b\n\"say \\\"hi\\\", please\",1\n\"x\",2\n").1;
        assert_eq!(slashed[1], ["say \"hi\", please", "1"]);
    }

    #[test]
    fn empty_lines_count_as_rows_and_lines_within_cells_do_not() {
        for end in ["\n", "\r\n"] {
            let text = "Report\n\n\nq,a\n\"two\nlines\",1\nx,2\n\n\ny,3".replace('\n', end);
            let reading = read(&text, "a.csv", &ReadOptions::default(), false).unwrap();
            let numbers: Vec<usize> = (0..3).map(|row| reading.table.number(row)).collect();
            assert_eq!((reading.header, numbers), (4, vec![1, 2, 5]), "{end:?}");
        }
        let old = read("q,a\rx,1\r\ry,2\r", "a.csv", &ReadOptions::default(), false).unwrap();
        assert_eq!(old.table.number(1), 3);
    }

    #[test]
    fn separators_within_cells_are_not_those_of_the_table() {
        let text = "message,details\nthree chairs,item: chair; quantity: 3; city: Leeds\n\"two, please\",item: desk; quantity: 2; city: York\n";
        let (mark, rows) = cells(text);
        assert_eq!(mark, ',');
        assert_eq!(
            rows[2],
            ["two, please", "item: desk; quantity: 2; city: York"]
        );
    }

    #[test]
    fn a_quotation_mark_without_partner_swallows_nothing() {
        let mut text = "text,label\n".to_owned();
        for i in 0..20 {
            let mark = if i == 3 { "\"" } else { "" };
            text.push_str(&format!("{mark}row {i},yes\n"));
        }
        let reading = read(&text, "a.csv", &ReadOptions::default(), false).unwrap();
        assert_eq!(reading.table.len(), 20);
        assert!(matches!(
            reading.format,
            Format::Csv {
                quotes_are_text: true,
                ..
            }
        ));
        assert_eq!(reading.table.cell(3, 0), "\"row 3");
    }
}
