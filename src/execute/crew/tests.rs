//! Lanes keep their order, and the first error is told.

use std::num::NonZeroUsize;

use super::*;
use crate::codec::{Compression, CompressionLevel};
use crate::content::Meter;
use crate::digest::Algorithm;

/// Keeps what it is given.
struct Keep<'a> {
    kept: &'a Mutex<BTreeMap<LaneId, Vec<u8>>>,
    lane: LaneId,
    fails_after: Option<usize>,
}

impl Committer for Keep<'_> {
    fn block(&mut self, read: &[u8], _: Option<&[u8]>) -> Result<()> {
        let mut kept = self.kept.lock().unwrap();
        let own = kept.entry(self.lane).or_default();
        own.extend_from_slice(read);
        match self.fails_after {
            Some(len) if own.len() > len => Err(Error::damaged(format!("lane {} fails", self.lane))),
            _ => Ok(()),
        }
    }

    fn end(&mut self, _: Read) -> Result<()> {
        Ok(())
    }
}

fn nothing() -> Read {
    Read { stored: Some(Meter::new(Algorithm::Sha256).finish()), plain: None, made: None }
}

fn hands(threads: usize) -> Hands {
    Hands::mine_and_others(NonZeroUsize::new(threads).unwrap())
}

/// Runs tasks that hand on `len(lane)` bytes in pieces of odd sizes.
fn run_lanes(
    threads: usize,
    lanes: usize,
    encoding: Option<Encoding>,
    fails_after: impl Fn(LaneId) -> Option<usize> + Sync,
) -> (Result<()>, BTreeMap<LaneId, Vec<u8>>) {
    let kept = Mutex::default();
    let tasks = vec![(); lanes];
    let done = run(&hands(threads), &tasks, |crew, lane, ()| {
        crew.open(lane, Box::new(Keep { kept: &kept, lane, fails_after: fails_after(lane) }));
        let mut feed = Feed::new(crew, lane, encoding);
        for piece in bytes_of(lane).chunks(70_001) {
            feed.give(piece)?;
        }
        feed.end()?;
        crew.end(lane, nothing())?;
        crew.close(lane)
    });
    (done, kept.into_inner().unwrap())
}

fn bytes_of(lane: LaneId) -> Vec<u8> {
    (0..lane * 1_300_000 % 5_000_000 + 1).map(|i| (i * (lane + 1) / 7) as u8).collect()
}

#[test]
fn every_lane_keeps_its_order() {
    let zstd = Encoding::new(Compression::Zstd, Some(CompressionLevel::Number(1))).unwrap();
    for (threads, encoding) in [(1, None), (2, None), (8, None), (1, Some(zstd)), (3, Some(zstd))] {
        let (done, kept) = run_lanes(threads, 7, encoding, |_| None);
        done.unwrap();
        assert!((0..7).all(|lane| kept[&lane] == bytes_of(lane)), "{threads} {encoding:?}");
    }
}

#[test]
fn the_error_of_the_first_lane_is_told() {
    for threads in [1, 2, 8] {
        for _ in 0..20 {
            let (done, _) = run_lanes(threads, 6, None, |lane| [None, None, Some(1), None, Some(0), Some(0)][lane]);
            assert_eq!(done.unwrap_err().to_string(), "lane 2 fails", "{threads}");
        }
    }
}

#[test]
fn a_task_that_fails_or_panics_is_an_error_behind_what_it_handed_on() {
    for (threads, panics) in [(1, false), (4, false), (1, true), (4, true)] {
        let kept = Mutex::default();
        let done = run(&hands(threads), &[(); 3], |crew, lane, ()| {
            crew.open(lane, Box::new(Keep { kept: &kept, lane, fails_after: None }));
            let mut feed = Feed::new(crew, lane, None);
            feed.give(&[1; 600_000])?;
            feed.end()?;
            assert!(!panics, "as it should");
            Err(Error::damaged(format!("task {lane}")))
        });
        let told = done.unwrap_err().to_string();
        assert!(if panics { told.contains("unexpectedly") } else { told == "task 0" }, "{told}");
        assert_eq!(kept.into_inner().unwrap()[&0].len(), 600_000);
    }
}
