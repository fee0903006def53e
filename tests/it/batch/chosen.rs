//! What a batch is about, and what its results are called: sources, patterns, lists, templates.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;

use serde_json::json;

use super::fleet::{Fleet, Report, ends, member, outputs};
use crate::support::{Sandbox, Style, docker};

/// What is wrong is told before anything starts.
#[track_caller]
fn refused(fleet: &Fleet, args: &[&str], words: &[&str]) {
    let run = ends(fleet.sandbox.command(["batch", "--to", "oci-archive", "--out", "out"]).args(args), 2);
    for word in words {
        assert!(run.stderr.contains(word), "nothing about {word}: {run}");
    }
    assert!(!fleet.sandbox.path("out").exists(), "something was begun");
}

#[test]
fn two_items_with_one_output_are_refused() {
    let fleet = Fleet::new(2);
    fleet.put("0/app-000.docker.tar", &member(0), 0);
    fleet.put("other/0/app-000.oci", &member(0), 1);
    let put = |name: &str, lines: &str| fleet.sandbox.put(name, lines.as_bytes());
    put("same", "{\"in\": \"in/0/app-000.tar\", \"out\": \"x\"}\n{\"in\": \"in/1/app-001.tar\", \"out\": \"./x\"}\n");
    put("inner", "{\"in\": \"in/0/app-000.tar\", \"out\": \"x\"}\n{\"in\": \"in/1/app-001.tar\", \"out\": \"x/y\"}\n");
    let absolute = fleet.sandbox.path("out/x").display().to_string();
    let lines = [json!({"in": "in/0/app-000.tar", "out": "x"}), json!({"in": "in/1/app-001.tar", "out": absolute})];
    put("absolute", &lines.map(|line| line.to_string()).join("\n"));
    let ids = [json!({"in": "in/0/app-000.tar", "id": "a"}), json!({"in": "in/1/app-001.tar", "id": "a"})];
    put("ids", &ids.map(|line| line.to_string()).join("\n"));
    refused(&fleet, &["in"], &["in/0/app-000.docker.tar", "in/0/app-000.tar", "both become", "app-000.oci.tar"]);
    refused(&fleet, &["in/0", "in/other/0"], &["both become"]);
    refused(&fleet, &["in/0/app-000.tar", "in/0/app-000.tar"], &["both become"]);
    refused(
        &fleet,
        &["in/0/app-000.tar", "in/1/app-001.tar", "--name-template", "{stem}", "in/0/app-000.tar"],
        &["both"],
    );
    for list in ["same", "absolute", "ids"] {
        refused(&fleet, &["--list", list], &["in/0/app-000.tar", "in/1/app-001.tar", "both become"]);
    }
    refused(&fleet, &["--list", "inner"], &["in/1/app-001.tar", "inside that of", "in/0/app-000.tar"]);
    let error = fleet.sandbox.command(["batch", "--verify-only", "in/1", "in/1"]).fails(2);
    assert!(error.contains("in/1/app-001.tar") && error.contains("named twice"), "{error}");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let fleet = Fleet::new(1);
    fleet.sandbox.put("bad", b"in/0/app-000.tar\n# a remark\n{\"in\": \"x\", \"output\": \"y\"}\n");
    fleet.sandbox.put("up", b"{\"in\": \"in/0/app-000.tar\", \"out\": \"../x\"}\n");
    fleet.sandbox.put("file", b"");
    for (args, words) in [
        (&["--list", "bad"][..], &["bad", "line 3", "output"][..]),
        (&["--list", "up"], &["up", "leaves the output folder"]),
        (&["--list", "absent"], &["absent"]),
        (&["in/*.none"], &["in/*.none", "nothing matches"]),
        (&["in/["], &["pattern"]),
        (&["in", "--name-template", "x"], &["{stem}"]),
        (&["in", "--name-template", "../{stem}"], &["leaves"]),
        (&[], &["no sources"]),
        (&["in", "--verify-only"], &["--to"]),
        (&["in", "--compression", "zstd", "--compression-level", "99"], &["level"]),
    ] {
        refused(&fleet, args, words);
    }
    let error = fleet.sandbox.command(["batch", "--to", "oci-archive", "--out", "file", "in"]).fails(2);
    assert!(error.contains("not a folder"), "{error}");
    let error = fleet.sandbox.command(["batch", "--out", "out", "in"]).fails(2);
    assert!(error.contains("no format"), "{error}");
    let error = fleet.sandbox.command(["batch", "--to", "oci-archive", "--out", "out", "in", "absent"]).fails(75);
    assert!(error.contains("absent"), "{error}");
    assert!(!fleet.sandbox.path("out").exists());
}

