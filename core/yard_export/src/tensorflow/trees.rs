//! Trees as gathers: all rows stand at a place of all trees, `[N, trees]`, and go one level down at a time. A
//! leaf leads to itself; the sum of the leaves is a product with ones and zeros, exact in f32 on the grid.

use super::graph::{Attr, TfGraph};
use crate::{
    flat::FlatTrees,
    onnx::graph::{Kind, Node, Tensor},
};

/// Adds the ensemble; margins are f32, `[N, outputs]`.
pub(super) fn ensemble(out: &mut TfGraph, node: &Node, x: &str) -> String {
    let flat = FlatTrees::of_node(node);
    let mut walk = Walk { out, x: x.to_owned(), tables: Tables::default() };
    walk.tables = walk.tables(&flat);
    // Every row starts at the roots: a place for each row, less itself, plus the roots.
    let zero = walk.out.int32(&[0], &[1]);
    let first = walk.gather(x, (&zero, Attr::Int32), (1, 0, Kind::Float));
    let no = walk.typed("IsNan", &[&first], Kind::Float);
    let zeros = walk.cast(&no, Kind::Bool, Kind::Int64);
    let none = walk.out.constant(&Tensor::Int64(vec![0]), &[]);
    let zeros = walk.typed("Mul", &[&zeros, &none], Kind::Int64);
    let count = flat.roots.len() as i64;
    let roots = walk.out.constant(&Tensor::Int64(flat.roots.clone()), &[1, count]);
    let mut at = walk.typed("AddV2", &[&zeros, &roots], Kind::Int64);
    for _ in 0..flat.depth {
        at = walk.down(&at);
    }
    let values = walk.table("values", &at);
    let mut ones = vec![0.0_f32; flat.roots.len() * flat.outputs];
    for (tree, output) in flat.targets.iter().enumerate() {
        if let Some(place) = ones.get_mut(tree * flat.outputs + *output as usize) {
            *place = 1.0;
        }
    }
    let ones = walk.out.constant(&Tensor::Float(ones), &[count, flat.outputs as i64]);
    let attributes =
        [("T", Attr::Type(Kind::Float)), ("adj_x", Attr::Bool(false)), ("adj_y", Attr::Bool(false))];
    walk.out.node("BatchMatMulV2", &[&values, &ones], &attributes)
}

/// Names of the arrays of all places.
#[derive(Default)]
struct Tables {
    feature: String,
    threshold: String,
    missing: String,
    yes: String,
    no: String,
    values: String,
    /// Of category splits: whether a place is one, where its set starts and its last entry.
    is_set: String,
    start: String,
    last: String,
    members: String,
    sets: bool,
}

struct Walk<'a> {
    out: &'a mut TfGraph,
    x: String,
    tables: Tables,
}

impl Walk<'_> {
    fn tables(&mut self, flat: &FlatTrees) -> Tables {
        let count = [flat.feature.len() as i64];
        let members = [flat.members.len() as i64];
        let mut whole = |values: &[i64]| self.out.constant(&Tensor::Int64(values.to_vec()), &count);
        let (feature, yes, no) = (whole(&flat.feature), whole(&flat.yes), whole(&flat.no));
        let (start, last, missing) =
            (whole(&flat.set_start), whole(&flat.set_last), whole(&flat.missing_yes));
        let is_set = whole(&flat.is_set);
        Tables {
            feature,
            yes,
            no,
            start,
            last,
            missing,
            is_set,
            threshold: self.out.constant(&Tensor::Float(flat.threshold.clone()), &count),
            values: self.out.constant(&Tensor::Float(flat.values.clone()), &count),
            members: self.out.constant(&Tensor::Int64(flat.members.clone()), &members),
            sets: flat.is_set.contains(&1),
        }
    }

    fn typed(&mut self, operator: &str, inputs: &[&str], kind: Kind) -> String {
        self.out.node(operator, inputs, &[("T", Attr::Type(kind))])
    }

    fn cast(&mut self, x: &str, from: Kind, to: Kind) -> String {
        self.out.node("Cast", &[x], &[("DstT", Attr::Type(to)), ("SrcT", Attr::Type(from))])
    }

    fn gather(
        &mut self,
        x: &str,
        (places, kind): (&str, Attr),
        (axis, batch, of): (i32, i64, Kind),
    ) -> String {
        let axis = self.out.int32(&[axis], &[]);
        let attributes = [
            ("Taxis", Attr::Int32),
            ("Tindices", kind),
            ("Tparams", Attr::Type(of)),
            ("batch_dims", Attr::Int(batch)),
        ];
        self.out.node("GatherV2", &[x, places, &axis], &attributes)
    }

    fn table(&mut self, name: &str, at: &str) -> String {
        let (table, kind) = match name {
            "values" => (self.tables.values.clone(), Kind::Float),
            "threshold" => (self.tables.threshold.clone(), Kind::Float),
            "feature" => (self.tables.feature.clone(), Kind::Int64),
            "missing" => (self.tables.missing.clone(), Kind::Int64),
            "yes" => (self.tables.yes.clone(), Kind::Int64),
            "no" => (self.tables.no.clone(), Kind::Int64),
            "start" => (self.tables.start.clone(), Kind::Int64),
            "last" => (self.tables.last.clone(), Kind::Int64),
            _ => (self.tables.is_set.clone(), Kind::Int64),
        };
        self.gather(&table, (at, Attr::Type(Kind::Int64)), (0, 0, kind))
    }

    /// Goes one level down.
    fn down(&mut self, at: &str) -> String {
        let feature = self.table("feature", at);
        let x = self.x.clone();
        let value = self.gather(&x, (&feature, Attr::Type(Kind::Int64)), (1, 1, Kind::Float));
        let threshold = self.table("threshold", at);
        let mut yes = self.typed("LessEqual", &[&value, &threshold], Kind::Float);
        let missing = self.typed("IsNan", &[&value], Kind::Float);
        if self.tables.sets {
            let member = self.member(at, &value, &missing);
            let is_set = self.table("is_set", at);
            let is_set = self.cast(&is_set, Kind::Int64, Kind::Bool);
            yes = self.typed("SelectV2", &[&is_set, &member, &yes], Kind::Bool);
        }
        let missing_yes = self.table("missing", at);
        let missing_yes = self.cast(&missing_yes, Kind::Int64, Kind::Bool);
        let yes = self.typed("SelectV2", &[&missing, &missing_yes, &yes], Kind::Bool);
        let (left, right) = (self.table("yes", at), self.table("no", at));
        self.typed("SelectV2", &[&yes, &left, &right], Kind::Int64)
    }

    /// Whether a code is in the set of its place; the last entry of a set stands for all codes beyond.
    fn member(&mut self, at: &str, value: &str, missing: &str) -> String {
        let zero = self.out.constant(&Tensor::Float(vec![0.0]), &[]);
        let code = self.typed("SelectV2", &[missing, &zero, value], Kind::Float);
        let last = self.table("last", at);
        let most = self.cast(&last, Kind::Int64, Kind::Float);
        let code = self.typed("Minimum", &[&code, &most], Kind::Float);
        let code = self.typed("Maximum", &[&code, &zero], Kind::Float);
        let code = self.cast(&code, Kind::Float, Kind::Int64);
        let start = self.table("start", at);
        let place = self.typed("AddV2", &[&start, &code], Kind::Int64);
        let members = self.tables.members.clone();
        let member = self.gather(&members, (&place, Attr::Type(Kind::Int64)), (0, 0, Kind::Int64));
        self.cast(&member, Kind::Int64, Kind::Bool)
    }
}
