//! `transload verify`: every lie is told, the honest are left alone, and nothing is read twice or held in memory.

mod bytes;
mod corpora;
mod damage;
mod golden;
mod honest;
mod manners;
mod output;

use std::collections::BTreeSet;
use std::path::Path;

use transload::{Context, Input, Verification, VerifyOptions};

use crate::support::Sandbox;

/// Verifies by way of the library: a process for each row would take long.
#[track_caller]
fn verify(path: &Path) -> Verification {
    attempt(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn attempt(path: &Path) -> transload::Result<Verification> {
    transload::verify(Input::Path(path.to_owned()), &VerifyOptions::default(), &Context::default())
}

#[track_caller]
fn verify_bytes(bytes: &[u8]) -> Verification {
    let sandbox = Sandbox::new();
    verify(&sandbox.put("in.tar", bytes))
}

fn codes(found: &Verification) -> BTreeSet<&'static str> {
    found.findings.iter().map(|finding| finding.code.name()).collect()
}

fn listed(found: &Verification) -> String {
    found.findings.iter().map(|finding| format!("{finding}\n")).collect()
}
