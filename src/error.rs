//! The one error type: what kind of failure, of what, and why.
//!
//! An error is made where its subject is known and gains outer subjects on the way up, so that it reads
//! `app.tar: manifest.json: Layers[2]: no member "x/layer.tar"`. What an archive says never reaches a terminal raw:
//! printing an error escapes control characters, see [`escape`].

use std::error::Error as StdError;
use std::fmt;

use crate::code::Code;

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can branch on. The command's exit codes follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request makes no sense, whatever the input is.
    Usage,
    /// The input contradicts itself, ends early or is no image archive.
    Damaged,
    /// The input is fine, but what was asked for cannot be done with it.
    Unsupported,
    /// The output is already there.
    Exists,
    /// The environment failed (disk, permission, I/O); a retry can help.
    Environment,
    /// The output was written, read again and found wrong; it is not there.
    Unverified,
    /// The caller's [`Cancel`](crate::Cancel) was triggered.
    Cancelled,
}

/// An error with a subject, a cause and sometimes a hint.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    /// Outermost first.
    subjects: Vec<String>,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    detail: Detail,
}

/// What a program can know of an error in a source, beside its words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Detail {
    pub(crate) code: Option<Code>,
    /// What it is about, as a document or the archive names it.
    pub(crate) member: Option<String>,
    /// Where in the archive.
    pub(crate) offset: Option<u64>,
    /// What the source says, and what is there.
    pub(crate) claim: Option<(String, String)>,
    /// The source is something else than an archive of images.
    pub(crate) foreign: bool,
    /// A result that was shared is not what it was; without it there is no such error.
    pub(crate) stale: bool,
}

impl Error {
    /// Makes an error without a subject; [`within`](Self::within) adds it.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let (subjects, message, detail) = (Vec::new(), message.into(), Detail::default());
        Self(Box::new(Inner { kind, subjects, message, hint: None, source: None, detail }))
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    pub(crate) fn damaged(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Damaged, message)
    }

    /// Makes the error for a claim that its subject contradicts.
    pub(crate) fn mismatch(code: Code, what: &str, claimed: impl fmt::Display, found: impl fmt::Display) -> Self {
        let message = format!("{what} mismatch: named {claimed}, but the content is {found}");
        Self::damaged(message).coded(code).claims(claimed, found)
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "interrupted")
    }

    /// Makes an environment error from a failed system call; `doing` says what was tried, as in `cannot open`.
    pub(crate) fn io(doing: &str, cause: std::io::Error) -> Self {
        let mut error = Self::new(ErrorKind::Environment, doing);
        error.0.source = Some(Box::new(cause));
        error
    }

    /// Returns the error with an outer subject in front: `manifest.json: …` becomes `app.tar: manifest.json: …`. A
    /// subject is told once, where it is outermost.
    #[must_use]
    pub fn within(mut self, subject: impl Into<String>) -> Self {
        let subject = subject.into();
        self.0.subjects.retain(|inner| *inner != subject);
        self.0.subjects.insert(0, subject);
        self
    }

    /// Returns the error with another word for one of its subjects.
    pub(crate) fn renamed(mut self, from: &str, to: &str) -> Self {
        self.0.subjects.iter_mut().filter(|subject| *subject == from).for_each(|subject| to.clone_into(subject));
        self
    }

    /// Returns the error with advice to print after it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint.get_or_insert(hint.into());
        self
    }

    /// Returns the error with advice, if there is any.
    pub(crate) fn maybe_hint(self, hint: Option<String>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    pub(crate) fn caused_by(mut self, cause: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Box::new(cause));
        self
    }

    /// Says that a result which was shared is not what it was.
    pub(crate) fn stale(mut self) -> Self {
        self.0.detail.stale = true;
        self
    }

    /// Says that the source is something else than an archive of images.
    pub(crate) fn foreign(mut self) -> Self {
        self.0.detail.foreign = true;
        self
    }

    /// Says what kind of finding the error is.
    pub(crate) fn coded(mut self, code: Code) -> Self {
        self.0.detail.code = Some(code);
        self
    }

    /// Says what kind of finding the error is, unless that was said where it was made.
    pub(crate) fn or_coded(mut self, code: Code) -> Self {
        self.0.detail.code.get_or_insert(code);
        self
    }

    /// Says which member it is about, unless that was said where it was made.
    pub(crate) fn about(mut self, member: impl Into<String>) -> Self {
        self.0.detail.member.get_or_insert(member.into());
        self
    }

    /// Says where in the archive it is, unless that was said where it was made.
    pub(crate) fn at(mut self, offset: Option<u64>) -> Self {
        self.0.detail.offset = self.0.detail.offset.or(offset);
        self
    }

    /// Says what the source claims and what is there.
    pub(crate) fn claims(mut self, claimed: impl fmt::Display, found: impl fmt::Display) -> Self {
        self.0.detail.claim = Some((claimed.to_string(), found.to_string()));
        self
    }

    pub(crate) fn detail(&self) -> &Detail {
        &self.0.detail
    }

    /// Returns the subjects, outermost first; may hold any character.
    pub(crate) fn subjects(&self) -> &[String] {
        &self.0.subjects
    }

    /// Returns what is wrong, without subjects and cause; may hold any character.
    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns what a caller can branch on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the advice that goes with the error, escaped for a terminal.
    pub fn advice(&self) -> Option<String> {
        self.0.hint.as_deref().map(escape)
    }
}

