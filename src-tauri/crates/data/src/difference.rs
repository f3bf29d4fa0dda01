//! What changed between two states of the same data.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use pmpo_core::dataset::Example;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Rows of the new state (from 1, of the removed ones: of the old).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
pub struct Difference {
    /// Rows that are new.
    pub added: Vec<usize>,
    /// Rows that are there no more.
    pub removed: Vec<usize>,
    /// Rows with other content.
    pub edited: Vec<usize>,
}

impl Difference {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.edited.is_empty()
    }
}

/// What is compared of an example.
struct Row {
    number: usize,
    content: u64,
    name: Option<u64>,
}

fn hash(value: &impl std::hash::Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

fn rows(examples: impl Iterator<Item = Example>) -> Vec<Row> {
    examples
        .map(|example| Row {
            number: example.row,
            content: hash(&(
                &example.input,
                &example.answer,
                &example.columns,
                example.part,
                example.weight.map(f64::to_bits),
            )),
            name: example.id.as_ref().map(hash),
        })
        .collect()
}

/// Compares two states. Rows with a name are compared by name. Others are the
/// same where their content is; between rows that stayed, as many new rows as
/// there were old ones count as edited.
pub fn difference(
    old: impl Iterator<Item = Example>,
    new: impl Iterator<Item = Example>,
) -> Difference {
    let (old, new) = (rows(old), rows(new));
    let named = |rows: &[Row]| {
        let mut names = HashSet::new();
        rows.iter()
            .all(|row| row.name.is_some_and(|name| names.insert(name)))
    };
    match named(&old) && named(&new) {
        true => by_name(&old, &new),
        false => by_content(&old, &new),
    }
}

fn by_name(old: &[Row], new: &[Row]) -> Difference {
    let mut known: HashMap<Option<u64>, &Row> = old.iter().map(|row| (row.name, row)).collect();
    let mut found = Difference::default();
    for row in new {
        match known.remove(&row.name) {
            None => found.added.push(row.number),
            Some(before) if before.content != row.content => found.edited.push(row.number),
            Some(_) => {}
        }
    }
    found.removed = known.into_values().map(|row| row.number).collect();
    found.removed.sort_unstable();
    found
}

fn by_content(old: &[Row], new: &[Row]) -> Difference {
    let mut places: HashMap<u64, VecDeque<usize>> = HashMap::new();
    for (at, row) in old.iter().enumerate() {
        places.entry(row.content).or_default().push_back(at);
    }
    // For each new row the old row that it is.
    let same: Vec<Option<usize>> = new
        .iter()
        .map(|row| places.get_mut(&row.content).and_then(VecDeque::pop_front))
        .collect();
    let mut stayed = vec![false; old.len()];
    for at in same.iter().flatten() {
        stayed[*at] = true;
    }
    let mut found = Difference::default();
    let mut gap: Vec<usize> = Vec::new();
    let mut next_old = 0;
    let mut close = |gap: &mut Vec<usize>, until: usize, next_old: &mut usize| {
        let gone: Vec<usize> = (*next_old..until.max(*next_old))
            .filter(|at| !stayed[*at])
            .collect();
        *next_old = until.max(*next_old);
        let pairs = gone.len().min(gap.len());
        found.edited.extend(gap.drain(..pairs));
        found.added.append(gap);
        found
            .removed
            .extend(gone[pairs..].iter().map(|at| old[*at].number));
    };
    for (row, before) in new.iter().zip(&same) {
        match before {
            Some(at) => close(&mut gap, *at, &mut next_old),
            None => gap.push(row.number),
        }
    }
    close(&mut gap, old.len(), &mut next_old);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use pmpo_core::dataset::Answer;

    fn examples<'a>(texts: &'a [&'a str]) -> impl Iterator<Item = Example> + 'a {
        texts.iter().enumerate().map(|(at, text)| {
            let (id, text) = text
                .split_once('=')
                .map_or((None, *text), |(id, text)| (Some(id), text));
            Example {
                input: text.to_owned(),
                columns: Default::default(),
                answer: Answer::Supervised {
                    targets: vec!["x".to_owned()],
                },
                row: at + 1,
                id: id.map(str::to_owned),
                part: None,
                weight: None,
            }
        })
    }

    fn between(old: &[&str], new: &[&str]) -> (Vec<usize>, Vec<usize>, Vec<usize>) {
        let found = difference(examples(old), examples(new));
        (found.added, found.removed, found.edited)
    }

    #[test]
    fn rows_are_added_removed_and_edited() {
        let none = (vec![], vec![], vec![]);
        assert_eq!(between(&["a", "b"], &["a", "b"]), none);
        assert_eq!(between(&["a", "b"], &["b", "a"]), none);
        assert_eq!(between(&["a", "b", "c"], &["a", "b", "c", "d"]).0, [4]);
        assert_eq!(between(&["a", "b", "c"], &["a", "c"]).1, [2]);
        assert_eq!(between(&["a", "b", "c"], &["a", "B", "c"]).2, [2]);
        assert_eq!(
            between(&["a", "b"], &["new", "a", "b", "B"]),
            (vec![1, 4], vec![], vec![])
        );
        assert_eq!(between(&[], &["a"]).0, [1]);
        assert_eq!(between(&["a", "a"], &["a"]).1.len(), 1);
    }

    #[test]
    fn names_go_before_places() {
        let found = between(&["1=a", "2=b", "3=c"], &["3=c", "4=d", "1=A"]);
        assert_eq!(found, (vec![2], vec![2], vec![3]));
    }
}
