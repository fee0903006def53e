//! Predictions of who loads what, held against what 20 engines made of archives by 16 producers.
//!
//! A recorded refusal is a `no`, or that the engine has to be told which image to take: the records name none. What
//! loads and cannot be run is a `no`, too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use transload::{Archive, Context, Engine, Input, Note, Platform, Prediction, Verdict};

use crate::support::layout::REF_NAME;
use crate::support::makes;
use crate::support::predicting::{dateless, open_sound};
use crate::support::shared::{say, shared};
use crate::support::tally::{self, tally};
use crate::support::{Image, Layout, Sandbox, file, image};

/// The engines by the names that the records have for them.
const ENGINES: [(&str, Engine); 20] = [
    ("d20", Engine::Docker20),
    ("d29g", Engine::Docker25),
    ("d29c", Engine::Docker29),
    ("ctr1.6", Engine::Containerd1),
    ("ctr2.4", Engine::Containerd2),
    ("podman4", Engine::Podman4),
    ("podman6", Engine::Podman5),
    ("skopeo1.9:docker-archive", Engine::SkopeoDocker19),
    ("skopeo1.22:docker-archive", Engine::SkopeoDocker122),
    ("skopeo1.9:oci-archive", Engine::SkopeoOci19),
    ("skopeo1.22:oci-archive", Engine::SkopeoOci122),
    ("buildah1.28:docker-archive", Engine::BuildahDocker128),
    ("buildah1.45:docker-archive", Engine::BuildahDocker145),
    ("buildah1.28:oci-archive", Engine::BuildahOci128),
    ("buildah1.45:oci-archive", Engine::BuildahOci145),
    ("crane:tarball", Engine::CraneTarball),
    ("crane:layout", Engine::CraneLayout),
    ("umoci0.4", Engine::Umoci04),
    ("umoci0.6", Engine::Umoci06),
    ("regctl", Engine::Regctl),
];

/// Archives that predictions say nothing of: they cannot be opened, or their layers are not what their documents say,
/// which only reading them tells.
const NOT_JUDGED: [(&str, &str); 7] = [
    ("shape-docker-badlayer.tar", "the layers are swapped: no diff_id fits"),
    ("shape-docker-dupentry.tar", "two manifest.json that differ"),
    ("shape-docker-missinglayer.tar", "a layer is missing"),
    ("shape-oci-badsize.tar", "the size in a descriptor is wrong"),
    ("shape-oci-emptyidx.tar", "no image inside"),
    ("skopeo1.22-dir-v2s2.tar", "no archive format: a tar of containers/image's dir:"),
    ("skopeo1.9-dir-oci.tar", "no archive format: a tar of containers/image's dir:"),
];

/// What one engine made of one archive.
struct Record {
    engine: Engine,
    loads: bool,
    /// As the engine lists them; `None` where it lists nothing.
    names: Option<BTreeSet<String>>,
}

struct Sample {
    name: String,
    path: PathBuf,
    records: Vec<Record>,
}

impl tally::Row for Sample {
    fn group(&self) -> String {
        "archives".into()
    }
    fn name(&self) -> String {
        self.name.clone()
    }
}

fn samples(root: &Path) -> Vec<Sample> {
    let table = fs::read_to_string(root.join("results.tsv")).expect("the archives have results");
    let mut samples: BTreeMap<String, Sample> = BTreeMap::new();
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [file, consumer, verdict, names] = columns[..4] else { panic!("a short line: {line}") };
        let note = columns.get(8).copied().unwrap_or_default();
        let sample = samples.entry(file.into()).or_insert_with(|| Sample {
            name: file.into(),
            path: root.join(file),
            records: Vec::new(),
        });
        let Some((_, engine)) = ENGINES.iter().find(|(name, _)| *name == consumer) else { continue };
        if verdict == "n/a" {
            continue;
        }
        // What cannot be unpacked and cannot be run is there in name only.
        let runs = !(note.contains("NOT UNPACKED") && note.contains("run rc=") && !note.contains("run rc=0"));
        let loads = verdict == "accept" && runs;
        let copies = ["skopeo", "crane", "regctl"].iter().any(|tool| consumer.starts_with(tool));
        let names = (loads && !copies).then(|| recorded_names(names));
        sample.records.push(Record { engine: *engine, loads, names });
    }
    samples.into_values().collect()
}

fn recorded_names(text: &str) -> BTreeSet<String> {
    let all = text.split(',').filter(|name| !name.is_empty() && !name.starts_with("<none>"));
    all.map(dateless).collect()
}

