//! Numbers for Prometheus' node exporter: a text file that is replaced as a whole.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use transload::batch::Summary;

/// How often the file is written at most.
const EVERY: Duration = Duration::from_secs(5);

pub(super) struct Metrics {
    path: PathBuf,
    items: u64,
    written: Mutex<Option<Instant>>,
}

impl Metrics {
    pub(super) fn new(path: &Path, items: u64) -> Self {
        Self { path: path.to_owned(), items, written: Mutex::new(None) }
    }

    /// Writes how things stand, unless that was done a moment ago.
    pub(super) fn tell(&self, summary: &Summary) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.is_none_or(|at| at.elapsed() >= EVERY) {
            *written = Some(Instant::now());
            // It is tried again soon.
            let _ = self.write(summary, false);
        }
    }

    /// Writes the last numbers.
    pub(super) fn write(&self, summary: &Summary, ended: bool) -> std::io::Result<()> {
        let parent =
            self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let mut file = tempfile_in(parent)?;
        file.write_all(text(summary, self.items, ended).as_bytes())?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// The exporter reads what ends in `.prom` only, and every user's files.
fn tempfile_in(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".transload.").suffix(".tmp").permissions(std::fs::Permissions::from_mode(0o644));
    builder.tempfile_in(folder)
}

fn text(summary: &Summary, items: u64, ended: bool) -> String {
    let shard = summary.shard.map(|shard| format!(",shard=\"{shard}\"")).unwrap_or_default();
    let alone = summary.shard.map(|shard| format!("{{shard=\"{shard}\"}}")).unwrap_or_default();
    let mut text = String::new();
    let mut section = |name: &str, kind: &str, help: &str| {
        text.push_str(&format!("# HELP transload_batch_{name} {help}\n# TYPE transload_batch_{name} {kind}\n"));
        if name == "items_total" {
            for (status, count) in [
                ("ok", summary.ok),
                ("unchanged", summary.unchanged),
                ("failed", summary.failed),
                ("temporary", summary.temporary),
                ("skipped", summary.skipped),
            ] {
                text.push_str(&format!("transload_batch_items_total{{status=\"{status}\"{shard}}} {count}\n"));
            }
            return;
        }
        let value = match name {
            "items" => items,
            "read_bytes_total" => summary.bytes_in,
            "written_bytes_total" => summary.bytes_out,
            _ => u64::from(!ended),
        };
        text.push_str(&format!("transload_batch_{name}{alone} {value}\n"));
    };
    section("items", "gauge", "Items of this run.");
    section("items_total", "counter", "Items that ended, by what became of them.");
    section("read_bytes_total", "counter", "Bytes of blobs that were read.");
    section("written_bytes_total", "counter", "Bytes of results.");
    section("running", "gauge", "1 while the run goes on.");
    text
}

#[cfg(test)]
mod tests {
    use transload::batch::Shard;

    use super::*;

    #[test]
    fn numbers_stand_as_prometheus_reads_them() {
        let mut summary = Summary::default();
        summary.ok = 3;
        summary.bytes_in = 10;
        summary.shard = Shard::new(1, 4);
        let text = text(&summary, 7, true);
        for line in [
            "transload_batch_items{shard=\"1/4\"} 7",
            "transload_batch_items_total{status=\"ok\",shard=\"1/4\"} 3",
            "transload_batch_read_bytes_total{shard=\"1/4\"} 10",
            "transload_batch_running{shard=\"1/4\"} 0",
            "# TYPE transload_batch_items_total counter",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
