#![allow(clippy::unwrap_used)]
use super::*;
use crate::{binned::Binners, data::Features, quant::Range};
use yard_types::rng;

/// Histogram by definition.
fn slow(data: &Binned, offsets: &[usize], quant: &Quant, words: &[u64], rows: &[u32]) -> Vec<Sum> {
    let mut out = vec![Sum::default(); *offsets.last().unwrap()];
    for (feature, column) in data.columns.iter().enumerate() {
        for &row in rows {
            let slot = &mut out[offsets[feature] + column[row as usize] as usize];
            *slot = *slot + quant.unpack(words[row as usize]);
        }
    }
    out
}

fn unpacked(builder: &Histograms, hist: &Hist) -> Vec<Sum> {
    match hist {
        Hist::Words(words) => words.iter().map(|&w| builder.quant.unpack(w)).collect(),
        Hist::Sums(sums) => sums.clone(),
    }
}

#[test]
fn sums_are_those_of_the_definition_for_any_threads_and_children_add_up() {
    let rows = 90_000_usize;
    let draw = |f: usize, row: usize| rng::uniform(3, f as u64, row as u64) as f32;
    let columns: Vec<Vec<f32>> = (0..10).map(|f| (0..rows).map(|row| draw(f, row)).collect()).collect();
    let features = Features::new(columns.iter().map(|c| c.as_slice()).collect(), vec![false; 10]).unwrap();
    let binners = Binners::find(&features, 63, 0);
    let data = binners.apply(&features);
    let quant = Quant::new(rows, Range { gradient: 1.0, hessian: 0.25, constant: false });
    let words: Vec<u64> = (0..rows)
        .map(|row| {
            let g = rng::uniform(4, 0, row as u64) * 2.0 - 1.0;
            quant.pack(g, 0.25 * g.abs())
        })
        .collect();
    let all: Vec<u32> = (0..rows as u32).collect();
    let (left, right): (Vec<u32>, Vec<u32>) = all.iter().partition(|&&row| row % 5 == 0);
    let used: Vec<u32> = (0..10).collect();
    for threads in [1, 2, 5] {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let pool = Pool::default();
            let source = Source {
                data: &data,
                offsets: &binners.offsets,
                features: &used,
                gradients: &words,
                pool: &pool,
            };
            let builder = Histograms::new(source, quant);
            let parent = builder.build(&all);
            let child = builder.build(&left);
            let expected = |rows: &[u32]| slow(&data, &binners.offsets, &quant, &words, rows);
            assert_eq!(unpacked(&builder, &parent), expected(&all));
            assert_eq!(unpacked(&builder, &child), expected(&left));
            assert!(matches!((&parent, &child), (Hist::Sums(_), Hist::Words(_))));
            let other = builder.subtract(parent, &child, right.len());
            assert_eq!(unpacked(&builder, &other), expected(&right));
            let (some, rest) = right.split_at(60_000);
            let shrunk = builder.subtract(other, &builder.build(some), rest.len());
            assert!(matches!(shrunk, Hist::Words(_)));
            assert_eq!(unpacked(&builder, &shrunk), expected(rest));
            let last = builder.subtract(shrunk, &builder.build(&rest[..100]), rest.len() - 100);
            assert_eq!(unpacked(&builder, &last), expected(&rest[100..]));
        });
    }
}