/// What was predicted, in the words of the records: names are separated there where they hold spaces.
fn predicted_names(prediction: &Prediction) -> BTreeSet<String> {
    let words = prediction.names.iter().flat_map(|name| name.split(' ').map(str::to_owned).collect::<Vec<_>>());
    words.map(|name| dateless(&name)).collect()
}

/// Tells whether a plain call loads the archive.
fn plain_call_loads(prediction: &Prediction) -> bool {
    let told = |note: &Note| matches!(note, Note::NeedsReference { .. });
    prediction.loads() && !prediction.notes.iter().any(told)
}

fn amd64() -> Platform {
    "linux/amd64".parse().expect("a platform")
}

#[test]
fn predictions_are_what_was_recorded() {
    let Some(root) = shared("engines") else { return };
    let mut samples = samples(&root);
    samples.retain(|sample| {
        let judged = !NOT_JUDGED.iter().any(|(name, _)| *name == sample.name);
        assert_eq!(open_sound(&sample.path).is_some(), judged, "{}", sample.name);
        judged
    });
    let cells = AtomicUsize::new(0);
    tally("loadability of engine archives", &samples, |sample| {
        let archive = open_sound(&sample.path).expect("it was opened before");
        let predictions = archive.loadability(&amd64());
        let mut wrong = Vec::new();
        for record in &sample.records {
            cells.fetch_add(1, Ordering::Relaxed);
            let prediction = predictions.iter().find(|p| p.engine == record.engine).expect("every engine has one");
            let named = record.names.as_ref().is_none_or(|names| *names == predicted_names(prediction));
            if plain_call_loads(prediction) != record.loads || !named {
                wrong.push(format!(
                    "{}: recorded {} {:?}, predicted {} {:?} {:?} {:?}",
                    record.engine,
                    if record.loads { "loads" } else { "refuses" },
                    record.names,
                    prediction.verdict,
                    prediction.names,
                    prediction.notes,
                    prediction.refusal.as_ref().map(|refusal| &refusal.reason),
                ));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n  "));
    });
    say(&format!("  {} cells", cells.into_inner()));
}

/// An archive to be converted as it is advised.
struct Patient {
    name: String,
    path: PathBuf,
}

impl tally::Row for Patient {
    fn group(&self) -> String {
        "archives".into()
    }
    fn name(&self) -> String {
        self.name.clone()
    }
}

/// After the conversion that a prediction advises, the engine loads the archive.
#[test]
fn what_is_advised_helps() {
    let made = Sandbox::new();
    let mut patients = Vec::new();
    for (name, case) in makes::all() {
        let path = case.put(&made.path(""), &name);
        patients.push(Patient { name, path });
    }
    if let Some(root) = shared("engines") {
        patients.extend(samples(&root).into_iter().map(|sample| Patient { name: sample.name, path: sample.path }));
    }
    let helped = AtomicUsize::new(0);
    tally("advised conversions", &patients, |patient| {
        helped.fetch_add(check_advice(&patient.path), Ordering::Relaxed);
    });
    say(&format!("  {} refusals cured", helped.into_inner()));
}

/// Runs every conversion that is advised for an archive; returns how many refusals were cured.
fn check_advice(path: &Path) -> usize {
    let Some(archive) = open_sound(path) else { return 0 };
    let sandbox = Sandbox::new();
    let input = sandbox.path("the archive.tar");
    symlink(path, &input).expect("a link can be made");
    let mut advice: BTreeMap<String, Vec<Engine>> = BTreeMap::new();
    for prediction in archive.loadability(&amd64()) {
        let Some(fix) = prediction.refusal.as_ref().and_then(|refusal| refusal.fix.as_ref()) else { continue };
        advice.entry(fix.command(&input)).or_default().push(prediction.engine);
    }
    let mut cured = 0;
    for (command, engines) in advice {
        let script = command.replace("transload convert", &format!("{} convert", env!("CARGO_BIN_EXE_transload")));
        let run = Command::new("sh").args(["-ec", &script]).output().expect("a shell can be run");
        assert!(run.status.success(), "{command}: {}", String::from_utf8_lossy(&run.stderr));
        let names = sandbox.names();
        let [output] = names.iter().filter(|name| *name != "the archive.tar").collect::<Vec<_>>()[..] else {
            panic!("{command}: {names:?}");
        };
        let output = sandbox.path(output);
        let converted = Archive::open(Input::Path(output.clone()), None, &Context::default()).expect("it is ours");
        for prediction in converted.loadability(&amd64()).iter().filter(|p| engines.contains(&p.engine)) {
            assert_ne!(prediction.verdict, Verdict::No, "{command}: {prediction:?}");
            cured += 1;
        }
        let removed = if output.is_dir() { fs::remove_dir_all(&output) } else { fs::remove_file(&output) };
        removed.expect("it is ours");
    }
    cured
}

/// Whatever can be opened gets a prediction for each engine, and nothing in it steers a terminal once it is escaped.
#[test]
fn predictions_hold_together() {
    let mut paths = Vec::new();
    if let Some(root) = shared("malformed") {
        let entries = fs::read_dir(root).expect("a folder of inputs").flatten();
        paths.extend(entries.map(|entry| entry.path()));
    }
    let made = Sandbox::new();
    paths.extend(makes::all().into_iter().map(|(name, case)| case.put(&made.path(""), &name)));
    let mut opened = 0;
    for path in paths {
        let Ok(archive) = Archive::open(Input::Path(path.clone()), None, &Context::default()) else { continue };
        opened += 1;
        for host in ["linux/amd64", "linux/arm64", "windows/amd64"] {
            let host: Platform = host.parse().expect("a platform");
            let predictions = archive.loadability(&host);
            assert!(predictions.iter().map(|p| p.engine).eq(Engine::all()));
            for prediction in &predictions {
                check_prediction(prediction, &path);
            }
        }
    }
    assert!(opened > 100);
}

#[track_caller]
fn check_prediction(prediction: &Prediction, path: &Path) {
    let drawback = prediction.notes.iter().any(Note::is_drawback);
    let verdict = match &prediction.refusal {
        Some(_) => Verdict::No,
        None if drawback => Verdict::But,
        None => Verdict::Yes,
    };
    assert_eq!(prediction.verdict, verdict, "{}: {prediction:?}", path.display());
    assert!(prediction.notes.len() <= 52 && prediction.names.len() <= 50);
    let Some(refusal) = &prediction.refusal else { return };
    assert!(!refusal.reason.is_empty() && !refusal.source.is_empty());
    let command = refusal.fix.as_ref().map(|fix| fix.command(path)).unwrap_or_default();
    assert_eq!(transload::escape(&command), command);
}

/// What an archive says is no shell command, wherever it stands in one.
#[test]
fn a_platform_is_quoted_in_what_people_copy() {
    const ODD: &str = "arm64;touch pwned;#";
    let odd = image().layer(file("a", "one")).platform(&format!("linux/{ODD}"));
    let mut layout = Layout::new();
    let descriptor = layout.platforms(&[odd]);
    layout.root(descriptor, json!({REF_NAME: "docker.io/demo/app:1"}));
    let sandbox = Sandbox::new();
    let path = sandbox.put_tree("in.tar", &layout.tree());
    let archive = Archive::open(Input::Path(path), None, &Context::default()).expect("an archive");
    let predictions = archive.loadability(&"linux/amd64".parse().expect("a platform"));
    let advice: Vec<&String> =
        predictions.iter().filter_map(|prediction| prediction.refusal.as_ref()?.advice.as_ref()).collect();
    let told: Vec<_> = advice.iter().filter(|advice| advice.contains("pwned")).collect();
    assert!(told.len() >= 3, "{advice:?}");
    for advice in told {
        let quoted = [format!("'linux/{ODD}'"), format!("'{ODD}'")];
        assert!(quoted.iter().any(|quoted| advice.contains(quoted)), "{advice}");
    }
}

/// An index that names much, many times, keeps nobody busy.
#[test]
fn predictions_take_no_time() {
    let mut layout = Layout::new();
    let images: Vec<Image> =
        (0..400).map(|n| image().layer(file("n", &n.to_string())).platform(&format!("linux/a{n}"))).collect();
    let mut index = layout.platforms(&images);
    for _ in 0..5 {
        index = layout.index(&[index]);
    }
    for n in 0..5000 {
        layout.root(index.clone(), json!({REF_NAME: format!("docker.io/a/b:{n}")}));
    }
    let sandbox = Sandbox::new();
    let path = sandbox.put_tree("large.tar", &layout.tree());
    let archive = Archive::open(Input::Path(path), None, &Context::default()).expect("it is within all limits");
    let started = Instant::now();
    let predictions = archive.loadability(&amd64());
    let elapsed = started.elapsed();
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
    predictions.iter().for_each(|prediction| check_prediction(prediction, Path::new("large.tar")));
}
