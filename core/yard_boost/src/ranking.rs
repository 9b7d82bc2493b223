//! Learning to rank: rows of a query are ordered by their margin. Rows of one query stand together, and the
//! caller says how many each query has. Method: see [`crate::loss`].

use crate::{
    error::BoostError,
    loss::{LambdaRank, Queries},
    params::BoostParams,
    train::{Control, Round, TrainSet, Trained, train_with},
};

/// How to train a ranking.
#[derive(Clone, Debug)]
pub struct RankSpec<'a> {
    /// Rows of each query of the training part, in order.
    pub train_queries: &'a [u32],
    /// Rows of each query of the validation part.
    pub valid_queries: &'a [u32],
    /// Places of which at least one of a pair must be, at least 1; `LightGBM` takes 30.
    pub truncation: u32,
    /// Places that the reported NDCG looks at, at least 1.
    pub at: u32,
    /// Hyperparameters; their `objective` and `class_weight` are not looked at.
    pub params: BoostParams,
    /// Worker threads, at least 1; the model does not depend on it.
    pub threads: usize,
}

/// Trains an ensemble whose margins order the rows of a query, by `LambdaRank`. Targets are whole numbers in
/// 0..=30 with the gain `2^label − 1`. Losses are 1 − mean NDCG (a query without a gain counts 1), on all rows;
/// weights count in the gradients alone. Else as [`crate::train()`].
///
/// ```
/// use yard_boost::{BoostParams, Control, Features, RankSpec, TrainSet, train_ranking};
///
/// // 40 queries of 5 rows; the label rises with the feature.
/// let x: Vec<f32> = (0..200).map(|row| (row * 7 % 31) as f32).collect();
/// let y: Vec<f32> = x.iter().map(|x| (x / 11.0).floor()).collect();
/// let features = Features::new(vec![&x], vec![false])?;
/// let spec = RankSpec {
///     train_queries: &[5; 40],
///     valid_queries: &[],
///     truncation: 30,
///     at: 5,
///     params: BoostParams { trees: Some(20), ..BoostParams::default() },
///     threads: 1,
/// };
/// let set = TrainSet { features: &features, y: &y, weights: None };
/// let trained = train_ranking(set, None, &spec, &mut |_round| Control::Continue)?;
/// assert!(trained.train_loss < 1e-9, "every query is in order");
/// # Ok::<(), yard_boost::BoostError>(())
/// ```
pub fn train_ranking(
    train: TrainSet,
    valid: Option<TrainSet>,
    spec: &RankSpec,
    observer: &mut dyn FnMut(Round) -> Control,
) -> Result<Trained, BoostError> {
    for (name, value) in [("truncation", spec.truncation), ("at", spec.at)] {
        if value == 0 {
            let expected = "a number of places, at least 1".to_owned();
            return Err(BoostError::ParamValue { name: name.to_owned(), value: "0".to_owned(), expected });
        }
    }
    let loss = LambdaRank {
        train: Queries::new(spec.train_queries),
        valid: Queries::new(spec.valid_queries),
        truncation: spec.truncation as usize,
        at: spec.at as usize,
    };
    loss.train.check("training", train.y.len())?;
    if let Some(valid) = valid {
        loss.valid.check("validation", valid.y.len())?;
    }
    train_with(train, valid, (&loss, &spec.params, spec.threads), observer)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::data::Features;

    /// The formula of `fixtures/lambdarank.py`.
    fn data(rows: usize, first: usize) -> (Vec<Vec<f32>>, Vec<f32>) {
        let column = |factor: usize, modulus: usize, half: f32| -> Vec<f32> {
            (first..first + rows).map(|at| (at * factor % modulus) as f32 / half - 1.0).collect()
        };
        let x = vec![column(37, 101, 50.0), column(53, 97, 48.0), column(29, 89, 44.0)];
        let label = |row: usize| {
            let z = x[0][row] - x[1][row].abs() + x[2][row] * 0.3;
            [-1.0, -0.4, 0.2].iter().filter(|edge| z >= **edge).count() as f32
        };
        let y = (0..rows).map(label).collect();
        (x, y)
    }

    fn spec(threads: usize) -> RankSpec<'static> {
        let params = BoostParams {
            trees: Some(30),
            learning_rate: 0.1,
            leaves: 7,
            min_leaf: 5,
            feature_fraction: 1.0,
            bagging_fraction: 1.0,
            ..BoostParams::default()
        };
        RankSpec {
            train_queries: &[10; 60],
            valid_queries: &[20; 10],
            truncation: 30,
            at: 5,
            params,
            threads,
        }
    }

    #[test]
    fn a_fit_orders_as_well_as_lightgbms_for_any_number_of_threads() {
        let ((x, y), (vx, vy)) = (data(600, 0), data(200, 600));
        let features = Features::new(x.iter().map(|c| c.as_slice()).collect(), vec![false; 3]).unwrap();
        let held = Features::new(vx.iter().map(|c| c.as_slice()).collect(), vec![false; 3]).unwrap();
        let set = TrainSet { features: &features, y: &y, weights: None };
        let valid = TrainSet { features: &held, y: &vy, weights: None };
        let fit =
            |threads| train_ranking(set, Some(valid), &spec(threads), &mut |_| Control::Continue).unwrap();
        let alone = train_ranking(set, None, &spec(1), &mut |_| Control::Continue).unwrap();
        // LightGBM: 0.9986.
        assert!(1.0 - alone.train_loss > 0.995, "{}", alone.train_loss);
        let trained = fit(1);
        assert!(1.0 - trained.valid_loss.unwrap() > 0.97, "{:?}", trained.valid_loss);
        assert!(trained.curve[0].train_loss > trained.train_loss);
        assert_eq!(trained, fit(2));
        assert_eq!(trained, fit(8));
    }

    #[test]
    fn queries_must_cover_the_rows_and_labels_be_whole() {
        let (x, mut y) = data(600, 0);
        let features = Features::new(x.iter().map(|c| c.as_slice()).collect(), vec![false; 3]).unwrap();
        let fail = |y: &[f32], spec: &RankSpec| {
            let set = TrainSet { features: &features, y, weights: None };
            train_ranking(set, None, spec, &mut |_| Control::Continue).unwrap_err().to_string()
        };
        let short = RankSpec { train_queries: &[10; 59], ..spec(1) };
        assert!(fail(&y, &short).contains("590 values, expected 600"));
        assert!(fail(&y, &RankSpec { at: 0, ..spec(1) }).contains("at least 1"));
        y[7] = 1.5;
        assert!(fail(&y, &spec(1)).contains("row 7 is 1.5"));
        y[7] = 31.0;
        assert!(fail(&y, &spec(1)).contains("0..=30"));
    }
}
