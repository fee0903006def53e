//! The command line: exit codes, messages, reports, where things may be read from and written to.

mod appending;
mod completions;
mod help;
mod limits;
mod overwriting;
mod paths;
mod pipes;
mod progress;
mod report;
mod signals;
mod typos;

use std::path::Path;

use crate::support::{Image, Layout, Sandbox, Style, Tree, docker, file, image};

fn one() -> Image {
    image().layer(file("etc/a", "one")).layer(file("b", "two")).tag("app:1")
}

fn docker_tree() -> Tree {
    docker(&[one()], Style::Classic)
}

fn oci_tree() -> Tree {
    Layout::new().named(&one(), "docker.io/library/app:1").tree()
}

#[test]
fn exit_codes_tell_what_kind_of_failure_it_was() {
    let sandbox = Sandbox::new();
    let good = sandbox.put_tree("good.tar", &docker_tree());
    let bad = sandbox.put("bad.tar", &docker_tree().tar()[..3000]);
    let noise = sandbox.put("noise.tar", &[7; 5000]);
    let there = sandbox.put("there", b"");
    let missing = sandbox.path("no/such/folder/out");
    let out = sandbox.path("out");
    let call = |input: &Path, output: &Path| sandbox.convert("oci-archive", input, output);
    call(&good, &out).ok();
    let out = sandbox.path("x");
    assert!(call(&bad, &out).fails(3).contains("bad.tar"));
    assert!(call(&noise, &out).fails(3).contains("noise.tar"));
    assert!(call(&good, &out).args(["--image", "nope:1"]).fails(4).contains("nope:1"));
    assert!(call(&good, &there).fails(5).contains("there"));
    assert!(call(&good, &missing).fails(75).contains("no/such/folder"));
    assert!(call(&sandbox.path("absent.tar"), &out).fails(75).contains("absent.tar"));
    sandbox.assert_holds(&["bad.tar", "good.tar", "noise.tar", "out", "there"]);
}

#[test]
fn what_cannot_be_understood_is_a_usage_error() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("in.tar", &docker_tree());
    for args in [
        &[][..],
        &["frobnicate"],
        &["convert"],
        &["convert", "--to", "oci-archive"],
        &["convert", "--to", "oci-archive", "in.tar"],
        &["convert", "--to", "oci-archive", "in.tar", "out", "more"],
        &["convert", "--to", "zip", "in.tar", "out"],
        &["convert", "--to", "oci-archive", "--frobnicate", "in.tar", "out"],
        &["convert", "--to", "oci-archive", "--compression", "in.tar", "out"],
        &["convert", "--to", "oci-archive", "", "out"],
        &["convert", "--to", "oci-archive", "in.tar", ""],
        &["convert", "in.tar", "out"],
    ] {
        let run = sandbox.command(args.iter().copied()).run();
        assert_eq!(run.code, 2, "{args:?}: {run}");
        assert!(!run.stderr.is_empty(), "{args:?}");
        assert!(run.stdout.is_empty(), "{args:?}: an error on stdout");
    }
    sandbox.assert_holds(&["in.tar"]);
}

#[test]
fn help_and_version_go_to_stdout() {
    let sandbox = Sandbox::new();
    for args in [&["--help"][..], &["--version"], &["convert", "--help"]] {
        let run = sandbox.command(args.iter().copied()).ok();
        assert!(!run.stdout.is_empty(), "{args:?}");
        assert!(run.stderr.is_empty(), "{args:?}: {run}");
    }
    let help = String::from_utf8(sandbox.command(["convert", "--help"]).ok().stdout).expect("help is text");
    for word in [
        "--from",
        "--to",
        "--image",
        "--platform",
        "--tag",
        "--compression",
        "--compression-level",
        "--recompute",
        "--strict",
        "--dry-run",
        "--json",
        "--force",
        "--threads",
        "--tmpdir",
        "docker-archive",
        "oci-archive",
        "hybrid-archive",
    ] {
        assert!(help.contains(word), "{word} is not in the help");
    }
}

#[test]
fn formats_have_aliases() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree());
    for (alias, format, file) in [("oci", "oci-dir", "index.json"), ("hybrid", "hybrid-archive", "manifest.json")] {
        let run = sandbox.convert(alias, &input, sandbox.path(alias)).args(["--json"]).ok();
        assert_eq!(run.json()["output"]["format"], format);
        assert!(Tree::read(&sandbox.path(alias)).get(file).is_some());
    }
    sandbox.convert("docker-archive", sandbox.path("oci"), sandbox.path("back")).args(["--from", "oci"]).ok();
}

/// The format of the input is found out, unless it is given; what is given and wrong is refused.
#[test]
fn the_format_of_the_input_is_found_out() {
    let sandbox = Sandbox::new();
    let archive = sandbox.put_tree("a.tar", &docker_tree());
    let folder = sandbox.put_tree("folder", &docker_tree());
    let layout = sandbox.put_tree("o.tar", &oci_tree());
    let dir = sandbox.put_tree("dir", &oci_tree());
    for (input, format, wrong) in [
        (archive, "docker-archive", "oci-archive"),
        (folder, "docker-dir", "oci-dir"),
        (layout, "oci-archive", "docker-archive"),
        (dir, "oci-dir", "docker-archive"),
    ] {
        let out = sandbox.path("out");
        let call = || sandbox.convert("hybrid-archive", &input, &out).args(["--json", "--force"]);
        assert_eq!(call().ok().json()["input"]["format"], format);
        assert_eq!(call().args(["--from", format]).ok().json()["input"]["format"], format);
        let run = call().args(["--from", wrong]).run();
        assert!(matches!(run.code, 3 | 75), "{format} read as {wrong}: {run}");
    }
}

#[test]
fn success_is_one_line_for_each_image_and_quiet_is_none() {
    let sandbox = Sandbox::new();
    let second = image().layer(file("c", "three")).tag("other:2");
    let input = sandbox.put_tree("in.tar", &docker(&[one(), second], Style::Classic));
    let run = sandbox.convert("oci-archive", &input, sandbox.path("out")).ok();
    assert!(run.stdout.is_empty());
    assert_eq!(run.stderr.lines().count(), 2, "{run}");
    assert!(
        run.stderr.contains("docker.io/library/app:1") && run.stderr.contains("docker.io/library/other:2"),
        "{run}"
    );
    let run = sandbox.convert("oci-archive", &input, sandbox.path("quiet")).args(["-q"]).ok();
    assert_eq!(run.stderr, "");
    sandbox.convert("oci-archive", &input, sandbox.path("quiet")).args(["-q"]).fails(5);
}

/// What an archive or a path says never reaches the terminal raw; every run in these tests checks that.
#[test]
fn control_characters_are_escaped() {
    let sandbox = Sandbox::new();
    let evil = "evil\u{1b}[31m\n\u{202e}name";
    let mut tree = docker_tree().edit_json("manifest.json", |manifest| manifest[0]["Config"] = evil.into());
    let input = sandbox.put_tree("in.tar", &tree);
    let message = sandbox.convert("oci-archive", &input, sandbox.path("out")).fails(3);
    assert!(message.contains("evil") && message.contains("name"), "{message}");
    let path = sandbox.put(evil, b"no archive");
    let message = sandbox.convert("oci-archive", &path, sandbox.path("out")).fails(3);
    assert!(message.contains("evil"), "{message}");
    tree = docker_tree();
    let path = sandbox.put(evil, &tree.tar());
    sandbox.convert("oci-archive", &path, sandbox.path(&format!("{evil}.out"))).args(["-v"]).ok();
}
