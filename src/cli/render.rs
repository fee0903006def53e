//! What people and programs are shown: text and JSON from the same receipt.

use std::fmt::Write;
use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use transload::{Compression, ConvertedImage, ConvertedLayer, Format, Receipt, escape, escape_json};

use super::location::Location;

/// Everything there is to tell about a conversion.
pub(super) struct Report<'a> {
    pub(super) from: &'a Location,
    pub(super) to: &'a Location,
    pub(super) to_format: Format,
    pub(super) receipt: &'a Receipt,
    pub(super) elapsed: Duration,
}

/// Raised when the shape of the JSON changes.
const SCHEMA: u32 = 1;

/// Says what was put right, what a user should know, and what is lost.
pub(super) fn notes(receipt: &Receipt) -> String {
    let list = |word: &str, lines: &[String]| lines.iter().map(|line| format!("{word}: {}\n", escape(line))).collect();
    let parts: [String; 3] =
        [list("changed", &receipt.changes), list("warning", &receipt.warnings), list("loss", &receipt.losses)];
    parts.concat()
}

/// One line for each image.
pub(super) fn done(report: &Report<'_>) -> String {
    let images = &report.receipt.images;
    let seconds = format!("{:.1} s", report.elapsed.as_secs_f64());
    let mut out = String::new();
    for image in images {
        let id = image.image_id.map(|id| id.to_string()).unwrap_or_default();
        let size = image.layers.iter().filter_map(|layer| layer.size).sum();
        let layers = count(image.layers.len(), "layer");
        let _ = writeln!(out, "{}: image ID {id}, {layers}, {}, {seconds}", title(image), bytes(size));
    }
    if images.is_empty() {
        let (to, written) = (report.to.shown("standard output"), bytes(report.receipt.bytes_written));
        let _ = writeln!(out, "{to}: no image, but all other content, {written}, {seconds}");
    }
    out
}

/// What a dry run found, and why if that is wanted.
pub(super) fn plan(report: &Report<'_>, verbose: bool) -> String {
    let Report { from, to, to_format, receipt, .. } = report;
    let (from, to) = (from.shown("standard input"), to.shown("standard output"));
    let mut out = format!("{from} ({}) -> {to} ({to_format})\n", receipt.from);
    for image in &receipt.images {
        let id = image.image_id.map_or("made when its layers are read".to_owned(), |id| id.to_string());
        let _ = writeln!(out, "{}: image ID {id}", title(image));
        for (i, layer) in image.layers.iter().enumerate() {
            let digest = layer.diff_id.map(|id| id.to_string()).or(layer.digest.map(|digest| digest.to_string()));
            let reason = layer.reason.filter(|_| verbose).map(|reason| format!(" ({reason})")).unwrap_or_default();
            let _ = writeln!(out, "  layer {:<3} {:<10} {}{reason}", i + 1, layer.action, digest.unwrap_or_default());
        }
    }
    out
}

fn title(image: &ConvertedImage) -> String {
    let names: Vec<_> = image.names.iter().map(|name| escape(name)).collect();
    let names = if names.is_empty() { "(no name)".to_owned() } else { names.join(", ") };
    let platform = image.platform.as_ref().map(|platform| format!(" ({})", escape(platform))).unwrap_or_default();
    format!("{names}{platform}")
}

pub(super) fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Writes a number of bytes as docker does: in powers of 1000, three digits.
pub(super) fn bytes(n: u64) -> String {
    let mut value = n as f64;
    let mut units = ["B", "kB", "MB", "GB", "TB"].into_iter().peekable();
    let mut unit = "B";
    while let Some(next) = units.next() {
        unit = next;
        if value < 999.5 || units.peek().is_none() {
            break;
        }
        value /= 1000.0;
    }
    let digits = if unit == "B" || value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    format!("{value:.digits$} {unit}")
}

/// One JSON object, and a line end.
pub(super) fn json(report: &Report<'_>) -> String {
    let Report { from, to, to_format, receipt, elapsed } = report;
    let place = |location: &Location| location.path.as_ref().map_or("-".to_owned(), |path| path.display().to_string());
    let value = json!({
        "schema": SCHEMA,
        "input": {"path": place(from), "format": receipt.from.name()},
        "output": {"path": place(to), "format": to_format.name(), "bytes": receipt.bytes_written},
        "images": receipt.images.iter().map(image).collect::<Vec<_>>(),
        "losses": receipt.losses,
        "warnings": receipt.warnings,
        "changes": receipt.changes,
        "bytes_read": receipt.bytes_read,
        "bytes_written": receipt.bytes_written,
        "seconds": (elapsed.as_secs_f64() * 1000.0).round() / 1000.0,
    });
    line(&value)
}

/// Writes JSON on one line.
pub(super) fn line(value: &Value) -> String {
    escape_json(&value.to_string()) + "\n"
}

/// Writes JSON through, escaped as [`escape_json`] does it.
pub(super) struct Printable<'a> {
    out: &'a mut dyn io::Write,
    /// The start of a character whose end is still to come.
    rest: Vec<u8>,
}

impl<'a> Printable<'a> {
    pub(super) fn new(out: &'a mut dyn io::Write) -> Self {
        Self { out, rest: Vec::new() }
    }
}

impl io::Write for Printable<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.rest) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let text: Vec<u8> = self.rest.drain(..whole).collect();
        let text = String::from_utf8(text).map_err(io::Error::other)?;
        self.out.write_all(escape_json(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Absent is absent: what is not known has no key.
pub(super) fn known(fields: Value) -> Value {
    match fields {
        Value::Object(map) => map.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other => other,
    }
}

fn image(image: &ConvertedImage) -> Value {
    known(json!({
        "names": image.names,
        "platform": image.platform,
        "image_id": image.image_id.map(|id| id.to_string()),
        "manifest_digest": image.manifest.map(|digest| digest.to_string()),
        "layers": image.layers.iter().map(layer).collect::<Vec<_>>(),
    }))
}

fn layer(layer: &ConvertedLayer) -> Value {
    known(json!({
        "digest": layer.digest.map(|digest| digest.to_string()),
        "diff_id": layer.diff_id.map(|diff_id| diff_id.to_string()),
        "size": layer.size,
        "compression": layer.compression.map(Compression::name),
        "action": layer.action,
        "reason": layer.reason.map(|reason| reason.to_string()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_with_three_digits() {
        for (n, want) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.00 kB"),
            (12_345, "12.3 kB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (123_456_789, "123 MB"),
            (5_000_000_000_000_000, "5000 TB"),
        ] {
            assert_eq!(bytes(n), want, "{n}");
        }
    }
}
