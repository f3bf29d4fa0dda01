//! Whether splits are even: what chooses prompts and what checks them must be of
//! the same kind, or a run learns one thing and is judged by another.

use std::collections::{BTreeMap, BTreeSet};

use pmpo_core::dataset::{
    balance, split, Answer, Example, FixedPart, Split, SplitPart, SplitPlan, SplitWarning,
};
use pmpo_core::optimize::Preset;
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

/// So many rows of each label, one label after the other.
fn labelled(counts: &[usize]) -> Vec<Example> {
    let rows = |(label, &count): (usize, &usize)| {
        (0..count).map(move |row| example(&format!("row {row} of {label}"), &format!("l{label}")))
    };
    counts.iter().enumerate().flat_map(rows).collect()
}

fn parts(split: &Split) -> [&Vec<usize>; 3] {
    [&split.train, &split.validation, &split.pool]
}

/// Rows by label.
fn counts<'a>(examples: &'a [Example], rows: &[usize]) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for &row in rows {
        *counts.entry(examples[row].answer.best()).or_default() += 1;
    }
    counts
}

/// The furthest that a label is from its share, in each part, in rows.
fn furthest(examples: &[Example], split: &Split) -> [f64; 3] {
    let rows: Vec<usize> = (0..examples.len()).collect();
    let all = counts(examples, &rows);
    parts(split).map(|part| {
        let has = counts(examples, part);
        let off = |(label, &count): (&&str, &usize)| {
            let share = count as f64 * part.len() as f64 / examples.len() as f64;
            (*has.get(label).unwrap_or(&0) as f64 - share).abs()
        };
        all.iter().map(off).fold(0.0, f64::max)
    })
}

/// The furthest that a beginning of a part is from the part, in rows of a label.
fn unevenness(examples: &[Example], part: &[usize]) -> f64 {
    let all = counts(examples, part);
    let mut worst = 0.0_f64;
    for count in 1..=part.len() {
        let seen = counts(examples, &part[..count]);
        for (label, &rows) in &all {
            let share = (rows * count) as f64 / part.len() as f64;
            let has = *seen.get(label).unwrap_or(&0) as f64;
            worst = worst.max((has - share).abs());
        }
    }
    worst
}

fn sizes(rows: usize, plan: &SplitPlan) -> [usize; 2] {
    let size = |share: f64, limit: usize| ((share * rows as f64).round() as usize).min(limit);
    let train = size(plan.train_share, plan.train_limit).max(1);
    [
        train,
        size(plan.validation_share, plan.validation_limit).min(rows - train),
    ]
}

