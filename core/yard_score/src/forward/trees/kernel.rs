//! Evaluates a [`Group`] for blocks of rows, `G` sets of 16. Answers, reach and codes are bits, one row
//! each; the order of rows within a word is the order of the block. Every instruction set gives the same
//! bits: comparisons and bit operations are exact, and so are sums of leaf values on the grid.

#![allow(clippy::inline_always, reason = "vector loops need the bodies inside")]

use super::{
    in_set,
    plan::{Group, MAX_BITS, MAX_LEAVES, Plan, SMALL_TABLE},
};
use crate::forward::simd::{Aligned, Level};

/// Rows per word.
pub(super) const WORD: usize = 16;

/// Values of 16 rows.
pub(super) type Tile = Aligned<[f32; WORD]>;

/// One bit for each row of a block.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(super) struct Bits<const G: usize>([u16; G]);

impl<const G: usize> Bits<G> {
    pub(super) const NONE: Self = Self([0; G]);
    const ALL: Self = Self([u16::MAX; G]);
}

/// Memory for the rows that reach each slot of a tree, and for those that each step sends right.
#[derive(Clone, Debug)]
pub(super) struct Reach<const G: usize> {
    slots: Box<[Bits<G>; MAX_LEAVES]>,
    right: Box<[Bits<G>; MAX_LEAVES]>,
}

impl<const G: usize> Default for Reach<G> {
    fn default() -> Self {
        Self { slots: Box::new([Bits::NONE; MAX_LEAVES]), right: Box::new([Bits::NONE; MAX_LEAVES]) }
    }
}

/// A block of rows on its way through a group.
pub(super) struct Block<'a, const G: usize> {
    /// `[lanes, G]`.
    pub(super) x: &'a [Tile],
    /// At least one for each test.
    pub(super) answers: &'a mut [Bits<G>],
    pub(super) reach: &'a mut Reach<G>,
    /// `[outputs, G]`, to which leaf values are added.
    pub(super) sums: &'a mut [Tile],
}

/// Adds the values of a group's trees.
pub(super) fn run<const G: usize>(level: Level, group: &Group, block: &mut Block<'_, G>) {
    answer_sets(group, block);
    match level {
        Level::Base => {
            answer(group, block, above_base);
            add_trees(group, block);
        }
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "calling functions with target features from one without them")]
        // SAFETY: a level is only made for a processor that has its instructions.
        Level::Avx2 => unsafe { x86::run_avx2(group, block) },
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "calling functions with target features from one without them")]
        // SAFETY: as above.
        Level::Avx512 => unsafe { x86::run_avx512(group, block) },
    }
}

/// Answers all threshold tests.
#[inline(always)]
fn answer<const G: usize>(group: &Group, block: &mut Block<'_, G>, above: impl Fn(&[f32; WORD], f32) -> u16) {
    for run in &group.runs {
        let (first, end) = (run.first as usize, run.end as usize);
        let from = run.lane as usize * G;
        let Some(x) = block.x[from..].first_chunk::<G>() else { return };
        for (threshold, out) in group.thresholds[first..end].iter().zip(&mut block.answers[first..end]) {
            for (x, out) in x.iter().zip(&mut out.0) {
                *out = above(&x.0, *threshold);
            }
        }
    }
}

#[inline(always)]
fn above_base(x: &[f32; WORD], threshold: f32) -> u16 {
    let mut bits = 0;
    for (lane, x) in x.iter().enumerate() {
        bits |= u16::from(*x > threshold) << lane;
    }
    bits
}

fn answer_sets<const G: usize>(group: &Group, block: &mut Block<'_, G>) {
    for (set, out) in group.sets.iter().zip(&mut block.answers[group.thresholds.len()..]) {
        let from = set.lane as usize * G;
        for (x, out) in block.x[from..from + G].iter().zip(&mut out.0) {
            *out = 0;
            for (lane, x) in x.0.iter().enumerate() {
                // Codes are finite, so −∞ is a missing value that goes left.
                *out |= u16::from(*x != f32::NEG_INFINITY && !in_set(&set.words, 0, *x)) << lane;
            }
        }
    }
}

