//! What was found, one by one: put together from errors that were noted, counted, each said once.

use std::collections::{BTreeMap, HashSet};
use std::error::Error as _;
use std::fmt;

use crate::code::{Code, Severity};
use crate::error::{Error, escape, quoted};

/// Findings of one code that are kept. More are counted: an archive of a hundred thousand wrong names is no reason to
/// hold as many lines in memory.
const KEPT: usize = 1000;

/// Something about an archive that somebody who relies on it should know. Its texts may hold any character: see
/// [`escape`](crate::escape); printing a finding escapes them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What kind of thing it is.
    pub code: Code,
    /// The member that it is about, as the archive or a document in it names it; shortened when it is very long.
    pub member: Option<String>,
    /// The byte of the archive where it is: where the member's bytes or the wrong header start, or where reading failed.
    /// In an archive that is compressed as a whole it counts from the start of what is inside.
    pub offset: Option<u64>,
    /// What the archive says.
    pub claimed: Option<String>,
    /// What is there.
    pub found: Option<String>,
    /// What is wrong, for people; claims included, member and offset not.
    pub message: String,
}

impl Finding {
    /// Returns how bad it is.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

impl fmt::Display for Finding {
    /// Writes it on one line, escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.severity(), self.code)?;
        if let Some(member) = &self.member {
            write!(f, "{}: ", escape(member))?;
        }
        f.write_str(&escape(&self.message))?;
        self.offset.map_or(Ok(()), |offset| write!(f, " (byte {offset})"))
    }
}

/// Findings as they come in.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<(Finding, Vec<String>)>,
    counts: BTreeMap<Code, usize>,
}

/// All findings of an archive.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// The worst first.
    pub(super) list: Vec<Finding>,
    /// How many there are of each code, also of those that are not kept.
    pub(super) counts: BTreeMap<Code, usize>,
}

impl Findings {
    /// Adds what an error of the archive `source` says.
    pub(super) fn add(&mut self, source: &str, error: &Error) {
        let detail = error.detail();
        let code = detail.code.unwrap_or(Code::Document);
        let count = self.counts.entry(code).or_default();
        *count += 1;
        if *count > KEPT {
            return;
        }
        let subjects = error.subjects().iter().filter(|subject| *subject != source).cloned().collect();
        let mut message = error.message().to_owned();
        if let Some(cause) = error.source() {
            message = format!("{message}: {cause}");
        }
        if let (Code::Limit, Some(advice)) = (code, error.advice()) {
            message = format!("{message}; {advice}");
        }
        let (claimed, found) = detail.claim.clone().map_or((None, None), |(a, b)| (Some(a), Some(b)));
        let finding = Finding { code, member: detail.member.clone(), offset: detail.offset, claimed, found, message };
        self.list.push((finding, subjects));
    }

    /// Tells whether anything of these codes was found.
    pub(super) fn any(&self, codes: &[Code]) -> bool {
        codes.iter().any(|code| self.counts.contains_key(code))
    }

    /// Settles which member each is about, where no error said it (`is_member` tells names of members from other words),
    /// says each thing once, and puts the worst first.
    pub(super) fn settle(self, is_member: impl Fn(&str) -> bool) -> Settled {
        let mut counts = self.counts;
        let mut seen = HashSet::new();
        let mut list = Vec::new();
        for (mut finding, mut subjects) in self.list {
            if finding.member.is_none() {
                let names = subjects.iter().map(|subject| unquoted(subject));
                finding.member = names.into_iter().find(|name| is_member(name)).map(str::to_owned);
            }
            if let Some(member) = &mut finding.member {
                subjects.retain(|subject| unquoted(subject) != member && !is_place(subject));
                *member = shortened(&cleaned(member));
            }
            subjects.push(finding.message);
            finding.message = subjects.join(": ");
            // The scan of the tar and the reading of a body find the same end; two documents name the same lie.
            let same = match finding.code {
                Code::Truncated | Code::LayerNotTar => (finding.code, finding.member.clone(), None),
                _ => (finding.code, finding.member.clone(), Some(finding.message.clone())),
            };
            if seen.insert(same) {
                list.push(finding);
            } else if let Some(count) = counts.get_mut(&finding.code) {
                *count -= 1;
            }
        }
        let key = |finding: &Finding| (finding.severity(), finding.code, finding.offset, finding.member.clone());
        list.sort_by_cached_key(key);
        Settled { list, counts }
    }
}

/// Takes the quotes off a name in an error's subject.
fn unquoted(subject: &str) -> &str {
    subject.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(subject)
}

/// Tells whether a subject is the place of a header, which a finding has as a number.
fn is_place(subject: &str) -> bool {
    subject.starts_with("tar header at byte ")
}

/// Names a member as documents name it, without `./` or a slash in front.
fn cleaned(member: &str) -> String {
    member.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

fn shortened(member: &str) -> String {
    let quoted = quoted(member);
    if quoted.len() == member.len() + 2 { member.to_owned() } else { quoted }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(errors: &[Error]) -> Settled {
        let mut findings = Findings::default();
        errors.iter().for_each(|error| findings.add("a.tar", error));
        findings.settle(|name| name.starts_with("blobs/") || name == "index.json")
    }

    #[test]
    fn a_finding_says_what_the_error_said_and_nothing_twice() {
        let digest = || {
            let error = Error::mismatch(Code::Digest, "digest", "x", "y").within("blobs/x");
            error.within("a.tar").at(Some(512))
        };
        let json = Error::damaged("not a string").within("manifests[0]").within("index.json").within("a.tar");
        let Settled { list, counts } = settled(&[json, digest(), digest()]);
        let texts: Vec<_> = list.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "error: document: index.json: manifests[0]: not a string",
                "error: digest: blobs/x: digest mismatch: named x, but the content is y (byte 512)",
            ]
        );
        assert_eq!(list[1].claimed.as_deref(), Some("x"));
        assert_eq!(counts[&Code::Digest], 1);
    }

    #[test]
    fn the_worst_come_first_and_not_too_many_of_a_kind() {
        let note = |n: usize| Error::damaged("x").coded(Code::Unreferenced).about(format!("blobs/{n}"));
        let mut errors: Vec<_> = (0..KEPT + 10).map(note).collect();
        errors.push(Error::damaged("y").coded(Code::Missing));
        let Settled { list, counts } = settled(&errors);
        assert_eq!((list[0].code, list.len(), counts[&Code::Unreferenced]), (Code::Missing, KEPT + 1, KEPT + 10));
    }

    #[test]
    fn nothing_that_steers_a_terminal_is_printed() {
        let list = settled(&[Error::damaged("a\u{1b}b").coded(Code::Missing).about("x\ny")]).list;
        assert_eq!(list[0].to_string(), "error: missing: x\\ny: a\\u{1b}b");
    }
}
