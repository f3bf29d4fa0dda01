//! Runs laid over each other: a line a run, or a line a group of them.

use std::sync::Arc;

use crate::curve::Curve;
use crate::kinds::Place;

/// Places at which the mean of a group is taken at most.
const GROUP_PLACES: usize = 2000;

/// A run to be drawn.
#[derive(Debug, Clone)]
pub struct Source {
    /// Number of the run.
    pub run: i64,
    /// Its name.
    pub name: String,
    /// Its colour.
    pub colour: [u8; 3],
    /// Its curve; all of one picture are drawn in one style.
    pub curve: Arc<Curve>,
    /// What it is put together by, and the name of that group; runs of one group have the
    /// same.
    pub group: Option<(String, String)>,
    /// Equal where losses may be compared.
    pub ground: String,
}

/// A line of a picture: of a run, or of a group of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Name of the run or of the group.
    pub name: String,
    /// The runs in it.
    pub runs: Vec<i64>,
    /// Red, green and blue.
    pub colour: [u8; 3],
    /// Equal where losses may be compared.
    pub ground: String,
    /// Where it goes.
    pub curve: Arc<Curve>,
}

/// The lines of runs, in their order; groups stand where their first run stands.
/// Runs without a measured prompt give none.
pub fn lines(sources: Vec<Source>) -> Vec<Line> {
    let mut groups: Vec<Group> = Vec::new();
    for source in sources.into_iter().filter(|one| !one.curve.is_empty()) {
        let key = source.group.as_ref().map(|(key, _)| key.as_str());
        let same = |known: &&mut Group| key.is_some() && known.key() == key;
        match groups.iter_mut().find(same) {
            Some(known) => known.members.push(source),
            None => groups.push(Group {
                name: source.group.clone(),
                members: vec![source],
            }),
        }
    }
    groups.into_iter().map(Group::line).collect()
}

/// Runs put together; of a run by itself a group without a name.
struct Group {
    /// What they are put together by, and its name.
    name: Option<(String, String)>,
    /// At least one.
    members: Vec<Source>,
}

impl Group {
    fn key(&self) -> Option<&str> {
        self.name.as_ref().map(|(key, _)| key.as_str())
    }

    fn line(mut self) -> Line {
        let runs = self.members.iter().map(|one| one.run).collect();
        let curve = match self.name {
            Some(_) => {
                let curves: Vec<&Curve> = self.members.iter().map(|one| &*one.curve).collect();
                Arc::new(mean_of(&curves))
            }
            None => self.members[0].curve.clone(),
        };
        let first = self.members.swap_remove(0);
        Line {
            name: self.name.map_or(first.name, |(_, name)| name),
            runs,
            colour: first.colour,
            ground: first.ground,
            curve,
        }
    }
}

/// The mean of several curves, with the lowest and the highest of them. A curve that
/// has ended counts on with its last loss, so that no end looks like a change.
fn mean_of(members: &[&Curve]) -> Curve {
    let mut at: Vec<f64> = members
        .iter()
        .flat_map(|curve| curve.places().iter().map(|place| place.x))
        .collect();
    at.sort_by(f64::total_cmp);
    at.dedup();
    // More places than pixels: every so many, and the last one.
    let every = at.len().div_ceil(GROUP_PLACES).max(1);
    let last = at.len() - 1;
    let (mut places, mut band) = (Vec::new(), Vec::new());
    for (nth, &x) in at.iter().enumerate() {
        if nth % every != 0 && nth != last {
            continue;
        }
        let values: Vec<f64> = members
            .iter()
            .filter_map(|curve| Some(curve.places()[curve.nth_at(x)?].value))
            .collect();
        let value = mean(&values);
        places.push(Place {
            x,
            value,
            loss: value,
            ordinal: 0,
            step: 0,
            taken: false,
            dropped: false,
        });
        band.push((
            values.iter().copied().fold(f64::MAX, f64::min),
            values.iter().copied().fold(f64::MIN, f64::max),
        ));
    }
    let starts: Vec<f64> = members.iter().map(|curve| curve.start()).collect();
    let bests: Vec<f64> = members.iter().map(|curve| curve.best()).collect();
    Curve::of_group(members, places, band, (mean(&starts), mean(&bests)))
}

fn mean(values: &[f64]) -> f64 {
    pmpo_core::loss::mean(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::tests::{close, points};
    use crate::kinds::CurveStyle;

    fn source(run: i64, losses: &[f64], group: Option<&str>) -> Source {
        Source {
            run,
            name: "run".to_owned(),
            colour: [0, 0, 0],
            curve: Arc::new(Curve::of(&points(losses), &CurveStyle::default())),
            group: group.map(|key| (key.to_owned(), "group".to_owned())),
            ground: "g".to_owned(),
        }
    }

    #[test]
    fn a_group_is_the_mean_with_its_extremes() {
        let found = lines(vec![
            source(1, &[3.0, 3.0, 1.0], Some("p")),
            source(2, &[3.0, 3.0, 1.0], None),
            source(3, &[5.0, 5.0, 4.0, 4.0, 4.0], Some("p")),
        ]);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].runs, [1, 3]);
        assert_eq!(found[0].name, "group");
        let last = found[0].curve.readings().last().unwrap();
        assert!(close(last.x, 4.0) && close(last.value, 2.5));
        assert_eq!(last.band, Some((1.0, 4.0)));
        assert_eq!(last.prompt, None);
        assert!(close(found[0].curve.start(), 4.0));
        assert!(lines(vec![source(4, &[], None)]).is_empty());
    }
}
