//! `transload verify`.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use transload::{Code, Context, Error, Finding, Requirement, Severity, Verification, VerifyOptions};

use super::args::parse;
use super::page::{self, STRONG, paint};
use super::progress::ProgressArgs;
use super::render::{self, count};
use super::signals::Signals;
use super::source::{Source, SourceArgs, usage};
use super::{exit, loadability, stdio};

const EXAMPLES: &str = "\
Examples:
  transload verify app.tar
  transload verify --strict --quiet *.tar || echo 'do not ship these'
  curl -s https://example.com/app.tar.gz | transload verify -
  transload verify --for docker:20.10,podman app.tar
  transload verify --json app.tar | jq -r '.findings[] | .code'

Every byte is read once and held against every digest, size and diff_id that anything in the archive claims of it. All
findings are told, one a line: severity, code, member, what is wrong, where. `transload verify --codes` lists the codes.
At the end stands which engines load the archive, and what would help the others.";

const CODES: &str = "\
Exit codes:
  0        no finding is an error (with --strict: nor a warning)
  1        one is
  2        wrong usage
  3        no image archive at all
  75       the environment failed (disk, permission, I/O); a retry can help
  130,143  interrupted by SIGINT, SIGTERM
  141      whoever read standard output closed it
Of several archives the worst counts.";

/// Raised when the shape of the JSON changes.
const SCHEMA: u32 = 1;

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub(super) struct VerifyArgs {
    /// Archives or folders to read
    #[arg(required_unless_present = "codes", value_name = "ARCHIVE")]
    archives: Vec<OsString>,
    #[command(flatten)]
    source: SourceArgs,
    /// Fail for warnings, too
    #[arg(long)]
    strict: bool,
    /// Fail unless these engines would load it, as in docker:20.10,podman
    #[arg(long = "for", value_name = "ENGINES", value_delimiter = ',', value_parser = parse::<Requirement>)]
    required: Vec<Requirement>,
    /// Print one JSON object for each archive, each on a line
    #[arg(long)]
    json: bool,
    /// Print errors of the command only: the exit code is the answer
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
    /// Print the codes of findings, how bad each is and what it means
    #[arg(long, exclusive = true)]
    codes: bool,
    #[command(flatten)]
    progress: ProgressArgs,
}

pub(super) fn run(args: &VerifyArgs, signals: &Signals) -> Result<ExitCode> {
    if args.codes {
        print(&codes(), signals)?;
        return Ok(ExitCode::SUCCESS);
    }
    let cx = args.source.context(signals)?;
    let sources = args.archives.iter().map(|place| args.source.at(place)).collect::<Result<Vec<_>, _>>()?;
    let chosen = sources.iter().find_map(|source| source.location.reference.as_ref());
    if let Some(reference) = chosen {
        let message = format!("{reference}: an archive is verified as a whole, no image of it can be chosen");
        return Err(usage(&message).into());
    }
    if sources.iter().filter(|source| source.location.path.is_none()).count() > 1 {
        return Err(usage("standard input can be read once").into());
    }
    let mut worst = 0;
    for source in &sources {
        let (started, several) = (Instant::now(), sources.len() > 1);
        let code = match verify(args, source, &cx) {
            Ok(verification) => {
                let answer = Answer { source, several, verification, strict: args.strict, took: started.elapsed() };
                if args.json {
                    print(&answer.json(), signals)?;
                } else if !args.quiet {
                    print(&answer.text(), signals)?;
                }
                u8::from(!answer.passes())
            }
            // Neither another archive nor another exit code matters any more.
            Err(error) if signals.received() != 0 => return Err(error.into()),
            Err(error) => {
                if args.json {
                    print(&failure(source, &error), signals)?;
                }
                exit::report(&error.into(), 0)
            }
        };
        worst = worst.max(code);
    }
    Ok(ExitCode::from(worst))
}

