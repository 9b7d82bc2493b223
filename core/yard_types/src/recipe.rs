//! The recipe: how fields become features. [`RecipeSpec`] is what the user asks for, [`FittedRecipe`]
//! is what was learnt from training rows; `yard_data` fits, `yard_score` alone executes.

use crate::{
    cell::CellRules,
    image::{FittedImage, ImageSpec},
    pieces::FittedPieces,
    schema::FieldType,
    text::{TermRule, Unit},
};
use serde::{Deserialize, Serialize, Serializer};

/// How features are encoded, by the needs of the learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// For trees: numbers as they are (missing stays missing), categories as ordinal codes.
    Trees,
    /// For linear models and nets: missing filled with the median plus a flag, scaled, one-hot.
    Dense,
}

/// What the user asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecipeSpec {
    /// Categories kept per column in one-hot encoding; the rest is "other".
    pub max_categories: usize,
    /// Categories rarer than this in training rows become "other".
    pub min_category_rows: usize,
    /// Date parts added for each datetime field.
    pub date_parts: Vec<DatePart>,
    /// Columns to leave out although their role is feature.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// How free text becomes features.
    #[serde(default)]
    pub text: TextSpec,
    /// How images become features.
    #[serde(default)]
    pub image: ImageSpec,
}

/// How free text becomes features: TF-IDF of terms (Salton and Buckley, 1988).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextSpec {
    /// Kinds of terms; each makes a vocabulary of its own.
    pub rules: Vec<TermRule>,
    /// Terms in fewer training rows than this are left out.
    pub min_rows: usize,
    /// Most terms of a vocabulary for linear models: those in most rows.
    pub dense_terms: usize,
    /// Most terms of a vocabulary for nets: those that tell most about the target.
    pub net_terms: usize,
    /// Most terms of a vocabulary for trees: those that tell most about the target.
    pub tree_terms: usize,
    /// Whether a term counts `1 + ln(n)` instead of n when it stands n times in a text.
    pub sublinear: bool,
    /// Whether a text encoder reads the text: no terms, but pieces, which training adds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_pieces: bool,
}

impl Default for TextSpec {
    fn default() -> Self {
        Self {
            rules: vec![
                TermRule { unit: Unit::Words, shortest: 1, longest: 2 },
                TermRule { unit: Unit::WordChars, shortest: 3, longest: 4 },
            ],
            min_rows: 2,
            dense_terms: 20_000,
            net_terms: 1_000,
            tree_terms: 300,
            sublinear: true,
            as_pieces: false,
        }
    }
}

impl Default for RecipeSpec {
    fn default() -> Self {
        Self {
            max_categories: 100,
            min_category_rows: 1,
            date_parts: vec![DatePart::Year, DatePart::Month, DatePart::Day, DatePart::Weekday],
            exclude: Vec::new(),
            text: TextSpec::default(),
            image: ImageSpec::default(),
        }
    }
}

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatePart {
    /// Year.
    Year,
    /// Month 1..=12.
    Month,
    /// Day of the month.
    Day,
    /// Monday 0 .. Sunday 6.
    Weekday,
    /// Hour 0..=23.
    Hour,
    /// Day of the year 1..=366.
    DayOfYear,
}

impl DatePart {
    /// Returns the part of an instant as a number.
    pub fn of(self, micros: i64) -> f64 {
        let parts = crate::date::parts(micros);
        match self {
            Self::Year => f64::from(parts.year),
            Self::Month => f64::from(parts.month),
            Self::Day => f64::from(parts.day),
            Self::Weekday => f64::from(parts.weekday),
            Self::Hour => f64::from(parts.hour),
            Self::DayOfYear => f64::from(parts.day_of_year),
        }
    }

    /// Returns the word used in feature names.
    pub fn word(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::Weekday => "weekday",
            Self::Hour => "hour",
            Self::DayOfYear => "day_of_year",
        }
    }
}

/// Standardisation: `(x − mean) × inverse_sd`, computed in f64.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// Mean of the training rows.
    pub mean: f64,
    /// One over the standard deviation; 0 for a constant column.
    pub inverse_sd: f64,
}

