//! The layers of an image, each with a bar.

use maud::{Markup, html};
use transload::{ImageUsage, InspectedImage, InspectedLayer, Inspection, LayerUsage};

use super::bars::{self, Segment};
use super::text::{bytes_of, number, percent, short, shown};
use crate::cli::inspect::text::{codec, short_command};
use crate::cli::render::bytes;

/// Steps from the bottom layer's colour to the top one's.
const TONES: usize = 7;
/// Numbers of images that a layer is said to be in.
const ALSO: usize = 8;

/// Returns the class that colours things of a layer; 1 is the bottom one.
pub(super) fn tone(layer: usize, of: usize) -> String {
    let step = if of <= 1 { 0 } else { (layer.saturating_sub(1).min(of - 1) * (TONES - 1)).div_ceil(of - 1) };
    format!("t{step}")
}

/// Lists the layers, bottom first.
pub(super) fn list(found: &Inspection, image: &InspectedImage, usage: &ImageUsage) -> Markup {
    let history = image.history();
    let shared = found.shared();
    let measured = |number: usize| usage.layers.iter().find(|layer| layer.number == number);
    let length = |layer: &InspectedLayer| weight(layer, measured(layer.number));
    let largest = image.layers.iter().map(length).max().unwrap_or(0);
    html! {
        @if image.layers.is_empty() { p class="note" { "The image has no layers." } } @else {
            p class="note legend" {
                span { "From the bottom up, as long as their files are large:" } " "
                @for (class, text) in [("kept", "in the image"), ("overwritten", "overwritten later"), ("removed", "removed later"), ("repeated", "repeated later")] {
                    span { span class={ "key " (class) } {} " " (text) } " "
                }
            }
            ol class="layers" {
                @for layer in &image.layers {
                    @let made = history.iter().find(|line| line.layer == Some(layer.number)).and_then(|line| line.created_by.as_deref());
                    @let also = layer.identity().and_then(|identity| shared.get(&identity)).map(|shared| others(&shared.images, image.number));
                    (row(layer, image.layers.len(), measured(layer.number), made, also.as_deref(), largest))
                }
            }
        }
    }
}

/// What a layer's bar is as long as: its files, or what is known of it.
fn weight(layer: &InspectedLayer, measured: Option<&LayerUsage>) -> u64 {
    let files = measured.map(|layer| layer.effect.map_or(layer.uncompressed_size, |effect| effect.bytes));
    files.or(layer.size).unwrap_or(0)
}

fn row(
    layer: &InspectedLayer,
    of: usize,
    measured: Option<&LayerUsage>,
    made: Option<&str>,
    also: Option<&str>,
    largest: u64,
) -> Markup {
    let command = made.map(|text| shown(&short_command(text)));
    let size = weight(layer, measured);
    let effect = measured.and_then(|layer| layer.effect);
    html! {
        li {
            span class={ "swatch " (tone(layer.number, of)) } { (layer.number) }
            div class="made" {
                @if let Some(command) = &command { code title=(command) { (command) } } @else { span class="faint" { "no history" } }
            }
            span class="size" { (bytes(size)) }
            (bars::draw(&format!("Layer {}: {}", layer.number, bytes(size)), &segments(layer, measured, size), largest))
            ul class="facts" {
                @if let Some(stored) = layer.size { li { (bytes(stored)) " " (how(layer)) } } @else { li { (how(layer)) } }
                @if let Some(effect) = effect {
                    li {
                        span title="paths added" { "+" (number(effect.added)) } " "
                        span title="paths changed" { "~" (number(effect.changed)) } " "
                        span title="paths removed" { "−" (number(effect.removed)) } " paths"
                    }
                    @if effect.hidden.total() > 0 { li class="waste" { (bytes_of(effect.hidden.total(), effect.bytes)) " reclaimable" } }
                }
                @if let Some(also) = also { li { "also in image " (also) } }
                @if let Some(id) = layer.identity() { li { code title=(id) { (short(id)) } } }
            }
        }
    }
}

/// Says how a layer is stored.
fn how(layer: &InspectedLayer) -> String {
    match codec(layer).as_str() {
        "none" => "stored uncompressed".to_owned(),
        packed @ ("gzip" | "zstd" | "bzip2" | "xz") => format!("stored with {packed}"),
        other => other.to_owned(),
    }
}

fn segments(layer: &InspectedLayer, measured: Option<&LayerUsage>, size: u64) -> Vec<Segment> {
    let segment = |class: &str, what: &str, part: u64| Segment {
        bytes: part,
        class: class.to_owned(),
        told: format!("Layer {}: {} ({}) {what}", layer.number, bytes(part), percent(part, size)),
        mark: String::new(),
    };
    let Some(effect) = measured.and_then(|layer| layer.effect) else {
        return vec![segment("unknown", if layer.present { "as stored" } else { "not in the archive" }, size)];
    };
    let hidden = effect.hidden;
    vec![
        segment("kept", "in the image", effect.bytes.saturating_sub(hidden.total())),
        segment("overwritten", "overwritten by later files", hidden.overwritten),
        segment("removed", "removed by later layers", hidden.removed),
        segment("repeated", "repeated by later files", hidden.repeated),
    ]
}

/// Lists the numbers of other images.
fn others(images: &[usize], own: usize) -> String {
    let others: Vec<_> = images.iter().filter(|&&number| number != own).map(ToString::to_string).collect();
    let more = others.len().saturating_sub(ALSO);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    others[..others.len().min(ALSO)].join(", ") + &more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tones_go_from_the_bottom_to_the_top() {
        for (of, want) in [(1, "t0"), (2, "t0 t6"), (3, "t0 t3 t6"), (7, "t0 t1 t2 t3 t4 t5 t6")] {
            let tones: Vec<_> = (1..=of).map(|layer| tone(layer, of)).collect();
            assert_eq!(tones.join(" "), want);
        }
        assert_eq!((tone(50, 100), tone(100, 100), tone(9, 3)), ("t3".into(), "t6".into(), "t6".into()));
    }
}
