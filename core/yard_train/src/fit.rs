//! What every learner gets and gives: encoded rows with target and weights, and a fitted model.
//! Features come from the scorer's own encoder.

use crate::{
    Context, TrainError, TrainInput, calibrate, cnn, deep, encoder, images,
    linear::{self, Matrix},
    measure, mlp, scorecard,
    target::Part,
    trees,
    watch::Watch,
};
use rayon::prelude::*;
use yard_metrics::sum::BLOCK;
use yard_score::{
    encode::{Encoder, Rows},
    model::{Calibration, Link, Model, ScorerParts},
    scorer::Scorer,
};
use yard_types::{
    frame::{Frame, Task},
    recipe::{Encoding, FittedRecipe},
    run::{Family, Params, RunSpec, TrainPoint},
    table::Table,
};

/// Rows that one thread encodes at a time.
const CHUNK: usize = 4 * BLOCK;

/// Data of one fit: table, fitted recipe, training and validation rows.
pub(crate) struct FitData<'a> {
    pub(crate) table: &'a Table,
    pub(crate) recipe: &'a FittedRecipe,
    pub(crate) encoder: Encoder,
    pub(crate) train: &'a Part,
    pub(crate) validation: &'a Part,
    pub(crate) link: Link,
    /// Margins per row.
    pub(crate) outputs: usize,
    /// Epochs after which a net stops, when that was found before.
    pub(crate) stop_after: Option<u32>,
    pub(crate) frame: &'a Frame,
    /// The metric that is followed on validation rows.
    pub(crate) watch: Watch,
    pub(crate) seed: u64,
    /// `auto`, `cpu`, `cuda:N` or `metal`.
    pub(crate) device: &'a str,
    pub(crate) context: &'a Context<'a>,
}

/// A fitted model.
#[derive(Clone, Debug)]
pub(crate) struct Fitted {
    pub(crate) model: Model,
    pub(crate) link: Link,
    pub(crate) calibration: Calibration,
    /// All hyperparameters in force.
    pub(crate) params: Params,
    pub(crate) curve: Vec<TrainPoint>,
    pub(crate) steps: u32,
    pub(crate) parameters: u64,
    pub(crate) device: String,
    /// What the run's notes should say.
    pub(crate) notes: Vec<String>,
}

/// Returns link and number of margins of a task.
pub(crate) fn link_of(frame: &Frame) -> (Link, usize) {
    match frame.task {
        Task::Regression => (Link::Identity, 1),
        Task::Binary => (Link::Logistic, 1),
        Task::Multiclass => (Link::Softmax, frame.classes.len()),
    }
}

impl FitData<'_> {
    /// Returns an error when the observer asked to stop.
    pub(crate) fn proceed(&self) -> Result<(), TrainError> {
        if self.context.observer.cancelled() { Err(TrainError::Cancelled) } else { Ok(()) }
    }

    /// Returns the frame's metric on validation rows of their margins, `[rows, outputs]` row-major.
    pub(crate) fn validation_metric(&self, margins: &[f32]) -> Option<f64> {
        self.watch.value(&self.validation.y, self.validation.weights.as_deref(), margins)
    }

    /// Returns the metric of margins under another link than the task's own.
    pub(crate) fn validation_metric_under(&self, link: Link, margins: &[f32]) -> Option<f64> {
        let watch = Watch { link, ..self.watch.clone() };
        watch.value(&self.validation.y, self.validation.weights.as_deref(), margins)
    }

    /// Returns a scorer of a model on this recipe, without calibration.
    pub(crate) fn scorer(&self, model: Model) -> Result<Scorer, TrainError> {
        let parts = ScorerParts {
            task: self.frame.task,
            classes: self.frame.classes.clone(),
            recipe: self.recipe.clone(),
            link: self.link,
            calibration: Calibration::None,
            model,
        };
        Scorer::new(&parts).map_err(|error| TrainError::part("scorer", &error))
    }

    pub(crate) fn feature_name(&self, feature: usize) -> String {
        self.recipe.features.get(feature).map_or_else(String::new, |feature| feature.name.clone())
    }

    /// Encodes rows in consecutive parts, each `[rows, features]` row-major.
    pub(crate) fn encode(&self, rows: &[u32]) -> Result<Vec<Vec<f32>>, TrainError> {
        self.proceed()?;
        rows.par_chunks(CHUNK)
            .map(|chunk| self.encoder.encode(self.table, Rows::List(chunk)))
            .collect::<Result<_, _>>()
            .map_err(|error| TrainError::part("recipe", &error))
    }

    /// Encodes rows for linear models, without their zeros.
    pub(crate) fn matrix(&self, rows: &[u32]) -> Result<Matrix, TrainError> {
        self.proceed()?;
        let parts = rows
            .par_chunks(BLOCK)
            .map(|chunk| self.encoder.encode_sparse(self.table, Rows::List(chunk)))
            .collect::<Result<_, _>>()
            .map_err(|error| TrainError::part("recipe", &error))?;
        Ok(Matrix::new(parts, self.encoder.n_features()))
    }

    /// Encodes rows by columns, `[features][rows]`.
    pub(crate) fn columns(&self, rows: &[u32]) -> Result<Vec<Vec<f32>>, TrainError> {
        self.proceed()?;
        let parts: Vec<Vec<Vec<f32>>> = rows
            .par_chunks(CHUNK)
            .map(|chunk| self.encoder.encode_columns(self.table, Rows::List(chunk)))
            .collect::<Result<_, _>>()
            .map_err(|error| TrainError::part("recipe", &error))?;
        let mut columns = vec![Vec::with_capacity(rows.len()); self.encoder.n_features()];
        for part in parts {
            for (column, values) in columns.iter_mut().zip(part) {
                column.extend(values);
            }
        }
        Ok(columns)
    }
}

