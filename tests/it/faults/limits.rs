//! Every limit on untrusted input: an input that hits it is refused with the name of the limit, and converts when the
//! limit is raised.

use std::collections::BTreeSet;

use serde_json::json;
use transload::Limits;

use super::{app, docker_tree, oci_tree};
use crate::support::layout::REF_NAME;
use crate::support::tar::{Dialect, pack, seal};
use crate::support::{Codec, Image, Kind, Layer, Layout, Sandbox, Style, Tree, docker, file, found, image};

struct Case {
    limit: &'static str,
    low: u64,
    enough: u64,
    input: Vec<u8>,
    /// Words of the message.
    says: &'static str,
}

fn small() -> Image {
    image().layer(file("a", "one")).layer(file("b", "two")).tag("app:1")
}

fn nested() -> Tree {
    let mut layout = Layout::new();
    let child = layout.platforms(&[small()]);
    let middle = layout.index(&[child]);
    let outer = layout.index(&[middle]);
    layout.root(outer, json!({REF_NAME: "app:1"}));
    layout.tree()
}

fn linked() -> Tree {
    let tree = docker_tree(&small());
    let layer = tree.file("0-0.tar").to_vec();
    tree.relink("0-0.tar", Kind::Symlink("x".to_owned()))
        .with("x", Kind::Hardlink("y".to_owned()))
        .with("y", Kind::Symlink("z".to_owned()))
        .with_file("z", layer)
}

/// An archive whose layer is a sparse member (old GNU): one block of it is stored, then come zeros.
fn sparse() -> Vec<u8> {
    let layer = Tree::default().with_file("hole", vec![0; 1 << 20]).tar();
    let tree = docker_tree(&image().layer(Layer::from_tar(layer.clone())).tag("app:1"));
    let mut member = Tree::default().with_file("0-0.tar", &layer[..512]).tar();
    member.truncate(1024);
    member[156] = b'S';
    member[257..265].copy_from_slice(b"ustar  \0");
    for (at, number) in [(386, 0), (398, 512), (483, layer.len())] {
        member[at..at + 11].copy_from_slice(format!("{number:011o}").as_bytes());
    }
    seal(&mut member[..512]);
    [member, tree.remove("0-0.tar").tar()].concat()
}

fn cases() -> Vec<Case> {
    let stored = |codec| oci_tree(&app(300_000).codec(codec)).tar();
    let dialect = Dialect { pax: true, ..Dialect::default() };
    let case = |limit, low, enough, input, says| Case { limit, low, enough, input, says };
    vec![
        case("document-bytes", 100, 100_000, docker_tree(&small()).tar(), "too large"),
        case("document-bytes", 100, 100_000, oci_tree(&small()).tar(), "too large"),
        case("document-bytes", 100, 100_000, docker(&[small()], Style::Legacy).tar(), "too large"),
        case("all-document-bytes", 300, 100_000, docker_tree(&small()).tar(), "more than 300 bytes"),
        case("all-document-bytes", 300, 100_000, oci_tree(&small()).tar(), "more than 300 bytes"),
        case("all-document-bytes", 300, 100_000, docker(&[small()], Style::Legacy).tar(), "more than 300 bytes"),
        case("json-values", 5, 1000, docker_tree(&small()).tar(), "more than 5 values"),
        case("json-values", 5, 1000, oci_tree(&small()).tar(), "more than 5 values"),
        case("json-values", 2, 1000, docker(&[small()], Style::Legacy).tar(), "more than 2 values"),
        case("members", 2, 100, docker_tree(&small()).tar(), "members"),
        case("member-bytes", 20, 1000, docker_tree(&small()).tar(), "bytes of names"),
        case("member-bytes", 20, 1000, oci_tree(&small()).tar(), "bytes of names"),
        case("names", 0, 1, docker_tree(&small()).tar(), "names"),
        case("names", 0, 1, oci_tree(&small()).tar(), "names"),
        case("names", 0, 1, docker(&[small()], Style::Legacy).tar(), "names"),
        case("layers", 1, 2, docker_tree(&small()).tar(), "2 layers"),
        case("layers", 1, 2, oci_tree(&small()).tar(), "2 layers"),
        case("layers", 1, 2, docker(&[small()], Style::Legacy).tar(), "layers"),
        case("header-bytes", 10, 1000, pack(&docker_tree(&small()), &dialect), "too large"),
        case("index-depth", 1, 8, nested().tar(), "nested too deep"),
        case("sparse-ratio", 10, 1000, sparse(), "too large"),
        case("zstd-window-log", 10, 27, stored(Codec::Zstd), "window"),
        case("zstd-window-log", 10, 27, Codec::Zstd.pack(&docker_tree(&app(300_000)).tar()), "window"),
        case("xz-memory", 100_000, 72 << 20, stored(Codec::Xz), "memory"),
        case("xz-memory", 100_000, 72 << 20, Codec::Xz.pack(&docker_tree(&small()).tar()), "memory"),
        case("link-hops", 2, 3, linked().tar(), "links"),
        case("inflated-bytes", 100_000, 10_000_000, stored(Codec::Gzip), "too large"),
        case("inflated-bytes", 100_000, 10_000_000, stored(Codec::Zstd), "too large"),
        case("inflated-bytes", 100_000, 10_000_000, Codec::Bzip2.pack(&docker_tree(&app(300_000)).tar()), "too large"),
    ]
}

