//! A path that is no file but takes bytes: a pipe, `/dev/null`.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::context::Cancel;
use crate::error::{Error, Result};

/// How long a pipe is waited for before anyone looks whether to go on.
const WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// Says `Interrupted` while it takes nothing, so that cancelling is noticed.
pub(super) struct Device(File);

impl Device {
    /// Opens the device, waiting for a reader where it needs one.
    pub(super) fn open(path: &Path, cancel: &Cancel) -> Result<Self> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        loop {
            match rustix::fs::open(path, flags, Mode::empty()) {
                Ok(opened) => return Ok(Self(opened.into())),
                Err(Errno::NXIO | Errno::INTR) => {
                    cancel.check()?;
                    std::thread::sleep(Duration::from_millis(100));
                }
                Err(error) => return Err(Error::io("cannot open", error.into())),
            }
        }
    }
}

impl Write for Device {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], Some(&WAIT))?;
                Err(io::ErrorKind::Interrupted.into())
            }
            other => other,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
