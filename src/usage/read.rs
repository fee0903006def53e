//! Reading the layers of several images: each once, while its list can be kept for the images that are still to come.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::model::{ImageUsage, LayerUsage};
use super::{UsageOptions, UsageSink, of_tree};
use crate::code::Code;
use crate::context::{Context, Event};
use crate::digest::{DiffId, Digest};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{BlobId, Graph, Image};
use crate::inspect::{Readable, problem};
use crate::layer::{Catalog, Charge, Contents, Listing};
use crate::pool;

/// What lists may take of the limit, in percent; the rest is for what is made of them.
const LISTS: u64 = 60;
/// The same while layers of several images are read together: what is given back when that was too much comes back in
/// pieces, of which not all can be used again.
const LISTS_AHEAD: u64 = 45;

/// So many layers for each thread are read together, of as many images as have them.
const AHEAD: usize = 4;

/// What came of reading a layer: its files, or why there are none.
type Outcome = Result<Arc<Listing>, String>;

/// Reads the layers of images and tells of them.
pub(super) struct Reader<'g> {
    graph: &'g Graph,
    images: Vec<&'g Image>,
    options: &'g UsageOptions,
    catalog: Catalog,
    /// What is made of the lists, and the page that is made of that, must fit beside them.
    reserve: Charge,
    lists: HashMap<BlobId, Outcome>,
    /// How many images are still to come that have a layer.
    needs: HashMap<BlobId, usize>,
    /// The layers that were planned to be read, until they are.
    planned: HashSet<BlobId>,
    /// Several images together fitted into the limit so far.
    ahead: bool,
}

impl<'g> Reader<'g> {
    pub(super) fn new(graph: &'g Graph, images: Vec<&'g Image>, options: &'g UsageOptions, cx: &Context<'_>) -> Self {
        let mut needs = HashMap::new();
        for image in &images {
            for layer in layers(graph, image) {
                *needs.entry(layer.blob).or_default() += 1;
            }
        }
        let planned: HashSet<BlobId> = needs.keys().copied().collect();
        let (catalog, reserve) = catalog(LISTS_AHEAD, cx);
        Self { graph, images, options, catalog, reserve, lists: HashMap::new(), needs, planned, ahead: true }
    }

    pub(super) fn run(mut self, sink: UsageSink<'_>, cx: &Context<'_>) -> Result<()> {
        cx.observer.on(&Event::Planned { bytes: self.bytes(self.planned.iter()) });
        let images = std::mem::take(&mut self.images);
        let mut read = 0;
        for (at, image) in images.iter().enumerate() {
            if self.ahead && at >= read {
                let window;
                (window, read) = self.window(&images, at, cx);
                match self.read(&window, cx) {
                    Err(error) if is_limit(&error) => self.start_over(cx),
                    other => other?,
                }
            }
            let mut usage = match self.tell(image, cx) {
                Err(error) if is_limit(&error) => {
                    // Perhaps it is the lists of other images that take the memory.
                    self.start_over(cx);
                    self.tell(image, cx)
                }
                other => other,
            };
            if let Err(error) = &usage
                && is_limit(error)
            {
                let hint = error.advice().map(|hint| format!(" ({hint})")).unwrap_or_default();
                let problems = vec![format!("the files cannot be told of: {}{hint}", error.message())];
                usage = Ok(ImageUsage { number: 0, layers: Vec::new(), files: None, problems });
                self.start_over(cx);
            }
            let mut usage = usage?;
            usage.number = at + 1;
            self.release(image);
            sink(&usage)?;
        }
        Ok(())
    }