#[test]
fn ordinary_data_is_split_evenly_in_all_of_144_cases() {
    let mut cases = 0;
    for labels in 2..=5 {
        for rows in [20, 25, 30, 40, 50, 60, 75, 100, 125, 150, 200, 250] {
            for preset in [Preset::Quick, Preset::Standard, Preset::Thorough] {
                let examples = labelled(&vec![rows; labels]);
                let settings = preset.settings();
                let parts = split(&examples, &settings.split, settings.seed);
                let case = format!("{labels} labels of {rows} rows, {preset:?}");
                assert_eq!(
                    [parts.train.len(), parts.validation.len()],
                    sizes(examples.len(), &settings.split),
                    "{case}"
                );
                let off = furthest(&examples, &parts);
                assert!(off.iter().all(|off| *off < 1.0), "{case}: {off:?}");
                for part in self::parts(&parts) {
                    let uneven = unevenness(&examples, part);
                    assert!(uneven < 1.0, "{case}: {uneven}");
                }
                let judged = balance(&examples, &parts);
                assert_eq!(judged.labels.len(), labels);
                let uneven = |warning: &&SplitWarning| {
                    matches!(
                        warning,
                        SplitWarning::LabelMissing { .. } | SplitWarning::LabelUneven { .. }
                    )
                };
                assert_eq!(judged.warnings.iter().find(uneven), None, "{case}");
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 144);
}

#[test]
fn a_split_is_the_same_with_every_toolchain() {
    let plan = SplitPlan {
        train_share: 0.4,
        train_limit: 5,
        validation_share: 0.4,
        validation_limit: 5,
    };
    let parts = split(&labelled(&[9, 6]), &plan, 1);
    assert_eq!(parts.train, [1, 14, 7, 8, 9]);
    assert_eq!(parts.validation, [3, 6, 12, 11, 5]);
}

#[test]
fn one_stray_answer_does_not_take_the_labels_apart() {
    for stray in ["an answer of more than four words", "third"] {
        let mut examples = labelled(&[150, 100]);
        examples.push(example("something else", stray));
        let settings = Preset::Quick.settings();
        for seed in 0..20 {
            let parts = split(&examples, &settings.split, seed);
            let off = furthest(&examples, &parts);
            assert!(off.iter().all(|off| *off < 1.0 + 1e-9), "{stray}: {off:?}");
        }
    }
    // More answers than a label set may have, as counts of things are.
    let examples = labelled(&[14; 17]);
    let parts = split(&examples, &Preset::Standard.settings().split, 1);
    let off = furthest(&examples, &parts);
    assert!(off.iter().all(|off| *off < 1.0), "{off:?}");
}

#[test]
fn where_answers_do_not_repeat_each_part_has_long_and_short_ones() {
    let words = |count: usize| "word ".repeat(count);
    let free: Vec<Example> = (0..120)
        .map(|i| {
            example(
                &format!("row {i}"),
                &format!("{}{i}", words(1 + i * i / 200)),
            )
        })
        .collect();
    let preferred = free.iter().cloned().map(|example| Example {
        answer: Answer::Preference {
            chosen: example.answer.best().to_owned(),
            rejected: vec!["worse".into()],
        },
        ..example
    });
    for examples in [free.clone(), preferred.collect()] {
        let length = |row: &usize| examples[*row].answer.best().len();
        let mut lengths: Vec<usize> = (0..120).map(|row| length(&row)).collect();
        lengths.sort_unstable();
        for seed in 0..20 {
            let parts = split(&examples, &Preset::Quick.settings().split, seed);
            assert_eq!(balance(&examples, &parts).labels, []);
            for part in self::parts(&parts) {
                for fifth in 1..5 {
                    let shorter = |row: &&usize| length(row) < lengths[fifth * 24];
                    let has = part.iter().filter(shorter).count() as f64;
                    let share = (fifth * part.len()) as f64 / 5.0;
                    // Of each fifth less than a row.
                    assert!((has - share).abs() < 2.5, "{has} for {share}");
                    let first = part[..10].iter().filter(shorter).count() as f64;
                    assert!((first - fifth as f64 * 2.0).abs() < 3.0, "{first}");
                }
            }
        }
    }
}

#[test]
fn a_split_of_old_that_trained_on_one_label_is_told() {
    let examples = labelled(&[100, 100, 100]);
    let old = Split {
        train: (0..20).collect(),
        validation: (200..240).collect(),
        pool: (20..200).chain(240..300).collect(),
    };
    let judged = balance(&examples, &old);
    assert_eq!(
        (judged.train, judged.validation, judged.pool),
        (20, 40, 240)
    );
    let first = &judged.labels[0];
    assert_eq!(first.label, "l0");
    assert_eq!(
        (first.all, first.train, first.validation, first.pool),
        (100, 20, 0, 80)
    );
    let missing = |label: &str, part| SplitWarning::LabelMissing {
        label: label.into(),
        part,
    };
    let (train, validation) = (SplitPart::Train, SplitPart::Validation);
    assert_eq!(
        judged.warnings[..4],
        [
            missing("l0", validation),
            missing("l1", train),
            missing("l1", validation),
            missing("l2", train)
        ]
    );
    assert!(matches!(
        &judged.warnings[4..],
        [
            SplitWarning::LabelUneven { label: a, part: SplitPart::Train, has: 20, .. },
            SplitWarning::LabelUneven { label: b, part: SplitPart::Validation, has: 40, .. },
        ] if a == "l0" && b == "l2"
    ));
    let few = labelled(&[8, 8]);
    let judged = balance(&few, &split(&few, &Preset::Standard.settings().split, 1));
    assert_eq!(
        judged.warnings,
        [
            SplitWarning::FewHeldOut { rows: 6 },
            SplitWarning::FewTraining { rows: 6 }
        ]
    );
    // Rows that are gone do no harm.
    assert_eq!(balance(&few[..2], &old).train, 20);
    assert_eq!(balance(&[], &Split::default()).labels, []);
}

/// Groups of equal inputs: a label and a number of rows each.
fn grouped(groups: &[(usize, usize)]) -> Vec<Example> {
    let mut examples = Vec::new();
    for (number, &(label, rows)) in groups.iter().enumerate() {
        for row in 0..rows {
            let mark = ["", ".", " !"][row % 3];
            examples.push(example(
                &format!("text {number}{mark}"),
                &format!("l{label}"),
            ));
        }
    }
    examples
}

/// The numbers of the texts in the inputs of rows.
fn texts<'a>(examples: &'a [Example], rows: &[usize]) -> BTreeSet<&'a str> {
    let text = |&row: &usize| examples[row].input.trim_end_matches([' ', '.', '!']);
    rows.iter().map(text).collect()
}

