//! What an observer hears: enough to show every blob by itself, and never more than happened.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Mutex;

use transload::{Context, ConvertOptions, Event, Format, Input, Observer, Output, convert};

use crate::support::image::noise;
use crate::support::{Codec, Layout, Sandbox, Style, docker, file, image};

#[derive(Default)]
struct Log(Mutex<Vec<Event>>);

impl Observer for Log {
    fn on(&self, event: &Event) {
        self.0.lock().expect("no observer panics").push(event.clone());
    }
}

/// Converts and returns what was heard.
fn heard(input: Input, to: Format, sandbox: &Sandbox, threads: usize) -> Vec<Event> {
    let log = Log::default();
    let mut cx = Context::default();
    cx.observer = &log;
    cx.threads = NonZeroUsize::new(threads).expect("a thread");
    cx.temp_dir = Some(sandbox.tmp());
    let mut options = ConvertOptions::new(to);
    options.replace = true;
    convert(input, Output::Path(sandbox.path("out")), &options, &cx).expect("a conversion");
    log.0.into_inner().expect("no observer panics")
}

#[test]
fn every_blob_is_started_read_and_ended_once() {
    let layers = (0..7).fold(image(), |image, n| image.layer(noise(n, 300_000)));
    let gzip = layers.clone().layer(file("zip", "zip").codec(Codec::Gzip)).tag("a:1");
    for (tree, to, decided) in [
        (docker(std::slice::from_ref(&gzip), Style::Plain), Format::OciArchive, 8),
        (docker(std::slice::from_ref(&gzip), Style::Plain), Format::DockerArchive, 8),
        // The config is a document; it is not read again.
        (Layout::new().named(&gzip, "docker.io/library/a:1").tree(), Format::OciDir, 8),
    ] {
        for threads in [1, 4] {
            let sandbox = Sandbox::new();
            let input = sandbox.put_tree("in.tar", &tree);
            let events = heard(Input::Path(input), to, &sandbox, threads);
            let mut read: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
            let (mut ended, mut reasons, mut names) = (BTreeSet::new(), 0, BTreeSet::new());
            let mut planned = None;
            for event in &events {
                match event {
                    Event::Planned { bytes } => assert_eq!(planned.replace(*bytes), None, "planned twice"),
                    Event::Decided { reason, .. } => {
                        assert!(!reason.to_string().is_empty());
                        reasons += 1;
                    }
                    Event::Started { id, source, origin, size } => {
                        assert!(source.ends_with("in.tar"), "{source}");
                        assert!(names.insert(origin.clone()), "{origin} is read twice");
                        assert_eq!(read.insert(*id, (*size, 0)), None, "a number is used twice");
                    }
                    Event::Read { id, bytes } => read.get_mut(id).expect("started").1 += bytes,
                    Event::Ended { id } => assert!(ended.insert(*id), "ended twice"),
                    _ => {}
                }
            }
            assert_eq!(reasons, decided, "{to}");
            assert_eq!(read.len(), decided, "{to}");
            assert!(read.values().all(|(size, read)| size == read), "{to}: {read:?}");
            assert_eq!(planned, Some(read.values().map(|(size, _)| size).sum()), "{to}");
            assert_eq!(ended, read.keys().copied().collect());
            assert!(matches!(events.last(), Some(Event::Sealing)), "{:?}", events.last());
        }
    }
}

/// Where members are inflated by themselves, and that turns out to be wrong, some bytes are read again. They are planned,
/// too: nobody sees more than everything.
#[test]
fn what_is_read_again_is_planned() {
    let text = || file("text", &"the same words again and again ".repeat(100_000));
    // Of two layers with the same contents, a result has room for one.
    let twice = || [text().codec(Codec::Gzip), text().codec(Codec::Zstd)];
    for (layer, codec, others, again) in [
        (text(), Codec::Gzip, vec![], false),
        (noise(1, 1_500_000), Codec::GzipHalves, vec![], false),
        (noise(1, 6_000_000), Codec::GzipHalves, vec![], true),
        (text(), Codec::GzipHalves, twice().to_vec(), true),
    ] {
        let sandbox = Sandbox::new();
        let first = image().layer(layer.codec(codec));
        let image = others.into_iter().fold(first, |image, layer| image.layer(layer)).tag("a:1");
        let input = sandbox.put_tree("in.tar", &Layout::new().named(&image, "docker.io/library/a:1").tree());
        let size = std::fs::metadata(&input).expect("an input").len();
        let events = heard(Input::Path(input), Format::DockerArchive, &sandbox, 2);
        let sum = |of: fn(&Event) -> u64| events.iter().map(of).sum::<u64>();
        let planned = sum(|event| if let Event::Planned { bytes } = event { *bytes } else { 0 });
        let read = sum(|event| if let Event::Read { bytes, .. } = event { *bytes } else { 0 });
        assert_eq!(planned, read, "{codec:?}");
        assert_eq!(read > size, again, "{codec:?}: {read} of {size}");
    }
}

#[test]
fn copies_of_what_cannot_be_read_by_position_are_told() {
    let sandbox = Sandbox::new();
    let tar = docker(&[image().layer(noise(1, 500_000)).tag("a:1")], Style::Plain).tar();
    let packed = Codec::Gzip.pack(&tar);
    let file = sandbox.put("in.tar.gz", &packed);
    let stream = |bytes: &[u8]| Input::Stream(Box::new(std::io::Cursor::new(bytes.to_vec())), "pipe".to_owned());
    // For each copy: bytes that are foreseen, and bytes that came.
    for (input, want) in [
        (Input::Path(file), vec![(Some(packed.len()), packed.len())]),
        (stream(&tar), vec![(None, tar.len())]),
        (stream(&packed), vec![(None, packed.len()), (Some(packed.len()), packed.len())]),
    ] {
        let mut copies: Vec<(Option<usize>, usize)> = Vec::new();
        for event in heard(input, Format::OciArchive, &sandbox, 2) {
            match event {
                Event::Spooling { bytes, .. } => copies.push((bytes.map(|n| usize::try_from(n).expect("small")), 0)),
                Event::Spooled { bytes } => {
                    copies.last_mut().expect("a copy begins").1 += usize::try_from(bytes).expect("small")
                }
                _ => {}
            }
        }
        assert_eq!(copies, want);
    }
}
