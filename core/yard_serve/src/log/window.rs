//! Windows: the figures of a run of requests of one version. A window closes when it holds enough rows; the
//! open one is stored with every batch of the log, so that a restart goes on where it was.

use super::sketches::Sketches;
use crate::rows::Rows;
use crate::served::{Answers, Served};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use yard_metrics::sketch::{LatencyHistogram, SketchCounts};

/// Closed windows kept for each version.
const KEPT: u64 = 10_000;

/// The part of a window that is stored as JSON.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct WindowBody {
    pub(crate) latency: LatencyHistogram,
    pub(crate) fields: BTreeMap<String, SketchCounts>,
    pub(crate) score: SketchCounts,
}

/// The figures of a window beside its body.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WindowFigures {
    pub(crate) number: u64,
    pub(crate) from_us: i64,
    pub(crate) to_us: i64,
    pub(crate) rows: u64,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) score_sum: f64,
    pub(crate) score_count: u64,
}

/// The window of a version that fills.
#[derive(Debug)]
pub(crate) struct OpenWindow {
    model: String,
    version: u64,
    pub(crate) figures: WindowFigures,
    latency: LatencyHistogram,
    sketches: Sketches,
    /// Whether something was counted since it was stored.
    changed: bool,
}

impl OpenWindow {
    /// Goes on with the stored open window of a version, or starts the next one.
    pub(crate) fn resume(connection: &Connection, served: &Served) -> rusqlite::Result<Self> {
        let mut window = Self::fresh(served, 0);
        let key = params![served.identity.model, served.identity.version as i64];
        let stored = connection
            .prepare_cached(
                "select number, from_us, to_us, rows, requests, errors, score_sum, score_count, open, body
                 from window where model = ?1 and version = ?2 order by number desc limit 1",
            )?
            .query_row(key, |row| {
                Ok((read_figures(row, 0)?, row.get::<_, bool>(8)?, row.get::<_, String>(9)?))
            })
            .optional()?;
        match stored {
            None => {}
            Some((figures, false, _)) => window.figures.number = figures.number + 1,
            Some((figures, true, body)) => {
                window.figures = figures;
                if let Ok(body) = serde_json::from_str::<WindowBody>(&body) {
                    let fields = body.fields.iter().map(|(name, counts)| (name.as_str(), counts));
                    window.sketches.restore(fields, &body.score);
                    window.latency = body.latency;
                }
            }
        }
        Ok(window)
    }

    fn fresh(served: &Served, number: u64) -> Self {
        Self {
            model: served.identity.model.clone(),
            version: served.identity.version,
            figures: WindowFigures { number, ..WindowFigures::default() },
            latency: LatencyHistogram::default(),
            sketches: Sketches::new(served),
            changed: false,
        }
    }

    /// Counts a request; `scored` is absent when it failed. Returns sum and count of the scores.
    pub(crate) fn count(
        &mut self,
        served: &Served,
        (at_us, nanos): (i64, u64),
        scored: Option<(&Rows, &Answers)>,
    ) -> (f64, u64) {
        let figures = &mut self.figures;
        if figures.requests == 0 {
            figures.from_us = at_us;
        }
        self.changed = true;
        figures.to_us = at_us.max(figures.to_us);
        figures.requests += 1;
        self.latency.push_us(nanos as f64 / 1_000.0);
        let Some((rows, answers)) = scored else {
            figures.errors += 1;
            return (0.0, 0);
        };
        let sum = self.sketches.count(served, rows, answers);
        let count = if answers.has_score() { answers.rows as u64 } else { 0 };
        let figures = &mut self.figures;
        figures.rows += answers.rows as u64;
        figures.score_sum += sum;
        figures.score_count += count;
        (sum, count)
    }

    /// Says that what was stored last was taken back.
    pub(crate) fn store_again(&mut self) {
        self.changed = self.figures.requests > 0;
    }

    /// Stores the window as it is.
    pub(crate) fn store(&mut self, connection: &Connection, open: bool) -> rusqlite::Result<()> {
        if !self.changed {
            return Ok(());
        }
        let figures = &self.figures;
        let (fields, score) = self.sketches.counts();
        let body = WindowBody {
            latency: self.latency.clone(),
            fields: fields.map(|(name, counts)| (name.to_owned(), counts.clone())).collect(),
            score: score.clone(),
        };
        let body = serde_json::to_string(&body)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        connection
            .prepare_cached(
                "insert or replace into window values(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                self.model,
                self.version as i64,
                figures.number as i64,
                figures.from_us,
                figures.to_us,
                open,
                figures.rows as i64,
                figures.requests as i64,
                figures.errors as i64,
                figures.score_sum,
                figures.score_count as i64,
                body
            ])?;
        self.changed = false;
        Ok(())
    }

    /// Stores the window as a closed one, deletes the oldest and starts the next.
    pub(crate) fn close(&mut self, connection: &Connection, served: &Served) -> rusqlite::Result<()> {
        self.store(connection, false)?;
        let number = self.figures.number;
        connection
            .prepare_cached("delete from window where model = ?1 and version = ?2 and number < ?3")?
            .execute(params![self.model, self.version as i64, number.saturating_sub(KEPT) as i64])?;
        *self = Self::fresh(served, number + 1);
        Ok(())
    }
}

/// Reads the figures from eight columns, beginning with the number.
pub(crate) fn read_figures(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<WindowFigures> {
    let count = |offset: usize| row.get::<_, i64>(at + offset).map(|value| value as u64);
    Ok(WindowFigures {
        number: count(0)?,
        from_us: row.get(at + 1)?,
        to_us: row.get(at + 2)?,
        rows: count(3)?,
        requests: count(4)?,
        errors: count(5)?,
        score_sum: row.get(at + 6)?,
        score_count: count(7)?,
    })
}
