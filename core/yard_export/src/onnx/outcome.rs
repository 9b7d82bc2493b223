//! Margins to label, calibrated probabilities and decision. Label and decision compare margins with
//! thresholds in f64, as the scorer does, never rounded probabilities.

use super::{
    Layout, Port, PortKind,
    graph::{Attribute, Graph, Kind, Tensor, Value},
};
use crate::subject::Subject;
use yard_score::model::Link;

/// An output under the name that was wanted, and as it is.
type Named = (String, Port);

struct Outputs<'a> {
    graph: &'a mut Graph,
    ports: Vec<Named>,
}

impl Outputs<'_> {
    fn add(&mut self, name: &str, value: &Value, (kind, width): (Kind, usize)) {
        let taken = self.graph.output(name, value, (kind, width));
        self.ports.push((name.to_owned(), Port { name: taken, kind: PortKind::of(kind), width }));
    }

    /// Adds a matrix, or a column for each class.
    fn matrix(&mut self, layout: Layout, (whole, prefix): (&str, &str), value: &Value, names: &[String]) {
        if layout == Layout::Matrix || (names.len() == 1 && names[0].is_empty()) {
            self.add(whole, value, (Kind::Float, names.len()));
            return;
        }
        for (column, name) in names.iter().enumerate() {
            let place = self.graph.constant("column", &Tensor::Int64(vec![column as i64]), None);
            let column = self.graph.node("Gather", &[value, &place], &[("axis", Attribute::Int(1))]);
            self.add(&format!("{prefix}{name}"), &column, (Kind::Float, 1));
        }
    }
}

/// Adds the outputs in the order label, probabilities, margin, decision.
pub(super) fn outputs(
    graph: &mut Graph,
    subject: &Subject<'_>,
    margins: &Value,
    layout: Layout,
) -> Vec<Named> {
    let classes = &subject.parts.classes;
    let one = [String::new()];
    match subject.parts.link {
        Link::Identity => {
            let mut out = Outputs { graph, ports: Vec::new() };
            out.add("prediction", margins, (Kind::Float, 1));
            out.ports
        }
        Link::Log => {
            let exact = graph.cast(margins, Kind::Double);
            let mean = graph.node("Exp", &[&exact], &[]);
            let mean = graph.cast(&mean, Kind::Float);
            let mut out = Outputs { graph, ports: Vec::new() };
            out.add("prediction", &mean, (Kind::Float, 1));
            out.add("margin", margins, (Kind::Float, 1));
            out.ports
        }
        Link::Logistic => {
            let exact = graph.cast(margins, Kind::Double);
            let label = binary_label(graph, subject, &exact);
            let probabilities = logistic(graph, subject, &exact);
            let decision = subject.margin_threshold.map(|threshold| {
                let threshold = graph.double("margin_threshold", threshold);
                graph.node("GreaterOrEqual", &[&exact, &threshold], &[])
            });
            let mut out = Outputs { graph, ports: Vec::new() };
            out.add("label", &label, (Kind::Text, 1));
            out.matrix(layout, ("probabilities", "p_"), &probabilities, classes);
            out.matrix(layout, ("margin", "margin_"), margins, &one);
            if let Some(decision) = decision {
                out.add("decision", &decision, (Kind::Bool, 1));
            }
            out.ports
        }
        Link::Softmax => {
            let best = graph.node(
                "ArgMax",
                &[margins],
                &[("axis", Attribute::Int(1)), ("keepdims", Attribute::Int(1))],
            );
            let label = word(graph, subject, &best);
            let probabilities = softmax(graph, subject, margins);
            let mut out = Outputs { graph, ports: Vec::new() };
            out.add("label", &label, (Kind::Text, 1));
            out.matrix(layout, ("probabilities", "p_"), &probabilities, classes);
            out.matrix(layout, ("margin", "margin_"), margins, classes);
            out.ports
        }
    }
}

/// Returns the word of a class by its index.
fn word(graph: &mut Graph, subject: &Subject<'_>, index: &Value) -> Value {
    let classes = graph.constant("classes", &Tensor::Text(subject.parts.classes.clone()), None);
    graph.node("Gather", &[&classes, index], &[("axis", Attribute::Int(0))])
}

fn binary_label(graph: &mut Graph, subject: &Subject<'_>, exact: &Value) -> Value {
    let half = graph.double("label_threshold", subject.label_threshold);
    let positive = graph.node("GreaterOrEqual", &[exact, &half], &[]);
    let index = graph.cast(&positive, Kind::Int64);
    word(graph, subject, &index)
}

/// `sigmoid(slope × margin + intercept)` in f64; the negative class is 1 − p.
fn logistic(graph: &mut Graph, subject: &Subject<'_>, exact: &Value) -> Value {
    let mut z = exact.clone();
    let (slope, intercept) = subject.calibration();
    if (slope, intercept) != (1.0, 0.0) {
        let (slope, intercept) = (graph.double("slope", slope), graph.double("intercept", intercept));
        let scaled = graph.node("Mul", &[&z, &slope], &[]);
        z = graph.node("Add", &[&scaled, &intercept], &[]);
    }
    let positive = graph.node("Sigmoid", &[&z], &[]);
    let one = graph.double("one", 1.0);
    let negative = graph.node("Sub", &[&one, &positive], &[]);
    let both = graph.concat(&[negative, positive]);
    graph.cast(&both, Kind::Float)
}

fn softmax(graph: &mut Graph, subject: &Subject<'_>, margins: &Value) -> Value {
    let mut z = graph.cast(margins, Kind::Double);
    let (slope, _) = subject.calibration();
    if slope != 1.0 {
        let slope = graph.double("slope", slope);
        z = graph.node("Mul", &[&z, &slope], &[]);
    }
    let soft = graph.node("Softmax", &[&z], &[("axis", Attribute::Int(1))]);
    graph.cast(&soft, Kind::Float)
}
