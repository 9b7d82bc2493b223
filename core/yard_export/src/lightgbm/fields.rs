//! Which columns a text model has and what their categories are.

use super::lines::{Parts, malformed};
use crate::{error::ImportError, imported::ColumnInfo};
use std::collections::BTreeSet;

/// Reads the columns; `codes` are filled by the reader of trees.
pub(crate) fn columns(parts: &Parts<'_>, notes: &mut Vec<String>) -> Result<Vec<ColumnInfo>, ImportError> {
    let header = &parts.header;
    let expected = header.count("max_feature_idx", None)?.saturating_add(1);
    let names: Vec<&str> = header.text("feature_names")?.split_ascii_whitespace().collect();
    if names.len() != expected {
        let problem = format!("{} feature names for {expected} features", names.len());
        return Err(malformed("header", problem, "one name for each feature"));
    }
    let mut distinct = BTreeSet::new();
    if let Some(name) = names.iter().find(|name| !distinct.insert(**name)) {
        let problem = format!("feature \"{}\" appears twice", super::lines::short(name));
        return Err(malformed("header", problem, "distinct names"));
    }
    let mut columns: Vec<ColumnInfo> =
        names.iter().map(|name| ColumnInfo { name: (*name).to_owned(), ..ColumnInfo::default() }).collect();
    let Some(lists) = pandas_lists(parts.pandas)? else { return Ok(columns) };
    let infos = if header.has("feature_infos") { header.text("feature_infos")? } else { "" };
    let infos: Vec<&str> = infos.split_ascii_whitespace().collect();
    // Numbers have a range in brackets; "none" is a column without use.
    let categorical: Vec<usize> = infos
        .iter()
        .enumerate()
        .filter(|(_, info)| !info.starts_with('[') && **info != "none")
        .map(|(index, _)| index)
        .collect();
    if categorical.len() == lists.len() && categorical.iter().all(|index| *index < columns.len()) {
        for (index, words) in categorical.into_iter().zip(lists) {
            columns[index].words = Some(words);
        }
    } else if !lists.is_empty() {
        notes.push(format!(
            "The file lists the categories of {} columns but {} columns have categories: categories are given \
             by their codes.",
            lists.len(),
            categorical.len()
        ));
    }
    Ok(columns)
}

fn pandas_lists(line: Option<&str>) -> Result<Option<Vec<Vec<String>>>, ImportError> {
    let Some(line) = line else { return Ok(None) };
    let wrong = |problem: String| malformed("pandas_categorical", problem, "a list of lists of categories");
    let value = yard_package::json::parse(line.as_bytes()).map_err(|problem| wrong(problem.to_string()))?;
    if value.is_null() {
        return Ok(None);
    }
    let lists = value.as_array().ok_or_else(|| wrong("not a list".to_owned()))?;
    let mut out = Vec::new();
    for list in lists {
        let list = list.as_array().ok_or_else(|| wrong("not a list of lists".to_owned()))?;
        let words = list.iter().map(|word| match word {
            serde_json::Value::String(text) => Ok(text.clone()),
            serde_json::Value::Number(number) => Ok(number.to_string()),
            serde_json::Value::Bool(yes) => Ok(if *yes { "True" } else { "False" }.to_owned()),
            _ => Err(wrong("a category is neither text nor a number".to_owned())),
        });
        let words = words.collect::<Result<Vec<String>, ImportError>>()?;
        let distinct: BTreeSet<&String> = words.iter().collect();
        if distinct.len() != words.len() {
            return Err(wrong("a category appears twice".to_owned()));
        }
        out.push(words);
    }
    Ok(Some(out))
}
