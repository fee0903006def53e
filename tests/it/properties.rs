//! Rules that hold for any image: generated ones, with the seed printed when one breaks a rule.

use std::fs;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};
use serde_json::json;

use crate::support::found;
use crate::support::image::noise;
use crate::support::layout::{REF_NAME, with};
use crate::support::{Codec, Image, Layer, Layout, Sandbox, Style, docker, files, image};

fn layers() -> impl Strategy<Value = Layer> {
    let codec = prop_oneof![
        Just(Codec::Plain),
        Just(Codec::Gzip),
        Just(Codec::GzipMembers),
        Just(Codec::Zstd),
        Just(Codec::ZstdFrames),
        Just(Codec::Bzip2),
        Just(Codec::Xz),
    ];
    let content = prop_oneof![
        ("[a-z]{1,8}(/[a-z]{1,8}){0,2}", ".{0,60}").prop_map(|(name, text)| files(&[(&name, &text)])),
        (0..4u64, 1..30_000usize).prop_map(|(seed, len)| noise(seed, len)),
        prop::collection::vec(any::<u8>(), 0..2000).prop_map(Layer::from_tar),
    ];
    (content, codec).prop_map(|(layer, codec)| layer.codec(codec))
}

fn names() -> impl Strategy<Value = String> {
    "((docker\\.io|localhost|reg\\.example:5000)/)?[a-z]{1,5}(/[a-z0-9]{1,5}([._-][a-z0-9]{1,3})?)?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}"
}

/// An image whose plain layers cannot be taken for compressed ones, which they could by their first bytes.
fn images() -> impl Strategy<Value = Image> {
    let platform = prop_oneof![Just("linux/amd64"), Just("linux/arm64/v8"), Just("windows/amd64")];
    (prop::collection::vec(layers(), 0..5), prop::collection::btree_set(names(), 0..3), platform, ".{0,20}").prop_map(
        |(layers, names, platform, text)| {
            let empty =
                image().platform(platform).config(json!({"config": {"Labels": {"text": text}}, "author": text}));
            let image =
                layers.into_iter().filter(|layer| Codec::sniff(&layer.tar) == Codec::Plain).fold(empty, Image::layer);
            names.iter().fold(image, |image, name| image.tag(name))
        },
    )
}

fn config(cases: u32) -> Config {
    let cases = std::env::var("PROP_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(cases);
    let failure_persistence = Some(Box::new(FileFailurePersistence::Off) as Box<_>);
    Config { cases, failure_persistence, ..Config::default() }
}

fn styles() -> impl Strategy<Value = Style> {
    prop_oneof![Just(Style::Classic), Just(Style::Skopeo), Just(Style::Hybrid), Just(Style::Plain)]
}

/// What must survive every way: config bytes, layers and full names.
fn facts(view: &found::View) -> Vec<(Vec<u8>, Vec<String>, Vec<String>)> {
    let mut facts: Vec<_> = view
        .images
        .iter()
        .map(|image| {
            let mut names = image.names.clone();
            names.sort();
            (image.config.clone(), image.diff_ids(), names)
        })
        .collect();
    facts.sort();
    facts
}

fn expected(image: &Image) -> Vec<(Vec<u8>, Vec<String>, Vec<String>)> {
    let mut names: Vec<String> = image.names.iter().map(|name| crate::support::names::full(name)).collect();
    names.sort();
    names.dedup();
    vec![(image.config_bytes(), image.diff_ids(), names)]
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn docker_to_oci_to_docker_keeps_everything(image in images(), style in styles(), threads in 1..5usize) {
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &docker(std::slice::from_ref(&image), style));
        let threads = threads.to_string();
        let mut current = input.clone();
        for (step, to) in ["oci-archive", "hybrid-archive", "docker-archive", "oci-dir", "docker-archive"].into_iter().enumerate() {
            let next = sandbox.path(&step.to_string());
            sandbox.convert(to, &current, &next).args(["--threads", &threads]).ok();
            prop_assert_eq!(facts(&found::output(&next, to)), expected(&image), "to {}", to);
            current = next;
        }
        sandbox.convert("docker-archive", &input, sandbox.path("direct")).args(["--threads", "1"]).ok();
        let direct = fs::read(sandbox.path("direct")).expect("an output");
        prop_assert!(fs::read(&current).expect("an output") == direct, "another way, other bytes");
    }

    #[test]
    fn oci_to_oci_is_the_identity(
        images in prop::collection::vec(images(), 1..4),
        nested in any::<bool>(),
        attested in any::<bool>(),
        sha512 in any::<bool>(),
    ) {
        let mut layout = if sha512 { Layout::new().with_sha512() } else { Layout::new() };
        let mut children = Vec::new();
        for image in &images {
            let child = with(layout.image(image), "platform", image.platform_value());
            if attested {
                children.push(layout.attestation(&child));
            }
            children.push(child);
        }
        if nested {
            let index = layout.index(&children);
            layout.root(index, json!({REF_NAME: "docker.io/demo/app:1"}));
        } else {
            for (number, child) in children.into_iter().enumerate() {
                layout.root(child, json!({REF_NAME: format!("v{number}")}));
            }
        }
        let tree = layout.tree();
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &tree);
        for to in ["oci-archive", "oci-dir"] {
            sandbox.convert(to, &input, sandbox.path(to)).ok();
            let output = crate::support::Tree::read(&sandbox.path(to));
            for member in &tree.members {
                if let crate::support::Kind::File(bytes) = &member.kind {
                    prop_assert!(output.get(&member.name) == Some(bytes), "{} in {}", member.name, to);
                }
            }
        }
    }
}
