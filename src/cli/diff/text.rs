//! A comparison for people: a headline, then what differs, grouped.

use std::collections::BTreeSet;
use std::fmt::Write;

use anstyle::Style;
use serde_json::Value;
use transload::{
    Attribute, AttributeChange, ComparedImage, ComparedLayer, Difference, FieldChange, FileChange, FileChanges,
    FileKind, FileStatus, ImageDifference, LayerChange, escape,
};

use crate::cli::page::{BAD, FAINT, GOOD, MIXED, STRONG, cut, paint};
use crate::cli::render::{bytes, count};

/// How much is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) width: usize,
    /// Every file, and every value in full.
    pub(super) all: bool,
}

/// Files that are listed unless all are wanted.
pub(super) const FILES: usize = 100;
/// Changes of one kind in a config that are listed unless all are wanted.
const FIELDS: usize = 40;
/// Bytes of a digest that are enough to tell layers apart: what docker shows.
const DIGITS: usize = 12;

pub(super) fn write(found: &Difference, shown: &[String; 2], view: View) -> String {
    let mut out = String::new();
    for image in &found.images {
        pair(&mut out, image, view);
    }
    for (which, path, images) in [("A", &shown[0], &found.only_a), ("B", &shown[1], &found.only_b)] {
        for image in images {
            let only = paint(BAD, &format!("only in {which}"));
            let _ = writeln!(out, "{only} ({path}): {}", title(image));
        }
    }
    for note in &found.notes {
        say_note(&mut out, "", note);
    }
    let total = found.images.len() + found.only_a.len() + found.only_b.len();
    if total > 1 {
        let same = found.images.iter().filter(|image| image.same).count();
        let different = found.images.len() - same;
        let lonely = [("A", found.only_a.len()), ("B", found.only_b.len())];
        let lonely: String =
            lonely.iter().filter(|(_, n)| *n > 0).map(|(which, n)| format!(", {n} only in {which}")).collect();
        let _ = writeln!(out, "{}: {same} the same, {different} different{lonely}", count(total, "image"));
    }
    out
}

fn pair(out: &mut String, image: &ImageDifference, view: View) {
    let (a, b) = (title(&image.a), title(&image.b));
    let titles = if a == b { a } else { format!("{a} and {b}") };
    if image.same {
        let id = image.a.image_id.filter(|_| image.a.image_id == image.b.image_id);
        let id = id.map_or_else(String::new, |id| paint(FAINT, &format!(", image ID {id}")));
        let _ = writeln!(out, "{}: {titles}{id}", paint(GOOD, "same image"));
    } else {
        let _ = writeln!(out, "{}: {titles}", paint(BAD, "different images"));
    }
    if let (Some(a), Some(b)) = (image.a.image_id, image.b.image_id)
        && a != b
    {
        line(out, "image ID", &arrow(&short(&a.to_string()), &short(&b.to_string())));
    }
    if let Some(names) = &image.names {
        let list = |names: &[String]| names.iter().map(|name| escape(name)).collect::<Vec<_>>().join(", ");
        let only = |which, names: &[String]| (!names.is_empty()).then(|| format!("only in {which}: {}", list(names)));
        let both = [only("A", &names.a), only("B", &names.b)].into_iter().flatten().collect::<Vec<_>>();
        line(out, "names", &both.join("; "));
    }
    if let Some(platforms) = &image.platforms {
        let text = |platform: &Option<String>| platform.as_deref().map_or("(none)".to_owned(), escape);
        line(out, "platform", &arrow(&text(&platforms.a), &text(&platforms.b)));
    }
    let (history, others): (Vec<_>, Vec<_>) =
        image.config.iter().partition(|change| !view.all && change.path.starts_with("history["));
    fields(out, "config", &others, view);
    if !history.is_empty() {
        // The other changes of an image show in its history, too.
        let entry = |change: &FieldChange| change.path.split(']').next().unwrap_or_default().to_owned();
        let entries: BTreeSet<_> = history.into_iter().map(entry).collect();
        let verb = if entries.len() == 1 { "differs" } else { "differ" };
        let entries = format!("{} {verb} (--all lists them)", entries_of(entries.len()));
        line(out, "config", &format!("history: {entries}"));
    }
    fields(out, "annotation", &image.annotations.iter().collect::<Vec<_>>(), view);
    for change in &image.layers {
        layer(out, change);
    }
    if let Some(changes) = &image.files {
        files(out, changes, view);
    }
    for note in &image.notes {
        say_note(out, "  ", note);
    }
}

fn title(image: &ComparedImage) -> String {
    let names: Vec<_> = image.names.iter().map(|name| escape(name)).collect();
    let names = if names.is_empty() { format!("@{}", image.position) } else { names.join(", ") };
    let platform = image.platform.as_ref().map(|platform| format!(" ({})", escape(platform))).unwrap_or_default();
    paint(STRONG, &names) + &platform
}

fn line(out: &mut String, what: &str, text: &str) {
    let _ = writeln!(out, "  {}: {text}", paint(STRONG, what));
}

