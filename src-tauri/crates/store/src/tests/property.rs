use super::*;
use proptest::prelude::*;

fn number() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
}

/// Losses small enough that their sum is finite, and no `-0.0`: SQLite keeps
/// whole numbers as integers, so that a zero loses its sign (see below).
fn loss() -> impl Strategy<Value = f64> {
    number().prop_map(|value| value % 1e100 + 0.0)
}

#[test]
fn a_zero_without_its_sign_is_still_equal() {
    let mut store = Store::open_in_memory().unwrap();
    let run = queued(&mut store);
    let event = scored(0, "one", Part::Train, &[-0.0, 0.0]);
    store.record(run, &event).unwrap();
    let found = store.score(run, 0, Part::Train).unwrap();
    assert_eq!(found, Some(score(&[-0.0, 0.0])));
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>(), 0..30).prop_map(String::from_iter)
}

fn count() -> impl Strategy<Value = TokenCount> {
    (any::<u32>(), any::<u32>())
        .prop_map(|(computed, reused)| tokens(computed.into(), reused.into()))
}

fn any_score() -> impl Strategy<Value = PromptScore> {
    let known = any::<(Option<bool>, Option<bool>, Option<bool>)>();
    let parts = proptest::option::of((loss(), loss()));
    let weight = prop_oneof![Just(1.0), 0.01..100.0];
    let example = (any::<u32>(), loss(), weight, known, parts).prop_map(
        |(index, loss, weight, (correct, asked, calibrated), parts)| ExampleLoss {
            correct,
            asked,
            calibrated,
            choice: parts.map(|parts| parts.0),
            form: parts.map(|parts| parts.1),
            weight,
            ..ExampleLoss::of(index as usize, loss)
        },
    );
    let dropped = (any::<u32>(), loss()).prop_map(|(of, estimate)| Dropped {
        of: of as usize,
        estimate,
    });
    let dropped = proptest::option::of(dropped);
    let examples = proptest::collection::vec(example, 1..6);
    (examples, count(), loss(), dropped).prop_map(|(examples, tokens, seconds, dropped)| {
        PromptScore {
            examples,
            tokens,
            seconds,
            dropped,
        }
    })
}

fn any_finding() -> impl Strategy<Value = SegmentFinding> {
    let verdict = prop_oneof![
        Just(SegmentVerdict::Helps),
        Just(SegmentVerdict::NoClearEffect),
        Just(SegmentVerdict::Hurts)
    ];
    let std_error = prop_oneof![4 => loss(), 1 => Just(f64::INFINITY)];
    (any::<u16>(), text(), loss(), std_error, verdict).prop_map(
        |(start, text, difference, std_error, verdict)| SegmentFinding {
            segment: Segment {
                range: start.into()..usize::from(start) + text.len(),
                text,
            },
            effect: Paired {
                difference,
                std_error,
            },
            verdict,
        },
    )
}

fn any_pair() -> impl Strategy<Value = PairLoss> {
    let known = any::<(Option<bool>, Option<bool>)>();
    // Bytes keep the sign of a zero.
    let options = proptest::collection::vec(number(), 0..5);
    (loss(), known, options, count(), loss()).prop_map(
        |(loss, (correct, asked), options, tokens, seconds)| PairLoss {
            loss,
            correct,
            asked,
            options,
            tokens,
            seconds,
        },
    )
}

