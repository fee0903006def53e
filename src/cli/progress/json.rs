//! Progress for programs: a JSON object on a line for everything that happens, and every second.

use std::time::Duration;

use serde_json::{Value, json};
use transload::{Event, escape_json};

use super::work::{Decision, Stage, View, Work};
use super::{Display, write};
use crate::cli::render::known;

/// Raised when the shape of the JSON changes.
const SCHEMA: u32 = 1;
const STEP: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Json {
    last: Duration,
}

fn line(event: &str, fields: Value) {
    let mut value = json!({"schema": SCHEMA, "event": event});
    if let (Value::Object(all), Value::Object(fields)) = (&mut value, known(fields)) {
        all.extend(fields);
    }
    write(&format!("{}\n", escape_json(&value.to_string())));
}

/// Returns a blob's fields.
fn blob(source: &str, origin: &str, size: u64, decision: Option<Decision>) -> Value {
    json!({
        "source": source,
        "blob": origin,
        "size": size,
        "action": decision.map(|decision| decision.action),
        "reason": decision.map(|decision| decision.reason.to_string()),
    })
}

/// Returns how far the stage is; rates are in bytes per second.
fn amounts(view: &View<'_>) -> Value {
    let working = *view.stage == Stage::Working;
    json!({
        "bytes": view.bytes,
        "total": view.total,
        "rate": view.rate.map(|rate| rate.round() as u64),
        "eta_seconds": view.left.map(rounded),
        "blobs": (working && view.blobs > 0).then_some(view.blobs),
        "blobs_read": working.then_some(view.blobs_read),
        "items": view.items.map(|(_, of)| of),
        "items_done": view.items.map(|(done, _)| done),
        "seconds": rounded(view.elapsed),
    })
}

fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

impl Display for Json {
    fn event(&mut self, event: &Event, work: &Work) {
        match event {
            Event::Spooling { source, bytes } => line("spooling", json!({"source": source, "total": bytes})),
            Event::Planned { bytes } => line("planned", json!({"total": work.planned() + bytes})),
            Event::Started { source, origin, size, .. } => {
                line("started", blob(source, origin, *size, work.decision(origin)));
            }
            Event::Ended { id } => {
                if let Some(active) = work.active(*id) {
                    line("finished", blob(&active.source, &active.origin, active.size, active.decision));
                }
            }
            Event::Sealing => line("sealing", json!({})),
            _ => {}
        }
    }

    fn frame(&mut self, view: &View<'_>) {
        if view.elapsed < self.last + STEP {
            return;
        }
        self.last = view.elapsed;
        match view.stage {
            Stage::Working => line("progress", amounts(view)),
            Stage::Spooling { .. } => line("spooled", amounts(view)),
            Stage::Sealing if view.bytes > 0 => line("sent", amounts(view)),
            Stage::Opening | Stage::Sealing => {}
        }
    }

    fn end(&mut self, view: &View<'_>, done: bool) {
        if done {
            let amounts = amounts(view);
            let [items, done] = ["items", "items_done"].map(|key| amounts[key].clone());
            let seconds = rounded(view.elapsed);
            line("done", json!({"bytes": view.read, "items": items, "items_done": done, "seconds": seconds}));
        }
    }
}
