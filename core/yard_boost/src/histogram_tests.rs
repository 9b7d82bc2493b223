#![allow(clippy::unwrap_used)]
use super::*;
use crate::{binned::Binners, data::Features, quant::Range};
use yard_types::rng;

/// Histogram by definition.
fn slow(data: &Binned, offsets: &[usize], quant: &Quant, rows: &[Entry]) -> Vec<Sum> {
    let mut out = vec![Sum::default(); *offsets.last().unwrap()];
    for feature in 0..offsets.len() - 1 {
        let column = data.column(feature as u32);
        for &entry in rows {
            let slot = &mut out[offsets[feature] + column[entry.row()] as usize];
            *slot = *slot + quant.unpack(quant.word(entry));
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
    let rows = 170_000_usize;
    let draw = |f: usize, row: usize| rng::uniform(3, f as u64, row as u64) as f32;
    let columns: Vec<Vec<f32>> = (0..12).map(|f| (0..rows).map(|row| draw(f, row)).collect()).collect();
    let features = Features::new(columns.iter().map(|c| c.as_slice()).collect(), vec![false; 12]).unwrap();
    let binners = Binners::find(&features, 63, 0);
    let data = binners.apply(&features);
    let quant = Quant::new(rows, Range { gradient: 1.0, hessian: 0.25, constant: false });
    let entry = |row: u32| {
        let g = rng::uniform(4, 0, row.into()) * 2.0 - 1.0;
        Entry::new(row, quant.pair(g, 0.25 * g.abs()))
    };
    let all: Vec<Entry> = (0..rows as u32).map(entry).collect();
    let (left, right): (Vec<Entry>, Vec<Entry>) = all.iter().partition(|entry| entry.row() % 5 == 0);
    let used: Vec<u32> = (0..12).collect();
    for threads in [1, 2, 5] {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let pool = Pool::default();
            let source = Source { data: &data, offsets: &binners.offsets, features: &used, pool: &pool };
            let builder = Histograms::new(source, quant);
            let parent = builder.build(&all);
            let child = builder.build(&left);
            let expected = |rows: &[Entry]| slow(&data, &binners.offsets, &quant, rows);
            assert_eq!(unpacked(&builder, &parent), expected(&all));
            assert_eq!(unpacked(&builder, &child), expected(&left));
            assert!(matches!((&parent, &child), (Hist::Sums(_), Hist::Words(_))));
            let other = builder.subtract(parent, &child, right.len());
            assert_eq!(unpacked(&builder, &other), expected(&right));
            let (some, rest) = right.split_at(100_000);
            let shrunk = builder.subtract(other, &builder.build(some), rest.len());
            assert!(matches!(shrunk, Hist::Words(_)));
            assert_eq!(unpacked(&builder, &shrunk), expected(rest));
            let last = builder.subtract(shrunk, &builder.build(&rest[..100]), rest.len() - 100);
            assert_eq!(unpacked(&builder, &last), expected(&rest[100..]));
        });
    }
}
