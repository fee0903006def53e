//! What is predicted of an archive is what the engines do with it: load it or not, and list it under which name.

mod observe;

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use tempfile::TempDir;
use transload::{Archive, Context, Engine, Input, Note, Platform, Prediction};

use crate::support::engines::{Containerd, Docker, require};
use crate::support::makes;
use crate::support::predicting::{dateless, open_sound};
use crate::support::shared::{say, shared};
use observe::{Buildah, Ctr, Dockerd, Observer, Outcome, Podman, Skopeo, Umoci};

/// An archive, and what is predicted of it.
struct Trial {
    name: String,
    path: PathBuf,
    predictions: Vec<Prediction>,
}

impl Trial {
    fn of(name: &str, path: &Path, archive: &Archive) -> Trial {
        Trial { name: name.to_owned(), path: path.to_owned(), predictions: archive.loadability(&Platform::host()) }
    }

    /// What is predicted, without names and numbers.
    fn kind(&self) -> String {
        let mut kind = String::new();
        for Prediction { engine, verdict, notes, refusal, .. } in &self.predictions {
            let notes: BTreeSet<_> = notes.iter().map(Note::code).collect();
            let reason = refusal.as_ref().and_then(|refusal| refusal.reason.split('"').next());
            kind += &format!("{engine} {verdict} {notes:?} {reason:?}\n");
        }
        kind
    }
}

/// podman names the image in a folder after the folder's path, which has to be a name.
fn lower_case_folder() -> TempDir {
    let name = format!("transload-it-{}", std::process::id());
    tempfile::Builder::new().prefix(&name).rand_bytes(0).tempdir_in("/tmp").expect("a folder can be made")
}

fn tools() -> Vec<&'static str> {
    [&Docker::TOOLS[..], &Containerd::TOOLS, &["podman", "skopeo", "buildah", "umoci"]].concat()
}

#[test]
fn engines_do_what_is_predicted() {
    if !require(&tools()) {
        return;
    }
    let folder = lower_case_folder();
    let mut trials = made(folder.path());
    assert!(trials.len() >= 40);
    let mut kinds: HashSet<String> = trials.iter().map(Trial::kind).collect();
    if let Some(root) = shared("fixtures") {
        // Most are like others; all of them would take minutes.
        let found = found(&root, folder.path()).into_iter();
        trials.extend(found.filter(|trial| kinds.insert(trial.kind())));
    }
    check(&trials);
}

/// Archives that the image builder makes.
fn made(folder: &Path) -> Vec<Trial> {
    let trial = |(name, case): (String, makes::Case)| {
        let path = case.put(folder, &name);
        let archive = Archive::open(Input::Path(path.clone()), None, &Context::default());
        Trial::of(&name, &path, &archive.unwrap_or_else(|error| panic!("{name}: {error}")))
    };
    makes::all().into_iter().map(trial).collect()
}

/// Archives that other people's tools made, copied to where engines may name them after their folder.
fn found(root: &Path, folder: &Path) -> Vec<Trial> {
    let table = fs::read_to_string(root.join("fixtures.tsv")).expect("the fixtures have a table");
    let names = table.lines().skip(1).filter_map(|line| line.split('\t').next());
    let trial = |(number, name): (usize, &str)| {
        let archive = open_sound(&root.join(name))?;
        let path = folder.join(number.to_string());
        let copied = Command::new("cp").arg("-rT").arg(root.join(name)).arg(&path).status();
        assert!(copied.is_ok_and(|status| status.success()), "{name} cannot be copied");
        Some(Trial::of(name, &path, &archive))
    };
    names.enumerate().filter_map(trial).collect()
}

/// Gives every archive to every engine, and fails with all differences.
fn check(trials: &[Trial]) {
    let misses = Mutex::new(Vec::new());
    let started = Instant::now();
    let group = |observers: &mut dyn FnMut() -> Vec<Box<dyn Observer>>| {
        for observer in observers() {
            let began = Instant::now();
            for trial in trials {
                if let Err(miss) = compare(&*observer, trial) {
                    misses.lock().expect("no holder panics").push(miss);
                }
            }
            say(&format!("  {}: {} archives in {:.1?}", observer.engine(), trials.len(), began.elapsed()));
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| group(&mut || vec![Box::new(Dockerd::start()), Box::new(Ctr::start()), Box::new(Umoci::new())]));
        scope.spawn(|| group(&mut || vec![Box::new(Podman::new())]));
        scope.spawn(|| {
            group(&mut || {
                vec![
                    Box::new(Skopeo::docker()),
                    Box::new(Skopeo::oci()),
                    Box::new(Buildah::docker()),
                    Box::new(Buildah::oci()),
                ]
            });
        });
    });
    let mut misses = misses.into_inner().expect("no holder panics");
    misses.sort();
    say(&format!("loadability: {} archives, {} misses in {:.1?}", trials.len(), misses.len(), started.elapsed()));
    assert!(misses.is_empty(), "{} predictions miss\n\n{}", misses.len(), misses.join("\n\n"));
}

/// What an engine makes of these is luck.
const LUCK: [(&str, Engine, &str); 1] = [(
    "docker ways: symlink to a symlink",
    Engine::Containerd1,
    "links are followed once, in the order of a Go map: whether the second is known by then changes from run to run",
)];

fn compare(observer: &dyn Observer, trial: &Trial) -> Result<(), String> {
    let engine: Engine = observer.engine();
    let prediction = trial.predictions.iter().find(|p| p.engine == engine).expect("every engine has one");
    if LUCK.iter().any(|(name, luckily, _)| *name == trial.name && *luckily == engine) {
        return Ok(());
    }
    let seen = observer.load(&trial.path);
    let example = prediction.notes.iter().find_map(|note| match note {
        Note::NeedsReference { example } => Some(example),
        _ => None,
    });
    let loads = prediction.loads() && example.is_none();
    let predicted: BTreeSet<String> = prediction.names.iter().map(|name| dateless(name)).collect();
    let after_path = prediction.notes.contains(&Note::NamedAfterPath);
    let names = |seen: &Outcome| match &seen.names {
        Some(names) if after_path => names.len() == 1 && names.iter().all(|name| name.starts_with("localhost/")),
        Some(names) if prediction.loads() => *names == predicted,
        _ => true,
    };
    let mut right = seen.loads == loads && names(&seen);
    let mut told = None;
    if let Some(example) = example.filter(|_| right) {
        // Told which image, it takes it.
        let again = observer.load_told(&trial.path, example);
        right = again.loads;
        told = Some(again);
    }
    if right {
        return Ok(());
    }
    Err(format!(
        "{} in {engine}: predicted {} {predicted:?} {:?} {:?}\n  seen {seen:?}{}",
        trial.name,
        prediction.verdict,
        prediction.notes,
        prediction.refusal.as_ref().map(|refusal| &refusal.reason),
        told.map(|told| format!("\n  told which: {told:?}")).unwrap_or_default(),
    ))
}
