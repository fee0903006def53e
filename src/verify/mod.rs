//! Verifying: reading every byte of an archive and telling everything that is wrong with it.
//!
//! Nothing is read in another way than when it is converted. The readers of `formats` go on after a fault where they are
//! told to ([`Faults`]), and what they could read is checked, however little it is.

mod blobs;
mod end;
mod finding;
mod layers;
mod structure;

pub use finding::Finding;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Mutex;

use blobs::{Task, Tasks};
use finding::{Findings, Settled};

use crate::archive::Archive;
use crate::code::{Code, Severity};
use crate::context::{Context, Event};
use crate::error::{Error, ErrorKind, Result, Within};
use crate::faults::Faults;
use crate::formats::{self, Format, Reading, Shape};
use crate::graph::{Graph, Node};
use crate::loadability::{Prediction, Requirement};
use crate::platform::Platform;
use crate::pool;
use crate::tree::{self, Container, Input, Members};

/// Takes a finding, as an error that says what is wrong.
type Note<'a> = &'a dyn Fn(Error);

/// What a verification is to look for.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// The archive's format; `None`: recognised by its contents.
    pub from: Option<Format>,
    /// Engines that have to load the archive. That one would not is a finding.
    pub required: Vec<Requirement>,
    /// What the engines run on; `None`: this machine's platform.
    pub host: Option<Platform>,
}

/// What was found in an archive.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verification {
    /// The format that it was read as; `None` for what is left of an archive whose format nothing shows any more.
    pub format: Option<Format>,
    /// Number of images, those included of which something is missing.
    pub images: usize,
    /// Number of blobs that were read: layers, configs, manifests, whatever else has a digest or is named by a document.
    pub blobs: usize,
    /// Bytes that were read, as they are stored.
    pub bytes_read: u64,
    /// Everything that was found, the worst first. Of one code a thousand findings are kept.
    pub findings: Vec<Finding>,
    /// What engines would make of the archive, as its documents say; a guess for one that is not
    /// [sound](Self::is_sound). Empty when nothing shows its format.
    pub loadability: Vec<Prediction>,
    counts: Vec<(Code, usize)>,
}

impl Verification {
    /// Returns the number of findings of this severity, those included that are not in the list.
    pub fn count(&self, severity: Severity) -> usize {
        self.counts.iter().filter(|(code, _)| code.severity() == severity).map(|(_, count)| count).sum()
    }

    /// Returns how many findings were made that are not in the list: more than a thousand of one code.
    pub fn omitted(&self) -> usize {
        self.counts.iter().map(|(_, count)| count).sum::<usize>() - self.findings.len()
    }

    /// Tells whether nothing is wrong with the archive itself; whether the engines that were asked for load it is another
    /// matter. Of a damaged archive nobody can say who loads it.
    pub fn is_sound(&self) -> bool {
        let errors = |(code, count): &(Code, usize)| {
            *count > 0 && code.severity() == Severity::Error && *code != Code::NotLoadable
        };
        !self.counts.iter().any(errors)
    }

    /// Tells whether the archive is what it says it is: there is no error. Where `strict`, no warning either.
    pub fn passes(&self, strict: bool) -> bool {
        self.count(Severity::Error) == 0 && !(strict && self.count(Severity::Warning) > 0)
    }
}

/// Reads an archive or folder of images and tells everything that is wrong with it. Damage is no error here, but a finding.
///
/// ```
/// use transload::{Context, Input, VerifyOptions, verify};
///
/// # fn main() -> transload::Result<()> {
/// # let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/docker-20.10-save.tar");
/// let verification = verify(Input::Path(path), &VerifyOptions::default(), &Context::default())?;
/// assert!(verification.passes(true), "{:?}", verification.findings);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Damaged`](crate::ErrorKind::Damaged) when it is no image archive at all,
/// [`Environment`](crate::ErrorKind::Environment) when it cannot be read.
pub fn verify(input: Input, options: &VerifyOptions, cx: &Context<'_>) -> Result<Verification> {
    let name = input.name();
    verify_named(input, options, &name, cx).within(name)
}