impl fmt::Display for Error {
    /// Writes subjects and message on one line, without the cause: that is in [`source`](StdError::source).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for subject in &self.0.subjects {
            write!(f, "{}: ", escape(subject))?;
        }
        f.write_str(&escape(&self.0.message))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)?;
        self.0.source.as_ref().map_or(Ok(()), |cause| write!(f, ": {cause}"))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}

/// Adds a subject to whatever error a result holds.
pub(crate) trait Within<T> {
    fn within(self, subject: impl Into<String>) -> Result<T>;
}

impl<T> Within<T> for Result<T> {
    fn within(self, subject: impl Into<String>) -> Self {
        self.map_err(|error| error.within(subject))
    }
}

/// Returns `text` with everything that could steer a terminal written as `\u{…}`: control characters, and the
/// characters that change the direction of text or are invisible.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() || is_invisible(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Returns JSON text with the same characters escaped as [`escape`] escapes, in JSON's way: `\u` and four digits. JSON
/// itself asks that of the first 32 only.
pub fn escape_json(json: &str) -> String {
    let escaped = |c: char| {
        let mut units = [0; 2];
        c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>()
    };
    json.chars().map(|c| if c.is_control() || is_invisible(c) { escaped(c) } else { c.to_string() }).collect()
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns `text` in double quotes, shortened in the middle when it is very long: names in messages.
pub(crate) fn quoted(text: &str) -> String {
    const KEEP: usize = 200;
    let count = text.chars().count();
    if count <= 2 * KEEP {
        return format!("\"{text}\"");
    }
    let head: String = text.chars().take(KEEP).collect();
    let tail: String = text.chars().skip(count - 20).collect();
    format!("\"{head}…{tail}\" ({count} characters)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_come_outermost_first_and_the_cause_stays_apart() {
        let error = Error::damaged("no member").within("Layers[2]").within("manifest.json").within("app.tar");
        assert_eq!(error.to_string(), "app.tar: manifest.json: Layers[2]: no member");
        let error = Error::io("cannot open", std::io::Error::other("busy"));
        assert_eq!(error.to_string(), "cannot open");
        assert_eq!(StdError::source(&error).map(ToString::to_string).as_deref(), Some("busy"));
    }

    #[test]
    fn json_holds_nothing_that_steers_a_terminal() {
        assert_eq!(escape_json("\"a\u{9b}b\u{202e}c\u{e0041}é\""), "\"a\\u009bb\\u202ec\\udb40\\udc41é\"");
    }

    #[test]
    fn nothing_that_steers_a_terminal_is_printed() {
        let error = Error::damaged("a\u{1b}]0;x\u{7}b\u{202e}c\nd").within("n\u{9b}m");
        assert_eq!(error.to_string(), "n\\u{9b}m: a\\u{1b}]0;x\\u{7}b\\u{202e}c\\nd");
    }
}
