//! `--files` and `--largest`: files as `tar tv` lists them, or as JSON lines.

use std::io::{self, Write};

use anyhow::Result;
use jiff::Timestamp;
use jiff::tz::Offset;
use serde::Serialize;
use transload::{Archive, Context, Error, ErrorKind, FileKind, FilesOptions, FilesSummary, ListedFile, escape};

use crate::cli::page::Table;
use crate::cli::render::{Printable, bytes};

/// Raised when the shape of the JSON changes.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Told<'a> {
    schema: u32,
    #[serde(flatten)]
    file: &'a ListedFile,
}

/// Columns of owner and size at first; they grow when a line needs more, as GNU tar's do.
const OWNER_AND_SIZE: usize = 19;

/// So many bytes of rows are enough to tell how wide columns are. More would be held in memory for nothing else.
const PART: usize = 1 << 20;

/// Lists files as they come. What goes wrong when they are written is told as what it is, not as the archive's fault.
pub(super) fn write(
    archive: &Archive,
    options: &FilesOptions,
    json: bool,
    width: usize,
    out: &mut dyn Write,
    cx: &Context<'_>,
) -> Result<FilesSummary> {
    let mut failed: Option<io::Error> = None;
    let mut columns = OWNER_AND_SIZE;
    let mut table = Table::new(&[">SIZE", "LAYER", "PATH"]);
    let as_table = options.largest.is_some() && !json;
    let mut line = |file: &ListedFile| -> io::Result<()> {
        if json {
            serde_json::to_writer(Printable::new(out), &Told { schema: SCHEMA, file })?;
            return out.write_all(b"\n");
        }
        if as_table {
            table.row(vec![bytes(file.size), file.layer.to_string(), escape(&file.path)]);
            // Paths are the answer: they are never cut.
            let part = (table.held() > PART).then(|| table.lay_out_part(width, true));
            return out.write_all(part.unwrap_or_default().as_bytes());
        }
        writeln!(out, "{}", verbose(file, &mut columns))
    };
    let mut sink = |file: &ListedFile| {
        line(file).map_err(|error| {
            failed = Some(error);
            Error::new(ErrorKind::Environment, "cannot write")
        })
    };
    let told = archive.files(options, &mut sink, cx);
    if let Some(error) = failed {
        return Err(error.into());
    }
    let summary = told?;
    if as_table {
        out.write_all(table.lay_out_part(width, true).as_bytes())?;
    }
    Ok(summary)
}

/// Writes a line as `tar tv --numeric-owner` does.
fn verbose(file: &ListedFile, columns: &mut usize) -> String {
    let owner = format!("{}/{}", file.uid, file.gid);
    let size = match file.device {
        Some((major, minor)) => format!("{major},{minor}"),
        None => file.size.to_string(),
    };
    *columns = (*columns).max(owner.len() + 1 + size.len());
    let pad = *columns - owner.len();
    let mut path = escape(&file.path);
    if file.kind == FileKind::Directory && !path.ends_with('/') {
        path.push('/');
    }
    let link = file.link.as_deref().map(escape);
    let link = match (file.kind, link) {
        (FileKind::HardLink, Some(target)) => format!(" link to {target}"),
        (_, Some(target)) => format!(" -> {target}"),
        (_, None) => String::new(),
    };
    format!("{}{} {owner}{size:>pad$} {} {path}{link}", file.kind.letter(), permissions(file.mode), when(file.mtime))
}

/// Writes permission bits as `ls -l` does.
fn permissions(mode: u32) -> String {
    let triple = |shift: u32, special: u32, letter: char| {
        let bits = mode >> shift;
        let execute = match (bits & 1 != 0, mode & special != 0) {
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        };
        let read = if bits & 4 != 0 { 'r' } else { '-' };
        let write = if bits & 2 != 0 { 'w' } else { '-' };
        [read, write, execute]
    };
    [triple(6, 0o4000, 's'), triple(3, 0o2000, 's'), triple(0, 0o1000, 't')].concat().into_iter().collect()
}

/// Writes a time in UTC to the minute; seconds since 1970 where no calendar has it.
fn when(seconds: i64) -> String {
    match Timestamp::from_second(seconds).map(|time| Offset::UTC.to_datetime(time)) {
        Ok(t) => format!("{:04}-{:02}-{:02} {:02}:{:02}", t.year(), t.month(), t.day(), t.hour(), t.minute()),
        Err(_) => format!("@{seconds}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_as_ls_writes_them() {
        for (mode, want) in [
            (0o644, "rw-r--r--"),
            (0o4755, "rwsr-xr-x"),
            (0o2745, "rwxr-Sr-x"),
            (0o1777, "rwxrwxrwt"),
            (0o1776, "rwxrwxrwT"),
            (0, "---------"),
        ] {
            assert_eq!(permissions(mode), want, "{mode:o}");
        }
    }

    #[test]
    fn times_are_dates_where_there_are_such() {
        for (seconds, want) in [
            (0, "1970-01-01 00:00"),
            (1_700_000_000, "2023-11-14 22:13"),
            (-1, "1969-12-31 23:59"),
            (i64::MAX, "@9223372036854775807"),
        ] {
            assert_eq!(when(seconds), want);
        }
    }
}