/// A run: what every fit within it shares.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) input: &'a TrainInput<'a>,
    pub(crate) spec: &'a RunSpec,
    pub(crate) context: &'a Context<'a>,
}

/// A fitted model, ready to score.
#[derive(Clone)]
pub(crate) struct Trained {
    pub(crate) parts: ScorerParts,
    pub(crate) scorer: Scorer,
    pub(crate) fitted: Fitted,
    /// Columns that the recipe left out, and the like.
    pub(crate) notes: Vec<String>,
}

impl Run<'_> {
    /// Does something with the run on so many threads.
    pub(crate) fn with_threads<T>(&self, threads: usize, act: impl FnOnce(&Run<'_>) -> T) -> T {
        let context = Context { threads, ..self.context.clone() };
        act(&Run { context: &context, ..*self })
    }

    /// Fits the recipe on `train`, the model on `train` with `validation` to stop and choose, and the
    /// calibration on `validation`.
    pub(crate) fn fit(
        &self,
        family: Family,
        params: &Params,
        train: &Part,
        validation: &Part,
    ) -> Result<Trained, TrainError> {
        let mut trained = self.fitted((family, params), (train, validation), None)?;
        self.calibrate(&mut trained, validation)?;
        Ok(trained)
    }

    /// Fits recipe and model on `rows` without validation rows and without calibration. `stop_after` is
    /// the number of epochs of a net.
    pub(crate) fn fit_all(
        &self,
        family: Family,
        params: &Params,
        rows: &Part,
        stop_after: u32,
    ) -> Result<Trained, TrainError> {
        self.fitted((family, params), (rows, &Part::default()), Some(stop_after))
    }

    fn fitted(
        &self,
        (family, params): (Family, &Params),
        (train, validation): (&Part, &Part),
        stop_after: Option<u32>,
    ) -> Result<Trained, TrainError> {
        self.check(train)?;
        let frame = self.input.frame;
        let (link, outputs) = link_of(frame);
        let encoding = match family {
            Family::Linear
            | Family::Mlp
            | Family::Cnn
            | Family::Resnet
            | Family::Transformer
            | Family::Text => Encoding::Dense,
            _ => Encoding::Trees,
        };
        let TrainInput { table, schema, .. } = *self.input;
        let mut recipe = self.spec.recipe.clone();
        if matches!(family, Family::Mlp | Family::Cnn | Family::Resnet | Family::Transformer) {
            recipe.text.dense_terms = recipe.text.net_terms;
        }
        recipe.text.as_pieces = family == Family::Text;
        if family == Family::Cnn {
            recipe.image.net_side = cnn::side(params, &recipe.image)?;
        }
        let yard_data::RecipeFit { recipe: mut fitted, mut notes } =
            yard_data::fit_recipe(table, &train.rows, schema, &recipe, encoding)?;
        notes.extend(images::complete(&mut fitted, (table, &train.rows), (family, &recipe.image))?);
        if family == Family::Text {
            notes.extend(encoder::complete(&mut fitted, (table, &train.rows), params)?);
        }
        let recipe = fitted;
        let data = FitData {
            table,
            recipe: &recipe,
            encoder: Encoder::new(&recipe).map_err(|error| TrainError::part("recipe", &error))?,
            train,
            validation,
            link,
            outputs,
            stop_after,
            frame,
            watch: Watch::of(frame),
            seed: self.spec.seed,
            device: &self.spec.device,
            context: self.context,
        };
        let mut fitted = match family {
            Family::Linear => linear::fit(&data, params),
            Family::Boosting => trees::fit_boosting(&data, params),
            Family::Forest => trees::fit_forest(&data, params),
            Family::Mlp => mlp::fit(&data, params),
            Family::Cnn => cnn::fit(&data, params),
            Family::Resnet => deep::fit(&data, deep::Kind::Resnet, params),
            Family::Transformer => deep::fit(&data, deep::Kind::Transformer, params),
            Family::Text => deep::fit(&data, deep::Kind::Text, params),
            Family::Scorecard => scorecard::fit(&data, params),
            Family::Auto | Family::Ensemble => Err(TrainError::Settings {
                what: format!("family {} inside of a trial", family.word()),
                advice: "name a family".to_owned(),
            }),
        }?;
        let parts = ScorerParts {
            task: frame.task,
            classes: frame.classes.clone(),
            recipe: recipe.clone(),
            link: fitted.link,
            calibration: fitted.calibration.clone(),
            model: fitted.model.clone(),
        };
        let scorer = Scorer::new(&parts).map_err(|error| TrainError::part("scorer", &error))?;
        fitted.device = device_note(family, &self.spec.device, fitted.device);
        notes.append(&mut fitted.notes);
        Ok(Trained { parts, scorer, fitted, notes })
    }

    /// Measures the kept step of the curve, and adds a calibration when it lowers the validation log loss
    /// beyond noise.
    pub(crate) fn calibrate(&self, trained: &mut Trained, validation: &Part) -> Result<(), TrainError> {
        if validation.rows.is_empty() {
            return Ok(());
        }
        let margins = measure::score(&trained.scorer, self.input.table, &validation.rows)?.margins;
        let kept = trained.fitted.steps;
        if let Some(point) = trained.fitted.curve.iter_mut().find(|point| point.step == kept) {
            // A regression's margins are its predictions already.
            let watch = Watch::of(self.input.frame);
            point.validation_metric = watch.value(&validation.y, validation.weights.as_deref(), &margins);
        }
        if self.input.frame.task.is_classification() {
            let calibration = calibrate::fit_if_better(trained.parts.link, &margins, validation);
            trained.set_calibration(calibration)?;
        }
        Ok(())
    }

    /// Refuses training rows that nothing can be learnt from.
    fn check(&self, train: &Part) -> Result<(), TrainError> {
        let (frame, rows) = (self.input.frame, train.rows.len());
        if rows < 2 {
            return Err(TrainError::TooFewRows { part: "training", rows, needed: 2 });
        }
        if !frame.task.is_classification() {
            return Ok(());
        }
        let counts = train.class_counts(frame.classes.len());
        let mut present = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        match (present.next(), present.next()) {
            (Some((class, _)), None) => Err(TrainError::OneClass {
                column: frame.target.clone(),
                rows,
                class: frame.classes.get(class).cloned().unwrap_or_default(),
            }),
            _ => Ok(()),
        }
    }
}

impl Trained {
    /// Replaces the calibration.
    pub(crate) fn set_calibration(&mut self, calibration: Calibration) -> Result<(), TrainError> {
        if calibration != self.parts.calibration {
            self.parts.calibration = calibration;
            self.scorer = Scorer::new(&self.parts).map_err(|error| TrainError::part("scorer", &error))?;
        }
        Ok(())
    }
}

/// Says why a family that trains on the CPU did not use the GPU that was asked for.
fn device_note(family: Family, asked: &str, used: String) -> String {
    let gpu = !matches!(asked, "auto" | "cpu");
    if gpu && family != Family::Mlp {
        format!("{used} ({} trains on the CPU; only mlp uses {asked})", family.word())
    } else {
        used
    }
}
