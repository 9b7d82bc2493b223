//! Scores rows with a model of LightGBM or XGBoost and writes the margins, so that they can be compared bit
//! by bit with that library's own (`tests/interop/imports.py`).
//!
//! `imported MODEL ROWS.csv OUT`: ROWS has a header with the model's columns and no quotes, an empty cell is a
//! missing value; OUT gets `[rows, outputs]` f32, little-endian. Batches of 1, 7 and 4,096 rows must agree.

use std::error::Error;
use yard_score::{encode::Rows, scorer::Scorer};
use yard_types::{
    recipe::FeatureOp,
    table::{Column, Table, TextColumn},
};

fn table(text: &str, imported: &yard_export::Imported) -> Result<Table, Box<dyn Error>> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().ok_or("the rows have no header")?.split(',').collect();
    let cells: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let recipe = &imported.parts.recipe;
    let mut columns = Vec::new();
    for (index, input) in recipe.inputs.iter().enumerate() {
        let at = header.iter().position(|name| *name == input.name).ok_or("a column is absent")?;
        let own = cells.iter().map(|row| row.get(at).copied().filter(|cell| !cell.is_empty()));
        let code = recipe.features.get(index).is_some_and(|feature| feature.op == FeatureOp::Code);
        let column = if code {
            Column::Text(TextColumn::from_cells(own.collect::<Vec<_>>()))
        } else {
            let number = |cell: Option<&str>| cell.map_or(Ok(f64::NAN), str::parse);
            Column::Number(own.map(number).collect::<Result<_, _>>()?)
        };
        columns.push((input.name.clone(), column));
    }
    Ok(Table::new(columns)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(model), Some(rows), Some(out)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: imported MODEL ROWS.csv OUT".into());
    };
    let imported = yard_export::import(&std::fs::read(model)?)?;
    let scorer = Scorer::new(&imported.parts)?;
    let table = table(&std::fs::read_to_string(rows)?, &imported)?;
    let mut all: Vec<Vec<f32>> = Vec::new();
    for batch in [1, 7, 4_096] {
        let mut margins = Vec::new();
        for start in (0..table.rows()).step_by(batch) {
            let end = (start + batch).min(table.rows());
            margins.extend(scorer.score_rows(&table, Rows::Range(start, end))?.margins);
        }
        all.push(margins);
    }
    let bits = |margins: &[f32]| margins.iter().map(|margin| margin.to_bits()).collect::<Vec<_>>();
    if all.iter().any(|margins| bits(margins) != bits(&all[0])) {
        return Err("batches of 1, 7 and 4,096 rows differ".into());
    }
    std::fs::write(out, all[0].iter().flat_map(|margin| margin.to_le_bytes()).collect::<Vec<u8>>())?;
    Ok(())
}
