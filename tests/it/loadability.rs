//! Predictions of who loads what, held against what 20 engines made of archives by 16 producers.
//!
//! A recorded refusal is a `no`, or that the engine has to be told which image to take: the records name none. What loads
//! and cannot be run is a `no`, too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use transload::{Archive, Context, Engine, Input, Note, Platform, Prediction, Verdict};

use crate::support::Sandbox;
use crate::support::predicting::{dateless, open_sound};
use crate::support::shared::{say, shared};
use crate::support::tally::{self, tally};

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

/// Cells where the record is not what the rules say, and why.
const EXCEPTIONS: &[(&str, Engine, &str)] = &[];

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
    let samples = samples(&root);
    let counts = Mutex::new((0, 0, 0, Vec::new()));
    tally("loadability of engine archives", &samples, |sample| {
        let Some(archive) = open_sound(&sample.path) else {
            counts.lock().expect("no holder panics").3.push(sample.name.clone());
            return;
        };
        let predictions = archive.loadability(&amd64());
        let mut wrong = Vec::new();
        for record in &sample.records {
            let prediction = predictions.iter().find(|p| p.engine == record.engine).expect("every engine has one");
            let exception = EXCEPTIONS.iter().any(|(name, engine, _)| *name == sample.name && *engine == record.engine);
            let right = plain_call_loads(prediction) == record.loads
                && record.names.as_ref().is_none_or(|names| *names == predicted_names(prediction));
            let mut counts = counts.lock().expect("no holder panics");
            counts.0 += 1;
            counts.1 += usize::from(right);
            counts.2 += usize::from(exception);
            if right == exception {
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
    let (cells, right, exceptions, unsound) = counts.into_inner().expect("no holder panics");
    say(&format!("  {right} of {cells} cells, {exceptions} exceptions; not judged: {}", unsound.join(", ")));
    assert!(unsound.len() <= 9, "{unsound:?}");
}

/// After the conversion that a prediction advises, the engine loads the archive.
#[test]
fn what_is_advised_helps() {
    let Some(root) = shared("engines") else { return };
    let samples = samples(&root);
    let count = Mutex::new(0);
    tally("advised conversions", &samples, |sample| {
        let Some(archive) = open_sound(&sample.path) else { return };
        let sandbox = Sandbox::new();
        let mut seen: BTreeMap<String, (Vec<Engine>, PathBuf)> = BTreeMap::new();
        for prediction in archive.loadability(&amd64()) {
            let Some(fix) = prediction.refusal.as_ref().and_then(|refusal| refusal.fix.as_ref()) else { continue };
            let input = sandbox.path(&sample.name);
            let command = fix.command(&input);
            let output = PathBuf::from(command.rsplit(' ').next().expect("a command has words"));
            seen.entry(command).or_insert_with(|| (Vec::new(), output)).0.push(prediction.engine);
        }
        std::os::unix::fs::symlink(&sample.path, sandbox.path(&sample.name)).expect("a link can be made");
        for (command, (engines, output)) in seen {
            let script = command.replace("transload ", &format!("{} ", env!("CARGO_BIN_EXE_transload")));
            let run = std::process::Command::new("sh").args(["-ec", &script]).output().expect("a shell can be run");
            assert!(run.status.success(), "{command}: {}", String::from_utf8_lossy(&run.stderr));
            let converted = Archive::open(Input::Path(output.clone()), None, &Context::default()).expect("it is ours");
            for prediction in converted.loadability(&amd64()) {
                if engines.contains(&prediction.engine) {
                    *count.lock().expect("no holder panics") += 1;
                    assert_ne!(prediction.verdict, Verdict::No, "{command}: {prediction:?}");
                }
            }
            let removed = if output.is_dir() { fs::remove_dir_all(&output) } else { fs::remove_file(&output) };
            removed.expect("it is ours");
        }
    });
    say(&format!("  {} engines helped", count.into_inner().expect("no holder panics")));
}
