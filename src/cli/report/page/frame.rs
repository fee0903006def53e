//! The page: what stands around the images. It is written piece by piece, so that it need not be in memory.

use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use transload::{ImageUsage, InspectedImage, Inspection, Prediction};

use super::text::{first, shown};
use super::{engines, image, overview};
use crate::cli::render::bytes;

const STYLE: &str = include_str!("style.css");
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Nothing is loaded and nothing runs, whatever a text of the archive should manage to be.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// What is known before any layer is read.
pub(super) struct Page<'a> {
    /// The archive as it was typed.
    pub(super) path: &'a Path,
    /// Its size, if it is a file.
    pub(super) size: Option<u64>,
    pub(super) found: &'a Inspection,
    pub(super) loads: &'a [Prediction],
}

impl Page<'_> {
    /// Returns the page as far as the first image.
    pub(super) fn start(&self) -> String {
        let name = self.name();
        let start = html! {
            (DOCTYPE)
            (PreEscaped("<html lang=\"en\">"))
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "transload " (VERSION) };
                title { (name) " – image report" }
                style { (PreEscaped(STYLE)) }
            }
            (PreEscaped("<body>"))
            a class="skip" href="#main" { "Skip to the content" }
            header class="top" {
                p class="kicker" { "Container image report" }
                h1 { (name) }
                p class="about" { (self.about()) }
                p class="about" { a href="#engines" { (engines::summary(self.loads)) } }
                (self.contents())
            }
            (PreEscaped("<main id=\"main\">"))
            (overview::section(self.found))
        };
        start.into_string()
    }

    /// Returns an image's part of the page.
    pub(super) fn image(&self, usage: &ImageUsage) -> String {
        let found = self.found.images.get(usage.number - 1);
        found.map(|found| image::section(self.found, found, usage).into_string()).unwrap_or_default()
    }

    /// Returns what comes behind the images.
    pub(super) fn end(&self) -> String {
        let end = html! {
            (engines::section(self.loads, self.path))
            (overview::beside(self.found))
            (PreEscaped("</main>"))
            footer { p { "Made by transload " (VERSION) ". This page has no scripts and loads nothing." } }
            (PreEscaped("</body></html>"))
        };
        end.into_string() + "\n"
    }

    /// Returns the archive's name, without the folders that it is in.
    fn name(&self) -> String {
        match self.path.to_str() {
            Some("-") => "standard input".to_owned(),
            _ => shown(&self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy()),
        }
    }

    fn about(&self) -> String {
        let mut parts = vec![self.found.format.to_string()];
        parts.extend(self.size.map(bytes));
        let producer = self.found.producer.map(|producer| format!("as written by {producer}"));
        parts.extend(producer.or(self.found.era.map(str::to_owned)));
        parts.join(" · ")
    }

    fn contents(&self) -> Markup {
        let (images, more) = first(&self.found.images);
        let beside = overview::has_beside(self.found);
        html! {
            nav aria-label="Contents" {
                ul {
                    @if overview::has_section(self.found) { li { a href="#overview" { "Overview" } } }
                    @for image in images {
                        li { a href={ "#" (anchor(image)) } { (short_title(image)) } }
                    }
                    @if more > 0 { li { "and " (more) " more images" } }
                    li { a href="#engines" { "Engines" } }
                    @if beside { li { a href="#beside" { "Beside the images" } } }
                }
            }
        }
    }
}

/// Returns the name of an image's section in links.
pub(super) fn anchor(image: &InspectedImage) -> String {
    format!("image-{}", image.number)
}

/// Returns an image's first name, or what else it is called.
pub(super) fn title(image: &InspectedImage) -> String {
    let name = image.names.first().map_or_else(|| format!("Image {} (no name)", image.number), |name| shown(name));
    name.to_string()
}

/// Returns an image's first name without the registry, and its platform.
pub(super) fn short_title(image: &InspectedImage) -> String {
    let title = title(image);
    let short = title.rsplit('/').next().unwrap_or(&title).to_owned();
    match &image.platform {
        Some(platform) => format!("{short} ({})", shown(platform)),
        None => short,
    }
}
