//! A rerun does what is left, what changed, and nothing else.

use std::fs;

use super::fleet::{Fleet, contents, ends, member, outputs};

const JOURNAL: &str = "out/.transload/journal.jsonl";

#[track_caller]
fn again(fleet: &Fleet, args: &[&str], want: [usize; 4]) {
    let run = fleet.batch("oci-archive").args(args).run();
    assert_eq!(fleet.report().counts(), want, "{args:?}: {run}");
}

#[test]
fn what_is_done_and_unchanged_is_passed_over() {
    let fleet = Fleet::new(6);
    again(&fleet, &[], [6, 0, 0, 0]);
    let first = fleet.report();
    let journal = fs::read(fleet.sandbox.path(JOURNAL)).expect("a journal");
    again(&fleet, &[], [0, 6, 0, 0]);
    assert_eq!(
        fs::read(fleet.sandbox.path(JOURNAL)).expect("a journal"),
        journal,
        "a rerun without work writes nothing"
    );
    let second = fleet.report();
    for item in &second.items {
        let before = first.item(item["item"].as_str().expect("a key"));
        for key in ["in_digest", "out_digest", "images", "bytes_out", "out", "losses"] {
            assert_eq!(item[key], before[key], "{key}");
        }
    }
    // What makes no difference to a result makes none here.
    again(&fleet, &["--threads", "1", "--verify-output", "--layer-cache", "cache"], [0, 6, 0, 0]);
    fleet.assert_whole("oci-archive");
}

#[test]
fn what_changed_is_done_again() {
    let mut fleet = Fleet::new(6);
    again(&fleet, &[], [6, 0, 0, 0]);
    // A source is another one now, of any size.
    fleet.put("1/app-001.tar", &member(11), 1);
    fleet.images.insert("1/app-001".to_owned(), member(11));
    again(&fleet, &[], [1, 5, 0, 0]);
    fleet.assert_whole("oci-archive");
    // A source was touched: nobody knows why.
    let file = fs::File::options().write(true).open(fleet.path("2/app-002.tar")).expect("a file");
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("a time can be set");
    again(&fleet, &[], [1, 5, 0, 0]);
    // A result is gone, or is not what was written.
    fs::remove_file(fleet.sandbox.path("out/3/app-003.oci.tar")).expect("it is there");
    fs::write(fleet.sandbox.path("out/0/app-000.oci.tar"), "changed").expect("it can be written");
    again(&fleet, &[], [2, 4, 0, 0]);
    fleet.assert_whole("oci-archive");
    for options in [&["--compression", "zstd"][..], &["--compression", "gzip", "--compression-level", "9"], &[]] {
        again(&fleet, options, [6, 0, 0, 0]);
        again(&fleet, options, [0, 6, 0, 0]);
    }
    fleet.assert_whole("oci-archive");
    // A source became damaged: its older result stays, and is replaced when the source is mended.
    let whole = fs::read(fleet.path("1/app-001.tar")).expect("a file");
    fs::write(fleet.path("1/app-001.tar"), &whole[..whole.len() / 2]).expect("it can be written");
    again(&fleet, &[], [0, 5, 1, 0]);
    fleet.assert_whole("oci-archive");
    fleet.put("1/app-001.tar", &member(12), 1);
    fleet.images.insert("1/app-001".to_owned(), member(12));
    again(&fleet, &[], [1, 5, 0, 0]);
    fleet.assert_whole("oci-archive");
}

