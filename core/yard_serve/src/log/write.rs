//! Writing requests and labels into the store's tables.

use super::{
    chain::{self, Chain, Record},
    note::{Asked, Outcome},
    privacy::{Kept, Privacy},
};
use crate::{json, rows::Rows, served::Served};
use rusqlite::{Connection, OptionalExtension as _, params};
use yard_types::{
    schema::FieldType,
    serving::{FeedbackItem, FeedbackReply},
    table::FieldValue,
};

/// Requests deleted at most for each request written, so that retention never holds up the log.
const DELETED_PER_WRITTEN: u64 = 4;

/// Window of a request that is in none.
pub(crate) const NO_WINDOW: i64 = -1;

/// Inserts one request and returns its position. `total` is the running number of rows.
pub(crate) fn insert_request(
    connection: &Connection,
    asked: &Asked,
    (window, total): (i64, u64),
    (privacy, chain): (&Privacy, &mut Chain),
) -> rusqlite::Result<i64> {
    let (status, error, rows, fields, answers) = match &asked.outcome {
        Outcome::Answered { rows, answers, .. } => {
            (200, None, rows.len(), fields_json(&asked.served, rows, privacy), Some(answers))
        }
        Outcome::Refused { status, message } => (*status, Some(message), 0, Vec::new(), None),
    };
    let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let margins = answers.map_or_else(Vec::new, |answers| floats(&answers.margins));
    let scores = answers.map_or_else(Vec::new, |answers| {
        floats(if answers.classes > 0 { &answers.probabilities } else { &answers.margins })
    });
    let decisions: Vec<u8> =
        answers.map_or_else(Vec::new, |answers| answers.decisions.iter().map(|yes| u8::from(*yes)).collect());
    let fields = std::str::from_utf8(&fields).unwrap_or_default();
    let identity = &asked.served.identity;
    let route = asked.dialect.word();
    let hash = chain.add(&Record {
        fields,
        parts: [
            asked.request_id.as_bytes(),
            identity.model.as_bytes(),
            route.as_bytes(),
            error.map_or(&[], String::as_bytes),
            &margins,
            &scores,
            &decisions,
        ],
        numbers: [
            identity.version as i64,
            asked.at_us,
            i64::from(status),
            asked.nanos as i64,
            rows as i64,
            total as i64,
            window,
        ],
    });
    connection
        .prepare_cached(
            "insert into request(id, model, version, at_us, route, status, nanos, rows, total, window, error,
             fields, margins, scores, decisions, hash)
             values(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?
        .execute(params![
            asked.request_id,
            identity.model,
            identity.version as i64,
            asked.at_us,
            route,
            status,
            asked.nanos as i64,
            rows as i64,
            total as i64,
            window,
            error,
            fields,
            margins,
            scores,
            decisions,
            &hash[..]
        ])?;
    Ok(connection.last_insert_rowid())
}

/// Writes the field values of all rows as a JSON list of objects, fields in the scorer's order.
fn fields_json(served: &Served, rows: &Rows, privacy: &Privacy) -> Vec<u8> {
    let kept: Vec<(usize, Kept)> = served
        .inputs
        .fields
        .iter()
        .map(|field| privacy.of(served, &field.name))
        .enumerate()
        .filter(|(_, kept)| *kept != Kept::Nothing)
        .collect();
    let mut out = Vec::with_capacity(rows.len() * kept.len() * 24 + 2);
    out.push(b'[');
    for row in 0..rows.len() {
        if row > 0 {
            out.push(b',');
        }
        out.push(b'{');
        for (place, (index, kept)) in kept.iter().enumerate() {
            let field = &served.inputs.fields[*index];
            if place > 0 {
                out.push(b',');
            }
            out.extend_from_slice(served.fragments.keys.get(*index).map_or(&b"\"\":"[..], Vec::as_slice));
            let start = out.len();
            write_value(&mut out, field.field_type, rows.value(row, *index));
            if *kept == Kept::Digest {
                privacy.digest(&mut out, start, &field.name);
            }
        }
        out.push(b'}');
    }
    out.push(b']');
    out
}

fn write_value(out: &mut Vec<u8>, field_type: FieldType, value: FieldValue<'_>) {
    match value {
        FieldValue::Missing => out.extend_from_slice(b"null"),
        FieldValue::Number(number)
            if field_type == FieldType::Boolean && (number == 0.0 || number == 1.0) =>
        {
            out.extend_from_slice(if number == 1.0 { b"true" } else { b"false" });
        }
        FieldValue::Number(number) => json::write_number(out, number),
        FieldValue::Text(text) => json::write_string(out, text),
        FieldValue::Instant(micros) => json::write_string(out, &yard_types::date::format_iso(micros)),
    }
}

/// Stores labels; a second label of a row replaces the first.
pub(crate) fn insert_labels(
    connection: &Connection,
    model: &str,
    items: &[FeedbackItem],
    at_us: i64,
) -> rusqlite::Result<FeedbackReply> {
    let mut insert = connection.prepare_cached("insert or replace into label values(?1, ?2, ?3, ?4, ?5)")?;
    let mut find = connection.prepare_cached("select 1 from request where id = ?1 and model = ?2 limit 1")?;
    let mut reply = FeedbackReply::default();
    for item in items {
        insert.execute(params![model, item.request_id, item.index, item.label.to_string(), at_us])?;
        reply.accepted += 1;
        let known = find.query_row(params![item.request_id, model], |_| Ok(())).optional()?;
        reply.unknown += u64::from(known.is_none());
    }
    Ok(reply)
}

/// Deletes the oldest requests, with their labels, until at most `retain` rows are left; a bounded number
/// at a time.
pub(crate) fn delete_old(
    connection: &Connection,
    total: u64,
    retain: u64,
    written: u64,
) -> rusqlite::Result<()> {
    let Some(bound) = total.checked_sub(retain).filter(|bound| *bound > 0) else { return Ok(()) };
    let most = (written * DELETED_PER_WRITTEN + 100) as i64;
    let doomed = "select seq from (select seq, total from request order by seq limit ?2) where total <= ?1";
    connection
        .prepare_cached(&format!(
            "delete from label where (model, request_id) in
             (select model, id from request where seq in ({doomed}))"
        ))?
        .execute(params![bound as i64, most])?;
    chain::move_anchor(connection, doomed, (bound as i64, most))?;
    connection
        .prepare_cached(&format!("delete from request where seq in ({doomed})"))?
        .execute(params![bound as i64, most])?;
    Ok(())
}