#[test]
fn lists_name_what_is_read_and_what_becomes_of_it() {
    let fleet = Fleet::new(5);
    let lines = [
        "in/0/app-000.tar\r".to_owned(),
        String::new(),
        "# remark".to_owned(),
        json!({"in": "in/1/app-001.tar", "out": "renamed/one", "tags": ["demo/other:1"]}).to_string(),
        json!({"in": "in/2/app-002.tar", "image": "demo/app:2", "id": "two"}).to_string(),
        json!({"in": "in/3/app-003.tar", "platform": "linux/s390x"}).to_string(),
    ];
    let text = lines.join("\n");
    // A list and sources together are one batch.
    let call = fleet.call("docker-archive", "report.jsonl").args(["--list", "-", "in/0/app-004.tar"]).stdin(text);
    ends(call, 1);
    let report = fleet.report();
    assert_eq!(report.with("ok"), ["in/0/app-000.docker.tar", "in/0/app-004.docker.tar", "renamed/one", "two"]);
    assert_eq!(report.item("renamed/one")["images"][0]["names"], json!(["docker.io/demo/other:1"]));
    assert_eq!(report.item("two")["out"], "out/in/2/app-002.docker.tar");
    let failed = report.item("in/3/app-003.docker.tar");
    assert_eq!(failed["error"]["class"], "permanent", "{failed}");
    // What another try needs is in the report.
    assert_eq!(failed["line"]["platform"], "linux/s390x", "{failed}");
    let retry = fleet.sandbox.command(["report", "failed", "report.jsonl"]).ok();
    let again = fleet.call("docker-archive", "again.jsonl").args(["--list", "-"]).stdin(retry.stdout);
    ends(again, 1);
    let again = Report::read(&fleet.sandbox.path("again.jsonl"));
    assert_eq!(again.with("failed"), ["in/3/app-003.docker.tar"]);
    assert_eq!(again.items[0]["out"], failed["out"]);
}

#[test]
fn a_plan_is_a_list_of_the_same_batch() {
    let fleet = Fleet::new(5);
    let plan = fleet.sandbox.command(["batch", "plan", "--to", "oci-archive", "--out", "out", "in"]).ok();
    fleet.call("oci-archive", "report.jsonl").args(["--list", "-"]).stdin(plan.stdout.clone()).ok();
    fleet.assert_whole("oci-archive");
    // And the plan of a plan is the same.
    let again =
        fleet.sandbox.command(["batch", "plan", "--to", "oci-archive", "--list", "-"]).stdin(plan.stdout.clone());
    assert_eq!(String::from_utf8(again.ok().stdout), String::from_utf8(plan.stdout));
    let listed = br#"{"in":"in/0/app-000.tar","out":"x","tags":["a:1"],"size":7,"id":"key"}"#;
    let again = fleet.sandbox.command(["batch", "plan", "--to", "oci-archive", "--list", "-"]).stdin(&listed[..]);
    assert_eq!(again.ok().stdout.trim_ascii_end(), listed);
}

#[test]
fn patterns_are_expanded_where_no_shell_did() {
    let fleet = Fleet::new(6);
    fleet.put("0/[x].tar", &member(1), 1);
    let run = |pattern: &str| {
        let run = fleet.sandbox.command(["batch", "--inspect-only", "--report", "-", pattern]).ok();
        Report::of(&run.stdout).with("ok")
    };
    assert_eq!(run("in/**/app-00[14].tar"), ["in/0/app-004.tar", "in/1/app-001.tar"]);
    assert_eq!(run("in/?/app-000.tar"), ["in/0/app-000.tar"]);
    // What is there under this very name is no pattern.
    assert_eq!(run("in/0/[x].tar"), ["in/0/[x].tar"]);
}

#[test]
fn templates_name_results() {
    let fleet = Fleet::new(3);
    fleet.call("oci-dir", "r").args(["in", "--name-template", "{ext}/{stem}-{dir}"]).ok();
    assert_eq!(
        Vec::from_iter(outputs(&fleet.sandbox.path("out"))),
        ["oci/app-000-0", "oci/app-001-1", "oci/app-002-2"]
    );
}