/// An input field of the fitted recipe, with all that is needed to read it from JSON, CSV or a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedInput {
    /// Field name.
    pub name: String,
    /// Field type.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Reading rules.
    #[serde(default)]
    pub rules: CellRules,
    /// Known categories of a category field, sorted; the code of a category is its position. An
    /// unseen category has code `categories.len()` ("other").
    #[serde(default)]
    pub categories: Vec<String>,
}

/// How one model feature is computed from one input field. The result is computed in f64 and rounded
/// to f32 once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum FeatureOp {
    /// The number itself (integers, booleans as 0/1). Missing: `fill`, or NaN when `None`.
    Number {
        /// Replacement of missing (training median).
        fill: Option<f64>,
        /// Standardisation after filling.
        scale: Option<Scale>,
    },
    /// How many of the cuts lie below the number: thresholds of another library in f64, which `x <= cuts[i]`
    /// asks by `rank <= i`. Missing: NaN.
    Rank {
        /// Cuts, ascending and distinct, none of them NaN.
        cuts: Vec<f64>,
        /// Whether a number within ±1e-35 (as f32) of zero is missing too.
        #[serde(default)]
        zero_missing: bool,
    },
    /// 1 when the field is missing, else 0.
    MissingFlag,
    /// Ordinal code of the category; unseen → `categories.len()`; missing → NaN.
    Code,
    /// 1 when the category has this code (`categories.len()` = unseen), else 0; missing → 0.
    OneHot {
        /// Code.
        code: u32,
    },
    /// A part of a datetime. Missing: `fill`, or NaN when `None`.
    Date {
        /// Part.
        part: DatePart,
        /// Replacement of missing.
        fill: Option<f64>,
        /// Standardisation after filling.
        scale: Option<Scale>,
    },
    /// Weight of a term of [`FittedRecipe::texts`] in the text of the field; 0 when it is not there or the
    /// text is missing.
    Term {
        /// Index into [`FittedRecipe::texts`].
        text: u32,
        /// Index into [`FittedText::terms`].
        term: u32,
    },
    /// A pixel of a step of [`FittedRecipe::images`].
    Pixel {
        /// Index into [`FittedRecipe::images`].
        image: u32,
        /// Position within the step: by channel, row, column.
        at: u32,
    },
    /// 1 + the number of the piece at a place of the text of the field; 0 beyond its end.
    Piece {
        /// Index into [`FittedRecipe::pieces`].
        pieces: u32,
        /// Place within the text, from 0.
        place: u32,
    },
}

/// A vocabulary with what is needed to weigh its terms as scikit-learn's `TfidfVectorizer` does: counts of
/// a term in a text (or `1 + ln` of it) × `ln((1 + rows) / (1 + rows with the term)) + 1`, and the weights
/// of a text divided by the root of the sum of their squares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedText {
    /// Index into [`FittedRecipe::inputs`].
    pub input: u32,
    /// Index of the feature of the first term; the others follow in order.
    pub first: u32,
    /// What a term is.
    #[serde(flatten)]
    pub rule: TermRule,
    /// Whether repeated terms count `1 + ln(n)`.
    pub sublinear: bool,
    /// Training rows (texts that were missing included).
    pub rows: u64,
    /// Terms, sorted and distinct.
    pub terms: Vec<String>,
    /// Training rows with each term.
    pub counts: Vec<u32>,
}

impl FittedText {
    /// Returns the feature of a term of a field.
    fn feature(&self, text: usize, term: usize, field: &str) -> Feature {
        Feature {
            name: format!("{field}: {:?}", self.terms[term]),
            input: self.input,
            op: FeatureOp::Term { text: text as u32, term: term as u32 },
        }
    }
}

/// One feature of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// Name, e.g. `tenure`, `tenure missing`, `Contract = Two year`, `date month`.
    pub name: String,
    /// Index into [`FittedRecipe::inputs`].
    pub input: u32,
    /// Computation.
    #[serde(flatten)]
    pub op: FeatureOp,
}

