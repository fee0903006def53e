//! One image's part of the page.

use maud::{Markup, html};
use transload::{ImageUsage, InspectedImage, Inspection};

use super::frame::{anchor, title};
use super::overview::{companions, tile};
use super::text::{counted, first, number, percent, shown};
use super::{config, files, layers, treemap};
use crate::cli::inspect::text::to_the_second;
use crate::cli::render::bytes;

/// Tells of an image.
pub(super) fn section(found: &Inspection, image: &InspectedImage, usage: &ImageUsage) -> Markup {
    let id = anchor(image);
    let part = |name: &str| format!("{id}-{name}");
    html! {
        section class="image" id=(id) {
            h2 { (title(image)) @if let Some(platform) = &image.platform { " " span class="platform" { (shown(platform)) } } }
            (headlines(image, usage))
            (problems(image, usage))
            h3 id=(part("layers")) { "Layers" }
            (layers::list(found, image, usage))
            @if let Some(files) = &usage.files {
                h3 id=(part("space")) { "What takes the space" }
                (space(files, image.layers.len()))
                h3 id=(part("reclaimable")) { "Reclaimable" }
                (files::hidden(files, usage))
                h3 id=(part("duplicates")) { "Files of the same contents" }
                (files::duplicates(files))
            }
            h3 id=(part("identity")) { "Identity" }
            (identity(image))
            h3 id=(part("config")) { "Config" }
            (config::settings(image))
            h3 id=(part("history")) { "History" }
            (config::history(image))
            @if !image.companions.is_empty() {
                @let (list, more) = first(&image.companions);
                h3 { "With it" }
                (companions(list))
                @if more > 0 { p class="note" { "and " (more) " more" } }
            }
        }
    }
}

fn headlines(image: &InspectedImage, usage: &ImageUsage) -> Markup {
    let unpacked: u64 = usage.layers.iter().map(|layer| layer.uncompressed_size).fold(0, u64::saturating_add);
    let all = usage.layers.len() == image.layers.len();
    html! {
        dl class="tiles" {
            (tile("Layers", &number(image.layers.len()), &format!("{} stored", bytes(image.size))))
            @if all { (tile("Unpacked", &bytes(unpacked), "all layers’ tars")) }
            @if let Some(files) = &usage.files {
                (tile("Files", &number(files.files), &format!("{} in {}", bytes(files.bytes), counted(files.directories, "folder"))))
                (tile("Reclaimable", &bytes(usage.hidden().total()), &format!("{} of all files", percent(usage.hidden().total(), usage.bytes()))))
                (tile("Duplicates", &bytes(files.duplicates.bytes), &copies(files.duplicates.copies)))
            }
        }
    }
}

fn copies(n: usize) -> String {
    if n == 1 { "1 further copy".to_owned() } else { format!("{} further copies", number(n)) }
}

fn problems(image: &InspectedImage, usage: &ImageUsage) -> Markup {
    let missing: Vec<String> = image.missing.iter().map(|text| format!("Not in the archive: {text}")).collect();
    let all: Vec<&String> = missing.iter().chain(&usage.problems).collect();
    let (list, more) = first(&all);
    html! {
        @if !list.is_empty() {
            ul class="problems" {
                @for text in list { li { (shown(text)) } }
                @if more > 0 { li { "and " (more) " more" } }
            }
        }
    }
}

fn space(files: &transload::FilesUsage, layers: usize) -> Markup {
    html! {
        @if files.bytes == 0 { p class="note" { "The image has no files with contents." } } @else {
            p class="note" {
                "Areas are bytes in the merged file system, each file once: " (bytes(files.bytes)) " in "
                (counted(files.files, "file")) ". The colour tells the layer that most of it is from"
                @if layers > 1 { ", from " span class="swatch t0" { "1" } " at the bottom to "
                    span class={ "swatch " (layers::tone(layers, layers)) } { (layers) } " at the top" }
                ". Point at a part to see what it is."
            }
            (treemap::draw(&files.tree, layers, treemap::WIDE))
            (treemap::draw(&files.tree, layers, treemap::NARROW))
            details {
                summary { "The largest directories and files, as tables" }
                (files::directories(files))
                (files::largest(files))
            }
        }
    }
}

fn identity(image: &InspectedImage) -> Markup {
    let rows = [
        (
            "Image ID",
            image.image_id.map(|id| id.to_string()),
            "digest of the config; shown by podman and docker’s classic store",
        ),
        (
            "Manifest",
            image.manifest_digest.map(|digest| digest.to_string()),
            "shown by docker’s containerd store and ctr",
        ),
        (
            "Index",
            image.index_digest.map(|digest| digest.to_string()),
            "of all platforms; shown by docker’s containerd store for the name",
        ),
    ];
    let (names, more) = first(&image.names);
    html! {
        dl class="pairs" {
            @if !names.is_empty() {
                dt { "Names" }
                dd {
                    ul class="plain" {
                        @for name in names { li { code { (shown(name)) } } }
                        @if more > 0 { li { "and " (more) " more" } }
                    }
                }
            }
            @for (label, digest, who) in &rows {
                @if let Some(digest) = digest {
                    dt { (label) }
                    dd { code { (digest) } " " span class="who" { (who) } }
                }
            }
            @if let Some(platform) = &image.platform { dt { "Platform" } dd { (shown(platform)) } }
            @if let Some(version) = &image.os_version { dt { "OS version" } dd { (shown(version)) } }
            @if let Some(created) = &image.created { dt { "Created" } dd { (shown(&to_the_second(created))) } }
            @if let Some(tool) = &image.built_with { dt { "Built with" } dd { (shown(tool)) } }
            @if let Some(author) = &image.author { dt { "Author" } dd { (shown(author)) } }
        }
    }
}
