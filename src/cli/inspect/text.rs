//! An inspection for people.

use std::collections::HashMap;
use std::fmt::Write;

use transload::{Companion, Digest, InspectedImage, InspectedLayer, Inspection, SharedLayer, escape};

use crate::cli::page::{BAD, FAINT, STRONG, Table, cut, one_line, paint};
use crate::cli::render::{bytes, count};

/// How much is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// Columns of the text.
    pub(super) width: usize,
    /// Nothing is shortened.
    pub(super) full: bool,
}

/// Columns of the words on the left.
const LABEL: usize = 13;
/// Lines of one label, before the rest is only counted.
const LINES: usize = 12;
/// Digits of a digest, as docker shows them.
const DIGITS: usize = 12;
/// Images that a shared layer is said to be in, before the rest is only counted.
const SHARED: usize = 6;

impl View {
    /// Writes a digest, short unless nothing is to be shortened.
    pub(super) fn digest(self, digest: impl ToString) -> String {
        let text = digest.to_string();
        match text.split_once(':') {
            Some((_, hex)) if !self.full => hex.chars().take(DIGITS).collect(),
            _ => text,
        }
    }

    fn cut(self, text: &str, columns: usize) -> String {
        if self.full { text.to_owned() } else { cut(text, columns) }
    }
}

/// Says what the archive is.
pub(super) fn head(place: &str, size: Option<u64>, found: &Inspection) -> String {
    let era = found.era.map(|era| format!(", {era}")).unwrap_or_default();
    let size = size.map(|size| format!(", {}", bytes(size))).unwrap_or_default();
    let mut out = format!("{}: {}{era}{size}\n", paint(STRONG, place), found.format);
    if let Some(producer) = found.producer.filter(|producer| found.era != Some(producer)) {
        let _ = writeln!(out, "{}", paint(FAINT, &format!("As written by {producer}")));
    }
    out
}

/// Layers that several images have.
pub(super) type Shared<'f> = HashMap<Digest, &'f SharedLayer>;

/// Tells of one image.
pub(super) fn image(image: &InspectedImage, of: usize, shared: &Shared<'_>, view: View) -> String {
    let mut rows = Rows { out: String::new(), view };
    rows.title(image, of);
    let built = image.built_with.as_ref().map(|tool| format!(", built with {tool}")).unwrap_or_default();
    if let Some(created) = &image.created {
        let created = if view.full { created.clone() } else { to_the_second(created) };
        rows.one("created", &format!("{created}{built}"));
    }
    rows.text("author", image.author.as_deref());
    rows.text("OS version", image.os_version.as_deref());
    rows.ids(image);
    rows.settings(image);
    if let Some(annotations) = image.annotations().as_object() {
        let pair = |(key, value): (&String, &serde_json::Value)| pair(key, value.as_str().unwrap_or_default());
        rows.many("annotations", &annotations.iter().map(pair).collect::<Vec<_>>());
    }
    for missing in &image.missing {
        let _ = writeln!(rows.out, "  {}{}", label("missing"), paint(BAD, &escape(missing)));
    }
    rows.layers(image, shared);
    if !image.companions.is_empty() {
        let _ = writeln!(rows.out, "\n  With it:");
        rows.companions(&image.companions, false);
    }
    rows.out
}

/// Tells what there is beside images.
pub(super) fn tail(found: &Inspection, view: View) -> String {
    let mut rows = Rows { out: String::new(), view };
    if !found.others.is_empty() {
        let _ = writeln!(rows.out, "\n{}", paint(STRONG, "Not images"));
        rows.companions(&found.others, true);
    }
    if !found.missing.is_empty() {
        let _ = writeln!(rows.out, "\n{}", paint(STRONG, "Named, but not in it"));
        for missing in &found.missing {
            let _ = writeln!(rows.out, "  {}", paint(BAD, &escape(missing)));
        }
    }
    let warnings: Vec<_> = found.warnings.iter().map(|warning| escape(warning)).collect();
    if !warnings.is_empty() {
        let _ = writeln!(rows.out, "\n{}", paint(STRONG, "Warnings"));
        for warning in &warnings {
            let _ = writeln!(rows.out, "  {warning}");
        }
    }
    rows.out
}

fn label(word: &str) -> String {
    paint(FAINT, &format!("{word:<LABEL$}"))
}

fn pair(key: &str, value: &str) -> String {
    format!("{key}={value}")
}

/// Writes words as a Dockerfile has them in brackets.
pub(in crate::cli) fn words(words: &[String]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| serde_json::Value::from(word.as_str()).to_string()).collect();
    format!("[{}]", quoted.join(", "))
}

