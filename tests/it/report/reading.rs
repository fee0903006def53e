//! What is read for a report, what becomes of layers that cannot be read, and of trees that are too large.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Mutex;

use transload::{Context, Event, Observer, UsageOptions};

use super::{page, usage};
use crate::support::image::noise;
use crate::support::{Codec, Image, Kind, Layer, Layout, Sandbox, Style, Tree, docker, file, image};

#[derive(Default)]
struct Log(Mutex<Vec<Event>>);

impl Observer for Log {
    fn on(&self, event: &Event) {
        self.0.lock().expect("no observer panics").push(event.clone());
    }
}

/// Images that share two layers and have one of their own each.
fn sharing() -> Vec<Image> {
    let base = image().layer(noise(1, 50_000)).layer(file("etc/b", "b").codec(Codec::Plain));
    (0..20).map(|n| base.clone().layer(file("own", &format!("own {n}"))).tag(&format!("demo/app:{n}"))).collect()
}

#[test]
fn each_layer_is_read_once_however_many_images_have_it() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker(&sharing(), Style::Skopeo));
    let mut answers = Vec::new();
    for threads in [1, 4] {
        let log = Log::default();
        let mut cx = Context::default();
        cx.observer = &log;
        cx.threads = NonZeroUsize::new(threads).expect("a thread");
        let told = usage(&input, &UsageOptions::default(), &cx);
        assert_eq!(told.iter().map(|usage| usage.number).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
        assert!(told.iter().all(|usage| usage.problems.is_empty() && usage.files.is_some()));
        answers.push(told);
        let (mut started, mut planned, mut read) = (BTreeMap::<String, usize>::new(), 0, 0);
        for event in log.0.into_inner().expect("no observer panics") {
            match event {
                Event::Started { origin, .. } => *started.entry(origin).or_default() += 1,
                Event::Planned { bytes } => planned += bytes,
                Event::Read { bytes, .. } => read += bytes,
                _ => {}
            }
        }
        assert_eq!((started.len(), started.values().sum::<usize>()), (22, 22), "{started:?}");
        assert_eq!(planned, read);
    }
    assert_eq!(answers[0], answers[1], "threads change nothing");
}

/// A tree that is too large is said to be, with the option that helps; the rest of the page is there.
#[test]
fn a_tree_beyond_the_limit_is_left_out_and_that_is_said() {
    let sandbox = Sandbox::new();
    let many = (0..200).fold(Tree::default(), |tree, n| tree.with_file(format!("many/{n}"), format!("{n}")));
    let large = image().layer(Layer::from_tar(many.tar())).tag("demo/large:1");
    let small = image().layer(file("etc/small", "small")).tag("demo/small:1");
    sandbox.put_tree("in.tar", &docker(&[large, small], Style::Plain));
    for (limit, large) in [("1000", false), ("10000", false), ("1000000", true)] {
        let mut pages = Vec::new();
        for threads in ["1", "4"] {
            let limit = format!("file-list-bytes={limit}");
            let (page, html, run) = page(&sandbox, "in.tar", &["--limit", &limit, "--threads", threads]);
            assert_eq!(
                run.stderr.contains("warning: image 1: the files cannot be told of: too many files"),
                !large,
                "{run}"
            );
            let told = page.texts.iter().filter(|text| text.contains("--limit file-list-bytes=N")).count();
            assert_eq!(told, usize::from(!large), "{html}");
            assert!(
                page.says("What takes the space") && page.texts.iter().any(|text| text.contains("small")),
                "{html}"
            );
            assert!(html.contains("id=\"image-2-space\"") && html.contains("id=\"image-1-config\""));
            assert_eq!(html.contains("id=\"image-1-space\""), large);
            pages.push(html);
        }
        assert!(pages[0] == pages[1], "threads change the page");
    }
}

/// Images that fit into the limit one by one are all told of, as they are with all the memory that they want.
#[test]
fn images_that_do_not_fit_together_are_told_of_one_by_one() {
    let sandbox = Sandbox::new();
    let tree =
        |name: &str| (0..100).fold(Tree::default(), |tree, n| tree.with_file(format!("{name}/{n}"), format!("{n}")));
    let shared = Layer::from_tar(tree("shared").tar());
    let image =
        |name: &str| image().layer(shared.clone()).layer(Layer::from_tar(tree(name).tar())).tag(&format!("d/{name}:1"));
    let images: Vec<Image> = ["a", "b", "c", "d"].into_iter().map(image).collect();
    let input = sandbox.put_tree("in.tar", &docker(&images, Style::Skopeo));
    let told = |limit| {
        let mut cx = Context::default();
        cx.limits.file_list_bytes = limit;
        usage(&input, &UsageOptions::default(), &cx)
    };
    let all = told(48 << 20);
    assert!(all.iter().all(|usage| usage.files.is_some()));
    assert_eq!(told(60_000), all);
}

/// Layers that are not there, not what is claimed or no tar do not keep the rest from being told.
#[test]
fn layers_that_cannot_be_read_are_told_of() {
    let good = file("etc/a", "one").codec(Codec::Gzip);
    let app = image().layer(good).layer(file("etc/b", "two"));
    let (sandbox, mut layout) = (Sandbox::new(), Layout::new());
    let manifest = layout.manifest_of(&app);
    layout.forget(&manifest["layers"][1]);
    let manifest = layout.manifest(&manifest);
    layout.root(manifest, serde_json::json!({"org.opencontainers.image.ref.name": "v1"}));
    sandbox.put_tree("missing.tar", &layout.tree());
    let noise = Layer::from_tar(vec![7; 3000]);
    sandbox.put_tree("noise.tar", &docker(&[image().layer(file("a", "x")).layer(noise).tag("a:1")], Style::Plain));
    let mut bent = docker(&[image().layer(file("a", "x")).tag("a:1")], Style::Plain);
    for member in bent.members.iter_mut().filter(|member| member.name.ends_with(".tar")) {
        if let Kind::File(bytes) = &mut member.kind {
            // The file's contents: still a tar, but not the one that the config names.
            bytes[512] = b'y';
        }
    }
    sandbox.put_tree("bent.tar", &bent);
    for (input, says) in [
        ("missing.tar", "layer 2: not in the archive"),
        ("noise.tar", "layer 2: byte 0: not a tar"),
        ("bent.tar", "layer 1: diff_id mismatch"),
    ] {
        let (page, html, run) = page(&sandbox, input, &[]);
        assert!(run.stderr.contains(&format!("warning: {says}")), "{run}");
        assert!(page.texts.iter().any(|text| text.starts_with(says)), "{input}: {html}");
        assert!(html.contains("id=\"image-1-config\""), "{input}");
        assert_eq!(html.contains("id=\"image-1-space\""), input == "bent.tar");
    }
}
