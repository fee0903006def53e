//! Telling whether two sources hold the same images, and if not, what differs: down to single files of the merged trees.
//!
//! What an image means is compared, not how it is stored: neither formats nor compression count.

mod annotations;
mod config;
mod files;
mod ignore;
mod layers;
mod model;
mod pair;
mod read;

use std::collections::BTreeSet;

use serde_json::Value;

pub use ignore::Ignore;
pub use model::{
    Attribute, AttributeChange, ComparedImage, ComparedLayer, Difference, FieldChange, FileChange, FileChanges,
    FileStatus, ImageDifference, LayerChange, Sides,
};

use crate::archive::Archive;
use crate::context::Context;
use crate::digest::DiffId;
use crate::error::{Error, Result, Within};
use crate::graph::{Config, Graph, Image, Name};
use crate::platform::Platform;
use annotations::Ways;
use layers::Identified;
use pair::{Candidate, Pairing};
use read::{Pair, Reader};

/// What is compared.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DiffOptions {
    /// Images of the first source, as `NAME`, `@N` (from 0) or a digest (whole, or at least twelve digits); empty: all.
    pub images_a: Vec<String>,
    /// Images of the second source.
    pub images_b: Vec<String>,
    /// Platforms; empty: all.
    pub platforms: Vec<Platform>,
    /// What shall not count as a difference. Images whose files may differ in something are the same when their files
    /// are, even if their layers are not.
    pub ignore: BTreeSet<Ignore>,
    /// Read every layer: hold it against its digests, and compare the files of images whose layers differ. Without it,
    /// what the documents claim of the layers is compared, and believed.
    pub layers: bool,
    /// List so many files at most, none that differ in nothing but their time, and of a directory that only one image has
    /// nothing that is in it. All are counted. `None`: list all.
    pub brief: Option<usize>,
}

impl Default for DiffOptions {
    fn default() -> Self {
        Self {
            images_a: Vec::new(),
            images_b: Vec::new(),
            platforms: Vec::new(),
            ignore: BTreeSet::new(),
            layers: true,
            brief: None,
        }
    }
}

/// Compares the images of two sources: their configs field by field, layers, names, platforms, annotations, and where
/// layers differ, the files that they make together. Every layer is read once.
///
/// # Errors
///
/// [`Unsupported`](crate::ErrorKind::Unsupported) when an image or platform that is asked for is not there, or a source
/// has no image; [`Damaged`](crate::ErrorKind::Damaged) when a layer is not what its source says;
/// [`Usage`](crate::ErrorKind::Usage) when an image is asked for in no way that is known;
/// [`Environment`](crate::ErrorKind::Environment) when a source cannot be read.
pub fn diff(a: &Archive, b: &Archive, options: &DiffOptions, cx: &Context<'_>) -> Result<Difference> {
    let select = |archive: &Archive, images: &[String]| {
        let graph = archive.selected(images, &options.platforms).within(&archive.name)?;
        let candidates = pair::candidates(&graph, cx.limits.names).within(&archive.name)?;
        if candidates.is_empty() {
            return Err(Error::unsupported("no image inside to compare").within(&archive.name));
        }
        Ok((graph, candidates))
    };
    let (graph_a, list_a) = select(a, &options.images_a)?;
    let (graph_b, list_b) = select(b, &options.images_b)?;
    let graphs = [&graph_a, &graph_b];
    let Pairing { pairs, only_a, only_b } = pair::pair(&list_a, &list_b);
    let image = |side: usize, candidate: &Candidate| {
        let graph: &Graph = graphs[side];
        graph.image(candidate.node).expect("candidates are images")
    };
    let reading = pairs.iter().map(|&(i, j)| Pair::new([image(0, &list_a[i]), image(1, &list_b[j])], options.layers));
    let mut reader = Reader::new(graphs, reading.collect(), cx);
    let ways = graphs.map(Ways::of);
    let mut images = Vec::new();
    for (number, &(i, j)) in pairs.iter().enumerate() {
        reader.read(number, cx)?;
        let comparison = Comparison { reader: &reader, graphs, ways: &ways, options, cx };
        images.push(comparison.run(number, [&list_a[i], &list_b[j]])?);
        reader.release(number);
    }
    let lonely = |side: usize, list: &[Candidate], left: &[usize]| -> Vec<ComparedImage> {
        left.iter().map(|&at| compared(&list[at], image(side, &list[at]))).collect()
    };
    let (only_a, only_b) = (lonely(0, &list_a, &only_a), lonely(1, &list_b, &only_b));
    let warnings = |archive: &Archive, graph: &Graph| -> Vec<String> {
        graph.warnings.iter().map(|warning| format!("{}: {warning}", archive.name)).collect()
    };
    let mut notes = warnings(a, &graph_a);
    notes.extend(warnings(b, &graph_b));
    notes.dedup();
    Ok(Difference {
        same: only_a.is_empty() && only_b.is_empty() && images.iter().all(|image| image.same),
        formats: Sides { a: a.format, b: b.format },
        images,
        only_a,
        only_b,
        notes,
    })
}

fn compared(candidate: &Candidate, image: &Image) -> ComparedImage {
    ComparedImage {
        position: candidate.position,
        names: candidate.names.iter().filter_map(Name::text).collect(),
        platform: candidate.platform.as_ref().map(ToString::to_string),
        image_id: candidate.id,
        manifest_digest: image.manifest.as_ref().map(|manifest| manifest.digest()),
    }
}

