//! Reading every byte once: each content with everything that is claimed of it, whoever claims it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Note;
use super::layers::LayerCheck;
use crate::code::Code;
use crate::codec::Compression;
use crate::content::{Content, Flow, Measured, Meter, survey};
use crate::context::{Context, Event};
use crate::digest::{Algorithm, DiffId, Digest};
use crate::error::{Error, Result};
use crate::faults::Faults;
use crate::graph::{Config, Graph, Node};
use crate::tree::{Container, Member, Members};

/// A content, and what it is said to be.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) content: Content,
    /// Of its bytes as they are stored.
    digests: BTreeSet<Digest>,
    /// Of what it inflates to, each with the config that says so.
    diff_ids: BTreeMap<DiffId, String>,
    /// How it is compressed; `None` for what is not looked into.
    compression: Option<Compression>,
}

/// What there is to read.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// By origin, which no two contents share.
    by_origin: BTreeMap<Arc<str>, Task>,
    /// Contents that a document names.
    named: BTreeSet<Arc<str>>,
    /// Blobs of the layout, by the place where their bytes are.
    blobs: BTreeMap<Arc<str>, String>,
}

impl Tasks {
    /// Lists what is claimed of contents: by manifests and configs, and by the names of blobs.
    pub(super) fn list(graph: &Graph, members: &Members, container: Container, faults: Faults<'_>) -> Result<Self> {
        let mut tasks = Self::default();
        for blob in graph.blobs() {
            let task = tasks.of(&blob.content);
            task.digests.extend(blob.claim.map(|(digest, _)| digest));
            // The same bytes may be a layer here and part of an artifact there.
            task.compression = task.compression.or(blob.compression);
            tasks.named.insert(blob.content.shared_origin());
        }
        for node in graph.nodes() {
            let Node::Image(image) = node else { continue };
            let config = match &image.config {
                Config::Document(config) => format!("config {}", config.digest()),
                Config::Legacy(_) | Config::Missing => continue,
            };
            for layer in &image.layers {
                // What is not looked into (an encrypted layer) cannot be held against a diff_id.
                let Some(blob) = layer.blob.map(|blob| graph.blob(blob)).filter(|blob| blob.compression.is_some())
                else {
                    continue;
                };
                let diff_ids = &mut tasks.of(&blob.content).diff_ids;
                layer.diff_id.map(|diff_id| diff_ids.entry(diff_id).or_insert_with(|| config.clone()));
            }
        }
        for (name, there) in members.all() {
            tasks.member(name, there, members, container, faults)?;
        }
        Ok(tasks)
    }

    fn of(&mut self, content: &Content) -> &mut Task {
        self.by_origin.entry(content.shared_origin()).or_insert_with(|| Task {
            content: content.clone(),
            digests: BTreeSet::new(),
            diff_ids: BTreeMap::new(),
            compression: None,
        })
    }

    /// Adds what a member's name claims, and the members of a tar that nobody claims anything of: a medium that cannot be
    /// read shall be found out. A folder may hold whatever it likes beside a layout.
    fn member(
        &mut self,
        name: &str,
        there: &[Member],
        members: &Members,
        container: Container,
        faults: Faults<'_>,
    ) -> Result<()> {
        let digest = blob_digest(name);
        let found = match there {
            [Member::File(content)] => Some(content),
            // Another name for something that is read anyway, or nothing to read.
            [Member::Symlink(_) | Member::HardLink(_) | Member::Other(_)] if digest.is_none() => None,
            all if all.iter().all(|member| matches!(member, Member::Directory)) && digest.is_none() => None,
            _ => faults.attempt(members.find(name))?.flatten(),
        };
        let Some(content) = found else { return Ok(()) };
        if there.len() > 1 {
            faults.remark(|| {
                Error::damaged(format!("there {} times, each time the same", there.len()))
                    .coded(Code::MemberRepeated)
                    .about(name)
            });
        }
        if digest.is_some() || name.starts_with("blobs/") {
            self.blobs.insert(content.shared_origin(), name.to_owned());
        } else if container == Container::Folder {
            return Ok(());
        }
        let read = members.document_digest(content);
        if let (Some(claimed), Some(found)) = (digest, read)
            && claimed.algorithm() == found.algorithm()
        {
            if claimed != found {
                faults.forgive(mismatch(content, &claimed, &found))?;
            }
            return Ok(());
        }
        if digest.is_some() || read.is_none() {
            self.of(content).digests.extend(digest);
        }
        Ok(())
    }

    /// Returns where the blobs are: what has a digest or is named by a document.
    pub(super) fn blobs(&self) -> impl Iterator<Item = &str> {
        self.named.iter().chain(self.blobs.keys()).map(|origin| &**origin)
    }

    /// Returns the files that no document names: blobs of a layout, and of a docker-archive what is none of the files that
    /// belong to it by their names.
    pub(super) fn unreferenced<'t>(&'t self, members: &'t Members) -> impl Iterator<Item = &'t Content> {
        const KNOWN: [&str; 6] = ["VERSION", "json", "repositories", "manifest.json", "index.json", "oci-layout"];
        let layout = members.contains("index.json");
        self.by_origin.values().map(|task| &task.content).filter(move |content| {
            let origin = content.origin();
            let base = origin.rsplit('/').next().unwrap_or(origin);
            let counts = if layout { self.blobs.contains_key(origin) } else { !KNOWN.contains(&base) };
            counts && !self.named.contains(origin) && members.document_digest(content).is_none()
        })
    }