fn verify(args: &VerifyArgs, source: &Source, cx: &Context<'_>) -> Result<Verification, Error> {
    let progress = args.progress.start(&source.location.shown("standard input"), args.quiet, false);
    let mut cx = cx.clone();
    cx.observer = &progress;
    let mut options = VerifyOptions::default();
    options.from = source.format;
    options.required.clone_from(&args.required);
    let found = transload::verify(source.input()?, &options, &cx)?;
    progress.finish();
    Ok(found)
}

fn print(text: &str, signals: &Signals) -> io::Result<()> {
    let mut stdout = stdio::answer(signals);
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Lists the codes as people read them.
fn codes() -> String {
    let line = |code: &Code| format!("{:20} {:8} {}\n", code.name(), code.severity().name(), code.meaning());
    Code::ALL.iter().map(line).collect()
}

/// What there is to say of one archive.
struct Answer<'a> {
    source: &'a Source,
    /// There are others: each line says whose it is.
    several: bool,
    verification: Verification,
    strict: bool,
    took: Duration,
}

impl Answer<'_> {
    fn passes(&self) -> bool {
        self.verification.passes(self.strict)
    }

    /// One line for each finding, and one for all.
    fn text(&self) -> String {
        let found = &self.verification;
        let mut lines: Vec<String> = found.findings.iter().map(ToString::to_string).collect();
        if found.omitted() > 0 {
            lines.push(format!("and {} more: of one code no more are listed", found.omitted()));
        }
        let severities = [Severity::Error, Severity::Warning, Severity::Note];
        let counts = severities.map(|severity| (found.count(severity), severity.name()));
        let counts: Vec<_> = counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, name)| count(n, name)).collect();
        let counts = if counts.is_empty() { String::new() } else { format!("{}; ", counts.join(", ")) };
        lines.push(format!(
            "{}: {counts}{}, {}, {} read in {:.1} s",
            if self.passes() { "ok" } else { "failed" },
            count(found.images, "image"),
            count(found.blobs, "blob"),
            render::bytes(found.bytes_read),
            self.took.as_secs_f64(),
        ));
        let subject =
            if self.several { format!("{}: ", self.source.location.shown("standard input")) } else { String::new() };
        let mut text: String = lines.into_iter().map(|line| format!("{subject}{line}\n")).collect();
        if !self.several && found.is_sound() {
            let table = loadability::table(&found.loadability, Path::new(&self.source.path()), page::width());
            text += &format!("\n{}\n{table}", paint(STRONG, "Which engines load it"));
        }
        text
    }

    fn json(&self) -> String {
        let found = &self.verification;
        let value = json!({
            "schema": SCHEMA,
            "path": self.source.path(),
            "ok": self.passes(),
            "format": found.format.map(|format| format.name()),
            "images": found.images,
            "blobs": found.blobs,
            "bytes_read": found.bytes_read,
            "errors": found.count(Severity::Error),
            "warnings": found.count(Severity::Warning),
            "notes": found.count(Severity::Note),
            "omitted": found.omitted(),
            "findings": found.findings.iter().map(finding).collect::<Vec<_>>(),
            "loadability": found.is_sound().then(|| loadability::json(&found.loadability, Path::new(&self.source.path()))),
            "seconds": (self.took.as_secs_f64() * 1000.0).round() / 1000.0,
        });
        render::line(&render::known(value))
    }
}

fn finding(finding: &Finding) -> Value {
    render::known(json!({
        "code": finding.code.name(),
        "severity": finding.severity().name(),
        "member": finding.member,
        "offset": finding.offset,
        "claimed": finding.claimed,
        "found": finding.found,
        "message": finding.message,
    }))
}

/// What is said of something that is no image archive, or cannot be read.
fn failure(source: &Source, error: &Error) -> String {
    render::line(&json!({"schema": SCHEMA, "path": source.path(), "ok": false, "error": error.to_string()}))
}
