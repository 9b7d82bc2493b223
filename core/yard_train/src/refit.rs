//! The refit: after the validation rows have chosen the number of rounds or epochs and the calibration,
//! the kept settings are trained once more on training and validation rows together. Where these are few,
//! folds of them choose the number of boosting rounds ([`crate::refit_rounds`]).
//!
//! Leaks are kept out so: validation figures are those of the model before the refit, which did not see
//! these rows ([`crate::TrainOutput::selected`]); calibration is chosen on its scores; test rows take part
//! in neither. A run without test rows can't be refitted, as nothing would be left to measure the model
//! on. Method: retraining on all data with the settings that were chosen, as in Hastie, Tibshirani and
//! Friedman, 2009, "The Elements of Statistical Learning", 2nd edition, section 7.10.

use crate::{
    TrainError,
    fit::{Run, Trained},
    refit_rounds,
    target::Part,
};
use yard_types::run::{Family, Params};

/// Name of the hyperparameter that every family has.
pub(crate) const NAME: &str = "refit";

/// Takes `refit` out of hyperparameters; `None` when it isn't given.
pub(crate) fn take(params: &mut Params) -> Result<Option<bool>, TrainError> {
    let Some(text) = params.remove(NAME) else { return Ok(None) };
    match text.trim() {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        _ => Err(TrainError::BadParam {
            name: NAME.to_owned(),
            value: text,
            family: "every family",
            expected: "true or false".to_owned(),
        }),
    }
}

/// Trains the kept settings on `rows`, with the calibration of the model that was selected.
pub(crate) fn refit(
    run: &Run<'_>,
    family: Family,
    selected: &Trained,
    rows: &Part,
) -> Result<Trained, TrainError> {
    let fitted = &selected.fitted;
    let steps = refit_rounds::choose(run, (family, &fitted.params), rows)?.unwrap_or(fitted.steps);
    let params = fixed(family, &fitted.params, steps);
    let mut trained = run.fit_all(family, &params, rows, steps)?;
    trained.set_calibration(selected.parts.calibration.clone())?;
    Ok(trained)
}

/// Returns hyperparameters with the number of steps fixed.
fn fixed(family: Family, params: &Params, steps: u32) -> Params {
    let mut params = params.clone();
    let mut set = |name: &str, value: String| params.insert(name.to_owned(), value);
    match family {
        Family::Boosting => {
            set("trees", steps.max(1).to_string());
            set("early_stopping", "0".to_owned());
        }
        Family::Mlp | Family::Cnn | Family::Resnet | Family::Transformer | Family::Text => {
            set("patience", "0".to_owned());
        }
        Family::Linear | Family::Forest | Family::Scorecard | Family::Auto | Family::Ensemble => {}
    }
    params
}

/// Says what was done, for the run's notes and the recipe's lines.
/// `chosen_anew` is the number of rounds when folds chose it.
pub(crate) fn note(rows: usize, chosen_anew: Option<u32>) -> String {
    let rounds = chosen_anew
        .map_or_else(String::new, |rounds| format!(" and {rounds} rounds, the mean over 5 folds of them"));
    format!(
        "refitted on {rows} training and validation rows with the chosen settings{rounds}; validation figures \
         and calibration are of the model before that"
    )
}
