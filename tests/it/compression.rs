//! Which layers are stored how: never compressed again without need, and as asked when asked.

use serde_json::Value;

use crate::support::found::{self, FoundLayer};
use crate::support::image::noise;
use crate::support::tally::{self, tally};
use crate::support::{Codec, Image, Layout, Sandbox, Style, Tree, docker, file, image};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Docker,
    Oci,
}

const SOURCES: [Codec; 7] =
    [Codec::Plain, Codec::Gzip, Codec::GzipMembers, Codec::Zstd, Codec::ZstdFrames, Codec::Bzip2, Codec::Xz];

#[derive(Debug)]
struct Cell {
    from: Family,
    stored: Codec,
    to: &'static str,
    asked: Option<&'static str>,
}

impl tally::Row for Cell {
    fn group(&self) -> String {
        format!("to {}", self.to)
    }
    fn name(&self) -> String {
        format!("{self:?}")
    }
}

impl Cell {
    /// What the layers are stored as in the output; `None` where the target has no word for them.
    fn expected(&self) -> Option<&'static str> {
        let now = self.stored.name();
        let rare = matches!(now, "bzip2" | "xz");
        match (self.asked, self.to) {
            (Some("keep"), to) if rare && self.from == Family::Docker && !to.starts_with("docker") => None,
            (Some("keep"), _) => Some(now),
            (Some(asked), _) => Some(asked),
            (None, "docker-archive" | "docker-dir") => Some("none"),
            // What docker 20.10 cannot read becomes gzip.
            (None, "hybrid-archive") => Some(if rare || now == "zstd" { "gzip" } else { now }),
            // A manifest is kept with its layers.
            (None, _) if self.from == Family::Oci => Some(now),
            (None, _) => Some(if rare || now == "none" { "gzip" } else { now }),
        }
    }
}

fn stored(codec: Codec) -> Image {
    image()
        .layer(file("etc/a", "some text"))
        .layer(noise(7, 20_000))
        .layer(file("b", &"repeated ".repeat(2000)))
        .tag("docker.io/demo/app:1")
        .codec(codec)
}

fn tree(from: Family, image: &Image) -> Tree {
    match from {
        Family::Docker => docker(std::slice::from_ref(image), Style::Plain),
        Family::Oci => Layout::new().named(image, "docker.io/demo/app:1").tree(),
    }
}

#[test]
fn layers_are_stored_as_the_target_or_the_user_wants() {
    let mut cells = Vec::new();
    for from in [Family::Docker, Family::Oci] {
        for stored in SOURCES {
            for to in ["docker-archive", "docker-dir", "oci-archive", "oci-dir", "hybrid-archive"] {
                for asked in [None, Some("keep"), Some("none"), Some("gzip"), Some("zstd")] {
                    cells.push(Cell { from, stored, to, asked });
                }
            }
        }
    }
    tally("compression", &cells, check);
}

fn check(cell: &Cell) {
    let source = stored(cell.stored);
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &tree(cell.from, &source));
    let out = sandbox.path("out");
    let mut call = sandbox.convert(cell.to, input, &out).args(["--json"]);
    if let Some(asked) = cell.asked {
        call = call.args(["--compression", asked]);
    }
    let Some(expected) = cell.expected() else {
        let message = call.fails(4);
        assert!(message.contains(cell.stored.name()), "{message}");
        return;
    };
    let run = call.ok();
    let view = found::output(&out, cell.to);
    let [image] = &view.images[..] else { panic!("one image: {:?}", view.images) };
    assert_eq!((image.id(), image.diff_ids()), (source.id(), source.diff_ids()));
    let reported = run.json()["images"][0]["layers"].as_array().expect("layers").clone();
    for ((layer, original), report) in image.layers.iter().zip(&source.layers).zip(&reported) {
        assert_eq!(layer.codec.name(), expected, "{}", layer.path);
        assert_honest(cell.to, layer);
        if expected == cell.stored.name() {
            let untouched = crate::support::sha256(&original.blob());
            assert_eq!(layer.digest, untouched, "{} was compressed again without need", layer.path);
        }
        assert_eq!(report["digest"], layer.digest.as_str());
        assert_eq!(report["diff_id"], layer.diff_id.as_str());
        assert_eq!(report["size"], layer.size);
        assert_eq!(report["compression"], expected);
        assert_eq!(report["action"], action(cell.stored.name(), expected));
    }
    assert_eq!(reported.len(), source.layers.len());
}