/// Writes a line of the history without docker's marks for what is no command, and with short digests.
pub(in crate::cli) fn short_command(text: &str) -> String {
    let text = one_line(text);
    let text = text.split_once(" #(nop) ").map_or(text.as_str(), |(_, command)| command);
    short_digests(text.strip_suffix(" # buildkit").unwrap_or(text))
}

/// Leaves the fraction of a second out of a time (RFC 3339).
pub(in crate::cli) fn to_the_second(time: &str) -> String {
    match time.split_once('.') {
        Some((clock, rest)) => format!("{clock}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit())),
        None => time.to_owned(),
    }
}

/// Shortens what looks like a digest, as docker's classic builder puts them into its commands.
fn short_digests(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let run = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        let (hex, after) = rest.split_at(run);
        out.push_str(if run == 64 { &hex[..DIGITS] } else { hex });
        let next = after.find(|c: char| c.is_ascii_hexdigit()).unwrap_or(after.len());
        out.push_str(&after[..next]);
        rest = &after[next..];
    }
    out
}

struct Rows {
    out: String,
    view: View,
}

impl Rows {
    fn title(&mut self, image: &InspectedImage, of: usize) {
        let number = if of > 1 { format!("Image {} of {of}: ", image.number) } else { "Image: ".to_owned() };
        let platform = image.platform.as_ref().map(|platform| format!(" ({})", escape(platform))).unwrap_or_default();
        let first = image.names.first().map_or(format!("no name, @{}", image.position), |name| escape(name));
        let _ = writeln!(self.out, "\n{}{platform}", paint(STRONG, &format!("{number}{first}")));
        let others = image.names.get(1..).unwrap_or_default();
        self.many("also named", others);
    }

    /// Writes a label and text of the archive.
    fn one(&mut self, word: &str, text: &str) {
        let text = self.view.cut(&escape(text), self.view.width.saturating_sub(LABEL + 2));
        let _ = writeln!(self.out, "  {}{text}", label(word));
    }

    fn text(&mut self, word: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.one(word, text);
        }
    }

    /// Writes one line for each; a number of them unless nothing is to be shortened.
    fn many(&mut self, word: &str, lines: &[String]) {
        let keep = if self.view.full || lines.len() <= LINES + 1 { lines.len() } else { LINES };
        for (i, line) in lines.iter().take(keep).enumerate() {
            self.one(if i == 0 { word } else { "" }, line);
        }
        if keep < lines.len() {
            let more = format!("and {} more, all with --no-trunc", lines.len() - keep);
            let _ = writeln!(self.out, "  {}{}", label(""), paint(FAINT, &more));
        }
    }

    fn ids(&mut self, image: &InspectedImage) {
        let ids = [
            ("image ID", image.image_id.map(|id| id.to_string()), "shown by podman and docker's classic store"),
            ("manifest", image.manifest_digest.map(|digest| digest.to_string()), CONTAINERD),
            ("index", image.index_digest.map(|digest| digest.to_string()), CONTAINERD),
        ];
        // Of manifest and index the engines show what the name stands for.
        let named = if image.index_digest.is_some() { "index" } else { "manifest" };
        for (word, digest, who) in ids {
            let Some(digest) = digest else { continue };
            let who = if word == "image ID" || word == named { who } else { "" };
            let digest = self.view.digest(digest);
            let line = format!("  {}{digest}  {}", label(word), paint(FAINT, who));
            let _ = writeln!(self.out, "{}", line.trim_end());
        }
        if image.image_id.is_none() && image.missing.is_empty() {
            let _ = writeln!(self.out, "  {}made when its layers are read: there is no config", label("image ID"));
        }
    }

    fn settings(&mut self, image: &InspectedImage) {
        let settings = image.settings();
        let list = |list: &[String]| (!list.is_empty()).then(|| words(list));
        self.text("entrypoint", list(&settings.entrypoint).as_deref());
        self.text("cmd", list(&settings.cmd).as_deref());
        self.text("user", settings.user.as_deref());
        self.text("workdir", settings.workdir.as_deref());
        self.many("env", &settings.env);
        let joined = |list: &[String]| (!list.is_empty()).then(|| list.join(", "));
        self.text("ports", joined(&settings.ports).as_deref());
        self.many("volumes", &settings.volumes);
        self.text("healthcheck", settings.healthcheck.as_deref());
        self.text("stop signal", settings.stop_signal.as_deref());
        self.text("shell", list(&settings.shell).as_deref());
        self.many("on build", &settings.on_build);
        self.many("labels", &settings.labels.iter().map(|(key, value)| pair(key, value)).collect::<Vec<_>>());
    }

    fn layers(&mut self, image: &InspectedImage, shared: &Shared<'_>) {
        let plain = image.uncompressed_size.filter(|&size| size != image.size);
        let plain = plain.map(|size| format!(", {} uncompressed", bytes(size))).unwrap_or_default();
        let stored = if image.layers.is_empty() { String::new() } else { format!(": {}{plain}", bytes(image.size)) };
        let _ = writeln!(self.out, "\n  {}{stored}", count(image.layers.len(), "layer"));
        let history = image.history();
        let mut table = Table::new(&[">", ">SIZE", ">UNPACKED", "CODEC", "DIGEST", "DIFF ID", "ALSO IN", "CREATED BY"]);
        let packed =
            |layer: &InspectedLayer| layer.uncompressed_size.is_some() && layer.uncompressed_size != layer.size;
        let known = image.layers.iter().any(packed);
        for layer in &image.layers {
            let made = history.iter().find(|line| line.layer == Some(layer.number));
            let made = made.and_then(|line| line.created_by.as_deref()).unwrap_or_default();
            let size = |size: Option<u64>| size.map(bytes).unwrap_or_default();
            table.row(vec![
                layer.number.to_string(),
                size(layer.size),
                if known { layer.uncompressed_size.map_or("?".to_owned(), bytes) } else { String::new() },
                codec(layer),
                layer.digest.map(|digest| self.view.digest(digest)).unwrap_or_default(),
                layer.diff_id.map(|diff_id| self.view.digest(diff_id)).unwrap_or_default(),
                also_in(layer, image, shared),
                self.command(made),
            ]);
        }
        self.out.push_str(&table.lay_out(self.view.width, self.view.full));
        let unknown = image.layers.iter().any(|layer| layer.compression.is_some() && layer.uncompressed_size.is_none());
        let lines = history.len() - history.iter().filter(|line| line.layer.is_some()).count();
        let unfit = !history.is_empty() && !image.layers.is_empty() && lines == history.len();
        let mut notes = Vec::new();
        if unknown {
            notes.push("--sizes reads the layers to tell how large they are unpacked");
        }
        if unfit {
            notes.push("the history does not fit the number of layers");
        }
        for note in notes {
            let _ = writeln!(self.out, "  {}", paint(FAINT, &format!("({note})")));
        }
    }

    fn command(&self, text: &str) -> String {
        if self.view.full { escape(text) } else { short_command(text) }
    }

    fn companions(&mut self, companions: &[Companion], beside: bool) {
        let mut table = Table::new(&["KIND", "DIGEST", ">SIZE", "ABOUT", "WHAT"]);
        for companion in companions {
            let about = companion.subject.filter(|_| beside).map(|subject| self.view.digest(subject));
            table.row(vec![
                companion.kind.name().to_owned(),
                companion.digest.map(|digest| self.view.digest(digest)).unwrap_or_default(),
                bytes(companion.size),
                about.unwrap_or_default(),
                escape(&what(companion)),
            ]);
        }
        self.out.push_str(&table.lay_out(self.view.width, self.view.full));
    }
}

