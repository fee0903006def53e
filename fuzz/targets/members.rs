//! Own gzip, whose members several threads inflate: however many there are, and whatever the stream is, what is made of it
//! and what is said of it is the same.
#![no_main]

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

use libfuzzer_sys::fuzz_target;
use transload::fuzzing::{gunzip, gunzip_runs};
use transload::{Archive, Context, ConvertOptions, Event, Format, Limits, Observer, Output};
use transload_fuzz::promises::{Bench, check_error};
use transload_fuzz::recipe::{Kind, Member, sha256};
use transload_fuzz::{context, promises, stream};

fuzz_target!(|bytes: &[u8]| {
    let [how, bytes @ ..] = bytes else { return };
    let layers = if how & 1 == 0 { stream::cook(bytes) } else { vec![bytes.to_vec()] };
    let size = [1 << 18, 1 << 18, 4099, 100_000][usize::from(how >> 1 & 3)];
    let mut cx = context();
    // Only where no stream can reach this limit is it cut.
    cx.limits.inflated_bytes = Limits::default().inflated_bytes;
    if how & 64 != 0 {
        return layers.iter().for_each(|layer| check_runs(layer, size, &cx));
    }
    let plain: Vec<Vec<u8>> = layers.iter().map(|layer| gunzip(layer, &cx).0).collect();
    let Some(archive) = promises::open(image(&layers, &plain), Some(Format::OciArchive), false, &cx) else { return };
    let to = [Format::DockerArchive, Format::OciArchive][usize::from(how >> 3 & 1)];
    let threads = 2 + usize::from(how >> 4 & 3);
    check_threads(&archive, &ConvertOptions::new(to), threads, &cx);
});

/// Runs of members and what a decoder makes of the rest are what it makes of all.
fn check_runs(stream: &[u8], size: usize, cx: &Context<'_>) {
    let (whole, failure) = gunzip(stream, cx);
    let (mut plain, end) = gunzip_runs(stream, size);
    let rest = if end > 0 && end == stream.len() { (Vec::new(), None) } else { gunzip(&stream[end..], cx) };
    plain.extend_from_slice(&rest.0);
    assert_eq!(rest.1, failure, "another failure, behind {end} of {}", stream.len());
    assert!(plain == whole, "other bytes, {end} of {} as runs", stream.len());
}

/// An image with these layers, in an OCI layout.
fn image(layers: &[Vec<u8>], plain: &[Vec<u8>]) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    let file = |name: &str, text: &[u8]| Member { name: name.to_owned(), kind: Kind::File(text.to_vec()) };
    let mut blob = |bytes: &[u8], kind: &str| {
        let digest = sha256(bytes);
        let name = format!("blobs/sha256/{digest}");
        if members.iter().all(|member| member.name != name) {
            members.push(file(&name, bytes));
        }
        let media_type = format!("application/vnd.oci.image.{kind}");
        format!(r#"{{"mediaType":"{media_type}","digest":"sha256:{digest}","size":{}}}"#, bytes.len())
    };
    let diff_ids: Vec<String> = plain.iter().map(|plain| format!("\"sha256:{}\"", sha256(plain))).collect();
    let rootfs = format!(r#"{{"type":"layers","diff_ids":[{}]}}"#, diff_ids.join(","));
    let config = format!(r#"{{"architecture":"amd64","os":"linux","rootfs":{rootfs}}}"#);
    let config = blob(config.as_bytes(), "config.v1+json");
    let layers: Vec<String> = layers.iter().map(|layer| blob(layer, "layer.v1.tar+gzip")).collect();
    let manifest = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#, layers.join(","));
    let manifest = blob(manifest.as_bytes(), "manifest.v1+json");
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{manifest}]}}"#);
    members.push(file("index.json", index.as_bytes()));
    members.push(file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#));
    members
}

/// One thread and several have the same outcome.
fn check_threads(archive: &Archive, options: &ConvertOptions, threads: usize, cx: &Context<'_>) {
    let bench = Bench::new();
    let [one, other] = [1, threads].map(|threads| {
        let progress = Progress::default();
        let mut cx = cx.clone();
        cx.threads = NonZeroUsize::new(threads).expect("one or more");
        cx.observer = &progress;
        let done = archive.convert(Output::Path(bench.path("out")), options, &cx);
        let Progress { planned, read } = progress;
        match done {
            Ok(_) => assert_eq!(planned.into_inner(), read.into_inner(), "what is read is planned"),
            Err(_) => assert!(read.into_inner() <= planned.into_inner(), "more is read than is planned"),
        }
        match done {
            Ok(_) => Ok(bench.take("out")),
            Err(error) => {
                check_error(&error);
                Err(format!("{error:?} {:?}", error.advice()))
            }
        }
    });
    match (one, other) {
        (Err(one), Err(other)) => assert_eq!(one, other, "1 and {threads} threads"),
        (Ok(one), Ok(other)) => assert!(one == other, "1 and {threads} threads make other bytes"),
        (one, other) => panic!("1 thread: {:?}, {threads} threads: {:?}", one.err(), other.err()),
    }
    bench.check_empty();
}

/// Bytes of layers.
#[derive(Default)]
struct Progress {
    planned: AtomicU64,
    read: AtomicU64,
}

impl Observer for Progress {
    fn on(&self, event: &Event) {
        match event {
            Event::Planned { bytes } => self.planned.fetch_add(*bytes, Ordering::Relaxed),
            Event::Read { bytes, .. } => self.read.fetch_add(*bytes, Ordering::Relaxed),
            _ => 0,
        };
    }
}
