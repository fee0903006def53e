//! Standard input as an archive's source, standard output as its target, or for answers. Nothing of it keeps the program from
//! hearing a signal.

use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anstream::AutoStream;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use transload::{Cancel, Error, ErrorKind, Input, Output};

use super::signals::Signals;

/// How long a read or write waits before it looks whether to go on.
const WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// Returns standard input; a file that was redirected into it is opened anew, so that it need not be spooled.
pub(super) fn input() -> Result<Input, Error> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Err(Error::new(ErrorKind::Usage, "an archive cannot come from a terminal").within("standard input"));
    }
    let redirected = rustix::fs::fstat(&stdin)
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::RegularFile);
    let at_start = || rustix::fs::tell(&stdin).is_ok_and(|offset| offset == 0);
    if redirected && at_start() && std::fs::File::open("/dev/stdin").is_ok() {
        return Ok(Input::Path("/dev/stdin".into()));
    }
    Ok(Input::Stream(Box::new(PatientStdin), "standard input".to_owned()))
}

/// Returns standard output for `what`, which is nothing for a terminal; what it takes is added to `sent`.
pub(super) fn output(what: &str, sent: Arc<AtomicU64>) -> Result<Output, Error> {
    let stdout = io::stdout();
    if stdout.is_terminal() {
        let error = Error::new(ErrorKind::Usage, format!("{what} is nothing for a terminal")).within("standard output");
        return Err(error.hint("redirect it, or name a file"));
    }
    Ok(Output::Stream(Box::new(PatientStdout { sent }), "standard output".to_owned()))
}

/// What a pipe that polls as ready takes without waiting (PIPE_BUF).
const PIPE_PIECE: usize = 4096;

/// Standard output that says `Interrupted` while nobody reads, so that a signal is noticed.
struct PatientStdout {
    sent: Arc<AtomicU64>,
}

impl Write for PatientStdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = write_soon(bytes)?;
        self.sent.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes some bytes to standard output; `Interrupted` when that takes long.
fn write_soon(bytes: &[u8]) -> io::Result<usize> {
    let stdout = io::stdout();
    let ready = poll(&mut [PollFd::new(&stdout, PollFlags::OUT)], Some(&WAIT))?;
    if ready == 0 {
        return Err(Errno::INTR.into());
    }
    Ok(rustix::io::write(&stdout, &bytes[..bytes.len().min(PIPE_PIECE)])?)
}

/// Returns standard output for an answer to people: without colours where nobody wants them. It has to be flushed.
pub(super) fn answer(signals: &Signals) -> impl Write + use<> {
    let colours = AutoStream::choice(&io::stdout());
    AutoStream::new(Box::new(plain_answer(signals)) as Box<dyn Write>, colours)
}

/// The same for bytes that are to stay as they are.
pub(super) fn plain_answer(signals: &Signals) -> impl Write + Send + use<> {
    BufWriter::new(Answer { stop: signals.cancel() })
}

/// Standard output that fails when a signal comes while nobody reads.
struct Answer {
    stop: Cancel,
}

impl Write for Answer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match write_soon(bytes) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                Err(_) if self.stop.is_triggered() => {
                    return Err(io::Error::other(Error::new(ErrorKind::Cancelled, "interrupted")));
                }
                Err(_) => {}
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Standard input that says `Interrupted` while nothing comes, so that a signal is noticed.
pub(super) struct PatientStdin;

impl Read for PatientStdin {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let stdin = io::stdin();
        let ready = poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&WAIT))?;
        if ready == 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(rustix::io::read(&stdin, buf)?)
    }
}
