//! Several archives, standard input, selections, and arguments that exclude one another.

use std::fs;

use super::{full, json_of, platforms, text, two_images};
use crate::support::{Sandbox, Style, docker};

#[test]
fn each_archive_has_its_heading_or_its_line() {
    let sandbox = Sandbox::new();
    sandbox.put("a.tar", &two_images());
    sandbox.put_tree("b.tar", &platforms().tree());
    sandbox.put_tree("c", &docker(&[full().tag("c:1")], Style::Skopeo));
    let run = sandbox.command(["inspect", "a.tar", "b.tar", "c"]).ok();
    let text = String::from_utf8(run.stdout).expect("text");
    for heading in ["a.tar: docker-archive, ", "\nb.tar: oci-archive, ", "\nc: docker-dir, "] {
        assert_eq!(text.matches(heading).count(), 1, "{heading}: {text}");
    }
    let run = sandbox.command(["inspect", "--json", "a.tar", "b.tar", "c"]).ok();
    let lines: Vec<serde_json::Value> = String::from_utf8(run.stdout)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is an object"))
        .collect();
    let paths: Vec<_> = lines.iter().map(|line| line["path"].as_str().expect("a path")).collect();
    assert_eq!(paths, ["a.tar", "b.tar", "c"]);
    assert!(lines.iter().all(|line| line["schema"] == 1));
    assert_eq!(lines[0]["bytes"], fs::metadata(sandbox.path("a.tar")).expect("a file").len());
    assert_eq!(lines[2].get("bytes"), None, "a folder has no size");
}

/// One bad archive does not keep the others from being told of; its code is the answer.
#[test]
fn the_first_failure_is_the_code_and_the_others_are_told_of() {
    let sandbox = Sandbox::new();
    sandbox.put("good.tar", &two_images());
    sandbox.put("noise.tar", &[7; 5000]);
    for (args, code) in [(["good.tar", "noise.tar", "absent.tar"], 3), (["absent.tar", "noise.tar", "good.tar"], 75)] {
        let run = sandbox.command(["inspect"]).args(args).run();
        assert_eq!(run.code, code, "{run}");
        assert!(String::from_utf8_lossy(&run.stdout).contains("demo/child"), "{run}");
        assert_eq!(run.stderr.lines().filter(|line| line.starts_with("transload: ")).count(), 2, "{run}");
    }
    assert!(sandbox.command(["inspect", "noise.tar"]).fails(3).contains("noise.tar"));
}

#[test]
fn archives_come_through_pipes_and_as_transports() {
    let sandbox = Sandbox::new();
    let bytes = two_images();
    sandbox.put("in.tar", &bytes);
    let run = sandbox.command(["inspect", "-"]).stdin(bytes).ok();
    let piped = String::from_utf8(run.stdout).expect("text");
    assert!(piped.starts_with("standard input: docker-archive, docker 1.10–24\n"), "{piped}");
    assert_eq!(sandbox.names(), ["in.tar"]);
    let one = text(&sandbox, "docker-archive:in.tar:demo/child:1", &[]);
    let (images, _) = one.split_once("Which engines").expect("a heading");
    assert!(images.contains("\nImage: docker.io/demo/child:1 ") && !images.contains("demo/app"), "{one}");
    assert_eq!(json_of(&sandbox, "in.tar", &["--image", "@1"])["images"][0]["position"], 1);
    assert_eq!(json_of(&sandbox, "in.tar", &["--image", &full().id()])["images"].as_array().map(Vec::len), Some(1));
    sandbox.command(["inspect", "--from", "oci-archive", "in.tar"]).fails(3);
    assert!(sandbox.command(["inspect", "--image", "nope", "in.tar"]).fails(4).contains("nope"));
    assert!(sandbox.command(["inspect", "--platform", "linux/s390x", "in.tar"]).fails(4).contains("s390x"));
}

#[test]
fn what_cannot_be_had_together_is_a_usage_error() {
    let sandbox = Sandbox::new();
    sandbox.put("in.tar", &two_images());
    for args in [
        &["inspect"][..],
        &["inspect", "--json", "--format", "x", "in.tar"],
        &["inspect", "--json", "--raw", "config", "in.tar"],
        &["inspect", "--graph", "svg", "--raw", "config", "in.tar"],
        &["inspect", "--graph", "png", "in.tar"],
        &["inspect", "--files", "--largest", "3", "in.tar"],
        &["inspect", "--layer", "1", "in.tar"],
        &["inspect", "--files", "in.tar", "in.tar"],
        &["inspect", "--raw", "config", "in.tar", "in.tar"],
        &["inspect", "--graph", "dot", "in.tar", "in.tar"],
        &["inspect", "--platform", "nonsense", "in.tar"],
        &["inspect", "--image", "@x", "in.tar"],
        &["inspect", ""],
    ] {
        let run = sandbox.command(args.iter().copied()).run();
        assert_eq!(run.code, 2, "{args:?}: {run}");
        assert!(run.stdout.is_empty(), "{args:?}");
    }
}
