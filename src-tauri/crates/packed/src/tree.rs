//! The prefix tree of a call's sequences, laid out in depth-first order.
//!
//! Every node is a run of tokens that the same set of sequences shares. Rows
//! (one per token to compute) are numbered in depth-first order, so a row's
//! ancestors come before it and the rows of a subtree are consecutive: any
//! consecutive stretch of rows can be one block of the forward pass, and what a
//! block needs of earlier ones is a single path of keys and values.

use std::ops::Range;

use crate::items::Item;

/// A run of consecutive rows without a branch inside.
#[derive(Debug)]
pub(crate) struct Node {
    pub parent: Option<usize>,
    pub rows: Range<usize>,
    /// Position in the sequence of the first row.
    pub position: usize,
}

/// A row whose output is asked for the probability of one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    pub row: usize,
    pub token: u32,
    pub item: usize,
    /// Index in the item's answer.
    pub index: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Token of every row.
    pub tokens: Vec<u32>,
    /// In depth-first order.
    pub nodes: Vec<Node>,
    /// Sorted by row.
    pub targets: Vec<Target>,
}

/// The tokens of one item that go through the model: all but the answer's last.
struct Sequence {
    item: usize,
    tokens: Vec<u32>,
    /// Positions whose rows predict an answer token.
    predicting: Range<usize>,
}

impl Tree {
    pub(crate) fn build(items: &[Item]) -> Tree {
        let mut sequences: Vec<Sequence> = items
            .iter()
            .enumerate()
            .filter(|(_, (before, answer))| !before.is_empty() && !answer.is_empty())
            .map(|(item, (before, answer))| {
                let tokens = [&before[..], &answer[..answer.len() - 1]].concat();
                let predicting = before.len() - 1..tokens.len();
                Sequence {
                    item,
                    tokens,
                    predicting,
                }
            })
            .collect();
        sequences.sort_by(|a, b| a.tokens.cmp(&b.tokens));

        let mut tree = Tree::default();
        // Groups still to lay out: the sequences, the tokens they already share
        // on the path, and the node that path ends in.
        let mut groups = vec![(0..sequences.len(), 0, None)];
        while let Some((group, position, parent)) = groups.pop() {
            let (Some(first), Some(last)) = (
                sequences[group.clone()].first(),
                sequences[group.clone()].last(),
            ) else {
                continue;
            };
            // Sorted, so what the first and last share is shared by all.
            let shared = first
                .tokens
                .iter()
                .zip(&last.tokens)
                .take_while(|(a, b)| a == b)
                .count();
            let node = match shared > position {
                true => Some(tree.push(&sequences, group.clone(), position..shared, parent, items)),
                false => parent,
            };
            let ended = sequences[group.clone()]
                .iter()
                .take_while(|s| s.tokens.len() == shared)
                .count();
            let mut end = group.end;
            // Last child first, because the stack turns the order round.
            while end > group.start + ended {
                let token = sequences[end - 1].tokens[shared];
                let rest = &sequences[group.start + ended..end];
                let size = rest
                    .iter()
                    .rev()
                    .take_while(|s| s.tokens[shared] == token)
                    .count();
                groups.push((end - size..end, shared, node));
                end -= size;
            }
        }
        tree.targets.sort_unstable();
        tree
    }

    /// Adds the node of `group` for `positions` and returns its index.
    fn push(
        &mut self,
        sequences: &[Sequence],
        group: Range<usize>,
        positions: Range<usize>,
        parent: Option<usize>,
        items: &[Item],
    ) -> usize {
        let row = self.tokens.len();
        self.tokens
            .extend(&sequences[group.start].tokens[positions.clone()]);
        for sequence in &sequences[group] {
            let Range { start, end } = sequence.predicting;
            for position in start.max(positions.start)..end.min(positions.end) {
                self.targets.push(Target {
                    row: row + position - positions.start,
                    token: items[sequence.item].1[position - start],
                    item: sequence.item,
                    index: position - start,
                });
            }
        }
        self.nodes.push(Node {
            parent,
            rows: row..self.tokens.len(),
            position: positions.start,
        });
        self.nodes.len() - 1
    }

