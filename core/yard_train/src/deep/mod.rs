//! Deep nets: the transformer over fields, the residual net and the text encoder, trained in candle on the CPU and
//! kept as the scorer's list of operations. Numbers drawn come from the counter generator, and sums that
//! threads share are added in a fixed order, so that a second run gives the same bits.

mod attention;
mod build;
mod learner;
mod net;
mod ops;
mod params;
mod parts;
mod pointwise;
mod sequence;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_tests;

pub(crate) use params::names;

use crate::{
    TrainError,
    encoder::{self, Pretrained},
    fit::{FitData, Fitted},
    mlp::{self, Course, End, Follower, NetRows, Place},
    target::Part,
};
use learner::{DeepLearner, Rows, candle};
use net::Net;
use params::DeepParams;
use parts::Parts;
use yard_score::{
    encode::DENSE_LIMIT,
    model::{Calibration, Link, Model},
};
use yard_types::run::Params;

/// Families of deep nets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Transformer over the fields of a row.
    Transformer,
    /// Residual net.
    Resnet,
    /// Transformer encoder over texts, joined with the other columns.
    Text,
}

impl Kind {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 2] = [Self::Transformer, Self::Resnet];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Transformer => "transformer",
            Self::Resnet => "resnet",
            Self::Text => "text",
        }
    }
}

/// Fits a net.
pub(crate) fn fit(data: &FitData<'_>, kind: Kind, params: &Params) -> Result<Fitted, TrainError> {
    let params = DeepParams::read(params, kind, data.train.rows.len())?;
    let (mean, sd) = if data.link == Link::Identity { data.train.mean_and_sd() } else { (0.0, 1.0) };
    let sd = if sd > 0.0 { sd } else { 1.0 };
    let rows = |part: &Part| {
        Ok::<_, TrainError>(NetRows {
            x: features(data, kind, &part.rows)?,
            ..mlp::targets(part, (mean, sd))
        })
    };
    let (train, validation) = (rows(data.train)?, rows(data.validation)?);
    let parts = Parts::new(data.recipe, &train.x, params.bins as usize);
    let pretrained = pretrained(data, &params)?;
    let recipe = (data.recipe, &parts, pretrained.as_ref());
    let plan = build::plan(recipe, &params, (data.outputs, data.seed));
    let place = data.context.checkpoints.as_ref().map(|folder| {
        let text = format!("{} {:?} {} {}", kind.word(), params.to_params(), data.seed, data.outputs);
        let start = plan.net.ops.iter().flat_map(|op| op.arrays().into_iter().map(|(_, array)| array));
        let arrays = [&train.x, &train.y, &validation.x, &validation.y].into_iter().chain(start);
        Place::at(folder, &text, arrays, data.stop_after.unwrap_or(params.epochs))
    });
    let net = Net::new(plan, data.seed).map_err(|error| candle(&error))?;
    let own =
        Rows { train: &train, validation: &validation, target: (mean, sd), batch: params.batch as usize };
    let mut learner = DeepLearner::new(data, own, net, params.ema > 0.0).map_err(|error| candle(&error))?;
    let course = Course {
        family: kind.word(),
        parameters: learner.len(),
        link: data.link,
        outputs: data.outputs,
        target: (mean, sd),
        watch: Some(&data.watch),
        rows: train.y.len(),
        validation: &validation,
        pace: params.pace(data),
        place,
        observer: &Follower::new(data.context),
    };
    let End { kept, steps, curve } = course.run(&mut learner)?;
    let net = learner.to_deep(&kept).map_err(|error| candle(&error))?;
    let note = pretrained.map(|own| {
        let trained = learner.len();
        format!("starts from {}; {trained} of {} numbers are trained", own.what, net.parameters())
    });
    Ok(Fitted {
        link: data.link,
        calibration: Calibration::None,
        params: params.to_params(),
        curve,
        steps,
        parameters: net.parameters() as u64,
        model: Model::Deep(net),
        device: "cpu".to_owned(),
        notes: note.into_iter().collect(),
    })
}

/// Reads the encoder to start from, if one is named.
fn pretrained(data: &FitData<'_>, params: &DeepParams) -> Result<Option<Pretrained>, TrainError> {
    let places = data.recipe.pieces.iter().map(|own| own.length).max().unwrap_or(0);
    params.weights.as_ref().map(|folder| encoder::pretrained(folder, places as usize)).transpose()
}

/// Encodes rows; refuses values that are not finite.
fn features(data: &FitData<'_>, kind: Kind, rows: &[u32]) -> Result<Vec<f32>, TrainError> {
    let x = data.encode(rows)?.concat();
    let at_limit = |value: &f32| value.is_nan() || value.abs() >= DENSE_LIMIT;
    let Some(at) = x.iter().position(at_limit) else { return Ok(x) };
    let width = data.encoder.n_features();
    let rows = x.iter().skip(at % width).step_by(width).filter(|value| at_limit(value)).count();
    Err(TrainError::NotFinite { feature: data.feature_name(at % width), rows, family: kind.word() })
}
