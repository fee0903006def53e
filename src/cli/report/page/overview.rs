//! The archive as a whole: what it holds, which layers its images share, what is no image.

use std::collections::{HashMap, HashSet};

use maud::{Markup, html};
use transload::{Digest, InspectedImage, InspectedLayer, Inspection};

use super::bars::{self, Segment};
use super::frame::{anchor, short_title};
use super::text::{bytes_of, counted, first, number, short, shown};
use crate::cli::inspect::text::what;
use crate::cli::render::bytes;

/// So many images have a bar.
const BARS: usize = 60;
/// So many shared layers are told apart.
const SHARED: usize = 60;
/// Colours for shared layers; they come again, letters do not.
const COLOURS: usize = 8;

/// Tells what the archive holds. An archive of one image is what its image is.
pub(super) fn section(found: &Inspection) -> Markup {
    let stored = Stored::of(found);
    html! {
        @if has_section(found) {
            section id="overview" {
                h2 { "Overview" }
                dl class="tiles" {
                    (tile("Images", &number(found.images.len()), ""))
                    (tile("Layers", &number(stored.layers), "different ones"))
                    (tile("Layers as stored", &bytes(stored.once), "each once"))
                    (tile("Shared", &bytes(stored.saved), "not stored again"))
                }
                @if !found.missing.is_empty() || !found.warnings.is_empty() {
                    ul class="problems" {
                        @for text in &found.missing { li { "Named, but not in the archive: " (shown(text)) } }
                        @for text in &found.warnings { li { (shown(text)) } }
                    }
                }
                @if found.images.len() > 1 { (sharing(found)) }
            }
        }
    }
}

/// Tells whether there is something to say of the archive as a whole.
pub(super) fn has_section(found: &Inspection) -> bool {
    found.images.len() != 1 || !found.missing.is_empty() || !found.warnings.is_empty()
}

/// A headline number.
pub(super) fn tile(label: &str, value: &str, note: &str) -> Markup {
    html! {
        div class="tile" {
            dt { (label) }
            dd { b { (value) } @if !note.is_empty() { span { (note) } } }
        }
    }
}

/// What the layers of all images take.
struct Stored {
    /// How many different ones there are.
    layers: usize,
    /// Bytes of them.
    once: u64,
    /// Bytes that they would take more if each image had its own.
    saved: u64,
}

impl Stored {
    fn of(found: &Inspection) -> Self {
        let mut seen = HashSet::new();
        let (mut once, mut all) = (0_u64, 0_u64);
        let mut unnamed = 0;
        for layer in found.images.iter().flat_map(|image| &image.layers) {
            let size = layer.size.unwrap_or(0);
            all = all.saturating_add(size);
            if layer.identity().is_none_or(|identity| seen.insert(identity)) {
                once = once.saturating_add(size);
            }
            unnamed += usize::from(layer.identity().is_none());
        }
        Self { layers: seen.len() + unnamed, once, saved: all - once }
    }
}

