//! Sources that a command fetches, results that a command takes away, and what is tried again.

use std::fs;

use serde_json::json;

use super::fleet::{Fleet, contents, ends, outputs};

/// A place elsewhere: a folder that only the commands know.
fn elsewhere(number: usize) -> (Fleet, String) {
    let fleet = Fleet::new(number);
    fs::create_dir(fleet.sandbox.path("store")).expect("a folder can be made");
    let lines = fleet.images.keys().map(|name| json!({"in": format!("s3://bucket/{name}.tar"), "size": 7}).to_string());
    let list = lines.collect::<Vec<_>>().join("\n");
    (fleet, list)
}

const FETCH: &str = "x={in}; cp in/\"${x#s3://bucket/}\" {file}";
const STORE: &str = "x={out}; mkdir -p store/\"$(dirname \"$x\")\" && cp {file} store/\"$x\"";

#[test]
fn sources_are_fetched_and_results_are_stored() {
    let (fleet, list) = elsewhere(6);
    let call = |report: &str| {
        let call = fleet.call("oci-archive", report).args(["--fetch", FETCH, "--store", STORE, "--list", "-"]);
        call.stdin(list.clone())
    };
    call("report.jsonl").ok();
    assert_eq!(fleet.report().counts(), [6, 0, 0, 0]);
    assert_eq!(outputs(&fleet.sandbox.path("out")).len(), 0, "results are elsewhere");
    assert!(fs::read_dir(fleet.sandbox.tmp()).expect("a folder").next().is_none());
    let stored = contents(&fleet.sandbox.path("store"));
    fleet.sandbox.command(["batch", "--to", "oci-archive", "--out", "local", "in"]).ok();
    let names = |path: &str| contents(&fleet.sandbox.path(path)).into_values().collect::<Vec<_>>();
    assert!(names("local").iter().eq(stored.values()), "the bytes are those of a local run");
    call("report.jsonl").ok();
    assert_eq!(fleet.report().counts(), [0, 6, 0, 0]);
    // What was stored elsewhere is not here.
    fleet.call("oci-archive", "report.jsonl").args(["--fetch", FETCH, "--list", "-"]).stdin(list.clone()).ok();
    assert_eq!(fleet.report().counts(), [6, 0, 0, 0]);
    assert_eq!(outputs(&fleet.sandbox.path("out")).len(), 6);
}

#[test]
fn what_fails_once_is_tried_again() {
    let (fleet, list) = elsewhere(3);
    // The second and later calls for a source succeed.
    let fetch = format!("f=$(echo {{in}} | tr / _); echo x >> \"$f\"; [ $(wc -l < \"$f\") -gt 1 ] && {FETCH}");
    let call = |retries: &str, fetch: &str| {
        let call =
            fleet.call("oci-archive", "report.jsonl").args(["--retries", retries, "--list", "-", "--fetch", fetch]);
        call.stdin(list.clone())
    };
    let run = ends(call("0", &fetch), 75);
    assert_eq!(fleet.report().counts(), [0, 0, 3, 0]);
    let failed = &fleet.report().items[0];
    assert_eq!((&failed["error"]["class"], &failed["error"]["code"]), (&json!("temporary"), &json!("environment")));
    assert!(run.stderr.contains("--fetch") && run.stderr.contains("exit status: 1"), "{run}");
    for name in ["s3:__bucket_0_app-000.tar", "s3:__bucket_1_app-001.tar", "s3:__bucket_2_app-002.tar"] {
        fs::remove_file(fleet.sandbox.path(name)).expect("the command ran");
    }
    call("1", &fetch).ok();
    assert_eq!(fleet.report().counts(), [3, 0, 0, 0], "each item is told once");
    assert_eq!(outputs(&fleet.sandbox.path("out")).len(), 3);
}

#[test]
fn what_fails_always_is_left_for_another_run() {
    let (fleet, list) = elsewhere(3);
    let call = |fetch: &str, store: &str| {
        let call = fleet.call("oci-archive", "report.jsonl").args(["--retries", "1", "--list", "-"]);
        call.args(["--fetch", fetch, "--store", store]).stdin(list.clone())
    };
    let one = format!("case {{in}} in *app-001*) exit 3;; esac; {FETCH}");
    ends(call(&one, STORE), 75);
    assert_eq!(fleet.report().counts(), [2, 0, 1, 0]);
    ends(call(FETCH, "echo no room >&2; exit 1"), 75);
    assert_eq!(fleet.report().counts(), [0, 2, 1, 0]);
    call(FETCH, STORE).ok();
    assert_eq!(fleet.report().counts(), [1, 2, 0, 0]);
    // A command that says it succeeded and brought nothing.
    fs::remove_dir_all(fleet.sandbox.path("out")).expect("it is there");
    let run = ends(call("true", STORE), 75);
    assert!(run.stderr.contains("s3://bucket") || run.stderr.contains("app-00"), "{run}");
    assert_eq!(fleet.report().counts(), [0, 0, 3, 0]);
}

#[test]
fn names_go_into_commands_quoted() {
    let fleet = Fleet::new(1);
    let hostile = "it's $(touch pwned) `touch pwned`; {file} é.tar";
    fs::rename(fleet.path("0/app-000.tar"), fleet.path(hostile)).expect("it can be renamed");
    let list = json!({"in": format!("in/{hostile}")}).to_string();
    let call = fleet.call("oci-archive", "report.jsonl").args(["--fetch", "cp {in} {file}", "--list", "-"]).stdin(list);
    call.ok();
    assert_eq!(fleet.report().counts(), [1, 0, 0, 0]);
    assert!(!fleet.sandbox.path("pwned").exists());
}
