//! Tables of files: the largest, those that nobody sees, those of the same contents.

use maud::{Markup, html};
use transload::{Fate, FilePlace, FilesUsage, ImageUsage, NodeKind, UsageNode};

use super::overview::tile;
use super::text::{bytes_of, counted, number, percent, short, shown};
use crate::cli::render::bytes;

/// So many directories are listed.
const DIRECTORIES: usize = 25;

/// Lists the largest directories of the treemap.
pub(super) fn directories(files: &FilesUsage) -> Markup {
    let mut all: Vec<(String, &UsageNode)> = Vec::new();
    let mut todo = vec![(String::new(), &files.tree)];
    while let Some((above, node)) = todo.pop() {
        for child in &node.children {
            let path = format!("{above}/{}", child.name);
            if child.kind == NodeKind::Directory {
                all.push((path.clone(), child));
            }
            todo.push((path, child));
        }
    }
    all.sort_by(|(a, x), (b, y)| y.bytes.cmp(&x.bytes).then(a.cmp(b)));
    html! {
        div class="scroll" {
            table {
                caption { "Largest directories, with all below them" }
                thead { tr {
                    th scope="col" { "Directory" } th scope="col" class="number" { "Bytes" } th scope="col" class="number" { "Share" }
                    th scope="col" class="number" { "Files" }
                } }
                tbody {
                    @for (path, node) in all.iter().take(DIRECTORIES) {
                        tr {
                            th scope="row" class="text" { code { (shown(path)) "/" } }
                            td class="number" { (bytes(node.bytes)) }
                            td class="number" { (percent(node.bytes, files.bytes)) }
                            td class="number" { (number(node.files)) }
                        }
                    }
                }
            }
        }
    }
}

/// Lists the largest files.
pub(super) fn largest(files: &FilesUsage) -> Markup {
    html! {
        div class="scroll" {
            table {
                caption { "Largest files" }
                thead { tr {
                    th scope="col" { "File" } th scope="col" class="number" { "Bytes" } th scope="col" class="number" { "Share" }
                    th scope="col" class="number" { "Layer" }
                } }
                tbody {
                    @for file in &files.largest {
                        tr {
                            th scope="row" class="text" { (path(file)) }
                            td class="number" { (bytes(file.size)) }
                            td class="number" { (percent(file.size, files.bytes)) }
                            td class="number" { (file.layer) }
                        }
                    }
                }
            }
        }
    }
}

fn path(file: &FilePlace) -> Markup {
    html! { code { "/" (shown(&file.path)) } }
}

/// Tells of files that are in layers and that nobody sees.
pub(super) fn hidden(files: &FilesUsage, usage: &ImageUsage) -> Markup {
    let all = usage.bytes();
    let hidden = usage.hidden();
    html! {
        @if hidden.total() == 0 { p class="note" { "Nothing: every file of every layer is seen in the image." } } @else {
            p class="note" {
                (bytes_of(hidden.total(), all)) " of the layers’ files, in " (counted(files.hidden_files, "file"))
                ", are seen by nobody. Of a file that is there N times, N−1 copies count."
            }
            dl class="tiles small" {
                (tile("Overwritten", &bytes(hidden.overwritten), "other contents later"))
                (tile("Removed", &bytes(hidden.removed), "deleted later"))
                (tile("Repeated", &bytes(hidden.repeated), "same contents later"))
            }
            div class="scroll" {
                table {
                    @if files.hidden_files > files.hidden.len() { caption { "The largest of them" } }
                    thead { tr {
                        th scope="col" { "File" } th scope="col" class="number" { "Bytes" } th scope="col" class="number" { "Layer" }
                        th scope="col" { "What became of it" }
                    } }
                    tbody {
                        @for file in &files.hidden {
                            tr {
                                th scope="row" class="text" { (path(&file.place)) }
                                td class="number" { (bytes(file.place.size)) }
                                td class="number" { (file.place.layer) }
                                td { span class={ "key " (class(file.fate)) } {} " " (became(file.fate)) " by layer " (file.by) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn class(fate: Fate) -> &'static str {
    match fate {
        Fate::Removed => "removed",
        Fate::Repeated => "repeated",
        _ => "overwritten",
    }
}

fn became(fate: Fate) -> &'static str {
    class(fate)
}

/// Tells of files of the same contents.
pub(super) fn duplicates(files: &FilesUsage) -> Markup {
    let found = &files.duplicates;
    html! {
        @if found.groups == 0 { p class="note" { "None: all files of the image have contents of their own." } } @else {
            p class="note" {
                (bytes_of(found.bytes, files.bytes)) " of the image are further copies: " (counted(found.copies, "file"))
                " beside the first of each. Hard links count as one file."
            }
            div class="scroll" {
                table {
                    @if found.groups > found.largest.len() { caption { "The largest of " (counted(found.groups, "group")) } }
                    thead { tr {
                        th scope="col" { "Files" } th scope="col" class="number" { "Copies" } th scope="col" class="number" { "Bytes each" }
                        th scope="col" class="number" { "Saved by one" } th scope="col" { "SHA-256" }
                    } }
                    tbody {
                        @for group in &found.largest {
                            tr {
                                th scope="row" class="text" {
                                    ul class="plain" {
                                        @for place in &group.places { li { (path(place)) " " span class="faint" { "layer " (place.layer) } } }
                                        @if group.copies > group.places.len() {
                                            li class="faint" { "and " (counted(group.copies - group.places.len(), "more file")) }
                                        }
                                    }
                                }
                                td class="number" { (number(group.copies)) }
                                td class="number" { (bytes(group.size)) }
                                td class="number" { (bytes(group.wasted())) }
                                td { code title=(group.digest) { (short(group.digest)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
