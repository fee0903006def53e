//! Any jobs on any number of threads come to their end, which is the same every time.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

/// What one job hands on.
#[derive(Clone, Debug)]
enum Job {
    /// Plain pieces of these sizes, and half as much stored beside them or nothing.
    Pieces { sizes: Vec<usize>, is_plain: bool, is_compressed: bool },
    /// So many members, of which one may be none; behind that, the stored bytes are handed on.
    Members { count: usize, damaged: Option<usize> },
}

/// What goes wrong in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mishap {
    None,
    /// The task fails or panics behind its jobs.
    Fails,
    Panics,
    /// Its committer fails once it has more than so many plain bytes.
    CommitterFails(usize),
}

static MEMBERS: LazyLock<(Vec<Vec<u8>>, Vec<u8>)> = LazyLock::new(|| members(9));

fn job() -> impl Strategy<Value = Job> {
    let pieces = (prop::collection::vec(0..400_000_usize, 0..8), any::<bool>(), any::<bool>())
        .prop_map(|(sizes, is_plain, is_compressed)| Job::Pieces { sizes, is_plain, is_compressed });
    let members = (1..=9_usize, prop::option::of(0..9_usize))
        .prop_map(|(count, damaged)| Job::Members { count, damaged: damaged.filter(|at| *at < count) });
    prop_oneof![pieces, members]
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        6 => Just(Mishap::None),
        1 => Just(Mishap::Fails),
        1 => Just(Mishap::Panics),
        2 => (0..3_000_000_usize).prop_map(Mishap::CommitterFails),
    ]
}

/// Hands a job on, as reading does.
fn hand_on(job: &Job, crew: &Crew<'_>, lane: LaneId) -> Result<()> {
    match job {
        Job::Pieces { sizes, is_plain, is_compressed } => {
            let encoding = is_compressed.then(zstd);
            let mut feed = Feed::new(crew, lane, encoding, *is_plain);
            for &size in sizes {
                if !is_plain {
                    feed.plain(&vec![lane as u8; size])?;
                }
                feed.stored(&mut vec![lane as u8; if *is_plain { size } else { size / 2 }])?;
            }
            feed.end()?;
        }
        Job::Members { count, damaged } => {
            let end = hand_on_members(&stream(*count, *damaged), crew, lane)?;
            assert_eq!(end, MEMBERS.0[..damaged.unwrap_or(*count)].concat().len());
        }
    }
    crew.end(lane, None)
}

fn stream(count: usize, damaged: Option<usize>) -> Vec<u8> {
    let mut members = MEMBERS.0[..count].to_vec();
    if let Some(at) = damaged {
        let len = members[at].len();
        // Its checksum is wrong, which is the last thing that is seen.
        members[at][len - 8] ^= 1;
    }
    members.concat()
}

fn zstd() -> Encoding {
    Encoding::new(Compression::Zstd, Some(CompressionLevel::Number(1))).unwrap()
}

/// Adds the stored and plain bytes that a job has.
fn expect(job: &Job, lane: LaneId, kept: &mut Kept) {
    match job {
        Job::Pieces { sizes, is_plain, .. } => {
            let all: usize = sizes.iter().sum();
            let stored: usize = if *is_plain { 0 } else { sizes.iter().map(|size| size / 2).sum() };
            kept.plain.resize(kept.plain.len() + all, lane as u8);
            kept.stored.resize(kept.stored.len() + stored, lane as u8);
        }
        Job::Members { count, damaged } => {
            kept.stored.extend(stream(*count, *damaged));
            kept.plain.extend_from_slice(&MEMBERS.1[..damaged.unwrap_or(*count) * BLOCK_LEN]);
        }
    }
}

type End = (Result<()>, BTreeMap<LaneId, Kept>);

/// Runs the lanes, and returns what they came to.
fn storm(hands: &Hands, lanes: &[(Vec<Job>, Mishap)]) -> End {
    let _own = hands.wait();
    let kept = Mutex::default();
    let done = run(hands, lanes, |crew, lane, (jobs, mishap)| {
        let fails_after = if let Mishap::CommitterFails(len) = mishap { Some(*len) } else { None };
        crew.open(lane, Box::new(Measure::new()), Box::new(Keep { kept: &kept, lane, fails_after }));
        jobs.iter().try_for_each(|job| hand_on(job, crew, lane))?;
        match mishap {
            Mishap::Fails => Err(Error::damaged(format!("lane {lane} fails"))),
            Mishap::Panics => panic!("as it should"),
            _ => crew.close(lane),
        }
    });
    (done, kept.into_inner().unwrap())
}

/// Does the same in a few crews side by side that share their hands, as the conversions of a batch do.
fn storms(crews: usize, threads: usize, lanes: &[(Vec<Job>, Mishap)]) -> Vec<End> {
    let hands = Hands::new(NonZeroUsize::new(threads).unwrap());
    std::thread::scope(|scope| {
        let crews: Vec<_> = (0..crews).map(|_| scope.spawn(|| storm(&hands, lanes))).collect();
        crews.into_iter().map(|crew| crew.join().unwrap()).collect()
    })
}

/// Tells whether a crew came to the end that it should come to.
fn check((done, mut kept): End, lanes: &[(Vec<Job>, Mishap)]) -> std::result::Result<(), TestCaseError> {
    let mut first = None;
    for (lane, (jobs, mishap)) in lanes.iter().enumerate() {
        let mut want = Kept::default();
        jobs.iter().for_each(|job| expect(job, lane, &mut want));
        let fails = match mishap {
            Mishap::None => None,
            Mishap::CommitterFails(len) => (want.plain.len() > *len).then(|| format!("lane {lane} fails")),
            Mishap::Fails => Some(format!("lane {lane} fails")),
            Mishap::Panics => Some("unexpectedly".to_owned()),
        };
        // Those behind it may not have come to their end.
        first = first.or(fails);
        if first.is_none() {
            let have = kept.remove(&lane).unwrap_or_default();
            prop_assert!(have.plain == want.plain && have.stored == want.stored, "lane {lane}");
        }
    }
    match (first, done) {
        (None, done) => prop_assert!(done.is_ok()),
        (Some(want), done) => {
            let told = done.unwrap_err().to_string();
            prop_assert!(told.contains(&want), "{told} is not {want}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn all_jobs_come_to_their_end(
        (crews, threads) in (1..=2_usize, 1..=5_usize),
        lanes in prop::collection::vec((prop::collection::vec(job(), 0..4), mishap()), 1..5),
    ) {
        let specification = lanes.clone();
        let done = ends(move || storms(crews, threads, &specification));
        done.into_iter().try_for_each(|end| check(end, &lanes))?;
    }
}