/// Shows the images one below the other, each as long as its layers, and the layers that several have.
fn sharing(found: &Inspection) -> Markup {
    let letters: HashMap<Digest, usize> =
        found.shared_layers.iter().enumerate().filter_map(|(at, layer)| Some((key(layer)?, at))).collect();
    let size = |image: &InspectedImage| image.layers.iter().filter_map(|layer| layer.size).fold(0, u64::saturating_add);
    let largest = found.images.iter().map(size).max().unwrap_or(0);
    let shared = &found.shared_layers[..found.shared_layers.len().min(SHARED)];
    html! {
        h3 { "Images and the layers that they share" }
        p class="note" {
            "Each bar is an image, as long as its layers are large as they are stored. "
            @if shared.is_empty() { "No layer is in more than one image." } @else {
                "Layers of the same colour and letter are the same layer; grey ones are in one image only."
            }
        }
        ul class="stacks" {
            @for image in found.images.iter().take(BARS) {
                li {
                    a href={ "#" (anchor(image)) } { (short_title(image)) }
                    (bars::draw(&short_title(image), &segments(image, &letters), largest))
                    span class="size" { (bytes(size(image))) }
                }
            }
        }
        @if found.images.len() > BARS {
            p class="note" { "and " (counted(found.images.len() - BARS, "more image")) }
        }
        @if !shared.is_empty() {
            div class="scroll" {
                table {
                    thead { tr {
                        th scope="col" { "Shared layer" } th scope="col" { "Digest" }
                        th scope="col" class="number" { "Stored" } th scope="col" class="number" { "Saved" }
                        th scope="col" { "In images" }
                    } }
                    tbody {
                        @for (at, layer) in shared.iter().enumerate() {
                            tr {
                                th scope="row" { span class={ "swatch " (colour(at)) } { (letter(at)) } }
                                td class="digest" { code { (key(layer).map(short).unwrap_or_default()) } }
                                td class="number" { (layer.size.map(bytes).unwrap_or_default()) }
                                td class="number" {
                                    (layer.size.map(|size| bytes(size.saturating_mul(layer.images.len() as u64 - 1))).unwrap_or_default())
                                }
                                td { (list(&layer.images)) }
                            }
                        }
                    }
                }
            }
            @if found.shared_layers.len() > SHARED {
                p class="note" { "and " (counted(found.shared_layers.len() - SHARED, "more shared layer")) }
            }
        }
    }
}

fn key(layer: &transload::SharedLayer) -> Option<Digest> {
    layer.diff_id.map(|diff_id| diff_id.as_plain_digest()).or(layer.digest)
}

fn segments(image: &InspectedImage, letters: &HashMap<Digest, usize>) -> Vec<Segment> {
    let whole = image.layers.iter().filter_map(|layer| layer.size).fold(0, u64::saturating_add);
    let segment = |layer: &InspectedLayer| {
        let at = layer.identity().and_then(|identity| letters.get(&identity).copied());
        let size = layer.size.unwrap_or(0);
        let shared = at.map(|at| format!(", shared ({})", letter(at))).unwrap_or_default();
        Segment {
            bytes: size,
            class: at.map_or_else(|| "own".to_owned(), colour),
            told: format!("Layer {}: {}{shared}", layer.number, bytes_of(size, whole)),
            mark: at.map(letter).unwrap_or_default(),
        }
    };
    image.layers.iter().map(segment).collect()
}

fn colour(at: usize) -> String {
    format!("shared s{}", at % COLOURS)
}

/// A, B, … Z, AA, AB, …
fn letter(at: usize) -> String {
    let last = char::from(b'A' + u8::try_from(at % 26).expect("below 26"));
    if at < 26 { last.to_string() } else { letter(at / 26 - 1) + &last.to_string() }
}

fn list(numbers: &[usize]) -> String {
    let (shown, more) = first(numbers);
    let shown: Vec<_> = shown.iter().map(ToString::to_string).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &more
}

/// Tells whether there is something beside images.
pub(super) fn has_beside(found: &Inspection) -> bool {
    !found.others.is_empty()
}

/// Tells of what is no image.
pub(super) fn beside(found: &Inspection) -> Markup {
    let (others, more) = first(&found.others);
    html! {
        @if has_beside(found) {
            section id="beside" {
                h2 { "Beside the images" }
                (companions(others))
                @if more > 0 { p class="note" { "and " (more) " more" } }
            }
        }
    }
}

/// Lists attestations, signatures and the like.
pub(super) fn companions(list: &[transload::Companion]) -> Markup {
    html! {
        div class="scroll" {
            table {
                thead { tr {
                    th scope="col" { "Kind" } th scope="col" { "What" } th scope="col" { "Digest" } th scope="col" class="number" { "Size" }
                } }
                tbody {
                    @for companion in list {
                        tr {
                            th scope="row" { (companion.kind.name()) }
                            td class="text" { (shown(&what(companion))) }
                            td class="digest" { code { (companion.digest.map(short).unwrap_or_default()) } }
                            td class="number" { (bytes(companion.size)) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_on_after_z() {
        let letters: Vec<_> = [0, 25, 26, 51, 52, 701, 702].into_iter().map(letter).collect();
        assert_eq!(letters, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
