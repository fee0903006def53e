//! An inspection for programs: one JSON object on one line.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use transload::Inspection;

use crate::cli::render::Printable;

/// Raised when the shape of the JSON changes.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Told<'a> {
    schema: u32,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(flatten)]
    found: &'a Inspection,
    loadability: &'a Value,
}

/// Writes what was found in one archive. Several archives make several lines: each is whole when the next one fails, and
/// `jq .images` reads one as well as many. (`docker inspect` prints an array, always: there one object is many too.)
pub(super) fn write(
    out: &mut dyn Write,
    path: &str,
    bytes: Option<u64>,
    found: &Inspection,
    loadability: &Value,
) -> io::Result<()> {
    serde_json::to_writer(Printable::new(out), &Told { schema: SCHEMA, path, bytes, found, loadability })?;
    out.write_all(b"\n")
}
