use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rand::Rng;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::deal::deal;
use super::order::even_order;
use super::strata::strata;
use super::{similar_examples, Example, FixedPart};
use crate::random::generator;

/// How many examples go where.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct SplitPlan {
    /// Share of all examples used to choose prompts, over 0 and at most 1.
    pub train_share: f64,
    /// At most this many examples are used to choose prompts.
    pub train_limit: usize,
    /// Share of all examples held out, 0 to under 1.
    pub validation_share: f64,
    /// At most this many examples are held out.
    pub validation_limit: usize,
}

/// Which examples (by index) choose prompts, which only check the result, and
/// which do neither and may be shown inside a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Split {
    /// Examples whose loss chooses prompts, in scoring order.
    pub train: Vec<usize>,
    /// Held-out examples, never used for a choice.
    pub validation: Vec<usize>,
    /// The rest: demonstrations are taken from here, so that no prompt is
    /// scored on an example that it contains.
    pub pool: Vec<usize>,
}

impl Split {
    /// Whether it is one of `count` examples: none named twice, none beyond them.
    pub fn fits(&self, count: usize) -> bool {
        let all = self.train.iter().chain(&self.validation).chain(&self.pool);
        let mut seen = vec![false; count];
        all.into_iter().all(|&at| {
            seen.get_mut(at)
                .is_some_and(|seen| !std::mem::replace(seen, true))
        })
    }
}

/// Splits by chance, of which `seed` decides, keeping equal and nearly equal inputs
/// in one part. Each part has each label in proportion, as nearly as whole rows and
/// groups of such inputs allow, and so has every beginning of it; where answers do
/// not repeat, short and long ones take the place of labels.
///
/// Where the data itself says of examples which part they are in, these parts
/// are drawn from, and the rest is not used to check: shares are of each part then.
pub fn split(examples: &[Example], plan: &SplitPlan, seed: u64) -> Split {
    let part = |wanted: FixedPart| -> Vec<usize> {
        let indices = 0..examples.len();
        indices
            .filter(|&at| examples[at].part == Some(wanted))
            .collect()
    };
    let (train, validation) = (part(FixedPart::Train), part(FixedPart::Validation));
    if validation.is_empty() {
        let all: Vec<usize> = (0..examples.len()).collect();
        return draw(examples, &all, plan, seed);
    }
    // Examples without a part are training examples.
    let others = (0..examples.len()).filter(|at| examples[*at].part.is_none());
    let mut choosing: Vec<usize> = train.into_iter().chain(others).collect();
    choosing.sort_unstable();
    let choose = SplitPlan {
        train_share: 1.0,
        validation_share: 0.0,
        ..*plan
    };
    let check = SplitPlan {
        train_limit: plan.validation_limit,
        ..choose
    };
    let chosen = draw(examples, &choosing, &choose, seed);
    Split {
        validation: draw(examples, &validation, &check, seed).train,
        ..chosen
    }
}

