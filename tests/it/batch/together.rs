//! Several processes at one batch.

use std::collections::BTreeMap;

use super::fleet::{Fleet, Report, contents};

/// Processes that begin at the same time do each item once, and all end well.
#[test]
fn several_processes_divide_the_work() {
    let fleet = Fleet::new(60);
    fleet.batch("oci-archive").ok();
    let want = contents(&fleet.sandbox.path("out"));
    for processes in [2, 3, 2, 3] {
        std::fs::remove_dir_all(fleet.sandbox.path("out")).expect("it is there");
        let reports: Vec<_> = (0..processes).map(|n| format!("r{n}")).collect();
        std::thread::scope(|scope| {
            for report in &reports {
                let fleet = &fleet;
                scope.spawn(move || fleet.call("oci-archive", report).args(["--threads", "1", "in"]).ok());
            }
        });
        let mut times = BTreeMap::<String, usize>::new();
        for report in &reports {
            let report = Report::read(&fleet.sandbox.path(report));
            let [ok, unchanged, ..] = report.counts();
            assert_eq!(ok + unchanged, 60, "each process answers for each item");
            report.with("ok").into_iter().for_each(|item| *times.entry(item).or_default() += 1);
        }
        assert_eq!(times.len(), 60);
        assert!(times.values().all(|times| *times == 1), "{times:?}");
        assert!(contents(&fleet.sandbox.path("out")) == want);
        // Merged, they are one report in which each is done.
        let merged = fleet.sandbox.command(["report", "merge"]).args(&reports).ok();
        assert_eq!(Report::of(&merged.stdout).counts(), [60, 0, 0, 0]);
        fleet.batch("oci-archive").ok();
        assert_eq!(fleet.report().counts(), [0, 60, 0, 0]);
    }
}

/// Two that ask for different things of one folder take turns: each item is whole, as one of them wants it.
#[test]
fn processes_with_different_wishes_harm_nobody() {
    let fleet = Fleet::new(12);
    let call = |compression: &'static str| {
        fleet.call("oci-archive", compression).args(["in", "--compression", compression, "--threads", "1"])
    };
    for _ in 0..3 {
        std::thread::scope(|scope| {
            for compression in ["gzip", "zstd"] {
                scope.spawn(move || call(compression).ok());
            }
        });
        fleet.assert_whole("oci-archive");
    }
}

#[test]
fn a_report_belongs_to_one_run() {
    let fleet = Fleet::new(4);
    std::fs::create_dir(fleet.sandbox.path("reports")).expect("a folder can be made");
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| fleet.call("oci-archive", "reports/").arg("in").ok());
        }
    });
    let reports: Vec<_> = std::fs::read_dir(fleet.sandbox.path("reports")).expect("a folder").flatten().collect();
    assert_eq!(reports.len(), 3);
    let reports: Vec<_> = reports.iter().map(|report| Report::read(&report.path())).collect();
    assert!(reports.iter().all(|report| report.items.len() == 4 && report.summary.is_some()), "{reports:?}");
    assert_eq!(reports.iter().map(|report| report.counts()[0]).sum::<usize>(), 4);
}
