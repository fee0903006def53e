//! Reports of many processes, put together.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::batch::record::{Ending, Failure};
use crate::digest::Digest;
use crate::error::ErrorKind;

fn record(item: &str, rank: Rank, shard: Option<Shard>) -> Record {
    let (status, temporary) = rank.status();
    let mut record = Record::new(item, format!("in/{item}"), status);
    record.shard = shard;
    (record.bytes_in, record.seconds) = (100, Duration::from_millis(1500));
    let kind = if temporary { ErrorKind::Environment } else { ErrorKind::Damaged };
    record.error = (status == Status::Failed).then(|| Failure::of(&Error::new(kind, "it is so")));
    record
}

fn line(item: &str, rank: Rank) -> String {
    record(item, rank, None).to_json_line()
}

fn end(shard: Option<Shard>, interrupted: bool) -> String {
    Summary { shard, interrupted, ..Summary::default() }.to_json_line()
}

fn reports(texts: &[&str]) -> Result<Reports<Cursor<Vec<u8>>>> {
    let mut reports = Reports::new(&Context::default());
    for (number, text) in texts.iter().enumerate() {
        reports.add(&format!("r{number}"), Cursor::new(text.as_bytes().to_vec()))?;
    }
    Ok(reports)
}

fn statuses(reports: &mut Reports<Cursor<Vec<u8>>>) -> Vec<(String, Rank)> {
    reports.records().map(|record| record.map(|record| (record.item.clone(), Rank::of(&record))).unwrap()).collect()
}

#[test]
fn what_tells_most_counts_in_any_order() {
    use Rank::{Failed, Ok, Skipped, Temporary, Unchanged};
    for (one, other, want) in [
        (Ok, Unchanged, Ok),
        (Ok, Failed, Ok),
        (Unchanged, Failed, Unchanged),
        (Failed, Temporary, Failed),
        (Temporary, Skipped, Temporary),
        (Failed, Skipped, Failed),
    ] {
        for [first, second] in [[one, other], [other, one]] {
            let texts = [line("a", first) + &end(None, false), line("a", second) + &end(None, false)];
            let mut both = reports(&[&texts[0], &texts[1]]).unwrap();
            assert_eq!(statuses(&mut both), [("a".to_owned(), want)]);
            let mut joined = reports(&[&texts.concat()]).unwrap();
            assert_eq!(statuses(&mut joined), [("a".to_owned(), want)], "files that were put together");
        }
    }
}

#[test]
fn a_result_of_another_source_does_not_count_for_a_later_one() {
    let of = |digest: Option<&str>, rank| {
        let mut record = record("a", rank, None);
        record.in_digest = digest.map(|text| Digest::of(text.as_bytes()));
        record.to_json_line()
    };
    for (before, after, want) in [
        (of(Some("x"), Rank::Ok), of(Some("y"), Rank::Failed), Rank::Failed),
        (of(Some("x"), Rank::Ok), of(Some("x"), Rank::Failed), Rank::Ok),
        (of(Some("x"), Rank::Ok), of(None, Rank::Failed), Rank::Ok),
    ] {
        let mut reports = reports(&[&(before + &after)]).unwrap();
        assert_eq!(statuses(&mut reports), [("a".to_owned(), want)]);
    }
}

#[test]
fn items_are_sorted_and_counted_once() {
    let (a, b) = (line("b", Rank::Ok) + &line("c", Rank::Temporary), line("a", Rank::Failed) + &line("b", Rank::Ok));
    let mut merged = reports(&[&(a + &end(None, false)), &(b + &end(None, false))]).unwrap();
    let names: Vec<String> = statuses(&mut merged).into_iter().map(|(item, _)| item).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let summary = merged.summary();
    assert_eq!((summary.items, summary.ok, summary.failed, summary.temporary), (3, 1, 1, 1));
    assert_eq!((summary.bytes_in, summary.seconds), (300, Duration::from_millis(4500)));
    assert_eq!(summary.ending(), Ending::TryAgain);
}