    /// Tokens of the longest sequence to compute.
    pub(crate) fn longest_path(&self) -> usize {
        self.nodes
            .iter()
            .map(|node| node.position + node.rows.len())
            .max()
            .unwrap_or(0)
    }

    /// Rows that predict at least one answer token.
    pub(crate) fn predicting_rows(&self) -> usize {
        self.targets.chunk_by(|a, b| a.row == b.row).count()
    }

    /// Targets of the rows `rows`.
    pub(crate) fn targets_in(&self, rows: &Range<usize>) -> &[Target] {
        let start = self.targets.partition_point(|t| t.row < rows.start);
        let end = self.targets.partition_point(|t| t.row < rows.end);
        &self.targets[start..end]
    }
}

/// The part of a node that lies in one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    /// Rows, counted from the block's first.
    pub rows: Range<usize>,
    /// Position in the sequence of the first row.
    pub position: usize,
    /// The span before it on the path, where that lies in the block too.
    pub parent: Option<usize>,
    /// Positions `0 .. cached` of the path were computed by earlier blocks.
    pub cached: usize,
}

/// A consecutive stretch of rows that goes through the layers together.
#[derive(Debug)]
pub(crate) struct Block {
    /// Rows of the tree.
    pub rows: Range<usize>,
    pub spans: Vec<Span>,
    /// Rows (counted from the block's first) whose keys and values later blocks
    /// need, and their positions.
    pub kept: Vec<(Range<usize>, usize)>,
    /// Positions before that of the first row after the block; 0 after the last.
    pub path: usize,
}

impl Tree {
    /// Cuts the rows from `first` on into blocks of nearly equal size, of at most
    /// `most` rows.
    pub(crate) fn blocks(&self, first: usize, most: usize) -> Vec<Block> {
        let rows = self.tokens.len() - first;
        let count = rows.div_ceil(most);
        let start = |i: usize| first + rows * i / count;
        (0..count)
            .map(|i| self.block(start(i)..start(i + 1)))
            .collect()
    }

    fn block(&self, rows: Range<usize>) -> Block {
        let first = self
            .nodes
            .partition_point(|node| node.rows.end <= rows.start);
        let after = self
            .nodes
            .partition_point(|node| node.rows.start < rows.end);
        let mut spans: Vec<Span> = Vec::with_capacity(after - first);
        for node in &self.nodes[first..after] {
            let start = node.rows.start.max(rows.start);
            let end = node.rows.end.min(rows.end);
            let position = node.position + start - node.rows.start;
            let parent = node.parent.filter(|p| *p >= first).map(|p| p - first);
            let cached = parent.map_or(position, |p| spans[p].cached);
            let rows = start - rows.start..end - rows.start;
            spans.push(Span {
                rows,
                position,
                parent,
                cached,
            });
        }
        // The node of the first row after the block.
        let next = self.nodes.partition_point(|node| node.rows.end <= rows.end);
        let path = self.nodes.get(next).map_or(0, |node| {
            node.position + rows.end.saturating_sub(node.rows.start)
        });
        Block {
            kept: self.kept(&rows, next),
            path,
            rows,
            spans,
        }
    }

    /// The rows of a block on the path to the node `next`.
    fn kept(&self, rows: &Range<usize>, next: usize) -> Vec<(Range<usize>, usize)> {
        let mut kept = Vec::new();
        let mut index = (next < self.nodes.len()).then_some(next);
        while let Some(node) = index.map(|i| &self.nodes[i]) {
            let start = node.rows.start.max(rows.start);
            let end = node.rows.end.min(rows.end);
            if start < end {
                let position = node.position + start - node.rows.start;
                kept.push((start - rows.start..end - rows.start, position));
            }
            index = node.parent;
        }
        kept
    }
}