/// Finds which rows each step of a tree sends right, and returns the planes of the leaves' codes.
#[inline(always)]
fn route<const G: usize>(
    group: &Group,
    plan: &Plan,
    answers: &[Bits<G>],
    reach: &mut Reach<G>,
) -> [Bits<G>; MAX_BITS] {
    let Reach { slots, right } = reach;
    slots[0] = Bits::ALL;
    let steps = &group.steps[plan.steps.0 as usize..plan.steps.1 as usize];
    for (number, (step, out)) in steps.iter().zip(right.iter_mut()).enumerate() {
        let answer = &answers[step.test as usize];
        let mut stays = slots[step.from as usize];
        let mut goes = Bits::NONE;
        for ((goes, stays), answer) in goes.0.iter_mut().zip(&mut stays.0).zip(&answer.0) {
            *goes = *stays & answer;
            *stays ^= *goes;
        }
        slots[step.from as usize] = stays;
        slots[(number + 1) % MAX_LEAVES] = goes;
        *out = goes;
    }
    let mut planes = [Bits::NONE; MAX_BITS];
    for (plane, ends) in planes.iter_mut().zip(plan.flips.windows(2)).take(plan.bits as usize) {
        let mut sum = Bits::NONE;
        for step in &group.flips[ends[0] as usize..ends[1] as usize] {
            for (sum, right) in sum.0.iter_mut().zip(&right[*step as usize].0) {
                *sum ^= right;
            }
        }
        *plane = sum;
    }
    planes
}

/// Adds each row's leaf value of one tree after the other.
#[inline(always)]
fn add_trees<const G: usize>(group: &Group, block: &mut Block<'_, G>) {
    for plan in &group.plans {
        let planes = route(group, plan, block.answers, block.reach);
        add_values(group, plan, &planes, block.sums);
    }
}

#[inline(always)]
fn add_values<const G: usize>(group: &Group, plan: &Plan, planes: &[Bits<G>; MAX_BITS], sums: &mut [Tile]) {
    let first = plan.values as usize;
    let table = &group.values[first..first + SMALL_TABLE.max(1 << plan.bits)];
    let from = plan.output as usize * G;
    for (word, sums) in sums[from..from + G].iter_mut().enumerate() {
        let mut codes = [0_u32; WORD];
        for (plane, bits) in planes.iter().enumerate().take(plan.bits as usize) {
            let bits = u32::from(bits.0[word]);
            for (lane, code) in codes.iter_mut().enumerate() {
                *code |= (bits >> lane & 1) << plane;
            }
        }
        for (sum, code) in sums.0.iter_mut().zip(codes) {
            *sum += table[code as usize];
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{
        Bits, Block, Group, MAX_BITS, Plan, SMALL_TABLE, Tile, WORD, add_trees, add_values, answer, route,
    };
    use crate::forward::simd::x86::{load8, load16, store16};
    use std::arch::x86_64::{
        _CMP_GT_OQ, _mm256_cmp_ps, _mm256_movemask_ps, _mm256_set1_ps, _mm512_add_ps, _mm512_cmp_ps_mask,
        _mm512_mask_or_epi32, _mm512_permutex2var_ps, _mm512_set1_epi32, _mm512_set1_ps,
        _mm512_setzero_si512,
    };

    #[target_feature(enable = "avx2")]
    pub(super) fn run_avx2<const G: usize>(group: &Group, block: &mut Block<'_, G>) {
        answer(group, block, |x, threshold| {
            let [low, high] = [load8(x, 0), load8(x, 8)].map(|x| {
                _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(x, _mm256_set1_ps(threshold))) as u16
            });
            low | high << 8
        });
        add_trees(group, block);
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2")]
    pub(super) fn run_avx512<const G: usize>(group: &Group, block: &mut Block<'_, G>) {
        answer(group, block, |x, threshold| {
            _mm512_cmp_ps_mask::<_CMP_GT_OQ>(load16(x), _mm512_set1_ps(threshold))
        });
        for plan in &group.plans {
            let planes = route(group, plan, block.answers, block.reach);
            if plan.bits <= SMALL_TABLE.trailing_zeros() {
                add_small(group, plan, &planes, block.sums);
            } else {
                add_values(group, plan, &planes, block.sums);
            }
        }
    }

    /// As [`add_values`], with the table in two vectors.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2")]
    fn add_small<const G: usize>(
        group: &Group,
        plan: &Plan,
        planes: &[Bits<G>; MAX_BITS],
        sums: &mut [Tile],
    ) {
        let (table, _) = group.values[plan.values as usize..].as_chunks::<WORD>();
        let [low, high, ..] = table else { return };
        let (low, high) = (load16(low), load16(high));
        let from = plan.output as usize * G;
        for (word, sums) in sums[from..from + G].iter_mut().enumerate() {
            let mut codes = _mm512_setzero_si512();
            for (plane, bits) in planes.iter().enumerate().take(5) {
                codes = _mm512_mask_or_epi32(codes, bits.0[word], codes, _mm512_set1_epi32(1 << plane));
            }
            let values = _mm512_permutex2var_ps(low, codes, high);
            store16(_mm512_add_ps(load16(&sums.0), values), &mut sums.0);
        }
    }
}