/// One pair of images whose layers have been read.
struct Comparison<'r, 'g> {
    reader: &'r Reader<'g>,
    graphs: [&'g Graph; 2],
    ways: &'r [Ways; 2],
    options: &'r DiffOptions,
    cx: &'r Context<'r>,
}

impl Comparison<'_, '_> {
    fn run(&self, number: usize, candidates: [&Candidate; 2]) -> Result<ImageDifference> {
        let ignored = |what: Ignore| self.options.ignore.contains(&what);
        let [a, b] = candidates;
        let sides: [&Image; 2] =
            std::array::from_fn(|side| self.graphs[side].image(candidates[side].node).expect("candidates are images"));
        let identified = [0, 1].map(|side| self.reader.identify(number, side));
        let mut notes = Vec::new();
        let changed_layers = layers::compare(&identified[0], &identified[1]);
        let mut files = None;
        if !changed_layers.is_empty() && self.options.layers {
            let trees = (self.reader.merge(number, 0, &mut notes)?, self.reader.merge(number, 1, &mut notes)?);
            if let (Some(one), Some(other)) = &trees {
                let compare = |paths: &mut _| files::compare(one, other, paths, self.options, &self.cx.cancel);
                files = Some(self.reader.catalog.with_paths(compare)?);
            }
        }
        let by_files = self.options.ignore.iter().any(|ignore| ignore.is_of_files());
        let excused = by_files && files.is_some() && !changed_layers.is_empty();
        if excused {
            notes.push("the layers differ, but only their files count here".to_owned());
        }
        let config = if ignored(Ignore::Config) { Vec::new() } else { self.configs(sides, &identified, &mut notes)? };
        let platform_told = |change: &FieldChange| is_platform(&change.path);
        let platforms = Sides { a: a.platform.clone(), b: b.platform.clone() };
        let platforms_differ = platforms.a != platforms.b && !ignored(Ignore::Platform);
        let platforms = (platforms_differ && !config.iter().any(platform_told))
            .then(|| Sides { a: platforms.a.map(|it| it.to_string()), b: platforms.b.map(|it| it.to_string()) });
        let annotations = if ignored(Ignore::Annotations) { Vec::new() } else { self.annotations(a, b, &mut notes) };
        let names = if ignored(Ignore::Names) { None } else { names(a, b) };
        let mut found = ImageDifference {
            same: true,
            a: compared(a, sides[0]),
            b: compared(b, sides[1]),
            names,
            platforms,
            config,
            annotations,
            layers: if excused { Vec::new() } else { changed_layers },
            files,
            notes,
        };
        let same_files = found.files.as_ref().is_none_or(FileChanges::is_empty);
        found.same = found.names.is_none()
            && found.platforms.is_none()
            && found.config.is_empty()
            && found.annotations.is_empty()
            && found.layers.is_empty()
            && same_files;
        Ok(found)
    }

    fn configs(
        &self,
        images: [&Image; 2],
        layers: &[Vec<Identified>; 2],
        notes: &mut Vec<String>,
    ) -> Result<Vec<FieldChange>> {
        let mut values = Vec::new();
        for (side, image) in images.into_iter().enumerate() {
            let diff_ids: Option<Vec<DiffId>> = layers[side].iter().map(|layer| layer.layer.diff_id).collect();
            let document = match (&image.config, &diff_ids) {
                (Config::Legacy(_), None) => None,
                (config, diff_ids) => config.settle(diff_ids.as_deref(), false)?,
            };
            if document.is_none() {
                notes.push(format!("the config of {} is not in the source", ["A", "B"][side]));
            }
            values.push(document.map(|document| document.value()));
        }
        let (a, b) = (values[0].as_ref(), values[1].as_ref());
        let (Some(one), Some(other)) = (a, b) else {
            let is_there = |value: Option<&Value>| value.map(|_| Value::from("there"));
            let whole = FieldChange { path: "config".to_owned(), a: is_there(a), b: is_there(b) };
            return Ok(if a.is_none() && b.is_none() { Vec::new() } else { vec![whole] });
        };
        let mut changes = config::compare(one, other);
        changes.retain(|change| !self.options.ignore.iter().any(|&ignore| covers(ignore, &change.path)));
        Ok(changes)
    }

    fn annotations(&self, a: &Candidate, b: &Candidate, notes: &mut Vec<String>) -> Vec<FieldChange> {
        let of = |side: usize, image: &Candidate| self.ways[side].annotations(self.graphs[side], image.node);
        let (one, other) = (of(0, a), of(1, b));
        match (&one, &other) {
            (Some(a), Some(b)) => return annotations::compare(a, b),
            (Some(some), None) | (None, Some(some)) if !some.is_empty() => {
                let (has, lacks) = if one.is_some() { ("A", "B") } else { ("B", "A") };
                let count = some.len();
                let many = if count == 1 { "annotation" } else { "annotations" };
                notes.push(format!("{has} has {count} {many}; the format of {lacks} holds none"));
            }
            _ => {}
        }
        Vec::new()
    }
}

/// Tells whether a field of the config is left out with this.
fn covers(ignore: Ignore, path: &str) -> bool {
    let in_history = path.starts_with("history");
    match ignore {
        Ignore::Created => path == "created",
        Ignore::History => in_history,
        Ignore::Timestamps => path == "created" || (in_history && path.ends_with("].created")),
        Ignore::Platform => is_platform(path),
        _ => false,
    }
}

fn is_platform(path: &str) -> bool {
    matches!(path, "architecture" | "variant") || path == "os" || path.starts_with("os.")
}

/// Returns the names that only one of two images has.
fn names(a: &Candidate, b: &Candidate) -> Option<Sides<Vec<String>>> {
    let lacking = |of: &Candidate, in_other: &Candidate| -> Vec<String> {
        let has = pair::names_of(in_other);
        of.names.iter().filter(|name| !has(name)).filter_map(Name::text).collect()
    };
    let names = Sides { a: lacking(a, b), b: lacking(b, a) };
    (!names.a.is_empty() || !names.b.is_empty()).then_some(names)
}
