//! Reading the layers of the images that are compared: each once, held against what is claimed of it, and its files
//! listed where they will be compared.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::layers::Identified;
use super::model::ComparedLayer;
use crate::context::{Context, Event};
use crate::digest::{Algorithm, DiffId, Digest};
use crate::error::{Error, Result};
use crate::graph::{Blob, BlobId, Graph, Image, Layer};
use crate::layer::{self, Catalog, Contents, Found, Listing, Merged};
use crate::media_type::LayerType;
use crate::pool;

/// Two images that are held against each other, and whether their files are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair<'g> {
    pub(super) images: [&'g Image; 2],
    /// Every layer is read, and held against what is claimed of it.
    pub(super) read: bool,
    /// The layers differ, or may do so.
    pub(super) files: bool,
}

impl<'g> Pair<'g> {
    pub(super) fn new(images: [&'g Image; 2], read: bool) -> Self {
        let claimed = |image: &Image| image.layers.iter().map(|layer| layer.diff_id).collect::<Option<Vec<_>>>();
        let [a, b] = images.map(claimed);
        Self { images, read, files: read && (a.is_none() || a != b) }
    }

    fn layers(&self) -> impl Iterator<Item = (usize, &'g Layer)> {
        let [a, b] = self.images;
        a.layers.iter().map(|layer| (0, layer)).chain(b.layers.iter().map(|layer| (1, layer)))
    }

    /// Tells whether a layer has to be read.
    fn reads(&self, layer: &Layer) -> bool {
        self.read || layer.diff_id.is_none()
    }
}

/// What a list is of: a tar that is claimed to be this, or a blob of which nothing is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Listed {
    Claimed(DiffId),
    Blob(usize, BlobId),
}

fn listed(side: usize, layer: &Layer) -> Option<Listed> {
    let blob = layer.blob.filter(|_| layer.kind == LayerType::Tar)?;
    Some(layer.diff_id.map_or(Listed::Blob(side, blob), Listed::Claimed))
}