    fn bytes<'b>(&self, blobs: impl Iterator<Item = &'b BlobId>) -> u64 {
        blobs.map(|&blob| self.graph.blob(blob).content.size()).sum()
    }

    /// Returns the layers to be read for the images from this one on that keep all threads busy, and the image after them.
    fn window(&self, images: &[&Image], from: usize, cx: &Context<'_>) -> (Vec<Readable>, usize) {
        let mut window = self.unread(images[from]);
        let mut end = from + 1;
        while window.len() < AHEAD * cx.threads.get() && end < images.len() {
            let more = self.unread(images[end]);
            window.extend(more);
            end += 1;
        }
        let mut seen = HashSet::new();
        window.retain(|layer| seen.insert(layer.blob));
        (window, end)
    }

    /// Returns the layers of an image that have to be read, each once.
    fn unread(&self, image: &Image) -> Vec<Readable> {
        let mut seen = HashSet::new();
        layers(self.graph, image)
            .filter(|layer| !self.lists.contains_key(&layer.blob) && seen.insert(layer.blob))
            .collect()
    }

    /// Reads layers. Those that cannot be read are noted; fails with the limit, and when nothing more can be done.
    fn read(&mut self, layers: &[Readable], cx: &Context<'_>) -> Result<()> {
        let again: Vec<BlobId> =
            layers.iter().map(|layer| layer.blob).filter(|blob| !self.planned.remove(blob)).collect();
        if !again.is_empty() {
            cx.observer.on(&Event::Planned { bytes: self.bytes(again.iter()) });
        }
        let list = |layer: &Readable| match layer.list(self.graph, &self.catalog, Contents::Hashed, cx) {
            Ok(listing) => Ok(Ok(Arc::new(listing))),
            Err(error) if is_limit(&error) => Err(error),
            Err(error) if matches!(error.kind(), ErrorKind::Damaged | ErrorKind::Unsupported) => {
                Ok(Err(error.message().to_owned()))
            }
            Err(error) => Err(error),
        };
        let outcomes = pool::run(layers, &cx.hands(), list)?;
        self.lists.extend(layers.iter().map(|layer| layer.blob).zip(outcomes));
        Ok(())
    }

    /// Lets go of all lists and their paths; from now on images are read one by one.
    fn start_over(&mut self, cx: &Context<'_>) {
        self.lists.clear();
        (self.catalog, self.reserve) = catalog(LISTS, cx);
        self.ahead = false;
    }

    /// Lets go of the lists that no later image needs.
    fn release(&mut self, image: &Image) {
        for layer in layers(self.graph, image) {
            if let Some(left) = self.needs.get_mut(&layer.blob) {
                *left -= 1;
                if *left == 0 {
                    self.lists.remove(&layer.blob);
                }
            }
        }
    }

    fn tell(&mut self, image: &Image, cx: &Context<'_>) -> Result<ImageUsage> {
        let unread = self.unread(image);
        self.read(&unread, cx)?;
        let (mut told, mut problems, mut lists) = (Vec::new(), Vec::new(), Vec::new());
        for (i, layer) in image.layers.iter().enumerate() {
            let number = i + 1;
            let list = Readable::check(self.graph, layer, number)
                .map_err(|error| error.message().to_owned())
                .and_then(|layer| self.lists[&layer.blob].clone());
            let list = match list {
                Ok(list) => list,
                Err(why) => {
                    problems.push(format!("layer {number}: {why}"));
                    continue;
                }
            };
            let claim = layer.blob.and_then(|blob| self.graph.blob(blob).claim).map(|(digest, _)| digest);
            problems.extend(contradictions(&list, claim, layer.diff_id).map(|what| format!("layer {number}: {what}")));
            problems.extend(list.problems.first().and_then(|first| problem(number, first, list.problem_count)));
            let (size, uncompressed_size) = (list.found.stored.size, list.found.size);
            told.push(LayerUsage { number, size, uncompressed_size, effect: None });
            lists.push(list);
        }
        let mut files = None;
        if lists.len() == image.layers.len() {
            let (tree, effects) = of_tree(&self.catalog, lists, self.options, &mut problems, cx)?;
            told.iter_mut().zip(effects).for_each(|(layer, effect)| layer.effect = Some(effect));
            files = Some(tree);
        } else {
            problems.push("without all layers the files of the image cannot be told".to_owned());
        }
        Ok(ImageUsage { number: 0, layers: told, files, problems })
    }
}

fn catalog(lists: u64, cx: &Context<'_>) -> (Catalog, Charge) {
    let catalog = Catalog::new(&cx.limits);
    let mut reserve = catalog.open_charge();
    let bytes = cx.limits.file_list_bytes / 100 * (100 - lists);
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    // It is a part of what was just made.
    let _ = reserve.take(bytes);
    (catalog, reserve)
}

/// Returns the layers of an image that can be read.
fn layers<'i>(graph: &'i Graph, image: &'i Image) -> impl Iterator<Item = Readable> + 'i {
    image.layers.iter().enumerate().filter_map(|(i, layer)| Readable::check(graph, layer, i + 1).ok())
}

/// Tells whether more memory would have helped.
fn is_limit(error: &Error) -> bool {
    error.detail().code == Some(Code::Limit)
}

/// Says where a layer is not what is claimed of it.
fn contradictions(list: &Listing, digest: Option<Digest>, diff_id: Option<DiffId>) -> impl Iterator<Item = String> {
    let found = list.found;
    let stored = digest.filter(|&claimed| claimed != found.stored.digest);
    let stored = stored.map(|claimed| Error::mismatch(Code::Digest, "digest", claimed, found.stored.digest));
    let plain = diff_id.filter(|&claimed| claimed != found.diff_id);
    let plain = plain.map(|claimed| Error::mismatch(Code::DiffId, "diff_id", claimed, found.diff_id));
    stored.into_iter().chain(plain).map(|error| error.message().to_owned())
}