#[test]
fn what_was_cut_off_is_passed_over_and_told() {
    let (whole, last) = (line("a", Rank::Ok), line("b", Rank::Ok));
    let cut = &last[..last.len() - 30];
    let done = line("c", Rank::Ok) + &end(None, false);
    for (text, names, is_cut) in [
        (whole.clone(), vec!["a"], true),
        (String::new(), vec![], true),
        (whole.clone() + cut, vec!["a"], true),
        (whole.clone() + cut + &done, vec!["a", "c"], false),
        (whole.clone() + last.trim_end(), vec!["a", "b"], true),
        (whole.clone() + last.trim_end() + &done, vec!["a", "c"], false),
        (whole.clone() + end(None, false).trim_end(), vec!["a"], false),
    ] {
        let mut reports = reports(&[&text]).unwrap();
        assert_eq!(!reports.cut().is_empty(), is_cut, "{text}");
        let found: Vec<String> = statuses(&mut reports).into_iter().map(|(item, _)| item).collect();
        assert_eq!(found, names, "{text}");
        assert_eq!(reports.summary().interrupted, is_cut, "{text}");
    }
    let error = reports(&[&(whole + "garbage\n" + &done)]).unwrap_err();
    assert!(error.to_string().starts_with("r0: line 2: not a line of a report: "), "{error}");
}

#[test]
fn a_shard_is_complete_when_one_of_its_processes_is() {
    let shard = |index| Shard::new(index, 3);
    let told = |shard, end: Option<bool>| {
        let line = record("a", Rank::Ok, shard).to_json_line();
        line + &end.map(|interrupted| self::end(shard, interrupted)).unwrap_or_default()
    };
    for (texts, want) in [
        (vec![told(shard(0), Some(false)), told(shard(1), Some(false)), told(shard(2), Some(false))], vec![]),
        (vec![told(shard(0), Some(false)), told(shard(1), None)], vec![shard(1), shard(2)]),
        (vec![told(shard(0), Some(true)), told(shard(1), Some(false)), told(shard(2), None)], vec![shard(0), shard(2)]),
        (
            vec![
                told(shard(0), None),
                told(shard(0), Some(false)),
                told(shard(1), Some(false)),
                told(shard(2), Some(false)),
            ],
            vec![],
        ),
        (vec![told(None, Some(true))], vec![None]),
        (vec![told(None, None), told(None, Some(false))], vec![]),
    ] {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let reports = reports(&texts).unwrap();
        assert_eq!(reports.incomplete(10), want);
        assert_eq!(reports.summary().ending() == Ending::TryAgain, !want.is_empty());
    }
    let merged = |items| {
        let line = told(shard(0), None) + &told(shard(1), None).replace("\"a\"", "\"b\"");
        line + &Summary { items, ..Summary::default() }.to_json_line()
    };
    assert_eq!(reports(&[&merged(2)]).unwrap().incomplete(10), [], "a merged report speaks for all of them");
    let behind = told(shard(2), None) + &merged(2);
    assert_eq!(reports(&[&behind]).unwrap().incomplete(10), [shard(0), shard(1), shard(2)], "but not for others");
    let huge = record("a", Rank::Ok, Shard::new(7, u32::MAX)).to_json_line();
    assert_eq!(reports(&[&huge]).unwrap().incomplete(3).len(), 3);
}

#[test]
fn reports_have_ceilings() {
    let text = line("aaaa", Rank::Ok) + &line("bbbb", Rank::Ok) + &line("aaaa", Rank::Ok);
    for (limit, low, enough) in [("items", "1", "2"), ("line-bytes", "100", "1000"), ("list-bytes", "7", "8")] {
        let with = |value| {
            let mut cx = Context::default();
            cx.limits.set(limit, value).unwrap();
            Reports::new(&cx).add("r", Cursor::new(text.clone().into_bytes()))
        };
        let error = with(low).unwrap_err();
        assert!(error.advice().is_some_and(|advice| advice.contains(limit)), "{error}");
        assert!(with(enough).is_ok(), "{limit}");
    }
}

proptest! {
    /// Processes that ran in any order, in files of any order, make the same report.
    #[test]
    fn order_makes_no_difference(
        lines in prop::collection::vec(("[a-d]", 0..5_usize), 0..12).prop_shuffle(), turn in 0..12_usize,
    ) {
        let ranks = [Rank::Skipped, Rank::Temporary, Rank::Failed, Rank::Unchanged, Rank::Ok];
        let mut texts: Vec<String> =
            lines.iter().map(|(item, rank)| line(item, ranks[*rank]) + &end(None, false)).collect();
        let found = |texts: &[String]| {
            let mut reports = reports(&texts.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
            (statuses(&mut reports), reports.summary())
        };
        let before = found(&texts);
        let turn = turn.min(texts.len());
        texts.rotate_left(turn);
        prop_assert_eq!(found(&texts), before);
    }
}
