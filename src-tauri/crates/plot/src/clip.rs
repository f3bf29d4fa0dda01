//! Lines as they are seen: stairs, and what lies within the axes.

use crate::axis::Axis;

/// A line on which each loss holds until the next point.
pub(crate) fn stairs(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::new();
    for &(x, y) in points {
        match out.last().copied() {
            // Level stretches are one line.
            Some((_, before)) if before.to_bits() == y.to_bits() => {
                let level = out.len() > 1 && out[out.len() - 2].1.to_bits() == y.to_bits();
                if level {
                    out.pop();
                }
            }
            Some((_, before)) => out.push((x, before)),
            None => {}
        }
        out.push((x, y));
    }
    out
}

/// The parts of a line within the axes. Lines are straight in pixels.
pub(crate) fn clipped(line: &[(f64, f64)], x: &Axis, y: &Axis) -> Vec<Vec<(f64, f64)>> {
    let (across, up) = (x.ends(), y.ends());
    let value = |at: f64| if y.log { 10_f64.powf(at) } else { at };
    let mut out: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut end: Option<(f64, f64)> = None;
    for pair in line.windows(2) {
        let [a, b] = [pair[0], pair[1]].map(|(at, loss)| (at, y.place(loss)));
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        // Liang and Barsky: how far along the stretch it enters and leaves.
        let (mut enters, mut leaves) = (0.0_f64, 1.0_f64);
        let mut outside = false;
        let edges = [
            (-dx, a.0 - across.start),
            (dx, across.end - a.0),
            (-dy, a.1 - up.start),
            (dy, up.end - a.1),
        ];
        for (step, room) in edges {
            if step.abs() < f64::MIN_POSITIVE {
                outside |= room < 0.0;
            } else if step < 0.0 {
                enters = enters.max(room / step);
            } else {
                leaves = leaves.min(room / step);
            }
        }
        if outside || enters > leaves {
            end = None;
            continue;
        }
        let at = |share: f64| (a.0 + share * dx, value(a.1 + share * dy));
        let whole = enters <= 0.0 && end == Some(pair[0]);
        match out.last_mut().filter(|_| whole) {
            Some(piece) => piece.push(if leaves < 1.0 { at(leaves) } else { pair[1] }),
            None => out.push(vec![
                if enters > 0.0 { at(enters) } else { pair[0] },
                if leaves < 1.0 { at(leaves) } else { pair[1] },
            ]),
        }
        end = (leaves >= 1.0).then_some(pair[1]);
    }
    // A single point is drawn as a short level.
    if let ([(at, loss)], true) = (line, out.is_empty()) {
        if x.shows(*at) && y.shows(*loss) {
            let half = 0.004 * (x.high - x.low);
            out.push(vec![
                (x.clamp(at - half), *loss),
                (x.clamp(at + half), *loss),
            ]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(low: f64, high: f64) -> Axis {
        Axis {
            low,
            high,
            log: false,
        }
    }

    #[test]
    fn lines_are_cut_at_the_edges_and_go_on_inside() {
        let (x, y) = (axis(0.0, 10.0), axis(0.0, 10.0));
        let there_and_back = [(2.0, 5.0), (4.0, 15.0), (6.0, 5.0), (8.0, 5.0)];
        let pieces = clipped(&there_and_back, &x, &y);
        assert_eq!(
            pieces,
            [
                vec![(2.0, 5.0), (3.0, 10.0)],
                vec![(5.0, 10.0), (6.0, 5.0), (8.0, 5.0)]
            ]
        );
        assert!(clipped(&[(20.0, 1.0), (30.0, 2.0)], &x, &y).is_empty());
        assert_eq!(clipped(&[(5.0, 5.0)], &x, &y).len(), 1);
        // Through the picture with both ends outside.
        let through = clipped(&[(-5.0, 5.0), (15.0, 5.0)], &x, &y);
        assert_eq!(through, [vec![(0.0, 5.0), (10.0, 5.0)]]);
        // On a logarithmic axis too, where halfway is the geometric mean.
        let log = Axis {
            low: 1.0,
            high: 100.0,
            log: true,
        };
        let piece = &clipped(&[(0.0, 1.0), (10.0, 10_000.0)], &x, &log)[0];
        assert!((piece[1].0 - 5.0).abs() < 1e-9 && (piece[1].1 - 100.0).abs() < 1e-9);
    }

    #[test]
    fn stairs_keep_corners_only() {
        let way = stairs(&[(0.0, 3.0), (1.0, 3.0), (2.0, 3.0), (3.0, 1.0), (9.0, 1.0)]);
        let corners = [(0.0, 3.0), (2.0, 3.0), (3.0, 3.0), (3.0, 1.0), (9.0, 1.0)];
        assert_eq!(way, corners);
    }
}
