//! Sets of rows as ranges: all of ten million rows are one range.

/// A set of rows, as sorted ranges that do not touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSet {
    /// First row and one past the last.
    ranges: Vec<(usize, usize)>,
}

impl RowSet {
    /// The rows from `from` up to and without `to`.
    pub fn range(from: usize, to: usize) -> Self {
        Self { ranges: if from < to { vec![(from, to)] } else { Vec::new() } }
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.ranges.iter().map(|(from, to)| to - from).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether `row` is in the set.
    pub fn contains(&self, row: usize) -> bool {
        let after = self.ranges.partition_point(|(from, _)| *from <= row);
        after.checked_sub(1).and_then(|at| self.ranges.get(at)).is_some_and(|(_, to)| row < *to)
    }

    /// The ranges, ascending: first row and one past the last.
    pub fn ranges(&self) -> &[(usize, usize)] {
        &self.ranges
    }

    /// The rows, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.ranges.iter().flat_map(|(from, to)| *from..*to)
    }

    /// Adds the rows from `from` up to and without `to`.
    pub fn add(&mut self, from: usize, to: usize) {
        if from >= to {
            return;
        }
        self.remove(from, to);
        let at = self.ranges.partition_point(|range| range.0 < from);
        self.ranges.insert(at, (from, to));
        self.join();
    }

    /// Takes out the rows from `from` up to and without `to`.
    pub fn remove(&mut self, from: usize, to: usize) {
        if from >= to {
            return;
        }
        let mut left = Vec::with_capacity(self.ranges.len() + 1);
        for &(low, high) in &self.ranges {
            left.extend([(low, high.min(from)), (low.max(to), high)].into_iter().filter(|(a, b)| a < b));
        }
        self.ranges = left;
    }

    /// Adds `row` if it is out, takes it out if it is in.
    pub fn toggle(&mut self, row: usize) {
        if self.contains(row) {
            self.remove(row, row + 1);
        } else {
            self.add(row, row + 1);
        }
    }

    fn join(&mut self) {
        let mut joined: Vec<(usize, usize)> = Vec::with_capacity(self.ranges.len());
        for &(from, to) in &self.ranges {
            match joined.last_mut() {
                Some(last) if last.1 >= from => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        self.ranges = joined;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_behaves_like_a_list_of_flags() {
        let mut set = RowSet::default();
        let mut flags = [false; 64];
        let mut seed = 7_usize;
        for _ in 0..600 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (from, length) = ((seed >> 33) % 60, (seed >> 45) % 5);
            match (seed >> 55) % 3 {
                0 => set.add(from, from + length),
                1 => set.remove(from, from + length),
                _ => set.toggle(from),
            }
            let range = from..from + length;
            match (seed >> 55) % 3 {
                0 => flags[range].fill(true),
                1 => flags[range].fill(false),
                _ => flags[from] = !flags[from],
            }
            let wanted: Vec<usize> = (0..64).filter(|at| flags[*at]).collect();
            assert_eq!(set.iter().collect::<Vec<_>>(), wanted);
            assert_eq!(set.len(), wanted.len());
            assert!((0..64).all(|at| set.contains(at) == flags[at]));
            assert!(set.ranges().windows(2).all(|pair| pair[0].1 < pair[1].0), "no two ranges touch");
        }
    }

    #[test]
    fn ten_million_rows_are_one_range() {
        let mut all = RowSet::range(0, 10_000_000);
        all.toggle(5_000_000);
        assert_eq!((all.len(), all.ranges().len()), (9_999_999, 2));
    }
}