/// No conversion can hit them: `diff::reading` does, and `batch::merge`.
const ELSEWHERE: [&str; 4] = ["file-list-bytes", "items", "line-bytes", "list-bytes"];

#[test]
fn what_goes_beyond_a_limit_is_refused_by_name_and_taken_when_the_limit_is_raised() {
    let cases = cases();
    for (number, Case { limit, low, enough, input, says }) in cases.iter().enumerate() {
        let sandbox = Sandbox::new();
        let input = sandbox.put("in.tar", input);
        let convert = |value: u64| {
            let call = sandbox.convert("docker-archive", &input, sandbox.path("out"));
            call.args(["--limit", &format!("{limit}={value}")]).run()
        };
        let run = convert(*low);
        assert_eq!(run.code, 3, "row {number}: {run}");
        assert!(run.error().contains(says) && run.error().contains("in.tar"), "row {number}: {run}");
        let hint = run.stderr.lines().find(|line| line.starts_with("hint: ")).unwrap_or_default();
        assert!(hint.contains(&format!("--limit {limit}=")), "row {number}: {run}");
        sandbox.assert_holds(&["in.tar"]);
        let run = convert(*enough);
        assert_eq!(run.code, 0, "row {number}: {run}");
        assert_eq!(found::output(&sandbox.path("out"), "docker-archive").images.len(), 1);
    }
    let tested: BTreeSet<&str> = cases.iter().map(|case| case.limit).chain(ELSEWHERE).collect();
    assert_eq!(tested, Limits::NAMES.iter().copied().collect(), "every limit has a row");
    let sandbox = Sandbox::new();
    let help = String::from_utf8(sandbox.command(["convert", "--help"]).ok().stdout).expect("help is text");
    for limit in tested {
        assert!(help.contains(&format!(" {limit} ")), "--help does not tell of {limit}");
    }
}

/// A pipe that never ends stops at the limit, not at the end of the disk.
#[test]
fn a_pipe_is_limited_like_a_file() {
    let sandbox = Sandbox::new();
    let run = sandbox
        .convert("oci-archive", "-", sandbox.path("out"))
        .stdin(docker_tree(&app(1_000_000)).tar())
        .args(["--limit", "inflated-bytes=500000"])
        .run();
    assert_eq!(run.code, 3, "{run}");
    assert!(run.stderr.contains("hint: ") && run.stderr.contains("--limit inflated-bytes="), "{run}");
    sandbox.assert_holds(&[]);
}

#[test]
fn limits_that_make_no_sense_are_a_usage_error() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree(&small()));
    for limit in [
        "",
        "layers",
        "layers=",
        "layers=x",
        "layers=-1",
        "layers=1.5",
        "shoes=1",
        "=1",
        "LAYERS=1",
        "zstd-window-log=4294967296",
        "members=99999999999999999999",
    ] {
        let run = sandbox.convert("oci-archive", &input, sandbox.path("out")).args(["--limit", limit]).run();
        assert_eq!(run.code, 2, "{limit}: {run}");
        sandbox.assert_holds(&["in.tar"]);
    }
    // The last of several counts, and values at the edge of their range do no harm.
    for limits in [&["layers=1", "layers=2"][..], &["zstd-window-log=4294967295"], &["xz-memory=18446744073709551615"]]
    {
        let mut call = sandbox.convert("oci-archive", &input, sandbox.path("out")).arg("--force");
        for limit in limits {
            call = call.args(["--limit", limit]);
        }
        call.ok();
    }
}
