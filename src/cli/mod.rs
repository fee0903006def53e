//! The command line: the only part that prints, reads the environment and picks exit codes. It knows the library by its
//! public interface.

mod args;
mod convert;
mod exit;
#[cfg_attr(not(test), expect(dead_code, reason = "for the commands that describe an archive"))]
mod loadability;
mod location;
mod render;
mod signals;
mod stdio;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use signals::Signals;

/// Runs the command that was typed.
pub(crate) fn run() -> ExitCode {
    let signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return exit::report(&error.into(), 0),
    };
    let outcome = match Cli::parse().command {
        Command::Convert(args) => convert::run(&args, &signals),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error, signals.received()),
    }
}