/// The same for folders, of which a file deep inside changes and keeps its size.
#[test]
fn what_changed_inside_a_folder_is_done_again() {
    let fleet = Fleet::new(0);
    let layout = |tag: &str| crate::support::Layout::new().named(&member(1), tag).tree();
    fleet.sandbox.put_tree("in/layout", &layout("docker.io/demo/app:1"));
    let run = |want| {
        fleet.batch("oci-dir").ok();
        assert_eq!(fleet.report().counts(), want);
    };
    run([1, 0, 0, 0]);
    run([0, 1, 0, 0]);
    let index = layout("docker.io/demo/app:2").file("index.json").to_vec();
    fs::write(fleet.path("layout/index.json"), index).expect("it can be written");
    run([1, 0, 0, 0]);
    assert_eq!(fleet.report().items[0]["images"][0]["names"][0], "docker.io/demo/app:2");
    run([0, 1, 0, 0]);
    let index = fleet.sandbox.path("out/layout.oci/index.json");
    let text = fs::read_to_string(&index).expect("it is there");
    fs::write(&index, text.replace("app:2", "app:3")).expect("it can be written");
    run([1, 0, 0, 0]);
    assert_eq!(fs::read_to_string(&index).expect("it is there"), text);
    fs::remove_file(fleet.sandbox.path("out/layout.oci/oci-layout")).expect("it is there");
    run([1, 0, 0, 0]);
    assert_eq!(outputs(&fleet.sandbox.path("out")).len(), 1);
}

/// However much of its last lines is lost, a rerun ends with the same results, and takes none of them for a user's.
#[test]
fn a_journal_that_was_cut_anywhere_is_gone_on_with() {
    let fleet = Fleet::new(3);
    again(&fleet, &["--threads", "1"], [3, 0, 0, 0]);
    let results = contents(&fleet.sandbox.path("out"));
    let whole = fs::read(fleet.sandbox.path(JOURNAL)).expect("a journal");
    let ends: Vec<_> = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    assert_eq!(ends.len(), 6, "a line for each begin and each end");
    // Each byte would be hundreds of runs; the ends of lines and every so many bytes between them are tried.
    let cuts = (ends[2]..=whole.len()).step_by(67).chain(ends[2..].iter().flat_map(|end| [end - 1, *end]));
    for cut in cuts {
        fs::write(fleet.sandbox.path(JOURNAL), &whole[..cut]).expect("it can be written");
        let run = fleet.batch("oci-archive").run();
        let [ok, unchanged, failed, _] = fleet.report().counts();
        // Results whose begin was lost, too, look like a user's.
        let lost = fleet.report().items.iter().filter(|item| item["error"]["code"] == "exists").count();
        assert_eq!((ok + unchanged + failed, failed), (3, lost), "{run}");
        assert_eq!(run.code, i32::from(lost > 0), "{run}");
        // A last line of which nothing but its end is missing is known as soon as something is added.
        let known = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches("\"record\":null}").count();
        let ended = ends.iter().rfind(|end| **end <= cut).copied().unwrap_or(0);
        assert!((3 - known(&whole[..cut])..=3 - known(&whole[..ended])).contains(&lost), "{lost} lost, cut at {cut}");
        assert!(contents(&fleet.sandbox.path("out")) == results, "cut at {cut}");
        // The journal is whole again.
        let run = fleet.batch("oci-archive").run();
        let only_its_end = whole.get(cut) == Some(&b'\n');
        assert!(only_its_end || fleet.report().counts() == [0, 3 - lost, lost, 0], "cut at {cut}: {run}");
    }
}

#[test]
fn what_is_no_journal_stops_nobody() {
    let fleet = Fleet::new(3);
    fs::create_dir_all(fleet.sandbox.path("out/.transload")).expect("a folder can be made");
    for bytes in
        [&b"\0\xff garbage"[..], b"{}\n[]\nnull\n{\"schema\": 9}\n", b"\n\n\r\n\r", b"{\"schema\":1,\"item\":7"]
    {
        fs::write(fleet.sandbox.path(JOURNAL), bytes).expect("it can be written");
        again(&fleet, &["--force"], [3, 0, 0, 0]);
        again(&fleet, &[], [0, 3, 0, 0]);
    }
}

