//! `transload report`: what becomes of the reports of several processes.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::Sandbox;

/// A line of an item; `more` replaces keys.
fn line(item: &str, status: &str, more: &Value) -> String {
    let mut line = json!({
        "schema": 1, "item": item, "in": format!("/in/{item}"), "in_digest": null, "status": status,
        "out": format!("/out/{item}"), "out_digest": null, "images": [], "losses": [], "recompressed": [],
        "bytes_in": 1_000_000, "bytes_out": 900_000, "seconds": 0.5, "shard": null, "error": null,
    });
    for (key, value) in more.as_object().expect("an object") {
        line[key] = value.clone();
    }
    format!("{line}\n")
}

fn failed(item: &str, code: &str, class: &str) -> String {
    let message = format!("/in/{item}: it is so");
    line(item, "failed", &json!({"error": {"code": code, "class": class, "message": message, "member": null}}))
}

fn end(shard: Option<&str>) -> String {
    let summary = json!({
        "items": 0, "ok": 0, "unchanged": 0, "failed": 0, "temporary": 0, "skipped": 0, "bytes_in": 0, "bytes_out": 0,
        "seconds": 7.25, "shard": shard, "interrupted": false,
    });
    format!("{}\n", json!({"schema": 1, "summary": summary}))
}

/// Three processes: one has done its shard, one was killed in the middle of a line, one has tried again what that left.
fn three(sandbox: &Sandbox) -> [PathBuf; 3] {
    let one = line("a", "ok", &json!({"shard": "0/2"})) + &failed("c", "digest", "permanent") + &end(Some("0/2"));
    let cut = failed("b", "environment", "temporary") + &line("d", "ok", &json!({"shard": "1/2"}))[..50];
    let again = line("b", "ok", &json!({"shard": "1/2", "seconds": 12.345})) + &failed("d", "digest", "permanent");
    let again = again + &end(Some("1/2")) + &end(None);
    [
        sandbox.put("1.jsonl", one.as_bytes()),
        sandbox.put("2.jsonl", cut.as_bytes()),
        sandbox.put("3.jsonl", again.as_bytes()),
    ]
}

/// A report with everything in it that a line can say.
pub(crate) fn all_kinds_of_lines() -> String {
    let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
    let full = json!({
        "in_digest": digest("1"), "out_digest": format!("sha512:{}", "2".repeat(128)), "shard": "3/8", "seconds": 61.002,
        "images": [
            {"names": ["app:1"], "image_id": digest("3"), "manifest_digest": digest("4"), "platform": "linux/amd64"},
            {"names": [], "image_id": null, "manifest_digest": null, "platform": null},
        ],
        "losses": ["an annotation"], "recompressed": [{"from": digest("5"), "to": digest("6"), "compression": "zstd"}],
        "bytes_in": u64::MAX,
    });
    let error = json!({"code": "digest", "class": "permanent", "message": "x\u{1b}", "member": "blobs/x"});
    let asked = json!({
        "in": "/in/x", "out": "/out/x", "tags": ["app:1"], "platform": "linux/arm64", "image": "@1", "size": 7, "id": "x",
    });
    [
        line("a", "ok", &full),
        line("b", "unchanged", &json!({})),
        line("c", "skipped", &json!({"out": null})),
        failed("d", "environment", "temporary"),
        line("e", "failed", &json!({"error": error, "line": asked})),
        end(Some("3/8")),
    ]
    .concat()
}

fn lines(stdout: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stdout).expect("a report is text");
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

