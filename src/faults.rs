//! What becomes of an error that need not end the reading of a source: who converts wants to hear of the first and
//! stop, who verifies wants to hear of all.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// Where faults of a source go.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults<'a>(Option<&'a dyn Fn(Error)>);

impl<'a> Faults<'a> {
    /// The first fault ends the reading.
    pub(crate) const FATAL: Self = Self(None);

    /// Every fault is told to `note`, and what can be read is read.
    pub(crate) fn noted(note: &'a dyn Fn(Error)) -> Self {
        Self(Some(note))
    }

    /// Tells whether the reading goes on after a fault.
    pub(crate) fn are_noted(self) -> bool {
        self.0.is_some()
    }

    /// Notes a fault, or fails with it.
    pub(crate) fn forgive(self, error: Error) -> Result<()> {
        match (self.0, error.kind()) {
            (Some(note), ErrorKind::Damaged | ErrorKind::Unsupported) => {
                note(error);
                Ok(())
            }
            // A disk that cannot be read says nothing of the archive.
            _ => Err(error),
        }
    }

    /// Returns the value; `None` when there is none and the fault is noted.
    pub(crate) fn attempt<T>(self, result: Result<T>) -> Result<Option<T>> {
        result.map(Some).or_else(|error| self.forgive(error).map(|()| None))
    }

    /// Returns the values that there are.
    pub(crate) fn each<T>(self, results: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
        results.filter_map(|result| self.attempt(result).transpose()).collect()
    }

    /// Notes something that is no reason to stop for anybody.
    pub(crate) fn remark(self, error: impl FnOnce() -> Error) {
        if let Some(note) = self.0 {
            note(error());
        }
    }
}

impl fmt::Debug for Faults<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.are_noted() { "Faults(noted)" } else { "Faults(fatal)" })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn damage_is_noted_and_a_failing_system_is_not() {
        let noted = RefCell::new(Vec::new());
        let note = |error: Error| noted.borrow_mut().push(error.to_string());
        let faults = Faults::noted(&note);
        let results = || [Ok(1), Err(Error::damaged("a")), Ok(2)].into_iter();
        assert_eq!(faults.each(results()).unwrap(), [1, 2]);
        faults.remark(|| Error::damaged("b"));
        assert!(faults.forgive(Error::io("c", std::io::Error::other("d"))).is_err());
        assert!(faults.forgive(Error::cancelled()).is_err());
        assert_eq!(*noted.borrow(), ["a", "b"]);
        assert_eq!(Faults::FATAL.each(results()).unwrap_err().to_string(), "a");
        Faults::FATAL.remark(|| unreachable!());
    }
}
