//! The figures of a picture as a table.

use crate::picture::Picture;

/// Every value drawn within the ranges as CSV, to the last digit. Where the prompts of a
/// run are drawn, the loss measured of each stands beside the best so far.
///
/// # Errors
/// Where the table cannot be written down, which does not happen in memory.
pub fn csv(
    picture: &Picture<'_>,
    x: Option<(f64, f64)>,
    y: Option<(f64, f64)>,
) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let names = &picture.words.columns;
    let prompts = picture.run().is_some();
    out.write_record([
        &names.curve,
        &names.runs,
        &names.place,
        &names.loss,
        &names.measured,
        &names.lowest,
        &names.highest,
        &names.number,
        &names.step,
        &names.estimate,
    ])?;
    let inside = |range: Option<(f64, f64)>, value: f64| {
        range.is_none_or(|(low, high)| (low..=high).contains(&value))
    };
    let number = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
    for line in picture.lines {
        let runs: Vec<String> = line.runs.iter().map(i64::to_string).collect();
        let runs = runs.join(" ");
        let name = plain_cell(&line.name);
        let shown = line.curve.readings().zip(line.curve.places());
        for (at, place) in shown.filter(|(at, _)| inside(x, at.x) && inside(y, at.value)) {
            let (measured, estimate) = match prompts {
                true => (Some(place.loss), place.dropped),
                false => (at.raw, at.estimate),
            };
            out.write_record([
                &name,
                &runs,
                &at.x.to_string(),
                &at.value.to_string(),
                &number(measured),
                &number(at.band.map(|band| band.0)),
                &number(at.band.map(|band| band.1)),
                &at.prompt.map_or_else(String::new, |p| p.0.to_string()),
                &at.prompt.map_or_else(String::new, |p| p.1.to_string()),
                if estimate { &names.yes } else { &names.no },
            ])?;
        }
    }
    out.into_inner().map_err(|why| why.into_error().into())
}

/// A name that no spreadsheet takes for a formula.
fn plain_cell(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::curve::tests::points;
    use crate::curve::Curve;
    use crate::kinds::{CurveAxis, CurveStyle};
    use crate::lines::Line;
    use crate::words::PictureWords;

    #[test]
    fn the_file_holds_what_is_shown_to_the_last_digit_in_the_words_given() {
        let line = Line {
            name: "=run".to_owned(),
            runs: vec![1],
            colour: [0, 0, 0],
            ground: String::new(),
            curve: Arc::new(Curve::of(
                &points(&[0.1 + 0.2, 2.5, 1.0 / 3.0]),
                &CurveStyle::default(),
            )),
        };
        let mut words = PictureWords::english(CurveAxis::Prompts);
        words.columns.loss = "Verlust".to_owned();
        let mut picture = Picture {
            lines: &[line],
            starts: false,
            prompts: false,
            words: &words,
        };
        let bytes = csv(&picture, Some((1.0, 2.0)), None).unwrap();
        let mut reader = csv::Reader::from_reader(&bytes[..]);
        assert_eq!(&reader.headers().unwrap()[3], "Verlust");
        assert_eq!(&reader.headers().unwrap()[2], "prompt");
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 2);
        let loss: f64 = rows[0][3].parse().unwrap();
        assert_eq!(loss.to_bits(), (0.1_f64 + 0.2).to_bits());
        assert_eq!(&rows[0][9], "no");
        // A spreadsheet must not take a name for a formula.
        assert_eq!(&rows[0][0], "'=run");
        assert_eq!(&rows[0][4], "");
        picture.prompts = true;
        let bytes = csv(&picture, Some((1.0, 1.0)), None).unwrap();
        let mut reader = csv::Reader::from_reader(&bytes[..]);
        let row = reader.records().next().unwrap().unwrap();
        assert_eq!((&row[3], &row[4]), ("0.30000000000000004", "2.5"));
    }
}
