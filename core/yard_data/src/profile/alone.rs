//! How well one column alone tells the target: area under the ROC curve, or absolute rank correlation.
//!
//! Numbers are used as they are (either direction counts); words get the target's mean of the same word in
//! the other half of the rows, so that a column of unique words tells nothing. Missing cells are left out.
//! Area by rank sums (Mann and Whitney, 1947, doi:10.1214/aoms/1177730491); correlation after Spearman
//! (1904, doi:10.2307/1412159), ties with mean ranks.

use super::TargetView;
use super::column::as_number;
use yard_types::{
    frame::Task,
    table::{Column, TextColumn},
};

/// Most words of a column that is compared.
const MOST_WORDS: usize = 1_000;
/// Fewest rows of a comparison.
const FEWEST_ROWS: usize = 10;

/// Returns the figure of a column, `None` when it can't be computed.
pub(super) fn alone(column: &Column, view: &TargetView) -> Option<f64> {
    match column {
        Column::Text(text) if text.words.len() <= MOST_WORDS => words(text, view),
        Column::Text(_) => None,
        Column::Number(_) | Column::Instant(_) => numbers(column, view),
    }
}

fn numbers(column: &Column, view: &TargetView) -> Option<f64> {
    let known = |row: &u32| Some((as_number(column, *row as usize)?, *row));
    let (cells, rows): (Vec<f64>, Vec<u32>) = view.sample.iter().filter_map(known).unzip();
    if cells.len() < FEWEST_ROWS {
        return None;
    }
    let ranks = mean_ranks(&cells);
    if view.task == Task::Regression {
        let truth: Vec<f64> = rows.iter().map(|row| view.values[*row as usize]).collect();
        return correlation(&ranks, &mean_ranks(&truth)).map(f64::abs);
    }
    let mut sums = vec![(0.0, 0.0); view.classes.len()];
    for (rank, row) in ranks.iter().zip(&rows) {
        if let Some(sum) = sums.get_mut(view.codes[*row as usize] as usize) {
            *sum = (sum.0 + rank, sum.1 + 1.0);
        }
    }
    let total = cells.len() as f64;
    let areas: Vec<f64> = sums
        .iter()
        .filter(|(_, own)| *own > 0.0 && *own < total)
        .map(|(sum, own)| (sum - own * (own + 1.0) / 2.0) / (own * (total - own)))
        .map(|area| area.max(1.0 - area))
        .collect();
    mean_area(&areas, view)
}

fn mean_area(areas: &[f64], view: &TargetView) -> Option<f64> {
    let areas = if view.task == Task::Binary { areas.get(..1)? } else { areas };
    (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64)
}

/// Mean ranks from 1.
fn mean_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    order.sort_unstable_by(|a, b| {
        let (x, y) = (values[*a as usize] + 0.0, values[*b as usize] + 0.0);
        x.total_cmp(&y)
    });
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let value = values[order[start] as usize];
        let mut end = start + 1;
        while end < order.len() && values[order[end] as usize] == value {
            end += 1;
        }
        let rank = (start + 1 + end) as f64 / 2.0;
        for at in &order[start..end] {
            ranks[*at as usize] = rank;
        }
        start = end;
    }
    ranks
}

fn correlation(x: &[f64], y: &[f64]) -> Option<f64> {
    let n = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (a, b) in x.iter().zip(y) {
        let (a, b) = (a - mean_x, b - mean_y);
        xy += a * b;
        xx += a * a;
        yy += b * b;
    }
    (xx > 0.0 && yy > 0.0).then(|| xy / (xx * yy).sqrt())
}

fn words(text: &TextColumn, view: &TargetView) -> Option<f64> {
    let known: Vec<(u32, u32)> = view
        .sample
        .iter()
        .filter_map(|row| Some((*text.codes.get(*row as usize)?, *row)))
        .filter(|(code, _)| (*code as usize) < text.words.len())
        .collect();
    if known.len() < FEWEST_ROWS {
        return None;
    }
    if view.task == Task::Regression {
        return words_to_number(&known, text.words.len(), view);
    }
    let halves = [0, 1].map(|half| ClassCounts::of(&known, half, text.words.len(), view));
    let binary = view.task == Task::Binary;
    let classes = if binary { 1..2 } else { 0..view.classes.len() };
    let areas: Vec<f64> = classes.filter_map(|class| halves_area(&halves, class)).collect();
    mean_area(&areas, view)
}

