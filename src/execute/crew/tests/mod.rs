//! Lanes keep their order, and the first error is told.

mod storm;
mod waiting;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::*;
use crate::codec::{BLOCK_LEN, BlockEncoder, Compression, CompressionLevel, decoder};
use crate::content::{Measured, Meter, Receiver};
use crate::digest::Algorithm;
use crate::error::Error;
use crate::limits::Limits;

/// Nothing here takes so long but what waits for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns what `work` comes to, and fails if it does not come to its end.
fn ends<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, end) = channel();
    std::thread::spawn(move || sender.send(work()));
    match end.recv_timeout(PATIENCE) {
        Ok(end) => end,
        Err(RecvTimeoutError::Timeout) => panic!("somebody waits for ever"),
        Err(RecvTimeoutError::Disconnected) => panic!("somebody panicked"),
    }
}

/// Keeps what it is given.
struct Keep<'a> {
    kept: &'a Mutex<BTreeMap<LaneId, Kept>>,
    lane: LaneId,
    fails_after: Option<usize>,
}

#[derive(Default)]
struct Kept {
    stored: Vec<u8>,
    plain: Vec<u8>,
    made: Vec<u8>,
    ended: Option<Facts>,
}

impl Committer for Keep<'_> {
    fn block(&mut self, streams: Streams<'_>) -> Result<()> {
        let mut kept = self.kept.lock().unwrap();
        let own = kept.entry(self.lane).or_default();
        own.stored.extend_from_slice(streams.stored);
        own.plain.extend_from_slice(streams.plain);
        own.made.extend_from_slice(streams.made);
        match self.fails_after {
            Some(len) if own.plain.len() > len => Err(Error::damaged(format!("lane {} fails", self.lane))),
            _ => Ok(()),
        }
    }

    fn would_wait(&self) -> bool {
        self.lane % 2 == 1
    }

    fn end(&mut self, facts: Facts) -> Result<()> {
        self.kept.lock().unwrap().entry(self.lane).or_default().ended = Some(facts);
        Ok(())
    }
}

/// Measures all streams.
struct Measure([Meter; 3]);

impl Measure {
    fn new() -> Self {
        Self(std::array::from_fn(|_| Meter::new(Algorithm::Sha256)))
    }
}

impl Measurer for Measure {
    fn block(&mut self, streams: Streams<'_>) {
        let Self([stored, plain, made]) = self;
        stored.update(streams.stored);
        plain.update(streams.plain);
        made.update(streams.made);
    }

    fn end(&mut self, known: Option<Facts>) -> Facts {
        let [stored, plain, made] = std::mem::replace(self, Self::new()).0.map(Meter::finish);
        known.unwrap_or(Facts { stored, plain: Some(plain), made: Some(made) })
    }
}

fn measured(bytes: &[u8]) -> Measured {
    let mut meter = Meter::new(Algorithm::Sha256);
    meter.update(bytes);
    meter.finish()
}

fn hands(threads: usize) -> Hands {
    Hands::mine_and_others(NonZeroUsize::new(threads).unwrap())
}

