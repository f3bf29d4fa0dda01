//! Options of a question: `["A)12", "B)15"]`, `(A) text`, or a column each.

use std::sync::LazyLock;

use regex::Regex;

/// More options are no choice to be made.
const MOST: usize = 26;

/// Options and their labels, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    options: Vec<(String, String)>,
}

/// `A)12`, `(A) text`, `A. text`, `A: text`.
static LABELLED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:\(([A-Za-z0-9]{1,2})\)|([A-Za-z0-9]{1,2})[).:])\s*(.*)$").ok()
});

fn labelled(text: &str) -> Option<(String, String)> {
    let found = LABELLED.as_ref()?.captures(text)?;
    let label = found.get(1).or(found.get(2))?.as_str();
    Some((label.to_owned(), found.get(3)?.as_str().trim().to_owned()))
}

impl Options {
    /// A cell with a JSON list, or with an option a line.
    pub(crate) fn of_list(cell: &str) -> Option<Self> {
        if let Ok(list) = serde_json::from_str::<Vec<String>>(cell) {
            return Self::of_cells(list.iter().map(String::as_str));
        }
        let lines: Vec<&str> = cell
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let all_labelled = lines.iter().all(|line| labelled(line).is_some());
        (lines.len() >= 2 && all_labelled)
            .then(|| Self::of_cells(lines.into_iter()))
            .flatten()
    }

    /// One text an option. Options without labels are lettered.
    pub(crate) fn of_cells<'a>(cells: impl Iterator<Item = &'a str>) -> Option<Self> {
        let cells: Vec<&str> = cells
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect();
        if cells.len() < 2 || cells.len() > MOST {
            return None;
        }
        let own: Option<Vec<(String, String)>> = cells.iter().map(|cell| labelled(cell)).collect();
        let lettered = || {
            let letters = ('A'..='Z').map(String::from);
            letters
                .zip(cells.iter().map(|cell| (*cell).to_owned()))
                .collect()
        };
        Some(Self {
            options: own.filter(|own| differ(own)).unwrap_or_else(lettered),
        })
    }

    /// As they stand below the input.
    pub(crate) fn lines(&self) -> String {
        let lines: Vec<String> = self
            .options
            .iter()
            .map(|(label, text)| format!("{label}) {text}"))
            .collect();
        lines.join("\n")
    }
}

fn differ(options: &[(String, String)]) -> bool {
    let mut labels: Vec<&String> = options.iter().map(|(label, _)| label).collect();
    labels.sort();
    labels.windows(2).all(|pair| pair[0] != pair[1])
}

/// The label that an answer means: itself, that of the option with its text, or
/// that of its place counted from 0.
pub(crate) fn label_of(answer: &str, options: &Options) -> Option<String> {
    let bare = answer
        .trim()
        .trim_start_matches('(')
        .trim_end_matches([')', '.', ':']);
    let same = |label: &String| label.eq_ignore_ascii_case(bare);
    let options = &options.options;
    if let Some((label, _)) = options.iter().find(|(label, _)| same(label)) {
        return Some(label.clone());
    }
    if let Some((label, _)) = options.iter().find(|(_, text)| text == answer.trim()) {
        return Some(label.clone());
    }
    let place: usize = bare.parse().ok()?;
    options.get(place).map(|(label, _)| label.clone())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    #[test]
    fn options_are_read_however_they_are_written() {
        let wanted = "A) 12\nB) 15\nC) no, 16";
        for cell in [
            r#"["A)12", "B)15", "C)no, 16"]"#,
            r#"["(A) 12", "(B) 15", "(C) no, 16"]"#,
            r#"["12", "15", "no, 16"]"#,
            "A. 12\nB. 15\n\nC. no, 16",
        ] {
            let options = Options::of_list(cell).unwrap();
            assert_eq!(options.lines(), wanted, "{cell}");
            for answer in ["B", "b", "(B)", "B)", "15", "1"] {
                assert_eq!(
                    label_of(answer, &options).as_deref(),
                    Some("B"),
                    "{cell} {answer}"
                );
            }
            assert_eq!(label_of("17", &options), None);
        }
        assert_eq!(Options::of_list("just a text"), None);
        assert_eq!(Options::of_list("[\"one\"]"), None);
    }
}