fn say_note(out: &mut String, indent: &str, note: &str) {
    let _ = writeln!(out, "{indent}{}", paint(FAINT, &format!("note: {}", escape(note))));
}

fn arrow(a: &str, b: &str) -> String {
    format!("{a} → {b}")
}

fn entries_of(n: usize) -> String {
    if n == 1 { "1 entry".to_owned() } else { format!("{n} entries") }
}

fn fields(out: &mut String, what: &str, changes: &[&FieldChange], view: View) {
    let listed = if view.all { changes.len() } else { FIELDS };
    for FieldChange { path, a, b, .. } in changes.iter().take(listed) {
        // The config in the config is what all look for.
        let path = escape(path.strip_prefix("config.").unwrap_or(path));
        let room =
            if view.all { usize::MAX } else { view.width.saturating_sub(path.len() + what.len() + 10).max(40) / 2 };
        let value = |value: &Option<Value>| match value {
            Some(value) => cut(&escape(&value.to_string()), room),
            None => "(none)".to_owned(),
        };
        line(out, what, &format!("{path}: {}", arrow(&value(a), &value(b))));
    }
    more(out, "  ", changes.len().saturating_sub(listed));
}

fn more(out: &mut String, indent: &str, count: usize) {
    if count > 0 {
        let _ = writeln!(out, "{indent}{}", paint(FAINT, &format!("and {count} more (--all lists them)")));
    }
}

fn layer(out: &mut String, change: &LayerChange) {
    let text = |layer: &ComparedLayer| {
        let digest = layer.diff_id.map(|id| id.to_string()).or(layer.digest.map(|digest| digest.to_string()));
        let digest = digest.map_or("unknown".to_owned(), |digest| short(&digest));
        layer.size.map_or(digest.clone(), |size| format!("{digest} ({})", bytes(size)))
    };
    match (&change.a, &change.b) {
        (Some(a), Some(b)) if a.number == b.number => {
            line(out, &format!("layer {}", a.number), &arrow(&text(a), &text(b)));
        }
        (Some(a), Some(b)) => {
            line(out, &format!("layer {} → {}", a.number, b.number), &arrow(&text(a), &text(b)));
        }
        (Some(a), None) => line(out, &format!("layer {}", a.number), &format!("only in A: {}", text(a))),
        (None, Some(b)) => line(out, &format!("layer {}", b.number), &format!("only in B: {}", text(b))),
        (None, None) => {}
    }
}

fn short(digest: &str) -> String {
    digest.split_once(':').map_or(digest, |(_, hex)| hex).chars().take(DIGITS).collect()
}

fn files(out: &mut String, changes: &FileChanges, view: View) {
    if changes.is_empty() {
        return line(out, "files", "the same");
    }
    let FileChanges { added, removed, changed, list, only_mtime, unlisted, .. } = changes;
    line(out, "files", &format!("{added} added, {removed} removed, {changed} changed"));
    for file in list {
        entry(out, file, view);
    }
    more(out, "    ", *unlisted);
    if *only_mtime > 0 {
        let verb = if *only_mtime == 1 { "differs" } else { "differ" };
        let text = format!("{only_mtime} {verb} in nothing but the time (--all lists them)");
        let _ = writeln!(out, "    {}", paint(FAINT, &text));
    }
}

fn entry(out: &mut String, file: &FileChange, view: View) {
    let (mark, style): (_, Style) = match file.status {
        FileStatus::Added => ("A", GOOD),
        FileStatus::Removed => ("D", BAD),
        FileStatus::Changed => ("M", MIXED),
    };
    let mut details: Vec<String> = file.differences.iter().map(|change| attribute(change, view)).collect();
    if file.status != FileStatus::Changed {
        match file.kind {
            FileKind::File => details.extend(file.size.map(bytes)),
            FileKind::Directory => {}
            other => details.push(other.to_string()),
        }
    }
    details.extend((file.inside > 0).then(|| format!("and {} in it", file.inside)));
    let slash = if file.kind == FileKind::Directory && file.path != "/" { "/" } else { "" };
    // Names are from the root, as in a tar.
    let path = if file.path == "/" { "/".to_owned() } else { escape(file.path.trim_start_matches('/')) };
    let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
    let _ = writeln!(out, "    {} {path}{slash}{}", paint(style, mark), paint(FAINT, &details));
}

fn attribute(change: &AttributeChange, view: View) -> String {
    let room = if view.all { usize::MAX } else { 60 };
    let value = |text: &str| if text.is_empty() { "(none)".to_owned() } else { cut(&escape(text), room) };
    let values = || format!("{} {}", change.what.name(), arrow(&value(&change.a), &value(&change.b)));
    match change.what {
        Attribute::Content | Attribute::Mtime if !view.all => change.what.name().to_owned(),
        Attribute::Links => {
            let text = |of: &str| if of.is_empty() { "alone".to_owned() } else { format!("with {}", escape(of)) };
            format!("links {}", arrow(&text(&change.a), &text(&change.b)))
        }
        _ => values(),
    }
}
