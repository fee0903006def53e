//! Exit codes, and how errors are told.

use std::io::{self, Write};

use transload::batch::{Ending, Summary};
use transload::{Error, ErrorKind, escape};

/// Printed by `--help`; the README has the same table.
pub(super) const CODES: &str = "\
Exit codes:
  0        done
  1        the answer is no
  2        wrong usage
  3        the input is damaged or no image archive
  4        the input is fine, but this cannot be done with it
  5        the output exists
  75       the environment failed (disk, permission, I/O); a retry can help
  130,143  interrupted by SIGINT, SIGTERM
  141      whoever read standard output closed it";

/// What was asked is not so: archives differ, or something is wrong in one.
pub(super) const ANSWER_NO: u8 = 1;
/// Another try may end better: sysexits.h calls it EX_TEMPFAIL.
pub(super) const TRY_AGAIN: u8 = 75;
/// Whoever runs us again gets the same answer.
pub(super) const PERMANENT: [u8; 5] = [ANSWER_NO, 2, 3, 4, 5];

/// Returns the code for a batch that may have been interrupted: another try goes on where it was.
pub(super) fn batch(summary: &Summary, signal: usize) -> u8 {
    const SIGINT: usize = 2;
    // A person who pressed Ctrl-C wants no other try.
    if signal == SIGINT { 128 + 2 } else { ending(summary.ending()) }
}

/// Returns the code for a batch: its worst class.
pub(super) fn ending(ending: Ending) -> u8 {
    match ending {
        Ending::Done => 0,
        Ending::SomeFailed => ANSWER_NO,
        Ending::TryAgain => TRY_AGAIN,
    }
}

/// What a shell reports for a process that a closed pipe ended.
const PIPE_CLOSED: u8 = 128 + 13;

/// Prints an error and returns the code for it; `signal` is the number of the signal that stopped us, or 0.
pub(super) fn report(error: &anyhow::Error, signal: usize) -> u8 {
    let own = own(error);
    let code = match own.map(Error::kind) {
        Some(ErrorKind::Unverified) => 1,
        Some(ErrorKind::Usage) => 2,
        Some(ErrorKind::Damaged) => 3,
        Some(ErrorKind::Unsupported) => 4,
        Some(ErrorKind::Exists) => 5,
        Some(ErrorKind::Cancelled) => u8::try_from(128 + signal).unwrap_or(TRY_AGAIN),
        _ => TRY_AGAIN,
    };
    if error.chain().any(is_closed_pipe) {
        // Whoever read our output has seen enough.
        return PIPE_CLOSED;
    }
    let chain: Vec<_> = error.chain().map(|cause| escape(without_number(&cause.to_string()))).collect();
    let mut text = format!("transload: {}\n", chain.join(": "));
    if let Some(hint) = own.and_then(Error::advice) {
        text.push_str(&format!("hint: {hint}\n"));
    }
    // There is nowhere to tell that stderr cannot be written.
    let _ = io::stderr().write_all(text.as_bytes());
    code
}

/// The number of a system error tells people nothing that its text does not.
fn without_number(text: &str) -> &str {
    text.rsplit_once(" (os error ").filter(|(_, number)| number.ends_with(')')).map_or(text, |(words, _)| words)
}

/// Tells whether nothing that follows could do better: we were interrupted, or nobody reads.
pub(super) fn is_final(error: &anyhow::Error) -> bool {
    let cancelled = own(error).is_some_and(|error| error.kind() == ErrorKind::Cancelled);
    cancelled || error.chain().any(is_closed_pipe)
}

/// Finds what the library or a stream of ours said.
fn own(error: &anyhow::Error) -> Option<&Error> {
    error.downcast_ref::<Error>().or_else(|| {
        let mut streams = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
        streams.find_map(|stream| stream.get_ref()?.downcast_ref())
    })
}

fn is_closed_pipe(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
