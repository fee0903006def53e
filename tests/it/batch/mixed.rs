//! A folder with everything in it: each item gets an answer of its own, and none stops the others.

use std::fs;

use super::fleet::{Fleet, Report, contents, ends, member, outputs};
use crate::support::{Codec, Layout};

/// Archives, and beside them what is none or damaged.
fn mixed() -> Fleet {
    let fleet = Fleet::new(6);
    fleet.sandbox.put_tree("in/layout", &Layout::new().named(&member(9), "docker.io/demo/app:9").tree());
    let mut cut = fs::read(fleet.path("0/app-000.tar")).expect("an archive");
    cut.truncate(cut.len() / 2);
    fs::write(fleet.path("cut.tar"), cut).expect("it can be written");
    fs::write(fleet.path("notes.txt"), "no archive").expect("it can be written");
    fs::write(fleet.path("named.tar"), "no archive either").expect("it can be written");
    fs::write(fleet.path("foreign.tgz"), Codec::Gzip.pack(b"a compressed text")).expect("it can be written");
    fs::write(fleet.path("other.tar"), crate::support::files(&[("a", "b")]).tar).expect("it can be written");
    fleet
}

#[test]
fn a_mixed_folder_is_converted_as_far_as_that_can_be() {
    let mut fleet = mixed();
    ends(fleet.batch("docker-archive"), 1);
    let report = fleet.report();
    assert_eq!(report.counts(), [7, 0, 1, 4], "{report:?}");
    assert_eq!(report.with("failed"), ["cut.docker.tar"]);
    let skipped = report.items.iter().filter(|item| item["status"] == "skipped");
    for item in skipped {
        assert_eq!(item["error"]["code"], "no-archive", "{item}");
    }
    let summary = report.summary.as_ref().expect("it ended");
    for (key, want) in [("items", 12), ("ok", 7), ("failed", 1), ("temporary", 0), ("skipped", 4)] {
        assert_eq!(summary[key], want, "{key}");
    }
    assert_eq!(summary["interrupted"], false);
    fleet.images.insert("layout".to_owned(), member(9));
    fleet.assert_whole("docker-archive");
    let ok = report.item("1/app-001.docker.tar");
    assert_eq!(ok["in"], "in/1/app-001.tar");
    assert_eq!(ok["out"], "out/1/app-001.docker.tar");
    assert_eq!(ok["images"][0]["image_id"], member(1).id());
    assert!(ok["in_digest"].is_string() && ok["out_digest"].is_string() && ok["error"].is_null(), "{ok}");
    assert_eq!(
        ok["bytes_out"],
        fs::metadata(fleet.sandbox.path("out/1/app-001.docker.tar")).expect("it is there").len()
    );
}

#[test]
fn verifying_and_inspecting_write_nothing() {
    let fleet = mixed();
    let run = |args: &[&str], code| {
        let call = fleet.sandbox.command(["batch", "--report", "-"]).args(args);
        Report::of(&ends(call, code).stdout)
    };
    let verified = run(&["--verify-only", "in"], 1);
    // Damage is not only found, it is said what it is; what is no archive of images is no damage.
    assert_eq!(verified.with("failed"), ["in/cut.tar"], "{verified:?}");
    assert_eq!(verified.counts(), [7, 0, 1, 4]);
    let inspected = run(&["--inspect-only", "in/0", "in/1", "in/layout"], 0);
    assert_eq!(inspected.counts(), [5, 0, 0, 0]);
    assert_eq!(inspected.item("in/layout")["images"][0]["image_id"], member(9).id());
    assert_eq!(inspected.item("in/1/app-005.tar")["images"][0]["names"][0], "docker.io/demo/app:5");
    let mut names = fleet.sandbox.names();
    names.retain(|name| name != "in");
    assert_eq!(names, [""; 0]);
    // The same name below two folders is two archives here.
    let twice = run(&["--verify-only", "in/0", "in/0/../0"], 0);
    assert_eq!(twice.counts(), [4, 0, 0, 0]);
}

#[test]
fn no_more_than_so_many_failures() {
    let fleet = Fleet::new(0);
    for n in 0..10 {
        fs::write(
            fleet.path(&format!("{n}.tar")),
            crate::support::docker(&[member(n)], crate::support::Style::Plain).remove("0-0.tar").tar(),
        )
        .expect("it can be written");
    }
    for (most, fewest, largest) in [("0", 1, 4), ("3", 4, 7), ("100", 10, 10)] {
        let call = fleet.batch("oci-archive").args(["--threads", "1", "--max-failures", most]);
        ends(call, 1);
        let report = fleet.report();
        let failed = report.with("failed").len();
        assert!((fewest..=largest).contains(&failed), "{failed} failed of at most {most}");
        assert_eq!(report.summary.expect("it ended")["interrupted"], false);
    }
    assert_eq!(outputs(&fleet.sandbox.path("out")).len(), 0);
}

#[test]
fn what_is_written_can_be_verified_before_it_gets_its_name() {
    let fleet = Fleet::new(8);
    for threads in ["1", "3"] {
        for to in ["oci-archive", "oci-dir"] {
            fleet.batch(to).args(["--verify-output", "--threads", threads, "--force"]).ok();
        }
        assert_eq!(contents(&fleet.sandbox.path("out")).len(), 16);
    }
}