/// The results lie among the sources: a rerun takes none of them for a source.
#[test]
fn results_are_no_sources() {
    for out in ["in", "in/out", "in/link"] {
        for to in ["oci-archive", "oci-dir", "docker-archive"] {
            let fleet = Fleet::new(4);
            if out == "in/link" {
                fs::create_dir(fleet.path("real")).expect("a folder can be made");
                symlink("real", fleet.path("link")).expect("a link can be made");
            }
            for want in [[4, 0, 0, 0], [0, 4, 0, 0]] {
                let batch =
                    fleet.sandbox.command(["batch", "--to", to, "--report", "report.jsonl", "in", "--out", out]);
                batch.ok();
                assert_eq!(fleet.report().counts(), want, "{to} to {out}");
            }
        }
    }
    // In the current folder, by a shell's pattern: the second time the results are named, too.
    let fleet = Fleet::new(1);
    let run = |names: &[&str]| {
        let call = fleet.sandbox.command(["batch", "--to", "oci-archive", "--report", "../../r"]).args(names);
        call.cwd(&fleet.path("0")).ok();
        Report::read(&fleet.sandbox.path("r")).counts()
    };
    assert_eq!(run(&["app-000.tar"]), [1, 0, 0, 0]);
    assert_eq!(run(&["app-000.tar", "app-000.oci.tar"]), [0, 1, 0, 0]);
    assert_eq!(run(&["."]), [0, 1, 0, 0]);
}

#[test]
fn links_lead_to_archives_and_not_round_in_circles() {
    let fleet = Fleet::new(1);
    for (target, link) in [("0/app-000.tar", "again.tar"), ("..", "0/up"), ("0", "same"), ("nowhere", "lost.tar")] {
        symlink(target, fleet.path(link)).expect("a link can be made");
    }
    fleet.batch("oci-archive").ok();
    assert_eq!(fleet.report().with("ok"), ["0/app-000.oci.tar", "again.oci.tar"]);
    assert_eq!(Vec::from_iter(outputs(&fleet.sandbox.path("out"))), ["0/app-000.oci.tar", "again.oci.tar"]);
    // What is named itself is followed.
    let linked = fleet.sandbox.command(["batch", "--inspect-only", "--report", "-", "in/same"]).ok();
    assert_eq!(Report::of(&linked.stdout).with("ok"), ["in/same/app-000.tar"]);
}

#[test]
fn names_of_any_bytes_and_length() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("in");
    fs::create_dir(&folder).expect("a folder can be made");
    let archive = docker(&[member(0)], Style::Plain).tar();
    let long = "n".repeat(251);
    let names = [
        OsString::from_vec(b"latin\xe9.tar".to_vec()),
        "new\nline.tar".into(),
        "'quoted' \"twice\" $(x).tar".into(),
        format!("{long}.tar").into(),
        "-dash.tar".into(),
    ];
    for name in &names {
        fs::write(folder.join(name), &archive).expect("it can be written");
    }
    let call =
        sandbox.command(["batch", "--to", "oci-archive", "--out", "out", "--report", "r", "--retries", "0", "in"]);
    // A name that cannot become longer is that item's own trouble.
    let run = ends(call, 75);
    assert!(run.stderr.contains("File name too long"), "{run}");
    let report = Report::read(&sandbox.path("r"));
    assert_eq!(report.counts(), [4, 0, 1, 0], "{report:?}");
    assert_eq!(report.with("failed"), [format!("{long}.oci.tar")]);
    let out = fs::read_dir(sandbox.path("out")).expect("a folder").flatten();
    let out: Vec<_> = out.map(|entry| entry.file_name()).filter(|name| name != OsStr::new(".transload")).collect();
    assert_eq!(out.len(), 4, "{out:?}");
    assert!(out.iter().any(|name| name.as_bytes().starts_with(b"new\nline")));
    let again =
        sandbox.command(["batch", "--to", "oci-archive", "--out", "out", "--report", "r", "--retries", "0", "in"]);
    ends(again, 75);
    assert_eq!(Report::read(&sandbox.path("r")).counts(), [0, 4, 1, 0]);
}
