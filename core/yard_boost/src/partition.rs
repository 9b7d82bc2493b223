//! Divides a node's rows by a split, keeping their order on both sides.
//!
//! Blocks of rows are divided on their own and then put together in block order, so the result does
//! not depend on the number of threads.

use crate::{
    quant::Entry,
    split_find::{LeftBins, goes_left, goes_left_wide},
};
use rayon::prelude::*;

/// Rows of a block that one thread divides.
const BLOCK: usize = 16_384;

/// Smallest room in the spare vector that is worth going on with.
const LEAST_SPARE: usize = 1024;

/// Something that stands for a row.
pub(crate) trait Row: Copy + Send + Sync {
    /// Its number.
    fn number(self) -> usize;
}

impl Row for u32 {
    #[inline]
    fn number(self) -> usize {
        self as usize
    }
}

impl Row for Entry {
    #[inline]
    fn number(self) -> usize {
        self.row()
    }
}

/// Puts the rows that go left to the front of `rows` and returns their number. `column` has a bin per
/// row of the matrix. `spare` may be shorter than `rows` (but not below [`LEAST_SPARE`] then): parts are
/// then divided one after another and turned around each other.
pub(crate) fn partition<R: Row>(rows: &mut [R], spare: &mut [R], column: &[u8], left: &LeftBins) -> usize {
    let mut table = [0_u8; 256];
    for (bin, entry) in table.iter_mut().enumerate() {
        *entry = u8::from(goes_left(left, bin as u8));
    }
    by(rows, spare, &|row: R| table[column[row.number()] as usize] as usize)
}

/// As [`partition`], by bins of a wide feature up to `last`.
pub(crate) fn partition_wide<R: Row>(
    rows: &mut [R],
    spare: &mut [R],
    column: &[u16],
    (left, last): (&LeftBins, u16),
) -> usize {
    by(rows, spare, &|row: R| usize::from(goes_left_wide(left, last, column[row.number()])))
}

fn by<R: Row>(rows: &mut [R], spare: &mut [R], goes: &(impl Fn(R) -> usize + Sync)) -> usize {
    if rows.len() <= 2 * BLOCK || rayon::current_num_threads() == 1 {
        return divide(rows, spare, goes);
    }
    divide_blocks(rows, spare, goes)
}

/// Divides blocks on all threads.
fn divide_blocks<R: Row>(rows: &mut [R], spare: &mut [R], goes: &(impl Fn(R) -> usize + Sync)) -> usize {
    if rows.len() > spare.len() {
        let middle = rows.len() / 2;
        let (first, second) = rows.split_at_mut(middle);
        let left = divide_blocks(first, spare, goes);
        let more = divide_blocks(second, spare, goes);
        rows[left..middle + more].rotate_left(middle - left);
        return left + more;
    }
    let spare = &mut spare[..rows.len()];
    let blocks = rows.par_chunks_mut(BLOCK).zip(spare.par_chunks_mut(BLOCK));
    let counts: Vec<usize> = blocks.map(|(rows, spare)| divide(rows, spare, goes)).collect();
    join(rows, spare, &counts)
}

/// Divides rows in place, in as many parts as `spare` asks for; `goes` says 1 for left and 0 for right.
pub(crate) fn divide<R: Row>(rows: &mut [R], spare: &mut [R], goes: impl Fn(R) -> usize) -> usize {
    let (mut start, mut lefts) = (0, 0);
    while start < rows.len() {
        let part = &mut rows[start..];
        let (mut left, mut right, mut at) = (0, 0, 0);
        while at < part.len() {
            let room = (spare.len() - right).min(part.len() - at);
            if room < LEAST_SPARE.min(part.len() - at) {
                break;
            }
            for slot in at..at + room {
                let row = part[slot];
                let to_left = goes(row);
                part[left] = row;
                spare[right] = row;
                left += to_left;
                right += 1 - to_left;
            }
            at += room;
        }
        part[left..at].copy_from_slice(&spare[..right]);
        rows[lefts..start + left].rotate_left(start - lefts);
        lefts += left;
        start += at;
    }
    lefts
}

/// Length of a spare vector for a number of rows: an eighth, as few nodes have more rows on their right.
pub(crate) fn spare_len(rows: usize) -> usize {
    (rows / 8).max(rows.min(4 * LEAST_SPARE))
}

/// Brings the left parts of all blocks to the front.
fn join<R: Row>(rows: &mut [R], spare: &mut [R], counts: &[usize]) -> usize {
    let total: usize = counts.iter().sum();
    let (mut lefts, mut rights) = spare.split_at_mut(total);
    let mut targets = Vec::with_capacity(counts.len());
    for (block, &count) in rows.chunks(BLOCK).zip(counts) {
        let (to_left, more) = lefts.split_at_mut(count);
        let (to_right, others) = rights.split_at_mut(block.len() - count);
        targets.push((to_left, to_right));
        (lefts, rights) = (more, others);
    }
    rows.par_chunks(BLOCK).zip(targets).for_each(|(block, (left, right))| {
        let (from_left, from_right) = block.split_at(left.len());
        left.copy_from_slice(from_left);
        right.copy_from_slice(from_right);
    });
    rows.par_chunks_mut(BLOCK).zip(spare.par_chunks(BLOCK)).for_each(|(to, from)| to.copy_from_slice(from));
    total
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn order_is_kept_on_both_sides_for_any_threads() {
        let column: Vec<u8> =
            (0..200_000_u32).map(|row| (row.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let set = [0x00ff_00ff_1234_5678, 1, 0xffff_0000_0000_ffff, 77];
        for (count, threads) in [(0, 1), (1, 1), (5000, 1), (100_000, 1), (100_000, 3), (40_000, 2)] {
            let mut rows: Vec<u32> = (0..count).map(|row| row * 2).collect();
            let (mut want, right): (Vec<u32>, Vec<u32>) =
                rows.iter().partition(|&&row| goes_left(&set, column[row as usize]));
            let left = want.len();
            want.extend(right);
            let mut short = vec![0; spare_len(rows.len())];
            let mut again = rows.clone();
            let mut spare = vec![0; rows.len()];
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let got = pool.install(|| partition(&mut rows, &mut spare, &column, &set));
            assert_eq!((got, &rows), (left, &want), "{count} rows, {threads} threads");
            let got = pool.install(|| partition(&mut again, &mut short, &column, &set));
            assert_eq!((got, again), (left, want), "{count} rows, {threads} threads, short");
        }
    }
}
