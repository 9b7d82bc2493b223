//! Reads hyperparameters given as text (`layers=64,32`); names and ranges are checked, and the error
//! lists what is allowed. Boosting and forests read theirs in `yard_boost`.

use crate::TrainError;
use std::ops::RangeInclusive;
use yard_types::run::Params;

/// Hyperparameters of one family.
pub(crate) struct Reader<'a> {
    params: &'a Params,
    family: &'static str,
}

impl<'a> Reader<'a> {
    /// Refuses names that are not in `allowed`.
    pub(crate) fn new(
        params: &'a Params,
        family: &'static str,
        allowed: &[&str],
    ) -> Result<Self, TrainError> {
        match params.keys().find(|name| !allowed.contains(&name.as_str())) {
            None => Ok(Self { params, family }),
            Some(name) => {
                Err(TrainError::UnknownParam { name: name.clone(), family, allowed: allowed.join(", ") })
            }
        }
    }

    /// Returns a number in a range, `None` when it isn't given.
    pub(crate) fn number(&self, name: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, TrainError> {
        self.parse(name, "a number", range)
    }

    /// Returns a whole number in a range, `None` when it isn't given.
    pub(crate) fn whole(&self, name: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, TrainError> {
        self.parse(name, "a whole number", range)
    }

    /// Returns the text of a hyperparameter.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.params.get(name).map(String::as_str)
    }

    /// Makes the error for a value that can't be used.
    pub(crate) fn bad(&self, name: &str, expected: String) -> TrainError {
        TrainError::BadParam {
            name: name.to_owned(),
            value: self.text(name).unwrap_or_default().to_owned(),
            family: self.family,
            expected,
        }
    }

    fn parse<T>(&self, name: &str, kind: &str, range: RangeInclusive<T>) -> Result<Option<T>, TrainError>
    where
        T: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.trim().parse::<T>() {
            Ok(value) if range.contains(&value) => Ok(Some(value)),
            _ => Err(self.bad(name, format!("{kind} from {} to {}", range.start(), range.end()))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn errors_name_what_is_allowed() {
        let params = Params::from([("l2".to_owned(), "-3".to_owned())]);
        let reader = Reader::new(&params, "linear", &["l2"]).unwrap();
        let text = reader.number("l2", 0.0..=1e9).unwrap_err().to_string();
        assert_eq!(
            text,
            "hyperparameter l2=-3 can't be used by linear; expected a number from 0 to 1000000000; correct or remove it"
        );
        assert_eq!(reader.whole("absent", 1..=2).unwrap(), None);
        let unknown = Reader::new(&params, "mlp", &["layers", "epochs"]).err().unwrap().to_string();
        assert!(unknown.contains("\"l2\"") && unknown.contains("layers, epochs"), "{unknown}");
    }
}