fn verify_named(input: Input, options: &VerifyOptions, name: &str, cx: &Context<'_>) -> Result<Verification> {
    let findings = RefCell::new(Findings::default());
    let first = RefCell::new(None);
    let note = |error: Error| {
        findings.borrow_mut().add(name, &error);
        first.borrow_mut().get_or_insert(error);
    };
    let faults = Faults::noted(&note);
    let (mut members, container) = tree::open_noting(input, None, faults, cx)?;
    let reading = Reading { cx, recompute: false, faults };
    let (graph, format) = match formats::read(&mut members, container, options.from, reading) {
        Ok((graph, format)) => (graph, Some(format)),
        // Where the end is gone, and the documents with it, what is left may still be blobs.
        Err(error)
            if error.kind() == ErrorKind::Damaged && is_cut(&members, container) && looks_like_images(&members) =>
        {
            note(Error::damaged("no manifest.json, index.json or repositories").coded(Code::Missing));
            (Graph::default(), None)
        }
        Err(error) if error.kind() == ErrorKind::Damaged => return Err(first.take().unwrap_or(error)),
        Err(error) => return Err(error),
    };
    structure::check(&graph, &note);
    let predictions = format.map(|format| predictions(graph.clone(), format, &members, container, options));
    let predictions = predictions.unwrap_or_default();
    require(&options.required, &predictions, &note);
    if graph.roots.is_empty() && !findings.borrow().any(&HIDING) {
        note(Error::damaged("no image inside: nothing is listed").coded(Code::NoImage));
    }
    let tasks = Tasks::list(&graph, &members, container, faults)?;
    if format.is_some() && !has_unknown(&graph) && !findings.borrow().any(&HIDING) {
        for content in tasks.unreferenced(&members) {
            note(content.locate(Error::damaged("no document names it").coded(Code::Unreferenced)));
        }
    }
    let documents = members.documents();
    let read_first = documents.keys().map(String::as_str).filter(|origin| !is_list(origin));
    let blobs = tasks.blobs().chain(read_first).collect::<BTreeSet<_>>().len();
    let documents: u64 = documents.values().map(|(_, size)| size).sum();
    let tasks = tasks.in_order();
    let bytes: u64 = tasks.iter().map(|task| task.content.size()).sum();
    cx.observer.on(&Event::Planned { bytes });
    for error in read(&tasks, cx)? {
        note(error);
    }
    if let Some(tail) = &members.tail {
        end::check(tail, &note, cx)?;
    }
    let images = graph.nodes().iter().filter(|node| matches!(node, Node::Image(_))).count();
    let Settled { list, counts } = findings.take().settle(|name| members.contains(name));
    let counts = counts.into_iter().collect();
    let bytes_read = bytes + documents;
    Ok(Verification { format, images, blobs, bytes_read, findings: list, loadability: predictions, counts })
}

/// Predicts what engines make of the archive.
fn predictions(
    graph: Graph,
    format: Format,
    members: &Members,
    container: Container,
    options: &VerifyOptions,
) -> Vec<Prediction> {
    let shape = Shape::of(members, container, &graph.entries);
    let traits = formats::traits(members, &graph);
    let archive = Archive { graph, format, shape, name: String::new(), traits };
    archive.loadability(options.host.as_ref().unwrap_or(&Platform::host()))
}

/// Notes the engines that have to load the archive and would not.
fn require(required: &[Requirement], predictions: &[Prediction], note: Note<'_>) {
    for requirement in required {
        for prediction in requirement.unmet(predictions) {
            let reason = prediction.refusal.as_ref().map(|refusal| refusal.reason.as_str()).unwrap_or_default();
            let message = format!("{} would not load it: {reason}", prediction.engine.name());
            note(Error::damaged(message).coded(Code::NotLoadable));
        }
        if predictions.is_empty() {
            let message = "nobody can say what engines make of an archive of an unknown format";
            note(Error::damaged(message).coded(Code::NotLoadable));
        }
    }
}

/// Tells whether there is something that names blobs in a way that nobody here understands (docker schema 1).
fn has_unknown(graph: &Graph) -> bool {
    graph.nodes().iter().any(|node| matches!(node, Node::Artifact(artifact) if artifact.manifest.is_none()))
}

/// Findings after which nobody knows what else the archive names.
const HIDING: [Code; 15] = [
    Code::Truncated,
    Code::ArchiveCompression,
    Code::TarHeader,
    Code::Limit,
    Code::MemberTwice,
    Code::MemberLink,
    Code::MemberKind,
    Code::Missing,
    Code::Document,
    Code::DuplicateKey,
    Code::AmbiguousDocument,
    Code::NoImage,
    Code::EmbeddedData,
    Code::Digest,
    Code::Size,
];

/// Reads all contents, several at once; returns what is wrong with them, in the order of the tasks.
fn read(tasks: &[Task], cx: &Context<'_>) -> Result<Vec<Error>> {
    let found = pool::run(tasks, &cx.hands(), |task| {
        let found = Mutex::new(Vec::new());
        let note = |error| found.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(error);
        task.check(&note, cx)?;
        Ok(found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Tells whether a document only says what else there is.
fn is_list(origin: &str) -> bool {
    let base = origin.rsplit('/').next().unwrap_or(origin);
    ["index.json", "json", "manifest.json", "oci-layout", "repositories"].contains(&base)
}

/// Tells whether a tar does not end as tars do.
fn is_cut(members: &Members, container: Container) -> bool {
    container == Container::Tar && members.tail.as_ref().is_none_or(|tail| tail.rest.size() == 0)
}

/// Tells whether members look like those of an image archive, although nothing is there that lists them.
fn looks_like_images(members: &Members) -> bool {
    let is_hash = |text: &str| matches!(text.len(), 64 | 128) && text.bytes().all(|b| b.is_ascii_hexdigit());
    members.all().any(|(name, _)| {
        let base = name.rsplit('/').next().unwrap_or(name);
        let stem = base.split('.').next().unwrap_or(base);
        is_hash(stem) || is_hash(stem.trim_start_matches("sha256:")) || name.ends_with("/layer.tar")
    })
}