/// A row's half by a bit of its hash.
fn half_of(row: u32) -> usize {
    (yard_types::rng::bits(0, 0x0061_6c6f_6e65, u64::from(row)) & 1) as usize
}

/// Rows of each word and class in one half.
struct ClassCounts {
    classes: usize,
    counts: Vec<f64>,
    totals: Vec<f64>,
}

impl ClassCounts {
    fn of(known: &[(u32, u32)], half: usize, words: usize, view: &TargetView) -> Self {
        let classes = view.classes.len();
        let mut out = Self { classes, counts: vec![0.0; words * classes], totals: vec![0.0; words] };
        for (word, row) in known.iter().filter(|(_, row)| half_of(*row) == half) {
            let class = view.codes[*row as usize] as usize;
            if class < classes {
                out.counts[*word as usize * classes + class] += 1.0;
                out.totals[*word as usize] += 1.0;
            }
        }
        out
    }

    fn own(&self, word: usize, class: usize) -> f64 {
        self.counts[word * self.classes + class]
    }

    /// Share of the class among the rows of a word, drawn to the share of all rows as one row more.
    fn shares(&self, class: usize) -> Vec<f64> {
        let all: f64 = self.totals.iter().sum();
        let own: f64 = (0..self.totals.len()).map(|word| self.own(word, class)).sum();
        let base = if all > 0.0 { own / all } else { 0.0 };
        (0..self.totals.len())
            .map(|word| (self.own(word, class) + base) / (self.totals[word] + 1.0))
            .collect()
    }
}

fn halves_area(halves: &[ClassCounts; 2], class: usize) -> Option<f64> {
    let areas: Vec<f64> =
        [0, 1].iter().filter_map(|at| area(&halves[*at], &halves[1 - *at].shares(class), class)).collect();
    (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64)
}

/// Area of the scores of words over the rows of one half.
fn area(half: &ClassCounts, scores: &[f64], class: usize) -> Option<f64> {
    let mut order: Vec<usize> = (0..scores.len()).filter(|word| half.totals[*word] > 0.0).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let (mut below, mut pairs, mut positives, mut at) = (0.0, 0.0, 0.0, 0);
    while at < order.len() {
        let score = scores[order[at]];
        let (mut own, mut other) = (0.0, 0.0);
        while at < order.len() && scores[order[at]] == score {
            own += half.own(order[at], class);
            other += half.totals[order[at]] - half.own(order[at], class);
            at += 1;
        }
        pairs += own * (below + other / 2.0);
        below += other;
        positives += own;
    }
    (positives > 0.0 && below > 0.0).then(|| pairs / (positives * below))
}

fn words_to_number(known: &[(u32, u32)], words: usize, view: &TargetView) -> Option<f64> {
    let mut sums = vec![[0.0_f64; 4]; words];
    let mut all = [0.0_f64; 4];
    for (word, row) in known {
        let (half, value) = (half_of(*row), view.values[*row as usize]);
        for sum in [&mut sums[*word as usize], &mut all] {
            sum[half * 2] += value;
            sum[half * 2 + 1] += 1.0;
        }
    }
    let mean = |sum: &[f64; 4], half: usize| {
        let base = all[half * 2] / all[half * 2 + 1].max(1.0);
        (sum[half * 2] + base) / (sum[half * 2 + 1] + 1.0)
    };
    let score = |(word, row): &(u32, u32)| mean(&sums[*word as usize], 1 - half_of(*row));
    let scores: Vec<f64> = known.iter().map(score).collect();
    let truth: Vec<f64> = known.iter().map(|(_, row)| view.values[*row as usize]).collect();
    correlation(&mean_ranks(&scores), &mean_ranks(&truth)).map(|found| found.max(0.0))
}
