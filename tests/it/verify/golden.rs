//! What people and programs read, word by word. `UPDATE_GOLDEN=1` writes the files anew; they are reviewed like code.

use std::fs;

use serde_json::json;

use crate::support::layout::{REF_NAME, with};
use crate::support::shared::testdata;
use crate::support::{Codec, Layout, Run, Sandbox, Style, Tree, docker, file, image};

/// An archive with many faults, of all severities.
fn sick() -> Tree {
    let app = image().layer(file("etc/a", "one").codec(Codec::Gzip)).layer(file("/b", "two"));
    let mut layout = Layout::new();
    let mut manifest = layout.manifest_of(&app);
    manifest["layers"][0]["size"] = json!(1);
    layout.forget(&manifest["layers"][1]);
    let child = layout.manifest(&manifest);
    let platform = json!({"os": "linux", "architecture": "arm64"});
    layout.root(with(child, "platform", platform), json!({REF_NAME: "Not\u{1b}A Name"}));
    layout.root(layout.clone().image(&image().layer(file("c", "three"))), json!({REF_NAME: "v1"}));
    layout.tree().with_file("../evil", "x")
}

/// Takes out what differs from run to run.
fn steady(run: &Run) -> String {
    let text = String::from_utf8(run.stdout.clone()).expect("answers are UTF-8");
    let steady = |line: &str| match (line.rsplit_once(" read in "), line.split_once("\"seconds\":")) {
        (Some((start, _)), _) => format!("{start} read in TIME\n"),
        (None, Some((start, rest))) => {
            let end = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            format!("{start}\"seconds\":TIME{end}\n")
        }
        (None, None) => format!("{line}\n"),
    };
    text.lines().map(steady).collect()
}

#[test]
fn text_and_json_are_pinned() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("sick.tar", &sick());
    sandbox.put_tree("hybrid.tar", &docker(&[image().layer(file("a", "b")).tag("docker.io/d/a:1")], Style::Hybrid));
    sandbox.put("cut.tar", &docker(&[image().layer(file("a", "b")).tag("d/a:1")], Style::Plain).tar()[..1800]);
    for name in ["umoci-0.4-oci-two-tags.tar", "docker-20.10-two-images.tar"] {
        fs::copy(testdata(name), sandbox.path(name)).expect("a copy");
    }
    let mut text = String::new();
    for args in [
        &["sick.tar"][..],
        &["--json", "sick.tar"],
        &["cut.tar"],
        &["--strict", "umoci-0.4-oci-two-tags.tar"],
        &["hybrid.tar", "docker-20.10-two-images.tar", "cut.tar"],
        &["--json", "hybrid.tar", "cut.tar"],
        &["--codes"],
    ] {
        let run = sandbox.command(["verify"]).args(args).cwd(&sandbox.path("")).run();
        text += &format!("$ transload verify {}\n{}-> {}\n\n", args.join(" "), steady(&run), run.code);
    }
    let golden = testdata("golden/verify.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &text).expect("the golden file can be written");
    }
    let expected = fs::read_to_string(&golden).expect("the golden file; UPDATE_GOLDEN=1 makes it");
    assert!(text == expected, "if on purpose run with UPDATE_GOLDEN=1:\n{text}\ninstead of\n{expected}");
}
