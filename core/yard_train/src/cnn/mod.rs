//! Net of convolutions over images, joined with the other columns before the last layers (late fusion),
//! trained in candle on the CPU, exported to the scorer's deep net. Numbers drawn come from the counter
//! generator, so that a second run with the same number of threads gives the same bits. Pixels come from
//! the scorer's own encoder.

mod augment;
mod feed;
mod learner;
mod net;
mod ops;
mod optim;
mod params;
mod plan;
#[cfg(test)]
mod tests;
mod transfer;

pub(crate) use params::{NAMES, side};

use crate::{
    TrainError,
    fit::{FitData, Fitted},
    mlp::{self, Course, End, Follower, Place},
};
use augment::Augment;
use feed::Feed;
use learner::{CnnLearner, Rows, candle};
use net::Net;
use params::CnnParams;
use plan::Plan;
use yard_score::model::{Calibration, Link, Model};
use yard_types::run::Params;

/// Fits a net.
pub(crate) fn fit(data: &FitData<'_>, params: &Params) -> Result<Fitted, TrainError> {
    let params = CnnParams::read(params, data.train.rows.len())?;
    let plan = Plan::new(data.recipe, &params, data.outputs).ok_or_else(no_images)?;
    let (mean, sd) = if data.link == Link::Identity { data.train.mean_and_sd() } else { (0.0, 1.0) };
    let sd = if sd > 0.0 { sd } else { 1.0 };
    let shape = plan.clone();
    let targets = [data.train, data.validation].map(|part| mlp::targets(part, (mean, sd)));
    let mut net = Net::new(plan, (data.seed, params.dropout)).map_err(|error| candle(&error))?;
    let mut notes = Vec::new();
    if let Some(path) = &params.weights {
        let towers = shape.towers.iter().map(|tower| 2 * tower.stages.len()).collect();
        let arrays = transfer::Arrays::read(path, towers)?;
        let taken = net.start_from(&arrays).map_err(|error| candle(&error))?;
        notes.push(format!("{taken} layers start from the weights in \"{path}\""));
    }
    let place = place(data, &params, (&net, &targets))?;
    let rows = Rows {
        train: Feed::new(data, &shape, data.train)?,
        validation: Feed::new(data, &shape, data.validation)?,
        targets: &targets[0],
        augment: Augment::new(&params, data.seed),
        batch: params.batch as usize,
    };
    let mut learner = CnnLearner::new(data, rows, net, params.ema > 0.0).map_err(|error| candle(&error))?;
    let course = Course {
        family: "cnn",
        parameters: learner.len(),
        link: data.link,
        outputs: data.outputs,
        target: (mean, sd),
        watch: Some(&data.watch),
        rows: targets[0].y.len(),
        validation: &targets[1],
        pace: params.pace(data),
        place,
        observer: &Follower::new(data.context),
    };
    let End { kept, steps, curve } = course.run(&mut learner)?;
    let mut learnt = learner.finish(&kept).map_err(|error| candle(&error))?;
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

/// Finds the place of checkpoints, if a folder is named: by settings, recipe, rows and first weights.
fn place(
    data: &FitData<'_>,
    params: &CnnParams,
    (net, targets): (&Net, &[mlp::NetRows; 2]),
) -> Result<Option<Place>, TrainError> {
    let Some(folder) = &data.context.checkpoints else { return Ok(None) };
    let start = net.weights().map_err(|error| candle(&error))?.0;
    let recipe = serde_json::to_string(data.recipe).map_err(|error| TrainError::part("recipe", &error))?;
    let text = format!("cnn {:?} {} {} {recipe}", params.to_params(), data.seed, data.outputs);
    let rows = [data.train, data.validation]
        .map(|part| part.rows.iter().map(|row| *row as f32).collect::<Vec<f32>>());
    let arrays = [&start, &targets[0].y, &targets[1].y].into_iter().chain(&rows);
    Ok(Some(Place::at(folder, &text, arrays, data.stop_after.unwrap_or(params.epochs))))
}

fn no_images() -> TrainError {
    TrainError::Settings {
        what: "family cnn needs a column of images".to_owned(),
        advice: "give a folder of images or a column of image paths, or choose another family".to_owned(),
    }
}
