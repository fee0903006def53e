//! What earlier runs did: an append-only file beside the outputs, so that a rerun passes over what is done and knows
//! which outputs are its own.
//!
//! Several processes append to it, each under a lock. A process that is killed leaves at worst a line without an end.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::claim::Locks;
use super::identity::Identity;
use super::json_line;
use super::lines::Lines;
use super::record::Record;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::limits::Limits;

/// A line of the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line {
    schema: u32,
    item: String,
    /// Fingerprint of the options.
    options: Digest,
    /// The source when it was read; `None`: it was fetched.
    #[serde(rename = "in")]
    input: Option<Identity>,
    /// The result; `None`: it was begun, or stored elsewhere.
    out: Option<Identity>,
    /// `None`: it was begun. What is at the result's place without more is this item's, whole but not noted.
    record: Option<Box<Record>>,
    /// It failed, and nothing is at the result's place: what comes there is somebody else's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    withdrawn: bool,
}

impl Line {
    fn bare(item: &str, options: Digest) -> Self {
        let item = item.to_owned();
        Self { schema: 1, item, options, input: None, out: None, record: None, withdrawn: false }
    }
}

/// What is known of an item; the record is in the file.
#[derive(Clone, Debug)]
struct Known {
    options: Digest,
    input: Option<Identity>,
    out: Option<Identity>,
    /// Where its line is, if it is done.
    done: Option<(u64, usize)>,
}

/// What earlier runs say of an item.
#[derive(Debug)]
pub(super) enum Past {
    /// Nothing: what is at its output's place is somebody else's.
    Unknown,
    /// An output that is there may be replaced.
    Ours,
    /// It is done, with these options, from this source.
    Done(Box<Record>),
}

#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    locks: Locks,
    name: String,
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    items: HashMap<String, Known>,
    /// How far the file was read.
    end: u64,
    syncing: bool,
    dirty: bool,
}

impl Journal {
    pub(super) fn open(path: &Path, limits: &Limits) -> Result<Self> {
        let name = path.display().to_string();
        let failed = |cause| Error::io("cannot open", cause).within(name.clone());
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        let locks = Locks::new(file.try_clone().map_err(failed)?);
        let journal = Self { file, locks, name, limits: limits.clone(), state: Mutex::default() };
        journal.refresh(&mut journal.lock())?;
        Ok(journal)
    }

    /// Returns what is known of an item, by whichever process; `output` is `None` for what is stored elsewhere.
    pub(super) fn past(
        &self,
        item: &str,
        options: Digest,
        input: Option<&Identity>,
        output: Option<&Path>,
    ) -> Result<Past> {
        let mut state = self.lock();
        self.refresh(&mut state)?;
        let Some(known) = state.items.get(item) else { return Ok(Past::Unknown) };
        if known.done.is_some() && known.out.is_some() != output.is_some() {
            // What was stored elsewhere says nothing of what is here.
            return Ok(Past::Unknown);
        }
        let (Some((at, len)), true) = (known.done, known.options == options && known.input.as_ref() == input) else {
            return Ok(Past::Ours);
        };
        if known.out != output.and_then(Identity::of) {
            return Ok(Past::Ours);
        }
        let mut line = vec![0; len];
        self.file.read_exact_at(&mut line, at).map_err(|cause| self.failed(cause))?;
        let line = serde_json::from_slice::<Line>(&line).ok();
        Ok(line.and_then(|line| line.record).map_or(Past::Ours, Past::Done))
    }

    /// Notes that an output is going to appear that is this item's.
    pub(super) fn begin(&self, item: &str, options: Digest) -> Result<()> {
        self.append(&Line::bare(item, options))
    }

    /// Notes that no output appeared.
    pub(super) fn withdraw(&self, item: &str, options: Digest) -> Result<()> {
        self.append(&Line { withdrawn: true, ..Line::bare(item, options) })
    }

    /// Notes that an item is done.
    pub(super) fn done(
        &self,
        record: &Record,
        options: Digest,
        input: Option<Identity>,
        out: Option<Identity>,
    ) -> Result<()> {
        let bare = Line::bare(&record.item, options);
        self.append(&Line { input, out, record: Some(Box::new(record.clone())), ..bare })?;
        self.sync()
    }

    /// Tells whether an output is one of this journal's items'.
    pub(super) fn knows(&self, item: &str) -> bool {
        self.lock().items.contains_key(item)
    }