    /// Returns the tasks, the largest first: what takes longest is not to begin last.
    pub(super) fn in_order(self) -> Vec<Task> {
        let mut tasks = Vec::from_iter(self.by_origin.into_values());
        tasks.sort_by_key(|task| std::cmp::Reverse(task.content.size()));
        tasks
    }
}

/// Reads the digest that the name of a blob is.
fn blob_digest(name: &str) -> Option<Digest> {
    let (algorithm, hex) = name.strip_prefix("blobs/")?.split_once('/')?;
    format!("{algorithm}:{hex}").parse().ok()
}

fn mismatch(content: &Content, claimed: &Digest, found: &Digest) -> Error {
    content.locate(Error::mismatch(Code::Digest, "digest", claimed, found))
}

impl Task {
    /// Reads the content and holds it against what is claimed of it.
    pub(super) fn check(&self, note: Note<'_>, cx: &Context<'_>) -> Result<()> {
        let mut plain = self.compression.map(|compression| Plain::new(self, compression, cx));
        let compression = self.compression.unwrap_or(Compression::None);
        let mut algorithms: BTreeSet<Algorithm> = self.digests.iter().map(Digest::algorithm).collect();
        if compression == Compression::None {
            // What is stored plain needs one hash for both claims.
            algorithms.extend(self.diff_ids.keys().map(algorithm_of));
        }
        let first = algorithms.pop_first().unwrap_or(Algorithm::Sha256);
        let mut more: Vec<Meter> = algorithms.into_iter().map(Meter::new).collect();
        let several = !more.is_empty();
        let mut stored = |bytes: &[u8]| {
            more.iter_mut().for_each(|meter| meter.update(bytes));
            Ok(())
        };
        let mut plain_meter = plain.as_mut().and_then(|plain| plain.meters.pop());
        let mut inflated = |bytes: &[u8]| {
            plain.iter_mut().for_each(|plain| plain.take(bytes));
            Ok(())
        };
        let mut flow = Flow::default();
        if several {
            flow.stored = Some(&mut stored);
        }
        if self.compression.is_some() {
            flow.plain = Some(&mut inflated);
            flow.plain_meter = plain_meter.as_mut();
        }
        let (measured, broken) = match survey(&self.content, compression, first, flow, cx) {
            Ok(done) => done,
            // The archive ends in the middle of it.
            Err(error) if error.detail().code == Some(Code::Truncated) => {
                note(error);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let measured: Vec<Digest> = std::iter::once(measured)
            .chain(more.into_iter().map(Meter::finish))
            .map(|measured| measured.digest)
            .collect();
        for claimed in &self.digests {
            let found = measured.iter().find(|found| found.algorithm() == claimed.algorithm());
            if let Some(found) = found.filter(|found| *found != claimed) {
                note(mismatch(&self.content, claimed, found));
            }
        }
        if let Some(mut plain) = plain {
            plain.meters.extend(plain_meter);
            let whole = broken.is_none();
            broken.into_iter().for_each(note);
            plain.finish(self, &measured, whole, note);
        }
        let action = "verify";
        cx.observer.on(&Event::Blob { origin: self.content.origin().to_owned(), action, size: self.content.size() });
        Ok(())
    }
}

fn algorithm_of(diff_id: &DiffId) -> Algorithm {
    diff_id.as_plain_digest().algorithm()
}

/// The uncompressed stream of a layer.
struct Plain {
    /// None for what is stored plain: its bytes are hashed as they are stored.
    meters: Vec<Meter>,
    layer: LayerCheck,
}

impl Plain {
    fn new(task: &Task, compression: Compression, cx: &Context<'_>) -> Self {
        let algorithms: BTreeSet<Algorithm> = match compression {
            Compression::None => BTreeSet::new(),
            _ => task.diff_ids.keys().map(algorithm_of).collect(),
        };
        Self { meters: algorithms.into_iter().map(Meter::new).collect(), layer: LayerCheck::new(cx) }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.meters.iter_mut().for_each(|meter| meter.update(bytes));
        self.layer.take(bytes);
    }

    /// Holds the stream against what is claimed of it, if it was there to its end.
    fn finish(self, task: &Task, stored: &[Digest], whole: bool, note: Note<'_>) {
        self.layer.finish(&task.content, task.compression.unwrap_or(Compression::None), whole, note);
        if !whole {
            return;
        }
        let own = self.meters.into_iter().map(Meter::finish).map(|Measured { digest, .. }| digest);
        let measured: Vec<Digest> = own.chain(stored.iter().copied()).collect();
        for (claimed, config) in &task.diff_ids {
            let found = measured.iter().find(|found| found.algorithm() == algorithm_of(claimed)).copied();
            let found = found.map(DiffId::of_tar).filter(|found| found != claimed);
            if let Some(found) = found {
                let error = Error::mismatch(Code::DiffId, "diff_id", claimed, found);
                note(task.content.locate(error.within(config.as_str())));
            }
        }
    }
}