fn action(now: &str, then: &str) -> &'static str {
    match (now, then) {
        _ if now == then => "copy",
        ("none", _) => "compress",
        (_, "none") => "decompress",
        _ => "recompress",
    }
}

/// The media type says what the bytes are, where a media type is there to say it.
fn assert_honest(to: &str, layer: &FoundLayer) {
    if to.starts_with("docker") {
        return;
    }
    let suffix = match layer.codec.name() {
        "none" => "layer.v1.tar".to_owned(),
        name => format!("layer.v1.tar+{name}"),
    };
    assert!(layer.media_type.ends_with(&suffix), "{} for {:?}", layer.media_type, layer.codec);
}

/// One layer in two images is compressed once and stored once.
#[test]
fn a_shared_layer_is_stored_once() {
    let shared = noise(3, 30_000);
    let images = [
        image().layer(shared.clone()).layer(file("a", "x")).tag("a:1"),
        image().layer(shared.clone()).layer(shared).tag("b:1"),
    ];
    for style in [Style::Classic, Style::Plain] {
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &docker(&images, style));
        for to in ["oci-archive", "docker-archive", "hybrid-archive"] {
            let out = sandbox.path(to);
            sandbox.convert(to, &input, &out).ok();
            let large = Tree::read(&out)
                .members
                .iter()
                .filter(|member| matches!(&member.kind, crate::support::Kind::File(bytes) if bytes.len() > 20_000))
                .count();
            assert_eq!(large, 1, "{style:?} to {to}");
        }
    }
}

/// The size of what is inflated is guessed from gzip's trailer, which tells the size of the last member only.
#[test]
fn a_wrong_guess_of_a_size_changes_nothing() {
    let text = |name, lines: usize| file(name, &"the same line again and again\n".repeat(lines));
    let layers = |codecs: [Codec; 3]| {
        let layers = [text("a", 5000), text("b", 9000), text("c", 700)];
        layers.into_iter().zip(codecs).fold(image(), |image, (layer, codec)| image.layer(layer.codec(codec))).tag("a:1")
    };
    for to in ["docker-archive", "docker-dir"] {
        let bytes = |codecs| {
            let sandbox = Sandbox::new();
            let input =
                sandbox.put_tree("in.tar", &Layout::new().named(&layers(codecs), "docker.io/library/a:1").tree());
            let out = sandbox.path("out");
            sandbox.convert(to, input, &out).ok();
            let tree = Tree::read(&out).tar();
            sandbox.assert_holds(&["in.tar", "out"]);
            tree
        };
        let right = bytes([Codec::Gzip; 3]);
        for at in 0..3 {
            let mut codecs = [Codec::Gzip; 3];
            codecs[at] = Codec::GzipHalves;
            assert_eq!(bytes(codecs), right, "{to} {at}");
        }
        assert_eq!(bytes([Codec::Gzip, Codec::GzipHalves, Codec::Zstd]), right, "{to}, one without a guess");
    }
}

#[test]
fn what_cannot_shrink_is_stored_and_soon_done() {
    let source = image().layer(noise(3, 3 << 20)).layer(file("text", &"words ".repeat(300_000))).tag("a:1");
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker(std::slice::from_ref(&source), Style::Classic));
    for level in ["", "fast", "2", "9"] {
        let out = sandbox.path(&format!("out{level}"));
        let args = ["--compression-level", level];
        let args = if level.is_empty() { &[][..] } else { &args };
        sandbox.convert("oci-archive", &input, &out).args(args).ok();
        let view = found::output(&out, "oci-archive");
        assert_eq!(view.images[0].diff_ids(), source.diff_ids());
        let sizes: Vec<_> = view.images[0].layers.iter().map(|layer| layer.size).collect();
        assert!((3 << 20..(3 << 20) + 4096).contains(&sizes[0]), "{level}: {sizes:?}");
        assert!(sizes[1] < 100_000, "{level}: {sizes:?}");
    }
}

#[test]
fn levels_change_the_size_and_nothing_else() {
    let text: String = (0..40_000u32).map(|n| format!("{} ", n.wrapping_mul(2_654_435_761) % 977)).collect();
    let source = image().layer(file("text", &text)).tag("a:1");
    for (compression, low, high) in
        [("gzip", "1", "9"), ("zstd", "1", "19"), ("gzip", "fast", "2"), ("zstd", "fast", "19")]
    {
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &docker(std::slice::from_ref(&source), Style::Classic));
        let sizes = [low, high].map(|level| {
            let out = sandbox.path(level);
            let args = ["--compression", compression, "--compression-level", level];
            sandbox.convert("oci-archive", &input, &out).args(args).args(["--force"]).ok();
            let view = found::output(&out, "oci-archive");
            assert_eq!(view.images[0].diff_ids(), source.diff_ids());
            view.images[0].layers[0].size
        });
        assert!(sizes[0] > sizes[1], "{compression}: {sizes:?}");
        for level in ["-100", "100", "slow"] {
            let args = [format!("--compression={compression}"), format!("--compression-level={level}")];
            let run = sandbox.convert("oci-archive", &input, sandbox.path("x")).args(args).run();
            assert_eq!(run.code, 2, "{run}");
        }
    }
}