#[test]
fn merged_reports_have_a_line_for_each_item_and_one_for_all() {
    let sandbox = Sandbox::new();
    let [one, cut, again] = three(&sandbox);
    let run = sandbox.command(["report", "merge"]).args([&one, &cut, &again]).run();
    assert_eq!(run.code, 1, "some failed for good: {run}");
    let merged = lines(&run.stdout);
    let told: Vec<_> = merged[..4].iter().map(|line| (line["item"].as_str(), line["status"].as_str())).collect();
    let want = [("a", "ok"), ("b", "ok"), ("c", "failed"), ("d", "failed")];
    assert_eq!(told, want.map(|(item, status)| (Some(item), Some(status))));
    let want = json!({
        "items": 4, "ok": 2, "unchanged": 0, "failed": 2, "temporary": 0, "skipped": 0, "bytes_in": 4_000_000,
        "bytes_out": 3_600_000, "seconds": 13.845, "shard": null, "interrupted": false,
    });
    assert_eq!(merged[4], json!({"schema": 1, "summary": want}));
    assert_eq!(merged.len(), 5);
    assert!(run.stderr.contains("2.jsonl: no summary"), "{run}");
    assert!(!run.stderr.contains("not complete"), "another process did what was left: {run}");

    // The order of files, and how they are put together, make no difference; nor does merging again.
    let mut files: Vec<Vec<u8>> = [&again, &cut, &one].map(|path| fs::read(path).expect("a report")).into();
    for turn in 0..3 {
        files.rotate_left(turn);
        let joined = sandbox.command(["report", "merge", "-"]).stdin(files.concat()).run();
        assert!(joined.stdout == run.stdout, "{joined}");
    }
    let merged = sandbox.put("merged.jsonl", &run.stdout);
    let twice = sandbox.command(["report", "merge"]).args([&merged]).run();
    assert!(twice.code == 1 && twice.stdout == run.stdout, "{twice}");
}

#[test]
fn the_exit_code_is_that_of_the_worst() {
    let sandbox = Sandbox::new();
    let (ok, there) = (line("a", "ok", &json!({})), line("b", "unchanged", &json!({})));
    let (gone, again) = (failed("c", "digest", "permanent"), failed("d", "environment", "temporary"));
    for (text, want) in [
        (ok.clone() + &there + &line("e", "skipped", &json!({})) + &end(None), 0),
        (end(None), 0),
        (ok.clone() + &gone + &end(None), 1),
        (ok.clone() + &gone + &again + &end(None), 75),
        (ok.clone() + &there, 75),
        (line("a", "ok", &json!({"shard": "0/2"})) + &end(Some("0/2")), 75),
        (String::new(), 75),
        (ok.clone() + "no report\n" + &end(None), 3),
    ] {
        let run = sandbox.command(["report", "merge", "-"]).stdin(text.clone()).run();
        assert_eq!(run.code, want, "{text}{run}");
    }
    assert!(sandbox.command(["report", "merge", "absent"]).fails(75).contains("absent"));
    assert!(sandbox.command(["report", "merge", "-", "-"]).stdin("").fails(2).contains("read once"));
}

#[test]
fn what_failed_is_a_list_for_another_try() {
    let sandbox = Sandbox::new();
    let asked = json!({"in": "/in/x", "out": "y", "tags": ["app:1"], "platform": "linux/arm64", "image": "@1"});
    let error = json!({"code": "environment", "class": "temporary", "message": "x", "member": null});
    let asking = line("x", "failed", &json!({"line": asked, "error": error}));
    let text = line("a", "ok", &json!({})) + &failed("c", "digest", "permanent") + &asking + &end(None);
    let list = |options: &[&str]| {
        let call = sandbox.command(["report", "failed", "-"]).args(options.iter().copied());
        lines(&call.stdin(text.clone()).ok().stdout)
    };
    let gone = json!({"in": "/in/c", "out": "c"});
    let again = json!({
        "in": "/in/x", "out": "y", "tags": ["app:1"], "platform": "linux/arm64", "image": "@1", "id": "x",
    });
    assert_eq!(list(&[]), [gone, again.clone()]);
    assert_eq!(list(&["--temporary"]), [again]);
}

