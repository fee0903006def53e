//! The command line: the only part that prints, reads the environment and picks exit codes. It knows the library by its
//! public interface.

mod args;
mod batch;
mod completions;
mod conversion;
mod convert;
mod diff;
mod exit;
mod formats;
mod inspect;
mod loadability;
mod location;
mod man;
mod page;
mod progress;
mod render;
mod report;
mod signals;
mod source;
mod stdio;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use signals::Signals;

/// Runs the command that was typed.
pub(crate) fn run() -> ExitCode {
    let signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return ExitCode::from(exit::report(&error.into(), 0)),
    };
    let outcome = match Cli::parse().command {
        Command::Convert(args) => convert::run(&args, &signals).map(|()| ExitCode::SUCCESS),
        Command::Batch(args) => batch::run(&args, &signals),
        Command::Diff(args) => diff::run(&args, &signals),
        Command::Inspect(args) => inspect::run(&args, &signals),
        Command::Verify(args) => verify::run(&args, &signals),
        Command::Report(args) => report::run(&args, &signals),
        Command::Formats(args) => formats::run(&args, &signals).map(|()| ExitCode::SUCCESS),
        Command::Completions(args) => completions::run(&args, &signals).map(|()| ExitCode::SUCCESS),
        Command::Man(args) => man::run(&args).map(|()| ExitCode::SUCCESS),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => ExitCode::from(exit::report(&error, signals.received())),
    }
}