    fn append(&self, line: &Line) -> Result<()> {
        let mut state = self.lock();
        let _turn = self.locks.wait_for_all().map_err(|cause| self.failed(cause))?;
        self.refresh(&mut state)?;
        let mut text = json_line(line);
        if self.ends_in_a_cut_line(state.end)? {
            text.insert(0, '\n');
        }
        (&self.file).write_all(text.as_bytes()).map_err(|cause| self.failed(cause))?;
        state.dirty = true;
        self.refresh(&mut state)
    }

    /// Confirms what was appended to the disk. Of several threads one does it for all; nobody waits for it.
    pub(super) fn sync(&self) -> Result<()> {
        let mut state = self.lock();
        if state.syncing {
            return Ok(());
        }
        while std::mem::take(&mut state.dirty) {
            state.syncing = true;
            drop(state);
            let synced = self.file.sync_data();
            state = self.lock();
            state.syncing = false;
            synced.map_err(|cause| self.failed(cause))?;
        }
        Ok(())
    }

    fn ends_in_a_cut_line(&self, end: u64) -> Result<bool> {
        let len = self.file.metadata().map_err(|cause| self.failed(cause))?.len();
        Ok(len > end)
    }

    /// Reads the lines that were added, up to the last whole one.
    fn refresh(&self, state: &mut State) -> Result<()> {
        let len = self.file.metadata().map_err(|cause| self.failed(cause))?.len();
        if len <= state.end {
            return Ok(());
        }
        let mut reader = BufReader::new(&self.file);
        reader.seek(SeekFrom::Start(state.end)).map_err(|cause| self.failed(cause))?;
        let start = state.end;
        // A record is as long as the losses and names of an image make it.
        let mut lines = Lines::new(reader, self.limits.all_document_bytes);
        while let Some(text) = lines.next().map_err(|error| error.within(self.name.clone()))? {
            if !text.ended {
                break;
            }
            let at = start + text.offset;
            state.end = at + text.bytes.len() as u64 + 1;
            // A line that was cut and what a newer version writes say nothing here.
            let Ok(line) = serde_json::from_slice::<Line>(text.bytes) else { continue };
            let Line { item, options, input, out, record, withdrawn, .. } = line;
            if withdrawn {
                state.items.remove(&item);
                continue;
            }
            let done = record.is_some().then_some((at, text.bytes.len()));
            state.items.insert(item, Known { options, input, out, done });
        }
        Ok(())
    }

    fn failed(&self, cause: std::io::Error) -> Error {
        Error::io("cannot be used", cause).within(self.name.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Status;

    fn options(n: u8) -> Digest {
        Digest::of(&[n])
    }

    #[test]
    fn what_is_done_is_known_to_others_and_what_changed_is_not() {
        let temp = tempfile::tempdir().unwrap();
        let (path, output) = (temp.path().join("journal"), temp.path().join("out"));
        let journal = Journal::open(&path, &Limits::default()).unwrap();
        let other = Journal::open(&path, &Limits::default()).unwrap();
        let input = Some(Identity::sized(1));
        let past = |options, input: Option<&Identity>| other.past("a", options, input, Some(&output)).unwrap();
        assert!(matches!(past(options(1), input.as_ref()), Past::Unknown));
        journal.begin("a", options(1)).unwrap();
        assert!(matches!(past(options(1), input.as_ref()), Past::Ours));
        std::fs::write(&output, "result").unwrap();
        let record = Record::new("a", "a.tar", Status::Ok);
        journal.done(&record, options(1), input.clone(), Identity::of(&output)).unwrap();
        match past(options(1), input.as_ref()) {
            Past::Done(found) => assert_eq!(*found, record),
            other => panic!("{other:?}"),
        }
        assert!(matches!(past(options(2), input.as_ref()), Past::Ours));
        assert!(matches!(past(options(1), None), Past::Ours));
        std::fs::write(&output, "another result").unwrap();
        assert!(matches!(past(options(1), input.as_ref()), Past::Ours));
    }

    #[test]
    fn a_line_that_was_cut_is_passed_over_and_the_next_begins_anew() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("journal");
        let journal = Journal::open(&path, &Limits::default()).unwrap();
        for item in ["a", "b"] {
            journal.done(&Record::new(item, "in", Status::Ok), options(1), None, None).unwrap();
        }
        let text = std::fs::read(&path).unwrap();
        for cut in [text.len() - 2, text.len() - 40] {
            std::fs::write(&path, &text[..cut]).unwrap();
            let journal = Journal::open(&path, &Limits::default()).unwrap();
            assert!(journal.knows("a") && !journal.knows("b"));
            journal.begin("c", options(1)).unwrap();
            let again = Journal::open(&path, &Limits::default()).unwrap();
            assert!(again.knows("a") && !again.knows("b") && again.knows("c"));
        }
    }
}
