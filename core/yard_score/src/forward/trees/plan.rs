//! Groups of small trees, laid out to be evaluated for many rows at once without a walk.
//!
//! All splits of a group that ask the same question (feature, threshold, direction of missing values)
//! are one test, whose answers are one bit per row. A tree then is a list of steps on such bits: which
//! rows reach a node and go right. A leaf has a code; going right at a node flips a few bits of the code,
//! so the code of each row's leaf comes out as one bit plane per bit, and a table gives its value.
//! Methods: Lucchese et al. (2015), "`QuickScorer`", doi:10.1145/2766462.2767733, for tests taken out of
//! the trees and leaves found by bits; Biham (1997), "A fast new DES implementation in software",
//! doi:10.1007/BFb0052352, for one row per bit.

use super::Lanes;
use crate::model::{CATEGORY_SPLIT, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// Bits of a leaf's code, so leaves of a tree that is planned: 256.
pub(super) const MAX_BITS: usize = 8;
pub(super) const MAX_LEAVES: usize = 1 << MAX_BITS;
/// Leaves below which a table fits into two vectors.
pub(super) const SMALL_TABLE: usize = 32;
/// Tests beyond which a group takes no more trees, so that the answers for its rows stay in the second-level cache.
const MAX_TESTS: usize = 6144;

/// What the splits of a group ask, each question once: is the value above a threshold, or a category
/// outside of a set? Yes goes right.
#[derive(Clone, Debug, Default)]
struct Questions {
    /// Lane, then the threshold in an order-preserving code.
    above: Vec<u64>,
    /// Lane, then the words of the set.
    outside: BTreeSet<(u32, Vec<u32>)>,
    /// Length of `above` when it was last found to be distinct.
    distinct: usize,
}

/// Thresholds of one lane: `first..end` of [`Group::thresholds`], which are the tests of these numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) lane: u32,
    pub(super) first: u32,
    pub(super) end: u32,
}

/// A category test: the set of codes that go left.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) lane: u32,
    /// Number of words, then the words.
    pub(super) words: Vec<u32>,
}

/// Rows of slot `from` that a test sends right move to slot `step + 1`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) test: u32,
    pub(super) from: u8,
}

/// One tree of a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) output: u32,
    pub(super) steps: (u32, u32),
    /// Planes of the code, up to [`MAX_BITS`].
    pub(super) bits: u32,
    /// Ends of the lists of flips, one for each plane; the first begins where the last plan ended.
    pub(super) flips: [u32; MAX_BITS + 1],
    /// First leaf value; at least [`SMALL_TABLE`] and at least 2^bits follow.
    pub(super) values: u32,
}

/// Trees with their tests.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) runs: Vec<Run>,
    pub(super) thresholds: Vec<f32>,
    /// Tests that follow those of the thresholds.
    pub(super) sets: Vec<Set>,
    pub(super) plans: Vec<Plan>,
    pub(super) steps: Vec<Step>,
    /// Steps that flip a plane.
    pub(super) flips: Vec<u8>,
    pub(super) values: Vec<f32>,
}

impl Group {
    pub(super) fn tests(&self) -> usize {
        self.thresholds.len() + self.sets.len()
    }
}

/// Divides trees into groups; returns those that are too large for one, too.
pub(super) fn groups(trees: &[Tree], lanes: Lanes) -> (Vec<Group>, Vec<&Tree>) {
    let (mut out, mut large) = (Vec::new(), Vec::new());
    let mut open: Vec<&Tree> = Vec::new();
    let mut questions = Questions::default();
    for tree in trees {
        if tree.leaf_value.len() > MAX_LEAVES {
            large.push(tree);
            continue;
        }
        questions.add(tree, lanes);
        open.push(tree);
        if questions.are_many() {
            out.push(group(&open, std::mem::take(&mut questions), lanes));
            open.clear();
        }
    }
    if !open.is_empty() {
        out.push(group(&open, questions, lanes));
    }
    (out, large)
}

fn above(tree: &Tree, node: usize, lanes: Lanes) -> u64 {
    // −0 is 0.
    let bits = (tree.threshold[node] + 0.0).to_bits();
    let code = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    u64::from(lanes.of(tree, node)) << 32 | u64::from(code)
}