/// Equal to the last bit: the debug form of a float names it exactly.
fn exact<T: std::fmt::Debug>(value: &T) -> String {
    format!("{value:?}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_written_is_what_is_read(
        texts in proptest::collection::btree_set(text(), 1..5),
        scores in proptest::collection::vec((any_score(), any_score()), 5),
        findings in proptest::collection::vec(any_finding(), 1..5),
        (written, purpose, cost, seconds) in (text(), text(), count(), loss()),
        cut in any::<bool>(),
        (step_loss, improved) in (loss(), any::<bool>()),
        ends in (loss(), loss()),
        twice in any::<bool>(),
    ) {
        let mut store = Store::open_in_memory().unwrap();
        let run = queued(&mut store);
        let texts: Vec<String> = texts.into_iter().collect();
        let key = key(&purpose);
        let finish = if cut { Finish::Length } else { Finish::Stop };
        let generated = Generated { text: written, tokens: cost, finish };
        let mut end = outcome(StopReason::Steps);
        (end.start_loss, end.best_loss) = ends;
        let mut events = vec![
            RunEvent::Generated { key: key.clone(), generated: generated.clone(), seconds },
            RunEvent::Analysed { step: 7, candidate: 0, findings: findings.clone() },
            RunEvent::StepDone { step: 7, incumbent: 1, loss: step_loss, improved },
        ];
        for ((ordinal, text), (train, validation)) in (0..).zip(&texts).zip(&scores) {
            for (part, score) in [(Part::Train, train), (Part::Validation, validation)] {
                let candidate = candidate(ordinal, text);
                events.push(RunEvent::Scored { candidate, part, score: score.clone() });
            }
        }
        events.push(RunEvent::Finished { outcome: end.clone() });
        for event in &events {
            store.record(run, event).unwrap();
            if twice {
                store.record(run, event).unwrap();
            }
        }

        let rows = store.candidates(run).unwrap();
        prop_assert_eq!(rows.len(), texts.len());
        for ((row, text), (train, validation)) in rows.iter().zip(&texts).zip(&scores) {
            prop_assert_eq!(&row.candidate, &candidate(row.candidate.ordinal, text));
            for (part, score, summary) in [
                (Part::Train, train, row.train),
                (Part::Validation, validation, row.validation),
            ] {
                let found = store.score(run, row.candidate.ordinal, part).unwrap().unwrap();
                prop_assert_eq!(exact(&found), exact(score));
                let summary = summary.unwrap();
                prop_assert_eq!(exact(&summary.loss), exact(&score.loss()));
                prop_assert_eq!(exact(&summary.std_error), exact(&score.std_error()));
                prop_assert_eq!(summary.accuracy, score.accuracy());
                prop_assert_eq!(summary.asked, score.asked());
                prop_assert_eq!(summary.calibrated, score.calibrated_accuracy());
                prop_assert_eq!(exact(&summary.choice), exact(&score.choice()));
                prop_assert_eq!(exact(&summary.form), exact(&score.form()));
                prop_assert_eq!(summary.tokens, score.tokens);
            }
        }
        let found = store.recall_generated(run, &key).unwrap().unwrap();
        prop_assert_eq!(exact(&found), exact(&(generated, seconds)));
        prop_assert_eq!(exact(&store.findings(run).unwrap()), exact(&[(7_u32, 0_u32, findings)]));
        let steps = store.steps(run).unwrap();
        prop_assert_eq!(exact(&(steps[0].loss, steps[0].improved)), exact(&(step_loss, improved)));
        prop_assert_eq!(exact(&store.run(run).unwrap().outcome), exact(&Some(end)));
        let total = texts.iter().zip(&scores).fold(cost, |mut sum, (_, (train, validation))| {
            sum += train.tokens;
            sum += validation.tokens;
            sum
        });
        prop_assert_eq!(store.run(run).unwrap().tokens, total);
    }

    #[test]
    fn pairs_that_are_kept_are_recalled(pairs in proptest::collection::vec(any_pair(), 1..6)) {
        let mut store = Store::open_in_memory().unwrap();
        let run = queued(&mut store);
        let keyed: Vec<(PairKey, PairLoss)> = (0..)
            .zip(pairs)
            .map(|(key, pair)| (PairKey([key; 16]), pair))
            .collect();
        store.keep_pairs(Some(run), &keyed).unwrap();
        let (keys, pairs): (Vec<PairKey>, Vec<PairLoss>) = keyed.into_iter().unzip();
        let found = store.recall_pairs(Some(run), &keys).unwrap();
        prop_assert_eq!(exact(&found), exact(&pairs.into_iter().map(Some).collect::<Vec<_>>()));
    }
}