/// Notes on the inside of a blob do not outlive the blob.
#[test]
fn annotations_about_the_stream_go_when_the_stream_changes() {
    let toc = "containerd.io/snapshot/stargz/toc.digest";
    let layer =
        file("a", "x").codec(Codec::GzipMembers).annotations(serde_json::json!({toc: "sha256:00", "kept": "1"}));
    let source = image().layer(layer).tag("a:1");
    let tree = Layout::new().named(&source, "docker.io/library/a:1").tree();
    for (asked, there) in [("keep", true), ("none", false), ("zstd", false)] {
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &tree);
        let out = sandbox.path("out");
        sandbox.convert("oci-archive", input, &out).args(["--compression", asked]).ok();
        let output = Tree::read(&out);
        let view = found::output(&out, "oci-archive");
        let digest = view.images[0].manifest_digest.clone().expect("a manifest");
        let manifest = output.json(&crate::support::layout::blob_path(&digest));
        let annotations = &manifest["layers"][0]["annotations"];
        assert_eq!(annotations[toc].is_string(), there, "{asked}: {annotations}");
        assert_eq!(annotations["kept"], "1", "{asked}");
    }
}

#[test]
fn a_level_needs_something_to_compress() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &tree(Family::Docker, &stored(Codec::Plain)));
    for (to, args) in [
        ("oci-archive", &["--compression", "none"][..]),
        ("oci-archive", &["--compression", "keep"]),
        ("docker-archive", &[]),
        ("docker-dir", &[]),
    ] {
        let run = sandbox.convert(to, &input, sandbox.path("out")).args(args).args(["--compression-level", "5"]).run();
        assert_eq!(run.code, 2, "{run}");
    }
}

/// What vouches for an image is worth nothing when that gets another digest, and as much as before when another does.
#[test]
fn signatures_are_lost_with_what_is_signed() {
    type Add = fn(&mut Layout, Value);
    let signed = image().layer(file("a", "signed"));
    let other = image().layer(file("b", "other"));
    let ways: [(&str, Add); 4] = [
        ("signature", |layout, image| {
            let signature = layout.referrer(&image);
            [image, signature].into_iter().for_each(|descriptor| layout.root(descriptor, Value::Null));
        }),
        ("signature of a signature", |layout, image| {
            let signature = layout.referrer(&image);
            let second = layout.referrer(&signature);
            [second, signature, image].into_iter().for_each(|descriptor| layout.root(descriptor, Value::Null));
        }),
        ("signature of an index", |layout, image| {
            let index = layout.index(&[image]);
            let signature = layout.referrer(&index);
            [index, signature].into_iter().for_each(|descriptor| layout.root(descriptor, Value::Null));
        }),
        ("attestation", |layout, image| {
            let attestation = layout.attestation(&image);
            let index = layout.index(&[image, attestation]);
            layout.root(index, Value::Null);
        }),
    ];
    for (way, add) in ways {
        for (of_signed, of_other, lost) in [
            (Codec::Gzip, Codec::Gzip, false),
            (Codec::Gzip, Codec::Plain, false),
            (Codec::Plain, Codec::Gzip, true),
            (Codec::Plain, Codec::Plain, true),
        ] {
            let sandbox = Sandbox::new();
            let mut layout = Layout::new().unnamed(&other.clone().codec(of_other));
            let descriptor = layout.image(&signed.clone().codec(of_signed));
            add(&mut layout, descriptor);
            let input = sandbox.put_tree("in.tar", &layout.tree());
            let convert = sandbox.convert("oci-archive", input, sandbox.path("out"));
            let run = convert.args(["--compression", "gzip", "--strict"]).run();
            assert_eq!(run.code, if lost { 4 } else { 0 }, "{way} {of_signed:?} {of_other:?}: {run}");
            assert_eq!(run.stderr.contains("signatures and attestations"), lost, "{way}: {run}");
        }
    }
}
