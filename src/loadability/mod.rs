//! Which engines load an archive, and under which name: predicted from its documents and the names of its members,
//! without any engine.
//!
//! `survey` draws a profile of the archive, plain data; `rules` says which engine trips over what, a row each; `names` and
//! `attempt` say what engines make of names, of several images and of platforms; here it is put together. The rules were
//! held against engines: `tests/it/loadability.rs` and `tests/it/engines/loadability.rs` do it again.

mod attempt;
mod cure;
mod engine;
mod fix;
mod names;
mod prediction;
mod profile;
mod rules;
mod survey;

pub use engine::{Engine, Requirement};
pub use fix::Fix;
pub use prediction::{Note, Prediction, Refusal, Verdict};

use attempt::{Attempt, Obstacle, Reader};
use profile::{Profile, Quirk};
use rules::{Cure, IMPORTERS, LAYOUT_FOLDERS, PODMAN};

use crate::archive::Archive;
use crate::platform::Platform;
use crate::tree::Container;

impl Archive {
    /// Predicts for every engine whether it loads this archive on a machine of the given platform. No engine is run and no
    /// layer read: what only the contents of layers would tell (a wrong diff_id, say) is not in it. An archive that is
    /// both docker-archive and OCI layout and was opened as one of them is judged as if it was that alone.
    ///
    /// ```
    /// use transload::{Archive, Context, Engine, Input, Platform, Verdict};
    ///
    /// # fn main() -> transload::Result<()> {
    /// # let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/docker-20.10-save.tar");
    /// let archive = Archive::open(Input::Path(path), None, &Context::default())?;
    /// let predictions = archive.loadability(&Platform::host());
    /// let docker = predictions.iter().find(|prediction| prediction.engine == Engine::Docker20).expect("all are there");
    /// assert_eq!(docker.verdict, Verdict::Yes);
    /// # Ok(())
    /// # }
    /// ```
    pub fn loadability(&self, host: &Platform) -> Vec<Prediction> {
        let profile = survey::survey(self);
        Engine::all().map(|engine| predict(engine, &profile, host)).collect()
    }
}

/// Predicts what one engine does.
fn predict(engine: Engine, profile: &Profile, host: &Platform) -> Prediction {
    let reader = Reader { engine, host };
    let (halves, wrong) = halves(engine, profile);
    let mut attempts: Vec<Attempt> = halves
        .into_iter()
        .map(|half| match half {
            Reading::Docker(half) => reader.docker(profile, half),
            Reading::Oci(half) => reader.oci(profile, half),
            Reading::Legacy(image) => reader.legacy(profile, image),
        })
        .collect();
    if let Some(wrong) = wrong {
        if attempts.is_empty() {
            attempts.push(reader.nothing(profile));
        }
        attempts.iter_mut().for_each(|attempt| attempt.obstacles.insert(attempt.whole, wrong.clone()));
    }
    let chosen = attempts.iter().position(|attempt| attempt.obstacles.is_empty()).unwrap_or(0);
    let attempt = attempts.swap_remove(chosen);
    match attempt.obstacles.first().cloned() {
        None => loads(engine, profile, attempt),
        Some(first) => refuses(engine, profile, host, first, &attempt.obstacles),
    }
}

fn loads(engine: Engine, profile: &Profile, attempt: Attempt) -> Prediction {
    let mut notes = attempt.notes;
    if LAYOUT_FOLDERS.contains(&engine) && profile.container == Container::Tar {
        notes.insert(0, Note::UnpackFirst);
    }
    let drawback = notes.iter().any(Note::is_drawback);
    let verdict = if drawback { Verdict::But } else { Verdict::Yes };
    Prediction { engine, verdict, names: attempt.names, notes, refusal: None }
}