fn outside(tree: &Tree, node: usize, lanes: Lanes) -> (u32, Vec<u32>) {
    let first = tree.threshold[node] as usize;
    let count = tree.category_words[first] as usize;
    (lanes.of(tree, node), tree.category_words[first..=first + count].to_vec())
}

impl Questions {
    fn add(&mut self, tree: &Tree, lanes: Lanes) {
        for node in 0..tree.feature.len() {
            if tree.flags[node] & CATEGORY_SPLIT == 0 {
                self.above.push(above(tree, node, lanes));
            } else {
                self.outside.insert(outside(tree, node, lanes));
            }
        }
    }

    /// Looks only when the number may have doubled, as sorting takes time.
    fn are_many(&mut self) -> bool {
        if self.above.len() < MAX_TESTS.max(2 * self.distinct) && self.outside.len() < MAX_TESTS {
            return false;
        }
        self.sort();
        self.above.len() + self.outside.len() > MAX_TESTS
    }

    fn sort(&mut self) {
        self.above.sort_unstable();
        self.above.dedup();
        self.distinct = self.above.len();
    }
}

fn group(trees: &[&Tree], mut questions: Questions, lanes: Lanes) -> Group {
    questions.sort();
    let mut out = Group::default();
    for question in &questions.above {
        let (lane, code) = ((question >> 32) as u32, *question as u32);
        out.thresholds.push(f32::from_bits(if code >> 31 == 1 { code & !(1 << 31) } else { !code }));
        let end = out.thresholds.len() as u32;
        match out.runs.last_mut() {
            Some(run) if run.lane == lane => run.end = end,
            _ => out.runs.push(Run { lane, first: end - 1, end }),
        }
    }
    let first = out.thresholds.len();
    let mut numbers = BTreeMap::new();
    for (number, (lane, words)) in questions.outside.into_iter().enumerate() {
        out.sets.push(Set { lane, words: words.clone() });
        numbers.insert((lane, words), first + number);
    }
    for tree in trees {
        plan(&mut out, tree, |node| {
            let number = if tree.flags[node] & CATEGORY_SPLIT == 0 {
                questions.above.binary_search(&above(tree, node, lanes)).ok()
            } else {
                numbers.get(&outside(tree, node, lanes)).copied()
            };
            number.unwrap_or(0) as u32
        });
    }
    out
}

/// Appends a tree, level by level. The left child keeps slot and code of its parent.
fn plan(group: &mut Group, tree: &Tree, test: impl Fn(usize) -> u32) {
    let leaves = tree.leaf_value.len();
    let bits = leaves.next_power_of_two().trailing_zeros();
    let (first_step, values) = (group.steps.len(), group.values.len());
    group.values.resize(values + SMALL_TABLE.max(1 << bits), 0.0);
    let mut used = vec![false; 1 << bits];
    used[0] = true;
    let mut flipped = Vec::with_capacity(leaves);
    let mut level = vec![(if tree.feature.is_empty() { -1 } else { 0 }, 0_u8, 0_usize)];
    let mut at = 0;
    while let Some(&(child, slot, code)) = level.get(at) {
        at += 1;
        let Ok(node) = usize::try_from(child) else {
            group.values[values + code] = tree.leaf_value[-(child + 1) as usize];
            continue;
        };
        group.steps.push(Step { test: test(node), from: slot });
        // A free code that differs in few bits.
        let near = (0..bits).map(|bit| code ^ 1 << bit).find(|near| !used[*near]);
        let free = (0..used.len()).filter(|code| !used[*code]);
        let right = near.or_else(|| free.min_by_key(|free| (free ^ code).count_ones())).unwrap_or(0);
        used[right] = true;
        flipped.push(right ^ code);
        level.push((tree.left[node], slot, code));
        level.push((tree.right[node], flipped.len() as u8, right));
    }
    let mut flips = [group.flips.len() as u32; MAX_BITS + 1];
    for plane in 0..MAX_BITS {
        let of_plane = flipped.iter().enumerate().filter(|(_, flipped)| *flipped >> plane & 1 == 1);
        group.flips.extend(of_plane.map(|(step, _)| step as u8));
        flips[plane + 1] = group.flips.len() as u32;
    }
    let steps = (first_step as u32, group.steps.len() as u32);
    group.plans.push(Plan { output: tree.output, steps, bits, flips, values: values as u32 });
}
