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
use rules::{Cure, Half, IMPORTERS, LAYOUT_FOLDERS, PODMAN};

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
    let mut attempts = Vec::new();
    match halves(engine, profile) {
        Ok(halves) => {
            for half in halves {
                attempts.push(match half {
                    Reading::Docker(half) => reader.docker(profile, half),
                    Reading::Oci(half) => reader.oci(profile, half),
                    Reading::Legacy(image) => reader.legacy(profile, image),
                });
            }
        }
        Err(obstacle) => {
            let mut attempt = Attempt::default();
            // That it is a folder, say, is to be told before that it is the wrong format.
            for rule in rules::broken(engine, Half::Oci, profile.quirks).filter(|rule| rule.half.is_none()) {
                attempt.obstacle(Obstacle::new(rule.reason, rule.cure, rule.source));
            }
            attempt.obstacle(obstacle);
            attempts.push(attempt);
        }
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

/// Returns the halves that an engine tries, in its order; or why it finds none.
fn halves(engine: Engine, profile: &Profile) -> Result<Vec<Reading<'_>>, Obstacle> {
    let docker = profile.docker.as_ref().map(Reading::Docker);
    let oci = profile.oci.as_ref().map(Reading::Oci);
    let wrong = |reason: &str, source| Err(Obstacle::new(reason, Cure::Pack, source));
    let no_manifest = if profile.legacy.is_some() {
        "from before docker 1.10: it has no manifest.json"
    } else {
        "an OCI layout without a manifest.json"
    };
    let has_layout = !profile.quirks.contains(Quirk::NoLayoutFile);
    let other_version = profile.quirks.contains(Quirk::OtherLayoutVersion);
    if IMPORTERS.contains(&engine) {
        const SOURCE: &str = "containerd, core/images/archive/importer.go";
        return match (has_layout, oci, docker) {
            (true, ..) if other_version => wrong("the version in oci-layout is not 1.0.0", SOURCE),
            (true, Some(oci), _) => Ok(vec![oci]),
            (false, _, Some(docker)) => Ok(vec![docker]),
            (true, None, Some(_)) if !profile.has_index => wrong("it has an oci-layout, but no index.json", SOURCE),
            (true, None, Some(docker)) => Ok(vec![docker]),
            (false, Some(_), None) => wrong("an OCI layout without its oci-layout file", SOURCE),
            (_, None, None) => wrong(no_manifest, SOURCE),
        };
    }
    match engine {
        Engine::Docker20 => {
            let legacy = profile.legacy.as_ref().map(Reading::Legacy);
            docker
                .or(legacy)
                .map_or_else(|| wrong(no_manifest, "moby 20.10, image/tarexport/load.go"), |half| Ok(vec![half]))
        }
        Engine::Regctl if has_layout && !other_version && oci.is_some() => Ok(oci.into_iter().collect()),
        Engine::Regctl => {
            let reason = if oci.is_some() { "an OCI layout without a valid oci-layout file" } else { no_manifest };
            docker.map_or_else(|| wrong(reason, "regclient, image.go"), |half| Ok(vec![half]))
        }
        Engine::Umoci04 | Engine::Umoci06 => match oci {
            Some(oci) if has_layout && !other_version => Ok(vec![oci]),
            Some(_) => wrong("an OCI layout without a valid oci-layout file", "umoci, oci/cas/dir/dir.go"),
            None => wrong("no OCI layout: no index.json", "umoci, oci/cas/dir/dir.go"),
        },
        engine if PODMAN.contains(&engine) => {
            let halves: Vec<_> = oci.into_iter().chain(docker).collect();
            if halves.is_empty() { wrong(no_manifest, "containers/common, libimage/load.go") } else { Ok(halves) }
        }
        Engine::SkopeoOci19
        | Engine::SkopeoOci122
        | Engine::BuildahOci128
        | Engine::BuildahOci145
        | Engine::CraneLayout => oci.map_or_else(
            || wrong("no OCI layout: no index.json", "containers/image, oci/layout"),
            |half| Ok(vec![half]),
        ),
        _ => docker
            .map_or_else(|| wrong(no_manifest, "containers/image, docker/internal/tarfile"), |half| Ok(vec![half])),
    }
}
