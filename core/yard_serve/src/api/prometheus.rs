//! `GET /metrics`: figures in the Prometheus text format, version 0.0.4.

use crate::{
    registry::table::RoutedModel,
    served::{CODES, Dialect, Served},
    server::Server,
};
use std::{
    fmt::Write as _,
    sync::{Arc, atomic::Ordering::Relaxed},
};

/// Content type of the format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4";

/// Upper bounds of the duration histogram, seconds.
const BOUNDS: [f64; 18] = [
    0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
    0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Writes all figures.
pub(crate) fn write(server: &Server) -> String {
    let mut out = String::with_capacity(8 << 10);
    let table = server.registry.table();
    let models = table.sorted();
    let versions: Vec<(&Arc<RoutedModel>, &Arc<Served>)> =
        models.iter().flat_map(|model| model.versions.values().map(move |served| (*model, served))).collect();
    write_requests(&mut out, &versions);
    write_durations(&mut out, &versions);
    head(&mut out, "modelyard_inference_rows_total", "counter", "Rows scored.");
    for (_, served) in &versions {
        let rows = served.figures.rows.load(Relaxed);
        line(&mut out, "modelyard_inference_rows_total", &labels(served), rows);
    }
    head(&mut out, "modelyard_ignored_fields_total", "counter", "Requests with fields outside the contract.");
    for (_, served) in &versions {
        let count = served.figures.ignored_fields.load(Relaxed);
        line(&mut out, "modelyard_ignored_fields_total", &labels(served), count);
    }
    head(&mut out, "modelyard_model_info", "gauge", "Versions in memory.");
    for (_, served) in &versions {
        let labels = format!("{},sha256=\"{}\"", labels(served), served.identity.sha256);
        line(&mut out, "modelyard_model_info", &labels, 1);
    }
    write_shadow(&mut out, &models);
    write_server(&mut out, server);
    out
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a String can't fail.
    let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

fn line(out: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = if labels.is_empty() {
        writeln!(out, "{name} {value}")
    } else {
        writeln!(out, "{name}{{{labels}}} {value}")
    };
}

/// Model names and versions need no escaping: their characters are checked where they enter.
fn labels(served: &Served) -> String {
    format!("model=\"{}\",version=\"{}\"", served.identity.model, served.identity.version)
}

fn write_requests(out: &mut String, versions: &[(&Arc<RoutedModel>, &Arc<Served>)]) {
    let name = "modelyard_inference_requests_total";
    head(out, name, "counter", "Requests by route and status.");
    for (_, served) in versions {
        for dialect in Dialect::ALL {
            for (code, count) in CODES.iter().zip(&served.figures.requests[dialect as usize]) {
                let count = count.load(Relaxed);
                if count > 0 {
                    let labels = format!("{},route=\"{}\",code=\"{code}\"", labels(served), dialect.word());
                    line(out, name, &labels, count);
                }
            }
        }
    }
}

fn write_durations(out: &mut String, versions: &[(&Arc<RoutedModel>, &Arc<Served>)]) {
    let name = "modelyard_inference_duration_seconds";
    head(out, name, "histogram", "Time in the server, from the end of the request's head.");
    for (_, served) in versions {
        let latencies = served.figures.latencies.snapshot();
        let own = labels(served);
        for bound in BOUNDS {
            let below = latencies.at_most((bound * 1e9) as u64);
            line(out, &format!("{name}_bucket"), &format!("{own},le=\"{bound}\""), below);
        }
        let count = latencies.count();
        line(out, &format!("{name}_bucket"), &format!("{own},le=\"+Inf\""), count);
        line(out, &format!("{name}_sum"), &own, served.figures.latencies.sum_secs());
        line(out, &format!("{name}_count"), &own, count);
    }
}

fn write_shadow(out: &mut String, models: &[&Arc<RoutedModel>]) {
    let name = "modelyard_shadow_disagreement_ratio";
    head(out, name, "gauge", "Share of rows on which the shadow would have decided otherwise.");
    for model in models {
        let stats = model.shadow.stats();
        if stats.rows > 0 {
            let ratio = stats.disagreements as f64 / stats.rows as f64;
            line(out, name, &format!("model=\"{}\"", model.name), ratio);
        }
    }
}

fn write_server(out: &mut String, server: &Server) {
    let figures = &server.log.figures;
    let mut one = |name: &str, kind: &str, help: &str, value: u64| {
        head(out, name, kind, help);
        line(out, name, "", value);
    };
    one("modelyard_queue_depth", "gauge", "Requests that wait for a slot.", server.gate.waiting() as u64);
    one(
        "modelyard_audit_seq",
        "gauge",
        "Position of the last logged request.",
        figures.last_seq.load(Relaxed),
    );
    let inbox = &server.log.inbox;
    one("modelyard_log_backlog_bytes", "gauge", "Bytes that wait for the request log.", inbox.bytes() as u64);
    one(
        "modelyard_log_dropped_total",
        "counter",
        "Requests that neither log nor windows hold, because the log was behind.",
        inbox.dropped.load(Relaxed),
    );
    one(
        "modelyard_log_skipped_total",
        "counter",
        "Requests that the windows hold but not the log, because it was behind.",
        figures.skipped.load(Relaxed),
    );
    one(
        "modelyard_log_failures_total",
        "counter",
        "Batches that the store refused.",
        figures.failures.load(Relaxed),
    );
    one(
        "modelyard_refused_total",
        "counter",
        "Requests refused before a version was known.",
        server.refused.load(Relaxed),
    );
}
