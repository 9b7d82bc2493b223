//! TF-IDF weights of texts: texts are cut into words or characters by ONNX Runtime's `Tokenizer`, counted by
//! `TfIdfVectorizer`, weighed in f64 and divided by their norm as the scorer does. A mark that no term holds
//! ends each word, so that no run goes from one word into the next. Knows nothing of models.
//! Method: Salton and Buckley, 1988, doi:10.1016/0306-4573(88)90021-0.

use super::graph::{Attribute, Graph, Kind, Tensor, Value};
use crate::error::ExportError;
use yard_score::math::ln;
use yard_types::{
    recipe::FittedText,
    text::{TermRule, Unit},
};

/// Letters, digits and the underscore; circled letters are letters too.
const WORD: &str =
    r"[\p{L}\p{N}_\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189}]{2,}";
/// Whatever is no blank.
const NO_BLANKS: &str = r"[^\x{09}-\x{0D}\x{1C}-\x{20}\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]+";
/// Ends a word.
const MARK: &str = "\u{1}";
/// The lower case of letters goes by this locale.
const LOCALE: &str = "C.UTF-8";

/// Returns what is said of a graph that reads texts.
pub(super) fn notes(texts: &[FittedText]) -> Option<String> {
    (!texts.is_empty()).then(|| {
        format!(
            "Texts are cut by operators of ONNX Runtime itself (domain com.microsoft), and lower case goes by the \
             locale {LOCALE}: the graph runs in ONNX Runtime alone, on systems with that locale."
        )
    })
}

/// Returns why a vocabulary has no form in the graph, if so.
pub(super) fn problem(text: &FittedText, format: &'static str) -> Option<ExportError> {
    let lost = match text.rule {
        TermRule { unit: Unit::Chars, .. } => "runs of blanks that count as one",
        TermRule { unit: Unit::WordChars, shortest: 4.., .. } => "words shorter than a run",
        _ if text.terms.iter().any(|term| term.contains(MARK)) => "the mark that ends a word",
        _ => return None,
    };
    let what = format!("terms of {}", text.rule.unit.word());
    Some(ExportError::Unsupported { format, what, lost, instead: "a package, which yard-serve runs" })
}

/// Texts in lower case, `[N]`; missing ones are empty.
pub(super) fn lower(graph: &mut Graph, text: &Value, code: &Value) -> Value {
    let missing = graph.node("IsNaN", &[code], &[]);
    let nothing = graph.constant("nothing", &Tensor::Text(vec![String::new()]), Some(&[]));
    let text = graph.node("Where", &[&missing, &nothing, text], &[]);
    let flat = graph.reshape(&text, &[-1]);
    let attributes = [("case_change_action", Attribute::Text("LOWER")), ("locale", Attribute::Text(LOCALE))];
    graph.node("StringNormalizer", &[&flat], &attributes)
}

/// Computes the weights of the terms, f32 `[N, terms]`, of texts in lower case.
pub(super) fn weights(graph: &mut Graph, text: &FittedText, lower: &Value) -> Value {
    let tokens = if text.rule.unit == Unit::Words { words(graph, lower) } else { characters(graph, lower) };
    let counts = counted(graph, text, &tokens);
    let exact = graph.cast(&counts, Kind::Double);
    let (zero, one) = (graph.double("zero", 0.0), graph.double("one", 1.0));
    let mut weighed = exact.clone();
    if text.sublinear {
        let there = graph.node("Max", &[&exact, &one], &[]);
        let log = graph.node("Log", &[&there], &[]);
        let log = graph.node("Add", &[&log, &one], &[]);
        let some = graph.node("Greater", &[&exact, &zero], &[]);
        weighed = graph.node("Where", &[&some, &log, &zero], &[]);
    }
    let rows = text.rows as f64;
    let idf = text.counts.iter().map(|count| ln((1.0 + rows) / (1.0 + f64::from(*count))) + 1.0).collect();
    let idf = graph.row("inverse_frequency", &Tensor::Double(idf));
    let weighed = graph.node("Mul", &[&weighed, &idf], &[]);
    let axis = graph.constant("axis", &Tensor::Int64(vec![1]), None);
    let squares = graph.node("Mul", &[&weighed, &weighed], &[]);
    let norm = graph.node("ReduceSum", &[&squares, &axis], &[]);
    let norm = graph.node("Sqrt", &[&norm], &[]);
    let empty = graph.node("Equal", &[&norm, &zero], &[]);
    let norm = graph.node("Where", &[&empty, &one, &norm], &[]);
    let shares = graph.node("Div", &[&weighed, &norm], &[]);
    graph.cast(&shares, Kind::Float)
}