/// The fitted recipe. In JSON the features of terms, pixels and pieces are not listed: they follow from the
/// vocabularies, the image steps and the tokenizers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Stored")]
pub struct FittedRecipe {
    /// Encoding.
    pub encoding: Encoding,
    /// Input fields in schema order.
    pub inputs: Vec<FittedInput>,
    /// Vocabularies of text fields, in the order of their features.
    pub texts: Vec<FittedText>,
    /// Image steps, in the order of their features.
    pub images: Vec<FittedImage>,
    /// Texts cut into pieces, in the order of their features.
    pub pieces: Vec<FittedPieces>,
    /// Features in model order.
    pub features: Vec<Feature>,
}

impl FittedRecipe {
    /// Adds a vocabulary with one feature per term; `text.first` is set.
    pub fn add_text(&mut self, mut text: FittedText) {
        text.first = self.features.len() as u32;
        let field = self.inputs.get(text.input as usize).map_or("", |input| input.name.as_str());
        let index = self.texts.len();
        self.features.extend((0..text.terms.len()).map(|term| text.feature(index, term, field)));
        self.texts.push(text);
    }

    /// Returns the term of a feature that is one.
    pub fn term(&self, feature: usize) -> Option<&str> {
        match self.features.get(feature)?.op {
            FeatureOp::Term { text, term } => {
                Some(self.texts.get(text as usize)?.terms.get(term as usize)?.as_str())
            }
            _ => None,
        }
    }
}

/// The recipe as it is stored, to read.
#[derive(Deserialize)]
struct Stored {
    encoding: Encoding,
    inputs: Vec<FittedInput>,
    #[serde(default)]
    texts: Vec<FittedText>,
    #[serde(default)]
    images: Vec<FittedImage>,
    #[serde(default)]
    pieces: Vec<FittedPieces>,
    features: Vec<Feature>,
}

/// The recipe as it is stored, to write.
#[derive(Serialize)]
struct StoredRef<'a> {
    encoding: Encoding,
    inputs: &'a [FittedInput],
    #[serde(skip_serializing_if = "<[FittedText]>::is_empty")]
    texts: &'a [FittedText],
    #[serde(skip_serializing_if = "<[FittedImage]>::is_empty")]
    images: &'a [FittedImage],
    #[serde(skip_serializing_if = "<[FittedPieces]>::is_empty")]
    pieces: &'a [FittedPieces],
    features: Vec<&'a Feature>,
}

impl Serialize for FittedRecipe {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let listed = |feature: &&Feature| {
            !matches!(feature.op, FeatureOp::Term { .. } | FeatureOp::Pixel { .. } | FeatureOp::Piece { .. })
        };
        let stored = StoredRef {
            encoding: self.encoding,
            inputs: &self.inputs,
            texts: &self.texts,
            images: &self.images,
            pieces: &self.pieces,
            features: self.features.iter().filter(listed).collect(),
        };
        stored.serialize(serializer)
    }
}

/// Features that are not listed.
enum Block {
    Text(FittedText),
    Image(FittedImage),
    Pieces(FittedPieces),
}

impl Block {
    fn word(&self) -> &'static str {
        match self {
            Self::Text(_) => "terms of a vocabulary",
            Self::Image(_) => "pixels of an image",
            Self::Pieces(_) => "pieces of a text",
        }
    }
}