fn is_whole_and_apart(examples: &[Example], split: &Split) -> Result<(), TestCaseError> {
    let mut all: Vec<usize> = parts(split).into_iter().flatten().copied().collect();
    all.sort_unstable();
    prop_assert_eq!(all, (0..examples.len()).collect::<Vec<_>>());
    let [a, b, c] = parts(split).map(|part| texts(examples, part));
    prop_assert!(a.is_disjoint(&b) && a.is_disjoint(&c) && b.is_disjoint(&c));
    prop_assert!(!split.train.is_empty());
    Ok(())
}

/// Labels with 1 to 40 groups each, of which most are single rows.
fn some_groups() -> impl Strategy<Value = Vec<(usize, usize)>> {
    let size = prop_oneof![6 => Just(1_usize), 2 => 2_usize..4, 1 => 4_usize..7];
    let label = prop::collection::vec(size, 1..40);
    prop::collection::vec(label, 1..7).prop_map(|labels| {
        let of =
            |(label, sizes): (usize, Vec<usize>)| sizes.into_iter().map(move |size| (label, size));
        labels.into_iter().enumerate().flat_map(of).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn labels_are_in_proportion_but_for_a_row_or_a_group(
        groups in some_groups(),
        weights in prop::collection::vec(0.1_f64..9.0, 1..5),
        preset in 0_usize..4,
        seed: u64,
    ) {
        let mut examples = grouped(&groups);
        let plan = Preset::ALL[preset].settings().split;
        let parts = split(&examples, &plan, seed);
        is_whole_and_apart(&examples, &parts)?;
        prop_assert_eq!(&parts, &split(&examples, &plan, seed));

        let largest = groups.iter().map(|(_, rows)| *rows).max().unwrap();
        for (has, wanted) in self::parts(&parts).iter().zip(sizes(examples.len(), &plan)) {
            prop_assert!(has.len().abs_diff(wanted) <= largest, "{} of {wanted}", has.len());
        }
        let mut of_label: BTreeMap<String, usize> = BTreeMap::new();
        for (label, rows) in &groups {
            let most = of_label.entry(format!("l{label}")).or_default();
            *most = (*most).max(*rows);
        }
        let rows: Vec<usize> = (0..examples.len()).collect();
        let all = counts(&examples, &rows);
        let goals = sizes(examples.len(), &plan);
        let goals = [goals[0], goals[1], examples.len() - goals[0] - goals[1]];
        for (part, goal) in self::parts(&parts).into_iter().zip(goals) {
            let has = counts(&examples, part);
            for (label, count) in &all {
                let share = (count * goal) as f64 / examples.len() as f64;
                let off = (*has.get(label).unwrap_or(&0) as f64 - share).abs();
                let most = of_label[*label];
                prop_assert!(off <= most as f64, "{label}: {off} rows off, groups of {most}");
            }
            prop_assert!(unevenness(&examples, part) < 1.0 + 1e-9);
        }

        // What rows weigh is no matter of the split.
        for (row, example) in examples.iter_mut().enumerate() {
            example.weight = Some(weights[row % weights.len()]);
        }
        prop_assert_eq!(parts, split(&examples, &plan, seed));
    }

    #[test]
    fn equal_inputs_with_several_labels_stay_together_and_about_even(
        rows in prop::collection::vec((0_usize..60, 0_usize..4), 30..250),
        preset in 0_usize..4,
        seed: u64,
    ) {
        let examples: Vec<Example> = rows
            .iter()
            .map(|(text, label)| example(&format!("text {text}"), &format!("l{label}")))
            .collect();
        let plan = Preset::ALL[preset].settings().split;
        let parts = split(&examples, &plan, seed);
        is_whole_and_apart(&examples, &parts)?;
        let mut largest: BTreeMap<usize, usize> = BTreeMap::new();
        for (text, _) in &rows {
            *largest.entry(*text).or_default() += 1;
        }
        let largest = largest.into_values().max().unwrap();
        for off in furthest(&examples, &parts) {
            prop_assert!(off <= largest as f64, "{off} rows off, groups of {largest}");
        }
        for (has, wanted) in self::parts(&parts).iter().zip(sizes(examples.len(), &plan)) {
            prop_assert!(has.len().abs_diff(wanted) <= largest);
        }
    }

    #[test]
    fn given_parts_are_kept_and_drawn_from_evenly(
        labels in prop::collection::vec((0_usize..4, 0_usize..3), 20..300),
        preset in 0_usize..4,
        seed: u64,
    ) {
        let mut examples = Vec::new();
        for (row, (label, part)) in labels.iter().enumerate() {
            examples.push(Example {
                part: [Some(FixedPart::Train), Some(FixedPart::Validation), None][*part],
                ..example(&format!("text {row}"), &format!("l{label}"))
            });
        }
        let checks = |row: usize| examples[row].part == Some(FixedPart::Validation);
        let (held, choosing): (Vec<usize>, Vec<usize>) = (0..examples.len()).partition(|&row| checks(row));
        prop_assume!(!held.is_empty() && !choosing.is_empty());
        let plan = Preset::ALL[preset].settings().split;
        let parts = split(&examples, &plan, seed);
        prop_assert_eq!(parts.validation.len(), held.len().min(plan.validation_limit));
        prop_assert_eq!(parts.train.len(), choosing.len().min(plan.train_limit));
        prop_assert_eq!(parts.train.len() + parts.pool.len(), choosing.len());
        prop_assert!(parts.validation.iter().all(|&row| checks(row)));
        prop_assert!(parts.train.iter().chain(&parts.pool).all(|&row| !checks(row)));
        for (part, from) in [(&parts.validation, &held), (&parts.train, &choosing)] {
            let (has, all) = (counts(&examples, part), counts(&examples, from));
            for (label, count) in all {
                let share = (count * part.len()) as f64 / from.len() as f64;
                let off = (*has.get(label).unwrap_or(&0) as f64 - share).abs();
                prop_assert!(off < 1.0 + 1e-9, "{label}: {off}");
            }
            prop_assert!(unevenness(&examples, part) < 1.0 + 1e-9);
        }
    }
}
