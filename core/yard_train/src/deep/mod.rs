//! Deep nets: the transformer over fields, the residual net and the text encoder, trained in candle on the CPU and
//! kept as the scorer's list of operations. Numbers drawn come from the counter generator, and sums that
//! threads share are added in a fixed order, so that a second run gives the same bits.

mod attention;
mod build;
mod net;
mod ops;
mod optim;
mod params;
mod parts;
mod sequence;
#[cfg(test)]
mod tests;
mod train;

pub(crate) use params::names;

use crate::{
    TrainError,
    fit::{FitData, Fitted},
};
use net::Net;
use params::DeepParams;
use parts::Parts;
use train::{Job, Learnt, candle};
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
    #[cfg(test)]
    pub(crate) const ALL_WITH_TEXT: [Self; 3] = [Self::Transformer, Self::Resnet, Self::Text];

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
    let (train, validation) =
        (features(data, kind, &data.train.rows)?, features(data, kind, &data.validation.rows)?);
    let parts = Parts::new(data.recipe, &train, params.bins as usize);
    let plan = build::plan((data.recipe, &parts), &params, (data.outputs, data.seed));
    let mut net = Net::new(plan, data.seed).map_err(|error| candle(&error))?;
    let job = Job { data, params: &params, train: &train, validation: &validation, target: (mean, sd) };
    let Learnt { net, steps, curve } = job.run(&mut net)?;
    Ok(Fitted {
        link: data.link,
        calibration: Calibration::None,
        params: params.to_params(),
        curve,
        steps,
        parameters: net.parameters() as u64,
        model: Model::Deep(net),
        device: "cpu".to_owned(),
        notes: Vec::new(),
    })
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
