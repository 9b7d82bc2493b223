//! Net of convolutions over images, joined with the other columns before the last layers (late fusion),
//! trained in candle on the CPU, exported to the scorer's deep net. Numbers drawn come from the counter
//! generator, so that a second run with the same number of threads gives the same bits. Pixels come from
//! the scorer's own encoder.

mod augment;
mod feed;
mod net;
mod ops;
mod optim;
mod params;
mod plan;
#[cfg(test)]
mod tests;
mod train;
mod transfer;

pub(crate) use params::{NAMES, side};

use crate::{
    TrainError,
    fit::{FitData, Fitted},
};
use feed::Feed;
use net::Net;
use params::CnnParams;
use plan::Plan;
use train::{Job, Learnt, candle};
use yard_score::model::{Calibration, Link, Model};
use yard_types::run::Params;

/// Fits a net.
pub(crate) fn fit(data: &FitData<'_>, params: &Params) -> Result<Fitted, TrainError> {
    let params = CnnParams::read(params, data.train.rows.len())?;
    let plan = Plan::new(data.recipe, &params, data.outputs).ok_or_else(no_images)?;
    let (mean, sd) = if data.link == Link::Identity { data.train.mean_and_sd() } else { (0.0, 1.0) };
    let sd = if sd > 0.0 { sd } else { 1.0 };
    let shape = plan.clone();
    let job = Job {
        data,
        params: &params,
        train: Feed::new(data, &shape, data.train)?,
        validation: Feed::new(data, &shape, data.validation)?,
        target: (mean, sd),
    };
    let mut net = Net::new(plan, (data.seed, params.dropout)).map_err(|error| candle(&error))?;
    let mut notes = Vec::new();
    if let Some(path) = &params.weights {
        let towers = shape.towers.iter().map(|tower| 2 * tower.stages.len()).collect();
        let arrays = transfer::Arrays::read(path, towers)?;
        let taken = net.start_from(&arrays).map_err(|error| candle(&error))?;
        notes.push(format!("{taken} layers start from the weights in \"{path}\""));
    }
    let Learnt { net: mut learnt, steps, curve } = job.run(&mut net)?;
    (learnt.scale, learnt.shift) = (sd as f32, mean as f32);
    let parameters = learnt.parameters() as u64;
    Ok(Fitted {
        model: Model::Deep(learnt),
        link: data.link,
        calibration: Calibration::None,
        params: params.to_params(),
        curve,
        steps,
        parameters,
        device: "cpu".to_owned(),
        notes,
    })
}

fn no_images() -> TrainError {
    TrainError::Settings {
        what: "family cnn needs a column of images".to_owned(),
        advice: "give a folder of images or a column of image paths, or choose another family".to_owned(),
    }
}
