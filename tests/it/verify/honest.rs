//! Archives without fault: whatever the builder can write, in whatever shape, has no finding at all.

use serde_json::json;

use super::{codes, listed, verify};
use crate::support::image::noise;
use crate::support::layout::REF_NAME;
use crate::support::tar::{Dialect, Header, pack};
use crate::support::{Codec, Image, Layout, Sandbox, Style, Tree, docker, file, image};

fn app() -> Image {
    image().layer(file("etc/a", "one")).layer(noise(1, 5000)).tag("docker.io/library/app:1")
}

fn second() -> Image {
    app().layer(file("c", "three")).platform("linux/arm64/v8")
}

#[track_caller]
fn check(what: &str, tree: &Tree, images: usize) {
    let sandbox = Sandbox::new();
    for name in ["in.tar", "folder"] {
        let found = verify(&sandbox.put_tree(name, tree));
        assert!(found.findings.is_empty(), "{what}, {name}: {}", listed(&found));
        assert!(found.passes(true));
        assert_eq!(found.images, images, "{what}, {name}");
    }
}

#[test]
fn what_nobody_tampered_with_has_no_finding() {
    for style in [Style::Classic, Style::Skopeo, Style::Hybrid, Style::Legacy, Style::Crane, Style::Plain] {
        check(&format!("{style:?}"), &docker(&[app()], style), 1);
        let other = image().layer(file("c", "three")).platform("linux/arm64/v8").tag("docker.io/library/other:2");
        check(&format!("{style:?}, two images"), &docker(&[app(), other], style), 2);
    }
    for codec in
        [Codec::Plain, Codec::Gzip, Codec::GzipMembers, Codec::Zstd, Codec::ZstdFrames, Codec::Bzip2, Codec::Xz]
    {
        check(&format!("oci {codec:?}"), &Layout::new().named(&app().codec(codec), "app:1").tree(), 1);
        check(&format!("docker {codec:?}"), &docker(&[app().codec(codec)], Style::Plain), 1);
    }
    check("sha512", &Layout::new().with_sha512().named(&app().codec(Codec::Gzip), "v1").tree(), 1);
    check("docker's types", &Layout::new().with_docker_types().named(&app().codec(Codec::Gzip), "v1").tree(), 1);
    check("no name", &Layout::new().unnamed(&app()).tree(), 1);
    check("no layer", &Layout::new().unnamed(&image()).tree(), 1);
}

#[test]
fn artifacts_and_platforms_are_no_findings() {
    let mut layout = Layout::new();
    let mut child = layout.image(&app());
    child["platform"] = app().platform_value();
    let mut other = layout.image(&second());
    other["platform"] = json!({"os": "linux", "architecture": "arm64"});
    let children = [child.clone(), other, layout.attestation(&child), layout.referrer(&child)];
    let index = layout.index(&children);
    layout.root(index, json!({REF_NAME: "app:1"}));
    check("an index with attestations", &layout.tree(), 2);

    let mut layout = Layout::new();
    for (image, platform) in [(app(), "amd64"), (second(), "arm64")] {
        let mut child = layout.image(&image);
        child["platform"] = json!({"os": "linux", "architecture": platform});
        layout.root(child, json!({REF_NAME: "app:1"}));
    }
    check("a flat index", &layout.tree(), 2);

    let mut layout = Layout::new();
    let subject = layout.image(&app());
    let artifact = layout.referrer(&subject);
    layout.forget(&subject);
    let mut alone = Layout::new();
    let _ = alone.referrer(&subject);
    alone.root(artifact, serde_json::Value::Null);
    check("nothing but an artifact", &alone.tree(), 0);
}

#[test]
fn dialects_and_outer_compression_are_no_findings() {
    let tree = docker(&[app()], Style::Classic);
    let sandbox = Sandbox::new();
    for header in [Header::Ustar, Header::Gnu, Header::V7] {
        for (pax, gnu_names, base256) in [(false, true, false), (true, false, false), (false, false, true)] {
            let dialect = Dialect { header, pax, gnu_names, base256, end_blocks: 2 };
            let found = verify(&sandbox.put("in.tar", &pack(&tree, &dialect)));
            assert!(found.findings.is_empty(), "{dialect:?}: {}", listed(&found));
        }
    }
    for end_blocks in [3, 20] {
        let found = verify(&sandbox.put("in.tar", &pack(&tree, &Dialect { end_blocks, ..Dialect::default() })));
        assert!(found.findings.is_empty(), "{end_blocks} blocks at the end: {}", listed(&found));
    }
    for codec in [Codec::Gzip, Codec::Zstd, Codec::Bzip2, Codec::Xz] {
        let found = verify(&sandbox.put("in.tar", &codec.pack(&tree.tar())));
        assert!(found.findings.is_empty(), "{codec:?}: {}", listed(&found));
    }
    for prefix in ["./", "wrapper/", "/"] {
        let found = verify(&sandbox.put("in.tar", &tree.clone().prefixed(prefix).tar()));
        assert!(found.findings.is_empty(), "{prefix}: {}", listed(&found));
    }
    let found = verify(&sandbox.put("in.tar", &tree.reversed().without_dirs().tar()));
    assert!(found.findings.is_empty(), "{}", listed(&found));
}

/// What is good to know is told, and is no reason to fail, however strict one is.
#[test]
fn notes_never_fail() {
    let sandbox = Sandbox::new();
    let tree = Layout::new().named(&app(), "v1").tree();
    let stray = tree.clone().with_file(format!("blobs/sha256/{}", "0".repeat(63)), "no digest in the name");
    let found = verify(&sandbox.put_tree("in.tar", &stray));
    assert_eq!(codes(&found), ["unreferenced"].into());
    assert!(found.passes(true));
}

/// Every count is what the archive holds.
#[test]
fn counts_are_those_of_the_archive() {
    let sandbox = Sandbox::new();
    let image = image().layer(file("a", "one")).layer(file("b", "two")).layer(file("a", "one"));
    let oci = Layout::new().named(&image, "v1").tree();
    let found = verify(&sandbox.put_tree("in.tar", &oci));
    let stored: usize = oci.members.iter().map(|member| oci.get(&member.name).map_or(0, <[u8]>::len)).sum();
    // A manifest, a config and two layers, of which one is there twice.
    assert_eq!((found.images, found.blobs, found.bytes_read), (1, 4, stored as u64));
    let found = verify(&sandbox.put_tree("in.tar", &docker(&[image.tag("a:1")], Style::Classic)));
    assert_eq!((found.images, found.blobs), (1, 3));
}
