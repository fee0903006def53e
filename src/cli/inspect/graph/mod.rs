//! `--graph`: what is made of what, as a drawing. One list of nodes and edges; a file for each language.

mod dot;
mod mermaid;
mod svg;

use std::collections::HashMap;

use clap::ValueEnum;
use transload::{Companion, Digest, InspectedImage, InspectedLayer, Inspection, escape};

use super::text::{View, codec, short_command};
use crate::cli::page::cut;
use crate::cli::render::bytes;

/// The language of a drawing.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Language {
    /// For graphviz
    Dot,
    /// For Markdown on GitHub and elsewhere
    Mermaid,
    /// A picture
    Svg,
}

/// Draws what was found.
pub(super) fn draw(language: Language, found: &Inspection, view: View) -> String {
    let graph = Graph::of(found, view);
    match language {
        Language::Dot => dot::write(&graph),
        Language::Mermaid => mermaid::write(&graph),
        Language::Svg => svg::write(&graph),
    }
}

/// Columns of a command in a drawing.
const COMMAND: usize = 40;
/// Names of one node.
const NAMES: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Index,
    Image,
    Layer,
    /// A layer that several images have.
    Shared,
    /// An attestation, a signature or the like.
    Companion,
    /// Named, but not in the source.
    Absent,
}

struct Node {
    kind: Kind,
    /// Escaped for terminals; not for the language.
    lines: Vec<String>,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Index, Self::Image, Self::Layer, Self::Shared, Self::Companion, Self::Absent];

    /// Returns the word for it in every language.
    fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Image => "image",
            Self::Layer => "layer",
            Self::Shared => "shared",
            Self::Companion => "companion",
            Self::Absent => "absent",
        }
    }

    /// Returns the colour of its box on white.
    fn fill(self) -> &'static str {
        match self {
            Self::Index => "#e4dcf7",
            Self::Image => "#d5e5fa",
            Self::Layer => "#f1f1f1",
            Self::Shared => "#d8f0d8",
            Self::Companion => "#fbeecb",
            Self::Absent => "#f9d5d5",
        }
    }
}

/// From what names to what is named, by their places in the list of nodes.
struct Edge {
    from: usize,
    to: usize,
    /// The number of a layer.
    label: String,
}

struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

impl Graph {
    /// Lists indexes, images, companions and layers, in this order.
    fn of(found: &Inspection, view: View) -> Self {
        let mut graph = Self { nodes: Vec::new(), edges: Vec::new() };
        let mut indexes = HashMap::new();
        for image in &found.images {
            if let Some(digest) = image.index_digest {
                indexes.entry(digest).or_insert_with(|| {
                    let lines = [vec![format!("index {}", view.digest(digest))], names(&image.names)].concat();
                    graph.add(Kind::Index, lines)
                });
            }
        }
        let images: Vec<usize> = found.images.iter().map(|image| graph.image(image, view)).collect();
        for (image, &node) in found.images.iter().zip(&images) {
            if let Some(index) = image.index_digest.and_then(|digest| indexes.get(&digest)) {
                graph.join(*index, node, String::new());
            }
            for companion in &image.companions {
                let with = graph.companion(companion, view);
                graph.join(node, with, String::new());
            }
        }
        for companion in &found.others {
            let node = graph.companion(companion, view);
            if let Some(index) = companion.subject.and_then(|subject| indexes.get(&subject)) {
                graph.join(*index, node, String::new());
            }
        }
        for missing in &found.missing {
            graph.add(Kind::Absent, vec!["not in the archive".to_owned(), escape(missing)]);
        }
        // A layer that several images have is one node; so is one that an image has twice.
        let shared = found.shared();
        let mut layers: HashMap<Digest, usize> = HashMap::new();
        for (image, &node) in found.images.iter().zip(&images) {
            let history = image.history();
            for layer in &image.layers {
                let drawn = layer.identity().and_then(|identity| layers.get(&identity));
                let to = drawn.copied().unwrap_or_else(|| {
                    let made = history.iter().find(|line| line.layer == Some(layer.number));
                    let made = made.and_then(|line| line.created_by.as_deref()).unwrap_or_default();
                    let is_shared = layer.identity().is_some_and(|identity| shared.contains_key(&identity));
                    let node = graph.layer(layer, is_shared, made, view);
                    layers.extend(layer.identity().map(|identity| (identity, node)));
                    node
                });
                graph.join(node, to, layer.number.to_string());
            }
        }
        graph
    }

    fn add(&mut self, kind: Kind, lines: Vec<String>) -> usize {
        self.nodes.push(Node { kind, lines });
        self.nodes.len() - 1
    }

    fn join(&mut self, from: usize, to: usize, label: String) {
        self.edges.push(Edge { from, to, label });
    }

    fn image(&mut self, image: &InspectedImage, view: View) -> usize {
        let mut lines = if image.index_digest.is_some() { Vec::new() } else { names(&image.names) };
        lines.extend(image.platform.as_ref().map(|platform| escape(platform)));
        lines.extend(image.image_id.map(|id| format!("image ID {}", view.digest(id))));
        lines.extend(image.manifest_digest.map(|digest| format!("manifest {}", view.digest(digest))));
        lines.extend(image.missing.iter().map(|missing| format!("missing {}", escape(missing))));
        if lines.is_empty() {
            lines.push(format!("image {}", image.number));
        }
        self.add(Kind::Image, lines)
    }

    fn companion(&mut self, companion: &Companion, view: View) -> usize {
        let digest = companion.digest.map(|digest| format!(" {}", view.digest(digest))).unwrap_or_default();
        let what = companion.parts.iter().find_map(|part| part.predicate_type.as_ref());
        let what = escape(what.unwrap_or(&companion.artifact_type));
        self.add(Kind::Companion, vec![format!("{}{digest}", companion.kind.name()), what])
    }

    fn layer(&mut self, layer: &InspectedLayer, shared: bool, made: &str, view: View) -> usize {
        let digest = layer.diff_id.map(|id| view.digest(id)).or(layer.digest.map(|digest| view.digest(digest)));
        let size = layer.size.map(bytes).unwrap_or_default();
        let head = [digest.unwrap_or_default(), size, codec(layer)];
        let head: Vec<_> = head.into_iter().filter(|part| !part.is_empty() && part != "none").collect();
        let mut lines = vec![head.join("  ")];
        let command = if view.full { escape(made) } else { cut(&short_command(made), COMMAND) };
        lines.extend((!command.is_empty()).then_some(command));
        let kind = match (layer.present, shared) {
            (false, _) => Kind::Absent,
            (true, true) => Kind::Shared,
            (true, false) => Kind::Layer,
        };
        self.add(kind, lines)
    }
}

/// Escapes names; of many only the first.
fn names(names: &[String]) -> Vec<String> {
    let mut lines: Vec<_> = names.iter().take(NAMES).map(|name| escape(name)).collect();
    if names.len() > NAMES {
        lines.push(format!("and {} more", names.len() - NAMES));
    }
    lines
}
