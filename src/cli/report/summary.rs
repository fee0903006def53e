//! `transload report summary`.

mod gather;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use transload::batch::{Class, Shard, Summary};

use self::gather::{Gathered, gather};
use super::files::FilesArgs;
use crate::cli::page::{self, BAD, GOOD, MIXED, STRONG, Table, one_line, paint};
use crate::cli::render::{bytes, count, line};
use crate::cli::signals::Signals;
use crate::cli::stdio;

const EXAMPLES: &str = "\
Examples:
  transload report summary reports/*.jsonl
  transload report summary --json r.jsonl | jq -r '.failures[].code'";

/// Raised when the shape of the JSON changes.
const SCHEMA: u32 = 1;

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct SummaryArgs {
    #[command(flatten)]
    files: FilesArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &SummaryArgs, signals: &Signals) -> Result<ExitCode> {
    let mut reports = args.files.read(signals)?;
    let gathered = gather(&mut reports)?;
    let text = if args.json { as_json(&gathered) } else { as_text(&gathered, page::width()) };
    let mut out = stdio::answer(signals);
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn as_text(found: &Gathered, width: usize) -> String {
    let mut text = totals(&found.total, &found.processes);
    let mut section = |title: &str, table: &Table| {
        let table = table.lay_out(width, false);
        if !table.is_empty() {
            text += &format!("\n{}\n{table}", paint(STRONG, title));
        }
    };
    let mut table = Table::new(&[">ITEMS", "CODE", "CLASS", "FOR EXAMPLE"]);
    for failure in &found.failures {
        table.row(vec![
            failure.items.to_string(),
            one_line(&failure.code),
            word(failure.class).into(),
            one_line(&failure.message),
        ]);
    }
    section("Failures", &table);
    let mut table = Table::new(&[">TIME", ">READ", ">RATE", "ITEM"]);
    for slow in &found.slowest {
        let rate = rate(slow.bytes_in, slow.seconds);
        table.row(vec![seconds(slow.seconds), bytes(slow.bytes_in), rate, one_line(&slow.item)]);
    }
    section("Slowest items", &table);
    let mut table = Table::new(&["SHARD", ">ITEMS", ">FAILED", ">READ", ">RATE", ">TIME", "END"]);
    for process in found.processes.iter().take(gather::SHOWN) {
        table.row(vec![
            shard(process.shard),
            process.items.to_string(),
            (process.failed + process.temporary).to_string(),
            bytes(process.bytes_in),
            rate(process.bytes_in, process.seconds),
            seconds(process.seconds),
            if process.interrupted { "interrupted" } else { "done" }.into(),
        ]);
    }
    section("Slowest processes", &table);
    text
}

/// What there is of everything.
fn totals(total: &Summary, processes: &[Summary]) -> String {
    let counts = [
        (total.ok, "ok", GOOD),
        (total.unchanged, "unchanged", GOOD),
        (total.skipped, "skipped", MIXED),
        (total.temporary, "to be tried again", MIXED),
        (total.failed, "failed", BAD),
    ];
    let told = counts.into_iter().filter(|(n, ..)| *n > 0);
    let told: Vec<String> = told.map(|(n, word, style)| paint(style, &format!("{n} {word}"))).collect();
    let items = count(usize::try_from(total.items).unwrap_or(usize::MAX), "item");
    let told = if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) };
    let mut text = format!("{items}{told}\n");
    text += &format!("{} read, {} written", bytes(total.bytes_in), bytes(total.bytes_out));
    if let Some(longest) = processes.iter().map(|process| process.seconds).max() {
        // Processes side by side take as long as the longest; one after the other, longer: nobody noted when they began.
        let number = processes.len();
        let number = if number == 1 { "1 process".to_owned() } else { format!("{number} processes") };
        text += &format!(" by {number}, the longest of them {}", seconds(longest));
    }
    text += &format!("; {} in items, {} while at one\n", seconds(total.seconds), rate(total.bytes_in, total.seconds));
    text
}

fn as_json(found: &Gathered) -> String {
    let failure = |failure: &gather::Failures| {
        json!({
            "code": failure.code,
            "class": failure.class,
            "items": failure.items,
            "example": {"item": failure.item, "message": failure.message},
        })
    };
    let slow = |slow: &gather::Slow| json!({"item": slow.item, "seconds": slow.seconds.as_secs_f64(), "bytes_in": slow.bytes_in});
    let value: Value = json!({
        "schema": SCHEMA,
        "summary": found.total,
        "failures": found.failures.iter().map(failure).collect::<Vec<_>>(),
        "slowest": found.slowest.iter().map(slow).collect::<Vec<_>>(),
        "processes": found.processes,
    });
    line(&value)
}

fn word(class: Class) -> &'static str {
    match class {
        Class::Permanent => "permanent",
        Class::Temporary => "temporary",
    }
}

fn shard(shard: Option<Shard>) -> String {
    shard.map_or("-".to_owned(), |shard| shard.to_string())
}

fn rate(amount: u64, time: Duration) -> String {
    if time.is_zero() { String::new() } else { format!("{}/s", bytes((amount as f64 / time.as_secs_f64()) as u64)) }
}

/// Writes a time with the digits that tell something.
fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        ..10.0 => format!("{seconds:.2} s"),
        10.0..100.0 => format!("{seconds:.1} s"),
        _ => {
            let minutes = seconds as u64 / 60;
            let (hours, minutes, rest) = (minutes / 60, minutes % 60, seconds as u64 % 60);
            if hours > 0 { format!("{hours} h {minutes} min") } else { format!("{minutes} min {rest} s") }
        }
    }
}