impl TryFrom<Stored> for FittedRecipe {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let mut recipe = Self {
            encoding: stored.encoding,
            inputs: stored.inputs,
            texts: Vec::new(),
            images: Vec::new(),
            pieces: Vec::new(),
            features: Vec::new(),
        };
        let mut blocks: Vec<(u32, Block)> =
            stored.texts.into_iter().map(|text| (text.first, Block::Text(text))).collect();
        blocks.extend(stored.images.into_iter().map(|image| (image.first, Block::Image(image))));
        blocks.extend(stored.pieces.into_iter().map(|own| (own.first, Block::Pieces(own))));
        blocks.sort_by_key(|(first, _)| *first);
        let mut listed = stored.features.into_iter();
        for (first, block) in blocks {
            let (first, at) = (first as usize, recipe.features.len());
            recipe.features.extend(listed.by_ref().take(first.saturating_sub(at)));
            let got = recipe.features.len();
            if got != first {
                return Err(format!("the {} start at feature {first}; expected {got}", block.word()));
            }
            match block {
                Block::Text(text) => recipe.add_text(text),
                Block::Image(image) => match image.problem() {
                    None => recipe.add_image(image),
                    Some(problem) => return Err(problem),
                },
                Block::Pieces(own) => match own.problem() {
                    None => recipe.add_pieces(own),
                    Some(problem) => return Err(problem),
                },
            }
        }
        recipe.features.extend(listed);
        Ok(recipe)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn recipe() -> FittedRecipe {
        let input = |name: &str| FittedInput {
            name: name.to_owned(),
            field_type: FieldType::Text,
            rules: CellRules::default(),
            categories: Vec::new(),
        };
        let flag = |name: &str, input| Feature { name: name.to_owned(), input, op: FeatureOp::MissingFlag };
        let mut recipe = FittedRecipe {
            encoding: Encoding::Dense,
            inputs: vec![input("note"), input("title")],
            texts: Vec::new(),
            images: Vec::new(),
            pieces: Vec::new(),
            features: vec![flag("note missing", 0)],
        };
        for (input, terms) in [(0, &["free", "free entry"][..]), (1, &["dr"])] {
            recipe.add_text(FittedText {
                input,
                first: 0,
                rule: TermRule { unit: Unit::Words, shortest: 1, longest: 2 },
                sublinear: true,
                rows: 10,
                terms: terms.iter().map(|term| (*term).to_owned()).collect(),
                counts: vec![2; terms.len()],
            });
        }
        recipe.features.push(flag("title missing", 1));
        recipe
    }

    #[test]
    fn terms_are_stored_once() {
        let recipe = recipe();
        assert_eq!(recipe.features[2].name, "note: \"free entry\"");
        assert_eq!((recipe.term(3), recipe.term(4), recipe.term(9)), (Some("dr"), None, None));
        let json = serde_json::to_string(&recipe).unwrap();
        assert_eq!(json.matches("free entry").count(), 1);
        assert_eq!(serde_json::from_str::<FittedRecipe>(&json).unwrap(), recipe);
        let wrong = json.replace("\"first\":3", "\"first\":9");
        let error = serde_json::from_str::<FittedRecipe>(&wrong).unwrap_err().to_string();
        assert!(error.contains("start at feature 9; expected 4"), "{error}");
        let wrong = json.replace("\"first\":3", "\"first\":1");
        assert!(serde_json::from_str::<FittedRecipe>(&wrong).is_err());
    }

    #[test]
    fn pixels_are_stored_once() {
        let mut recipe = recipe();
        let scale = Scale { mean: 0.5, inverse_sd: 2.0 };
        let (channels, height, width) = (3, 2, 2);
        recipe.add_image(FittedImage { input: 1, first: 0, channels, height, width, scale: vec![scale; 3] });
        let terms = recipe.features.len() - 12;
        assert_eq!(recipe.images[0].first as usize, terms);
        assert_eq!(recipe.features[terms + 6].name, "title: pixel 1,0 green");
        let json = serde_json::to_string(&recipe).unwrap();
        assert!(!json.contains("pixel") && json.contains("images"), "{json}");
        assert_eq!(serde_json::from_str::<FittedRecipe>(&json).unwrap(), recipe);
        for (from, to) in [("\"height\":2", "\"height\":4000000"), ("\"channels\":3", "\"channels\":2")] {
            assert!(serde_json::from_str::<FittedRecipe>(&json.replace(from, to)).is_err(), "{to}");
        }
    }

    #[test]
    fn recipes_without_texts_read_as_before() {
        let old = "{\"encoding\":\"trees\",\"inputs\":[],\"features\":[]}";
        let recipe: FittedRecipe = serde_json::from_str(old).unwrap();
        assert_eq!(serde_json::to_string(&recipe).unwrap(), old);
    }
}
