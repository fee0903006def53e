//! Who is at which item right now: one byte of a file each, locked for as long as it takes. Locks go with their process,
//! however that ends, and work between machines where the file system passes them on (NFS does).

use std::fs::File;
use std::io;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::{F_UNLCK, F_WRLCK, flock, off_t};

use crate::digest::Digest;

/// A file whose bytes are locked. It needs not be as long as that.
#[derive(Debug)]
pub(super) struct Locks(File);

/// A lock on some bytes. Dropping it gives them free.
#[derive(Debug)]
pub(super) struct Lock<'a> {
    file: &'a File,
    start: off_t,
    len: off_t,
}

impl Locks {
    pub(super) fn new(file: File) -> Self {
        Self(file)
    }

    /// Locks an item, if no other process has it. Threads of one process have different items anyway.
    pub(super) fn try_item(&self, key: &str) -> io::Result<Option<Lock<'_>>> {
        let hash = Digest::of(key.as_bytes()).first_bytes();
        let number = u64::from_be_bytes(hash[..8].try_into().expect("a hash has 32 bytes"));
        let start = off_t::try_from(number >> 2).expect("two bits are free");
        match fcntl(&self.0, FcntlArg::F_OFD_SETLK(&range(F_WRLCK, start, 1))) {
            Ok(_) => Ok(Some(Lock { file: &self.0, start, len: 1 })),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until no other process has any of it.
    pub(super) fn wait_for_all(&self) -> io::Result<Lock<'_>> {
        loop {
            match fcntl(&self.0, FcntlArg::F_OFD_SETLKW(&range(F_WRLCK, 0, 0))) {
                Ok(_) => return Ok(Lock { file: &self.0, start: 0, len: 0 }),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // It goes with the file at the latest.
        let _ = fcntl(self.file, FcntlArg::F_OFD_SETLK(&range(F_UNLCK, self.start, self.len)));
    }
}

/// Says which bytes; a length of 0 is all of them.
fn range(kind: i32, start: off_t, len: off_t) -> flock {
    let kind = i16::try_from(kind).expect("lock kinds are small");
    flock { l_type: kind, l_whence: 0, l_start: start, l_len: len, l_pid: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_one_processs_until_it_lets_go() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // What is opened anew locks as another process does.
        let open = || Locks::new(File::options().read(true).write(true).open(file.path()).unwrap());
        let (one, other) = (open(), open());
        let held = one.try_item("a").unwrap().unwrap();
        assert!(other.try_item("a").unwrap().is_none() && other.try_item("b").unwrap().is_some());
        drop(held);
        assert!(other.try_item("a").unwrap().is_some());
        let _all = other.wait_for_all().unwrap();
        assert!(one.try_item("c").unwrap().is_none());
    }
}