#[test]
fn a_summary_is_for_people_and_for_programs() {
    let sandbox = Sandbox::new();
    let reports = three(&sandbox);
    let run = sandbox.command(["report", "summary"]).args(&reports).env("COLUMNS", "100").ok();
    let text = String::from_utf8(run.stdout).expect("a summary is text");
    let want = "\
4 items: 2 ok, 2 failed
4.00 MB read, 3.60 MB written by 3 processes, the longest of them 7.25 s; 13.8 s in items, 289 kB/s while at one

Failures
  ITEMS  CODE    CLASS      FOR EXAMPLE
      2  digest  permanent  /in/c: it is so

Slowest items
    TIME     READ       RATE  ITEM
  12.3 s  1.00 MB  81.0 kB/s  b
  0.50 s  1.00 MB  2.00 MB/s  a
  0.50 s  1.00 MB  2.00 MB/s  c
  0.50 s  1.00 MB  2.00 MB/s  d

Slowest processes
  SHARD  ITEMS  FAILED  READ   RATE    TIME  END
  0/2        0       0   0 B  0 B/s  7.25 s  done
  1/2        0       0   0 B  0 B/s  7.25 s  done
  -          0       0   0 B  0 B/s  7.25 s  done
";
    assert_eq!(text, want, "{text}");
    let json = sandbox.command(["report", "summary", "--json"]).args(&reports).ok().json();
    assert_eq!((&json["schema"], &json["summary"]["failed"]), (&json!(1), &json!(2)));
    let failure = json!({
        "code": "digest", "class": "permanent", "items": 2, "example": {"item": "c", "message": "/in/c: it is so"},
    });
    assert_eq!(json["failures"], json!([failure]));
    assert_eq!(json["slowest"][0], json!({"item": "b", "seconds": 12.345, "bytes_in": 1_000_000}));
    assert_eq!(json["processes"].as_array().map(Vec::len), Some(3));
}

/// Names in a report come from paths and archives.
#[test]
fn nothing_in_a_report_steers_a_terminal() {
    let sandbox = Sandbox::new();
    let evil = "a\u{1b}]0;x\u{7}\u{202e}b";
    let report = sandbox.put("r.jsonl", (failed(evil, "digest", "permanent") + &end(None)).as_bytes());
    for command in [&["merge"][..], &["summary"], &["summary", "--json"], &["failed"]] {
        let run = sandbox.command(["report"]).args(command.iter().copied()).args([&report]).run();
        let text = String::from_utf8(run.stdout.clone()).expect("text");
        crate::support::run::assert_printable(&text);
        assert!(text.contains("b"), "{command:?}: {run}");
    }
}

#[test]
fn reports_beyond_a_limit_are_refused_by_its_name() {
    let sandbox = Sandbox::new();
    let report = sandbox
        .put("r.jsonl", (line("aaaa", "ok", &json!({})) + &line("bbbb", "ok", &json!({})) + &end(None)).as_bytes());
    for (limit, low, enough) in [
        ("items", "1", "2"),
        ("line-bytes", "100", "1000"),
        ("list-bytes", "7", "8"),
        ("inflated-bytes", "100", "9999"),
    ] {
        let call = |value: &str| {
            let call = sandbox.command(["report", "merge", "--limit", &format!("{limit}={value}")]);
            if limit == "inflated-bytes" {
                call.arg("-").stdin(fs::read(&report).expect("a report"))
            } else {
                call.arg(&report)
            }
        };
        let run = call(low).run();
        assert_eq!(run.code, 3, "{limit}: {run}");
        assert!(run.stderr.contains(&format!("--limit {limit}=N")), "{limit}: {run}");
        call(enough).ok();
    }
}

/// Line after line is read twice, but only where it is stays in memory.
#[test]
fn a_hundred_thousand_items_fit_into_the_memory() {
    let sandbox = Sandbox::on_disk();
    let names = vec!["registry.example.com/team/a-component-with-a-long-name:2026.11.21"; 5];
    let image = json!({"names": names, "image_id": null, "manifest_digest": null, "platform": "linux/amd64"});
    let more = json!({"images": [image]});
    let like = line("some/folder/of/images/archive-NUMBER.tar", "ok", &more);
    let report: String = (0..100_000).map(|n| like.replace("NUMBER", &format!("{n:06}"))).collect();
    let report = sandbox.put("r.jsonl", (report + &end(None)).as_bytes());
    let run = sandbox.command(["report", "summary"]).arg(&report).ok();
    assert!(String::from_utf8_lossy(&run.stdout).starts_with("100000 items: 100000 ok\n"), "{run}");
    assert!(run.peak_kib < 64 << 10, "{} KiB", run.peak_kib);
}