/// Runs tasks that hand on [`bytes_of`] in pieces of odd sizes, and beside them half as many stored ones, if `is_plain`
/// does not say that they are the same.
fn run_lanes(
    threads: usize,
    lanes: usize,
    (encoding, is_plain): (Option<Encoding>, fn(LaneId) -> bool),
    fails_after: impl Fn(LaneId) -> Option<usize> + Sync,
) -> (Result<()>, BTreeMap<LaneId, Kept>) {
    let kept = Mutex::default();
    let tasks = vec![(); lanes];
    let done = run(&hands(threads), &tasks, |crew, lane, ()| {
        let keep = Keep { kept: &kept, lane, fails_after: fails_after(lane) };
        let is_plain = is_plain(lane);
        crew.open(lane, Box::new(Measure::new()), Box::new(keep));
        let mut feed = Feed::new(crew, lane, encoding, is_plain);
        for piece in bytes_of(lane).chunks(70_001) {
            if !is_plain {
                feed.plain(piece)?;
            }
            let mut stored = piece[..piece.len() / if is_plain { 1 } else { 2 }].to_vec();
            feed.stored(&mut stored)?;
        }
        feed.end()?;
        crew.end(lane, None)?;
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
        for is_plain in [|_| true, |_| false, |lane| lane % 2 == 0] as [fn(LaneId) -> bool; 3] {
            let (done, kept) = run_lanes(threads, 7, (encoding, is_plain), |_| None);
            done.unwrap();
            for (lane, kept) in kept {
                let plain = bytes_of(lane);
                let halves = plain.chunks(70_001).flat_map(|piece| &piece[..piece.len() / 2]).copied();
                let stored: Vec<u8> = if is_plain(lane) { Vec::new() } else { halves.collect() };
                assert!(kept.plain == plain && kept.stored == stored, "{threads} {encoding:?} {lane}");
                let Facts { stored, plain, made } = kept.ended.unwrap();
                assert_eq!(stored, measured(&kept.stored));
                assert_eq!((plain, made), (Some(measured(&kept.plain)), Some(measured(&kept.made))));
                assert_eq!(encoding.is_some(), !kept.made.is_empty());
                let mut back = Vec::new();
                let compression = encoding.map_or(Compression::None, Encoding::compression);
                let mut decoder = decoder(compression, &kept.made[..], &Limits::default()).unwrap();
                std::io::Read::read_to_end(&mut decoder, &mut back).unwrap();
                assert!(encoding.is_none() || back == kept.plain);
            }
        }
    }
}

#[test]
fn the_error_of_the_first_lane_is_told() {
    for threads in [1, 2, 8] {
        for _ in 0..20 {
            let (done, _) =
                run_lanes(threads, 6, (None, |_| true), |lane| [None, None, Some(1), None, Some(0), Some(0)][lane]);
            assert_eq!(done.unwrap_err().to_string(), "lane 2 fails", "{threads}");
        }
    }
}

#[test]
fn a_task_that_fails_or_panics_is_an_error_behind_what_it_handed_on() {
    for (threads, panics) in [(1, false), (4, false), (1, true), (4, true)] {
        let kept = Mutex::default();
        let done = run(&hands(threads), &[(); 3], |crew, lane, ()| {
            crew.open(lane, Box::new(Measure::new()), Box::new(Keep { kept: &kept, lane, fails_after: None }));
            let mut feed = Feed::new(crew, lane, None, true);
            feed.plain(&[1; 600_000])?;
            feed.end()?;
            assert!(!panics, "as it should");
            Err(Error::damaged(format!("task {lane}")))
        });
        let told = done.unwrap_err().to_string();
        assert!(if panics { told.contains("unexpectedly") } else { told == "task 0" }, "{told}");
        assert_eq!(kept.into_inner().unwrap()[&0].plain.len(), 600_000);
    }
}

/// Members with a block each, and what they hold.
fn members(blocks: usize) -> (Vec<Vec<u8>>, Vec<u8>) {
    let plain: Vec<u8> = (0..blocks * BLOCK_LEN).map(|i| (i / 9 % 251) as u8).collect();
    let mut encoder = BlockEncoder::new(Encoding::new(Compression::Gzip, None).unwrap()).unwrap();
    let members = plain.chunks(BLOCK_LEN).map(|block| {
        let mut member = Vec::new();
        encoder.encode(block, &mut member).unwrap();
        member
    });
    (members.collect(), plain)
}

/// Hands on members as long as they can be inflated, and what is behind that as stored bytes. Returns where that begins.
fn hand_on_members(stored: &[u8], crew: &Crew<'_>, lane: LaneId) -> Result<usize> {
    let mut members = Members::new(crew, lane);
    let is_whole = stored.chunks(100_000).all(|piece| members.stored(&mut piece.to_vec()).is_ok());
    let (end, _) = members.end(is_whole)?;
    let end = usize::try_from(end).unwrap();
    let mut feed = Feed::new(crew, lane, None, false);
    feed.stored(&mut stored[end..].to_vec())?;
    feed.end()?;
    Ok(end)
}

#[test]
fn members_are_inflated_in_their_order_until_one_is_none() {
    let (good, plain) = members(12);
    // One thread fills the room before it inflates anything.
    for threads in [1, 2, 8] {
        for damaged in [None, Some(0), Some(5), Some(11)] {
            let mut members = good.clone();
            if let Some(at) = damaged {
                let len = members[at].len();
                members[at][len / 2..][..20].fill(0x55);
            }
            let stored = members.concat();
            let kept = Mutex::default();
            run(&hands(threads), &[()], |crew, lane, ()| {
                assert_eq!(crew.has_helpers, threads > 1);
                crew.open(lane, Box::new(Measure::new()), Box::new(Keep { kept: &kept, lane, fails_after: None }));
                let end = hand_on_members(&stored, crew, lane)?;
                assert_eq!(end, good[..damaged.unwrap_or(12)].concat().len(), "{threads} {damaged:?}");
                crew.end(lane, None)?;
                crew.close(lane)
            })
            .unwrap();
            let kept = kept.into_inner().unwrap().remove(&0).unwrap();
            assert!(kept.stored == stored, "{threads} {damaged:?}");
            assert!(kept.plain == plain[..damaged.unwrap_or(12) * BLOCK_LEN]);
            assert_eq!(kept.ended.unwrap().stored, measured(&stored));
        }
    }
}

#[test]
fn a_task_may_fail_behind_a_wrong_guess() {
    let (mut members, _) = members(6);
    members[2][100..200].fill(0);
    for threads in [1, 2, 8] {
        for handed_on in 0..6 {
            let kept = Mutex::default();
            let done = run(&hands(threads), &[()], |crew, lane, ()| {
                crew.open(lane, Box::new(Measure::new()), Box::new(Keep { kept: &kept, lane, fails_after: None }));
                let mut guess = Members::new(crew, lane);
                for member in &members[..handed_on] {
                    let _ = guess.stored(&mut member.clone());
                }
                Err(Error::damaged("the task fails"))
            });
            assert_eq!(done.unwrap_err().to_string(), "the task fails");
        }
    }
}
