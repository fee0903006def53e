//! Two archives with the same layers, each with damage in the one that it reads first: neither waits for what the other
//! could not make.

use std::collections::HashMap;
use std::fs;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use transload::{Event, Format, Observer};

use super::fleet::Fleet;
use crate::support::image::noise;
use crate::support::{Codec, Kind, Layout, image};

/// So long others have to come and wait for the layers that were begun.
const TIME: Duration = Duration::from_millis(500);
/// When something else happened than what was to be brought about.
const LONGEST: Duration = Duration::from_secs(1);
const ROUNDS: usize = 10;

/// What was seen.
#[derive(Default)]
struct Seen {
    /// The archive of each blob, by the number of its reading.
    begun: HashMap<u64, String>,
    /// When `small.tar` was read.
    small_ended: Option<Instant>,
    /// Whether all went as planned.
    as_planned: bool,
}

/// Keeps `small.tar`, and with it the third thread, until both others have begun a layer; those it keeps until that thread
/// had time to begin their other layers, too.
#[derive(Clone, Default)]
struct Stage(Arc<(Mutex<Seen>, Condvar)>);

impl Stage {
    fn wait(&self, until: impl Fn(&Seen) -> bool) -> bool {
        let (seen, changed) = &*self.0;
        let seen = seen.lock().expect("nobody panicked");
        let seen = changed.wait_timeout_while(seen, LONGEST, |seen| !until(seen)).expect("nobody panicked");
        !seen.1.timed_out()
    }

    fn see(&self, what: impl FnOnce(&mut Seen)) {
        let (seen, changed) = &*self.0;
        what(&mut seen.lock().expect("nobody panicked"));
        changed.notify_all();
    }

    fn is_small(&self, id: u64) -> bool {
        self.0.0.lock().expect("nobody panicked").begun[&id].ends_with("small.tar")
    }
}

impl Observer for Stage {
    fn on(&self, event: &Event) {
        match event {
            Event::Started { id, source, .. } => self.see(|seen| drop(seen.begun.insert(*id, source.clone()))),
            Event::Read { id, .. } if self.is_small(*id) => {
                let all_begun = |seen: &Seen| {
                    ["a.tar", "b.tar"].iter().all(|name| seen.begun.values().any(|begun| begun.ends_with(name)))
                };
                let as_planned = self.wait(all_begun);
                self.see(|seen| seen.as_planned = as_planned);
            }
            Event::Ended { id } if self.is_small(*id) => self.see(|seen| seen.small_ended = Some(Instant::now())),
            Event::Read { .. } => {
                self.wait(|seen| seen.small_ended.is_some());
                let ended = self.0.0.lock().expect("nobody panicked").small_ended;
                sleep(ended.map_or(TIME, |ended| TIME.saturating_sub(ended.elapsed())));
            }
            _ => {}
        }
    }
}

#[test]
fn nobody_waits_for_what_could_not_be_made() {
    let mut layers = [0, 1].map(|bit| {
        let mut layer = noise(1, 600_000).codec(Codec::Gzip);
        layer.tar[300_000] ^= bit;
        // Noise alone is larger compressed than plain: its size is not guessed, and it is not poured beside others.
        layer.tar.resize(800 << 10, 0);
        layer
    });
    // Larger ones are read first.
    assert_eq!(layers[0].blob().len(), layers[1].blob().len());
    let fleet = Fleet::new(0);
    for name in ["a.tar", "b.tar"] {
        let both = layers.iter().fold(image(), |image, layer| image.layer(layer.clone())).tag("demo/app:1");
        let mut tree = Layout::new().named(&both, "docker.io/demo/app:1").tree();
        let first = layers[0].blob();
        let blob = tree.members.iter_mut().find_map(|member| match &mut member.kind {
            Kind::File(bytes) if *bytes == first => Some(bytes),
            _ => None,
        });
        *blob.and_then(|bytes| bytes.iter_mut().nth_back(5)).expect("the layer is a file") ^= 1;
        fs::write(fleet.path(name), tree.tar()).expect("it can be written");
        layers.reverse();
    }
    fleet.put("small.tar", &image().layer(noise(2, 100_000)).tag("demo/small:1"), 1);
    let as_planned = (0..ROUNDS).any(|_| {
        let _ = fs::remove_dir_all(fleet.sandbox.path("out"));
        let stage = Stage::default();
        let threads = NonZeroUsize::new(3).expect("three are some");
        let summary = fleet.through_the_library(Format::DockerArchive, threads, stage.clone(), |_| {});
        let summary = summary.expect("the batch goes on");
        assert_eq!((summary.ok, summary.failed), (1, 2));
        stage.0.0.lock().expect("nobody panicked").as_planned
    });
    assert!(as_planned, "two conversions never began side by side");
}