#[test]
fn a_users_own_file_is_never_replaced_unasked() {
    for to in ["oci-archive", "oci-dir"] {
        let fleet = Fleet::new(3);
        let extension = if to == "oci-dir" { "oci" } else { "oci.tar" };
        let own = fleet.sandbox.path(&format!("out/1/app-001.{extension}"));
        fs::create_dir_all(own.parent().expect("it is in a folder")).expect("a folder can be made");
        let text = if to == "oci-dir" { own.join("index.json") } else { own.clone() };
        if to == "oci-dir" {
            crate::support::Layout::new().named(&member(50), "demo/own:1").tree().write_to(&own);
        } else {
            fs::write(&own, "precious").expect("it can be written");
        }
        let read = || fs::read(&text).expect("it is there");
        let precious = read();
        for want in [[2, 0, 1, 0], [0, 2, 1, 0]] {
            ends(fleet.batch(to), 1);
            assert_eq!(fleet.report().counts(), want);
            assert_eq!(fleet.report().code(&format!("1/app-001.{extension}")), "exists");
            assert_eq!(read(), precious);
        }
        fleet.batch(to).arg("--force").ok();
        // Asked for is asked for again: what is done and unchanged needs no force.
        assert_eq!(fleet.report().counts(), [1, 2, 0, 0]);
        fleet.assert_whole(to);
    }
}

/// An item failed before anything was at its place. What somebody puts there afterwards is his.
#[test]
fn a_failure_gives_no_right_to_what_comes_later() {
    let fleet = Fleet::new(1);
    let whole = fs::read(fleet.path("0/app-000.tar")).expect("a file");
    fs::write(fleet.path("0/app-000.tar"), &whole[..whole.len() / 2]).expect("it can be written");
    again(&fleet, &[], [0, 0, 1, 0]);
    let own = fleet.sandbox.path("out/0/app-000.oci.tar");
    fs::write(&own, "precious").expect("it can be written");
    fs::write(fleet.path("0/app-000.tar"), whole).expect("it can be written");
    again(&fleet, &[], [0, 0, 1, 0]);
    assert_eq!(fs::read(own).expect("it is there"), b"precious");
}

/// Markers say the same whoever writes them and whenever; without a journal they are enough.
#[test]
fn markers_tell_what_is_done() {
    let fleet = Fleet::new(4);
    let markers = || {
        let folder = fleet.sandbox.path("done");
        let names = fs::read_dir(&folder).expect("a folder").flatten().map(|entry| entry.path());
        names
            .map(|path| (path.clone(), fs::read(path).expect("a marker")))
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    again(&fleet, &["--done", "done/batch-"], [4, 0, 0, 0]);
    let first = markers();
    assert_eq!(first.len(), 4);
    assert!(first.keys().all(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("batch-"))));
    fs::remove_dir_all(fleet.sandbox.path("out/.transload")).expect("it is there");
    again(&fleet, &["--done", "done/batch-"], [0, 4, 0, 0]);
    assert_eq!(markers(), first);
    // Written again, by another number of threads, they are the same.
    fs::remove_dir_all(fleet.sandbox.path("done")).expect("it is there");
    fs::remove_dir_all(fleet.sandbox.path("out")).expect("it is there");
    again(&fleet, &["--done", "done/batch-", "--threads", "1"], [4, 0, 0, 0]);
    assert_eq!(markers(), first);
    // A marker whose result is gone says nothing, and neither does one that was cut.
    fs::remove_dir_all(fleet.sandbox.path("out/.transload")).expect("it is there");
    fs::remove_file(fleet.sandbox.path("out/1/app-001.oci.tar")).expect("it is there");
    again(&fleet, &["--done", "done/batch-"], [1, 3, 0, 0]);
    for path in first.keys() {
        fs::write(path, "{\"schema\":1").expect("it can be written");
    }
    again(&fleet, &["--done", "done/batch-"], [0, 1, 3, 0]);
    again(&fleet, &["--done", "done/batch-", "--force"], [3, 1, 0, 0]);
    fleet.assert_whole("oci-archive");
}
