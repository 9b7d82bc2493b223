//! Reading the log back: pages of requests, and windows with the labels that have arrived.

use super::window::{WindowBody, WindowFigures, read_figures};
use rusqlite::{Connection, params};
use serde_json::Value;
use std::collections::BTreeMap;
use yard_types::{
    date::format_iso,
    serving::{LabelledRow, LogEntry, LogReply, LoggedRow, ServedWindow},
};

/// Reads a page of the log of a model.
pub(crate) fn read_log(
    connection: &Connection,
    model: &str,
    after: u64,
    limit: usize,
) -> rusqlite::Result<LogReply> {
    let mut query = connection.prepare_cached(
        "select seq, id, at_us, version, route, status, nanos, error, rows, fields, margins, scores, decisions
         from request where model = ?1 and seq > ?2 order by seq limit ?3",
    )?;
    let mut labels =
        connection.prepare_cached("select row, label from label where model = ?1 and request_id = ?2")?;
    let mut rows = query.query(params![model, after as i64, limit as i64])?;
    let mut reply = LogReply { entries: Vec::new(), last: after };
    while let Some(row) = rows.next()? {
        let request_id: String = row.get(1)?;
        let known: BTreeMap<i64, Value> = labels
            .query_map(params![model, request_id], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?
            .map(|pair| pair.map(|(row, label)| (row, parse(&label))))
            .collect::<Result<_, _>>()?;
        reply.last = row.get::<_, i64>(0)? as u64;
        reply.entries.push(LogEntry {
            seq: reply.last,
            request_id,
            at: format_iso(row.get(2)?),
            version: row.get::<_, i64>(3)? as u64,
            route: row.get(4)?,
            status: row.get::<_, i64>(5)? as u16,
            latency_ms: row.get::<_, i64>(6)? as f64 / 1e6,
            error: row.get(7)?,
            rows: logged_rows(row, &known)?,
        });
    }
    Ok(reply)
}

fn logged_rows(row: &rusqlite::Row<'_>, labels: &BTreeMap<i64, Value>) -> rusqlite::Result<Vec<LoggedRow>> {
    let count = row.get::<_, i64>(8)? as usize;
    // Erased values are no JSON: their records then have no fields.
    let fields = match parse(&row.get::<_, String>(9)?) {
        Value::Array(fields) => fields,
        _ => Vec::new(),
    };
    let (margins, scores) = (floats(&row.get::<_, Vec<u8>>(10)?), floats(&row.get::<_, Vec<u8>>(11)?));
    let decisions: Vec<u8> = row.get(12)?;
    let part = |values: &[f32], index: usize| {
        let width = values.len() / count.max(1);
        values.get(index * width..(index + 1) * width).unwrap_or(&[]).to_vec()
    };
    Ok((0..count)
        .map(|index| LoggedRow {
            fields: fields.get(index).cloned().unwrap_or_default(),
            margins: part(&margins, index),
            scores: part(&scores, index).into_iter().map(f64::from).collect(),
            decision: decisions.get(index).map(|byte| *byte == 1),
            label: labels.get(&(index as i64)).cloned(),
        })
        .collect())
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// Reads the latest windows of each version of a model; `merged` stored windows become one.
pub(crate) fn read_windows(
    connection: &Connection,
    model: &str,
    merged: u64,
    last: u64,
) -> rusqlite::Result<Vec<ServedWindow>> {
    let mut query = connection.prepare_cached(
        "select version, open, body, number, from_us, to_us, rows, requests, errors, score_sum, score_count
         from window w where model = ?1 and number / ?2 > (select max(number) / ?2 - ?3 from window x
         where x.model = w.model and x.version = w.version) order by version, number",
    )?;
    let mut windows: Vec<Gathered> = Vec::new();
    let mut rows = query.query(params![model, merged as i64, last as i64])?;
    while let Some(row) = rows.next()? {
        let version = row.get::<_, i64>(0)? as u64;
        let figures = read_figures(row, 3)?;
        let body: WindowBody = serde_json::from_str(&row.get::<_, String>(2)?).unwrap_or_default();
        let index = figures.number / merged;
        match windows.last_mut() {
            Some(window) if window.version == version && window.index == index => window.add(&figures, body),
            _ => windows.push(Gathered { version, index, open: false, figures, body, stored: 1 }),
        }
        if let Some(window) = windows.last_mut() {
            window.open = row.get::<_, bool>(1)? || window.stored < merged;
        }
    }
    let mut labels = read_labels(connection, model, merged)?;
    Ok(windows
        .into_iter()
        .map(|window| {
            let labelled = labels.remove(&(window.version, window.index)).unwrap_or_default();
            window.shown(labelled)
        })
        .collect())
}

struct Gathered {
    version: u64,
    index: u64,
    open: bool,
    figures: WindowFigures,
    body: WindowBody,
    stored: u64,
}

impl Gathered {
    fn add(&mut self, figures: &WindowFigures, body: WindowBody) {
        self.stored += 1;
        let own = &mut self.figures;
        own.to_us = own.to_us.max(figures.to_us);
        own.rows += figures.rows;
        own.requests += figures.requests;
        own.errors += figures.errors;
        own.score_sum += figures.score_sum;
        own.score_count += figures.score_count;
        self.body.latency.merge(&body.latency);
        for (name, counts) in body.fields {
            match self.body.fields.get_mut(&name) {
                // Windows of one version have the same bins.
                Some(own) => drop(own.merge(&counts)),
                None => drop(self.body.fields.insert(name, counts)),
            }
        }
        drop(self.body.score.merge(&body.score));
    }

    fn shown(self, labelled: Vec<LabelledRow>) -> ServedWindow {
        let figures = self.figures;
        let (p50_ms, p95_ms, p99_ms) = self.body.latency.p50_p95_p99_ms();
        ServedWindow {
            version: self.version,
            index: self.index,
            from: format_iso(figures.from_us),
            to: format_iso(figures.to_us),
            open: self.open,
            rows: figures.rows,
            requests: figures.requests,
            errors: figures.errors,
            p50_ms,
            p95_ms,
            p99_ms,
            latency: to_json(&self.body.latency),
            mean_score: (figures.score_count > 0).then(|| figures.score_sum / figures.score_count as f64),
            fields: self.body.fields.iter().map(|(name, counts)| (name.clone(), to_json(counts))).collect(),
            score: to_json(&self.body.score),
            labelled,
        }
    }
}

fn to_json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Labelled rows by version and window.
type Labels = BTreeMap<(u64, u64), Vec<LabelledRow>>;

fn read_labels(connection: &Connection, model: &str, merged: u64) -> rusqlite::Result<Labels> {
    let mut query = connection.prepare_cached(
        "select r.version, r.window / ?2, l.request_id, l.row, l.label, r.rows, r.scores, r.decisions
         from label l join request r on r.id = l.request_id and r.model = l.model
         where l.model = ?1 and l.row < r.rows and r.window >= 0 order by r.seq, l.row",
    )?;
    let mut labels = Labels::new();
    let mut rows = query.query(params![model, merged as i64])?;
    while let Some(row) = rows.next()? {
        let key = (row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64);
        let index = row.get::<_, u32>(3)?;
        let scores = floats(&row.get::<_, Vec<u8>>(6)?);
        let width = scores.len() / (row.get::<_, i64>(5)? as usize).max(1);
        let decisions: Vec<u8> = row.get(7)?;
        let at = index as usize;
        labels.entry(key).or_default().push(LabelledRow {
            request_id: row.get(2)?,
            index,
            scores: scores
                .get(at * width..(at + 1) * width)
                .unwrap_or(&[])
                .iter()
                .map(|score| f64::from(*score))
                .collect(),
            decision: decisions.get(at).map(|byte| *byte == 1),
            label: parse(&row.get::<_, String>(4)?),
        });
    }
    Ok(labels)
}