fn tokenizer(graph: &mut Graph, text: &Value, cut: (&'static str, Attribute)) -> Value {
    let attributes = [
        ("mark", Attribute::Int(0)),
        ("mincharnum", Attribute::Int(1)),
        ("pad_value", Attribute::Text("")),
        cut,
    ];
    graph.runtime_node("Tokenizer", &[text], &attributes)
}

fn joined(graph: &mut Graph, before: &str, text: &Value, behind: &str) -> Value {
    let word = |word: &str| Tensor::Text(vec![word.to_owned()]);
    let mut text = text.clone();
    if !before.is_empty() {
        let before = graph.constant("before", &word(before), Some(&[]));
        text = graph.node("StringConcat", &[&before, &text], &[]);
    }
    let behind = graph.constant("behind", &word(behind), Some(&[]));
    graph.node("StringConcat", &[&text, &behind], &[])
}

/// Words of two or more characters, `[N, words]`, with one at the end that is in no vocabulary.
fn words(graph: &mut Graph, lower: &Value) -> Value {
    let text = joined(graph, "", lower, &format!(" {}", "_".repeat(64)));
    tokenizer(graph, &text, ("tokenexp", Attribute::Text(WORD)))
}

/// Characters of all words, a blank before and after each and the mark between them, `[N, characters]`.
fn characters(graph: &mut Graph, lower: &Value) -> Value {
    let text = joined(graph, "", lower, &format!(" {MARK}"));
    let words = tokenizer(graph, &text, ("tokenexp", Attribute::Text(NO_BLANKS)));
    let nothing = graph.constant("nothing", &Tensor::Text(vec![String::new()]), Some(&[]));
    let padding = graph.node("Equal", &[&words, &nothing], &[]);
    let padded = joined(graph, " ", &words, &format!(" {MARK}"));
    let padded = graph.node("Where", &[&padding, &nothing, &padded], &[]);
    let characters = tokenizer(graph, &padded, ("separators", Attribute::Texts(vec![String::new()])));
    graph.reshape(&characters, &[0, -1])
}

/// Counts the terms, f32 `[N, terms]`.
fn counted(graph: &mut Graph, text: &FittedText, tokens: &Value) -> Value {
    let parts = |term: &str| -> Vec<String> {
        match text.rule.unit {
            Unit::Words => term.split(' ').map(str::to_owned).collect(),
            _ => term.chars().map(String::from).collect(),
        }
    };
    let longest = usize::from(text.rule.longest);
    let mut by_length: Vec<Vec<(Vec<String>, i64)>> = vec![Vec::new(); longest];
    for (index, term) in text.terms.iter().enumerate() {
        let parts = parts(term);
        if let Some(own) = parts.len().checked_sub(1).and_then(|length| by_length.get_mut(length)) {
            own.push((parts, index as i64));
        }
    }
    let (mut pool, mut starts, mut places) = (Vec::new(), Vec::new(), Vec::new());
    for own in by_length {
        starts.push(pool.len() as i64);
        for (parts, index) in own {
            pool.extend(parts);
            places.push(index);
        }
    }
    let attributes = [
        ("max_gram_length", Attribute::Int(longest as i64)),
        ("max_skip_count", Attribute::Int(0)),
        ("min_gram_length", Attribute::Int(i64::from(text.rule.shortest))),
        ("mode", Attribute::Text("TF")),
        ("ngram_counts", Attribute::Ints(starts)),
        ("ngram_indexes", Attribute::Ints(places)),
        ("pool_strings", Attribute::Texts(pool)),
    ];
    graph.node("TfIdfVectorizer", &[tokens], &attributes)
}