/// Splits the examples `indices`.
fn draw(examples: &[Example], indices: &[usize], plan: &SplitPlan, seed: u64) -> Split {
    let total = indices.len();
    if total == 0 {
        return Split::default();
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let first = similar_examples(indices.iter().map(|&index| &examples[index]));
    for (at, first) in first.into_iter().enumerate() {
        groups.entry(first).or_default().push(at);
    }
    let kinds = strata(examples, indices);
    let wanted = |share: f64, limit: usize| {
        ((share * total as f64).round() as usize)
            .min(limit)
            .min(total)
    };
    let train = wanted(plan.train_share, plan.train_limit).max(1);
    let validation = wanted(plan.validation_share, plan.validation_limit).min(total - train);
    let goals = [train, validation, total - train - validation];
    let mut rng = generator(seed, &["split"]);
    let parts = deal(groups.into_values().collect(), &kinds, goals, &mut rng);
    let [train, validation, pool] = parts.map(|part| {
        let part = in_order(part, &kinds, &mut rng);
        part.into_iter().map(|at| indices[at]).collect()
    });
    Split {
        train,
        validation,
        pool,
    }
}

/// Rows in an order by chance in which each beginning is even.
fn in_order(mut rows: Vec<usize>, kinds: &[usize], rng: &mut impl Rng) -> Vec<usize> {
    rows.shuffle(rng);
    let mut of_kind: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for row in rows {
        of_kind.entry(kinds[row]).or_default().push(row);
    }
    let mut of_kind: Vec<Vec<usize>> = of_kind.into_values().collect();
    let counts: Vec<usize> = of_kind.iter().map(Vec::len).collect();
    even_order(&counts, rng)
        .into_iter()
        .filter_map(|kind| of_kind[kind].pop())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{fingerprint, Answer, LabelSet};
    use super::*;
    use proptest::prelude::*;

    fn example(input: &str, target: &str) -> Example {
        Example {
            input: input.into(),
            columns: BTreeMap::new(),
            answer: Answer::Supervised {
                targets: vec![target.into()],
            },
            row: 1,
            id: None,
            part: None,
            weight: None,
        }
    }

    fn plan(train: f64, validation: f64) -> SplitPlan {
        SplitPlan {
            train_share: train,
            train_limit: 1000,
            validation_share: validation,
            validation_limit: 1000,
        }
    }

    #[test]
    fn labels_keep_their_proportions_and_equal_inputs_one_side() {
        let examples: Vec<_> = (0..90)
            .map(|i| {
                example(
                    &format!("input {}", i / 2),
                    if i / 2 % 3 == 0 { "yes" } else { "no" },
                )
            })
            .collect();
        assert_eq!(LabelSet::detect(&examples).unwrap().labels, ["no", "yes"]);
        let parts = split(&examples, &plan(0.4, 0.4), 7);
        for part in [&parts.train, &parts.validation] {
            let yes = part
                .iter()
                .filter(|&&i| examples[i].answer.best() == "yes")
                .count();
            assert!((10..=14).contains(&yes), "{yes} of {}", part.len());
            for &index in part {
                assert!(part.contains(&(index ^ 1)));
            }
        }
        assert_eq!(parts, split(&examples, &plan(0.4, 0.4), 7));
        assert_ne!(parts, split(&examples, &plan(0.4, 0.4), 8));
    }

    #[test]
    fn parts_given_by_the_data_are_kept() {
        let mut examples: Vec<_> = (0..60)
            .map(|i| example(&format!("input {i}"), "x"))
            .collect();
        for (at, example) in examples.iter_mut().enumerate() {
            example.part = match at % 3 {
                0 => Some(FixedPart::Validation),
                1 => Some(FixedPart::Train),
                _ => None,
            };
        }
        let limited = SplitPlan {
            train_limit: 25,
            validation_limit: 15,
            ..plan(0.1, 0.1)
        };
        let parts = split(&examples, &limited, 3);
        assert_eq!((parts.train.len(), parts.validation.len()), (25, 15));
        assert!(parts.validation.iter().all(|at| at % 3 == 0));
        assert!(parts.train.iter().chain(&parts.pool).all(|at| at % 3 != 0));
    }

    #[test]
    fn long_or_single_targets_are_no_labels() {
        let many: Vec<_> = (0..50).map(|i| example("x", &format!("t{i}"))).collect();
        assert!(LabelSet::detect(&many).is_none());
        assert!(LabelSet::detect(&[example("a", "x"), example("b", "y")]).is_none());
        let long: Vec<_> = (0..9)
            .map(|_| example("x", "one two three four five"))
            .collect();
        assert!(LabelSet::detect(&long).is_none());
    }

    #[test]
    fn fingerprint_depends_on_content_only() {
        let mut a = vec![example("a", "x"), example("b", "y")];
        let before = fingerprint(&a);
        a[0].row = 77;
        assert_eq!(before, fingerprint(&a));
        a.swap(0, 1);
        assert_ne!(before, fingerprint(&a));
        assert_ne!(
            fingerprint(&[example("ab", "c")]),
            fingerprint(&[example("a", "bc")])
        );
    }

    proptest! {
        #[test]
        fn parts_are_disjoint_and_complete(n in 2_usize..80, train in 0.05_f64..0.6, held in 0.0_f64..0.4, seed: u64) {
            let examples: Vec<_> = (0..n).map(|i| example(&format!("{}", i % 37), ["a", "b"][i % 2])).collect();
            let parts = split(&examples, &plan(train, held), seed);
            let mut all: Vec<_> = parts.train.iter().chain(&parts.validation).chain(&parts.pool).copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..n).collect::<Vec<_>>());
            prop_assert!(!parts.train.is_empty());
        }
    }
}
