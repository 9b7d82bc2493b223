#![allow(clippy::unwrap_used)]
use super::*;
use crate::{
    loss::Objective,
    train::{
        TrainSet,
        tests::{Data, data},
        train,
    },
};

fn chunk(data: &Data, range: std::ops::Range<usize>) -> Features<'_> {
    let columns = data.columns.iter().map(|column| &column[range.clone()]).collect();
    Features::new(columns, (0..data.columns.len()).map(|f| f == 4).collect()).unwrap()
}

fn chunks(rows: usize, size: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..rows).step_by(size).map(move |start| start..(start + size).min(rows))
}

fn spec(class_weight: &str) -> TrainSpec {
    let text = [("trees", "12"), ("class_weight", class_weight), ("min_leaf", "20"), ("seed", "")];
    let params = text[..3].iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let params = BoostParams { seed: 5, ..BoostParams::from_params(&params).unwrap() };
    TrainSpec { objective: Objective::Binary, params, threads: 2 }
}

fn limits(rows: usize) -> StreamLimits {
    let categorical = (0..5).map(|f| f == 4).collect();
    StreamLimits::new(categorical, vec![], rows, &spec("none").params).unwrap()
}

fn matrix(bins: &StreamBins, data: &Data, size: usize) -> BinnedMatrix {
    let mut matrix = bins.matrix(data.y.len()).unwrap();
    chunks(data.y.len(), size).for_each(|range| matrix.add(&chunk(data, range)).unwrap());
    matrix.finish().unwrap()
}

/// Below and above the rows of the sample.
#[test]
fn the_model_is_that_of_the_whole_matrix_however_rows_are_divided() {
    for (rows, weight) in [(3_000, "balanced"), (210_000, "none")] {
        let (a, b) = (data(rows, 1, 2), data(2_000, 2, 2));
        let (features, held) = (a.features(), b.features());
        let spec = spec(weight);
        let set = TrainSet { features: &features, y: &a.y, weights: Some(&a.weights) };
        let valid = TrainSet { features: &held, y: &b.y, weights: None };
        let whole = train(set, Some(valid), &spec, &mut |_| Control::Continue).unwrap();
        for size in [rows, rows / 7 + 1, 997] {
            let mut limits = limits(rows);
            chunks(rows, size).for_each(|range| limits.add(&chunk(&a, range)).unwrap());
            let bins = limits.finish().unwrap();
            let own = BinnedSet { matrix: matrix(&bins, &a, size), y: &a.y, weights: Some(&a.weights) };
            let valid = BinnedSet { matrix: matrix(&bins, &b, 300), y: &b.y, weights: None };
            let streamed = train_binned(&bins, own, Some(valid), &spec, &mut |_| Control::Continue).unwrap();
            assert_eq!(streamed, whole, "{rows} rows in chunks of {size}");
        }
    }
}

#[test]
fn a_stream_of_other_rows_is_named() {
    let a = data(100, 1, 2);
    let fail = |result: Result<(), BoostError>| result.unwrap_err().to_string();
    let mut pass = limits(100);
    pass.add(&chunk(&a, 0..60)).unwrap();
    assert!(fail(pass.add(&chunk(&a, 0..60))).contains("beyond the 100 rows"));
    assert!(fail(pass.clone().finish().map(|_| ())).contains("ended after 60 of 100"));
    let numbers = Features::new(vec![&a.columns[0]; 5], vec![false; 5]).unwrap();
    assert!(fail(pass.add(&numbers)).contains("other category columns"));
    pass.add(&chunk(&a, 60..100)).unwrap();
    let bins = pass.finish().unwrap();
    assert!(fail(bins.matrix(50).unwrap().finish().map(|_| ())).contains("ended after 0 of 50"));
    assert!(fail(bins.matrix(0).map(|_| ())).contains("0 rows"));
    let short = BinnedSet { matrix: matrix(&bins, &a, 9), y: &a.y[1..], weights: None };
    let trained = train_binned(&bins, short, None, &spec("none"), &mut |_| Control::Continue);
    assert!(fail(trained.map(|_| ())).contains("99 values, expected 100"));
    let none = StreamLimits::new(vec![], vec![], 5, &spec("none").params);
    assert!(fail(none.map(|_| ())).contains("0 features"));
}