const CONTAINERD: &str = "shown by docker's containerd store (29) and ctr";

/// Says how a layer is stored.
pub(in crate::cli) fn codec(layer: &InspectedLayer) -> String {
    match (layer.present, layer.compression) {
        (false, _) if layer.urls.is_empty() => "missing".to_owned(),
        (false, _) => "elsewhere".to_owned(),
        (true, Some(compression)) => compression.name().to_owned(),
        (true, None) if layer.media_type.as_deref().is_some_and(|text| text.ends_with("+encrypted")) => {
            "encrypted".to_owned()
        }
        (true, None) => "other".to_owned(),
    }
}

fn also_in(layer: &InspectedLayer, image: &InspectedImage, shared: &Shared<'_>) -> String {
    let Some(shared) = layer.identity().and_then(|identity| shared.get(&identity)) else { return String::new() };
    let others: Vec<_> = shared.images.iter().filter(|&&number| number != image.number).collect();
    let shown: Vec<_> = others.iter().take(SHARED).map(ToString::to_string).collect();
    let more = others.len() - shown.len();
    let more = if more > 0 { format!(", +{more}") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// Says what a companion is: its names, what its parts state or which files they are, else its type.
pub(in crate::cli) fn what(companion: &Companion) -> String {
    let mut words: Vec<String> = companion.names.clone();
    let mut told: Vec<&str> = Vec::new();
    for part in &companion.parts {
        let text = part.predicate_type.as_deref().or(part.title.as_deref()).or(part.media_type.as_deref());
        told.extend(text.filter(|text| !told.contains(text)));
    }
    if told.is_empty() || companion.parts.iter().all(|part| part.predicate_type.is_none()) {
        words.extend(Some(companion.artifact_type.clone()).filter(|text| text != companion.kind.name()));
    }
    words.extend(told.into_iter().filter(|text| *text != companion.artifact_type).map(str::to_owned));
    words.extend(companion.missing.iter().map(|missing| format!("missing {missing}")));
    words.join(", ")
}