/// What a blob was found to be.
#[derive(Clone, Copy, Debug)]
struct Facts {
    stored: Digest,
    /// Digest and size of the tar, if it is one.
    plain: Option<(DiffId, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Task {
    side: usize,
    blob: BlobId,
    list: Option<Listed>,
    /// Of its diff_id.
    algorithm: Algorithm,
}

/// Reads layers, pair by pair.
pub(super) struct Reader<'g> {
    graphs: [&'g Graph; 2],
    pairs: Vec<Pair<'g>>,
    pub(super) catalog: Catalog,
    facts: HashMap<(usize, BlobId), Facts>,
    lists: HashMap<Listed, Arc<Listing>>,
    /// How many pairs are still to come that need a list.
    needs: HashMap<Listed, usize>,
}

impl<'g> Reader<'g> {
    pub(super) fn new(graphs: [&'g Graph; 2], pairs: Vec<Pair<'g>>, cx: &Context<'_>) -> Self {
        let mut reader = Self {
            graphs,
            pairs,
            catalog: Catalog::new(&cx.limits),
            facts: HashMap::new(),
            lists: HashMap::new(),
            needs: HashMap::new(),
        };
        for pair in &reader.pairs {
            for list in lists_of(pair) {
                *reader.needs.entry(list).or_default() += 1;
            }
        }
        let mut blobs = HashSet::new();
        for pair in &reader.pairs {
            blobs.extend(
                pair.layers()
                    .filter(|(_, layer)| pair.reads(layer))
                    .filter_map(|(side, layer)| layer.blob.map(|blob| (side, blob))),
            );
        }
        let bytes = blobs.iter().map(|&(side, blob)| reader.graphs[side].blob(blob).content.size()).sum();
        cx.observer.on(&Event::Planned { bytes });
        reader
    }

    /// Reads what a pair needs and has not been read for another one.
    pub(super) fn read(&mut self, number: usize, cx: &Context<'_>) -> Result<()> {
        let pair = self.pairs[number];
        let mut tasks: Vec<Task> = Vec::new();
        let mut planned = HashSet::new();
        let mut taken = HashSet::new();
        for (side, layer) in pair.layers() {
            let Some(blob) = layer.blob.filter(|_| pair.reads(layer)) else { continue };
            if self.facts.contains_key(&(side, blob)) || !planned.insert((side, blob)) {
                continue;
            }
            // A list that a later pair needs is made now: no layer is read twice.
            let list = listed(side, layer)
                .filter(|list| self.needs.contains_key(list) && !self.lists.contains_key(list) && taken.insert(*list));
            let algorithm = layer.diff_id.map_or(Algorithm::Sha256, |id| id.as_plain_digest().algorithm());
            tasks.push(Task { side, blob, list, algorithm });
        }
        let done = pool::run(&tasks, &cx.hands(), |task| self.run(task, cx))?;
        for (task, (facts, list)) in tasks.iter().zip(done) {
            self.facts.insert((task.side, task.blob), facts);
            self.lists.extend(task.list.zip(list));
        }
        pair.layers().try_for_each(|(side, layer)| self.check(side, layer))
    }

    fn run(&self, task: &Task, cx: &Context<'_>) -> Result<(Facts, Option<Arc<Listing>>)> {
        let blob = self.graphs[task.side].blob(task.blob);
        let stored = blob.claim.map_or(Algorithm::Sha256, |(digest, _)| digest.algorithm());
        let compression = blob.layer_compression();
        let algorithms = (stored, task.algorithm);
        let (found, list) = match task.list {
            Some(_) => {
                let list = self.catalog.list(&blob.content, compression, algorithms, Contents::Hashed, cx)?;
                (list.found, Some(Arc::new(list)))
            }
            None => (layer::measure(&blob.content, compression, algorithms, cx)?, None),
        };
        let Found { stored, diff_id, size } = found;
        let plain = blob.compression.map(|_| (diff_id, size));
        Ok((Facts { stored: stored.digest, plain }, list))
    }

    /// Fails when a layer is not what is claimed of it: nothing can be said of an image whose archive is damaged.
    fn check(&self, side: usize, layer: &Layer) -> Result<()> {
        let Some((blob, facts)) = layer.blob.and_then(|blob| Some((blob, self.facts.get(&(side, blob))?))) else {
            return Ok(());
        };
        let blob: &Blob = self.graphs[side].blob(blob);
        let hold = |what: &str, claimed: String, found: String| {
            if claimed == found {
                return Ok(());
            }
            let message = format!("{what} mismatch: named {claimed}, but the content is {found}");
            let hint = "the archive is damaged, or was edited by hand: `transload verify` tells all that is wrong";
            Err(blob.content.locate(Error::damaged(message)).hint(hint))
        };
        if let Some((claimed, _)) = blob.claim {
            hold("digest", claimed.to_string(), facts.stored.to_string())?;
        }
        if let (Some(claimed), Some((found, _))) = (layer.diff_id, facts.plain) {
            hold("diff_id", claimed.to_string(), found.to_string())?;
        }
        Ok(())
    }

    /// Returns what identifies the layers of one image of a pair.
    pub(super) fn identify(&self, number: usize, side: usize) -> Vec<Identified> {
        let layers = self.pairs[number].images[side].layers.iter().enumerate();
        layers.map(|(i, layer)| self.identify_layer(side, i, layer)).collect()
    }

    fn identify_layer(&self, side: usize, index: usize, layer: &Layer) -> Identified {
        let facts = layer.blob.and_then(|blob| self.facts.get(&(side, blob)));
        let plain = facts.and_then(|facts| facts.plain);
        let tar = layer.kind == LayerType::Tar;
        let diff_id = plain.map(|(diff_id, _)| diff_id).or(layer.diff_id).filter(|_| tar);
        let claimed = layer.descriptor.as_ref().map(|descriptor| descriptor.digest);
        let digest = facts.map(|facts| facts.stored).or(claimed).filter(|_| diff_id.is_none());
        let identity = diff_id.map(|diff_id| diff_id.as_plain_digest()).or(digest);
        let size = plain.map(|(_, size)| size);
        Identified { layer: ComparedLayer { number: index + 1, diff_id, digest, size }, identity }
    }

    /// Merges the layers of one image of a pair. What cannot be told of its files goes to `notes`; `None`: nothing can.
    pub(super) fn merge(&self, number: usize, side: usize, notes: &mut Vec<String>) -> Result<Option<Merged>> {
        let mut lists = Vec::new();
        for (i, layer) in self.pairs[number].images[side].layers.iter().enumerate() {
            let which = format!("layer {} of {}", i + 1, ["A", "B"][side]);
            if layer.blob.is_none() {
                notes.push(format!("{which} is not in the source: files are not compared"));
                return Ok(None);
            }
            let Some(list) = listed(side, layer).and_then(|list| self.lists.get(&list)) else {
                notes.push(format!("{which} is no tar of files: files are not compared"));
                return Ok(None);
            };
            if list.is_no_tar() {
                notes.push(format!("{which} is not a tar: files are not compared"));
                return Ok(None);
            }
            if let Some(end) = list.problems.iter().find(|problem| problem.what.ends_reading()) {
                notes.push(format!("{which} cannot be read to its end: {end}"));
            }
            lists.push(Arc::clone(list));
        }
        self.catalog.merge(lists).map(Some)
    }

    /// Lets go of the lists that no later pair needs.
    pub(super) fn release(&mut self, number: usize) {
        for list in lists_of(&self.pairs[number]) {
            if let Some(left) = self.needs.get_mut(&list) {
                *left -= 1;
                if *left == 0 {
                    self.needs.remove(&list);
                    self.lists.remove(&list);
                }
            }
        }
    }
}

/// Returns the lists that a pair needs, each once.
fn lists_of(pair: &Pair<'_>) -> HashSet<Listed> {
    let layers = pair.layers().filter(|_| pair.files);
    layers.filter_map(|(side, layer)| listed(side, layer)).collect()
}