fn refuses(engine: Engine, profile: &Profile, host: &Platform, first: Obstacle, all: &[Obstacle]) -> Prediction {
    let cures: Vec<Cure> = all.iter().map(|obstacle| obstacle.cure).collect();
    let Obstacle { reason, source, advice, .. } = first;
    let fix = cure::fix(engine, profile, host, &cures);
    let refusal = Refusal { reason, source, advice, fix };
    Prediction { engine, verdict: Verdict::No, names: Vec::new(), notes: Vec::new(), refusal: Some(refusal) }
}

/// A half that an engine reads.
enum Reading<'p> {
    Docker(&'p profile::DockerHalf),
    Oci(&'p profile::OciHalf),
    Legacy(&'p profile::DockerImage),
}

/// Returns the halves that an engine tries, in its order, and what is wrong with that.
fn halves(engine: Engine, profile: &Profile) -> (Vec<Reading<'_>>, Option<Obstacle>) {
    const TARFILE: &str = "containers/image, docker/internal/tarfile";
    const IMPORTER: &str = "containerd, core/images/archive/importer.go";
    const UMOCI: &str = "umoci, oci/cas/dir/dir.go";
    let docker: Vec<_> = profile.docker.iter().map(Reading::Docker).collect();
    let oci: Vec<_> = profile.oci.iter().map(Reading::Oci).collect();
    let legacy: Vec<_> = profile.legacy.iter().map(Reading::Legacy).collect();
    let wrong = |reason: &str, source| Some(Obstacle::new(reason, Cure::Pack, source));
    let no_manifest = if profile.legacy.is_some() {
        "from before docker 1.10: it has no manifest.json"
    } else {
        "an OCI layout without a manifest.json"
    };
    let unless = |halves: Vec<_>, reason, source| {
        let obstacle = if halves.is_empty() { wrong(reason, source) } else { None };
        (halves, obstacle)
    };
    let has_layout_file = !profile.quirks.contains(Quirk::NoLayoutFile);
    let other_version = profile.quirks.contains(Quirk::OtherLayoutVersion);
    let layout_file = if other_version {
        wrong("the version in its oci-layout is not 1.0.0", IMPORTER)
    } else {
        wrong("an OCI layout without its oci-layout file", IMPORTER)
    };
    let valid = has_layout_file && !other_version;
    match engine {
        Engine::Docker20 if docker.is_empty() => unless(legacy, no_manifest, "moby 20.10, image/tarexport/load.go"),
        engine if IMPORTERS.contains(&engine) => match (oci.is_empty(), docker.is_empty()) {
            (false, _) if valid => (oci, None),
            (false, _) if other_version => (oci, layout_file),
            (true, false) if has_layout_file && !profile.has_index => {
                (docker, wrong("it has an oci-layout, but no index.json", IMPORTER))
            }
            (_, false) => (docker, None),
            (false, true) => (oci, layout_file),
            (true, true) => (docker, wrong(no_manifest, IMPORTER)),
        },
        Engine::Regctl => match (oci.is_empty(), docker.is_empty()) {
            (false, _) if valid => (oci, None),
            (_, false) => (docker, None),
            (false, true) => (oci, layout_file),
            (true, true) => (docker, wrong(no_manifest, "regclient, image.go")),
        },
        Engine::Umoci04 | Engine::Umoci06 if valid => unless(oci, "no OCI layout: no index.json", UMOCI),
        Engine::Umoci04 | Engine::Umoci06 if oci.is_empty() => (oci, wrong("no OCI layout: no index.json", UMOCI)),
        Engine::Umoci04 | Engine::Umoci06 => (oci, layout_file),
        engine if PODMAN.contains(&engine) => unless(oci.into_iter().chain(docker).collect(), no_manifest, TARFILE),
        Engine::SkopeoOci19 | Engine::SkopeoOci122 | Engine::BuildahOci128 | Engine::BuildahOci145 => {
            unless(oci, "no OCI layout: no index.json", "containers/image, oci/layout")
        }
        Engine::CraneLayout => unless(oci, "no OCI layout: no index.json", "go-containerregistry, pkg/v1/layout"),
        _ => unless(docker, no_manifest, TARFILE),
    }
}
